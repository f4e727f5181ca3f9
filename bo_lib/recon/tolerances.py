"""Tolerances and windows of a pass as conditions of SQL: amounts xa and ya, dates xd and yd; exact, without a division."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from bo_lib.model import dates
from bo_lib.recon.places import Flags, Longs
from bo_lib.recon.rules import Pass, Tolerance

Days = np.ndarray[Any, np.dtype[np.datetime64]]


def within(tolerance: Tolerance) -> str:
    """The amounts lie within the tolerance."""
    if tolerance.asymmetric:
        under, over = (limit or Decimal(0) for limit in (tolerance.under, tolerance.over))
        return f"(case when xa < 0 then xa - ya else ya - xa end) between -{under:f} and {over:f}"
    absolute = f"abs(xa - ya) <= {tolerance.absolute:f}"
    if not tolerance.relative:
        return absolute
    return f"({absolute} or abs(xa - ya) <= greatest(abs(xa), abs(ya)) * {tolerance.relative:f})"


def calendar_days(step: Pass) -> int:
    """Calendar days that hold the window: a window of business days is widened here and checked exactly afterwards."""
    days = step.days or 0
    return days if not step.calendar else 2 * days + 8


def bucket(tolerance: Tolerance | None, step: Pass, amount_scale: int) -> str:
    """Integer by which rows that fit are at most one apart: of the amount, else of the date, else none."""
    if tolerance and tolerance.widest and not tolerance.relative:
        scale = max(amount_scale, -int(tolerance.widest.as_tuple().exponent), 0)
        return f"cast(cast(amount as decimal(38, {scale})) * {10**scale} as hugeint) // {int(tolerance.widest.scaleb(scale))}"
    if step.days is not None:
        return f"(day - date '2000-01-01') // {calendar_days(step) + 1}"
    return "0"


def near(first: Days, last: Days, step: Pass) -> Flags:
    """Which dates lie within the window of business days of each other."""
    if not step.calendar or not len(first):
        return np.full(len(first), True)
    start, end = min(first.min(), last.min()), max(first.max(), last.max())
    passed = _business_days_passed(start.item(), end.item(), step.calendar)
    between = np.abs(passed[(first - start).astype(int)] - passed[(last - start).astype(int)])
    return np.asarray(between <= (step.days or 0))


def _business_days_passed(start: date, end: date, calendar: str) -> Longs:
    """For each calendar day from ``start`` to ``end``: business days passed since ``start``."""
    days = np.arange(np.datetime64(start), np.datetime64(end) + 1)
    if calendar == "WEEKENDS":
        return np.cumsum(np.is_busday(days))
    return np.cumsum([dates.is_business_day(day, calendar) for day in days.tolist()])
