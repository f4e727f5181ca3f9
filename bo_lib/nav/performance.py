"""Performance fees: hurdles, high-water marks, the reference period in which losses count, and when fees fall due for good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from bo_lib.model.money import ZERO

Hurdle = Literal["none", "soft", "hard"]
MONTHS = {"monthly": 1, "quarterly": 3, "half_yearly": 6, "yearly": 12}


def hurdle_level(mark: Decimal, rate_pct_annual: Decimal, days: int, year: int) -> Decimal:
    """What a mark must grow to under a fixed yearly hurdle: simple interest over ``days`` calendar days of the period."""
    return mark * (1 + rate_pct_annual / 100 * days / year)


def index_hurdle_level(mark: Decimal, index_at_start: Decimal, index_now: Decimal) -> Decimal:
    """What a mark must grow to when the hurdle is a total-return index; below the mark when the index fell."""
    return mark * index_now / index_at_start


def fee_per_unit(gav: Decimal, mark: Decimal, rate_pct: Decimal, level: Decimal | None = None, hurdle: Hurdle = "none") -> Decimal:
    """Fee of one unit at gross asset value ``gav``, unrounded.

    Nothing falls due below the mark, nor below ``level`` (the mark grown by the hurdle) where there is one. Soft: the whole gain
    above the mark once the level is passed; hard: the gain above the level only. An index that fell never lowers the bar
    below the mark.
    """
    bar = mark if hurdle == "none" or level is None else max(mark, level)
    if gav <= bar:
        return ZERO
    return rate_pct / 100 * (gav - (mark if hurdle == "soft" else bar))


def index_total_return_pct(start: Decimal, end: Decimal, dividends: Decimal) -> Decimal:
    """Return of an index in percent: (change + dividends at their worth at the end) / start, as 17 CFR 275.205-1 computes it."""
    return (end - start + dividends) / start * 100


@dataclass(frozen=True)
class ReferenceYear:
    """One year of a reference period, in percentage points against the benchmark."""

    year: int
    net_return_pct: Decimal
    excess_pct: Decimal  # what a fee may be charged on
    carried_pct: Decimal  # shortfall (0 or negative) to make up from the next year on

    @property
    def fee_payable(self) -> bool:
        return self.excess_pct > 0


def reference_period(net_return_pct: Sequence[Decimal], years: int = 5) -> tuple[ReferenceYear, ...]:
    """Year by year, what is left of each return once shortfalls of the reference period are made up, the oldest first.

    A shortfall counts in its own year and the ``years - 1`` after it, then what is left of it lapses (ESMA34-39-992,
    guideline 4: at least five years). ``net_return_pct``: return less the benchmark's, by year from year 1.
    """
    shortfalls: dict[int, Decimal] = {}
    found = []
    for year, earned in enumerate(net_return_pct, start=1):
        left = max(earned, ZERO)
        if earned < 0:
            shortfalls[year] = -earned
        for old in sorted(shortfalls):
            used = min(left, shortfalls[old])
            shortfalls[old] -= used
            left -= used
        excess = left if not any(shortfalls.values()) else ZERO
        shortfalls = {old: rest for old, rest in shortfalls.items() if rest and old + years - 1 > year}
        found.append(ReferenceYear(year, earned, excess, -sum(shortfalls.values(), ZERO)))
    return tuple(found)


def crystallises(previous: date, day: date, frequency: str, year_end_month: int = 12) -> bool:
    """Does a crystallisation period end between two strikes, or on ``day`` when it is the last of its month as struck?

    A period ends with the month of ``frequency`` counted from the year's end; the strike that first falls in the next
    month has passed it, so the fee accrued at ``previous`` is the one that is due.
    """
    months = MONTHS[frequency]
    passed = (previous.year * 12 + previous.month + n for n in range((day.year - previous.year) * 12 + day.month - previous.month))
    return any((month - year_end_month) % months == 0 for month in passed)


def crystallised_on_redemption(accrued: Decimal, units_redeemed: Decimal, units: Decimal) -> Decimal:
    """The part of an accrued fee that becomes due for good because its units leave, unrounded."""
    return accrued * units_redeemed / units if units else ZERO
