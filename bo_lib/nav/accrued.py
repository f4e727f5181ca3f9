"""Accrued interest of bonds, as the books compute it."""

from __future__ import annotations

from bo_lib.books.bonds import DAY_COUNTS, accrued_interest, coupon_period, days_between, year_fraction

__all__ = ["DAY_COUNTS", "accrued_interest", "coupon_period", "days_between", "year_fraction"]
