"""Reconciliations as reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from bo_lib.model.findings import Verdict
from bo_lib.model.money import round_to
from bo_lib.recon import BreakState, Reconciliation, open_breaks_table
from bo_lib.views.pages.breaks import BREAK_COLUMNS, at_risk, for_people
from bo_lib.views.pages.common import count, pick, table
from bo_lib.views.report import Chart, Figure, Report, Section

PROOF = "Book balance - open here (only in the books) + open there (only at the bank) = statement balance."


def reconciliation_report(result: Reconciliation, open_now: Sequence[BreakState], day: date, calendar: str) -> Report:
    """Proof first, then what each pass matched, then the breaks with their cause."""
    breaks = open_breaks_table(open_now, day, calendar)
    proven = sum(result.proof["proven"].to_pylist())
    unproven = result.proof.num_rows - proven
    matched = f"{round_to(result.matched_pct, 1)}%" if result.compared else "nothing could be"
    said = f"{matched} matched, {count(breaks.num_rows, 'break')} open"
    said += f"; {unproven} of {result.proof.num_rows} accounts not proven." if unproven else "; every account is proven."
    sections = [
        Section(
            "Proof",
            "Book balance - open here + open there = statement balance; open here: only in the books, open there: only at the bank."
            if result.name == "cash"
            else "",
            _proof(result),
        ),
        Section("Matched by pass", "", result.rates, _rates_chart(result)),
        Section("Breaks", "The largest first; age in business days.", table(for_people(breaks), BREAK_COLUMNS)),
    ]
    netted = result.matches.filter(pc.equal(result.matches["verdict"], "net")) if result.matches.num_rows else result.matches
    if netted.num_rows:
        sections.append(Section("Netted", "Entries that one side took back itself; they add up to nothing.", netted))
    if result.suggestions.num_rows:
        sections.append(Section("Suggested matches", "More than one answer fits: a person decides.", result.suggestions))
    verdict = Verdict.ATTENTION if result.verdict is Verdict.BLOCKED else result.verdict
    return Report(
        f"recon_{result.name}", result.title, verdict, said,
        (
            Figure("Matched", f"{round_to(result.matched_pct, 1)}%" if result.compared else "nothing"),
            Figure("Accounts proven", f"{proven} of {result.proof.num_rows}", alarm=unproven > 0),
            Figure("Open breaks", breaks.num_rows), Figure("Value at risk, base", at_risk(breaks)),
            Figure("Oldest, business days", max(breaks["age_business_days"].to_pylist(), default=0)),
        ),
        tuple(sections), result.findings,
    )  # fmt: skip


def _proof(result: Reconciliation) -> pa.Table:
    """The figures of the proof; statement names and roundings are in the results."""
    left_out = {"statement", "statement_date", "rounding"} if result.name == "cash" else set()
    return pick(result.proof, *(name for name in result.proof.column_names if name not in left_out))


def _rates_chart(result: Reconciliation) -> Chart | None:
    return Chart("bar", "pass", "share_pct", title="Share of all rows by pass") if result.rates.num_rows else None
