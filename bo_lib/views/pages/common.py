"""Small helpers that every page uses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from bo_lib.model.findings import Finding, Severity, Verdict


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> pa.Table:
    """Rows as a table to show: the named columns only, in this order, also when there is no row."""
    picked = [{name: row.get(name) for name in columns} for row in rows]
    return pa.Table.from_pylist(picked) if picked else pa.table({name: pa.array([], pa.string()) for name in columns})


def pick(source: pa.Table, *columns: str) -> pa.Table:
    return source.select(list(columns))


def without_empty(source: pa.Table) -> pa.Table:
    """The columns in which some row has something; all of them when there is no row."""
    if not source.num_rows:
        return source
    return source.select([name for name in source.column_names if any(v not in (None, "") for v in source[name].to_pylist())])


def verdict_of(findings: Iterable[Finding]) -> Verdict:
    """Errors block, warnings ask for attention."""
    severities = {f.severity for f in findings}
    if Severity.ERROR in severities:
        return Verdict.BLOCKED
    return Verdict.ATTENTION if Severity.WARNING in severities else Verdict.PASS


def no_worse_than_attention(verdict: Verdict) -> Verdict:
    return Verdict.ATTENTION if verdict is Verdict.BLOCKED else verdict


def count(n: int, noun: str, plural: str = "") -> str:
    """``3 breaks``, ``1 break``, ``no breaks``."""
    return f"{n or 'no'} {noun if n == 1 else plural or noun + 's'}"
