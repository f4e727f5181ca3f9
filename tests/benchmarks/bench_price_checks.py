"""How well the checks of price histories find known errors: pairs of a bad series and its repair, by kind.

``python -m tests.benchmarks.bench_price_checks [FOLDER]``: ``X-bad.csv`` beside ``X-bad-fixed.csv``; a series without a repair
holds no error. An error is a row, or a run of rows, that the repair changes; it is found when a check speaks of it, or of the
first day after it. Whatever else is said is a false alarm.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from bo_lib.nav.price_history import Quote, check_history
from bo_lib.run.nav import read_history

REPAIRS = Path(__file__).parents[3] / "shared" / "corpora" / "prices" / "repairs"


class Tally(NamedTuple):
    errors: int = 0
    found: int = 0
    false_alarms: int = 0
    rows: int = 0


def errors(bad: list[Quote], fixed: list[Quote]) -> Iterator[tuple[set[date], str]]:
    """Each error: the days on which a check may speak of it, and what is wrong there."""
    right = {q.day: q for q in fixed}
    days = [q.day for q in bad]
    run: set[date] = set()
    for n, q in enumerate(bad):
        if q.day in right and _off(q.close, right[q.day].close):
            run |= {q.day}
        elif run:
            yield run | {q.day}, "close"
            run = set()
        if q.day in right and (_off(q.dividend, right[q.day].dividend) or (n and _adjustment_off(bad, fixed, n, right))):
            yield {q.day, days[max(n - 1, 0)]}, "dividend"
    if run:
        yield run, "close"


def _off(a: float, b: float) -> bool:
    return abs(a - b) > 1e-3 * max(abs(a), abs(b))


def _adjustment_off(bad: list[Quote], fixed: list[Quote], n: int, right: dict[date, Quote]) -> bool:
    """Is the step of the adjustment on this day another one in the repair?"""
    if bad[n - 1].day not in right or not bad[n].dividend:
        return False
    a, b = (_step(x, y) for x, y in ((bad[n - 1], bad[n]), (right[bad[n - 1].day], right[bad[n].day])))
    return abs(a - b) > 0.002


def _step(before: Quote, q: Quote) -> float:
    return 0.0 if not before.adjusted or not q.adjusted else before.adjusted / before.close / (q.adjusted / q.close)


def measure(folder: Path) -> tuple[dict[str, Tally], list[str]]:
    """Kind of pair -> tally, and every miss and false alarm in words."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    said: list[str] = []
    for path in sorted(p for p in folder.glob("*.csv") if not p.stem.endswith("-fixed")):
        kind = path.stem.split("-1d-")[-1].split("-1wk-")[-1]
        bad, repair = list(read_history(path)), path.with_name(f"{path.stem}-fixed.csv")
        fixed = list(read_history(repair)) if repair.exists() else bad
        known = list(errors(bad, fixed)) if repair.exists() else []
        heard = {date.fromisoformat(f.place.at): f for f in check_history(bad, path.stem)}
        met = [days for days, _ in known if days & heard.keys()]
        said += [f"missed: {path.stem}: {what} {min(days)} to {max(days)}" for days, what in known if not days & heard.keys()]
        stray = [f for day, f in heard.items() if not any(day in days for days, _ in known)]
        stray += list(check_history(fixed, repair.stem)) if repair.exists() else []
        said += [f"false alarm: {f.code}: {f.message}" for f in stray]
        t = tallies[kind]
        tallies[kind] = Tally(
            t.errors + len(known), t.found + len(met), t.false_alarms + len(stray), t.rows + len(bad) + len(fixed)
        )
    return dict(tallies), said


def spoiled(good: list[Quote]) -> Iterator[tuple[str, list[Quote], set[date]]]:
    """A good series with one error of each kind at many places: what, the series, where a check may speak of it."""
    for at in range(30, len(good) - 30, 37):
        for size in (1, 6):
            run = {q.day for q in good[at : at + size]}
            for factor in (100.0, 0.01):
                yield "unit", [_times(q, factor) if q.day in run else q for q in good], run | {good[at + size].day}
        for ratio in (0.5, 2.0, 4.0, 0.1):
            series = [q._replace(split=ratio) if n == at else q for n, q in enumerate(good)]
            yield "split on earlier prices", [_times(q, ratio) if n < at else q for n, q in enumerate(series)], {good[at].day}
            yield (
                "split on one day",
                [_times(q, ratio) if n == at else q for n, q in enumerate(series)],
                {q.day for q in good[at : at + 2]},
            )
    dates = {q.day for q in good if q.dividend}
    for factor in (0.01, 0.0099):
        series = [q._replace(dividend=q.dividend * factor) for q in good]
        yield "every dividend a hundredth", _adjusted(series), dates
    for at in (n for n, q in enumerate(good) if q.dividend and n):
        here, q = {good[at].day}, good[at]
        for factor, what in ((100, "dividend times 100"), (0.01, "dividend a hundredth")):
            series = _adjusted([x._replace(dividend=x.dividend * factor) if n == at else x for n, x in enumerate(good)])
            yield what, series, here
        later = [x._replace(dividend=q.dividend) if n == at + 5 else x for n, x in enumerate(good)]
        yield "dividend twice", _adjusted(later), here | {good[min(at + 5, len(good) - 1)].day}
        yield "dividend not applied", _adjusted(good, {q.day: 0.0}), here
        yield "dividend applied by half", _adjusted(good, {q.day: 0.5}), here


def _times(q: Quote, factor: float) -> Quote:
    return q._replace(close=q.close * factor, adjusted=q.adjusted * factor if q.adjusted else q.adjusted)


def _adjusted(series: list[Quote], parts: Mapping[date, float] = MappingProxyType({})) -> list[Quote]:
    """The series with adjusted closes anew; ``parts``: how much of a day's dividend they take."""
    made, factor = [], 1.0
    for before, q in zip([None, *series[:-1]][::-1], series[::-1], strict=True):
        made.append(q._replace(adjusted=q.close * factor))
        if q.dividend and before:
            factor *= 1 - parts.get(q.day, 1.0) * q.dividend / before.close
    return made[::-1]


def measure_spoiled(folder: Path) -> dict[str, tuple[int, int]]:
    """Kind -> found, spoiled: over every series of the folder that has no error of its own."""
    counted: dict[str, tuple[int, int]] = {}
    for path in sorted(folder.glob("*no-bad*.csv")):
        for what, series, days in spoiled(_adjusted(list(read_history(path)))):
            heard = {date.fromisoformat(f.place.at) for f in check_history(series)}
            found, count = counted.get(what, (0, 0))
            counted[what] = (found + bool(days & heard), count + 1)
    return counted


if __name__ == "__main__":
    counted, words = measure(Path(sys.argv[1]) if len(sys.argv) > 1 else REPAIRS)
    for name, tally in counted.items():
        sys.stdout.write(f"{name}: {tally.found} of {tally.errors} found, {tally.false_alarms} false alarms in {tally.rows} rows\n")
    sys.stdout.write("".join(f"{line}\n" for line in words))
    for name, (hit, made) in measure_spoiled(REPAIRS).items():
        sys.stdout.write(f"good series spoiled: {name}: {hit} of {made} found\n")
