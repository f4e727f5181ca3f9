"""Prices, the strike, its controls and the administrator's shadow."""

from __future__ import annotations

from datetime import timedelta

from bo_lib.model import dates, tables
from bo_lib.model.events import Split
from bo_lib.model.findings import Outcome, error
from bo_lib.model.money import Rates
from bo_lib.nav import Priced, State, Strike, select_prices, select_rates, state_from_payload, strike
from bo_lib.workbench.desk import Desk, once
from bo_lib.workbench.opening import OPENING_NAV

PRICE_HISTORY_DAYS = 30  # calendar days of earlier prices that the checks look at


class NavDesk(Desk):
    @once
    def priced(self) -> Outcome[Priced]:
        own = self.known
        first = max(self.fund.inception, self.day - timedelta(days=PRICE_HISTORY_DAYS))
        held = own.book().value.positions()["isin"].to_pylist()
        splits = [e for e in own.events() if isinstance(e, Split)]
        return select_prices(
            own.rows(tables.PRICES, first), held, self.fund.price_sources, self.day, tolerances=self.fund.tolerances,
            instruments=own.instruments, splits=splits,
        )  # fmt: skip

    @once
    def rates(self) -> Outcome[Rates]:
        own, first = self.known, self.day - timedelta(days=PRICE_HISTORY_DAYS)
        book = own.book().value
        used = {*book.trial_balance()["currency"].to_pylist(), *book.positions()["currency"].to_pylist(), self.fund.base_currency}
        deals = book.open_deals
        used |= {*deals["buy_currency"].to_pylist(), *deals["sell_currency"].to_pylist()}
        used |= {c.currency for c in self.fund.on(self.day).classes}
        return select_rates(
            own.rows(tables.FX_RATES, first), used, (self.fund.fx_source,), self.day, tolerances=self.fund.tolerances
        )

    @once
    def previous(self) -> Outcome[State | None]:
        """The classes at the strike of the business day before; an error when it has not been struck."""
        before = dates.previous_business_day(self.day, self.fund.calendar)
        if before <= self.fund.inception:
            taken_over = self.known.facts(OPENING_NAV)
            if taken_over:
                return Outcome(state_from_payload(taken_over[-1].payload["state"]))
        struck = [f for f in self.known.facts("nav.struck") if f.effective_date == before]
        if struck:
            return Outcome(state_from_payload(struck[-1].payload["state"]))
        todo = f"strike it first: bo run nav_strike --fund {self.fund.id} --date {before}"
        return Outcome(None, (error("previous-nav-missing", f"{self.fund.id} has no NAV of {before}", todo=todo),))

    @once
    def struck(self) -> Outcome[Strike]:
        """Tonight's strike, of the books without tonight's own accruals: struck again it gives the same."""
        tonight = (f"{self.fund.id}:accrual:{self.day}:",)
        before, priced, rates = self.previous(), self.priced(), self.rates()
        book = self.known.book(without=tonight).value
        made = strike(book, priced.value, rates.value, self.fund, self.day, before.value, instruments=self.known.instruments)
        return Outcome(made.value, (*before.findings, *priced.findings, *rates.findings, *made.findings))
