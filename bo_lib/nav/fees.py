"""Fees by the year. A strike accrues every calendar day since the one before, each in its own year."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from bo_lib.model.money import ZERO, round_money

Periods = Sequence[tuple[int, int]]  # calendar days, and the days of the year they fall in
Hurdle = Literal["none", "soft", "hard"]


def periods(convention: str, after: date, until: date) -> Periods:
    """The days after ``after`` up to ``until``, by year: ``actual`` (366 in leap years), ``365`` or ``360``."""
    if convention != "actual":
        return ((max((until - after).days, 0), int(convention)),)
    ends = [date(year, 12, 31) for year in range(after.year, until.year)]
    cuts = [after, *ends, until]
    spans = ((end, (end - start).days) for start, end in pairwise(cuts))
    return tuple((days, 366 if calendar.isleap(end.year) else 365) for end, days in spans if days > 0)


def accrued(amount_annual: Decimal, when: Periods, currency: str) -> Decimal:
    """A yearly amount for some days of one year or several, rounded once."""
    return round_money(sum((amount_annual * days / year for days, year in when), ZERO), currency)


def bps(base: Decimal, rate_bps: Decimal) -> Decimal:
    """``rate_bps`` basis points of ``base``, unrounded: 150 bps is 1.5%."""
    return base * rate_bps / 10000


def tiered(base: Decimal, tiers: Sequence[tuple[Decimal, Decimal]]) -> Decimal:
    """A yearly fee whose rate changes with size, unrounded: each slice of ``base`` bears its own rate, and the slices add up.

    ``tiers``: (above this amount, basis points a year), ascending, the first from 0.
    """
    tops = [start for start, _ in tiers[1:]]
    slices = zip(tiers, [*tops, max(base, *tops, ZERO)], strict=True)
    return sum((bps(max(ZERO, min(base, top) - start), rate) for (start, rate), top in slices), ZERO)


def performance_fee_due(
    gav: Decimal, units: Decimal, mark: Decimal, rate_pct: Decimal, per_base: Decimal, currency: str,
    level: Decimal | None = None, hurdle: Hurdle = "none",
) -> Decimal:  # fmt: skip
    """Fee on the gain above the mark: rate x max(0, gross asset value - bar x units).

    ``gav`` (before any performance fee) and the result are in base currency ``currency``; mark and level are per unit in class
    currency, of which one unit of base buys ``per_base``. The bar is the mark; with a hurdle no less than ``level`` (the mark
    grown by it, see ``performance``): hard charges the gain above the level, soft the whole gain above the mark once past it.
    """
    value, bar = gav * per_base, mark if hurdle == "none" or level is None else max(mark, level)
    if not units or value <= bar * units:
        return ZERO
    return round_money(rate_pct / 100 * (value - (mark if hurdle == "soft" else bar) * units) / per_base, currency)


@dataclass(frozen=True)
class CappedExpense:
    """Expenses under a cap: what the adviser waives of its own fee, assumes besides, and may recoup later."""

    gross: Decimal
    cap: Decimal
    excess: Decimal
    waived: Decimal
    assumed: Decimal
    recoupable: Decimal


def cap_expense(cap: Decimal, advisory_fee: Decimal, other: Decimal, contract_cap: Decimal | None = None) -> CappedExpense:
    """Expenses of some days capped at ``cap``: the advisory fee is waived first, the rest assumed.

    What they cost above the contract's cap is recoupable; nothing without such a cap. All amounts for the same days.
    """
    gross = advisory_fee + other
    recoupable = ZERO if contract_cap is None else max(ZERO, gross - contract_cap)
    excess = max(ZERO, gross - cap)
    waived = min(excess, advisory_fee)
    return CappedExpense(gross, cap, excess, waived, excess - waived, recoupable)
