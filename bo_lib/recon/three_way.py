"""Three parties in one result: who is alone.

Our figure is held against each of the other two by the rules of one reconciliation, and theirs against each other. Where one
differs from two that agree, that one is alone; where no two agree, all differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bo_lib.model.findings import Finding
from bo_lib.model.money import ZERO, round_to
from bo_lib.model.tables import TEXT
from bo_lib.recon.compare import Row, Value, numbered, reconcile_tables, said
from bo_lib.recon.match import match
from bo_lib.recon.result import RATES, Break, Reconciliation, verdict_of
from bo_lib.recon.rules import Rules

PARTY = "party"  # the scope of a three-way definition: whom our row is held against
AGREED, ALL_DIFFER = "all agree", "all_differ"
Key = tuple[str, ...]
Because = Callable[[Break, str], Break]  # a break and who is alone in it ("" when all differ) -> the break with its cause


def reconcile_three(
    figures: Mapping[str, pa.Table],
    rules: Rules,
    day: date,
    *,
    fund: str,
    value: Value,
    because: Because | None = None,
    findings: Sequence[Finding] = (),
) -> Reconciliation:
    """Reconcile the figures of the three parties that ``rules`` name as left, right and third.

    figures
        party -> rows with the columns that the rules compare, one row per key; what a party does not list counts as nothing.
    because
        gives a break its cause.

    ``comparison`` lists every key with the three figures and ``agreement``: all agree, <party>_alone or all_differ. Breaks are
    the keys where not all agree, with that as their kind; amount: ours less the others' (of two that differ: the second's).
    """
    names = _parties(rules)
    first, *others = names
    figures = {name: figures[name].filter(pc.not_equal(figures[name][rules.amount], ZERO)) for name in names}
    key = tuple(name for name in rules.columns if name not in (*rules.scope, rules.amount))
    left = pa.concat_tables([_for(figures[first], other) for other in others])
    right = pa.concat_tables([_for(figures[other], other) for other in others])
    scopes = [(other,) for other in others]
    pairs = reconcile_tables(left, right, rules, day, fund=fund, value=value, scopes=scopes, findings=findings)
    agreed = _agreed(pairs, others, key), _between(figures, others, rules, key)
    by_key = {name: {_key(row, key): row for row in figures[name].to_pylist()} for name in names}
    every = sorted({k for rows in by_key.values() for k in rows})
    verdicts = {k: _who(k, names, by_key, *agreed) for k in every}
    comparison = _comparison(verdicts, by_key, names, key, left.schema.field(rules.amount))
    items = numbered(_items(verdicts, by_key, names, rules, fund, value, because))
    return replace(
        pairs, items=tuple(items), comparison=comparison, rates=_rates(verdicts, by_key),
        verdict=verdict_of(findings, items, pairs.proof, rules), compared=pairs.compared | {("", "")},
    )  # fmt: skip


def _parties(rules: Rules) -> tuple[str, str, str]:
    if rules.third is None or rules.scope != (PARTY,):
        raise ValueError(f"{rules.name}: three parties need `third` and scope [{PARTY}]")
    return rules.left.name, rules.right.name, rules.third.name


def _for(table: pa.Table, party: str) -> pa.Table:
    return table.append_column(PARTY, pa.array([party] * table.num_rows, TEXT))


def _key(row: Row, key: Key) -> Key:
    return tuple(row[name] or "" for name in key)


def _agreed(result: Reconciliation, others: Sequence[str], key: Key) -> dict[str, set[Key]]:
    rows = [r for r in result.matches.to_pylist() if r["side"] == "left"]
    return {other: {_key(r, key) for r in rows if r[PARTY] == other} for other in others}


def _between(figures: Mapping[str, pa.Table], others: Sequence[str], rules: Rules, key: Key) -> set[Key]:
    """Keys on which the two others agree with each other."""
    one, two = (_for(figures[name], "each other") for name in others)
    rows = one.to_pylist()
    found = match(one, two, rules).matches.to_pylist()
    return {_key(rows[m["row"]], key) for m in found if m["side"] == "left"}


def _who(
    k: Key, names: Sequence[str], by_key: Mapping[str, Mapping[Key, Row]], with_us: Mapping[str, set[Key]], between: set[Key]
) -> str:
    first, second, third = names
    has = {name: k in by_key[name] for name in names}
    second_agrees, third_agrees = (k in with_us[name] or not (has[first] or has[name]) for name in (second, third))
    if second_agrees and third_agrees:
        return AGREED
    others_agree = k in between or not (has[second] or has[third])
    alone = third if second_agrees else second if third_agrees else first if others_agree else ""
    return f"{alone}_alone" if alone else ALL_DIFFER


def _items(
    verdicts: Mapping[Key, str], by_key: Mapping[str, Mapping[Key, Row]], names: Sequence[str], rules: Rules, fund: str,
    value: Value, because: Because | None,
) -> Iterator[Break]:  # fmt: skip
    for k, verdict in verdicts.items():
        if verdict == AGREED:
            continue
        found = {name: by_key[name].get(k) for name in names}
        amounts = {name: row[rules.amount] if row else ZERO for name, row in found.items()}
        row = next(r for r in found.values() if r)
        alone = verdict.removesuffix("_alone") if verdict != ALL_DIFFER else ""
        amount = _apart(amounts, names, alone)
        at_risk = value(row, amount)
        item = Break(
            recon=rules.name, fund=fund, account="", subject=" ".join(k), kind=verdict, amount=amount, isin=row.get("isin") or "",
            reference=" ".join(k), value_base=None if at_risk is None else round_to(abs(at_risk), 2), text=row.get("text") or "",
            evidence=", ".join(f"{name} {said(r[rules.amount]) if r else 'nothing'}" for name, r in found.items()),
        )  # fmt: skip
        yield because(item, alone) if because else item


def _apart(amounts: Mapping[str, Decimal], names: Sequence[str], alone: str) -> Decimal:
    """Ours less theirs: of the one that is alone when it is another, else of the second, else of the third."""
    first, second, third = names
    other = third if alone == third or amounts[first] == amounts[second] else second
    return amounts[first] - amounts[other]


def _comparison(
    verdicts: Mapping[Key, str], by_key: Mapping[str, Mapping[Key, Row]], names: Sequence[str], key: Key, amount: pa.Field
) -> pa.Table:
    rows = [
        dict(zip(key, k, strict=True))
        | {name: by_key[name][k][amount.name] if k in by_key[name] else None for name in names}
        | {"agreement": verdict}
        for k, verdict in verdicts.items()
    ]
    schema = pa.schema([*((name, TEXT) for name in key), *((name, amount.type) for name in names), ("agreement", TEXT)])
    return pa.Table.from_pylist(rows, schema=schema)


def _rates(verdicts: Mapping[Key, str], by_key: Mapping[str, Mapping[Key, Row]]) -> pa.Table:
    """Rows of ours and of both others by who agrees; what is open stands in brackets."""
    ours, *others = by_key.values()
    total = sum(map(len, by_key.values()))
    rows: list[dict[str, Any]] = []
    for name in sorted(set(verdicts.values())):
        keys = [k for k, verdict in verdicts.items() if verdict == name]
        here, there = sum(k in ours for k in keys), sum(k in other for other in others for k in keys)
        shown = name if name == AGREED else f"({name.replace('_', ' ')})"
        rows.append(
            {"pass": shown, "rows_left": here, "rows_right": there, "share_pct": round_to(Decimal(here + there) * 100 / total, 4)}
        )
    return pa.Table.from_pylist(rows, schema=RATES.schema)
