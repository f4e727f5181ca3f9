"""Positions: the books' quantities against the custodian's holdings, both on the custodian's basis.

On settlement basis a trade counts once its settlement is confirmed, on trade basis from the trade date; the same open trade
therefore explains a difference with opposite signs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import combinations
from typing import Any

import pyarrow as pa

from bo_lib.model.findings import Finding, Outcome, Place, error, warning
from bo_lib.model.money import ZERO
from bo_lib.model.tables import COUNT, DATE, FLAG, QUANTITY, TEXT, Column, Table
from bo_lib.recon.match import Matching, match
from bo_lib.recon.result import Break, Reconciliation, plain, rates_of, verdict_of, with_rows
from bo_lib.recon.rules import Rules

Rows = Sequence[Mapping[str, Any]]
ValuePosition = Callable[[str, Decimal], Decimal | None]  # isin, quantity -> value in base currency
POSITION_ROWS = pa.schema([("account", TEXT), ("isin", TEXT), ("quantity", QUANTITY), ("name", TEXT), ("local_id", TEXT)])
SUBSET_TRADES_MAX = 12

PROOF = Table("positions_proof", "which accounts could be compared", ("account",), (
    Column("account", TEXT, "the fund's account", True),
    Column("basis", TEXT, "trade or settlement: the custodian's", True),
    Column("statement_date", DATE, "date of the holdings"),
    Column("positions_here", COUNT, "instruments of the books", True),
    Column("positions_there", COUNT, "instruments of the custodian", True),
    Column("agreed", COUNT, "instruments with equal quantities", True),
    Column("differing", COUNT, "instruments with a difference", True),
    Column("proven", FLAG, "holdings of the day on the right basis are there, and every instrument is agreed or a break", True),
))  # fmt: skip

COMPARISON = Table("positions_comparison", "both sides of every instrument", ("account", "isin"), (
    Column("account", TEXT, "the fund's account", True),
    Column("isin", TEXT, "ISO 6166, or the sender's identifier", True),
    Column("name", TEXT, "description as sent"),
    Column("basis", TEXT, "trade or settlement", True),
    Column("quantity_here", QUANTITY, "books, on the basis", True),
    Column("quantity_there", QUANTITY, "custodian", True),
    Column("quantity_pending", QUANTITY, "trades of the books still to settle, signed", True),
    Column("difference", QUANTITY, "books less custodian", True),
    Column("cause", TEXT, "likely cause of the difference"),
))  # fmt: skip


@dataclass(frozen=True)
class _Given:
    """What explains differences: open trades (``signed`` quantity), trades held back and disputed ones by account and instrument,
    corporate actions by instrument, and the basis per account."""

    trades: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]
    held_back: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]
    disputed: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]
    actions: Mapping[str, Sequence[Mapping[str, Any]]]
    basis: Mapping[str, str]


def reconcile_positions(
    book_positions: pa.Table,
    holdings: pa.Table,
    open_trades: pa.Table,
    actions_today: pa.Table,
    rules: Rules,
    day: date,
    *,
    fund: str,
    value: ValuePosition,
    basis: Mapping[str, str],
    incomplete: Collection[str] = (),
    held_back: Sequence[Mapping[str, Any]] = (),
    statuses: pa.Table | None = None,
) -> Outcome[Reconciliation]:
    """Reconcile quantities of ``fund`` per account and ISIN at the close of ``day``.

    book_positions
        columns account, isin, quantity: signed, on the custodian's basis of the account.
    holdings
        table HOLDINGS with the books' account ids in ``account``. Rows of another day are refused.
    open_trades
        columns trade_id, account, isin, side, quantity_open, settlement_date (OPEN_TRADES of the books).
    actions_today
        rows of ANNOUNCEMENTS that are ex on or shortly before ``day``.
    basis
        account -> trade or settlement, for every account that owes holdings.
    value
        (isin, quantity) -> value in base currency, or None when there is no price.
    incomplete
        hashes of files that were cut: an account with holdings in one of them is not compared.
    held_back, statuses
        rows of TRADES that were refused before booking, and rows of SETTLEMENTS; they explain differences.
    """
    todays, findings = _todays(holdings.to_pylist(), basis, day, incomplete)
    compared = {account for account in basis if todays.get(account) is not None}
    ours = _summed(r for r in book_positions.to_pylist() if r["account"] in compared)
    theirs = _summed(row for account in sorted(compared) for row in todays[account])
    matching = match(pa.Table.from_pylist(ours, POSITION_ROWS), pa.Table.from_pylist(theirs, POSITION_ROWS), rules)
    given = _given(open_trades, actions_today, basis, held_back, [] if statuses is None else statuses.to_pylist())
    items = tuple(_items(matching, ours, theirs, rules, fund, given, value))
    proof = _proof(basis, compared, ours, theirs, items, day)
    sides, shown = {"left": ours, "right": theirs}, ("account", "isin", "quantity")
    result = Reconciliation(
        name=rules.name, title=rules.title, fund=fund, business_date=day, rules=matching.rules, owner=rules.owner,
        sla_business_days=rules.sla_business_days, proof=proof, rates=rates_of(matching, rules),
        matches=with_rows(matching.matches, sides, shown), suggestions=with_rows(matching.suggestions, sides, shown),
        items=items, compared=frozenset((account, "") for account in compared),
        verdict=verdict_of(findings, items, proof, rules), findings=tuple(findings),
        comparison=_comparison(ours, theirs, items, given),
    )  # fmt: skip
    return Outcome(result, tuple(findings))


def _todays(
    rows: Iterable[Mapping[str, Any]], basis: Mapping[str, str], day: date, incomplete: Collection[str]
) -> tuple[dict[str, list[Any]], list[Finding]]:
    """Holdings of the day per account, with letters about those that are refused.

    An account without holdings of the day, on another basis or from a file that was cut is left out and waits.
    """
    found: dict[str, list[Any]] = {}
    letters: list[Finding] = []
    refused: dict[tuple[str, date], Mapping[str, Any]] = {}
    counted: dict[tuple[str, str], str | None] = {}  # account and statement -> the file that counts
    again: dict[tuple[str, str], Mapping[str, Any]] = {}
    for row in rows:
        key = (row["account"], row["statement_id"])
        if row["business_date"] != day:
            refused.setdefault((row["account"], row["business_date"]), row)
        elif counted.setdefault(key, row.get("file")) == row.get("file"):
            found.setdefault(row["account"], []).append(row)
        else:
            again.setdefault(key, row)
    for (_, name), row in sorted(again.items()):
        letters.append(warning("statement-duplicate", f"holdings {name} came twice; counted once", _place(row, "statement_id")))
    for (account, other), row in sorted(refused.items(), key=str):
        said = f"holdings of {account} are of {other}; refused, not compared"
        letters.append(warning("holdings-of-another-day", said, _place(row, "business_date"), expected=str(day)))
    for account, expected in sorted(basis.items()):
        if letter := _unfit(account, found.get(account, []), expected, day, incomplete):
            letters.append(letter)
            found.pop(account, None)
    return found, letters


def _unfit(
    account: str, rows: Sequence[Mapping[str, Any]], expected: str, day: date, incomplete: Collection[str]
) -> Finding | None:
    """Why the holdings of an account cannot be compared."""
    if not rows:
        said, todo = f"no holdings of {day} for {account}", "ask for them; its breaks stay as they are"
        return error("statement-missing", said, Place(field="business_date"), expected=str(day), todo=todo)
    cut = next((row for row in rows if row.get("file") in incomplete), None)
    if cut:
        said = f"holdings of {account} are in a file that was cut; not compared"
        return error("statement-cut", said, _place(cut, "statement_id"), todo="ask for the file again; its breaks stay as they are")
    stated = {row["basis"] for row in rows if row["basis"]} - {expected}
    if not stated:
        return None
    said, todo = (
        f"holdings of {account} are on another basis; not compared",
        "correct position_basis of the account, or ask for the other report",
    )
    return error("basis-differs", said, Place(field="basis"), found=", ".join(sorted(stated)), expected=expected, todo=todo)


def _place(row: Mapping[str, Any], name: str) -> Place:
    return Place(file=row["statement_id"], at=row.get("at") or "", field=name, sha256=row.get("file") or "")


def _summed(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row per account and instrument, as statements may show sub-balances; nothing held is no row."""
    sums: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    names: dict[tuple[str, str, str], str | None] = {}
    for row in rows:
        key = (row["account"], row["isin"] or "", "" if row["isin"] else row.get("local_id") or row.get("name") or "")
        sums[key] += row["quantity"]
        names.setdefault(key, row.get("name"))
    return [
        {"account": key[0], "isin": key[1] or None, "quantity": quantity, "name": names[key], "local_id": key[2] or None}
        for key, quantity in sorted(sums.items()) if quantity
    ]  # fmt: skip


def _given(open_trades: pa.Table, actions: pa.Table, basis: Mapping[str, str], held_back: Rows, statuses: Rows) -> _Given:
    opened = [{**trade, "signed": _signed(trade, "quantity_open")} for trade in open_trades.to_pylist()]
    refused = [{**trade, "signed": _signed(trade, "quantity")} for trade in held_back]
    latest = {s["reference"]: s for s in statuses}
    disputed = [t for t in opened if latest.get(t["trade_id"], {}).get("status") == "unmatched"]
    by_isin: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for action in actions.to_pylist():
        for isin in {action["isin"], action.get("new_isin")} - {None}:
            by_isin[isin].append(action)
    return _Given(_by_instrument(opened), _by_instrument(refused), _by_instrument(disputed), by_isin, basis)


def _signed(trade: Mapping[str, Any], name: str) -> Decimal:
    quantity: Decimal = trade[name]
    return quantity if trade["side"] in ("BUY", "COVER") else -quantity


def _by_instrument(trades: Rows) -> dict[tuple[str, str], Rows]:
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for trade in trades:
        found[trade["account"], trade["isin"]].append(trade)
    return dict(found)


# Breaks --------------------------------------------------------------------------------------------------------------


def _items(
    matching: Matching, ours: Rows, theirs: Rows, rules: Rules, fund: str, given: _Given, value: ValuePosition
) -> list[Break]:
    """One break per account and instrument."""
    sides = {"left": ours, "right": theirs}
    by_item: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for b in matching.breaks.to_pylist():
        row = sides[b["side"]][b["row"]]
        by_item[row["account"], row["isin"] or row["local_id"] or ""][b["side"]] = row
    items = []
    for (account, name), found in sorted(by_item.items()):
        here, there = (found[side]["quantity"] if side in found else ZERO for side in ("left", "right"))
        kind = "quantity" if len(found) == 2 else "missing_there" if "left" in found else "missing_here"
        isin = next(iter(found.values()))["isin"] or ""
        at_risk = value(isin, here - there) if isin else None
        item = Break(
            recon=rules.name, fund=fund, account=account, subject=name, kind=kind, amount=here - there, isin=isin, reference=name,
            value_base=None if at_risk is None else abs(at_risk), text=next((r["name"] for r in found.values() if r["name"]), ""),
            evidence=f"books {plain(here)}, custodian {plain(there)}",
        )  # fmt: skip
        items.append(_explained(item, here, there, given))
    return items


def _explained(item: Break, here: Decimal, there: Decimal, given: _Given) -> Break:
    found = _by_action(item, here, there, given) or _by_trades(item, given)
    if found:
        return replace(item, cause=found[0], evidence=f"{item.evidence}; {found[1]}")
    if not item.isin:
        return replace(item, cause="identifier not known", evidence=f"{item.evidence}; no ISIN, sent as {item.subject}")
    return replace(item, cause="position not booked by us" if item.kind == "missing_here" else "")


def _by_action(item: Break, here: Decimal, there: Decimal, given: _Given) -> tuple[str, str] | None:
    """A split that one side has applied and the other has not, or securities that a corporate action brings."""
    for action in given.actions.get(item.isin, ()):
        new, old = action.get("ratio_new"), action.get("ratio_old")
        said = f"{action['caev']} {action['event_ref']}, ex {action['ex_date']}"
        if not new or not old:
            continue
        said += f", {plain(new)} for {plain(old)}"
        if action["isin"] == item.isin and here and there:
            if there * new == here * old:
                return "corporate action not applied by the custodian", said
            if here * new == there * old:
                return "corporate action not applied by us", said
        if action.get("new_isin") == item.isin and item.kind == "missing_here":
            return "corporate action not applied by us", said
        if action.get("new_isin") == item.isin and item.kind == "missing_there":
            return "corporate action not applied by the custodian", said
    return None


def _by_trades(item: Break, given: _Given) -> tuple[str, str] | None:
    """Open trades of the instrument that add up to the difference: one, or the only set of several."""
    trades = given.trades.get((item.account, item.isin), ())
    on_trade_date = given.basis[item.account] == "trade"
    sought = item.amount if on_trade_date else -item.amount
    held_back = _subset(given.held_back.get((item.account, item.isin), ()), -item.amount)
    if held_back:
        return "trade held back by us", "explained by " + ", ".join(f"{t['trade_id']} ({plain(t['signed'])})" for t in held_back)
    found = _subset(trades, sought)
    if not found:
        disputed = given.disputed.get((item.account, item.isin), ())
        said = ", ".join(f"{t['trade_id']} ({plain(t['signed'])}) is unmatched" for t in disputed)
        return ("trade disputed", said) if disputed else None
    named = ", ".join(f"{t['trade_id']} ({plain(t['signed'])}, due {t['settlement_date']})" for t in found)
    if on_trade_date:
        return "trade not known to the custodian", f"explained by {named}"
    return "confirmation missing", f"the custodian has settled {named}, which the books hold as open"


def _subset(trades: Sequence[Mapping[str, Any]], sought: Decimal) -> tuple[Mapping[str, Any], ...]:
    """The smallest set of trades that adds up, when it is the only one of its size."""
    for size in range(1, min(len(trades), SUBSET_TRADES_MAX) + 1):
        fitting = [c for c in combinations(trades[:SUBSET_TRADES_MAX], size) if sum(t["signed"] for t in c) == sought]
        if fitting:
            return fitting[0] if len(fitting) == 1 else ()
    return ()


# Tables --------------------------------------------------------------------------------------------------------------


def _proof(basis: Mapping[str, str], compared: set[str], ours: Rows, theirs: Rows, items: Sequence[Break], day: date) -> pa.Table:
    rows = []
    for account in sorted(basis):
        here = {r["isin"] or r["local_id"] for r in ours if r["account"] == account}
        there = {r["isin"] or r["local_id"] for r in theirs if r["account"] == account}
        differing = {i.subject for i in items if i.account == account}
        rows.append({
            "account": account, "basis": basis[account], "statement_date": day if account in compared else None,
            "positions_here": len(here), "positions_there": len(there), "agreed": len((here | there) - differing),
            "differing": len(differing), "proven": account in compared and (here ^ there) <= differing,
        })  # fmt: skip
    return pa.Table.from_pylist(rows, schema=PROOF.schema)


def _comparison(ours: Rows, theirs: Rows, items: Sequence[Break], given: _Given) -> pa.Table:
    sides: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for name, rows in (("here", ours), ("there", theirs)):
        for row in rows:
            sides[row["account"], row["isin"] or row["local_id"] or ""][name] = row
    causes = {(item.account, item.subject): item.cause for item in items}
    shown = []
    for (account, isin), found in sorted(sides.items()):
        here, there = (found[side]["quantity"] if side in found else ZERO for side in ("here", "there"))
        pending = sum((t["signed"] for t in given.trades.get((account, isin), ())), ZERO)
        shown.append({
            "account": account, "isin": isin, "basis": given.basis[account],
            "name": next((row["name"] for row in reversed(found.values()) if row["name"]), None),
            "quantity_here": here, "quantity_there": there, "quantity_pending": pending, "difference": here - there,
            "cause": causes.get((account, isin)) or None,
        })  # fmt: skip
    return pa.Table.from_pylist(shown, schema=COMPARISON.schema)
