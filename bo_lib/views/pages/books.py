"""The books as people meet them: what waits, what came late, profit and loss, any table as of any day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bo_lib.model.findings import Finding, Verdict
from bo_lib.model.four_eyes import Proposal
from bo_lib.model.money import ZERO
from bo_lib.views.pages.common import count, table, verdict_of, without_empty
from bo_lib.views.report import Chart, Figure, Report, Section
from bo_lib.views.wording import label

HINT = "bo refused --fund {} lists them"
PROPOSED = "bo proposals --fund {} lists them"
SECOND = "It is not done until somebody else approves it: bo proposals approve ID."


def waits(n: int, fund: str) -> str:
    """``2 events wait for a person: bo refused --fund … lists them.``"""
    return f"{count(n, 'event waits', 'events wait')} for a person: {HINT.format(fund)}."


def waiting_report(
    refused: Sequence[Mapping[str, Any]], held: Sequence[Mapping[str, Any]], proposed: Sequence[Proposal], fund: str
) -> Report:
    """Events the books refused and trades held back before them (rows of table WAITING, ``file`` a name), and what is proposed."""
    rows = [*refused, *({**row, "kind": "trade held back"} for row in held)]
    said = waits(len(rows), fund) if rows else "No event waits: everything that came is in the books."
    if held:
        said += f" {count(len(held), 'is a trade', 'are trades')} held back before the books."
    if proposed:
        said += f" {count(len(proposed), 'proposal waits', 'proposals wait')} for a second person."
    shown = [{**row, "where": ", ".join(row[k] for k in ("file", "at", "field") if row[k])} for row in rows]
    columns = ("event_id", "kind", "effective_date", "where", "message", "found", "expected", "todo")
    how = "None is in net assets until it is corrected: bo correct EVENT_ID FIELD=VALUE --reason TEXT."
    return Report(
        "waiting", "Waiting events", Verdict.ATTENTION if rows or proposed else Verdict.PASS, said,
        (
            Figure("Events waiting", len(rows), HINT.format(fund) if rows else "", alarm=bool(rows)),
            Figure("Of them trades held back", len(held), alarm=bool(held)),
            Figure("For a second person", len(proposed), alarm=bool(proposed)),
        ),
        (Section("Waiting events", how if rows else "", table(shown, columns), rows=200), *proposed_section(proposed)),
    )  # fmt: skip


def proposed_section(proposed: Sequence[Proposal]) -> tuple[Section, ...]:
    """What waits for the eyes of a second person; nothing where nothing does."""
    return (Section("Waiting for a second person", SECOND, _proposals(proposed), rows=200),) if proposed else ()


def proposals_report(found: Sequence[Proposal], fund: str) -> Report:
    """Proposals with who made and who answered them."""
    waits = sum(p.state == "waiting" for p in found)
    said = f"{fund}: {count(waits, 'proposal waits', 'proposals wait')} for a second person."
    section = Section("Proposals", SECOND if waits else "", _proposals(found), rows=200)
    return Report("proposals", "Proposals", Verdict.ATTENTION if waits else Verdict.PASS, said, (), (section,))


def _proposals(found: Sequence[Proposal]) -> pa.Table:
    rows = [
        {"id": p.id, "proposal": p.action, "about": p.about, "what": _what(p), "value_base": p.value_base, "by": p.by,
         "at": _time(p.at), "text": p.text, "state": p.state, "answered_by": p.checker, "answered": _time(p.checked_at),
         "answer": p.answer} for p in found
    ]  # fmt: skip
    return without_empty(table(rows, ("id", "proposal", "about", "what", "value_base", "by", "at", "text", "state", "answered_by",
                                      "answered", "answer")))  # fmt: skip


def _time(at: str) -> str:
    return at[:16].replace("T", " ")


def _what(p: Proposal) -> str:
    """The lines of a journal, or what changes of an event."""
    if lines := p.content["event"].get("lines"):
        return "; ".join(f"{x['ledger']} {x['local']} {x['currency']}" for x in lines)
    return ", ".join(f"{name}: {value}" for name, value in p.content["changes"].items())


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
            Section("By instrument", f"In {base_currency}, gains positive.", made, rows=200, folded=True),
        ),
        tuple(findings),
    )  # fmt: skip


def table_report(name: str, title: str, held: pa.Table, fund: str, day: date, known_at: str) -> Report:
    """Any table of the books as of a day and a time."""
    when = f"as known at {known_at}" if known_at else "as known now"
    return Report(
        name, title, Verdict.PASS, f"{fund}: {count(held.num_rows, 'row')} on {day}, {when}.", (), (Section(title, table=held),)
    )
