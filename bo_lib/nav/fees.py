"""Fees of a fund and its classes. Rates are yearly; a strike accrues every calendar day since the one before."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from bo_lib.model.money import ZERO, round_money, round_to


def days_in_year(convention: str, day: date) -> int:
    """The year of a fee: ``actual`` (366 in leap years), ``365`` or ``360``."""
    return (366 if calendar.isleap(day.year) else 365) if convention == "actual" else int(convention)


def expense(amount_annual: Decimal, days: int, year: int, currency: str) -> Decimal:
    """A yearly amount for ``days`` calendar days."""
    return round_money(amount_annual * days / year, currency)


def management_fee(base: Decimal, bps_annual: Decimal, days: int, year: int, currency: str) -> Decimal:
    """``bps_annual`` basis points a year of ``base`` for ``days`` calendar days."""
    return round_money(base * bps_annual / 10000 * days / year, currency)


def tiered_fee(base: Decimal, tiers: Sequence[tuple[Decimal, Decimal]], days: int, year: int, currency: str) -> Decimal:
    """A fee whose rate changes with size: each slice of ``base`` bears its own rate, and the slices add up.

    ``tiers``: (from this amount, basis points a year), ascending, the first from 0. Rounded once.
    """
    tops = [start for start, _ in tiers[1:]]
    slices = zip(tiers, [*tops, max(base, *tops, ZERO)], strict=True)
    whole = sum((max(ZERO, min(base, top) - start) * bps / 10000 for (start, bps), top in slices), ZERO)
    return round_money(whole * days / year, currency)


def performance_fee_due(
    gav: Decimal, units: Decimal, high_water_mark: Decimal, rate_pct: Decimal, per_base: Decimal, currency: str
) -> Decimal:
    """Fee on the gain above the mark, no hurdle: rate x max(0, gross asset value per unit - mark) x units.

    ``gav`` (before any performance fee) and the result are in base currency ``currency``; the mark is in class currency,
    of which one unit of base buys ``per_base``.
    """
    if not units:
        return ZERO
    gain_base = (gav * per_base - high_water_mark * units) / per_base
    return round_money(rate_pct / 100 * max(ZERO, gain_base), currency)


def fee_over_hurdle(
    capital: Decimal, gain: Decimal, rate: Decimal, hurdle: Decimal, kind: Literal["none", "soft", "hard"]
) -> Decimal:
    """Fee on a year's ``gain`` of ``capital``, unrounded: on all, on all once above the hurdle (soft), or on the excess (hard)."""
    above = gain - (ZERO if kind == "none" else capital * hurdle)
    return rate * max(ZERO, gain if kind == "soft" and above > 0 else above)


@dataclass(frozen=True)
class CappedExpense:
    """A day's expenses under a cap: what the adviser waives of its own fee, assumes besides, and may recoup later."""

    gross: Decimal
    cap: Decimal
    excess: Decimal
    waived: Decimal
    assumed: Decimal
    recoupable: Decimal


def cap_expense(
    base: Decimal, cap_rate: Decimal, year: int, advisory_fee: Decimal, other: Decimal, contract_cap_rate: Decimal | None = None
) -> CappedExpense:
    """One day's expenses capped at ``base`` x ``cap_rate`` / ``year``: the advisory fee is waived first, the rest assumed.

    What the day costs above the contract's cap is recoupable; nothing without such a cap. Amounts to the cent.
    """
    cap = round_to(base * cap_rate / year, 2)
    gross = advisory_fee + other
    recoupable = ZERO if contract_cap_rate is None else max(ZERO, gross - round_to(base * contract_cap_rate / year, 2))
    excess = max(ZERO, gross - cap)
    waived = min(excess, advisory_fee)
    return CappedExpense(gross, cap, excess, waived, excess - waived, recoupable)
