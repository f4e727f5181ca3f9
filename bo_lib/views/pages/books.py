"""The books as people meet them: what waits, what came late, profit and loss, any table as of any day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from bo_lib.model.findings import Finding, Verdict
from bo_lib.views.pages.common import count, table
from bo_lib.views.report import Figure, Report, Section

HINT = "bo refused --fund {} lists them"


def waits(n: int, fund: str) -> str:
    """``2 events wait for a person: bo refused --fund … lists them.``"""
    return f"{count(n, 'event waits', 'events wait')} for a person: {HINT.format(fund)}."


def waiting_report(rows: Sequence[Mapping[str, Any]], fund: str) -> Report:
    """Events the books refused (rows of table WAITING, ``file`` a name): where, what, why, and what to do."""
    said = waits(len(rows), fund) if rows else "No event waits: everything that came is in the books."
    shown = [{**row, "where": ", ".join(row[k] for k in ("file", "at", "field") if row[k])} for row in rows]
    columns = ("event_id", "kind", "effective_date", "where", "message", "found", "expected", "todo")
    sections = (
        Section(
            "Waiting events", "None is in net assets until it is corrected (bo correct EVENT_ID field=value --reason TEXT).",
            table(shown, columns), rows=200,
        ),
    )  # fmt: skip
    return Report(
        "waiting", "Waiting events", Verdict.ATTENTION if rows else Verdict.PASS, said,
        (Figure("Events waiting", len(rows), HINT.format(fund) if rows else "", alarm=bool(rows)),), sections if rows else (),
    )  # fmt: skip


def decided_report(said: str, left: Report, verdict: Verdict, findings: Sequence[Finding]) -> Report:
    """What became of an event that waited, and what waits still. Blocked: nothing was changed."""
    return Report("decided", "A waiting event", verdict, f"{said} {left.summary}", left.figures, left.sections, tuple(findings))


def adjustments_report(made: pa.Table, base_currency: str) -> Report:
    """What came after its period was closed (table ADJUSTMENTS, ``file`` a name), by day booked."""
    n, moved = made.num_rows, sum(made["base"].to_pylist())
    said = f"{count(n, 'event')} of a closed period booked in the first open one" if n else "Nothing came late for a closed period"
    return Report(
        "adjustments", "Prior-period adjustments", Verdict.ATTENTION if n else Verdict.PASS, f"{said}.",
        (Figure("Adjustments", n, alarm=n > 0), Figure(f"Debited, {base_currency}", moved)),
        (Section("Prior-period adjustments", "Each keeps its own date and counts from the day it was booked.", made, rows=200),)
        if n else (),
    )  # fmt: skip
