"""Which of the simulator's seeded errors the desks find: the truth file held against what the reports alarm about.

An error counts as found when a report of the room that should find it, of the fund concerned, on the day or on one of the next
three business days, names the error's key in a finding, a break, a refusal, a rejection or a difference. Tables that list
everything (all holdings, all trades) do not count.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from bo_lib.model import dates
from bo_lib.model.findings import Severity
from bo_lib.views.report import Report
from bo_lib.workbench import Workbench
from bo_lib.workbench.office import Office
from bo_lib.workbench.opening import open_books

REPORTS = {
    "arrivals": ("arrivals",),
    "feeds": ("arrivals",),
    "cash_recon": ("recon_cash", "breaks", "arrivals"),
    "position_recon": ("recon_positions", "breaks"),
    "settlement": ("settled", "open_trades", "recon_cash", "breaks"),
    "trades": ("trades",),
    "prices": ("prices",),
    "nav_shadow": ("shadow",),
    "dealing": ("orders",),
    "actions": ("announcements",),
}
ALARMS = (
    "Breaks", "Netted", "Refused", "Rejected candidates", "Beyond tolerance", "Where senders differ",
    "Messages for no trade of ours", "New today",
    "For a later dealing day",
)  # fmt: skip
NOTICED = ("trade-cancelled",)  # handled in full, so said without alarm
LATER_DAYS = 5  # calendar days: three business days and a weekend


@dataclass(frozen=True)
class Seeded:
    day: date
    fund: str
    kind: str
    keys: tuple[str, ...]
    found_by: str


def truth(root: Path, first: date) -> list[Seeded]:
    with (root / "outputs" / "demo" / "truth.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if date.fromisoformat(row["date"]) >= first]
    return [Seeded(date.fromisoformat(r["date"]), r["fund"], r["kind"], _keys(r), r["found_by"]) for r in rows]


def _keys(row: dict[str, str]) -> tuple[str, ...]:
    """Words that all have to stand in one alarm; a missing file is named by who owes it, a damaged one by its name."""
    if row["kind"] == "file_missing":
        return (row["sender"],)
    if row["kind"] in ("nav_columns", "statement_proof"):
        return (row["file"].split("/")[1],)
    if row["kind"] == "cash_fee":
        return tuple(row["key"].split(" ", 1)[1:])
    if row["kind"] == "file_duplicate":
        return (row["file"].rsplit(".", 1)[0],)
    return (row["key"],)


def alarms(report: Report) -> list[str]:
    """Everything a report raises its voice about, as text."""
    said = [" ".join((str(f), f.place.file)) for f in report.findings if f.severity is not Severity.INFO or f.code in NOTICED]
    for section in report.sections:
        if section.table is not None and section.title in ALARMS:
            said += [" ".join(str(v) for v in row.values() if v is not None) for row in section.table.to_pylist()]
    if report.name == "open_trades":
        late = (row for s in report.sections for row in s.table.to_pylist() if s.table is not None and row["days_late"] > 0)
        said += [" ".join(map(str, row.values())) for row in late]
    return said


Heard = dict[tuple[str, date, str], list[str]]


def carry_month(root: Path, last: date) -> Heard:
    """Every fund carried day by day by the calls that the notebooks make; (fund, day, report) -> alarms."""
    office, heard = Office(root), Heard()
    for fund_id in office.firm.funds:
        fund = office.fund(fund_id)
        with office.at(f"{fund.inception}T20:00:00Z"):
            open_books(office, fund_id)
        for day in dates.business_days(fund.inception, last, fund.calendar)[1:]:
            with office.at(f"{day}T20:00:00Z"):
                for report in Workbench(office, fund_id, day).carry():
                    heard[fund_id, day, report.name] = alarms(report)
    return heard


def found(seeded: Seeded, heard: Heard) -> bool:
    return any(
        all(key in alarm for key in seeded.keys)
        for (fund, day, report), said in heard.items()
        if report in REPORTS[seeded.found_by]
        and seeded.fund in ("", fund)
        and seeded.day <= day <= seeded.day + timedelta(days=LATER_DAYS)
        for alarm in said
    )


def tally(errors: Iterable[Seeded], heard: Heard) -> dict[str, tuple[int, int]]:
    """Kind -> (found, seeded)."""
    counts: dict[str, Counter[bool]] = defaultdict(Counter)
    for seeded in errors:
        counts[seeded.kind][found(seeded, heard)] += 1
    return {kind: (n[True], n.total()) for kind, n in sorted(counts.items())}
