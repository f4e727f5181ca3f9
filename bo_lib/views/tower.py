"""The control tower: one page over all funds on one business date, computed from plain rows. Pure.

The rows are what ``tower_data.tower_data`` reads from the store; every value is text, a count, a list or a mapping, as JSON
has them (amounts and dates as text). Keys that are not named below are ignored; those in brackets may be missing.

funds
    id, name, base_currency, calendar, [kind, nav_move_pct]: in the order in which they are shown. Capital calls move the NAV per
    unit of a fund of kind closed_end: its moves are told, but neither drawn nor alarming.
runs
    fund, notebook, business_date, state (finished, failed or started), [verdict, summary, error, seconds, finished_at, folder];
    of several for one fund, notebook and date the last counts. ``folder`` is relative to the firm's folder.
breaks
    break_id, fund, opened, [closed, kind, recon, value_base, cause, text]: dates of opening and closing; open while ``closed`` is
    empty or after the business date. ``kind`` missing_here or missing_there is an item that nothing was matched with.
navs
    fund, business_date, net_assets, currency, classes: a list of id, net_assets, units, nav_per_unit; [shadow: how it compares with
    the administrator's: compared (figures), net_assets_bps, beyond (component -> figures)]. The last of a date counts.
arrivals
    fund (empty: all funds wait for it), sender, format, business_date, state (arrived, damaged, late, missing or refused),
    [file, findings].
proposals
    fund, action, about, by, text: what waits for a second person, whatever the date.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bo_lib.model.dates import business_days_after, parse_date
from bo_lib.model.findings import Verdict
from bo_lib.model.tables import AMOUNT, PRICE
from bo_lib.recon.breaks import AGE_BANDS, age_band
from bo_lib.views.report import Figure
from bo_lib.views.wording import day_words, text_of

Row = Mapping[str, Any]

PROCESSES = ("settlement", "corporate_actions", "daily_recon", "nav_strike", "dealing", "month_end_close")
BANDS = (*(band for _, band in AGE_BANDS), age_band(10**6))  # age in business days
OLD_BUSINESS_DAYS = 5  # a break older than this is alarming
UNMATCHED = ("missing_here", "missing_there")
CLOSED_END = "closed_end"
FAILED, RUNNING, OPEN_FILE = "failed", "running", ("late", "missing", "refused", "damaged")
HISTORY = 30  # NAV dates drawn
ZERO = Decimal(0)


@dataclass(frozen=True)
class Cell:
    """A process of a fund on the day. ``said``: a verdict, failed, running, or empty when it has not run."""

    fund: str
    process: str
    said: str = ""
    summary: str = ""
    at: str = ""  # HH:MM in UTC, when it ended
    seconds: str = ""
    folder: str = ""


@dataclass(frozen=True)
class Item:
    """Something that needs attention; ``rank`` 0 comes first. ``folder`` of the run that says more."""

    rank: int
    size: Decimal
    fund: str
    what: str
    why: str
    folder: str = ""


@dataclass(frozen=True)
class Tower:
    """The page, ready to be drawn. ``ages``: band, fund, breaks, value_base. ``lines``: business_date, series, index."""

    business_date: date
    verdict: Verdict
    summary: str
    funds: tuple[tuple[str, str], ...]
    nav_figures: tuple[Figure, ...]
    control_figures: tuple[Figure, ...]
    cells: tuple[Cell, ...]
    ages: pa.Table
    lines: pa.Table
    attention: tuple[Item, ...] = field(default=())

    def cell(self, fund: str, process: str) -> Cell:
        return next(c for c in self.cells if (c.fund, c.process) == (fund, process))


def tower(
    runs: Sequence[Row],
    breaks: Sequence[Row],
    navs: Sequence[Row],
    arrivals: Sequence[Row],
    business_date: date,
    funds: Sequence[Row] = (),
    proposals: Sequence[Row] = (),
) -> Tower:
    """The control tower of ``business_date``. Rows are described at the top of this module; funds that only rows name come last."""
    today = [r for r in runs if r["business_date"] == business_date.isoformat()]
    known = _known_funds(funds, [*today, *navs, *breaks])
    opened = _open_breaks(breaks, business_date, known)
    files = [a for a in arrivals if a["business_date"] == business_date.isoformat() and a["state"] in OPEN_FILE]
    struck = {fund: _struck(navs, fund, business_date) for fund in known}
    cells = _cells(today, list(known))
    items = _attention(cells, opened, files, struck, known, business_date, proposals)
    nav_figures = tuple(_nav_figure(known[fund], struck[fund], business_date) for fund in known if fund != FIRM)
    return Tower(
        business_date,
        verdict=_verdict(items),
        summary=_summary(business_date, cells, items),
        funds=tuple((fund, str(row["name"])) for fund, row in known.items()),
        nav_figures=nav_figures,
        control_figures=(
            *_control_figures(opened, files, cells, known, business_date),
            *_second_figure(proposals),
            *_shadow_figure(struck, business_date),
        ),
        cells=cells,
        ages=_ages(opened, list(known)),
        lines=_lines({fund: history for fund, history in struck.items() if known[fund].get("kind") != CLOSED_END}),
        attention=items,
    )


FIRM = "FIRM"  # runs that belong to no single fund


def _known_funds(funds: Sequence[Row], rows: Sequence[Row]) -> dict[str, Row]:
    known = {str(f["id"]): f for f in funds}
    for name in (row["fund"] or FIRM for row in rows):
        known.setdefault(
            str(name), {"id": name, "name": "The firm" if name == FIRM else name, "base_currency": "", "calendar": "TARGET"}
        )
    return known


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value or 0))


# Runs


def _cells(today: Sequence[Row], funds: Sequence[str]) -> tuple[Cell, ...]:
    last = {(str(run["fund"] or FIRM), str(run["notebook"])): run for run in today}
    return tuple(_cell(fund, process, last.get((fund, process))) for fund in funds for process in PROCESSES)


def _cell(fund: str, process: str, run: Row | None) -> Cell:
    if run is None:
        return Cell(fund, process)
    said = {"failed": FAILED, "started": RUNNING}.get(str(run["state"]), str(run.get("verdict") or FAILED))
    ended = str(run.get("finished_at") or "")
    why = str(run.get("error") or run.get("summary") or "")
    return Cell(fund, process, said, why, ended[11:16], str(run.get("seconds") or ""), str(run.get("folder") or ""))


# Breaks


@dataclass(frozen=True)
class _Break:
    row: Row
    fund: str
    age: int  # business days
    amount: Decimal  # in base currency, without sign

    @property
    def valued(self) -> bool:
        return self.row.get("value_base") is not None


def _open_breaks(breaks: Sequence[Row], day: date, known: Mapping[str, Row]) -> list[_Break]:
    found = []
    for row in breaks:
        opened, closed = parse_date(row["opened"]), row.get("closed")
        if opened <= day and (not closed or parse_date(closed) > day):
            fund = str(row["fund"] or FIRM)
            age = business_days_after(opened, day, str(known[fund]["calendar"]))
            found.append(_Break(row, fund, age, abs(_decimal(row.get("value_base")))))
    return found


def _ages(opened: Sequence[_Break], funds: Sequence[str]) -> pa.Table:
    """Every band for every fund as soon as anything is open, so that bars keep their places and funds their colours."""
    rows = []
    for fund in funds if opened else ():
        for band in BANDS:
            there = [b for b in opened if b.fund == fund and age_band(b.age) == band]
            rows.append((band, fund, len(there), sum((b.amount for b in there), ZERO)))
    columns = ("band", "fund", "breaks", "value_base")
    kinds = (pa.string(), pa.string(), pa.int64(), AMOUNT)
    return pa.table({name: pa.array([row[i] for row in rows], kinds[i]) for i, name in enumerate(columns)})


# Net asset values


@dataclass(frozen=True)
class _Struck:
    """NAVs of a fund up to the day, oldest first, one per date."""

    rows: tuple[tuple[date, Row], ...]

    def on(self, day: date) -> Row | None:
        return next((row for there, row in self.rows if there == day), None)

    @property
    def move_pct(self) -> Decimal | None:
        """Change of the NAV per unit since the strike before, in percent: classes weighted by their net assets then."""
        if len(self.rows) < 2:
            return None
        before = {c["id"]: c for c in self.rows[-2][1]["classes"] if _decimal(c["nav_per_unit"])}
        both = [(before[c["id"]], c) for c in self.rows[-1][1]["classes"] if c["id"] in before]
        weight = sum((_decimal(b["net_assets"]) for b, _ in both), ZERO)
        if not weight:
            return None
        moved = sum(_decimal(b["net_assets"]) * (_decimal(c["nav_per_unit"]) / _decimal(b["nav_per_unit"]) - 1) for b, c in both)
        return round(moved / weight * 100, 3)


def _struck(navs: Sequence[Row], fund: str, day: date) -> _Struck:
    per_date = {parse_date(n["business_date"]): n for n in navs if n["fund"] == fund}
    return _Struck(tuple(sorted((there, row) for there, row in per_date.items() if there <= day))[-HISTORY:])


def _nav_figure(fund: Row, struck: _Struck, day: date) -> Figure:
    row = struck.on(day)
    if row is None:
        last = f"last on {day_words(struck.rows[-1][0])}" if struck.rows else "never yet"
        return Figure(str(fund["id"]), "not struck", last)
    move = struck.move_pct
    what = "with capital calls" if fund.get("kind") == CLOSED_END else "per unit"
    said = "" if move is None else f", {move:+.2f}% {what} since {day_words(struck.rows[-2][0])}"
    return Figure(str(fund["id"]), _decimal(row["net_assets"]), f"{row['currency']}{said}", _moved_far(fund, move))


def _moved_far(fund: Row, move_pct: Decimal | None) -> bool:
    limit = fund.get("nav_move_pct")
    open_ended = fund.get("kind") != CLOSED_END
    return open_ended and bool(limit) and move_pct is not None and abs(move_pct) > _decimal(limit)


def _lines(struck: Mapping[str, _Struck]) -> pa.Table:
    """NAV per unit of each class, its first date shown = 100."""
    rows = []
    for fund, history in struck.items():
        first: dict[str, Decimal] = {}
        for day, row in history.rows:
            for units in row["classes"]:
                price = _decimal(units["nav_per_unit"])
                start = first.setdefault(units["id"], price)
                if start:
                    rows.append((day, f"{fund} / {units['id']}", price / start * 100))
    index = pa.array([round(row[2], 8) for row in rows], PRICE)
    days, series = pa.array([row[0] for row in rows], pa.date32()), pa.array([row[1] for row in rows], pa.string())
    return pa.table({"business_date": days, "series": series, "index": index})


# What the page says


def _control_figures(
    opened: Sequence[_Break], files: Sequence[Row], cells: Sequence[Cell], known: Mapping[str, Row], day: date
) -> tuple[Figure, ...]:
    oldest = max((b.age for b in opened), default=0)
    new = sum(b.row["opened"] == day.isoformat() for b in opened)
    unmatched = sum(b.row.get("kind") in UNMATCHED for b in opened)
    failed = sum(c.said in (FAILED, Verdict.BLOCKED) for c in cells)
    done = sum(bool(c.said) and c.said != RUNNING for c in cells)
    values, blind = _per_currency(opened, known), sum(not b.valued for b in opened)
    unvalued = [f"{blind} of unknown value"] if blind else []
    said = [values[0][0], *(f"{currency} {amount:,.2f}" for currency, amount in values[1:])] if values else []
    owed = [f"{f['sender']} {f['format']}" for f in files]
    return (
        Figure("Open breaks", len(opened), f"differences still open, {new} new today"),
        Figure(
            "Oldest break",
            oldest if opened else "none",
            f"business days; red above {OLD_BUSINESS_DAYS}" if opened else "",
            oldest > OLD_BUSINESS_DAYS,
        ),
        Figure("Value in breaks", values[0][1] if values else ZERO, ", and ".join([*said, *unvalued])),
        Figure("Unmatched", unmatched, "breaks with an item on one side only"),
        Figure("Files late or refused", len(files), ", ".join(dict.fromkeys(owed[:3])), bool(files)),
        Figure("Runs failed or blocked", failed, f"of {done} run{'' if done == 1 else 's'}", bool(failed)),
    )


def _second_figure(proposals: Sequence[Row]) -> list[Figure]:
    """How much waits for a second person; nothing where nothing does."""
    told = ", ".join(f"{p['action']} {p['about']}" for p in proposals[:2])
    return [Figure("For a second person", len(proposals), told, True)] if proposals else []


def _shadow_figure(struck: Mapping[str, _Struck], day: date) -> list[Figure]:
    """How many of the day's NAVs the administrator agrees with, of the funds that have one."""
    shadows = {fund: row["shadow"] for fund, history in struck.items() if (row := history.on(day)) and row.get("shadow")}
    if not shadows:
        return []
    missing = [fund for fund, said in shadows.items() if not said["compared"]]
    apart = sorted((-abs(_decimal(said["net_assets_bps"])), fund) for fund, said in shadows.items() if said["beyond"])
    told = [f"{fund} is {-bps:.2f} bp apart" for bps, fund in apart[:1]] + [f"no pack for {fund}" for fund in missing[:1]]
    note = ", ".join(told) or "every figure within tolerance"
    return [
        Figure(
            "Administrator agrees", f"{len(shadows) - len(missing) - len(apart)} of {len(shadows)}", note, bool(missing or apart)
        )
    ]


def _per_currency(opened: Sequence[_Break], known: Mapping[str, Row]) -> list[tuple[str, Decimal]]:
    """Absolute value of the open breaks per base currency, the largest first."""
    sums: dict[str, Decimal] = {}
    for b in opened:
        currency = str(known[b.fund]["base_currency"])
        sums[currency] = sums.get(currency, ZERO) + b.amount
    return sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))


def _attention(
    cells: Sequence[Cell],
    opened: Sequence[_Break],
    files: Sequence[Row],
    struck: Mapping[str, _Struck],
    known: Mapping[str, Row],
    day: date,
    proposals: Sequence[Row],
) -> tuple[Item, ...]:
    """Failed and blocked runs, files, what waits for a second person, large NAV moves, old breaks, runs that ask for attention.

    In each the largest first.
    """
    found = [Item(0 if c.said == FAILED else 1, ZERO, c.fund, f"{_words(c.process)} {c.said}", c.summary, c.folder)
             for c in cells if c.said in (FAILED, Verdict.BLOCKED)]  # fmt: skip
    found += [Item(2, ZERO, str(f["fund"] or FIRM), f"{f['sender']} {f['format']} {f['state']}", _said_of(f)) for f in files]
    found += [
        Item(2, ZERO, str(p["fund"]), f"{str(p['action']).capitalize()} {p['about']}",
             f"proposed by {p['by']}, waits for a second person: {p['text']}")
        for p in proposals
    ]  # fmt: skip
    for fund, history in struck.items():
        move = history.move_pct if history.on(day) else None
        if move is not None and _moved_far(known[fund], move):
            found.append(
                Item(3, abs(move), fund, f"NAV per unit moved {move:+.2f}%", f"more than {known[fund].get('nav_move_pct')}%")
            )
    found += [
        Item(4, b.amount, b.fund, f"Break open for {b.age} business days", _break_words(b, known))
        for b in opened
        if b.age > OLD_BUSINESS_DAYS
    ]
    found += [
        Item(5, ZERO, c.fund, f"{_words(c.process)} needs attention", c.summary, c.folder)
        for c in cells
        if c.said == Verdict.ATTENTION
    ]
    return tuple(sorted(found, key=lambda item: (item.rank, -item.size)))


def _words(process: str) -> str:
    return {"daily_recon": "Reconciliation", "nav_strike": "NAV strike"}.get(process, process.replace("_", " ").capitalize())


def _break_words(b: _Break, known: Mapping[str, Row]) -> str:
    amount = f"{known[b.fund]['base_currency']} {text_of(b.amount, 2)}".strip() if b.valued else "of unknown value"
    said = (
        amount,
        *(str(b.row.get(key) or "").replace("_", " ") for key in ("recon", "kind")),
        b.row.get("cause") or b.row.get("text"),
    )
    return ", ".join(str(part) for part in said if part)


def _said_of(file: Row) -> str:
    findings = file.get("findings") or []
    first = findings[0] if findings else file.get("file") or ""
    said = str(first.get("message", "")) if isinstance(first, Mapping) else str(first)
    return re.sub(r"^(error|warning|info) [\w-]+: ", "", said)  # the code is for machines


def _verdict(items: Sequence[Item]) -> Verdict:
    if any(item.rank < 2 for item in items):
        return Verdict.BLOCKED
    return Verdict.ATTENTION if items else Verdict.PASS


def _summary(day: date, cells: Sequence[Cell], items: Sequence[Item]) -> str:
    done = [c for c in cells if c.said and c.said != RUNNING]
    passed = sum(c.said == Verdict.PASS for c in done)
    if not done:
        return f"Nothing has run for {day_words(day)} yet."
    thing = "thing needs" if len(items) == 1 else "things need"
    rest = f"{len(items)} {thing} attention, first: {items[0].fund}, {items[0].what}." if items else "nothing needs attention."
    return f"{passed} of {len(done)} runs passed; {rest}"
