"""Changed rules tried against history, as a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from bo_lib.model.findings import Verdict
from bo_lib.recon.trial import TrialDay
from bo_lib.views.pages.common import count, table
from bo_lib.views.report import Chart, Figure, Report, Section

DAY_COLUMNS = (
    "fund", "business_date", "matched_pct", "matched_pct_new", "newly_matched", "no_longer_matched", "matched_otherwise", "breaks",
    "breaks_new", "within_tolerance", "within_tolerance_new", "suggested", "suggested_new", "against_decisions", "proven",
    "proven_new",
)  # fmt: skip
DAYS_SAY = "A row counts on the first day on which it is otherwise; within tolerance: differences that matches let pass."
ROW_COLUMNS = ("fund", "first_day", "pass", "side", "account", "currency", "isin", "value_date", "amount", "quantity", "reference")


def backtest_report(name: str, rules: str, rules_new: str, days: Sequence[TrialDay], skipped: Sequence[tuple[str, date]]) -> Report:
    """Day by day, then each row and each decision once, on the first day on which it would be otherwise."""
    newly, no_longer, otherwise = (_rows(days, what) for what in ("newly", "no_longer", "otherwise"))
    against = [{"fund": d.fund, "first_day": a.day, "break_id": a.break_id[:8], "decided": a.decided, "by": a.by,
                "reason": a.reason, "instead": a.instead} for d in days for a in d.against]  # fmt: skip
    alike = sum(len(d.as_decided) for d in days)
    worse = [d for d in days if d.proven and not d.proven_new]
    said = f"{rules_new} in place of {rules} on {count(len(days), 'day')}: {count(len(newly), 'row')} newly matched, "
    said += f"{len(no_longer)} no longer, {count(len(against), 'decision')} of people done otherwise, {alike} done alike."
    figures = (
        Figure("Days tried", len(days)), Figure("Newly matched rows", len(newly)), Figure("No longer matched", len(no_longer)),
        Figure("Matched otherwise", len(otherwise)), Figure("Against decisions", len(against), alarm=bool(against)),
        Figure("As people decided", alike), Figure("Days not proven any more", len(worse), alarm=bool(worse)),
    )  # fmt: skip
    sections = [
        Section("Against what people decided", "The changed rules would do otherwise.",
                table(against, ("fund", "first_day", "break_id", "decided", "by", "reason", "instead"))),
        Section("Day by day", DAYS_SAY, table(list(map(_day, days)), DAY_COLUMNS),
                _chart(days)),
        _section("Newly matched", newly), _section("No longer matched", no_longer), _section("Matched with other rows", otherwise),
    ]  # fmt: skip
    if skipped:
        rows = [{"fund": fund, "business_date": day} for fund, day in skipped]
        sections.append(Section("Not tried", "These days were not reconciled then.", table(rows, ("fund", "business_date"))))
    verdict = Verdict.BLOCKED if worse else Verdict.ATTENTION if against or no_longer or otherwise else Verdict.PASS
    return Report(f"backtest_{name}", f"Changed rules for {name}, on history", verdict, said, figures, tuple(sections))


def _day(d: TrialDay) -> dict[str, Any]:
    return {
        "fund": d.fund, "business_date": d.day, "matched_pct": d.matched_pct, "matched_pct_new": d.matched_pct_new,
        "newly_matched": len(d.newly), "no_longer_matched": len(d.no_longer), "matched_otherwise": len(d.otherwise),
        "breaks": d.breaks, "breaks_new": d.breaks_new,
        "within_tolerance": d.tolerated, "within_tolerance_new": d.tolerated_new,
        "suggested": d.suggested, "suggested_new": d.suggested_new,
        "against_decisions": len(d.against), "proven": d.proven, "proven_new": d.proven_new,
    }  # fmt: skip


def _rows(days: Sequence[TrialDay], what: str) -> list[dict[str, Any]]:
    return [{"fund": d.fund, "first_day": d.day, **row} for d in days for row in getattr(d, what)]


def _section(title: str, rows: Sequence[Mapping[str, Any]]) -> Section:
    named = dict.fromkeys([*ROW_COLUMNS, *(name for row in rows for name in row)])
    there = [name for name in named if any(row.get(name) is not None for row in rows)]
    return Section(title, table=table(rows, there or ROW_COLUMNS))


def _chart(days: Sequence[TrialDay]) -> Chart | None:
    """Breaks per day under both rules."""
    rows = [(d.day, f"{d.fund} / {which}", n) for d in days for which, n in (("in force", d.breaks), ("changed", d.breaks_new))]
    if not rows:
        return None
    rows.sort(key=lambda row: (row[1], row[0]))
    data = pa.table({"business_date": [r[0] for r in rows], "series": [r[1] for r in rows], "breaks": [r[2] for r in rows]})
    return Chart("line", "business_date", "breaks", "series", "Differences under both rules", data=data)
