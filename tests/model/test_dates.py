from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bo_lib.model import dates

days = st.dates(date(2020, 1, 1), date(2030, 12, 31))


def test_a_wrong_date_says_what_was_found_and_expected() -> None:
    with pytest.raises(ValueError, match=r"'30/06/2026' is not a date; expected YYYY-MM-DD"):
        dates.parse_date("30/06/2026")


def test_juneteenth_is_no_settlement_day_in_new_york_but_one_in_frankfurt() -> None:
    assert not dates.is_business_day(date(2026, 6, 19), "US")
    assert dates.is_business_day(date(2026, 6, 19), "TARGET")
    assert not dates.is_business_day(date(2026, 6, 19), "TARGET+US")


def test_columbus_day_trades_but_does_not_settle() -> None:
    assert dates.is_trading_day(date(2026, 10, 12), "XNYS")
    assert not dates.is_business_day(date(2026, 10, 12), "US")


def test_no_days_ahead_rolls_a_holiday_forward() -> None:
    assert dates.add_business_days(date(2026, 6, 27), 0, "TARGET") == date(2026, 6, 29)


def test_a_break_of_friday_is_one_business_day_old_on_monday() -> None:
    assert dates.business_days_after(date(2026, 6, 26), date(2026, 6, 29), "TARGET") == 1


def test_the_last_business_day_of_a_month_that_ends_on_a_sunday() -> None:
    assert dates.is_last_business_day_of_month(date(2026, 5, 29), "TARGET")
    assert not dates.is_last_business_day_of_month(date(2026, 5, 31), "TARGET")
    assert dates.month_end(date(2024, 2, 3)) == date(2024, 2, 29)


def test_an_unknown_calendar_names_the_known_ones() -> None:
    with pytest.raises(KeyError, match="TARGET"):
        dates.is_business_day(date(2026, 6, 30), "MARS")


@given(days, st.integers(1, 30), st.sampled_from(["TARGET", "US", "GB"]))
def test_forward_and_back_again(day: date, n: int, calendar: str) -> None:
    start = dates.add_business_days(day, 0, calendar)
    assert dates.add_business_days(dates.add_business_days(start, n, calendar), -n, calendar) == start


@given(days, st.integers(0, 60))
def test_age_counts_the_business_days_that_passed(day: date, n: int) -> None:
    later = dates.add_business_days(day, n, "TARGET") if n else day
    assert dates.business_days_after(day, later, "TARGET") == n
