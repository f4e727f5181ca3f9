"""Three-way definitions: units in issue, and positions of books, custodian and administrator."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bo_lib.model.events import Trade
from bo_lib.model.findings import Finding
from bo_lib.model.tables import QUANTITY, TEXT
from bo_lib.recon.compare import Value
from bo_lib.recon.result import Break, Reconciliation, plain
from bo_lib.recon.rules import Rules
from bo_lib.recon.three_way import reconcile_three

UNIT_ROWS = pa.schema([("share_class", TEXT), ("units", QUANTITY)])
POSITION_ROWS = pa.schema([("isin", TEXT), ("quantity", QUANTITY), ("text", TEXT)])
Quantities = Mapping[str, Decimal]


def reconcile_units(
    units: Mapping[str, Quantities],
    rules: Rules,
    day: date,
    *,
    fund: str,
    value: Value,
    effective: Mapping[str, Sequence[tuple[str, Decimal]]] | None = None,
    findings: Sequence[Finding] = (),
) -> Reconciliation:
    """Units in issue by class: party of the rules -> class -> units.

    effective
        class -> (order, signed units) of capital effective on ``day`` or the day before: one that is the difference explains it.
    """
    recent = effective or {}

    def because(item: Break, alone: str) -> Break:
        order = next((name for name, moved in recent.get(item.subject, ()) if abs(moved) == abs(item.amount)), "")
        who = alone or "the parties"
        if order:
            return replace(item, cause="capital not booked by all", evidence=f"{item.evidence}; order {order} is the difference")
        return replace(item, cause=f"units of {who} differ")

    tables = {
        party: pa.Table.from_pylist([{"share_class": c, "units": n} for c, n in sorted(held.items())], UNIT_ROWS)
        for party, held in units.items()
    }
    return reconcile_three(tables, rules, day, fund=fund, value=value, because=because, findings=findings)


def reconcile_positions_three_way(
    books: pa.Table,
    holdings: pa.Table,
    administrator: Quantities,
    pending: Mapping[tuple[str, str], Decimal],
    rules: Rules,
    day: date,
    *,
    fund: str,
    value: Value,
    basis: Mapping[str, str],
    explained: Mapping[str, tuple[str, str]] | None = None,
    trades: Iterable[Trade] = (),
    findings: Sequence[Finding] = (),
) -> Reconciliation:
    """Quantities per ISIN of all accounts together, each party brought to the basis of ``rules.left``.

    books
        columns isin, quantity: on trade date.
    holdings
        columns account, isin, local_id, name, quantity, as the custodians sent them; ``basis``: account -> trade or settlement.
    administrator
        ISIN -> quantity, on trade date as a NAV is.
    pending
        (account, ISIN) -> signed quantity of trades that the books have and that have not settled.
    explained
        ISIN -> cause and evidence of the books against the custodian, from their own reconciliation.
    trades
        trades of the last days: one that is the difference explains an administrator who is alone.
    """
    on_trade_date = rules.left.basis != "settlement"
    figures = {
        rules.left.name: _less(_sums(books.to_pylist()), {} if on_trade_date else _by_isin(pending.items())),
        rules.right.name: _custodian(holdings, pending, basis, on_trade_date),
        _third(rules): _less(administrator, {} if on_trade_date else _by_isin(pending.items())),
    }
    names = {_identity(r): r["name"] for r in holdings.to_pylist() if r["name"]}
    known, recent = explained or {}, list(trades)
    waiting = _by_isin((k, q) for k, q in pending.items() if basis.get(k[0]) == "settlement")

    def because(item: Break, alone: str) -> Break:
        told = f"{item.evidence}; {plain(waiting[item.isin])} pending" if waiting.get(item.isin) else item.evidence
        cause, why = known.get(item.isin, ("", "")) if alone != _third(rules) else _trade_of(item, recent)
        return replace(item, cause=cause or (f"quantity of {alone} differs" if alone else "no two agree"),
                       evidence="; ".join(filter(None, (told, why))))  # fmt: skip

    tables = {
        party: pa.Table.from_pylist(
            [{"isin": i, "quantity": q, "text": names.get(i)} for i, q in sorted(held.items())], POSITION_ROWS
        )
        for party, held in figures.items()
    }
    return reconcile_three(tables, rules, day, fund=fund, value=value, because=because, findings=findings)


def _third(rules: Rules) -> str:
    return rules.third.name if rules.third else ""


def _identity(row: Mapping[str, Any]) -> str:
    return row["isin"] or row.get("local_id") or row.get("name") or ""


def _sums(rows: Iterable[Mapping[str, Any]]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        found[_identity(row)] += row["quantity"]
    return dict(found)


def _by_isin(pending: Iterable[tuple[tuple[str, str], Decimal]]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = defaultdict(Decimal)
    for (_, isin), quantity in pending:
        found[isin] += quantity
    return dict(found)


def _less(held: Quantities, off: Quantities) -> dict[str, Decimal]:
    return {isin: held.get(isin, Decimal(0)) - off.get(isin, Decimal(0)) for isin in held.keys() | off.keys()}


def _custodian(
    holdings: pa.Table, pending: Mapping[tuple[str, str], Decimal], basis: Mapping[str, str], on_trade_date: bool
) -> dict[str, Decimal]:
    """The custodians' holdings, with what is pending put to them or taken off where their basis is another."""
    wrong = "settlement" if on_trade_date else "trade"
    moved = _by_isin(
        (key, quantity if on_trade_date else -quantity) for key, quantity in pending.items() if basis.get(key[0]) == wrong
    )
    return _less(_sums(holdings.to_pylist()), {isin: -quantity for isin, quantity in moved.items()})


def _trade_of(item: Break, trades: Iterable[Trade]) -> tuple[str, str]:
    """The only trade of the instrument that is the difference."""
    fitting = [
        t for t in trades if t.isin == item.isin and (t.quantity if t.side in ("BUY", "COVER") else -t.quantity) == item.amount
    ]
    if len(fitting) != 1:
        return "", ""
    return "trade not known to the administrator", f"{fitting[0].trade_id} of {fitting[0].effective_date} is the difference"
