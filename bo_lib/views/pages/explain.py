"""A figure and everything behind it: what it ties to, the events it comes from, and the line of the file each was read from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bo_lib.books import Explained
from bo_lib.model.findings import Finding, Verdict
from bo_lib.model.money import ZERO
from bo_lib.views.pages.common import count, table, verdict_of
from bo_lib.views.report import Chart, Figure, Report, Section
from bo_lib.views.wording import text_of

STEPS_MAX = 12  # bars of a waterfall; what is smaller stands together
Name = Callable[[str | None], str]


def explain_report(
    found: Explained, name_of: Name, *, steps: Mapping[str, Decimal] | None = None, valued: pa.Table | None = None,
    findings: Sequence[Finding] = (),
) -> Report:  # fmt: skip
    """``steps`` lead to the figure (default: its lines by event); ``valued``: table VALUED; ``name_of``: a file by its hash."""
    lines = [{**row, "source": _source(name_of(row["file"]), row["at"])} for row in found.lines.to_pylist()]
    events, files = {row["event_id"] for row in lines}, {row["file"] for row in lines if row["file"]}
    marks = found.marks.to_pylist()
    whole = valued if found.figure == "nav" else None
    picture = _waterfall(found, steps or by_event(lines or marks, found.column)) if whole is None else _areas(found, whole)
    off = [tie for tie in found.ties if tie.difference]
    what = f"{found.figure}: {text_of(found.value)} {found.unit}".rstrip()
    said = f"{what}, from {count(len(lines), 'journal line')} of {count(len(events), 'event')} in {count(len(files), 'file')}; "
    said += f"{len(off)} of {len(found.ties)} figures it is held against differ." if off else _proven(found)
    ties, parts = _ties(found), _components(valued, name_of) if valued is not None else None
    booked, marked = _shown(lines, _LINE_COLUMNS), _shown(marks, _MARK_COLUMNS)
    sections = (
        Section("What it comes from", chart=picture),
        Section("Held against", "The same figure by another way.", ties),
        Section("Components", "The largest first, with the price and the rate that were used.", parts),
        Section("Marks of the strike", "They bring the balance to the prices and rates of the day, made anew each day.", marked),
        Section("Journal lines", "Debit positive; each with its event and where it was read.", booked),
    )
    return Report(
        "explain", f"Explained: {found.figure}", Verdict.BLOCKED if off else verdict_of(findings), said,
        (
            Figure(what.partition(":")[0], found.value, found.unit), Figure("Journal lines", len(lines)),
            Figure("Events", len(events)), Figure("Source files", len(files)),
            Figure("Differences", len(off), alarm=bool(off)),
            *([Figure("Marks of the strike", sum(row["base"] for row in marks), "base currency")] if marks else []),
        ),
        tuple(s for s in sections if s.chart or (s.table is not None and s.table.num_rows)), tuple(findings),
    )  # fmt: skip


def _proven(found: Explained) -> str:
    return f"it agrees with {count(len(found.ties), 'other figure')}." if found.ties else "no other figure states it."


def unknown_report(figure: str, findings: Sequence[Finding]) -> Report:
    return Report("explain", f"Explained: {figure}", Verdict.BLOCKED, f"{findings[0].message}.", findings=tuple(findings))


_LINE_COLUMNS = (
    "effective_date", "kind", "ledger", "account", "isin", "share_class", "currency", "local", "base", "quantity", "reference",
    "text", "source", "event_id",
)  # fmt: skip
_MARK_COLUMNS = ("ledger", "isin", "share_class", "currency", "local", "base", "text")
_VALUED_COLUMNS = (
    "component", "share_class", "item", "quantity", "price", "currency", "local", "rate", "base", "lines", "price_from",
    "rate_from",
)  # fmt: skip


def _source(file: str, at: str | None) -> str:
    """``ORDERS/trades.csv, line 3``; empty for what the house makes itself."""
    return ", ".join(part for part in (file, at) if part)


def _shown(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> pa.Table:
    """The columns that have something in them."""
    return table(rows, [name for name in columns if any(row[name] not in (None, "", ZERO) for row in rows)])


def by_event(lines: Sequence[dict[str, Any]], column: str) -> dict[str, Decimal]:
    """The lines' amounts by event, in order; small ones together at the end."""
    sums: dict[str, Decimal] = {}
    for row in lines:
        name = f"{row['effective_date']:%d %b} {row['kind'].replace('_', ' ')} {row['reference'] or row['isin'] or row['currency']}"
        sums[name] = sums.get(name, ZERO) + (row[column] or ZERO)
    return gathered(sums)


def gathered(steps: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """The largest ``STEPS_MAX`` steps in their order, the others as one."""
    if len(steps) <= STEPS_MAX:
        return dict(steps)
    large = set(sorted(steps, key=lambda name: -abs(steps[name]))[: STEPS_MAX - 1])
    others = [amount for name, amount in steps.items() if name not in large]
    return {**{name: steps[name] for name in steps if name in large}, f"{len(others)} others": sum(others, ZERO)}


def _waterfall(found: Explained, steps: Mapping[str, Decimal]) -> Chart:
    named = {**{name.replace("_", " "): amount for name, amount in steps.items() if amount}, found.figure: found.value}
    data = pa.table({"step": list(named), "amount": pa.array(named.values(), pa.decimal128(38, 10))})
    title = f"{found.figure}: what it comes from"
    return Chart("waterfall", "step", "amount", title=title, unit=found.unit, totals=("opening", found.figure), data=data)


def _areas(found: Explained, valued: pa.Table) -> Chart:
    data = valued.select(["component", "item", "base"])
    return Chart("treemap", "item", "base", "component", f"{found.figure}: what it is made of", found.unit, data=data)


def _ties(found: Explained) -> pa.Table:
    columns = ("figure", "stated", "summed", "difference")
    return table([{**tie._asdict(), "difference": tie.difference} for tie in found.ties], columns)


def _components(valued: pa.Table, name_of: Name) -> pa.Table:
    rows = [
        {
            **row,
            "price_from": _source(name_of(row["file"]), row["at"]),
            "rate_from": _source(name_of(row["rate_file"]), row["rate_at"]),
        }
        for row in valued.to_pylist()
    ]
    return _shown(rows, _VALUED_COLUMNS)
