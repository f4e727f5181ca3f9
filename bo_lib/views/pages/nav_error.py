"""A NAV error for people: its size day by day, who dealt, what is paid to whom, and a draft of the notice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pyarrow as pa

from bo_lib.config import Fund
from bo_lib.model.findings import Finding, Verdict
from bo_lib.nav.errors import THE_FUND, NavError
from bo_lib.views.pages.common import count
from bo_lib.views.report import Chart, Figure, Report, Section
from bo_lib.views.wording import text_of

CAUSES = {
    "valuation": "an error of valuation", "fees": "an error of fees", "swing": "an error of swing pricing",
    "cut_off": "orders dealt after the cut-off",
}  # fmt: skip


def error_report(error: NavError, fees: pa.Table, fund: Fund, first: date, last: date, findings: Sequence[Finding] = ()) -> Report:
    """Blocked while something is to be paid, attention for an error that is not material, pass when nothing was wrong.

    ``fees``: table ERROR_FEES.
    """
    wrong = {row["day"] for row in error.days.to_pylist() if row["difference"]}
    alarm = bool(error.compensation.num_rows or error.material_days)
    verdict = Verdict.BLOCKED if alarm else Verdict.ATTENTION if wrong else Verdict.PASS
    summary, worst = _summary(error, len(wrong), first, last), f"{text_of(round(error.worst_pct, 4))}%"
    owed = {row["payee"] for row in error.compensation.to_pylist()} - {THE_FUND}
    figures = (
        Figure("Days wrong", len(wrong), f"{first} to {last}", alarm=bool(wrong)),
        Figure("Largest error", worst, f"threshold {_threshold(error)}", alarm=bool(error.material_days)),
        Figure("Due to the fund", ", ".join(f"{text_of(x)} {c}" for c, x in error.due_to(THE_FUND).items()) or "nothing"),
        Figure("Investors to compensate", len(owed)),
    )
    line = Chart("line", "day", "difference_pct", "share_class", unit="%")
    sections = [
        Section("Published and right NAV", error.rule.source, error.days, line),
        Section("Dealt at a wrong NAV", "What an investor gained, the others lost.", error.deals),
        Section("Compensation", "Gains are not taken back from investors.", error.compensation),
        Section("Fees accrued on a wrong NAV", f"In {fund.base_currency}.", fees),
        Section("Draft of the notice", notice(error, fund, first, last)),
    ]
    return Report("nav_error", f"NAV error, {fund.name}", verdict, summary, figures, tuple(sections), tuple(findings))


def _summary(error: NavError, days: int, first: date, last: date) -> str:
    if not days:
        return f"Every NAV from {first} to {last} is struck again to the same figure."
    size = f"{count(days, 'day')} wrong, at most by {text_of(round(error.worst_pct, 4))}%"
    if not error.material_days:
        return f"{size}: below the threshold of {_threshold(error)}."
    return f"{size}, {count(len(error.material_days), 'day')} beyond the threshold of {_threshold(error)}."


def _threshold(error: NavError) -> str:
    thresholds = sorted({row["threshold"] for row in error.days.to_pylist()})
    return ", ".join(thresholds) or "none"


def notice(error: NavError, fund: Fund, first: date, last: date) -> str:
    """The letter to board, depositary and supervisor in plain words; what only people know is left to them in brackets."""
    wrong = [row for row in error.days.to_pylist() if row["difference"]]
    if not wrong:
        return "There is nothing to notify."
    classes = ", ".join(sorted({row["share_class"] for row in wrong}))
    days = sorted({row["day"] for row in wrong})
    up = {row["difference"] > 0 for row in wrong}
    way = "overstated" if up == {True} else "understated" if up == {False} else "over- and understated"
    pay = error.compensation.to_pylist()
    paid = [f"{text_of(r['amount'])} {r['currency']} to {r['payee']} ({r['share_class']}), paid by {r['payer']}" for r in pay]
    return " ".join((
        f"{fund.name} ({fund.domicile}): the NAV per unit of {classes} was {way} from {days[0]} to {days[-1]}",
        f"({count(len(days), 'valuation day')}) by {CAUSES[error.cause]}, at most by {text_of(round(error.worst_pct, 4))}%.",
        f"Threshold: {_threshold(error)} ({error.rule.source}).",
        f"Material on {', '.join(map(str, error.material_days))}." if error.material_days else "The error is not material.",
        f"{count(error.deals.num_rows, 'order')} dealt at a wrong price.",
        f"To be paid: {'; '.join(paid)}." if paid else "Nothing is to be paid.",
        "[Cause in detail, when and by whom it was found, and what prevents it from now on: to be completed.]",
    ))  # fmt: skip
