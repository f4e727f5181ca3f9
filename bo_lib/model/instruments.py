"""Kinds of instruments: what their price is of, and what a unit of them is worth.

equity, fund, right, private_equity and units of crypto-like assets are priced per unit; …_bond (government, corporate,
municipal, zero_coupon, inflation_linked, floating_rate), bill and swap in percent of nominal; future and option per unit of the
underlying, times the contract's multiplier. A future costs nothing and is settled daily: its value is the variation still due.
"""

from __future__ import annotations

from decimal import Decimal

_IN_PERCENT = frozenset({"bill", "swap"})


def is_bond(kind: str) -> bool:
    """True for what accrues a coupon."""
    return kind.endswith("_bond")


def is_future(kind: str) -> bool:
    return kind == "future"


def price_divisor(kind: str) -> int:
    """100 where the price is a percentage of nominal."""
    return 100 if is_bond(kind) or kind in _IN_PERCENT else 1


def worth_of_one(kind: str, multiplier: Decimal | None) -> Decimal:
    """What one unit of quantity is worth for one unit of price."""
    return (multiplier or Decimal(1)) / price_divisor(kind)
