"""What the NAV is made of, ours against the administrator's (or another source's): prices and components."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bo_lib.model.findings import Finding
from bo_lib.model.money import ZERO, round_to
from bo_lib.model.tables import COUNT, DATE, QUANTITY, TEXT
from bo_lib.recon.compare import Row, Value, reconcile_tables
from bo_lib.recon.result import Break, Reconciliation, plain
from bo_lib.recon.rules import Rules

PRICE_ROWS = pa.schema([
    ("isin", TEXT), ("currency", TEXT), ("asset_class", TEXT), ("price", QUANTITY), ("price_date", DATE), ("quantity", QUANTITY),
    ("unchanged_days", COUNT), ("text", TEXT),
])  # fmt: skip
COMPONENT_ROWS = pa.schema([
    ("part", TEXT), ("figure", TEXT), ("amount", QUANTITY), ("within", TEXT), ("alone", TEXT), ("currency", TEXT), ("isin", TEXT),
    ("text", TEXT),
])  # fmt: skip
TOTAL, PARTS, CLASSES = "net assets", "assets and liabilities", "net assets of classes"
TOTALS = ("net_assets", "nav_per_unit")
DIGITS = 10  # decimals of figures that are compared
HUNDRED = (Decimal(95), Decimal(105))  # a factor in between is pence for pounds


# Prices --------------------------------------------------------------------------------------------------------------


def reconcile_prices(
    ours: pa.Table,
    theirs: pa.Table,
    rules: Rules,
    day: date,
    *,
    fund: str,
    value: Value,
    before: Mapping[str, tuple[Decimal | None, Decimal | None]] | None = None,
    stale_days: int = 5,
    currencies: Iterable[str] = (),
    findings: Sequence[Finding] = (),
) -> Reconciliation:
    """Reconcile prices per ISIN (columns PRICE_ROWS: per share, bonds in percent of par, pence already pounds).

    value
        (row, price difference) -> base currency; ``quantity`` of the row is the position.
    before
        ISIN -> both sides' price of the strike before: a price that stood still while the other moved is ``stale``.
    stale_days
        days without a change after which a price that differs is stale whatever moved.

    currencies
        currencies whose breaks this run may close although neither side has a price in them any more.

    Kinds: missing_here, missing_there, stale, currency, price. The tolerance is that of the asset class.
    """
    earlier = before or {}

    def explain(item: Break, here: Row | None, there: Row | None) -> Break:
        if here is None or there is None:
            who = rules.left.name if here is None else rules.right.name
            return replace(item, cause=f"no price on the side of {who}")
        return _price_break(item, here, there, rules, day, earlier.get(item.isin, (None, None)), stale_days)

    every = {"", *currencies, *ours["currency"].to_pylist(), *theirs["currency"].to_pylist()} - {None}  # "": instruments not known
    return reconcile_tables(
        ours, theirs, rules, day, fund=fund, value=value, explain=explain, findings=findings, shown=("price_date", "text"),
        compared=[("", currency) for currency in every],
    )  # fmt: skip


def _price_break(
    item: Break, here: Row, there: Row, rules: Rules, day: date, before: tuple[Decimal | None, Decimal | None], stale_days: int
) -> Break:
    if here["currency"] != there["currency"]:
        return replace(item, cause="quoted in another currency")
    apart = round_to((here["price"] / there["price"] - 1) * 10000, 1) if there["price"] else ZERO
    told = f"{item.evidence}; {plain(apart)} bp"
    for row, other, name, was, other_was in (
        (here, there, rules.left.name, before[0], before[1]),
        (there, here, rules.right.name, before[1], before[0]),
    ):
        if row["price_date"] and row["price_date"] < day:
            return replace(item, kind="stale", cause=f"price of {name} is of {row['price_date']}", evidence=told)
        unmoved = was is not None and row["price"] == was and other_was is not None and other["price"] != other_was
        if unmoved or (row["unchanged_days"] or 0) >= stale_days:
            return replace(item, kind="stale", cause=f"price of {name} has not moved", evidence=told)
    ratio = max(here["price"], there["price"]) / min(here["price"], there["price"]) if here["price"] > 0 < there["price"] else ZERO
    cause = "pence for pounds, or percent for units" if HUNDRED[0] <= ratio <= HUNDRED[1] else "priced otherwise"
    return replace(item, kind="price", cause=cause, evidence=told)


# Components ----------------------------------------------------------------------------------------------------------


def reconcile_components(
    shadow: pa.Table,
    rules: Rules,
    day: date,
    *,
    fund: str,
    base_currency: str,
    net_assets: Mapping[str, Decimal],
    findings: Sequence[Finding] = (),
) -> Reconciliation:
    """The shadow NAV as a reconciliation: every figure of both sides in its place, differences as breaks that live and age.

    shadow
        table SHADOW of the NAV room: it compares, judges the tolerance and names the cause; nothing is decided twice.
    net_assets
        class (empty: the fund) -> net assets in base currency, which a difference in basis points is of.

    Proof: assets and liabilities of each side add up to the net assets it states, and so do its classes.
    """
    figures = shadow.to_pylist()
    by_name = {_figure(r): r for r in figures}
    sides = [[_component(r, side, base_currency) for r in figures if r[side] is not None] for side in ("ours", "theirs")]
    totals = next(((r["ours"], r["theirs"]) for r in figures if _part(r) == TOTAL), (None, None))

    def value(row: Row, amount: Decimal) -> Decimal | None:
        r = by_name[row["figure"]]
        if r["field"] == "amount":
            return amount
        own = r["share_class"] if r["share_class"] in net_assets else ""
        bps: Decimal = r["difference_bps"]
        return bps / 10000 * net_assets.get(own, ZERO)

    def explain(item: Break, here: Row | None, there: Row | None) -> Break:
        r = by_name[item.reference]
        because = r["explanation"] or ""
        if r["component"] not in TOTALS or because.startswith("no component"):
            return replace(item, cause=because)
        return replace(item, cause="follows from its components", evidence=f"{item.evidence}; {because}")

    left, right = (pa.Table.from_pylist(rows, COMPONENT_ROWS) for rows in sides)
    return reconcile_tables(
        left, right, rules, day, fund=fund, value=value, explain=explain, findings=findings,
        stated={(part,): _fit(totals) for part in _stated_parts(figures)},
        compared=[("", base_currency), ("", "")],
    )  # fmt: skip


def _stated_parts(figures: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    parts = {_part(r) for r in figures}
    yield from (part for part in (PARTS, CLASSES) if part in parts and TOTAL in parts)


def _fit(totals: tuple[Decimal | None, Decimal | None]) -> tuple[Decimal | None, Decimal | None]:
    here, there = (None if t is None else round_to(t, DIGITS) for t in totals)
    return here, there


def _figure(r: Mapping[str, Any]) -> str:
    component = "" if r["component"] in (r["item"] or "") else r["component"]  # payable_for_investments_purchased says it itself
    return " ".join(filter(None, (component, r["share_class"], r["item"], r["field"])))


def _part(r: Mapping[str, Any]) -> str:
    if r["component"] == "net_assets":
        return CLASSES if r["share_class"] else TOTAL
    if r["field"] == "amount":
        return PARTS
    return f"{r['component'].replace('_', ' ')}: {r['field']}"


def _component(r: Mapping[str, Any], side: str, base_currency: str) -> dict[str, Any]:
    isin = r["item"] if r["component"] == "holding" else None
    alone = r["within"] and None in (r["ours"], r["theirs"])
    return {
        "part": _part(r), "figure": _figure(r), "amount": round_to(r[side], DIGITS),
        "within": _figure(r) if r["within"] else None, "alone": "yes" if alone else None,
        "currency": base_currency if r["field"] == "amount" else "", "isin": isin, "text": r["component"].replace("_", " "),
    }  # fmt: skip
