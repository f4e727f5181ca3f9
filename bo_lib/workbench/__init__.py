"""The facade: one fund on one business date, in the words of the desk."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

from bo_lib.config import ParameterError
from bo_lib.model import dates
from bo_lib.model.dates import parse_date
from bo_lib.model.findings import Severity, Verdict
from bo_lib.views.report import Figure, Report
from bo_lib.workbench import inbox
from bo_lib.workbench.actions_desk import ActionsDesk
from bo_lib.workbench.books_desk import BooksDesk
from bo_lib.workbench.office import Office
from bo_lib.workbench.opening import open_books
from bo_lib.workbench.period_desk import PeriodDesk
from bo_lib.workbench.settlement_desk import SettlementDesk

__all__ = ["Workbench", "catch_up", "read_inbox"]

BOOKED = ("cash", "positions", "positions_three_way", "trades", "income")  # reconciled once the day is booked
STRUCK = ("prices", "prices_second_source", "nav_components", "units")  # and once it is struck


class Workbench(SettlementDesk, ActionsDesk, PeriodDesk, BooksDesk):
    """Each step returns a report that shows itself; a step done twice changes nothing."""

    @classmethod
    def open(cls, fund: str, business_date: str, known_at: str = "", root: str | Path | None = None) -> Workbench:
        """Opens the desk of ``fund`` (its id) on ``business_date`` (ISO). Everything is text, as a notebook's parameters are.

        With ``known_at`` (ISO 8601 with offset) the desk shows what was known then and writes nothing. Raises ``ParameterError``
        for an unknown fund and ``ValueError`` for what is no date.
        """
        heads = json.loads(os.environ["BO_HEADS"]) if "BO_HEADS" in os.environ else None  # a run made again reads the facts of then
        desk = cls(Office(Path(root) if root else None), fund, parse_date(business_date), known_at, heads)
        if not desk.known.past:
            open_books(desk.office, fund)  # the first time only; what is missing is said where it is needed
        return desk

    def _repr_html_(self) -> str:
        return self.cover().to_html()

    def cover(self) -> Report:
        fund, when = self.fund, f"as known at {self.known_at}" if self.known_at else "as known now"
        business = "a business day" if dates.is_business_day(self.day, fund.calendar) else f"no business day ({fund.calendar})"
        figures: tuple[Figure, ...] = (
            Figure("Fund", fund.id),
            Figure("Business date", self.day, business),
            Figure("Base currency", fund.base_currency),
        )
        return Report("cover", fund.name, Verdict.PASS, f"{fund.name} on {self.day}, {when}.", (*figures, *self.waiting_figures()))

    def carry(self) -> tuple[Report, ...]:
        """The day's work without its notebooks: the same calls in the same order, and what each reports."""
        return (
            self.arrivals(), self.trades(), self.settle(), self.open_trades(), self.announcements(), self.entitlements(),
            *map(self.reconcile, BOOKED), self.breaks(), self.prices(), self.strike(), self.nav_controls(), self.shadow(),
            *map(self.reconcile, STRUCK), self.orders(), self.deal(),
        )  # fmt: skip


def read_inbox(office: Office, until: date) -> None:
    """Reads every file in the inbox up to ``until`` that has not been read, as of its own day."""
    first = min((fund.inception for fund in office.funds), default=until)
    for day in dates.business_days(first, until, "NONE"):
        with office.at(f"{day}T20:00:00Z"):
            inbox.ingest(office, day)


def catch_up(root: Path, fund_id: str, until: date) -> None:
    """Opens the fund's books if they are not, and carries every business day that has no NAV up to ``until``.

    Facts of a day become known at its close, as if it had been run then. Raises ``ParameterError`` without opening books.
    """
    office = Office(root)
    fund = office.fund(fund_id)
    with office.at(f"{fund.inception}T20:00:00Z"):
        missing = [f for f in open_books(office, fund_id) if f.severity is Severity.ERROR]
    if missing:
        raise ParameterError("; ".join(map(str, missing)))
    struck = {f.effective_date for f in office.store.facts("nav.struck", stream=fund_id)}
    for day in dates.business_days(fund.inception, until, fund.calendar)[1:]:
        if day not in struck:
            with office.at(f"{day}T20:00:00Z"):
                Workbench(office, fund_id, day).carry()
