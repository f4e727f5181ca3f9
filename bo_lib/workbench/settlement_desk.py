"""Trades into the books, confirmations, open trades, cash ahead."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa

from bo_lib import config
from bo_lib.books import Refusal
from bo_lib.model import dates, events, tables
from bo_lib.model.findings import Outcome
from bo_lib.settlement import (
    SettlementDay,
    TradeDay,
    cash_ladder,
    check_deals,
    check_trades,
    event_id,
    settle,
    trade_event,
    trade_flows,
)
from bo_lib.settlement.ladder import FLOWS
from bo_lib.views.pages import settlement as pages
from bo_lib.views.report import Report
from bo_lib.workbench.desk import Desk, once

LADDER_DAYS = 5


class SettlementDesk(Desk):
    @once
    def trades(self) -> Report:
        """Checks the trades and currency deals received up to today and books those that stand."""
        checked, deals = self.checked_trades(), self.checked_deals()
        self.known.book_events([*checked.value.events, *deals.value])
        today = [e for e in self.known.standing(events.Trade) if e.effective_date == self.day or e in checked.value.events]
        return pages.trades_report(today, checked.value, deals.value, [*checked.findings, *deals.findings])

    @once
    def checked_trades(self) -> Outcome[TradeDay]:
        own = self.known
        decided = own.corrected()
        rows = [
            row for row in own.in_accounts(tables.TRADES, self.fund.inception).to_pylist()
            if row["status"] == "CANCEL" or event_id(row, self.fund.id) not in decided  # a person knows better than the file
        ]  # fmt: skip
        return check_trades(
            pa.Table.from_pylist(rows, schema=tables.TRADES.schema), self.day, fund=self.fund.id, accounts=self._accounts,
            instruments=own.instruments,
            cycles=self._cycles(), booked=own.standing(events.Trade),
            last_price=lambda isin: own.quoted.get(isin, []),
        )  # fmt: skip

    def held_back(self) -> list[dict[str, Any]]:
        return [dict(refused.row) for refused in self.checked_trades().value.refused]

    def held_trades(self) -> list[Refusal]:
        """Trades that were not let near the books, as events that a person can correct."""
        if not self.known.rows(tables.TRADES, self.fund.inception).num_rows:
            return []  # a firm that trades nothing needs no settlement cycles
        refused = self.checked_trades().value.refused
        return [Refusal(trade_event(r.row, self.fund.id, fits=False), r.finding) for r in refused]

    @once
    def checked_deals(self) -> Outcome[list[events.FxDeal | events.Reversal]]:
        booked = [e.event_id for e in self.known.standing(events.FxDeal)]
        gone = {e.source for e in self.known.events() if isinstance(e, events.FxDeal) and e.event_id not in booked}
        rows = self.known.in_accounts(tables.FX_DEALS)
        return check_deals(rows, fund=self.fund.id, accounts=self._accounts, booked=booked, taken_back=gone)

    @property
    def _accounts(self) -> list[str]:
        return [a.id for a in self.fund.accounts]

    def _cycles(self) -> config.Cycles:
        return config.load(self.office.root / "parameters" / "rules" / "settlement_cycles.yaml", config.Cycles)

    @once
    def settle(self) -> Report:
        """Applies the custodians' confirmations up to today; what settled moves cash and securities in the books."""
        self.trades()
        outcome = self.settled()
        self.known.book_events(outcome.value.events)
        settled = [e for e in self.known.standing(events.Settlement) if e.effective_date == self.day or e in outcome.value.events]
        return pages.settled_report(settled, outcome.value, outcome.findings, self.day)

    @once
    def settled(self) -> Outcome[SettlementDay]:
        own = self.known
        return settle(
            own.in_accounts(tables.SETTLEMENTS, self.fund.inception), own.book().value.open_trades, self.day, fund=self.fund.id,
            calendar=self.fund.calendar, booked=own.standing(events.Settlement), to_eur=self._to_eur,
        )  # fmt: skip

    def _to_eur(self, currency: str, amount: Decimal) -> Decimal | None:
        rates = self.known.rates_on(self.day)
        return rates.convert(amount, currency, "EUR") if rates and currency in rates and "EUR" in rates else None

    @once
    def open_trades(self) -> Report:
        self.settle()
        return pages.open_trades_report(self.settled().value.watch, self.day)

    @once
    def cash_ladder(self) -> Report:
        """Balances tonight, then what is agreed to move on each of the next business days."""
        self.settle()
        book, ahead = (
            self.known.book().value,
            [dates.add_business_days(self.day, n, self.fund.calendar) for n in range(1, LADDER_DAYS + 1)],
        )
        contractual = self.known.book(until=ahead[-1]).value.cash_movements(ahead[0], ahead[-1])
        agreed = pa.Table.from_pylist(
            [{name: row[name] for name in FLOWS.names} for row in contractual.to_pylist()], schema=FLOWS.schema
        )
        flows = pa.concat_tables([trade_flows(book.open_trades), agreed])
        failing = [row["trade_id"] for row in self.settled().value.watch.to_pylist() if row["days_late"] > 0]
        return pages.ladder_report(cash_ladder(book.cash(), flows, ahead, failing=failing), self.day)
