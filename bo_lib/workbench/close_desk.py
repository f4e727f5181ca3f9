"""The month's end: trial balance, statements, tasks, and filings ahead."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pyarrow as pa

from bo_lib import config
from bo_lib.books import Book
from bo_lib.close import (
    CloseState,
    Evidence,
    NetAssetsStatement,
    RollForward,
    close,
    roll_forward,
    statement_of_net_assets,
    trial_balance,
)
from bo_lib.filings import obligations
from bo_lib.model import dates
from bo_lib.model.findings import Outcome
from bo_lib.model.money import ZERO
from bo_lib.nav import marks, value
from bo_lib.recon import accepted_breaks
from bo_lib.views.pages import close as pages
from bo_lib.views.report import Report
from bo_lib.workbench.dealing_desk import DealingDesk
from bo_lib.workbench.desk import once
from bo_lib.workbench.recon_desk import ReconDesk

FILINGS_AHEAD_DAYS = 190


class CloseDesk(ReconDesk, DealingDesk):
    @once
    def booked(self) -> Book:
        """The books with tonight's accruals in them."""
        return self.known.book().value

    @once
    def adjusted(self) -> pa.Table:
        struck = self.struck().value
        return trial_balance(self.booked().trial_balance(), struck.marked, self._chart())

    def _chart(self) -> config.ChartOfAccounts:
        return self.office.chart or config.ChartOfAccounts(accounts={})

    @once
    def rolled(self) -> RollForward | None:
        """Net assets from the last strike of the month before to tonight's."""
        start = dates.add_business_days(self.day.replace(day=1), -1, self.fund.calendar)
        before = CloseDesk(self.office, self.fund.id, max(start, self.fund.inception), self.known_at, self.heads)
        opening = before.net_assets_struck()
        adjusted = before.adjusted_at_valuation() if opening is not None else None
        if opening is None or adjusted is None:
            return None
        return roll_forward(adjusted, self.adjusted(), opening, self.struck().value.net_assets)

    def net_assets_struck(self) -> Decimal | None:
        """As the day's strike recorded it, or as taken over on the inception date."""
        struck = [f for f in self.known.facts("nav.struck") if f.effective_date == self.day]
        if struck:
            return Decimal(struck[-1].payload["net_assets"])
        taken_over = [f for f in self.known.facts("opening.nav") if f.effective_date == self.day]
        return sum((Decimal(s["net_assets"]) for s in taken_over[-1].payload["state"].values()), ZERO) if taken_over else None

    def adjusted_at_valuation(self) -> pa.Table | None:
        """The trial balance of the day with its marks, from the day's own prices and rates."""
        priced, rates = self.priced(), self.rates()
        if not (priced.ok and rates.ok):
            return None
        book = self.booked()
        valued = value(book, priced.value, rates.value, self.known.instruments, self.fund.base_currency, self.day).value
        return trial_balance(book.trial_balance(), marks(book, valued, self.fund.id), self._chart())

    @once
    def stated(self) -> NetAssetsStatement:
        return statement_of_net_assets(self.struck().value)

    @once
    def closing(self) -> Outcome[CloseState]:
        terms = config.load(self.office.root / "parameters" / "close.yaml", config.Close)
        struck = self.struck()
        evidence = Evidence(
            self.fund.id, self.day, book=self.booked(), struck=struck.value if struck.ok else None,
            controls=self.controlled() if struck.ok else None,
            reconciliations={name: self.reconciled(name).value for name in ("cash", "positions")}, adjusted=self.adjusted(),
            statement=self.stated(), roll=self.rolled(), accepted_breaks=accepted_breaks(self._break_payloads(), self.day),
            waiting=tuple(r.finding for r in self.known.refused()),
        )  # fmt: skip
        return close(terms, evidence, self.fund.calendar)

    @once
    def obliged(self) -> pa.Table:
        filings = config.load(self.office.root / "parameters" / "filings.yaml", config.Filings)
        done = {(f.payload["form"], date.fromisoformat(f.payload["period_end"])) for f in self.known.facts("filing.made")}
        return obligations(
            self.fund,
            filings,
            self.day - timedelta(days=90),
            self.day + timedelta(days=FILINGS_AHEAD_DAYS),
            today=self.day,
            done=done,
        )

    # Pages

    @once
    def trial_balance(self) -> Report:
        return pages.trial_balance_report(self.adjusted(), self.fund.base_currency)

    @once
    def statement_of_net_assets(self) -> Report:
        return pages.statement_report(self.stated(), self.fund.base_currency, self.day)

    @once
    def roll_forward(self) -> Report:
        return pages.roll_forward_report(self.rolled(), self.fund.base_currency)

    @once
    def close_tasks(self) -> Report:
        outcome = self.closing()
        month_end = dates.is_last_business_day_of_month(self.day, self.fund.calendar)
        return pages.tasks_report(outcome.value, outcome.findings, month_end)

    @once
    def filing_calendar(self) -> Report:
        return pages.filings_report(self.obliged(), self.day)
