"""What truly happens to a demonstration fund, as events of the books, beside the administrator's own NAV packs.

The simulator keeps a ledger and an administrator of its own; here its trades, deals, actions and units become events, so that
the rooms can be held against a strike they did not make.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from bo_lib.books import Book, replay
from bo_lib.config import Cycles, Fund, load, load_fund
from bo_lib.demo import administrator
from bo_lib.demo.errors import Errors
from bo_lib.demo.files import Outbox
from bo_lib.demo.market import Action, Market
from bo_lib.demo.opening import opening_sheets
from bo_lib.demo.simulation import PACK_KEYS, Desk
from bo_lib.model import events as ev
from bo_lib.model.dates import is_business_day
from bo_lib.model.money import Rates
from bo_lib.model.tables import INSTRUMENTS, NAV_PACK, PRICES, TRIAL_BALANCE
from bo_lib.nav import Priced, select_prices

ROOT = Path(__file__).parents[2]
BOND_TERMS = ("coupon_pct", "coupons_per_year", "day_count", "issued", "maturity")


@dataclass
class Demonstration:
    """A fund over some days: events, prices, rates, and per day the administrator's pack and the orders dealt."""

    fund: Fund
    market: Market
    instruments: pa.Table
    opening_pack: pa.Table
    opening_balances: pa.Table
    opening_units: dict[tuple[str, str], Decimal]
    events: list[ev.Event] = field(default_factory=list)
    packs: dict[date, pa.Table] = field(default_factory=dict)
    orders: dict[date, list[dict[str, Any]]] = field(default_factory=dict)
    capital: dict[date, list[ev.Capital]] = field(default_factory=dict)  # by dealing day, the administrator's

    @property
    def days(self) -> list[date]:
        return sorted(self.packs)

    def rates(self, day: date) -> Rates:
        return self.market.rates(day)

    def prices(self, day: date) -> pa.Table:
        """What the fund's sources send on ``day``."""
        rows = [
            {
                "source": source,
                "isin": isin,
                "price_date": day,
                "price": self.market.price(isin, day, source),
                "currency": s.currency,
            }
            for isin, s in self.market.securities.items()
            if isin in self.market.prices[day]
            for source in self.fund.price_sources
        ]
        return PRICES.build(rows).value

    def priced(self, day: date) -> Priced:
        """Prices of everything that is quoted on ``day``."""
        table, fund = self.prices(day), self.fund
        wanted = set(table["isin"].to_pylist())
        return select_prices(table, wanted, fund.price_sources, day, tolerances=fund.tolerances, instruments=self.instruments).value

    def book(self, day: date, more: list[ev.Event]) -> Book:
        outcome = replay(
            [*self.events, *more], base_currency=self.fund.base_currency, instruments=self.instruments, rates=self.rates, until=day
        )
        assert outcome.ok, [str(f) for f in outcome.findings][:5]
        return outcome.value


def demonstrate(fund_id: str, last: date, seed: int = 7) -> Demonstration:
    fund = load_fund(ROOT, fund_id)
    cycles = load(ROOT / "parameters" / "rules" / "settlement_cycles.yaml", Cycles)
    market = Market(seed, 1, fund.inception, last)
    desk = _Recorder(fund, market, cycles, 1)
    first = Outbox(fund.inception)
    nav = administrator.strike(desk.book, first.day, desk.inputs(first.day))
    nav.net_assets, nav.fees = dict(desk.book.net_assets), dict(desk.book.fees)
    rows = administrator.pack(desk.book, nav)
    sheets = opening_sheets(desk.book, rows, PACK_KEYS)
    balances = TRIAL_BALANCE.build(
        dict(zip(TRIAL_BALANCE.names, (v or None if isinstance(v, str) else v for v in row), strict=True))
        for row in sheets["Balances"][1]
    ).value
    demo = Demonstration(
        fund, market, _master(market), NAV_PACK.build(rows).value, balances, {key: u for key, u in desk.book.register.items() if u}
    )
    demo.events += [*_lots(fund, sheets["Lots"][1]), *_balances(fund, balances)]
    desk.record(demo)
    for day in (d for d in market.days if fund.inception < d and is_business_day(d, fund.calendar)):
        desk.run_quietly(day)
    demo.events += _actions(fund, market)
    return demo


def _master(market: Market) -> pa.Table:
    rows = []
    for s in market.securities.values():
        row = {name: getattr(s, name) for name in ("isin", "name", "kind", "currency")}
        rows.append(row | ({name: getattr(s, name) for name in BOND_TERMS} if s.is_bond else {}))
    return INSTRUMENTS.build(rows).value


def _lots(fund: Fund, rows: Any) -> Iterator[ev.Event]:
    for lot_id, _, isin, acquired, quantity, currency, local, base in rows:
        yield ev.OpeningLot(event_id=lot_id, fund=fund.id, effective_date=fund.inception, account=fund.accounts[0].id, isin=isin,
                            quantity=quantity, currency=currency, cost_local=local, cost_base=base, acquired=acquired)  # fmt: skip


def _balances(fund: Fund, balances: pa.Table) -> Iterator[ev.Event]:
    for number, row in enumerate(balances.to_pylist()):
        account = fund.accounts[0].id if row["account"] else ""
        yield ev.OpeningBalance(
            event_id=f"open:{number}",
            fund=fund.id,
            effective_date=fund.inception,
            ledger=row["ledger"],
            account=account,
            share_class=row["share_class"] or "",
            currency=row["currency"],
            local=row["local"],
            base=row["base"],
        )


def _actions(fund: Fund, market: Market) -> Iterator[ev.Event]:
    for a in market.actions:
        if a.ex <= fund.inception and a.caev != "EXRI":
            continue
        common = {"event_id": f"{a.ref}:{a.caev}", "fund": fund.id, "effective_date": a.ex, "event_ref": a.ref, "isin": a.isin}
        if a.caev == "DVCA":
            yield ev.Dividend(
                **common, currency=a.currency, rate_per_share=a.rate, withholding_pct=a.withholding_pct, payment_date=a.pay
            )
        elif a.caev == "SPLF":
            yield ev.Split(**common, new=a.new, old=a.old)
        elif a.caev == "INTR":
            yield ev.Coupon(**common, currency=a.currency, rate_pct_of_nominal=a.rate, payment_date=a.pay)


class _Recorder(Desk):
    """A desk that writes down what its ledger is told."""

    demo: Demonstration

    def record(self, demo: Demonstration) -> None:
        """From now on."""
        self.demo, self.account, ledger = demo, demo.fund.accounts[0].id, self.book
        settle, orders = ledger.settle, demo.orders
        told = {"book_trade": self._trade, "book_deal": self._deal, "_exri": self._exercised, "_rhdi": self._granted}
        for name, tell in told.items():
            setattr(ledger, name, _both(tell, getattr(ledger, name)))

        def settled(day: date, rates: Rates) -> Any:
            entries, trades = settle(day, rates)
            for trade in trades:
                self._settled(trade)
            return entries, trades

        ledger.settle = settled  # type: ignore[method-assign]
        assert not orders

    def run_quietly(self, day: date) -> None:
        before = list(self.book.capital)
        self.run(Outbox(day), Errors(False, day))
        fresh = [c for c in self.book.capital if c not in before]
        self.demo.capital[day] = [self._capital(c) for c in fresh]
        self.demo.events += self.demo.capital[day]

    def _spoiled(self, nav: Any, out: Outbox, errors: Errors) -> Any:
        shown = super()._spoiled(nav, out, errors)
        self.demo.packs[out.day] = NAV_PACK.build(administrator.pack(self.book, shown)).value
        self.demo.orders[out.day] = [vars(o) for o in self.orders if o.deals_on == out.day]
        return shown

    def _common(self, event_id: str, day: date) -> dict[str, Any]:
        return {"event_id": event_id, "fund": self.demo.fund.id, "effective_date": day}

    def _trade(self, t: Any) -> None:
        self.demo.events.append(
            ev.Trade(
                **self._common(t.trade_id, t.trade_date),
                trade_id=t.trade_id,
                account=self.account,
                isin=t.isin,
                side=t.side,
                quantity=t.quantity,
                price=t.price,
                currency=t.currency,
                commission=t.commission,
                taxes=t.taxes,
                accrued_interest=t.accrued,
                settlement_date=t.settlement_date,
            )
        )

    def _settled(self, t: Any) -> None:
        self.demo.events.append(
            ev.Settlement(
                **self._common(f"{t.trade_id}:settled", t.settles), trade_id=t.trade_id, quantity=t.quantity, amount=t.net
            )
        )

    def _deal(self, d: Any) -> None:
        (buy_currency, buy), (sell_currency, sell) = d.buy, d.sell
        self.demo.events.append(
            ev.FxDeal(
                **self._common(d.deal_id, d.trade_date),
                deal_id=d.deal_id,
                account=self.account,
                style=d.kind,
                buy_currency=buy_currency,
                buy_amount=buy,
                sell_currency=sell_currency,
                sell_amount=sell,
                settlement_date=d.settlement_date,
                share_class=d.share_class,
            )
        )

    def _granted(self, a: Action, _: Decimal) -> None:
        self.demo.events.append(
            ev.RightsIssue(
                **self._common(f"{a.ref}:RHDI", a.ex),
                event_ref=a.ref,
                isin=a.isin,
                rights_isin=a.new_isin,
                new=a.new,
                old=a.old,
                value_share=Decimal(10),
                value_right=Decimal(1),
            )
        )

    def _exercised(self, a: Action, quantity: Decimal) -> None:
        self.demo.events.append(
            ev.RightsExercise(
                **self._common(f"{a.ref}:EXRI", a.pay),
                event_ref=a.ref,
                account=self.account,
                rights_isin=a.isin,
                isin=a.new_isin,
                quantity=quantity,
                subscription_price=a.price,
                currency=a.currency,
                payment_date=a.pay,
            )
        )

    def _capital(self, c: Any) -> ev.Capital:
        action = ("CALL" if not c.units else "SUBSCRIBE") if c.amount > 0 else "REDEEM"
        return ev.Capital(
            **self._common(c.order_id, c.effective),
            order_id=c.order_id,
            investor=c.investor,
            share_class=c.share_class,
            action=action,
            units=abs(c.units),
            amount=abs(c.amount),
            amount_base=abs(c.amount_base),
            currency=c.currency,
            account=self.account,
            settlement_date=c.settles,
        )


def _both(first: Any, then: Any) -> Any:
    def call(*given: Any) -> None:
        first(*given)
        then(*given)

    return call
