"""Coupon dates and accrued interest by the demonstration's own arithmetic.

Written apart from the library's rooms on purpose: where the two agree, both are likely right.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from bo_lib.model.money import ZERO, round_money

if TYPE_CHECKING:
    from bo_lib.demo.market import Security


def coupon_dates(bond: Security, first: date, last: date) -> list[date]:
    """Unadjusted coupon dates after ``first`` up to ``last``, counted back from maturity (whose day is at most the 28th)."""
    months, k = 12 // bond.coupons_per_year, 0
    found: list[date] = []
    while True:
        count = bond.maturity.year * 12 + bond.maturity.month - 1 - k * months
        day = date(count // 12, count % 12 + 1, bond.maturity.day)
        if day <= first:
            return found[::-1]
        if day <= last:
            found.append(day)
        k += 1


def accrued(bond: Security, nominal: Decimal, day: date) -> Decimal:
    """Interest on ``nominal`` from the last coupon to ``day``, rounded to the bond's currency; zero on a coupon date."""
    before = coupon_dates(bond, date(day.year - 2, 1, 1), day)[-1]
    after = coupon_dates(bond, day, date(day.year + 2, 12, 31))[0]
    yearly = nominal * bond.coupon_pct / 100
    if bond.day_count == "30/360 US":
        from_day = min(before.day, 30)
        to_day = 30 if day.day == 31 and from_day == 30 else day.day
        days = 360 * (day.year - before.year) + 30 * (day.month - before.month) + to_day - from_day
        return round_money(yearly * days / 360, bond.currency)
    if bond.day_count == "ACT/ACT ICMA":
        return round_money(yearly / bond.coupons_per_year * (day - before).days / (after - before).days, bond.currency)
    return ZERO
