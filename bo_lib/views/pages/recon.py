"""Reconciliations and breaks as reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bo_lib.model.findings import Verdict
from bo_lib.model.money import ZERO, round_to
from bo_lib.recon import OpenBreak, Reconciliation, open_breaks_table
from bo_lib.recon.breaks import AGE_BANDS
from bo_lib.views.pages.common import count, pick, table
from bo_lib.views.report import Chart, Figure, Report, Section

PROOF = "Book balance - open here (only in the books) + open there (only at the bank) = statement balance."
BANDS = (*(band for _, band in AGE_BANDS), "over 30")
BREAK_COLUMNS = (
    "kind", "cause", "account", "currency", "isin", "reference", "item_date", "amount", "value_base", "age_business_days", "due",
    "evidence",
)  # fmt: skip


def reconciliation_report(result: Reconciliation, open_now: Sequence[OpenBreak], day: date, calendar: str) -> Report:
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
        Section("Breaks", "The largest first.", pick(_in_words(breaks), *BREAK_COLUMNS)),
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
            Figure("Open breaks", breaks.num_rows), Figure("Value at risk, base", _at_risk(breaks)),
            Figure("Oldest, business days", max(breaks["age_business_days"].to_pylist(), default=0)),
        ),
        tuple(sections), result.findings,
    )  # fmt: skip


def _proof(result: Reconciliation) -> pa.Table:
    """The figures of the proof; statement names and roundings are in the results."""
    left_out = {"statement", "statement_date", "rounding"} if result.name == "cash" else set()
    return pick(result.proof, *(name for name in result.proof.column_names if name not in left_out))


def _in_words(breaks: pa.Table) -> pa.Table:
    place = breaks.column_names.index("kind")
    return breaks.set_column(place, "kind", pc.replace_substring(breaks["kind"], "_", " "))


def _rates_chart(result: Reconciliation) -> Chart | None:
    return Chart("bar", "pass", "share_pct", title="Share of all rows by pass") if result.rates.num_rows else None


def _at_risk(breaks: pa.Table) -> Decimal:
    return sum((v for v in breaks["value_base"].to_pylist() if v is not None), ZERO)


def breaks_report(open_now: pa.Table, closed: Sequence[dict[str, Any]], day: date, base_currency: str) -> Report:
    """What is open tonight by cause and age, what is new, what closed, and the ten that matter most."""
    new = [row for row in open_now.to_pylist() if row["opened"] == day]
    overdue = open_now["overdue"].to_pylist().count("yes")
    verdict = Verdict.ATTENTION if open_now.num_rows else Verdict.PASS
    said = (
        f"{count(open_now.num_rows, 'break')} open, {len(new)} new today, {len(closed)} closed since yesterday, {overdue} past due."
    )
    sections = [
        Section(
            "The ten that matter most",
            "By value at risk; what cannot be valued stands first.",
            pick(_in_words(open_now), "recon", *BREAK_COLUMNS).slice(0, 10),
        )
    ]
    if open_now.num_rows:
        sections += [
            Section(
                "By cause", chart=Chart("bar", "cause", "breaks", title="Open breaks by likely cause", data=_by_cause(open_now))
            ),
            Section(
                "By age",
                chart=Chart(
                    "stacked_bar", "age_band", "breaks", "recon", "Open breaks by age in business days", data=_by_age(open_now)
                ),
            ),
        ]
    sections.append(Section("New today", table=table(new, ("recon", *BREAK_COLUMNS))))
    sections.append(
        Section(
            "Closed since yesterday",
            table=table(closed, ("recon", "kind", "account", "currency", "reference", "amount", "opened", "reason")),
        )
    )
    return Report(
        "breaks", "Breaks", verdict, said,
        (
            Figure("Open", open_now.num_rows), Figure("New today", len(new)), Figure("Closed", len(closed)),
            Figure("Past due", overdue, alarm=overdue > 0), Figure(f"Value at risk, {base_currency}", _at_risk(open_now)),
        ),
        tuple(sections),
    )  # fmt: skip


def _by_cause(open_now: pa.Table) -> pa.Table:
    counts = Counter((row["cause"] or row["kind"]).replace("_", " ") for row in open_now.to_pylist())
    return pa.table({"cause": list(counts), "breaks": list(counts.values())})


def _by_age(open_now: pa.Table) -> pa.Table:
    counts = Counter((row["recon"], row["age_band"]) for row in open_now.to_pylist())
    recons = sorted({recon for recon, _ in counts})
    cells = [(band, recon, counts[recon, band]) for band in BANDS for recon in recons]
    return pa.table({"age_band": [c[0] for c in cells], "recon": [c[1] for c in cells], "breaks": [c[2] for c in cells]})
