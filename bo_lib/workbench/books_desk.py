"""The books at the desk: what they hold as of any day and time, what waits for a person, and where a figure comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bo_lib import config
from bo_lib.books import Book, Refusal, adjustments, explain, profit_and_loss, result, waiting
from bo_lib.model import dates, tables
from bo_lib.model.findings import Finding, Outcome, Severity, Verdict
from bo_lib.nav import explain_nav, marks, steps_of_class, value, valued
from bo_lib.views.pages import books as pages
from bo_lib.views.pages import explain as page
from bo_lib.views.report import Report
from bo_lib.workbench.desk import once
from bo_lib.workbench.door import Door
from bo_lib.workbench.nav_desk import PRICE_HISTORY_DAYS, NavDesk

TABLES = ("positions", "positions-settled", "lots", "journal", "trial-balance", "pnl", "realised", "adjustments", "waiting")


class BooksDesk(NavDesk):
    @property
    def book(self) -> Book:
        """The books as of the business date, as known at the desk's time: positions, lots, journal, trial balance, …"""
        return self.known.book().value

    # What waits

    def waiting(self) -> Report:
        """What a person corrects: events that the books refused, or their door, and trades held back before it."""
        refused, held = ([{**row, "file": self.known.name_of(row["file"])} for row in waiting(found).to_pylist()]
                         for found in (self.known.refused(), self.held_trades()))  # fmt: skip
        return pages.waiting_report(refused, held, self.fund.id)

    def refusals(self) -> list[Refusal]:
        return [*self.known.refused(), *self.held_trades()]

    def held_trades(self) -> list[Refusal]:
        """Trades held back before the books; the settlement desk knows them."""
        return []

    def correct(self, event_id: str, changes: Mapping[str, Any], reason: str) -> Report:
        """Adds the next version of a waiting event with ``changes`` (field -> value), and says whether the books take it."""
        made = self._door().correct(self.refusals(), event_id, changes, reason)
        self.done.clear()  # what the desk has worked out may stand on it
        if not made.value:
            return pages.decided_report("Nothing was changed.", self.waiting(), Verdict.BLOCKED, made.findings)
        again = [r.finding for r in self.known.refused() if r.event.event_id == made.value.event_id]
        said = f"{made.value.event_id} takes the place of {event_id}, and {'waits itself' if again else 'is in the books'}."
        return pages.decided_report(said, self.waiting(), Verdict.ATTENTION if again else Verdict.PASS, again)

    def withdraw(self, event_id: str, reason: str) -> Report:
        """Takes back a waiting event that should never have come."""
        made = self._door().withdraw(self.refusals(), event_id, reason)
        self.done.clear()
        said = f"{event_id} is withdrawn." if made.ok else "Nothing was changed."
        return pages.decided_report(said, self.waiting(), Verdict.PASS if made.ok else Verdict.BLOCKED, made.findings)

    def _door(self) -> Door:
        if self.known.past:
            raise config.ParameterError("a desk that looks at the past writes nothing; open it without known_at")
        return Door(self.office, self.fund)

    # As of

    def books(self, name: str, first: date | None = None, basis: str = "") -> Report:
        """A table of the books (one of ``TABLES``) as of the business date and the desk's known-at; ``first``: of a result.

        ``basis``: of accounting, such as IFRS or TAX (default: US GAAP). Raises ``KeyError`` for another name and
        ``ParameterError`` for another basis.
        """
        pages_of = {"pnl": lambda: self.pnl(first, basis), "adjustments": self.adjustments, "waiting": self.waiting}
        if name in pages_of:
            return pages_of[name]()
        book = self.known.book(basis=basis).value
        tables_of: dict[str, Callable[[], pa.Table]] = {
            "positions": book.positions, "positions-settled": lambda: book.positions("settlement"), "lots": book.lots,
            "journal": lambda: book.journal, "trial-balance": book.trial_balance, "realised": lambda: book.realised,
        }  # fmt: skip
        title = name.replace("-", " ").capitalize() + (f", {basis}" if basis else "")
        return pages.table_report(name, title, tables_of[name](), self.fund.id, self.day, self.known_at)

    def adjustments(self) -> Report:
        """What came after its period was closed and was booked in the first open one."""
        made = adjustments(self.book)
        named = pa.array([self.known.name_of(sha256) for sha256 in made["file"].to_pylist()], pa.string())
        made = made.set_column(made.column_names.index("file"), "file", named)
        return pages.adjustments_report(made, self.fund.base_currency)

    def pnl(self, first: date | None = None, basis: str = "") -> Report:
        """Profit and loss by instrument from ``first`` (default: since the books began), held against the trial balance."""
        base, chart = self.fund.base_currency, self.office.chart or config.ChartOfAccounts(accounts=())
        book, after, before = self.known.book(basis=basis).value, self._marked(self.day, basis), None
        ledger = result(book.trial_balance(), chart) + result(after.value, chart)
        start = dates.previous_business_day(first, self.fund.calendar) if first else None
        if start is None or start < self.fund.inception:
            first = None
        else:
            before = self._marked(start, basis)
            then = self.known.book(until=start, basis=basis).value
            ledger -= result(then.trial_balance(), chart) + result(before.value, chart)
        made = profit_and_loss(book.journal, after.value, chart, first=first, marks_before=before.value if before else None)
        names = dict(zip(*(self.known.instruments[c].to_pylist() for c in ("isin", "name")), strict=True))
        made = made.add_column(1, "name", pa.array([names.get(item, "") for item in made["item"].to_pylist()], pa.string()))
        findings = [*after.findings, *(before.findings if before else ())]
        return pages.result_report(made, first, self.day, base, ledger, findings)

    def _marked(self, day: date, basis: str) -> Outcome[pa.Table]:
        """The marks that bring the books of ``day`` to its prices and rates; none when any of these is missing, and what."""
        desk = NavDesk(self.office, self.fund.id, day, self.known_at, self.heads)
        priced, rates = desk.priced(), desk.rates()
        book = self.known.book(until=day, basis=basis).value
        worth = value(book, priced.value, rates.value, self.known.instruments, self.fund.base_currency, day)
        missing = _errors((*priced.findings, *rates.findings, *worth.findings))
        return Outcome(tables.JOURNAL.empty() if missing else marks(book, worth.value, self.fund.id), missing)

    # Where a figure comes from

    def explain(self, figure: str) -> Report:
        """From a figure to its journal lines, the events behind them, and the line of the file each was read from.

        ``nav``: net assets of the fund; ``nav/A``: of a class, with its NAV per unit; an ISIN: the position and its value;
        else a ledger balance: ``cash``, ``cash/USD``, ``management_fee_payable/A``, ``unrealised_gain``.
        """
        name, _, share_class = figure.strip().partition("/")
        struck = self.struck()
        classes = struck.value.rows
        if name == "nav" and share_class in ("", *classes):
            found = explain_nav(struck.value, self.book, self.components(), share_class)
            steps = steps_of_class(classes[share_class]) if share_class else None
            shown = None if share_class else self.components()
            return page.explain_report(found, self.known.name_of, steps=steps, valued=shown, findings=_errors(struck.findings))
        known = ("nav", *(f"nav/{c}" for c in classes))
        outcome = explain(self.book, figure, struck.value.marked, also=known)
        if outcome.value is None:
            return page.unknown_report(figure, outcome.findings)
        its = self.components().filter(pc.equal(self.components()["item"], name))
        return page.explain_report(outcome.value, self.known.name_of, valued=its if its.num_rows else None)

    @once
    def components(self) -> pa.Table:
        """Table VALUED of tonight's strike."""
        own = self.known
        prices, rates = (own.rows(kind, self.day - timedelta(days=PRICE_HISTORY_DAYS)) for kind in (tables.PRICES, tables.FX_RATES))
        return valued(self.struck().value, self.book, prices, rates, self.fund.fx_source)


def _errors(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(f for f in findings if f.severity is Severity.ERROR)
