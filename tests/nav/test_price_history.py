"""Histories of prices with one thing wrong: what is said, and of which day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from bo_lib.nav.price_history import Quote, check_history
from tests.benchmarks.bench_price_checks import REPAIRS, measure

FIRST = date(2026, 1, 5)
QUIET = [100.0 + (n * 7 % 5 - 2) * 0.4 for n in range(60)]  # moves of up to a percent


def series(closes: list[float], **events: tuple[int, float]) -> list[Quote]:
    """One quote a day; ``dividend=(30, 2.0)`` on day 30, adjusted as it should be."""
    made = []
    for n, close in enumerate(closes):
        more = {name: value for name, (at, value) in events.items() if at == n and name != "adjust"}
        part = 1 - events["dividend"][1] / closes[events["dividend"][0] - 1] if "dividend" in events else 1.0
        part = 1 - (1 - part) * events.get("adjust", (0, 1.0))[1]
        adjusted = close * (part if "dividend" in events and n < events["dividend"][0] else 1.0)
        made.append(Quote(FIRST + timedelta(days=n), close, adjusted=adjusted, **more))
    return made


def said(quotes: list[Quote]) -> list[tuple[str, int]]:
    return [(f.code, (date.fromisoformat(f.place.at) - FIRST).days) for f in check_history(quotes)]


def after(day: int, factor: float, until: int = 60) -> list[float]:
    return [p * (factor if day <= n < until else 1.0) for n, p in enumerate(QUIET)]


def test_a_sound_history_raises_nothing() -> None:
    assert said(series(QUIET, split=(30, 0.5))) == []
    assert said(series(after(30, 0.98), dividend=(30, 2.0))) == []
    assert said(series(after(30, 0.6))) == []  # a crash is no error of unit or split


@pytest.mark.parametrize(
    ("quotes", "found"),
    [
        (series(after(20, 100)), [("price-unit", 20)]),
        (series(after(20, 0.01, until=22)), [("price-unit", 20), ("price-unit", 22)]),
        (series(after(30, 0.5), split=(30, 2.0)), [("price-split-not-applied", 30)]),
        (series(after(25, 10, until=26), split=(30, 0.1)), [("price-split-not-applied", 25), ("price-split-not-applied", 26)]),
        (series(after(10, 0), ), [("price-not-positive", n) for n in range(10, 60)]),
        (series(QUIET, dividend=(30, 20.0)), [("dividend-unit", 30)]),
        (series(after(30, 0.95), dividend=(30, 0.05)), [("dividend-unit", 30)]),
        (series(after(30, 0.98), dividend=(30, 2.0), adjust=(0, 0.0)), [("dividend-not-applied", 30)]),
        (series(after(30, 0.98), dividend=(30, 2.0), adjust=(0, 1.5)), [("dividend-adjustment", 30)]),
        (series(after(30, 0.98), dividend=(30, 2.0), gain=(30, 1.0), adjust=(0, 1.5)), [("dividend-gain-twice", 30)]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_history(quotes: list[Quote], found: list[tuple[str, int]]) -> None:
    assert said(quotes) == found


def test_a_dividend_told_twice() -> None:
    quotes = series(after(30, 0.98), dividend=(30, 2.0))
    again = [q._replace(dividend=2.0) if n == 35 else q for n, q in enumerate(quotes)]
    assert ("dividend-twice", 35) in said(again)


def test_the_repaired_series() -> None:
    """Real series with a known error, and their repairs: every error is found, and no repair or sound series raises an alarm."""
    if not REPAIRS.exists():
        pytest.skip("the collection of repaired price series is not there")
    tallies, words = measure(REPAIRS)
    assert not words and len(tallies) >= 5
    assert all(t.found == t.errors and t.false_alarms == 0 for t in tallies.values())
