"""Any two tables: matched by rules, every difference a break, the sums of both sides explained by the open items.

What a definition adds is how its rows are made and what explains its differences; the rest is the same for all.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from bo_lib.model.findings import Finding, Outcome
from bo_lib.model.money import ZERO, round_to
from bo_lib.model.tables import COUNT, FLAG, QUANTITY, TEXT
from bo_lib.recon.match import Matching, match
from bo_lib.recon.result import RATES, Break, Reconciliation, plain, rates_of, verdict_of, with_rows
from bo_lib.recon.rules import Rules, Tolerance

Row = Mapping[str, Any]
Scope = tuple[str, ...]
Value = Callable[[Row, Decimal], Decimal | None]  # a row and an amount of it -> base currency, None when it cannot be valued
Explain = Callable[[Break, Row | None, Row | None], Break]  # the break, our row, their row -> the break with its cause
Sides = Mapping[str, Sequence[Row]]

_PROOF = [
    ("rows_here", COUNT), ("rows_there", COUNT), ("sum_here", QUANTITY), ("sum_there", QUANTITY), ("stated_here", QUANTITY),
    ("stated_there", QUANTITY), ("difference", QUANTITY), ("open_here", QUANTITY), ("open_there", QUANTITY),
    ("within_tolerance", QUANTITY), ("excluded", QUANTITY), ("unexplained", QUANTITY), ("proven", FLAG),
]  # fmt: skip


def reconcile_tables(
    left: pa.Table,
    right: pa.Table,
    rules: Rules,
    day: date,
    *,
    fund: str,
    value: Value,
    explain: Explain | None = None,
    scopes: Iterable[Scope] = (),
    compared: Iterable[tuple[str, str]] = (),
    stated: Mapping[Scope, tuple[Decimal | None, Decimal | None]] | None = None,
    shown: Sequence[str] = (),
    findings: Sequence[Finding] = (),
) -> Reconciliation:
    """Reconcile two tables of ``fund`` on ``day``; both need every column that ``rules`` name (``KeyError`` otherwise).

    value
        (row, amount) -> base currency, None when there is no rate or price.
    explain
        gives a break its cause; our row or theirs is None when it stands alone. Causes of the rules come first.
    scopes
        values of ``rules.scope`` that are proven even when neither side has a row.
    compared
        (account, currency) of breaks that this run may close, besides those of the rows.
    stated
        scope -> totals of ``rules.amount`` that the sides state themselves (None: they state none); rows that do not add up to
        them are not proven.
    shown
        further columns of the rows to show beside matches and suggestions.

    The proof has one row per scope: sum here less sum there = open here less open there, what matched within tolerance and what
    was excluded; ``unexplained`` is what is left.
    """
    matching = matched(left, right, rules)
    sides = {"left": left.to_pylist(), "right": right.to_pylist()}
    items = numbered(_items(matching, sides, rules, fund, value, explain))
    proof = _proof(matching, sides, rules, scopes, stated or {})
    columns = tuple(dict.fromkeys(["account", "currency", *rules.columns, *shown]))
    known = {_account_of(row) for rows in sides.values() for row in rows}
    return Reconciliation(
        name=rules.name, title=rules.title, fund=fund, business_date=day, rules=matching.rules, owner=rules.owner,
        sla_business_days=rules.sla_business_days, proof=proof, rates=rates_of(matching, rules),
        matches=with_rows(matching.matches, sides, columns), suggestions=with_rows(matching.suggestions, sides, columns),
        items=tuple(items), compared=frozenset(known | set(compared)), verdict=verdict_of(findings, items, proof, rules),
        findings=tuple(findings),
    )  # fmt: skip


def not_compared(rules: Rules, day: date, fund: str, findings: Sequence[Finding]) -> Outcome[Reconciliation]:
    """The result when a side is not there: nothing is compared and no break closes."""
    proof = _proof_schema(rules.scope).empty_table()
    none = with_rows(pa.table({"group": []}), {}, rules.columns)
    result = Reconciliation(
        name=rules.name, title=rules.title, fund=fund, business_date=day, rules=f"{rules.name} v{rules.version}", owner=rules.owner,
        sla_business_days=rules.sla_business_days, proof=proof, rates=RATES.empty(), matches=none, suggestions=none, items=(),
        compared=frozenset(), verdict=verdict_of(findings, (), proof, rules), findings=tuple(findings),
    )  # fmt: skip
    return Outcome(result, tuple(findings))


# Matching ------------------------------------------------------------------------------------------------------------


def matched(left: pa.Table, right: pa.Table, rules: Rules) -> Matching:
    """``match``, with the tolerance of each value of ``rules.tolerance_by``: its rows are matched by themselves."""
    if not rules.tolerance_by:
        return match(left, right, rules)
    tables = {"left": left, "right": right}
    named = {side: np.array([name or "" for name in table[rules.tolerance_by].to_pylist()]) for side, table in tables.items()}
    parts = []
    for names, tolerance in _by_tolerance(sorted({*named["left"], *named["right"]}) or [""], rules):
        rows = {side: np.flatnonzero(np.isin(mine, names)) for side, mine in named.items()}
        of_name = {side: table.take(pa.array(rows[side])) for side, table in tables.items()}
        parts.append(_placed_back(match(of_name["left"], of_name["right"], _with(tolerance, rules)), rows, left.num_rows))
    together = {
        name: pa.concat_tables([getattr(p, name) for p in parts]) for name in ("matches", "suggestions", "breaks", "excluded")
    }
    return replace(
        parts[0], **together, conservation=pa.concat_tables([p.conservation for p in parts], promote_options="permissive"),
        null_keys=dict(sum((Counter(p.null_keys) for p in parts), Counter())),
        rows={side: table.num_rows for side, table in tables.items()},
    )  # fmt: skip


def _by_tolerance(names: Iterable[str], rules: Rules) -> Iterator[tuple[list[str], Tolerance | None]]:
    """Values of ``tolerance_by`` and their tolerance; those of one tolerance together where the scope keeps them apart anyway."""
    if rules.tolerance_by not in rules.scope:
        yield from (([name], rules.tolerances.get(name)) for name in names)
        return
    together: dict[str, list[str]] = defaultdict(list)
    for name in names:
        together[repr(rules.tolerances.get(name))].append(name)
    yield from ((alike, rules.tolerances.get(alike[0])) for alike in together.values())


def _with(tolerance: Tolerance | None, rules: Rules) -> Rules:
    if tolerance is None:
        return rules
    passes = tuple(p.model_copy(update={"amount": tolerance}) if p.amount else p for p in rules.passes)
    return rules.model_copy(update={"passes": passes})


def _placed_back(matching: Matching, rows: Mapping[str, Any], rows_left: int) -> Matching:
    """Row and group numbers of a part in terms of the whole tables; groups keep the number of their first row."""
    sizes = {side: len(numbers) for side, numbers in rows.items()}

    def group(number: int | None) -> int | None:
        if number is None:
            return None
        of_left = number < sizes["left"]
        return int(rows["left"][number]) if of_left else rows_left + int(rows["right"][number - sizes["left"]])

    def moved(table: pa.Table) -> pa.Table:
        said = table.to_pylist()
        numbers = [int(rows[r["side"]][r["row"]]) for r in said]
        columns = {
            name: table[name].cast(TEXT) if pa.types.is_dictionary(table[name].type) else table[name] for name in table.column_names
        }
        columns["row"] = pa.array(numbers, pa.int64())
        if "group" in columns:
            columns["group"] = pa.array([group(r["group"]) for r in said], pa.int64())
        return pa.table(columns)

    return replace(
        matching, matches=moved(matching.matches), suggestions=moved(matching.suggestions), breaks=moved(matching.breaks),
        excluded=moved(matching.excluded),
    )  # fmt: skip


# Breaks --------------------------------------------------------------------------------------------------------------


def _items(matching: Matching, sides: Sides, rules: Rules, fund: str, value: Value, explain: Explain | None) -> Iterator[Break]:
    """One break per open row, and one per pair that a difference pass found within its scope."""
    differing = {step.id for step in rules.passes if step.kind == "difference"}
    waiting: dict[tuple[str, int], Row] = {}
    for b in matching.breaks.to_pylist():
        row, other = sides[b["side"]][b["row"]], None
        if b["pass"] in differing and b["kind"] not in rules.scope:
            place = (b["pass"], b["group"])
            if place not in waiting:
                waiting[place] = row
                continue
            other = row
            row = waiting.pop(place)  # breaks name the left row of a pair before the right one
        here, there = (row, other) if b["side"] == "left" or other is not None else (None, row)
        yield _explained(_break(here, there, b["kind"], rules, fund, value), here, there, rules, explain)


def _break(here: Row | None, there: Row | None, kind: str, rules: Rules, fund: str, value: Value) -> Break:
    row = here if here is not None else there
    assert row is not None  # a break has a row
    ours, theirs = (r[rules.amount] if r is not None else ZERO for r in (here, there))
    amount = ours - theirs
    at_risk = value(row, amount or ours)
    account, currency = _account_of(row)
    reference = _first(here, there, rules.reference)
    named = reference or " ".join(str(row[name]) for name in rules.columns if name not in rules.scope and row[name] is not None)
    return Break(
        recon=rules.name, fund=fund, account=account, subject=named, kind=kind, amount=amount, currency=currency,
        isin=_first(here, there, "isin"), reference=reference, item_date=row.get(rules.date),
        evidence=_differences(here, there, rules) if here is not None and there is not None else "",
        value_base=None if at_risk is None else round_to(abs(at_risk), 2), text=_first(here, there, "text"),
    )  # fmt: skip


def _explained(item: Break, here: Row | None, there: Row | None, rules: Rules, explain: Explain | None) -> Break:
    for row in (here, there):
        cause = next((c.cause for c in rules.causes if row and c.explains(item.kind, str(row.get(c.field) or ""))), "")
        if cause:
            return replace(item, cause=cause)
    if item.kind == "duplicate":
        return replace(item, cause="sent twice" if here is None else "booked twice")
    if item.kind == "ambiguous":
        return replace(item, cause="more than one answer fits", evidence="see the suggestions")
    return explain(item, here, there) if explain else item


def _differences(here: Row, there: Row, rules: Rules) -> str:
    """Every compared column in which a pair differs, in the words of the rules."""
    apart = [name for name in rules.columns if here[name] != there[name]]
    return "; ".join(
        f"{name.replace('_', ' ')}: {rules.left.name} {said(here[name])}, {rules.right.name} {said(there[name])}" for name in apart
    )


def said(value: Any) -> str:
    return "nothing" if value is None else plain(value) if isinstance(value, Decimal) else str(value)


def _first(here: Row | None, there: Row | None, name: str) -> str:
    return next((str(row[name]) for row in (here, there) if row is not None and row.get(name)), "")


def _account_of(row: Row) -> tuple[str, str]:
    return row.get("account") or "", row.get("currency") or ""


def numbered(drafts: Iterable[Break]) -> list[Break]:
    """Identical items get ordinals, so that each is a break of its own."""
    seen: Counter[str] = Counter()
    found = []
    for draft in sorted(
        drafts, key=lambda b: (b.account, b.currency, b.isin, b.subject, b.item_date or date.min, b.amount, b.kind)
    ):
        seen[draft.break_id] += 1
        found.append(replace(draft, ordinal=seen[draft.break_id]))
    return found


# Proof ---------------------------------------------------------------------------------------------------------------


def _proof_schema(names: Sequence[str]) -> pa.Schema:
    return pa.schema([*((name, TEXT) for name in names), *_PROOF])


def _proof(
    matching: Matching, sides: Sides, rules: Rules, scopes: Iterable[Scope],
    stated: Mapping[Scope, tuple[Decimal | None, Decimal | None]],
) -> pa.Table:  # fmt: skip
    def of(row: Row) -> Scope:
        return tuple("" if row[name] is None else str(row[name]) for name in rules.scope)

    sums: dict[tuple[str, str, Scope], Decimal] = defaultdict(Decimal)
    counts: Counter[tuple[str, str, Scope]] = Counter()
    for side, rows in sides.items():
        for row in rows:
            sums["in", side, of(row)] += row[rules.amount]
            counts["in", side, of(row)] += 1
    for place, table in (("matched", matching.matches), ("open", matching.breaks), ("excluded", matching.excluded)):
        for entry in table.to_pylist():
            row = sides[entry["side"]][entry["row"]]
            sums[place, entry["side"], of(row)] += row[rules.amount]
            counts[place, entry["side"], of(row)] += 1
    every = sorted({scope for _, _, scope in counts} | set(scopes) | set(stated))
    rows_of = [dict(zip(rules.scope, scope, strict=True)) | _proof_row(scope, sums, counts, stated) for scope in every]
    return pa.Table.from_pylist(rows_of, schema=_proof_schema(rules.scope))


def _proof_row(
    scope: Scope, sums: Mapping[tuple[str, str, Scope], Decimal], counts: Mapping[tuple[str, str, Scope], int],
    stated: Mapping[Scope, tuple[Decimal | None, Decimal | None]],
) -> dict[str, Any]:  # fmt: skip
    def less(place: str) -> Decimal:
        return sums[place, "left", scope] - sums[place, "right", scope]

    kept = [all_in == sum(counts[place, side, scope] for place in ("matched", "open", "excluded"))
            for side in ("left", "right") for all_in in (counts["in", side, scope],)]  # fmt: skip
    totals = stated.get(scope, (None, None))
    here, there = sums["in", "left", scope], sums["in", "right", scope]
    unexplained = here - there - less("open") - less("matched") - less("excluded")
    adds_up = all(total is None or total == added for total, added in zip(totals, (here, there), strict=True))
    return {
        "rows_here": counts["in", "left", scope], "rows_there": counts["in", "right", scope], "sum_here": here, "sum_there": there,
        "stated_here": totals[0], "stated_there": totals[1], "difference": here - there, "open_here": sums["open", "left", scope],
        "open_there": sums["open", "right", scope], "within_tolerance": less("matched"), "excluded": less("excluded"),
        "unexplained": unexplained, "proven": not unexplained and all(kept) and adds_up,
    }  # fmt: skip
