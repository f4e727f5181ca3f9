"""Findings as a table, the worst first."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from bo_lib.model.findings import Finding, Severity

_ORDER = (Severity.ERROR, Severity.WARNING, Severity.INFO)
_COLUMNS = ("severity", "code", "where", "message", "expected", "found", "todo")


def sorted_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Errors, then warnings, then information; within a severity in the order they were found."""
    return sorted(findings, key=lambda finding: _ORDER.index(finding.severity))


def findings_table(findings: Iterable[Finding]) -> pa.Table:
    """One row per finding, all text: severity, code, where, message, expected, found, todo; worst first."""
    rows = [
        (f.severity.value, f.code, str(f.place), f.message, f.expected, f.found, f.todo) for f in sorted_findings(findings)
    ]  # fmt: skip
    return pa.table({name: pa.array([row[i] for row in rows], pa.string()) for i, name in enumerate(_COLUMNS)})
