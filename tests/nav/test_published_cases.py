"""Published worked examples of accruals, fees and swing pricing; each names its source."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bo_lib.model.money import round_to
from bo_lib.nav.accrued import accrued_interest, coupon_period, days_between
from bo_lib.nav.fees import accrued, bps, performance_fee_due, periods
from bo_lib.nav.swing import Flow, dealing_prices, levied_prices, swung
from tests.nav.desk import MONDAY, at, fund

D = Decimal


def bond(coupon: str, per_year: int, day_count: str, maturity: date, issued: date | None = None, **more: Any) -> dict[str, Any]:
    terms = {"isin": "BOND", "currency": "GBP", "coupon_pct": D(coupon), "coupons_per_year": per_year, "day_count": day_count}
    return {**terms, "maturity": maturity, "issued": issued, **more}


@pytest.mark.parametrize(("day", "per_100"), [(29, "3.8021978"), (30, "-0.1758242"), (31, "-0.1538462")])
def test_a_gilt_in_its_ex_dividend_period_has_negative_interest(day: int, per_100: str) -> None:
    """QuantLib bond tests, checked there against Bloomberg: UKT 8% 7 June 2021, 7 business days ex-dividend."""
    gilt = bond("8", 2, "ACT/ACT ICMA", date(2021, 6, 7))
    amount = accrued_interest(D(10**9), gilt, date(2013, 5, day), ex_dividend_days=7).value
    assert round_to(amount / 10**7, 7) == D(per_100)


def test_thirty_360_bond_basis_counts_178_days() -> None:
    """QuantLib day-counter tests, ISDA 2006 section 4.16(f): 31 August 2006 to 28 February 2007."""
    assert days_between("30/360 US", date(2006, 8, 31), date(2007, 2, 28)) == 178


def test_act_act_icma_gives_half_a_year_for_a_full_period() -> None:
    """QuantLib day-counter tests: 1 November 2003 to 1 May 2004, two coupons a year: 0.5."""
    whole = bond("10", 2, "ACT/ACT ICMA", date(2010, 5, 1))
    assert accrued_interest(D(1000000), whole, date(2004, 4, 30)).value == round_to(D(50000) * 181 / 182, 2)
    assert accrued_interest(D(1000000), whole, date(2004, 5, 1)).value == 0
    assert coupon_period(date(2010, 5, 1), 2, date(2004, 4, 30)) == (date(2003, 11, 1), date(2004, 5, 1))


@pytest.mark.parametrize(
    ("day_count", "year"), [("30/360 US", 360), ("30E/360", 360), ("ACT/360", 360), ("ACT/365F", 365), ("ACT/ACT ICMA", 365)]
)
def test_four_months_by_each_day_count(day_count: str, year: int) -> None:
    """5% on a million from 31 January, the last coupon, to 31 May 2026: 120 days however they are counted."""
    amount = accrued_interest(D(1000000), bond("5", 1, day_count, date(2030, 1, 31)), date(2026, 5, 31)).value
    assert amount == round_to(D(50000) * 120 / year, 2)


def test_interest_starts_at_issue_and_ends_at_maturity() -> None:
    young = bond("6", 2, "30/360 US", date(2030, 3, 15), issued=date(2026, 5, 1))
    assert accrued_interest(D(1000), young, date(2026, 5, 1)).value == 0
    assert accrued_interest(D(1000), young, date(2026, 5, 31)).value == D("5.00")
    assert accrued_interest(D(1000), young, date(2030, 3, 15)).value == 0


def test_a_bond_without_terms_is_a_letter_not_a_guess() -> None:
    unknown, endless = bond("5", 2, "ACT/ACT", date(2030, 1, 1)), {**bond("5", 2, "ACT/360", date(2030, 1, 1)), "maturity": None}
    for broken, code in ((unknown, "day-count-unknown"), (endless, "bond-terms-missing")):
        outcome = accrued_interest(D(1000), broken, date(2026, 6, 1))
        assert (outcome.value, outcome.findings[0].code) == (0, code)


def test_fees_are_for_calendar_days_of_the_year_they_fall_in() -> None:
    assert periods("actual", date(2028, 2, 25), date(2028, 2, 29)) == ((4, 366),)
    assert periods("actual", date(2028, 12, 29), date(2029, 1, 2)) == ((2, 366), (2, 365))  # a weekend over the year's end
    assert periods("actual", date(2026, 12, 31), date(2027, 1, 4)) == ((4, 365),)
    assert periods("360", date(2028, 12, 29), date(2029, 1, 2)) == ((4, 360),)
    year = bps(D(100000000), D(150))
    assert year == 1500000  # 150 bps is 1.5%, never 150%
    assert accrued(year, [(1, 365)], "USD") == D("4109.59")
    assert accrued(year, [(3, 365)], "USD") == D("12328.77")  # a Monday
    assert accrued(year, [(2, 366), (2, 365)], "USD") == D("16415.90")
    assert accrued(D(96000), [(3, 365)], "USD") == D("789.04")


def test_performance_fee_above_the_mark_only() -> None:
    assert performance_fee_due(D(1200), D(10), D(100), D(20), D(1), "USD") == 40
    assert performance_fee_due(D(900), D(10), D(100), D(20), D(1), "USD") == 0
    assert performance_fee_due(D(1000), D(10), D(100), D(20), D("1.2"), "EUR") == D(
        "33.33"
    )  # the mark is in dollars, the fund in euro


@given(st.decimals("-0.05", "0.05", places=6), st.decimals("0.01", "1000", places=4))
def test_nothing_swings_up_to_the_threshold(flow: Decimal, nav: Decimal) -> None:
    assert swung(nav, flow, D("0.05"), D("0.002"), 4) == nav


@given(st.decimals("0.050001", "1", places=6), st.sampled_from([1, -1]))
def test_beyond_the_threshold_the_dealer_pays(size: Decimal, side: int) -> None:
    moved = swung(D("100.0000"), size * side, D("0.05"), D("0.002"), 4)
    assert moved == D("100.0000") + side * D("0.2000")


def test_full_swing_moves_every_dealing_day_and_no_further_than_the_cap() -> None:
    """Terms with ``mode: full`` swing on any flow; ``cap_bps`` bounds the factor in force."""
    terms = fund(swing={"mode": "full", "factor_bps": 300, "cap_bps": 200}).on(MONDAY)
    one, still = ([Flow("A", D(1))], [Flow("A", D(500)), Flow("A", units=D(-5))])
    nav = {"A": D("100.0000"), "B": D("50.0000"), "H": D("10.0000")}
    assert dealing_prices(nav, D(10**6), one, terms, at(MONDAY), "EUR") == {"A": D(102), "B": D(51), "H": D("10.2")}
    assert dealing_prices(nav, D(10**6), still, terms, at(MONDAY), "EUR") == nav


def test_a_levy_leaves_the_price_and_charges_the_side_of_the_flow() -> None:
    """0.5% of net assets come in at a levy of 10 bps: units are bought for 99.90 of every 100, and who sells sells at NAV."""
    terms = fund(swing={"style": "levy", "threshold_pct": "0.4", "factor_bps": 10, "factor_out_bps": 20}).on(MONDAY)
    nav = {"A": D(100), "B": D(50), "H": D(10)}
    came, went = [Flow("A", D(5000))], [Flow("A", D(-5000))]
    assert dealing_prices(nav, D(10**6), came, terms, at(MONDAY), "EUR") == nav
    into = levied_prices(nav, D(10**6), came, terms, at(MONDAY), "EUR")
    assert set(into) == {(c, "SUBSCRIBE") for c in nav} and round_to(D(1000) / into["A", "SUBSCRIBE"], 6) == D("9.990000")
    assert levied_prices(nav, D(10**6), went, terms, at(MONDAY), "EUR")["A", "REDEEM"] == D("99.8")
    assert levied_prices(nav, D(10**7), came, terms, at(MONDAY), "EUR") == {}
