"""The opening of a fund's books at its inception: holdings with their lots, cash, accrued fees, units and the register."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from bo_lib.config import Fund
from bo_lib.demo.administrator import Inputs, strike
from bo_lib.demo.bonds import accrued
from bo_lib.demo.ledger import Book, Lot
from bo_lib.demo.market import Market, Security, dice
from bo_lib.model.dates import add_business_days
from bo_lib.model.money import ZERO, round_money, round_to

# Units and NAV per unit at the opening, by class. S-2025-01 earned 6.00 above its mark, of which 1.20 is performance fee.
CLASSES = {
    "S-2025-01": ("420000", "117.2000"), "S-2026-01": ("360000", "99.3812"), "A": ("400000", "152.3174"),
    "I": ("35000", "1034.5521"), "H-USD": ("250000", "108.4417"), "ACC": ("550000", "109.2345"), "LP": ("1", "22000000.00"),
}  # fmt: skip
# Share of net assets in long and short holdings, and in each foreign currency's cash.
WEIGHTS = {
    "long_short": (Decimal("0.95"), Decimal("0.45"), Decimal("0.012")), "ucits": (Decimal("0.93"), ZERO, Decimal("0.006")),
    "bond": (Decimal("0.94"), ZERO, Decimal("0.02")), "closed_end": (Decimal("0.93"), ZERO, ZERO),
}  # fmt: skip
SHARES = (Decimal("0.5"), Decimal("0.3"), Decimal("0.2"))  # of the first three cleared investors in every class


def lot_size(paper: Security) -> int:
    return 10_000 if paper.is_bond else 100 if paper.currency == "JPY" else 1


def opening_book(fund: Fund, market: Market) -> Book:
    """The book at the close of the fund's inception: nothing unsettled, and the class net assets add up to the fund's."""
    book = Book(fund, market, fund.inception)
    day, terms = fund.inception, fund.on(fund.inception)
    rates = market.rates(day)
    for c in terms.classes:
        if c.id in CLASSES:
            units, price = map(Decimal, CLASSES[c.id])
            book.units[c.id] = units
            book.net_assets[c.id] = rates.convert(units * price, c.currency, book.base)
    total = book.size_base
    longs, shorts, foreign = WEIGHTS[fund.kind]
    for isin, side in (held := market.held(fund.kind)):
        paper = market.securities[isin]
        weight = (longs if side > 0 else shorts) / sum(1 for _, s in held if s == side)
        _buy(book, paper, side, total * weight)
    for currency in {c for account in fund.accounts for c in account.cash} - {book.base}:
        book.cash[currency] = round_money(total * foreign * rates.rate(book.base, currency), currency)
        book.cash_cost[currency] = rates.convert(book.cash[currency], currency, book.base)
    _fees(book)
    # cash in base currency is what makes the fund's net assets the sum of the classes'
    nav = strike(book, day, Inputs(market.prices[day] | _source_prices(book, day), rates, 0, dict(book.units)))
    owned = sum((h[2] for h in nav.holdings.values()), ZERO) + sum(nav.interest.values(), ZERO) + sum(nav.cash.values(), ZERO)
    book.cash[book.base] = total + sum(book.fees.values(), ZERO) - owned
    _register(book)
    return book


def _source_prices(book: Book, day: date) -> dict[str, Decimal]:
    return {isin: book.market.price(isin, day, book.fund.price_sources[0]) for isin in book.position}


def _buy(book: Book, paper: Security, side: int, value_base: Decimal) -> None:
    """One to three lots of the past two years, at prices and rates of their days."""
    market, day = book.market, book.fund.inception
    draw = dice(market.seed, "lots", book.fund.id, paper.isin)
    price, factor = market.price(paper.isin, day), 100 if paper.is_bond else 1
    count = draw.randint(1, 3)
    wanted = (
        market.rates(day).convert(value_base, book.base, paper.currency)
        / price
        * factor
        / count
        * Decimal(draw.randint(80, 120))
        / 100
    )
    step = lot_size(paper)
    for number in range(1, count + 1):
        quantity = side * max(step, int(wanted / step) * step)
        bought = add_business_days(day - timedelta(days=draw.randint(30, 700)), 0, "TARGET+US+GB+JP")
        cost = round_money(
            quantity * price / factor * Decimal(draw.randint(850 if not paper.is_bond else 970, 1080)) / 1000, paper.currency
        )
        in_base = market.rates(bought).convert(cost, paper.currency, book.base)
        book.lots.append(Lot(f"OPEN-{paper.isin}-{number}", paper.isin, bought, Decimal(quantity), paper.currency, cost, in_base))
        book.position[paper.isin] += quantity
        book.settled[paper.isin] += quantity


def _fees(book: Book) -> None:
    """A month of fees accrued and unpaid; a series above its mark owes the performance fee that leaves its NAV where it is."""
    terms = book.fund.on(book.fund.inception)
    for c in terms.classes:
        if c.id not in book.net_assets:
            continue
        base = book.net_assets[c.id] if terms.fee_base == "net_assets" else sum((i.commitment for i in book.fund.investors), ZERO)
        book.fees["management_fee", c.id] = round_money(base * c.management_fee_bps_annual / 10000 / 12, book.base)
        if terms.performance_fee and c.high_water_mark is not None:
            rate = terms.performance_fee.rate_pct / 100
            gain_after_fee = max(ZERO, book.net_assets[c.id] - c.high_water_mark * book.units[c.id])
            book.fees["performance_fee", c.id] = round_money(gain_after_fee * rate / (1 - rate), book.base)
    for expense in terms.expenses:
        book.fees[expense.name, ""] = round_money(expense.amount_annual / 12, book.base)


def _register(book: Book) -> None:
    cleared = [i for i in book.fund.investors if i.cleared][: len(SHARES)]
    for share_class, units in book.units.items():
        decimals = book.fund.on(book.fund.inception).share_class(share_class).unit_decimals
        left = units
        for investor, share in reversed(list(zip(cleared, SHARES, strict=False))):
            part = left if investor is cleared[0] else round_to(units * share, decimals)
            book.register[investor.id, share_class] += part
            left -= part
    if book.fund.kind == "closed_end":  # one unit for ever: the partners share it by commitment
        book.register.clear()


def opening_sheets(
    book: Book, rows: list[dict[str, Any]], columns: tuple[str, ...]
) -> dict[str, tuple[tuple[str, ...], list[tuple[Any, ...]]]]:
    """Sheets of the administrator's take-over file. ``rows`` is its NAV pack of the day; ``columns`` the pack's keys."""
    account = book.fund.accounts[0].custody
    lots = [
        (lot.lot_id, account, lot.isin, lot.acquired, lot.quantity, lot.currency, lot.cost_local, lot.cost_base)
        for lot in book.lots
    ]
    classes = [
        tuple(row.get(c, "") for c in columns) for row in rows if row["component"] in ("units", "nav_per_unit", "net_assets")
    ]
    currency = {c.id: c.currency for c in book.fund.on(book.fund.inception).classes}
    register = [
        (book.fund.id, book.fund.inception, "register", share_class, investor, currency[share_class], units)
        for (investor, share_class), units in sorted(book.register.items())
    ]
    return {
        "Lots": (("Lot", "Account", "ISIN", "Acquired", "Quantity", "Ccy", "Cost", "Cost Base"), lots),
        "Balances": (("Ledger", "Account", "Class", "Ccy", "Balance", "Balance Base"), _balances(book, rows)),
        "Classes": (("Fund", "As Of", "Component", "Share Class", "Item", "Quantity", "Price", "Ccy", "Amount"), classes),
        "Register": (("Fund", "As Of", "Kind", "Share Class", "Investor", "Ccy", "Units"), register),
    }


def _balances(book: Book, rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Ledger balances, debit positive; together with the lots' cost they come to zero in base currency."""
    day, base = book.fund.inception, book.base
    rates, account = book.market.rates(day), book.fund.accounts[0].custody
    found: list[tuple[Any, ...]] = []
    for currency, amount in sorted(book.cash.items()):
        found.append(("cash", account, "", currency, amount, rates.convert(amount, currency, base)))
    interest: dict[str, list[Decimal]] = {}
    for row in (r for r in rows if r["component"] == "accrual" and r["item"] in book.position):
        paper = book.market.securities[row["item"]]
        sums = interest.setdefault(paper.currency, [ZERO, ZERO])
        sums[0] += accrued(paper, book.position[paper.isin], day)
        sums[1] += row["amount"]
    found += [("interest_receivable", account, "", currency, *sums) for currency, sums in sorted(interest.items())]
    value = sum((r["amount"] for r in rows if r["component"] == "holding"), ZERO)
    gain = value - sum((lot.cost_base for lot in book.lots), ZERO)
    found.append(("unrealised_appreciation", "", "", base, gain, gain))
    found += [
        (f"{name}_payable", "", share_class, base, -amount, -amount)
        for (name, share_class), amount in sorted(book.fees.items())
        if amount
    ]
    capital = {c: round_money(net * Decimal("0.85"), base) for c, net in book.net_assets.items()}  # paid in; the rest was earned
    found += [("capital", "", share_class, base, -amount, -amount) for share_class, amount in capital.items()]
    earned = -(sum((row[5] for row in found), ZERO) + sum((lot.cost_base for lot in book.lots), ZERO))
    found.append(("retained_earnings", "", "", base, earned, earned))
    return found
