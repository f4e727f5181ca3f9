"""Financial statements at the desk: the general ledger of a month and the statements made of it."""

from __future__ import annotations

from calendar import isleap
from datetime import date

import pyarrow as pa

from bo_lib import config
from bo_lib.books import Book
from bo_lib.close import FairValueLevels, Financials, Layout, Period, Sources, financials, period, sourced_journal
from bo_lib.model import dates
from bo_lib.nav import ClassState, marks, state_from_payload, value
from bo_lib.workbench.desk import once
from bo_lib.workbench.nav_desk import NavDesk
from bo_lib.workbench.opening import OPENING_NAV

HARD = "close.hard"  # the fact by which a month is closed for good


class StatementsDesk(NavDesk):
    @once
    def booked(self) -> Book:
        """The books with tonight's accruals in them."""
        return self.known.book().value

    def _chart(self) -> config.ChartOfAccounts:
        return self.office.chart or config.ChartOfAccounts(accounts=())

    @property
    def opened(self) -> date:
        """The day whose close the month begins with: the last business day before it, or the inception."""
        before = dates.add_business_days(self.day.replace(day=1), -1, self.fund.calendar)
        return max(before, self.fund.inception)

    @once
    def before(self) -> StatementsDesk:
        """The desk at the close of ``opened``."""
        return type(self)(self.office, self.fund.id, self.opened, self.known_at, self.heads)

    @once
    def marked(self) -> pa.Table | None:
        """The marks of the day from its own prices and rates; None when one is missing."""
        priced, rates = self.priced(), self.rates()
        if not (priced.ok and rates.ok):
            return None
        book = self.booked()
        valued = value(book, priced.value, rates.value, self.known.instruments, self.fund.base_currency, self.day).value
        return marks(book, valued, self.fund.id)

    @once
    def month(self) -> Period | None:
        """The general ledger of the month up to the day; None when the day or the one it begins with cannot be valued."""
        marked_before, marked = self.before().marked(), self.marked()
        if marked_before is None or marked is None or self.opened >= self.day:
            return None
        journal = sourced_journal(self.booked())
        return period(self.fund.id, self.fund.base_currency, journal, marked_before, marked, self.opened, self.day, self._chart())

    @once
    def sources(self) -> Sources | None:
        of = self.month()
        if of is None:
            return None
        levels = config.load(self.office.root / "parameters" / "rules" / "fair_value_levels.yaml", FairValueLevels)
        prior = self.before().month() if self.opened > self.fund.inception else None
        year = 366 if isleap(self.day.year) else 365
        return Sources(
            of, self.struck().value, self.known.instruments, self.booked().realised, self.observed(), levels, year, prior
        )

    @once
    def financials(self, framework: str) -> Financials | None:
        """``framework``: a file of parameters/statements (us_gaap, ifrs)."""
        given = self.sources()
        return financials(given, self.layout(framework)) if given else None

    def layout(self, framework: str) -> Layout:
        return config.load(self.office.root / "parameters" / "statements" / f"{framework}.yaml", Layout)

    @property
    def frameworks(self) -> list[str]:
        return sorted((p.stem for p in (self.office.root / "parameters" / "statements").glob("*.yaml")), reverse=True)

    def observed(self) -> dict[date, dict[str, ClassState]]:
        """The classes on every day of the month that has a NAV, and at its beginning; tonight's as struck now."""
        found = {}
        for kind in (OPENING_NAV, "nav.struck", HARD):  # a month closed for good says last what its NAV is
            for fact in self.known.facts(kind):
                if self.opened <= fact.effective_date <= self.day and "state" in fact.payload:
                    found[fact.effective_date] = state_from_payload(fact.payload["state"])
        return {**found, self.day: dict(self.struck().value.state)}
