"""Accrued interest of bonds. Day counts come from QuantLib; the money is decimal throughout."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from bo_lib.model.dates import add_business_days
from bo_lib.model.findings import Finding, Outcome, error
from bo_lib.model.money import ZERO, round_money

DAY_COUNTS = ("ACT/ACT ICMA", "30/360 US", "30E/360", "ACT/360", "ACT/365F")
_MONTHS_BACK = 12 * 100  # no bond has coupons older than a century


@cache
def _day_counter(name: str) -> Any:
    import QuantLib as ql  # 0.1 s: only where bonds are held

    return {
        "30/360 US": lambda: ql.Thirty360(ql.Thirty360.BondBasis),  # ISDA bond basis
        "30E/360": lambda: ql.Thirty360(ql.Thirty360.European),
        "ACT/360": ql.Actual360,
        "ACT/365F": ql.Actual365Fixed,
        "ACT/ACT ICMA": lambda: ql.ActualActual(ql.ActualActual.ISMA),
    }[name]()


def days_between(day_count: str, start: date, end: date) -> int:
    """Days from ``start`` to ``end`` as ``day_count`` (one of ``DAY_COUNTS``) counts them. Raises ``KeyError`` for another."""
    return int(_day_counter(day_count).dayCount(_there(start), _there(end)))


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


def accrued_interest(
    nominal: Decimal, bond: Mapping[str, Any], day: date, *, ex_dividend_days: int = 0, calendar: str = "GB"
) -> Outcome[Decimal]:
    """Interest accrued on ``nominal`` up to ``day``, in the bond's currency, rounded once. Zero on a coupon date and at maturity.

    ``bond``: a row of INSTRUMENTS. A first period that starts at ``issued`` accrues from there. Within the last
    ``ex_dividend_days`` business days before a coupon interest is negative, the buyer being owed the days to it.
    Terms that are missing or unknown give zero and an error.
    """
    if finding := _unusable(bond):
        return Outcome(ZERO, (finding,))
    maturity, per_year = bond["maturity"], bond["coupons_per_year"]
    if day >= maturity or (bond["issued"] and day <= bond["issued"]):
        return Outcome(ZERO)
    last, following = coupon_period(maturity, per_year, day)
    start, end, sign = max(last, bond["issued"] or last), day, 1
    if ex_dividend_days and day > add_business_days(following, -ex_dividend_days, calendar):
        start, end, sign = day, following, -1
    yearly = nominal * bond["coupon_pct"] / 100
    amount = sign * yearly * _days_times_year(bond["day_count"], per_year, start, end, (last, following))
    return Outcome(round_money(amount, bond["currency"]))


def _days_times_year(day_count: str, per_year: int, start: date, end: date, period: tuple[date, date]) -> Decimal:
    """The fraction of a year's coupon."""
    if day_count == "ACT/ACT ICMA":
        return Decimal((end - start).days) / (per_year * (period[1] - period[0]).days)
    return Decimal(days_between(day_count, start, end)) / (365 if day_count == "ACT/365F" else 360)


def _unusable(bond: Mapping[str, Any]) -> Finding | None:
    missing = [name for name in ("coupon_pct", "coupons_per_year", "day_count", "maturity") if bond.get(name) is None]
    todo = "complete the security master"
    if missing:
        return error("bond-terms-missing", f"{bond['isin']}: no {', '.join(missing)}: interest cannot be accrued", todo=todo)
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
