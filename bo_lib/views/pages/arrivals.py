"""The morning's post as a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bo_lib.model.findings import Finding, Verdict
from bo_lib.views.pages.common import count, no_worse_than_attention, table, verdict_of
from bo_lib.views.report import Figure, Report, Section

COLUMNS = ("sender", "format", "account", "due", "state", "file", "rows", "quarantined")


def arrivals_report(rows: Sequence[dict[str, Any]], findings: Sequence[Finding]) -> Report:
    """``rows``: one per expected delivery, with the columns above; ``findings``: of all files, missing ones included."""
    states = [row["state"] for row in rows]
    wanting = sum(state in ("missing", "refused") for state in states)
    damaged = states.count("damaged")
    verdict = no_worse_than_attention(verdict_of(findings)) if not wanting else Verdict.ATTENTION
    said = f"{count(len(rows) - wanting, 'delivery', 'deliveries')} of {len(rows)} came"
    said += f", {damaged} of them damaged" if damaged else ""
    return Report(
        "arrivals", "Arrivals", verdict, said + (f"; {wanting} missing or refused." if wanting else "."),
        (
            Figure("Expected", len(rows)), Figure("Arrived", len(rows) - wanting), Figure("Damaged", damaged, alarm=damaged > 0),
            Figure("Missing or refused", wanting, alarm=wanting > 0),
            Figure("Rows quarantined", sum(row["quarantined"] or 0 for row in rows)),
        ),
        (Section("Deliveries", table=table(rows, COLUMNS)),),
        tuple(findings),
    )  # fmt: skip


UNKNOWN = "not recognised"  # the format of a file that no format and no mapping knows
LOADED_COLUMNS = ("sender", "file", "format", "rows", "quarantined", "state", "errors", "warnings", "sha256")


def loaded_report(rows: Sequence[dict[str, Any]], findings: Sequence[Finding]) -> Report:
    """``rows``: one per file of the day, with the columns above (``rows``: canonical rows kept); ``findings``: of these files."""
    kept, quarantined = (sum(row[name] for row in rows) for name in ("rows", "quarantined"))
    refused = sum(row["state"] != "counts" for row in rows)
    verdict = no_worse_than_attention(verdict_of(findings))
    unknown = sum(row["state"] == "counts" and row["format"] == UNKNOWN for row in rows)
    said = f"{count(len(rows), 'file')} read: {kept:,} rows kept, {quarantined:,} refused; {count(refused, 'file')} left out"
    said += f", {unknown:,} not recognised." if unknown else "."
    return Report(
        "loaded", "Load checks", verdict, said,
        (
            Figure("Files", len(rows)), Figure("Rows kept", kept), Figure("Rows refused", quarantined, alarm=quarantined > 0),
            Figure("Files left out", refused, alarm=refused > 0), Figure("Files not recognised", unknown, alarm=unknown > 0),
            Figure("Files with errors", sum(row["errors"] > 0 for row in rows)),
        ),
        (Section("Files of the day", table=table(rows, LOADED_COLUMNS)),),
        tuple(findings),
    )  # fmt: skip
