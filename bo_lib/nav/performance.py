"""Performance fees: hurdles, high-water marks, the reference period in which losses count, and when fees fall due for good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from bo_lib.model.dates import is_last_business_day_of_month
from bo_lib.model.money import ZERO
from bo_lib.nav.fees import Periods

Shortfalls = Mapping[int, Decimal]  # year -> points still to be made up, positive
MONTHS = {"monthly": 1, "quarterly": 3, "half_yearly": 6, "yearly": 12}


def hurdle_level(mark: Decimal, rate_pct_annual: Decimal, when: Periods) -> Decimal:
    """What a mark must grow to under a fixed yearly hurdle: simple interest over the calendar days of the period so far."""
    return mark * (1 + rate_pct_annual / 100 * sum((Decimal(days) / year for days, year in when), ZERO))


def index_hurdle_level(mark: Decimal, index_at_start: Decimal, index_now: Decimal) -> Decimal:
    """What a mark must grow to when the hurdle is a total-return index; below the mark when the index fell."""
    return mark * index_now / index_at_start


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


def reference_year(year: int, earned: Decimal, shortfalls: Shortfalls, years: int = 5) -> tuple[ReferenceYear, Shortfalls]:
    """What is left of a year's return (less the benchmark's, in points) once earlier shortfalls are made up, the oldest first.

    A shortfall counts in its own year and the ``years - 1`` after it, then what is left of it lapses (ESMA34-39-992,
    guideline 4: at least five years). Also what is carried on.
    """
    left, open_now = max(earned, ZERO), {**shortfalls, **({year: -earned} if earned < 0 else {})}
    for old in sorted(open_now):
        used = min(left, open_now[old])
        open_now[old] -= used
        left -= used
    excess = left if not any(open_now.values()) else ZERO
    kept = {old: rest for old, rest in open_now.items() if rest and old + years - 1 > year}
    return ReferenceYear(year, earned, excess, -sum(kept.values(), ZERO)), kept


def reference_period(net_return_pct: Sequence[Decimal], years: int = 5) -> tuple[ReferenceYear, ...]:
    """``reference_year`` for a row of years. ``net_return_pct``: return less the benchmark's, by year from year 1."""
    shortfalls: Shortfalls = {}
    found = []
    for year, earned in enumerate(net_return_pct, start=1):
        done, shortfalls = reference_year(year, earned, shortfalls, years)
        found.append(done)
    return tuple(found)


def period_ends(day: date, calendar: str, frequency: str, year_end_month: int = 12) -> bool:
    """Is ``day`` the last strike of a crystallisation period: the last business day of a month that ends one?"""
    return (day.month - year_end_month) % MONTHS[frequency] == 0 and is_last_business_day_of_month(day, calendar)
