"""MERIDIAN, the administrator: strikes the NAV of each fund by its own computation, and deals investors' orders.

The NAV pack has a row per component, all amounts in the fund's base currency:

- ``holding``: item ISIN, quantity, price (local), market value; ``accrual``: item ISIN (interest receivable) or the fee's
  name (payable, negative; with its class); ``cash``: item currency; ``receivable``/``payable``: item ledger account, all
  currencies together; ``forward``: item deal, with its class
- ``net_assets`` by class and, with no class, of the fund; ``units`` by class; ``nav_per_unit`` by class in its currency
  (``price``); ``rate``: item currency, units for one euro (``price``)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from bo_lib.config import ShareClass, Terms
from bo_lib.demo.bonds import accrued
from bo_lib.demo.ledger import Book, Capital, forward_value
from bo_lib.demo.orders import Order
from bo_lib.model.dates import add_business_days
from bo_lib.model.money import ZERO, Rates, Rounding, round_money, round_to


@dataclass
class Inputs:
    """What a strike reads besides the ledger; an error of the administrator is one of these gone wrong."""

    prices: Mapping[str, Decimal]
    rates: Rates
    fee_days: int  # calendar days since the previous strike
    units: dict[str, Decimal]
    left_out: dict[str, Decimal] = field(default_factory=dict)  # ledger -> base amount overlooked


@dataclass
class Nav:
    day: date
    holdings: dict[str, tuple[Decimal, Decimal, Decimal]]  # ISIN: quantity, price, market value in base
    interest: dict[str, Decimal]
    cash: dict[str, Decimal]
    owed: dict[str, Decimal]
    forwards: dict[tuple[str, str], Decimal]  # (class, deal)
    fees: dict[tuple[str, str], Decimal]  # (name, class): payable, positive
    hedge_level: dict[str, Decimal]
    net_assets: dict[str, Decimal]
    units: dict[str, Decimal]
    per_unit: dict[str, Decimal]
    rates: Rates

    @property
    def total(self) -> Decimal:
        return sum(self.net_assets.values(), ZERO)


def strike(book: Book, day: date, given: Inputs) -> Nav:
    """The NAV of ``day`` after the conventions of the prospectus; the book is left as it is."""
    terms, base, market = book.fund.on(day), book.base, book.market
    holdings, interest = {}, {}
    for isin, quantity in sorted(book.position.items()):
        paper = market.securities[isin]
        if quantity:
            local = round_money(quantity * given.prices[isin] / (100 if paper.is_bond else 1), paper.currency)
            holdings[isin] = (quantity, given.prices[isin], given.rates.convert(local, paper.currency, base))
        to_come = [t for t in book.trades.values() if t.isin == isin and t.settlement_date > day]
        if paper.is_bond and (quantity or to_come):  # the owner earns interest until the agreed day; a trade's is as agreed
            owned = quantity - sum((t.sign * t.quantity for t in to_come), ZERO)
            local = accrued(paper, owned, day) + sum((t.sign * t.accrued for t in to_come), ZERO)
            interest[isin] = given.rates.convert(local, paper.currency, base)
    cash = {currency: given.rates.convert(amount, currency, base) for currency, amount in sorted(book.cash.items())}
    owed: dict[str, Decimal] = defaultdict(Decimal)
    for (ledger, currency), amount in sorted(book.owed.items()):
        owed[ledger] += given.rates.convert(amount, currency, base)
    for ledger, amount in given.left_out.items():
        owed[ledger] -= amount
    forwards = {(deal.share_class, deal.deal_id): forward_value(deal, given.rates, base) for deal in book.forwards}
    fees = dict(book.fees)
    days_in_year = Decimal(
        366 if terms.days_in_year == "actual" and _is_leap(day.year) else {"360": 360}.get(terms.days_in_year, 365)
    )
    for expense in terms.expenses:
        accrual = round_money(expense.amount_annual * (day - book.struck).days / days_in_year, base)
        fees[expense.name, ""] = fees.get((expense.name, ""), ZERO) + accrual
    parts = ([h[2] for h in holdings.values()], interest.values(), cash.values(), owed.values(), forwards.values())
    total = sum((amount for part in parts for amount in part), ZERO) - sum(fees.values(), ZERO)
    nav = Nav(day, holdings, interest, cash, dict(owed), forwards, fees, {}, {}, given.units, {}, given.rates)
    _allocate(book, terms, nav, total, given, days_in_year)
    return nav


def _allocate(book: Book, terms: Terms, nav: Nav, total: Decimal, given: Inputs, days_in_year: Decimal) -> None:
    """Split the common change over the classes, charge their fees, state net assets and NAV per unit."""
    classes = [c for c in terms.classes if given.units.get(c.id)]
    opening = {c.id: book.net_assets.get(c.id, ZERO) + book.capital_today.get(c.id, ZERO) for c in classes}
    hedge = {}
    for c in classes:
        nav.hedge_level[c.id] = sum((v for (of, _), v in nav.forwards.items() if of == c.id), book.hedge_realised[c.id])
        hedge[c.id] = nav.hedge_level[c.id] - book.hedge_level[c.id]
    sum_opening = sum(opening.values(), ZERO)
    common = total - sum_opening - sum(hedge.values(), ZERO)
    share = {c.id: round_to(common * opening[c.id] / sum_opening, 2) for c in classes}
    largest = min(classes, key=lambda c: (-opening[c.id], c.id)).id
    share[largest] += common - sum(share.values(), ZERO)
    for c in classes:
        fee_base = opening[c.id]
        if terms.fee_base == "commitments":
            fee_base = sum((i.commitment for i in book.fund.investors), ZERO)
        fee = round_money(fee_base * c.management_fee_bps_annual / 10000 * given.fee_days / days_in_year, book.base)
        nav.fees["management_fee", c.id] = nav.fees.get(("management_fee", c.id), ZERO) + fee
        value = opening[c.id] + share[c.id] + hedge[c.id] - fee
        if terms.performance_fee and c.high_water_mark is not None:
            settled = book.fee_due[c.id]
            before = value + nav.fees.get(("performance_fee", c.id), ZERO) - settled
            gain = max(ZERO, before - book.marks.get(c.id, c.high_water_mark) * given.units[c.id])
            due = round_money(terms.performance_fee.rate_pct / 100 * gain, book.base)
            nav.fees["performance_fee", c.id], value = settled + due, before - due
        nav.net_assets[c.id] = value
        rate = given.rates.rate(book.base, c.currency)
        nav.per_unit[c.id] = round_to(value * rate / given.units[c.id], c.nav_decimals, c.nav_rounding)


def accept(book: Book, nav: Nav) -> None:
    """The strike becomes the starting point of the next one."""
    book.fees.update(nav.fees)
    book.net_assets.update(nav.net_assets)
    book.hedge_level.update(nav.hedge_level)
    book.struck = nav.day
    fee = book.fund.on(nav.day).performance_fee
    last_of_month = add_business_days(nav.day, 1, book.fund.calendar).month != nav.day.month
    if fee and last_of_month and nav.day.month % {"quarterly": 3, "half_yearly": 6, "yearly": 12}.get(fee.crystallisation, 1) == 0:
        for c in (c for c in book.fund.on(nav.day).classes if c.high_water_mark is not None and c.id in nav.per_unit):
            if nav.fees.get(("performance_fee", c.id), ZERO) > book.fee_due[c.id]:
                book.marks[c.id] = max(book.marks.get(c.id, c.high_water_mark or ZERO), nav.per_unit[c.id])
            book.fee_due[c.id] = nav.fees.get(("performance_fee", c.id), ZERO)


def deal(book: Book, nav: Nav, orders: list[Order]) -> dict[str, Decimal]:
    """Deal the orders of the strike's day: capital for the next business day. Returns the dealing price by class."""
    terms = book.fund.on(nav.day)
    classes = {c.id: c for c in terms.classes}
    prices = _dealing_prices(book, terms, nav, orders)
    for order in orders:
        c = classes[order.share_class]
        if order.kind == "CALL":
            book.capital.append(_capital(book, nav, order, c, ZERO, order.amount, order.dealing_date, order.dealing_date))
            continue
        if order.kind == "SUBSCRIBE":
            units, amount = round_to(order.amount / prices[c.id], c.unit_decimals, Rounding.DOWN), order.amount
        else:
            units, amount = -order.units, -round_money(order.units * prices[c.id], c.currency)
        effective = add_business_days(nav.day, 1, book.fund.calendar)
        settles = add_business_days(nav.day, terms.dealing.settlement_days, book.fund.calendar)
        book.capital.append(_capital(book, nav, order, c, units, amount, effective, settles))
    return prices


def _capital(
    book: Book, nav: Nav, order: Order, c: ShareClass, units: Decimal, amount: Decimal, effective: date, settles: date
) -> Capital:
    in_base = nav.rates.convert(amount, c.currency, book.base)
    return Capital(order.order_id, order.investor, c.id, units, amount, in_base, c.currency, effective, settles)


def _dealing_prices(book: Book, terms: Terms, nav: Nav, orders: list[Order]) -> dict[str, Decimal]:
    """NAV per unit, swung when the day's net flow passes the threshold; a series without units opens at its price."""
    prices = {c.id: nav.per_unit.get(c.id, terms.dealing.series_price) for c in terms.classes}
    if not terms.swing:
        return prices
    flow = ZERO
    for order in orders:
        c = terms.share_class(order.share_class)
        amount = order.amount if order.kind == "SUBSCRIBE" else -order.units * prices[c.id]
        flow += nav.rates.convert(amount, c.currency, book.base)
    if abs(flow) * 100 <= terms.swing.threshold_pct * nav.total:
        return prices
    factor = 1 + terms.swing.factor_bps / 10000 * (1 if flow > 0 else -1)
    return {c.id: round_to(prices[c.id] * factor, c.nav_decimals, c.nav_rounding) for c in terms.classes}


def pack(book: Book, nav: Nav) -> list[dict[str, Any]]:
    """The strike as rows of the NAV pack (see the head of this file)."""
    rows: list[dict[str, Any]] = []

    def row(component: str, share_class: str = "", item: str = "", currency: str = book.base, **figures: Decimal) -> None:
        rows.append({"fund": book.fund.id, "nav_date": nav.day, "component": component, "share_class": share_class, "item": item,
                     "currency": currency, **figures})  # fmt: skip

    for isin, (quantity, price, value) in nav.holdings.items():
        row("holding", item=isin, quantity=quantity, price=price, amount=value)
    for isin, amount in nav.interest.items():
        row("accrual", item=isin, amount=amount)
    for currency, amount in nav.cash.items():
        row("cash", item=currency, amount=amount)
    for ledger, amount in nav.owed.items():
        if amount:
            row("receivable" if "receivable" in ledger else "payable", item=ledger, amount=amount)
    for (share_class, deal_id), value in nav.forwards.items():
        row("forward", share_class, deal_id, amount=value)
    for (name, share_class), payable in sorted(nav.fees.items()):
        row("accrual", share_class, name, amount=-payable)
    row("net_assets", amount=nav.total)
    currency_of = {c.id: c.currency for c in book.fund.on(nav.day).classes}
    for share_class, value in nav.net_assets.items():
        row("net_assets", share_class, amount=value)
        row("units", share_class, currency=currency_of[share_class], quantity=nav.units[share_class])
        row("nav_per_unit", share_class, currency=currency_of[share_class], price=nav.per_unit[share_class])
    for currency, rate in sorted(nav.rates.per_pivot.items()):
        row("rate", item=currency, currency=currency, price=rate)
    return rows


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
