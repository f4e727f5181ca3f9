"""Trades: what the books hold of each trade against the custodian's latest word on the instruction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bo_lib.model.events import Trade
from bo_lib.model.money import ZERO, round_money
from bo_lib.model.tables import AMOUNT, DATE, QUANTITY, TEXT
from bo_lib.recon.compare import Row, Scope, Value, reconcile_tables
from bo_lib.recon.result import Break, Reconciliation
from bo_lib.recon.rules import Rules

TRADE_ROWS = pa.schema([
    ("account", TEXT), ("currency", TEXT), ("reference", TEXT), ("isin", TEXT), ("side", TEXT), ("quantity", QUANTITY),
    ("amount", AMOUNT), ("trade_date", DATE), ("settlement_date", DATE), ("state", TEXT), ("text", TEXT),
])  # fmt: skip

SETTLED = ("settled", "partially_settled")
IN = ("BUY", "COVER", "RECEIVE")
OF_TRADES = ("trade", "delivery")  # kinds of transactions that are instructions of trades
CAUSES = {
    "isin": "another security", "side": "the other direction", "quantity": "quantity differs", "amount": "price or charges differ",
    "date": "settlement date differs", "trade_date": "trade date differs", "account": "instructed in another account",
    "currency": "instructed in another currency",
}  # fmt: skip


def reconcile_trades(
    trades: Sequence[Trade],
    settlements: pa.Table,
    rules: Rules,
    day: date,
    *,
    fund: str,
    value: Value,
    bonds: Collection[str] = (),
    transactions: pa.Table | None = None,
    held_back: Collection[str] = (),
    scopes: Iterable[Scope] = (),
) -> Reconciliation:
    """Reconcile the standing trades of the books with statuses and confirmations received up to ``day``.

    settlements, transactions
        tables SETTLEMENTS and TRANSACTIONS with the books' account ids in ``account``, in the order received.
    bonds
        ISINs priced in percent of par.
    held_back
        ids of trades that were refused before booking: they explain what only the custodian has.

    A trade of today that the custodian has not answered is excluded: the answer comes on the next business day. What a message
    does not state is not compared. Confirmations in parts are added up. Account and currency: ``scopes``.
    """
    said = _said(settlements, transactions)
    ours = [_ours(t, bonds, day, said) for t in trades if t.effective_date <= day]
    known = {row["reference"]: row for row in ours}
    theirs = [_theirs(reference, rows, known.get(reference)) for reference, rows in sorted(said.items())]
    status = {reference: _latest(rows) for reference, rows in said.items()}

    def explain(item: Break, here: Row | None, there: Row | None) -> Break:
        latest = status.get(item.reference)
        told = f"{latest['status']}{' ' + latest['reason'] if latest['reason'] else ''} {latest['day']}" if latest else ""
        evidence = "; ".join(filter(None, (item.evidence, told)))
        return replace(item, cause=_cause(item, there, held_back), evidence=evidence)

    tables = pa.Table.from_pylist(ours, TRADE_ROWS), pa.Table.from_pylist(theirs, TRADE_ROWS)
    every = list(scopes)
    return reconcile_tables(
        *tables, rules, day, fund=fund, value=value, explain=explain, scopes=every, compared=[(s[0], s[1]) for s in every],
        shown=("state",),
    )  # fmt: skip


def _cause(item: Break, there: Row | None, held_back: Collection[str]) -> str:
    if item.kind == "missing_there":
        return "trade not known to the custodian"
    if item.kind == "missing_here":
        return "trade held back by us" if item.reference in held_back else "trade not booked by us"
    if there is not None and there["state"] == "partially_settled" and item.kind in ("quantity", "amount"):
        return "settled in part"
    return CAUSES.get(item.kind, f"{item.kind.replace('_', ' ')} differs")


def _ours(t: Trade, bonds: Collection[str], day: date, said: Mapping[str, Any]) -> dict[str, Any]:
    gross = round_money(t.quantity * t.price / (100 if t.isin in bonds else 1), t.currency)
    costs = t.commission + t.taxes
    unanswered = t.effective_date == day and t.trade_id not in said
    return {
        "account": t.account, "currency": t.currency, "reference": t.trade_id, "isin": t.isin, "side": _direction(t.side),
        "quantity": t.quantity, "amount": gross + t.accrued_interest + (costs if t.side in IN else -costs),
        "trade_date": t.effective_date, "settlement_date": t.settlement_date, "state": "traded today" if unanswered else None,
        "text": f"{t.side} {t.counterparty}".rstrip(),
    }  # fmt: skip


def _direction(side: str | None) -> str | None:
    return None if side is None else "RECEIVE" if side in IN else "DELIVER"


def _said(settlements: pa.Table, transactions: pa.Table | None) -> dict[str, list[dict[str, Any]]]:
    """Messages by our reference in the order received; a message that came twice counts once."""
    rows = [_of_settlement(r) for r in settlements.to_pylist()]
    rows += [_of_transaction(r) for r in ([] if transactions is None else transactions.to_pylist()) if r["kind"] in OF_TRADES]
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        messages = found.setdefault(row["reference"] or "", [])
        if row not in messages:
            messages.append(row)
    found.pop("", None)
    return found


def _of_settlement(r: Mapping[str, Any]) -> dict[str, Any]:
    same = ("reference", "account", "status", "reason", "isin", "side", "quantity", "currency", "amount", "trade_date")
    return {name: r[name] for name in same} | {"settlement_date": r["intended_date"], "day": r["effective_date"]}


def _of_transaction(r: Mapping[str, Any]) -> dict[str, Any]:
    same = ("reference", "account", "status", "isin", "currency", "trade_date", "settlement_date")
    quantity, amount = (None if r[name] is None else abs(r[name]) for name in ("quantity", "amount"))
    stated = {name: r[name] for name in same}
    return stated | {
        "status": r["status"] or "settled", "reason": None, "side": _direction(r["side"]), "quantity": quantity, "amount": amount,
        "day": r["effective_date"],
    }  # fmt: skip


def _latest(messages: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    newest = max((m["day"] for m in messages if m["day"]), default=None)
    return [m for m in messages if m["day"] == newest or newest is None][-1]


def _theirs(reference: str, messages: Sequence[Mapping[str, Any]], ours: Mapping[str, Any] | None) -> dict[str, Any]:
    """The instruction as the latest message has it; ours where it states nothing."""
    latest = _latest(messages)
    parts = [m for m in messages if m["status"] in SETTLED]
    added: dict[str, Decimal | None] = {name: latest[name] for name in ("quantity", "amount")}
    if len(parts) > 1:
        added = {name: sum((m[name] or ZERO for m in parts), ZERO) for name in added}
    stated = {name: latest[name] for name in ("isin", "side", "currency", "trade_date", "settlement_date")} | added
    filled = {name: theirs if theirs is not None else (ours or {}).get(name) for name, theirs in stated.items()}
    if filled["amount"] is None:
        filled["amount"] = ZERO
    text = " ".join(filter(None, (latest["status"], latest["reason"])))
    return filled | {"account": latest["account"], "reference": reference, "state": latest["status"], "text": text}
