"""The books as people meet them: what waits, what came late, profit and loss, any table as of any day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bo_lib.model.findings import Finding, Verdict
from bo_lib.model.money import ZERO
from bo_lib.views.pages.common import count, table, verdict_of
from bo_lib.views.report import Chart, Figure, Report, Section
from bo_lib.views.wording import label

HINT = "bo refused --fund {} lists them"


def waits(n: int, fund: str) -> str:
    """``2 events wait for a person: bo refused --fund … lists them.``"""
    return f"{count(n, 'event waits', 'events wait')} for a person: {HINT.format(fund)}."


def waiting_report(refused: Sequence[Mapping[str, Any]], held: Sequence[Mapping[str, Any]], fund: str) -> Report:
    """Events the books refused and trades held back before them (rows of table WAITING, ``file`` a name)."""
    rows = [*refused, *({**row, "kind": "trade held back"} for row in held)]
    said = waits(len(refused), fund) if refused else "No event waits: everything that came is in the books."
    if held:
        said = f"{waits(len(refused), fund)} " if refused else ""
        said += f"{count(len(held), 'trade is', 'trades are')} held back before the books."
    shown = [{**row, "where": ", ".join(row[k] for k in ("file", "at", "field") if row[k])} for row in rows]
    columns = ("event_id", "kind", "effective_date", "where", "message", "found", "expected", "todo")
    how = "None is in net assets until it is corrected: bo correct EVENT_ID FIELD=VALUE --reason TEXT."
    return Report(
        "waiting", "Waiting events", Verdict.ATTENTION if rows else Verdict.PASS, said,
        (
            Figure("Events waiting", len(refused), HINT.format(fund) if refused else "", alarm=bool(refused)),
            Figure("Trades held back", len(held), alarm=bool(held)),
        ),
        (Section("Waiting events", how if rows else "", table(shown, columns), rows=200),),
    )  # fmt: skip


def decided_report(said: str, left: Report, verdict: Verdict, findings: Sequence[Finding]) -> Report:
    """What became of an event that waited, and what waits still. Blocked: nothing was changed."""
    return Report("decided", "A waiting event", verdict, f"{said} {left.summary}", left.figures, left.sections, tuple(findings))


def adjustments_report(made: pa.Table, base_currency: str) -> Report:
    """What came after its period was closed (table ADJUSTMENTS, ``file`` a name), by day booked."""
    n, moved = made.num_rows, sum(made["debits_base"].to_pylist(), ZERO)
    said = f"{count(n, 'event')} of a closed period booked in the first open one" if n else "Nothing came late for a closed period"
    return Report(
        "adjustments", "Prior-period adjustments", Verdict.PASS, f"{said}.",
        (Figure("Adjustments", n), Figure(f"Debits, {base_currency}", moved)),
        (Section("Prior-period adjustments", "Each keeps its own date and counts from the day it was booked.", made, rows=200),),
    )  # fmt: skip


def result_report(
    made: pa.Table, first: date | None, day: date, base_currency: str, ledger: Decimal, findings: Sequence[Finding]
) -> Report:
    """Profit and loss (table PROFIT_AND_LOSS, with names); ``ledger``: what the trial balance says."""
    total = sum(made["total"].to_pylist(), ZERO)
    sums = {name: sum(made[name].to_pylist(), ZERO) for name in made.column_names if pa.types.is_decimal(made[name].type)}
    parts = pa.table({"part": [label(name) for name in sums], "amount": pa.array(sums.values(), pa.decimal128(38, 6))})
    since = f"from {first} to {day}" if first else f"since the books began, to {day}"
    said = f"Result {since}: {total:,.2f} {base_currency}; "
    said += f"the trial balance differs by {ledger - total:,.2f}." if ledger != total else "the trial balance says the same."
    if findings:
        said += f" What is unrealised is not in it where a price or rate is missing ({len(findings)})."
    return Report(
        "pnl", "Profit and loss", Verdict.BLOCKED if ledger != total else verdict_of(findings), said,
        (
            *(Figure(label(name), amount) for name, amount in sums.items()),
            Figure("By the trial balance", ledger, alarm=ledger != total),
        ),
        (
            Section("By part", chart=Chart("waterfall", "part", "amount", title="Result by part", unit=base_currency,
                                           totals=("Total",), data=parts)),
            Section("By instrument", f"In {base_currency}, gains positive.", made, rows=200),
        ),
        tuple(findings),
    )  # fmt: skip


def table_report(name: str, title: str, held: pa.Table, fund: str, day: date, known_at: str) -> Report:
    """Any table of the books as of a day and a time."""
    when = f"as known at {known_at}" if known_at else "as known now"
    return Report(
        name, title, Verdict.PASS, f"{fund}: {count(held.num_rows, 'row')} on {day}, {when}.", (), (Section(title, table=held),)
    )
