"""The cash ladder: by currency and value date what comes in, what goes out, and what is left if fails stay fails."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bo_lib.model.money import ZERO
from bo_lib.model.tables import AMOUNT, DATE, FLAG, TEXT, Column, Table

FLOWS = Table("cash_flows", "money agreed to move", ("reference", "account", "currency", "value_date"), (
    Column("account", TEXT, "the fund's account", True),
    Column("currency", TEXT, "ISO 4217", True),
    Column("value_date", DATE, "day it should move", True),
    Column("amount", AMOUNT, "to receive positive, to pay negative", True),
    Column("reference", TEXT, "trade, deal, order or event", True),
    Column("kind", TEXT, "trade, fx_deal, capital, income, payment", True),
))  # fmt: skip

LADDER = Table("cash_ladder", "cash by currency and value date", ("currency", "value_date"), (
    Column("currency", TEXT, "ISO 4217", True),
    Column("value_date", DATE, "value date", True),
    Column("opening", AMOUNT, "balance before", True),
    Column("receipts", AMOUNT, "money in that is not failing", True),
    Column("payments", AMOUNT, "money out, negative, failing or not", True),
    Column("closing", AMOUNT, "opening + receipts + payments", True),
    Column("failing_receipts", AMOUNT, "money in of trades that fail: apart, not in the closing", True),
    Column("closing_if_fails_settle", AMOUNT, "closing with all failing receipts up to the day", True),
    Column("within_line", FLAG, "the closing stays above the approved line below zero", True),
))  # fmt: skip


def trade_flows(open_trades: pa.Table) -> pa.Table:
    """Money of OPEN_TRADES on their intended settlement dates."""
    rows = (
        {"account": t["account"], "currency": t["currency"], "value_date": t["settlement_date"], "amount": t["amount_open"],
         "reference": t["trade_id"], "kind": "trade"}
        for t in open_trades.to_pylist()
    )  # fmt: skip
    return pa.Table.from_pylist(list(rows), schema=FLOWS.schema)


def deal_flows(open_deals: pa.Table) -> pa.Table:
    """Both legs of FX_DEALS on their value dates."""
    legs = (
        {"account": d["account"], "currency": d[f"{leg}_currency"], "value_date": d["settlement_date"],
         "amount": d[f"{leg}_amount"] * sign, "reference": d["deal_id"], "kind": "fx_deal"}
        for d in open_deals.to_pylist() for leg, sign in (("buy", 1), ("sell", -1))
    )  # fmt: skip
    return pa.Table.from_pylist(list(legs), schema=FLOWS.schema)


def cash_ladder(
    balances: pa.Table,
    flows: pa.Table,
    days: Collection[date],
    *,
    failing: Collection[str] = (),
    lines: Mapping[str, Decimal] | None = None,
) -> pa.Table:
    """Table LADDER for ``days``.

    balances: columns currency, balance (summed over accounts) at the close of the day before the first. flows: table FLOWS; what
    was due before the first day stands on it, what is due between two days on the later one. failing: references whose
    receipts are not counted on. lines: currency -> approved overdraft, positive.
    """
    ordered = sorted(days)
    opening: dict[str, Decimal] = defaultdict(Decimal)
    for row in balances.to_pylist():
        opening[row["currency"]] += row["balance"]
    moves = _by_day(flows.to_pylist(), ordered, set(failing))
    rows: list[dict[str, Any]] = []
    for currency in sorted({*opening, *(key[0] for key in moves)}):
        rows += _rungs(currency, opening[currency], ordered, moves, (lines or {}).get(currency, ZERO))
    return pa.Table.from_pylist(rows, schema=LADDER.schema)


def _by_day(flows: Iterable[Mapping[str, Any]], days: list[date], failing: set[str]) -> dict[tuple[str, date, str], Decimal]:
    """(currency, day, receipts | payments | failing) -> sum."""
    sums: dict[tuple[str, date, str], Decimal] = defaultdict(Decimal)
    for flow in flows:
        day = next((d for d in days if d >= flow["value_date"]), None)
        if day is None:
            continue
        kind = "payments" if flow["amount"] < 0 else "failing" if flow["reference"] in failing else "receipts"
        sums[flow["currency"], day, kind] += flow["amount"]
    return sums


def _rungs(
    currency: str, balance: Decimal, days: list[date], moves: Mapping[tuple[str, date, str], Decimal], line: Decimal
) -> Iterable[dict[str, Any]]:
    failing = ZERO
    for day in days:
        receipts, payments, late = (moves.get((currency, day, kind), ZERO) for kind in ("receipts", "payments", "failing"))
        closing, failing = balance + receipts + payments, failing + late
        yield {
            "currency": currency, "value_date": day, "opening": balance, "receipts": receipts, "payments": payments,
            "closing": closing, "failing_receipts": late, "closing_if_fails_settle": closing + failing,
            "within_line": closing >= -line,
        }  # fmt: skip
        balance = closing


def releasable(ladder: pa.Table, currency: str, value_date: date, amount: Decimal, line: Decimal = ZERO) -> bool:
    """True when paying ``amount`` more on ``value_date`` keeps every closing from then on within the approved line.

    A currency or a day outside the ladder has no balance to pay from.
    """
    after = [r["closing"] for r in ladder.to_pylist() if r["currency"] == currency and r["value_date"] >= value_date]
    return bool(after) and min(after) - amount >= -line
