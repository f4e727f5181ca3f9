"""A step is done once for what it is made of."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from bo_lib.close import Steps


def carried(steps: Steps, trades: tuple[int, ...], prices: tuple[int, ...]) -> int:
    position = steps("position", lambda: sum(trades), trades)
    cash = steps("sign", lambda: position > 0, position)
    worth = steps("worth", lambda: position * prices[0], position, prices)
    return worth if steps("statement", lambda: cash, cash) else -worth


def test_only_what_depends_on_a_change_is_done_again() -> None:
    memory: dict[str, object] = {}
    first = Steps(memory)
    assert carried(first, (3, 4), (10,)) == 70
    assert first.done == ["position", "sign", "worth", "statement"]
    late = Steps(memory)
    assert carried(late, (3, 4, 1), (10,)) == 80
    assert late.done == ["position", "sign", "worth"]  # the sign came out the same: its statement is kept
    assert late.kept == ["statement"]
    nothing = Steps(memory)
    assert carried(nothing, (3, 4), (10,)) == 70 and nothing.done == []


def test_a_change_without_effect_stops_there() -> None:
    memory: dict[str, object] = {}
    carried(Steps(memory), (3, 4), (10,))
    again = Steps(memory)
    carried(again, (4, 3), (10,))
    assert again.done == ["position"]


def test_seconds_are_by_the_clock_given() -> None:
    ticks: Iterator[int] = count()
    steps = Steps({}, lambda: float(next(ticks)))
    carried(steps, (1,), (1,))
    assert set(steps.seconds.values()) == {1.0}
