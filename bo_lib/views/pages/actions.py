"""Corporate actions as reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from bo_lib.actions import GoldenEvent
from bo_lib.model.events import Event
from bo_lib.model.findings import Finding, Verdict
from bo_lib.views.pages.common import count, no_worse_than_attention, table, verdict_of
from bo_lib.views.report import Chart, Figure, Report, Section

GOLDEN_COLUMNS = (
    "caev", "isin", "status", "ex_date", "record_date", "payment_date", "deadline", "currency", "rate", "withholding_pct",
    "price", "ratio_new",
    "ratio_old", "senders", "differences",
)  # fmt: skip


def announcements_report(events: Sequence[GoldenEvent], findings: Sequence[Finding], day: date) -> Report:
    """One row per event with what its senders differ on; differences are listed with the value taken and why."""
    rows = [_golden_row(event) for event in events]
    differing = [
        {"event": event.ref, "field": d.field, "said": "; ".join(f"{s}: {v}" for s, v in d.values.items()), "taken": str(d.taken),
        "why": d.why}
        for event in events for d in event.differences
    ]  # fmt: skip
    ahead = [event for event in events if event.effective_date and event.effective_date >= day]
    said = f"{count(len(events), 'event')} on securities held, {len(ahead)} still ahead; "
    said += f"{count(len(differing), 'difference')} between senders."
    return Report(
        "announcements", "Announcements", no_worse_than_attention(verdict_of(findings)), said,
        (
            Figure("Events", len(events)), Figure("Ahead", len(ahead)), Figure("Differences", len(differing),
            alarm=bool(differing)),
        ),
        (
            Section("Golden records", table=table(sorted(rows, key=lambda r: str(r["ex_date"] or r["payment_date"]),
            reverse=True), GOLDEN_COLUMNS)),
            Section("Where senders differ", "The value taken, and why.", table(differing, ("event", "field", "said", "taken",
            "why"))),
        ),
        tuple(findings),
    )  # fmt: skip


def _golden_row(event: GoldenEvent) -> dict[str, Any]:
    senders = sorted({name.split("/")[0] for name in event.references})
    return {
        **{name: getattr(event, name, None) for name in GOLDEN_COLUMNS},
        "senders": ", ".join(senders), "differences": len(event.differences),
    }  # fmt: skip


def upcoming_report(ahead: pa.Table, day: date) -> Report:
    rows = ahead.to_pylist()
    decide = [row for row in rows if row["to_decide"]]
    first = f"; the next is {rows[0]['what']} of {rows[0]['caev']} {rows[0]['isin']} on {rows[0]['day']}" if rows else ""
    return Report(
        "upcoming", "Next dates", Verdict.ATTENTION if decide else Verdict.PASS, f"{count(len(rows), 'date')} ahead{first}.",
        (Figure("Dates ahead", len(rows)), Figure("Decisions due", len(decide), alarm=bool(decide))),
        (Section("Dates ahead", table=ahead),),
    )  # fmt: skip


def entitlements_report(rows: Sequence[Mapping[str, Any]], booked: Sequence[Event], findings: Sequence[Finding]) -> Report:
    """The eligible position, the money or securities that follow, and what went into the books."""
    shown = table(rows, ("caev", "isin", "account", "eligible", "eligible_at_custodian", "currency", "gross", "withholding",
    "net", "new_isin",
                         "new_quantity", "effective_date", "payment_date"))  # fmt: skip
    money = [row for row in rows if row["net"] is not None]
    said = f"{count(len(booked), 'event')} booked; " if booked else "Nothing goes ex or is paid today; "
    said += f"{count(len(rows), 'entitlement')}."
    chart = (
        Chart("bar", "isin", "net", "currency", "Net entitlement", data=table(money, ("isin", "net", "currency")))
        if money
        else None
    )
    return Report(
        "entitlements", "Entitlements", verdict_of(findings), said,
        (Figure("Booked", len(booked)), Figure("Entitlements", len(rows))),
        (Section("Entitlements", table=shown, chart=chart),), tuple(findings),
    )  # fmt: skip
