"""From a NAV to what it was computed from: each component with its price, rate and the lines of the journal behind it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bo_lib.books import EXPLAINED, Book, Explained, Tie, line_rows
from bo_lib.model.money import ZERO, round_to
from bo_lib.model.tables import AMOUNT, COUNT, DATE, PRICE, QUANTITY, RATE, TEXT, Column, Table, built
from bo_lib.nav.strike import Strike
from bo_lib.nav.valuation import MARKED, component_of, is_balance_sheet

VALUED = Table("valued", "components of net assets, each with what it was computed from", ("component", "share_class", "item"), (
    Column("component", TEXT, "holding, accrual, cash, receivable, payable, suspense or forward", True),
    Column("share_class", TEXT, "class, where the component is of one"),
    Column("item", TEXT, "ISIN, currency, fee, ledger account or deal", True),
    Column("quantity", QUANTITY, "holding: signed shares or nominal"),
    Column("price", PRICE, "holding: price used"),
    Column("price_source", TEXT, "who sent it"),
    Column("price_date", DATE, "day it is of"),
    Column("currency", TEXT, "ISO 4217 of local", True),
    Column("local", AMOUNT, "value in currency", True),
    Column("rate", RATE, "currency for one unit of base currency; null where there is none"),
    Column("base", AMOUNT, "value in base currency", True),
    Column("lines", COUNT, "journal lines behind it", True),
    Column("lines_differ", QUANTITY, "quantity or local amount less what the lines add up to; null: computed, not booked"),
    Column("file", TEXT, "SHA-256 of the price's file"),
    Column("at", TEXT, "its line or element"),
    Column("rate_file", TEXT, "SHA-256 of the rate's file"),
    Column("rate_at", TEXT, "its line or element"),
))  # fmt: skip


def valued(struck: Strike, book: Book, prices: pa.Table, fx_rates: pa.Table, source: str) -> pa.Table:
    """Table VALUED of the strike, the largest first. ``book`` has the strike's accruals in it.

    ``prices`` (PRICES) and ``fx_rates`` (FX_RATES; ``source``: the fund's) are those the strike chose from.
    """
    chosen = {row["isin"]: row for row in struck.priced.table.to_pylist() if row["chosen"]}
    sent = {(row["isin"], row["source"], row["price_date"]): row for row in prices.to_pylist()}
    quoted = {row["currency"]: row for row in fx_rates.to_pylist() if row["source"] == source and row["rate_date"] <= struck.day}
    behind = _behind(book)
    rows = []
    for row in struck.components.to_pylist():
        price = chosen.get(row["item"], {}) if row["component"] == "holding" else {}
        origin = sent.get((row["item"], price.get("source"), price.get("price_date")), {})
        rate = quoted.get(row["currency"], {}) if row["currency"] != struck.base_currency else {}
        lines, booked = behind.get(_key(row), (0, None))
        amount = row["quantity"] if row["component"] == "holding" else row["local"]
        rows.append({
            **{name: row[name] for name in ("component", "share_class", "item", "quantity", "price", "currency", "local", "base")},
            "price_source": price.get("source"), "price_date": price.get("price_date"), "lines": lines,
            "rate": _rate(struck, row["currency"]),
            "lines_differ": amount - booked if booked is not None else None,
            "file": origin.get("file"), "at": origin.get("at"), "rate_file": rate.get("file"), "rate_at": rate.get("at"),
        })  # fmt: skip
    return built(VALUED, sorted(rows, key=lambda row: -abs(row["base"])))


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Under which a component finds its journal lines."""
    kind = row["component"]
    if kind == "holding":
        return "investments", row["item"]
    ledger = {"cash": "cash", "accrual": f"{row['item']}_payable"}.get(kind, row["item"])
    return ledger, row["share_class"] or "", row["currency"]


def _behind(book: Book) -> dict[tuple[str, ...], tuple[int, Decimal]]:
    """Count and sum of the lines: quantity of an instrument, local amount of a balance."""
    found: dict[tuple[str, ...], tuple[int, Decimal]] = defaultdict(lambda: (0, ZERO))
    key: tuple[str, ...]
    for _, _, line in book.lines():
        kind = component_of(line.ledger)
        if line.ledger == "investments":
            key, amount = ("investments", line.isin), line.quantity
        elif kind and line.ledger not in MARKED and not (line.ledger == "interest_receivable" and not line.isin):
            key, amount = (line.ledger, line.share_class if kind == "accrual" else "", line.currency), line.local
        else:
            continue
        count, total = found[key]
        found[key] = count + 1, total + amount
    return dict(found)


def explain_nav(struck: Strike, book: Book, components: pa.Table, share_class: str = "") -> Explained:
    """Net assets of the fund, or of one class, with the lines behind them. ``components``: table VALUED; ``book`` as there.

    Raises ``KeyError`` for a class that was not struck.
    """
    if share_class:
        lines = list(line_rows(book, lambda line: line.share_class == share_class))
        value, ties = struck.rows[share_class]["net_assets"], _class_ties(struck, share_class, lines)
    else:
        lines = list(line_rows(book, lambda line: is_balance_sheet(line.ledger)))
        value, ties = struck.net_assets, _fund_ties(struck, components.to_pylist())
    figure = f"nav/{share_class}" if share_class else "nav"
    return Explained(figure, value, struck.base_currency, "base", built(EXPLAINED, lines), EXPLAINED.empty(), ties)


def _rate(struck: Strike, currency: str) -> Decimal | None:
    rated = currency == struck.base_currency or {currency, struck.base_currency} <= set(struck.rates.per_pivot)
    return round(struck.rates.rate(struck.base_currency, currency), 18) if rated else None


def _fund_ties(struck: Strike, rows: list[dict[str, Any]]) -> tuple[Tie, ...]:
    rated = [row for row in rows if row["rate"] is not None]  # what has no rate counts nothing, and is an error of the strike
    again = sum((struck.rates.convert(row["local"], row["currency"], struck.base_currency) for row in rated), ZERO)
    return (
        Tie("net assets: components", struck.net_assets, _sum(rows, "base")),
        Tie("net assets: the ledger with its marks", struck.net_assets, struck.net_assets_ledger),
        Tie("net assets: classes", struck.net_assets, _sum(struck.rows.values(), "net_assets")),
        Tie("components at the rates of the day", _sum(rows, "base"), again),
        *(
            Tie(f"{row['component']} {row['item']}: its journal lines", row["lines_differ"], ZERO)
            for row in rows
            if row["lines_differ"]
        ),
    )


def _class_ties(struck: Strike, share_class: str, lines: list[dict[str, Any]]) -> tuple[Tie, ...]:
    """The class's own account of the day, the units and capital of its lines, and the NAV per unit made of them."""
    row, state = struck.rows[share_class], struck.state[share_class]
    capital = [line for line in lines if line["ledger"] == "capital"]
    ties = (
        Tie(
            "net assets: opening, capital, share of result, hedge, fees", row["net_assets"], sum(steps_of_class(row).values(), ZERO)
        ),
        Tie("units issued less redeemed: journal lines", state.units_to_date, _sum(capital, "quantity")),
        Tie("capital: journal lines", state.capital_to_date, -_sum(capital, "base")),
    )
    if row["nav_per_unit"] is None:
        return ties
    per_base = struck.rates.rate(struck.base_currency, row["currency"])
    places = -int(row["nav_per_unit"].normalize().as_tuple().exponent)
    per_unit = round_to(row["net_assets"] * per_base / row["units"], places)
    return (
        *ties,
        Tie(f"NAV per unit, {row['currency']}: net assets at the rate of the day by units", row["nav_per_unit"], per_unit),
    )


def steps_of_class(row: Mapping[str, Any]) -> dict[str, Decimal]:
    """From a class's opening to its net assets, in base currency. ``row``: of table CLASSES."""
    signs = {"opening": 1, "capital": 1, "share": 1, "hedge": 1, "management_fee": -1, "other_fees": -1, "performance_fee": -1}
    return {name: sign * (row[name] or ZERO) for name, sign in signs.items()}


def _sum(rows: Iterable[Mapping[str, Any]], name: str) -> Decimal:
    return sum((row[name] or ZERO for row in rows), ZERO)
