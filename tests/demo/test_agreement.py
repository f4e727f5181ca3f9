"""Two computations of one month: the library's books and NAV against the demonstration's administrator, to the cent.

Neither reads the other's code. The events are those that really happened in the simulation; prices, rates, securities and the
opening come from the files, through the feeds.
"""

from __future__ import annotations

from datetime import date
from decimal import ROUND_FLOOR, Decimal
from functools import cache
from pathlib import Path

import pyarrow as pa
import pytest

from bo_lib import feeds
from bo_lib.books import replay
from bo_lib.config import Cycles, Fund, load, load_fund
from bo_lib.demo.errors import Errors
from bo_lib.demo.files import Outbox
from bo_lib.demo.ledger import Book as DemoBook
from bo_lib.demo.market import Action, Market
from bo_lib.demo.simulation import Desk
from bo_lib.feeds.mapping import load_mappings
from bo_lib.model import events as e
from bo_lib.model.dates import business_days
from bo_lib.model.money import Rates
from bo_lib.model.tables import FX_RATES, INSTRUMENTS, NAV_PACK, PRICES
from bo_lib.nav import opening_state, select_prices, shadow, strike

from .conftest import REPOSITORY


@cache
def sheets(path: Path) -> dict[str, pa.Table]:
    return feeds.read(path, load_mappings(REPOSITORY / "parameters/mappings")).value.tables


def of_day(inbox: Path, day: date, table: str, pattern: str) -> pa.Table:
    found = [sheets(p)[table] for p in sorted((inbox / str(day)).glob(pattern)) if table in sheets(p)]
    return pa.concat_tables(found)


def opening_events(fund: Fund, path: Path) -> list[e.Event]:
    day, tables = fund.inception, sheets(path)
    account = {number: a.id for number, a in fund.accounts_by_number.items()} | {None: "", "": ""}
    shared = {"fund": fund.id, "effective_date": day}
    lots = [
        e.OpeningLot(
            event_id=f"lot{n}",
            **shared,
            **{k: r[k] for k in ("isin", "quantity", "currency", "cost_local", "cost_base", "acquired")},
            account=account[r["account"]],
        )
        for n, r in enumerate(tables["lots"].to_pylist())
    ]
    balances = [
        e.OpeningBalance(
            event_id=f"balance{n}",
            **shared,
            ledger=r["ledger"],
            account=account[r["account"]],
            currency=r["currency"],
            share_class=r["share_class"] or "",
            local=r["local"],
            base=r["base"],
        )
        for n, r in enumerate(tables["trial_balance"].to_pylist())
    ]
    return [*lots, *balances]


class Watched(Desk):
    """The demonstration's desk, telling what happens on each day as events."""

    def day_events(self, day: date) -> list[e.Event]:
        book, fund, account = self.book, self.fund, self.fund.accounts[0].id
        found: list[e.Event] = []

        def add(kind: type[e.Event], event_id: str, when: date, **fields: object) -> None:
            found.append(kind(event_id=event_id, fund=fund.id, effective_date=when, **fields))

        for action in self.market.actions:
            held = book.position.get(action.isin, Decimal(0))
            when = action.pay if action.caev in ("INTR", "EXRI") else action.ex
            if self.previous < when <= day and held:
                self._action(add, action, held, when, account)
        for c in (c for c in book.capital if c.effective <= day):
            kind = "CALL" if not c.units else "SUBSCRIBE" if c.units > 0 else "REDEEM"
            add(
                e.Capital,
                c.order_id,
                c.effective,
                order_id=c.order_id,
                investor=c.investor,
                share_class=c.share_class,
                action=kind,
                units=abs(c.units),
                amount=abs(c.amount),
                amount_base=abs(c.amount_base),
                currency=c.currency,
                account=account,
                settlement_date=c.settles,
            )
        open_before, deals = dict(book.trades), len(self.deals)
        out = Outbox(day)
        self.run(out, Errors(on=False))
        for t in self.trades:
            add(
                e.Trade,
                t.trade_id,
                t.trade_date,
                trade_id=t.trade_id,
                account=account,
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
        known = open_before | {t.trade_id: t for t in self.trades}
        for t in (t for t in known.values() if t.trade_id not in book.trades):
            add(e.Settlement, f"settled-{t.trade_id}", t.settles, trade_id=t.trade_id, quantity=t.quantity, amount=t.net)
        for d in self.deals[deals:]:
            add(
                e.FxDeal,
                d.deal_id,
                d.trade_date,
                deal_id=d.deal_id,
                account=account,
                style=d.kind,
                buy_currency=d.buy[0],
                buy_amount=d.buy[1],
                sell_currency=d.sell[0],
                sell_amount=d.sell[1],
                settlement_date=d.settlement_date,
                share_class=d.share_class,
            )
        self.trades = []
        return found

    def _action(self, add: object, a: Action, held: Decimal, when: date, account: str) -> None:
        assert callable(add)
        same = {"event_ref": a.ref, "isin": a.isin}
        if a.caev == "DVCA":
            add(
                e.Dividend,
                a.ref,
                when,
                **same,
                currency=a.currency,
                rate_per_share=a.rate,
                withholding_pct=a.withholding_pct,
                payment_date=a.pay,
            )
        elif a.caev == "INTR":
            add(e.Coupon, a.ref, when, **same, currency=a.currency, rate_pct_of_nominal=a.rate, payment_date=a.pay)
        elif a.caev == "SPLF":
            add(e.Split, a.ref, when, **same, new=a.new, old=a.old)
        elif a.caev == "RHDI":
            prices = self.market.prices[when]
            add(
                e.RightsIssue,
                a.ref,
                when,
                **same,
                rights_isin=a.new_isin,
                new=a.new,
                old=a.old,
                value_share=prices[a.isin],
                value_right=prices[a.new_isin],
            )
        else:
            quantity = held.to_integral_value(ROUND_FLOOR)
            add(
                e.RightsExercise,
                a.ref,
                when,
                event_ref=a.ref,
                account=account,
                rights_isin=a.isin,
                isin=a.new_isin,
                quantity=quantity,
                subscription_price=a.price,
                currency=a.currency,
                payment_date=a.pay,
            )


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> type[Watched]:
    """Desks that remember the trades and deals booked."""

    class Remembering(Watched):
        def __init__(self, *args: object) -> None:
            super().__init__(*args)  # type: ignore[arg-type]
            self.trades, self.deals = [], []
            book_trade, book_deal = DemoBook.book_trade, DemoBook.book_deal
            self.book.book_trade = lambda t: (self.trades.append(t), book_trade(self.book, t))  # type: ignore[method-assign]
            self.book.book_deal = lambda d: (self.deals.append(d), book_deal(self.book, d))  # type: ignore[method-assign]

    return Remembering


@pytest.mark.parametrize("fund_id", ["GLOBAL-EQ-LS", "EURO-UCITS", "GLOBAL-BOND", "HARBOUR-PE"])
def test_books_and_administrator_agree_on_every_strike_of_the_month(clean: Path, watch: type[Watched], fund_id: str) -> None:
    """Every component of the NAV, and what foreign cash cost and has realised: the simulator keeps both by its own code."""
    inbox, fund = clean / "inbox", load_fund(REPOSITORY, fund_id)
    market = Market(7, 1, fund.inception, date(2026, 6, 30))
    desk = watch(fund, market, load(REPOSITORY / "parameters/rules/settlement_cycles.yaml", Cycles), 1)
    pack = inbox / f"{fund.inception}/MERIDIAN/opening_{fund_id}.xlsx"
    happened, state = opening_events(fund, pack), opening_state(sheets(pack)["nav_pack"], sheets(pack)["trial_balance"]).value
    for day in business_days(date(2026, 6, 1), date(2026, 6, 30), fund.calendar):
        happened += desk.day_events(day)
        instruments = INSTRUMENTS.check(of_day(inbox, day, "instruments", "VENDOR-A/instruments*"))
        prices = PRICES.check(of_day(inbox, day, "prices", "V*/*"))
        book = replay(happened, base_currency=fund.base_currency, instruments=instruments, rates=market.rates, until=day)
        assert not [f for f in book.findings if f.severity == "error"], (day, book.findings)
        held = book.value.positions()["isin"].to_pylist()
        priced = select_prices(prices, held, fund.price_sources, day, tolerances=fund.tolerances, instruments=instruments)
        quoted = FX_RATES.check(of_day(inbox, day, "fx_rates", "VENDOR-A/fx*")).to_pylist()
        rates = Rates({r["currency"]: r["rate"] for r in quoted})
        struck = strike(book.value, priced.value, rates, fund, day, state, instruments=instruments).value
        theirs = NAV_PACK.check(of_day(inbox, day, "nav_pack", f"MERIDIAN/nav_{fund_id}*"))
        compared = shadow(struck, theirs, Decimal(0)).value
        assert compared.differences.num_rows == 0, (day, compared.differences.to_pylist()[:4])
        assert compared.table.num_rows > 5
        balances = book.value.trial_balance().to_pylist()
        at_cost = {r["currency"]: r["base"] for r in balances if r["ledger"] == "cash" and r["currency"] != fund.base_currency}
        assert at_cost == {currency: cost for currency, cost in desk.book.cash_cost.items() if cost}, day
        left = (r for r in book.value.journal.to_pylist() if r["ledger"] == "cash" and not r["local"])
        assert sum((r["base"] for r in left), Decimal(0)) == desk.book.cash_gain, day
        happened += struck.accruals
        state = struck.state
