"""Wash sales (26 USC 1091): a loss is disallowed as far as the security was bought back within 30 days before or after.

A view on what the books realised, for the tax basis: the books themselves keep the loss. Local amounts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bo_lib.model.money import round_money
from bo_lib.model.tables import AMOUNT, DATE, QUANTITY, TEXT, Column, Table, built

DAYS = 30

PURCHASES = Table("purchases", "lots opened long by trades, as they were bought", ("lot_id",), (
    Column("lot_id", TEXT, "the lot", True),
    Column("isin", TEXT, "instrument", True),
    Column("acquired", DATE, "trade date", True),
    Column("quantity", QUANTITY, "quantity bought", True),
    Column("cost_local", AMOUNT, "cost with charges", True),
    Column("currency", TEXT, "of cost_local", True),
))  # fmt: skip

WASH_SALES = Table("wash_sales", "losses disallowed, by sale and replacement lot", ("event_id", "lot_id", "replacement_lot_id"), (
    Column("event_id", TEXT, "sale at a loss", True),
    Column("lot_id", TEXT, "lot sold", True),
    Column("isin", TEXT, "instrument", True),
    Column("sold", DATE, "trade date of the sale", True),
    Column("replacement_lot_id", TEXT, "lot bought within the period", True),
    Column("quantity", QUANTITY, "shares that replace shares sold", True),
    Column("currency", TEXT, "of the amounts", True),
    Column("disallowed_local", AMOUNT, "part of the loss that does not count, positive", True),
    Column("replacement_basis_local", AMOUNT, "cost of the replacing shares with the loss disallowed", True),
    Column("holding_from", DATE, "where the replacing shares' holding period begins: the old one is added", True),
))  # fmt: skip


def wash_sales(realised: pa.Table, purchases: pa.Table) -> pa.Table:
    """Table WASH_SALES from tables REALISED and PURCHASES (``Book.purchases``).

    Sales in order of their dates; purchases in theirs (26 CFR 1.1091-1(b) to (e)); each share replaces one sold share once. The
    lot sold, and others sold in the same trade, replace nothing.
    """
    free = {row["lot_id"]: row["quantity"] for row in purchases.to_pylist()}
    bought = sorted(purchases.to_pylist(), key=lambda row: (row["acquired"], row["lot_id"]))
    sales = realised.to_pylist()
    gone: dict[str, set[str]] = {}
    for sale in sales:
        gone.setdefault(sale["event_id"], set()).add(sale["lot_id"])
    rows: list[dict[str, Any]] = []
    for sale in sorted(sales, key=lambda s: (s["effective_date"], s["event_id"], s["acquired"], s["lot_id"])):
        if sale["quantity"] and sale["proceeds_local"] < sale["cost_local"]:
            near = [
                lot
                for lot in bought
                if lot["isin"] == sale["isin"]
                and lot["lot_id"] not in gone[sale["event_id"]]
                and abs(lot["acquired"] - sale["effective_date"]) <= timedelta(days=DAYS)
            ]
            rows += _disallowed(sale, near, free)
    return built(WASH_SALES, rows)


def _disallowed(sale: Mapping[str, Any], near: list[dict[str, Any]], free: dict[str, Decimal]) -> list[dict[str, Any]]:
    rows, left, loss = [], sale["quantity"], sale["cost_local"] - sale["proceeds_local"]
    for lot in near:
        quantity = min(left, free[lot["lot_id"]])
        if quantity <= 0:
            continue
        free[lot["lot_id"]] -= quantity
        left -= quantity
        part = round_money(loss * quantity / sale["quantity"], sale["currency"])
        cost = round_money(lot["cost_local"] * quantity / lot["quantity"], lot["currency"])
        held = sale["effective_date"] - sale["acquired"]
        rows.append({
            "event_id": sale["event_id"], "lot_id": sale["lot_id"], "isin": sale["isin"], "sold": sale["effective_date"],
            "replacement_lot_id": lot["lot_id"], "quantity": quantity, "currency": sale["currency"], "disallowed_local": part,
            "replacement_basis_local": cost + part, "holding_from": lot["acquired"] - held,
        })  # fmt: skip
    return rows
