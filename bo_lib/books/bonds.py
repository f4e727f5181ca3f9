"""Bond mathematics for the books: day counts, effective interest, amortisation. Day counts come from QuantLib.

All of it is decimal; money is rounded once, and the last period of a schedule takes what is left.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

from bo_lib.model.dates import ex_interest_date
from bo_lib.model.findings import Finding, Outcome, error
from bo_lib.model.money import ZERO, round_money

DAY_COUNTS = (
    "ACT/ACT ICMA", "ACT/ACT ISDA", "ACT/ACT AFB", "30/360 US", "30E/360", "30E/360 ISDA", "ACT/360", "ACT/364", "ACT/365F",
    "ACT/365L", "BUS/252",
)  # fmt: skip
_YEAR = {"ACT/364": 364, "ACT/365F": 365, "BUS/252": 252}
_MONTHS_BACK = 12 * 100  # no bond has coupons older than a century


@cache
def day_counter(name: str) -> Any:
    """QuantLib's day counter of that name. Raises ``KeyError`` for a name it does not know (ACT/365L is ours)."""
    import QuantLib as ql  # 0.1 s: only where bonds are held

    return {
        "30/360 US": lambda: ql.Thirty360(ql.Thirty360.BondBasis),  # ISDA bond basis
        "30E/360": lambda: ql.Thirty360(ql.Thirty360.European),
        "30E/360 ISDA": lambda: ql.Thirty360(ql.Thirty360.ISDA),
        "ACT/360": ql.Actual360,
        "ACT/364": ql.Actual364,
        "ACT/365F": ql.Actual365Fixed,
        "ACT/ACT ICMA": lambda: ql.ActualActual(ql.ActualActual.ISMA),
        "ACT/ACT ISDA": lambda: ql.ActualActual(ql.ActualActual.ISDA),
        "ACT/ACT AFB": lambda: ql.ActualActual(ql.ActualActual.AFB),
        "BUS/252": lambda: ql.Business252(ql.Brazil()),
    }[name]()


def days_between(day_count: str, start: date, end: date) -> int:
    """Days from ``start`` to ``end`` as ``day_count`` (one of ``DAY_COUNTS``) counts them. Raises ``KeyError`` for another."""
    return int(day_counter(day_count).dayCount(_there(start), _there(end)))


def coupon_period(maturity: date, coupons_per_year: int, day: date) -> tuple[date, date]:
    """(last coupon date on or before ``day``, next one after it), unadjusted, counted back from ``maturity``."""
    import QuantLib as ql

    months = 12 // coupons_per_year
    end = _there(maturity)
    after = end
    for back in range(months, _MONTHS_BACK + 1, months):
        before = end - ql.Period(back, ql.Months)
        if before <= _there(day):
            return before.to_date(), after.to_date()
        after = before
    raise ValueError(f"no coupon date on or before {day} for a bond that matures {maturity}")


def accrued_interest(nominal: Decimal, bond: Mapping[str, Any], day: date, *, ex_dividend_days: int = 0) -> Outcome[Decimal]:
    """Interest accrued on ``nominal`` up to ``day``, in the bond's currency, rounded once. Zero on a coupon date and at maturity.

    ``bond``: a row of INSTRUMENTS. A first period that starts at ``issued`` accrues from there. From the ex date on
    (``ex_interest_date``) interest is negative, the buyer being owed the days to the coupon.
    Terms that are missing or unknown give zero and an error.
    """
    if finding := _unusable(bond):
        return Outcome(ZERO, (finding,))
    maturity, per_year = bond["maturity"], bond["coupons_per_year"]
    if not bond["coupon_pct"] or day >= maturity or (bond["issued"] and day <= bond["issued"]):
        return Outcome(ZERO)
    last, following = coupon_period(maturity, per_year, day)
    start, end, sign = max(last, bond["issued"] or last), day, 1
    if day >= ex_interest_date(following, ex_dividend_days, bond["currency"]):
        start, end, sign = day, following, -1
    part = _part_of_year(bond["day_count"], start, end, per_year, (last, following))
    amount = sign * nominal * bond["coupon_pct"] * part.numerator / (100 * part.denominator)  # one division: half a cent stays half
    return Outcome(round_money(amount, bond["currency"]))


def year_fraction(day_count: str, start: date, end: date, *, per_year: int = 1, period: tuple[date, date] | None = None) -> Decimal:
    """The part of a year from ``start`` to ``end``; ``period``: the coupon period they lie in (ACT/ACT ICMA, ACT/365L).

    Raises ``KeyError`` for another day count than ``DAY_COUNTS``.
    """
    part = _part_of_year(day_count, start, end, per_year, period or (start, end))
    return Decimal(part.numerator) / part.denominator


def _part_of_year(day_count: str, start: date, end: date, per_year: int, period: tuple[date, date]) -> Fraction:
    days = (end - start).days
    if day_count == "ACT/ACT ICMA":
        return Fraction(days, per_year * (period[1] - period[0]).days)
    if day_count == "ACT/ACT ISDA":
        return _by_calendar_year(start, end)
    if day_count == "ACT/365L":
        return Fraction(days, _days_of_year_icma_251(per_year, *period))
    if day_count == "ACT/ACT AFB":
        return Fraction(repr(day_counter(day_count).yearFraction(_there(start), _there(end))))
    return Fraction(days_between(day_count, start, end), _YEAR.get(day_count, 360))


def _by_calendar_year(start: date, end: date) -> Fraction:
    """ISDA 2006 section 4.16(b): days in leap years over 366, the others over 365."""
    if end < start:
        return -_by_calendar_year(end, start)
    total, day = Fraction(0), start
    while day < end:
        until = min(end, date(day.year + 1, 1, 1))
        total += Fraction((until - day).days, 366 if calendar.isleap(day.year) else 365)
        day = until
    return total


def _days_of_year_icma_251(per_year: int, start: date, end: date) -> int:
    """ICMA rule 251.1(i): a yearly coupon has 366 when 29 February lies in its period, others when it ends in a leap year."""
    if per_year != 1:
        return 366 if calendar.isleap(end.year) else 365
    leaps = (date(year, 2, 29) for year in range(start.year, end.year + 1) if calendar.isleap(year))
    return 366 if any(start < leap <= end for leap in leaps) else 365


def _unusable(bond: Mapping[str, Any]) -> Finding | None:
    needed = ("coupon_pct", "coupons_per_year", "day_count", "maturity") if bond.get("coupon_pct") != 0 else ("maturity",)
    missing = [name for name in needed if bond.get(name) is None]
    todo = "complete the security master"
    if missing:
        return error("bond-terms-missing", f"{bond['isin']}: no {', '.join(missing)}: interest cannot be accrued", todo=todo)
    if not bond["coupon_pct"]:
        return None  # a zero-coupon bond
    if bond["day_count"] not in DAY_COUNTS:
        return error(
            "day-count-unknown",
            f"{bond['isin']}: interest cannot be accrued",
            found=bond["day_count"],
            expected=", ".join(DAY_COUNTS),
            todo=todo,
        )
    if bond["coupons_per_year"] not in (1, 2, 4, 12):
        return error(
            "coupons-per-year",
            f"{bond['isin']}: interest cannot be accrued",
            found=str(bond["coupons_per_year"]),
            expected="1, 2, 4 or 12",
            todo=todo,
        )
    return None


def _there(day: date) -> Any:
    import QuantLib as ql

    return ql.Date(day.day, day.month, day.year)
