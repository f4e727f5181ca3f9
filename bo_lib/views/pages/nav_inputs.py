"""The inputs of a strike as a report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Protocol

import pyarrow as pa

from bo_lib.model.findings import Finding, Verdict
from bo_lib.views.pages.common import count, pick, table
from bo_lib.views.report import Figure, Report, Section


class Inputs(Protocol):
    """What the page needs of locked inputs."""

    @property
    def table(self) -> pa.Table: ...
    @property
    def findings(self) -> Sequence[Finding]: ...
    @property
    def sha256(self) -> str: ...
    @property
    def wanting(self) -> list[dict[str, Any]]: ...


def inputs_report(inputs: Inputs, fund: str, day: date) -> Report:
    """Every input with its hash; what is missing or late first, with who owes it."""
    rows, wanting = inputs.table.to_pylist(), inputs.wanting
    files = [r for r in rows if r["kind"] == "file" and r["sha256"]]
    owed = ", ".join(sorted({f"{r['name']} ({r['owed_by']}, {r['state']})" for r in wanting}))
    said = f"{count(len(files), 'file')} of {day} and all that is known of {fund} are locked under {inputs.sha256[:16]}"
    said += f"; to ask for: {owed}." if owed else "; nothing is missing or late."
    sections = [
        Section("Locked", "Struck again from these, the NAV is the same to the byte.", _short(inputs.table), rows=60, folded=True)
    ]
    if wanting:
        says = "With what is not there the NAV may be blocked; nothing is estimated in its place."
        sections.insert(0, Section("Missing or late", says, table(wanting, ("name", "owed_by", "due", "state", "known_at"))))
    return Report(
        "inputs", "Inputs, locked", Verdict.ATTENTION if wanting else Verdict.PASS, said,
        (
            Figure("Files of the day", len(files)), Figure("Missing or late", len(wanting), alarm=bool(wanting)),
            Figure("Events", sum(r["rows"] for r in rows if r["kind"] == "events")), Figure("Locked under", inputs.sha256[:10]),
        ),
        tuple(sections), tuple(inputs.findings),
    )  # fmt: skip


def _short(inputs: pa.Table) -> pa.Table:
    shown = pick(inputs, "kind", "name", "owed_by", "due", "state", "rows", "known_at", "sha256")
    times = [t[:16].replace("T", " ") if t else None for t in shown["known_at"].to_pylist()]
    return shown.set_column(6, "known_at", pa.array(times, pa.string()))
