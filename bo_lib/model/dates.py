"""Days of the trade: parsing, business days, trading days and settlement cycles.

Settlement and dealing calendars come from QuantLib, trading calendars from exchange_calendars. Nothing here knows
what day it is: every date is an argument.
"""

from __future__ import annotations

import calendar as _calendar
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from typing import Any

# Name of a settlement calendar -> QuantLib class and market. A currency's calendar is that of its payment system.
_QUANTLIB = {
    "TARGET": ("TARGET", None),
    "US": ("UnitedStates", "Settlement"),
    "US_GOVERNMENT_BOND": ("UnitedStates", "GovernmentBond"),
    "GB": ("UnitedKingdom", "Settlement"),
    "CH": ("Switzerland", None),
    "JP": ("Japan", None),
    "HK": ("HongKong", "HKEx"),
    "CA": ("Canada", "Settlement"),
    "SE": ("Sweden", None),
    "DK": ("Denmark", None),
    "NO": ("Norway", None),
    "AU": ("Australia", "Settlement"),
    "NONE": ("NullCalendar", None),
    "WEEKENDS": ("WeekendsOnly", None),
}
CURRENCY_CALENDAR = {
    "EUR": "TARGET", "USD": "US", "GBP": "GB", "CHF": "CH", "JPY": "JP", "HKD": "HK",
    "CAD": "CA", "SEK": "SE", "DKK": "DK", "NOK": "NO", "AUD": "AU",
}  # fmt: skip
CALENDARS = tuple(_QUANTLIB)


def parse_date(text: str) -> date:
    """An ISO date (``2026-06-30``). Raises ``ValueError`` with what was found and what was expected."""
    try:
        day = date.fromisoformat(text)
        if not 1901 <= day.year < 2199:  # as far as the calendars reach
            raise ValueError(text)
        return day
    except (ValueError, TypeError) as reason:
        raise ValueError(f"{text!r} is not a date; expected YYYY-MM-DD, such as 2026-06-30") from reason


@cache
def _quantlib_calendar(name: str) -> Any:
    import QuantLib as ql  # 0.1 s: only when a calendar is asked for

    if name not in _QUANTLIB:
        raise KeyError(f"no settlement calendar {name!r}; known: {', '.join(CALENDARS)}")
    kind, market = _QUANTLIB[name]
    made = getattr(ql, kind)
    return made(getattr(made, market)) if market else made()


@cache
def is_business_day(day: date, calendar: str) -> bool:
    """True when payments settle on ``day``; ``calendar`` is one of ``CALENDARS``, several joined by ``+``."""
    import QuantLib as ql

    there = ql.Date(day.day, day.month, day.year)
    return all(_quantlib_calendar(name).isBusinessDay(there) for name in calendar.split("+"))


def _walk(day: date, step: int) -> Iterator[date]:
    while True:
        day += timedelta(days=step)
        yield day


def add_business_days(day: date, days: int, calendar: str) -> date:
    """``days`` business days after ``day`` (before it when negative); 0 rolls forward to the next business day."""
    if days == 0:
        return day if is_business_day(day, calendar) else add_business_days(day, 1, calendar)
    left = abs(days)
    for there in _walk(day, 1 if days > 0 else -1):
        left -= is_business_day(there, calendar)
        if not left:
            return there
    raise AssertionError("unreachable")


def ex_interest_date(coupon_date: date, ex_dividend_days: int, currency: str) -> date:
    """First day on which a bond settles without the coupon of ``coupon_date``: that day itself, or with an ex-dividend period
    the day after the last one that carries it, ``ex_dividend_days`` business days before (DMO, Formulae for calculating gilt prices
    from yields, section 3).
    """
    if not ex_dividend_days:
        return coupon_date
    return add_business_days(coupon_date, -ex_dividend_days, CURRENCY_CALENDAR.get(currency, "TARGET")) + timedelta(days=1)


def previous_business_day(day: date, calendar: str) -> date:
    return add_business_days(day, -1, calendar)


def business_days(first: date, last: date, calendar: str) -> list[date]:
    """Business days from ``first`` to ``last``, both included."""
    span = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [day for day in span if is_business_day(day, calendar)]


def business_days_after(first: date, last: date, calendar: str) -> int:
    """Business days passed since ``first``: how old an item of ``first`` is on ``last``."""
    return sum(day > first for day in business_days(first, last, calendar))


def month_end(day: date) -> date:
    """Last calendar day of the month of ``day``."""
    return day.replace(day=_calendar.monthrange(day.year, day.month)[1])


def is_last_business_day_of_month(day: date, calendar: str) -> bool:
    return is_business_day(day, calendar) and add_business_days(day, 1, calendar).month != day.month


@cache
def is_trading_day(day: date, mic: str) -> bool:
    """True when the exchange ``mic`` (ISO 10383) trades on ``day``; a trading day need not be a settlement day."""
    import exchange_calendars as exchanges  # 1 s: only when an exchange is asked about

    return bool(exchanges.get_calendar(mic, start=date(day.year - 1, 1, 1).isoformat()).is_session(day.isoformat()))
