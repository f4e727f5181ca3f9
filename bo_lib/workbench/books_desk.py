"""The books at the desk: what they hold as of any day and time, what waits for a person, and where a figure comes from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bo_lib import config
from bo_lib.books import Book, adjustments, corrected, explain, profit_and_loss, result, waiting
from bo_lib.model import dates, events, four_eyes, tables
from bo_lib.model.findings import Finding, Outcome, Severity, Verdict, error
from bo_lib.model.four_eyes import Proposal
from bo_lib.model.money import ZERO
from bo_lib.nav import explain_nav, marks, steps_of_class, value, valued
from bo_lib.views.pages import books as pages
from bo_lib.views.pages import explain as page
from bo_lib.views.report import Report
from bo_lib.workbench.desk import once
from bo_lib.workbench.door import CORRECT, JOURNAL, WITHDRAW, Door
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
        return pages.waiting_report(refused, held, [p for p in self.proposals() if p.state == "waiting"], self.fund.id)

    def correct(self, event_id: str, changes: Mapping[str, Any], reason: str) -> Report:
        """Adds the next version of an event with ``changes`` (field -> value), and says whether the books take it.

        What moves more than the firm's limit, or nobody knows how much, is proposed for a second person.
        """
        door = self._door()
        found = door.find(self.refusals(), event_id)
        made = corrected(found.value, changes, reason) if found.value else Outcome((), found.findings)
        if not found.value or not made.value:
            return self._unchanged(made.findings)
        event, new = found.value, made.value[1]
        if self._needs_two(value := self._moves(event, new)) or door.needs_leave((event, new)):
            return self._proposed(door.propose(CORRECT, event, reason, value, new, changes))
        again = door.correct(self.refusals(), event_id, changes, reason, **self._leave(value)).findings
        self.done.clear()  # what the desk has worked out may stand on it
        again += tuple(r.finding for r in self.known.refused() if r.event.event_id == new.event_id and r.finding not in again)
        said = f"{new.event_id} takes the place of {event_id}, and {'waits itself' if again else 'is in the books'}"
        said += f"; it moves {value:,.2f}, and one person may do so up to {self.office.firm.four_eyes_above:,f}."
        return pages.decided_report(said, self.waiting(), Verdict.ATTENTION if again else Verdict.PASS, again)

    def withdraw(self, event_id: str, reason: str) -> Report:
        """Takes back an event that should never have come; above the limit, and a manual journal, takes a second person."""
        door = self._door()
        found = door.find(self.refusals(), event_id)
        if not found.value or not reason:
            return self._unchanged(found.findings or door.withdraw(self.refusals(), event_id, reason).findings)
        value = self._moves(found.value)
        if self._needs_two(value) or isinstance(found.value, events.ManualJournal) or door.needs_leave([found.value]):
            return self._proposed(door.propose(WITHDRAW, found.value, reason, value))
        door.withdraw(self.refusals(), event_id, reason, **self._leave(value))
        self.done.clear()
        return pages.decided_report(f"{event_id} is withdrawn.", self.waiting(), Verdict.PASS, ())

    def _unchanged(self, findings: Sequence[Finding]) -> Report:
        return pages.decided_report("Nothing was changed.", self.waiting(), Verdict.BLOCKED, findings)

    def _needs_two(self, value_base: Decimal | None) -> bool:
        return four_eyes.needs_two(value_base, self.office.firm.four_eyes_above)

    def _leave(self, value_base: Decimal | None) -> dict[str, str]:
        return {"value_base": f"{value_base:f}", "limit_base": f"{self.office.firm.four_eyes_above:f}"}

    def _moves(self, *versions: events.Event) -> Decimal | None:
        """The most that one of these events debits, in base currency, or that its securities are worth by the last price.

        None where the books cannot say, or count no money.
        """
        there = {e.event_id for e in self.known.events()}
        book = self.known.book(plus=[e for e in versions if e.event_id not in there]).value
        moved: dict[str, Decimal] = defaultdict(Decimal)
        for entry, _, line in book.lines():
            moved[entry.event.event_id] += max(line.base, ZERO)
        return max((max(moved[e.event_id], self._market_value(e)) for e in versions if moved[e.event_id]), default=None)

    def _market_value(self, event: events.Event) -> Decimal:
        price, rates = self.known.last_prices.get(getattr(event, "isin", "")), self.known.rates_on(self.day)
        if not price or not rates or price.currency not in rates:
            return ZERO
        return rates.convert(getattr(event, "quantity", ZERO) * price.per_unit, price.currency, self.fund.base_currency)

    # What two people decide

    def proposals_listed(self, *, answered_too: bool = False) -> Report:
        return pages.proposals_report([p for p in self.proposals() if answered_too or p.state == "waiting"], self.fund.id)

    def propose_journal(self, journal: events.ManualJournal) -> Report:
        """Proposes a manual journal; it is booked when a second person approves it. What the books would refuse is refused now."""
        door = self._door()
        trial = journal.model_copy(update={"maker": self.office.actor, "checker": "a second person"})
        findings = [r.finding for r in self.known.book(plus=[trial]).value.refused if r.event.event_id == trial.event_id]
        if journal.maker or journal.checker:
            told, todo = "maker and checker are the authors of the proposal and its approval", "leave them out"
            findings.append(error("journal-signers", told, found=f"{journal.maker} and {journal.checker}", todo=todo))
        if journal.event_id in door.stored or journal.event_id in door.corrected:
            findings.append(error("journal-known", f"there is a journal {journal.event_id} already", todo="give it another id"))
        findings += [r.finding for r in door.admitted([journal]).refused]
        if findings:
            return self._unchanged(findings)
        return self._proposed(door.propose(JOURNAL, journal, journal.reason, self._moves(trial)))

    def approve_proposal(self, name: str, text: str = "") -> Report:
        """Agrees, as a second person, to what waits under this id or about this event; it is done at once."""
        made = self._door().approve(name, text)
        self.done.clear()
        if not made.value:
            return self._unchanged(made.findings)
        p = made.value
        said = f"Approved by {p.checker}: {p.action} {p.about}, as {p.by} proposed."
        return pages.decided_report(said, self.waiting(), Verdict.PASS, ())

    def reject_proposal(self, name: str, text: str) -> Report:
        made = self._door().proposals.reject(name, text)
        if not made.value:
            return self._unchanged(made.findings)
        return pages.decided_report(f"{made.value.about} stays as it is: {made.value.answer}.", self.waiting(), Verdict.PASS, ())

    def _proposed(self, made: Outcome[Proposal | None]) -> Report:
        if (p := made.value) is None:
            return self._unchanged(made.findings)
        worth = "an amount nobody knows" if p.value_base is None else f"{p.value_base:,.2f}"
        limit = f"one person may up to {self.office.firm.four_eyes_above:,f}"
        above = limit if p.action != JOURNAL and self._needs_two(p.value_base) else "two people do this whatever it moves"
        said = f"Proposal {p.id}: {p.action} {p.about}. It moves {worth} {self.fund.base_currency} ({above}) and waits for a second"
        said += f" person: bo proposals approve {p.id} --fund {self.fund.id}."
        return pages.decided_report(said, self.waiting(), Verdict.ATTENTION, ())

    def _door(self) -> Door:
        self.must_be_now()
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
