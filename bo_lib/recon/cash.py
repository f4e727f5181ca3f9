"""Cash: the books' movements and balances against the bank's statements.

Proof of an account and currency: the bank's opening balance and its movements give its closing balance; the books' balance less
the bank's closing is exactly what the open items and the roundings within tolerance add up to. What they do not explain is
shown, and the account is not proven.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bo_lib.model import dates
from bo_lib.model.findings import Outcome
from bo_lib.model.money import ZERO
from bo_lib.model.tables import AMOUNT, DATE, FLAG, TEXT, Column, Table
from bo_lib.recon.match import Matching, match
from bo_lib.recon.result import Break, Reconciliation, cents, plain, rates_of, verdict_of, with_rows
from bo_lib.recon.rules import Rules
from bo_lib.recon.statements import Chain, chains, unshown

Scope = tuple[str, str]
ValueCash = Callable[[str, Decimal], Decimal | None]  # currency, amount -> amount in base currency

CASH_ROWS = pa.schema([
    ("account", TEXT), ("currency", TEXT), ("amount", AMOUNT), ("value_date", DATE), ("reference", TEXT), ("code", TEXT),
    ("text", TEXT), ("isin", TEXT), ("other_reference", TEXT), ("reversal", FLAG),
])  # fmt: skip

ROUNDING_MAX = Decimal("0.10")  # in the currency of the item
CHARGE_MAX_BASE = Decimal(100)  # what a bank may take off a payment, in base currency
NO_REFERENCE = ("", "NONREF", "NOTPROVIDED")  # what senders write for none

PROOF = Table("cash_proof", "why the books' balance is, or is not, the bank's", ("account", "currency"), (
    Column("account", TEXT, "the fund's account", True),
    Column("currency", TEXT, "ISO 4217", True),
    Column("statement", TEXT, "statement that closes the day"),
    Column("statement_date", DATE, "its date"),
    Column("opening", AMOUNT, "bank: opening balance of the first statement compared"),
    Column("movements", AMOUNT, "bank: sum of the movements compared, unshown ones included"),
    Column("closing", AMOUNT, "bank: closing balance"),
    Column("book_balance", AMOUNT, "books: balance", True),
    Column("difference", AMOUNT, "books less bank"),
    Column("open_here", AMOUNT, "movements of the books that the bank has not, or has otherwise", True),
    Column("open_there", AMOUNT, "movements of the bank that the books have not, or have otherwise", True),
    Column("rounding", AMOUNT, "differences within tolerance of matched movements, books less bank", True),
    Column("unexplained", AMOUNT, "difference less open_here plus open_there less rounding"),
    Column("proven", FLAG, "the statement of the day is there and sound, and nothing is unexplained", True),
))  # fmt: skip


@dataclass(frozen=True)
class Evidence:
    """What explains cash breaks: OPEN_TRADES of the books, SETTLEMENTS statuses of the custodian, TRADES refused before
    booking."""

    open_trades: Sequence[Mapping[str, Any]] = ()
    statuses: Sequence[Mapping[str, Any]] = ()
    held_back: Sequence[Mapping[str, Any]] = ()


def reconcile_cash(
    book_movements: pa.Table,
    book_balances: pa.Table,
    statements: pa.Table,
    cash_movements: pa.Table,
    rules: Rules,
    day: date,
    *,
    fund: str,
    value: ValueCash,
    calendar: str = "WEEKENDS",
    open_trades: pa.Table | None = None,
    statuses: pa.Table | None = None,
    incomplete: Collection[str] = (),
    held_back: Sequence[Mapping[str, Any]] = (),
) -> Outcome[Reconciliation]:
    """Reconcile cash of ``fund`` at the close of ``day``.

    book_movements
        columns account, currency, amount (money in positive), value_date, reference, kind, text, isin: everything since the two
        sides last agreed (the take-over of the books, or the last proven day with its open items), up to ``day``.
    book_balances
        columns account, currency, balance: at the close of ``day``. Each of them owes a statement.
    statements, cash_movements
        tables STATEMENTS and CASH_MOVEMENTS over the same time, with the books' account ids in ``account``. An extra column
        ``business_date`` of statements, the day a file was delivered for, lets a file of another day be refused.
    value
        (currency, amount) -> base currency, or None when there is no rate.
    open_trades, statuses, held_back
        OPEN_TRADES of the books, SETTLEMENTS rows, rows of TRADES refused before booking; they explain breaks and change no match.
    incomplete
        hashes of files that were cut: their statements are refused.
    """
    balances = {(b["account"], b["currency"]): b["balance"] for b in book_balances.to_pylist()}
    found = chains((s for s in statements.to_pylist() if s["kind"] == "cash"), balances, day, incomplete)
    findings = [f for chain in found.values() for f in chain.findings]
    compared = frozenset(scope for scope, chain in found.items() if chain.covers(day))
    ours = [_ours(r) for r in book_movements.to_pylist() if (r["account"], r["currency"]) in compared and r["value_date"] <= day]
    counted = list(_counted(cash_movements.to_pylist(), found, compared))
    theirs = [_theirs(r) for r in [*counted, *_unshown(counted, found, compared)]]
    matching = match(pa.Table.from_pylist(ours, CASH_ROWS), pa.Table.from_pylist(theirs, CASH_ROWS), rules)
    evidence = Evidence(_rows(open_trades), _rows(statuses), held_back)
    items = tuple(_items(matching, ours, theirs, rules, fund, day, calendar, evidence, value))
    proof = _proof(found, balances, compared, matching, ours, theirs)
    shown = ("account", "currency", "value_date", "amount", "reference", "text")
    sides = {"left": ours, "right": theirs}
    result = Reconciliation(
        name=rules.name, title=rules.title, fund=fund, business_date=day, rules=matching.rules, owner=rules.owner,
        sla_business_days=rules.sla_business_days, proof=proof, rates=rates_of(matching, rules),
        matches=with_rows(matching.matches, sides, shown), suggestions=with_rows(matching.suggestions, sides, shown),
        items=items, compared=compared, verdict=verdict_of(findings, items, proof, rules), findings=tuple(findings),
    )  # fmt: skip
    return Outcome(result, tuple(findings))


def _rows(table: pa.Table | None) -> list[dict[str, Any]]:
    return [] if table is None else table.to_pylist()


def _ours(row: Mapping[str, Any]) -> dict[str, Any]:
    same = {name: row.get(name) for name in ("account", "currency", "amount", "value_date", "reference", "text", "isin")}
    return {**same, "code": row.get("kind"), "reversal": row.get("kind") == "reversal"}


def _theirs(row: Mapping[str, Any]) -> dict[str, Any]:
    same = {name: row.get(name) for name in ("account", "currency", "amount", "reference", "text", "code", "reversal")}
    return {**same, "value_date": row["value_date"] or row["booking_date"], "other_reference": row.get("bank_reference")}


def _counted(
    movements: Iterable[dict[str, Any]], found: Mapping[Scope, Chain], compared: frozenset[Scope]
) -> Iterable[dict[str, Any]]:
    """Movements of statements that count: a file that came twice counts once."""
    kept = {(s["statement_id"], s.get("file")) for chain in found.values() for s in chain.statements}
    return (m for m in movements if (m["statement_id"], m.get("file")) in kept and (m["account"], m["currency"]) in compared)


def _unshown(
    movements: Sequence[dict[str, Any]], found: Mapping[Scope, Chain], compared: frozenset[Scope]
) -> Iterator[dict[str, Any]]:
    for scope in sorted(compared):
        yield from unshown(found[scope], (m for m in movements if (m["account"], m["currency"]) == scope))


# Proof ---------------------------------------------------------------------------------------------------------------


def _proof(
    found: Mapping[Scope, Chain], balances: Mapping[Scope, Decimal], compared: frozenset[Scope], matching: Matching,
    ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]],
) -> pa.Table:  # fmt: skip
    sides = {"left": ours, "right": theirs}
    open_sum: dict[tuple[str, Scope], Decimal] = defaultdict(Decimal)
    for b in matching.breaks.to_pylist():
        row = sides[b["side"]][b["row"]]
        open_sum[b["side"], (row["account"], row["currency"])] += row["amount"]
    rounding: dict[Scope, Decimal] = defaultdict(Decimal)
    for m in matching.matches.to_pylist():
        row = sides[m["side"]][m["row"]]
        rounding[row["account"], row["currency"]] += row["amount"] if m["side"] == "left" else -row["amount"]
    moved: dict[Scope, Decimal] = defaultdict(Decimal)
    for row in theirs:
        moved[row["account"], row["currency"]] += row["amount"]
    rows = []
    for scope, chain in sorted(found.items()):
        known = {
            "account": scope[0], "currency": scope[1], "book_balance": balances.get(scope, ZERO),
            "open_here": open_sum["left", scope], "open_there": open_sum["right", scope], "rounding": rounding[scope],
        }  # fmt: skip
        rows.append(known | (_closing(chain, known, moved[scope]) if scope in compared else {"proven": False}))
    return pa.Table.from_pylist(rows, schema=PROOF.schema)


def _closing(chain: Chain, known: Mapping[str, Any], moved: Decimal) -> dict[str, Any]:
    """The bank's side of the proof, and what remains unexplained."""
    opening, closing = chain.statements[0]["opening"], chain.last["closing"]
    difference = None if closing is None else known["book_balance"] - closing
    explained = known["open_here"] - known["open_there"] + known["rounding"]
    unexplained = None if difference is None else difference - explained
    return {
        "statement": chain.last["statement_id"], "statement_date": chain.last["statement_date"], "opening": opening,
        "movements": moved, "closing": closing, "difference": difference, "unexplained": unexplained,
        "proven": chain.sound and unexplained == 0,
    }  # fmt: skip


# Breaks --------------------------------------------------------------------------------------------------------------


def _items(
    matching: Matching, ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]], rules: Rules, fund: str, day: date,
    calendar: str, evidence: Evidence, value: ValueCash,
) -> Iterable[Break]:  # fmt: skip
    """One break per open row, and one per pair that shares its reference within an account."""
    pairs: dict[tuple[str, int], list[Mapping[str, Any]]] = defaultdict(list)
    drafts: list[Break] = []
    sides = {"left": ours, "right": theirs}
    for b in matching.breaks.to_pylist():
        row = sides[b["side"]][b["row"]]
        if b["group"] is not None and b["kind"] in ("amount", "date"):
            pairs[b["pass"], b["group"]].append(row)
            if len(pairs[b["pass"], b["group"]]) == 2:
                here, there = pairs[b["pass"], b["group"]]
                drafts.append(_pair_break(here, there, b["kind"], rules, fund, value))
        else:
            draft = _single_break(row, b["side"], b["kind"], rules, fund, value)
            drafts.append(_explain(draft, row, rules, day, calendar, evidence))
    return _numbered(drafts)


def _pair_break(ours: Mapping[str, Any], theirs: Mapping[str, Any], kind: str, rules: Rules, fund: str, value: ValueCash) -> Break:
    amount = ours["amount"] - theirs["amount"]
    said = f"books {cents(ours['amount'])} on {ours['value_date']}, bank {cents(theirs['amount'])} on {theirs['value_date']}"
    at_risk = value(ours["currency"], amount if kind == "amount" else ours["amount"])
    cause = "wrong value date" if kind == "date" else _cause_of_amount(ours, amount, at_risk)
    return Break(
        recon=rules.name, fund=fund, account=ours["account"], subject=ours["reference"] or "", kind=kind, amount=amount,
        currency=ours["currency"], isin=ours["isin"] or "", reference=ours["reference"] or "", item_date=ours["value_date"],
        cause=cause, evidence=said, value_base=None if at_risk is None else abs(at_risk), text=ours["text"] or theirs["text"] or "",
    )  # fmt: skip


def _cause_of_amount(ours: Mapping[str, Any], amount: Decimal, amount_base: Decimal | None) -> str:
    """Why the bank has another amount, as far as its size and the kind of our booking tell."""
    if abs(amount) <= ROUNDING_MAX:
        return "rounding or exchange rate"
    if ours["code"] == "capital":
        return "units priced otherwise"
    if amount > 0 and amount_base is not None and amount_base <= CHARGE_MAX_BASE:
        return "charge taken off by the bank"
    return "rate or withholding tax differs" if ours["code"] in ("dividend", "coupon") else "amount differs"


def _single_break(row: Mapping[str, Any], side: str, kind: str, rules: Rules, fund: str, value: ValueCash) -> Break:
    """An item of one side. Without a reference the item is known by date, amount and the servicer's reference."""
    reference, other = row["reference"] or "", row.get("other_reference") or ""
    other = "" if other in NO_REFERENCE else other
    alone = f"{row['value_date']} {plain(row['amount'])} {other}".rstrip()
    at_risk = value(row["currency"], row["amount"])
    return Break(
        recon=rules.name, fund=fund, account=row["account"], subject=reference or alone, kind=kind,
        amount=row["amount"] if side == "left" else -row["amount"], currency=row["currency"], isin=row.get("isin") or "",
        reference=reference or other, item_date=row["value_date"],
        value_base=None if at_risk is None else abs(at_risk), text=row["text"] or "",
    )  # fmt: skip


def _explain(item: Break, row: Mapping[str, Any], rules: Rules, day: date, calendar: str, evidence: Evidence) -> Break:
    """The likely cause, from the strongest evidence to the weakest."""
    trade = next((t for t in evidence.open_trades if t["trade_id"] == row["reference"]), None)
    status = next((s for s in reversed(evidence.statuses) if s["reference"] == row["reference"]), None)
    cause, said = "", ""
    if item.kind == "duplicate":
        cause, said = "booked twice", f"the same reference and amount is matched already ({item.reference or 'no reference'})"
    elif item.kind == "ambiguous":
        cause, said = "more than one answer fits", "see the suggestions"
    elif item.kind in ("account", "currency"):
        cause, said = f"booked on another {item.kind}", "the other side has the same reference and amount there"
    elif item.kind == "missing_here" and row["code"] in ("GAP", "REST"):
        cause, said = "not shown on any statement", item.text
    elif item.kind == "missing_here" and row["reversal"]:
        cause, said = "reversed by the bank", f"the entry is marked as a reversal: {item.text}".rstrip(": ")
    elif item.kind == "missing_here" and trade:
        cause = "confirmation missing"
        said = f"trade {trade['trade_id']}, due {trade['settlement_date']}, is open in the books; the bank has moved the money"
    elif item.kind == "missing_here" and any(t["trade_id"] == row["reference"] for t in evidence.held_back):
        cause, said = "trade held back by us", f"trade {row['reference']} was refused before booking"
    elif item.kind == "missing_there" and status and status["status"] in ("failing", "pending", "unmatched"):
        cause, said = (
            "settlement fails",
            " ".join(filter(None, (status["status"], status["reason"], str(status["effective_date"])))),
        )
    elif named := _named_cause(item.kind, row, rules):
        cause, said = named, f"{row['code'] or ''} {row['text'] or ''}".strip()
    elif item.kind == "missing_there" and dates.business_days_after(row["value_date"], day, calendar) <= 1:
        cause, said = "timing", f"value date {row['value_date']}: the bank may book it tomorrow"
    elif item.kind == "missing_here":
        cause = "not booked by us"
    return replace(item, cause=cause, evidence=said)


def _named_cause(kind: str, row: Mapping[str, Any], rules: Rules) -> str:
    return next((c.cause for c in rules.causes if c.explains(kind, str(row.get(c.field) or ""))), "")


def _numbered(drafts: Iterable[Break]) -> list[Break]:
    """Identical items get ordinals, so that each is a break of its own."""
    seen: Counter[str] = Counter()
    numbered = []
    for draft in sorted(drafts, key=lambda b: (b.account, b.currency, b.item_date or date.min, b.subject, b.amount)):
        seen[draft.break_id] += 1
        numbered.append(replace(draft, ordinal=seen[draft.break_id]))
    return numbered
