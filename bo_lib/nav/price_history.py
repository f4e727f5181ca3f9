"""Checks of a price history with its dividends and splits, as a vendor delivers it: errors of unit, split and dividend.

Prices are adjusted for splits throughout (so a declared split leaves no step); ``adjusted`` closes also for dividends. What is
said of a date is a challenge with its evidence, not a correction: which side of a step is right, a person decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import pairwise
from math import exp, log
from statistics import median
from typing import NamedTuple

from bo_lib.model.findings import Finding, Place, warning

UNIT = 100.0  # pence for pounds, cents for rands
NEAR_SPLIT_DAYS = 40  # calendar days around a split in which a step by its ratio is its doing
TWICE_DAYS = 17  # two like dividends so near are one
STEP_MIN = log(1.3)  # no split or unit makes a smaller step
TINY = 0.002  # of the price: a dividend so small may be a hundredth of one
NOISE_DAYS = 40  # prices around a date that give its usual daily move
ADJUSTMENT_NOISE = 0.0001  # of the price: adjusted closes come rounded


class Quote(NamedTuple):
    """One day. ``split``: new shares for one old, 0 for none. ``gain``: capital gains paid, part of ``dividend``."""

    day: date
    close: float
    dividend: float = 0.0
    split: float = 0.0
    adjusted: float | None = None
    gain: float = 0.0


def check_history(quotes: Iterable[Quote], name: str = "") -> tuple[Finding, ...]:
    """Every error that a history shows of itself, by date; a finding for each step, dividend or adjustment that cannot be."""
    known = sorted(quotes)
    sound = [q for q in known if q.close > 0]
    found = [
        _letter("price-not-positive", q.day, name, f"{q.close:g} is no price", f"{q.close:g}", "a positive price")
        for q in known if q.close <= 0
    ]  # fmt: skip
    found += [*_steps(sound, name), *_dividends(sound, name), *_adjustments(sound, name)]
    return tuple(sorted(found, key=lambda f: (f.place.at, f.code)))


def _letter(code: str, day: date, name: str, what: str, found: str, expected: str) -> Finding:
    place = Place(file=name, at=day.isoformat())
    return warning(
        code, f"{name} {day}: {what}".strip(), place, found=found, expected=expected, todo="challenge it with the vendor"
    )


# Steps ----------------------------------------------------------------------------------------------------------------


def _steps(quotes: Sequence[Quote], name: str) -> Iterator[Finding]:
    """Days on which the level of prices changes by the ratio of a unit or of a split nearby."""
    splits = [(q.day, q.split) for q in quotes if q.split > 0 and q.split != 1]
    for before, q in pairwise(quotes):
        step = log(q.close / before.close)
        if abs(step) < STEP_MIN:
            continue
        near = [log(ratio) for day, ratio in splits if abs((day - q.day).days) <= NEAR_SPLIT_DAYS]
        usual = _usual_move(quotes, q.day)
        if any(_explains(step, sign * ratio, usual) for ratio in near for sign in (1, -1)):
            said = f"the price moves by {exp(step):.4g} times, about the ratio of a split: it was applied to one side only"
            yield _letter("price-split-not-applied", q.day, name, said, f"{q.close:g}", f"about {before.close:g}")
        elif any(_explains(step, sign * log(UNIT), usual) for sign in (1, -1)):
            said = f"the price moves by {exp(step):.4g} times: about a hundred, so the unit changes"
            yield _letter("price-unit", q.day, name, said, f"{q.close:g}", f"about {before.close:g}")


def _explains(step: float, ratio: float, usual: float) -> bool:
    """Is a step (in logarithms) a ratio with a day's move on top? Far beyond a usual move, and nearer the ratio than no change."""
    rest = abs(step - ratio)
    return abs(step) > 4 * usual and rest <= max(log(1.25), min(0.3 * abs(ratio), log(2.2)), 3 * usual) and rest < abs(step) / 2


def _usual_move(quotes: Sequence[Quote], day: date) -> float:
    """The median daily move in the weeks around ``day``, in logarithms, as a standard deviation."""
    near = [q for q in quotes if abs((q.day - day).days) <= NOISE_DAYS]
    moves = [abs(log(b.close / a.close)) for a, b in pairwise(near)]
    return max(median(moves) / 0.6745, 0.002) if moves else 0.02


# Dividends ------------------------------------------------------------------------------------------------------------


class _Paid(NamedTuple):
    """A dividend: as a part of the last price with it, beside what the price fell by and its usual daily move."""

    day: date
    dividend: float
    share: float
    fall: float
    move: float

    @property
    def seen(self) -> bool:
        return self.fall > self.share / 2

    @property
    def unseen(self) -> bool:
        return self.share > 2 * self.move and self.fall < 0.3 * self.share


def _dividends(quotes: Sequence[Quote], name: str) -> Iterator[Finding]:
    paid = [
        _Paid(q.day, q.dividend, q.dividend / before.close, 1 - q.close / before.close, _usual_move(quotes, q.day))
        for before, q in pairwise(quotes) if q.dividend > 0
    ]  # fmt: skip
    all_too_small = _all_hundredths(paid)
    for p in paid:
        others = [o for o in paid if o is not p]
        if _hundred_times(p):
            said = f"a dividend of {p.share:.1%} of the price, and the price moves by {-p.fall:.1%}: a hundred times too much"
            yield _letter("dividend-unit", p.day, name, said, f"{p.dividend:g}", f"about {p.dividend / UNIT:g}")
        elif all_too_small or _hundredth(p, others):
            said = f"a dividend of {p.share:.3%} of the price, and the price moves by {-p.fall:.1%}: a hundred times too little"
            yield _letter("dividend-unit", p.day, name, said, f"{p.dividend:g}", f"about {p.dividend * UNIT:g}")
    for first, second in pairwise(paid):
        alike = abs(second.dividend / first.dividend - 1) < 0.02
        one_unseen = (first.seen and second.unseen) or (first.unseen and second.seen)
        if (second.day - first.day).days <= TWICE_DAYS and (alike or one_unseen):
            extra = max((first, second), key=lambda p: (p.share - p.fall, p.day))
            said = f"two dividends within {(second.day - first.day).days} days, and the price falls for one"
            yield _letter("dividend-twice", extra.day, name, said, f"{extra.dividend:g}", "one dividend")


def _hundred_times(p: _Paid) -> bool:
    noise = 3 * p.move
    told = abs(p.fall - p.share) <= max(noise, 0.5 * p.share)
    return p.share > 0.05 and not told and abs(p.fall - p.share / UNIT) <= noise + p.share / UNIT


def _hundredth(p: _Paid, others: Sequence[_Paid]) -> bool:
    """Is a dividend a hundredth of what it should be? Regular others say so; or one of the season a year away, or a fall beyond the
    usual, when the price fell by a hundred times the dividend rather than by the dividend.
    """

    def about(usual: float) -> bool:
        return usual / 250 < p.share < usual / 40

    usual = median(o.share for o in others) if len(others) >= 3 else 0.0
    if about(usual) and all(usual / 3 < o.share < usual * 3 for o in others):
        return True
    fell = p.share * UNIT / 2 < p.fall < p.share * UNIT * 2 and p.share < TINY
    season = any(330 <= abs((o.day - p.day).days) <= 400 and about(o.share) for o in others)
    return fell and (season or p.fall > 2.5 * p.move)


def _all_hundredths(paid: Sequence[_Paid]) -> bool:
    """Do the falls on all ex dates together say that every dividend is a hundredth? By regression of falls on dividends."""
    weight = sum(p.share**2 for p in paid)
    if len(paid) < 3 or any(p.share >= TINY for p in paid):
        return False
    times, error = sum(p.fall * p.share for p in paid) / weight, median(p.move for p in paid) / weight**0.5
    return UNIT / 2 < times < UNIT * 2 and times > 3 * error


def _adjustments(quotes: Sequence[Quote], name: str) -> Iterator[Finding]:
    """On each ex date the adjusted closes before it are lowered by the dividend's part of the last price, and no more."""
    for before, q in pairwise(quotes):
        if q.dividend <= 0 or not before.adjusted or not q.adjusted:
            continue
        made, due = 1 - before.adjusted / before.close / (q.adjusted / q.close), q.dividend / before.close
        if abs(made - due) <= max(0.1 * due, ADJUSTMENT_NOISE):
            continue
        if q.gain and abs(made - due - q.gain / before.close) <= max(0.1 * due, ADJUSTMENT_NOISE):
            said, code = "the capital gain in the dividend is counted a second time", "dividend-gain-twice"
        elif abs(made) <= 0.1 * due:
            said, code = "earlier prices are not adjusted for the dividend", "dividend-not-applied"
        else:
            said, code = "earlier prices are adjusted by another amount than the dividend", "dividend-adjustment"
        yield _letter(code, q.day, name, said, f"{made:.3%}", f"{due:.3%}")
