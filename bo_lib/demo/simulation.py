"""The demonstration firm, day by day: what happens, and the files its counterparties send about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from bo_lib.config import Cycles, Fund, load, load_firm, load_fund
from bo_lib.demo import administrator, trading
from bo_lib.demo.broker import Northgate
from bo_lib.demo.custodians import Alpine, Boreal
from bo_lib.demo.errors import Errors
from bo_lib.demo.files import Outbox, xlsx_bytes
from bo_lib.demo.market import Market, dice
from bo_lib.demo.opening import opening_book, opening_sheets
from bo_lib.demo.orders import Order, OrderSystem, investors_orders, write_orders
from bo_lib.demo.vendors import Vendors
from bo_lib.model.dates import is_business_day
from bo_lib.model.money import Rates

PACK_HEADER = ("Fund", "NAV Date", "Component", "Class", "Item", "Quantity", "Price", "Ccy", "Amount")
PACK_KEYS = ("fund", "nav_date", "component", "share_class", "item", "quantity", "price", "currency", "amount")
NAV_ERRORS = {"nav_accrual": "days", "nav_fx": "rate", "nav_price": "price", "nav_units": "units", "nav_dividend": "amount"}
CUSTODIANS = {"ALPINE": Alpine, "BOREAL": Boreal, "NORTHGATE": Northgate}


def demo_window() -> tuple[date, date]:
    """First and last business day of the demonstration."""
    return date(2026, 6, 1), date(2026, 6, 30)


class Desk:
    """One fund with everyone who keeps an account of it."""

    def __init__(self, fund: Fund, market: Market, cycles: Cycles, size: int) -> None:
        self.fund, self.market, self.cycles, self.size = fund, market, cycles, size
        self.book = opening_book(fund, market)
        self.custodian = CUSTODIANS[fund.accounts[0].custodian](self.book)
        self.order_system = OrderSystem(self.book)
        self.orders: list[Order] = []
        self.previous = fund.inception

    def inputs(self, day: date) -> administrator.Inputs:
        source = self.fund.price_sources[0]
        prices = {isin: self.market.price(isin, day, source) for isin, quantity in self.book.position.items() if quantity}
        return administrator.Inputs(prices, self.market.rates(day), (day - self.book.struck).days, dict(self.book.units))

    def open(self, out: Outbox, errors: Errors) -> None:
        """The opening date: the administrator's take-over file, and announcements that are out already."""
        nav = administrator.strike(self.book, out.day, self.inputs(out.day))
        nav = replace(nav, net_assets=dict(self.book.net_assets), fees=dict(self.book.fees))
        sheets = opening_sheets(self.book, administrator.pack(self.book, nav), PACK_KEYS)
        out.put(f"{self.fund.administrator}/opening_{self.fund.id}.xlsx", xlsx_bytes(sheets))
        self.custodian.announce(out, date.min, errors)

    def run(self, out: Outbox, errors: Errors) -> None:
        """A business day of the fund: events, trades, settlement, statements, strike, dealing."""
        day, book = out.day, self.book
        rates = self.market.rates(day)
        book.actions_between(self.previous, day)
        book.capital_effective(day)
        traded = list(trading.trades(book, day, self.size, self.cycles))
        for trade in traded:
            book.book_trade(trade)
        deals = [*trading.hedges(book, day), *trading.spot_deals(book, day)]
        for deal in deals:
            book.book_deal(deal)
        entries, settled = book.settle(day, rates)
        if any(d.format == "trades" for d in self.fund.deliveries):
            self.order_system.write(out, traded, deals, errors)
        fresh = investors_orders(book, day, self.size)
        write_orders(book, out, fresh, errors)
        self.custodian.write(out, entries, settled, traded, self.previous, errors)
        self.orders += fresh
        self._strike(out, errors)
        self.previous = day

    def _strike(self, out: Outbox, errors: Errors) -> None:
        day, book = out.day, self.book
        nav = administrator.strike(book, day, self.inputs(day))
        shown = self._spoiled(nav, out, errors)
        rows = [[row.get(key, "") for key in PACK_KEYS] for row in administrator.pack(book, shown)]
        path = f"{self.fund.administrator}/nav_{self.fund.id}_{out.ymd}.xlsx"
        if errors.due("nav_columns", self.fund.id):
            rows = [[*row[:5], "", *row[5:]] for row in rows]  # figures one column to the right of their headings
            wrong = "one column to the right from Quantity on"
            errors.record("nav_columns", self.fund.id, path, "NAV Pack", "columns", "under their headings", wrong)
        out.put(path, xlsx_bytes({"NAV Pack": (PACK_HEADER, rows)}))
        administrator.accept(book, nav)
        today = [order for order in self.orders if order.deals_on == day]
        self.orders = [order for order in self.orders if order.deals_on > day]
        administrator.deal(book, nav, today)

    def _spoiled(self, nav: administrator.Nav, out: Outbox, errors: Errors) -> administrator.Nav:
        """The strike as the administrator publishes it: with the planned mistake among its inputs, else the right one."""
        given, book, fund, day = self.inputs(out.day), self.book, self.fund, out.day
        draw = dice(self.market.seed, "administrator", fund.id, day)
        key: str = ""
        right: Any
        wrong: Any
        for kind in (k for k in NAV_ERRORS if errors.due(k, fund.id)):
            if kind == "nav_accrual":
                key, right, wrong = "management_fee", given.fee_days, given.fee_days + 2
                given.fee_days = wrong
            elif kind == "nav_fx":
                key = "GBP" if fund.base_currency != "GBP" else "USD"
                right, wrong = given.rates.per_pivot[key], given.rates.per_pivot[key] * Decimal("1.01")
                given.rates = Rates({**given.rates.per_pivot, key: wrong})
            elif kind == "nav_price":
                key = draw.choice(sorted(given.prices))
                right, wrong = given.prices[key], given.prices[key] * Decimal("1.02")
                given.prices = {**given.prices, key: wrong}
            elif kind == "nav_units":
                key = sorted(given.units)[0]
                right, wrong = given.units[key], given.units[key] + 1000
                given.units[key] = wrong
            else:
                ledger = "dividends_receivable"
                if not (right := nav.owed.get(ledger)):
                    continue
                key, wrong = ledger, Decimal(0)
                given.left_out = {ledger: right}
            path = f"{fund.administrator}/nav_{fund.id}_{out.ymd}.xlsx"
            errors.record(kind, fund.id, path, key, NAV_ERRORS[kind], right, wrong, "this day's pack only")
        return administrator.strike(book, day, given)


def simulate(
    root: Path, first: date, last: date, *, seed: int = 7, size: int = 1, errors: bool = True, funds: Sequence[str] | None = None
) -> None:
    """Write the counterparties' files of the opening date and of every business day from ``first`` to ``last``.

    Files go to ``<inbox>/<date>/<SENDER>/`` below ``root``, the truth about seeded errors to ``outputs/demo/truth.csv``. Days
    are always simulated from the funds' inception, so that a day's files do not depend on the window. The same arguments give
    the same bytes. ``size`` multiplies holdings, trades and orders. Raises ``ParameterError`` for parameters that cannot be
    read and ``ValueError`` when ``last`` is before ``first``.
    """
    if last < first:
        raise ValueError(f"the last day {last} is before the first day {first}")
    firm = load_firm(root)
    known = [load_fund(root, fund_id) for fund_id in funds or firm.funds]
    cycles = load(root / "parameters" / "rules" / "settlement_cycles.yaml", Cycles)
    market = Market(seed, size, min(fund.inception for fund in known), last)
    desks, vendors, plan = [Desk(fund, market, cycles, size) for fund in known], Vendors(market), Errors(errors, market.inception)
    before: dict[str, bytes] = {}
    previous = date.min
    for day in market.days:
        out = Outbox(day)
        plan.start(day)
        vendors.write(out, previous, plan, {isin for desk in desks for isin, quantity in desk.book.position.items() if quantity})
        for desk in desks:
            if day == desk.fund.inception:
                desk.open(out, plan)
            elif is_business_day(day, desk.fund.calendar):
                desk.run(out, plan)
        right_files = dict(out.files)
        plan.spoil_files(out, before)
        before, previous = right_files, day
        if day == market.inception or first <= day <= last:
            _write(root / firm.inbox / day.isoformat(), out)
    truth = root / "outputs" / "demo" / "truth.csv"
    truth.parent.mkdir(parents=True, exist_ok=True)
    truth.write_text(plan.csv(), "utf-8", newline="")


def _write(folder: Path, out: Outbox) -> None:
    for path, content in out.files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
