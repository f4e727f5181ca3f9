"""Our own bond mathematics against QuantLib's, on random bonds and days."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import QuantLib as ql
from hypothesis import given, settings
from hypothesis import strategies as st

from bo_lib.actions.schedule import _months_before
from bo_lib.books.amortise import _flows, amortised_cost, effective_rate
from bo_lib.books.bonds import accrued_interest, coupon_period, year_fraction

D = Decimal
MANY = settings(max_examples=150, deadline=None)
maturities = st.dates(date(2027, 1, 1), date(2055, 12, 31))
days = st.dates(date(2012, 1, 1), date(2026, 12, 31))
COUNTERS = {
    "ACT/ACT ICMA": lambda schedule: ql.ActualActual(ql.ActualActual.ISMA, schedule),
    "30/360 US": lambda _: ql.Thirty360(ql.Thirty360.BondBasis), "30E/360": lambda _: ql.Thirty360(ql.Thirty360.European),
    "ACT/360": lambda _: ql.Actual360(), "ACT/365F": lambda _: ql.Actual365Fixed(),
    "ACT/ACT ISDA": lambda _: ql.ActualActual(ql.ActualActual.ISDA),
}  # fmt: skip


def there(day: date) -> Any:
    return ql.Date(day.day, day.month, day.year)


def schedule_of(bond: dict[str, Any]) -> Any:
    """Coupon dates back from maturity for forty years and more, unadjusted."""
    end, months = there(bond["maturity"]), 12 // bond["coupons_per_year"]
    return ql.Schedule(end - ql.Period(45 * 12, ql.Months), end, ql.Period(months, ql.Months), ql.NullCalendar(), ql.Unadjusted,
                       ql.Unadjusted, ql.DateGeneration.Backward, False)  # fmt: skip


@st.composite
def bonds(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "isin": "BOND", "kind": "corporate_bond", "currency": "EUR", "issued": None, "maturity": draw(maturities),
        "coupon_pct": D(draw(st.integers(1, 12000))) / 1000, "coupons_per_year": draw(st.sampled_from([1, 2, 4])),
        "day_count": draw(st.sampled_from(sorted(COUNTERS))),
    }  # fmt: skip


@MANY
@given(days, st.integers(0, 4000))
def test_day_counts(start: date, length: int) -> None:
    end = start + timedelta(days=length)
    for name in ("30/360 US", "30E/360", "ACT/360", "ACT/365F", "ACT/ACT ISDA"):
        theirs = COUNTERS[name](None).yearFraction(there(start), there(end))
        assert abs(year_fraction(name, start, end) - D(theirs)) < D("1e-12"), name


@MANY
@given(bonds(), days)
def test_coupon_periods(bond: dict[str, Any], day: date) -> None:
    dates = [d.to_date() for d in schedule_of(bond)]
    last = max(d for d in dates if d <= day)
    assert coupon_period(bond["maturity"], bond["coupons_per_year"], day) == (last, dates[dates.index(last) + 1])


@MANY
@given(maturities, st.sampled_from([1, 2, 4, 12]), st.integers(1, 100))
def test_coupon_dates_of_the_actions_desk(maturity: date, per_year: int, back: int) -> None:
    months = back * 12 // per_year
    assert _months_before(maturity, months) == (there(maturity) - ql.Period(months, ql.Months)).to_date()


@MANY
@given(bonds(), days)
def test_accrued_interest(bond: dict[str, Any], day: date) -> None:
    schedule = schedule_of(bond)
    theirs = ql.FixedRateBond(0, 100.0, schedule, [float(bond["coupon_pct"]) / 100], COUNTERS[bond["day_count"]](schedule))
    expected = D(theirs.accruedAmount(there(day))) * 10_000
    assert abs(accrued_interest(D(1_000_000), bond, day).value - expected) < D("0.0051")


@settings(max_examples=40, deadline=None)
@given(bonds(), days, st.integers(60, 140))
def test_yields(bond: dict[str, Any], day: date, price: int) -> None:
    """Effective yearly rate by ACT/365F of the same flows: ours in decimals, theirs by their own solver."""
    bond = {**bond, "day_count": "ACT/ACT ICMA"}
    flows = _flows(D(100), bond, day)
    legs = [ql.SimpleCashFlow(float(f.amount), there(day) + round(f.years * 365)) for f in flows]
    theirs = ql.CashFlows.yieldRate(
        legs, float(price), ql.Actual365Fixed(), ql.Compounded, ql.Annual, False, there(day), there(day), 1e-12, 500, 0.05,
    )  # fmt: skip
    assert abs(effective_rate(D(price), flows) - D(theirs)) < D("1e-9")


@settings(max_examples=30, deadline=None)
@given(bonds(), days, st.integers(80, 130), st.integers(100, 105), st.integers(1, 40))
def test_amortised_at_the_yield_to_worst(bond: dict[str, Any], day: date, price: int, call_price: int, periods: int) -> None:
    """The clean cost half a year on is the price at the lower of QuantLib's yields to maturity and to the call."""
    bond = {**bond, "day_count": "ACT/ACT ICMA", "call_date": coupon_period(bond["maturity"], bond["coupons_per_year"], day)[1]}
    for _ in range(min(periods, 8 * bond["coupons_per_year"])):
        bond["call_date"] = coupon_period(bond["maturity"], bond["coupons_per_year"], bond["call_date"])[1]
        if bond["call_date"] >= bond["maturity"]:
            return
    bond["call_price"], later = D(call_price), day + timedelta(days=60)
    if later >= bond["call_date"]:
        return
    paid = float(D(price) + accrued_interest(D(10**6), bond, day).value / 10**4)
    legs = {"maturity": _legs(bond, day, bond["maturity"], 100), "call": _legs(bond, day, bond["call_date"], call_price)}
    counter = ql.Actual365Fixed()
    today, terms = there(day), (counter, ql.Compounded, ql.Annual)
    rates = {name: ql.CashFlows.yieldRate(leg, paid, *terms, False, today, today, 1e-13, 1000, 0.05) for name, leg in legs.items()}
    worst = min(rates, key=lambda name: rates[name])
    theirs = ql.CashFlows.npv(legs[worst], ql.InterestRate(rates[worst], *terms), False, there(later), there(later))
    ours = amortised_cost(D(10**6), D(price) * 10**4, bond, day, later) + accrued_interest(D(10**6), bond, later).value
    assert abs(ours - D(theirs) * 10**4) < D("0.05")


def _legs(bond: dict[str, Any], day: date, end: date, repaid: int) -> list[Any]:
    coupon = float(bond["coupon_pct"]) / bond["coupons_per_year"]
    dates = [d for d in schedule_of(bond) if there(day) < d <= there(end)]
    return [*(ql.SimpleCashFlow(coupon, d) for d in dates), ql.SimpleCashFlow(float(repaid), there(end))]


def test_half_a_cent_of_interest_is_rounded_up() -> None:
    """147 of 360 days of 4.65% on 3,690,000 are 70,063.875 exactly, though 147/360 is no finite decimal."""
    bond = {"isin": "BOND", "kind": "corporate_bond", "currency": "USD", "issued": None, "maturity": date(2031, 7, 8),
            "coupon_pct": D("4.65"), "coupons_per_year": 2, "day_count": "30/360 US"}  # fmt: skip
    assert accrued_interest(D(3_690_000), bond, date(2026, 6, 5)).value == D("70063.88")
