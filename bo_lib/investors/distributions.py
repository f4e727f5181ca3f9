"""Distributions: the rate per unit, each holder's payment, withholding, reinvestment, and equalisation of income.

Units bought within the period (group 2) paid for income already accrued in their price. That part comes back as capital,
so that every unit gets the same amount and only what it earned is income.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from bo_lib.model.money import ZERO, Rounding, round_money, round_to


@dataclass(frozen=True)
class Holding:
    """Units of one investor on the record date; ``equalisation`` is the income their price contained, in the class currency."""

    investor: str
    units: Decimal
    equalisation: Decimal = ZERO
    withholding_pct: Decimal = ZERO
    reinvest: bool = False


@dataclass(frozen=True)
class Payment:
    """What one holder gets: ``gross`` = ``income`` + ``return_of_capital``; withholding is on income alone."""

    investor: str
    gross: Decimal
    income: Decimal
    return_of_capital: Decimal
    withholding: Decimal
    cash: Decimal
    units: Decimal


def rate_per_unit(distributable: Decimal, units: Decimal, digits: int) -> Decimal:
    """Distributable income (equalisation received in it) by unit, rounded down: what rounding leaves is carried forward.

    0 when there are no units or nothing to distribute.
    """
    if units <= 0 or distributable <= 0:
        return ZERO
    return round_to(distributable / units, digits, Rounding.DOWN)


def distribute(
    rate: Decimal, holdings: Iterable[Holding], currency: str, *, ex_nav: Decimal | None = None, unit_digits: int = 4
) -> tuple[Payment, ...]:
    """Each holder's payment at ``rate`` per unit; who reinvests gets units at ``ex_nav``, rounded down, the remainder in cash.

    Raises ``ValueError`` when somebody reinvests and there is no ``ex_nav``.
    """
    return tuple(_payment(rate, h, currency, ex_nav, unit_digits) for h in holdings)


def _payment(rate: Decimal, h: Holding, currency: str, ex_nav: Decimal | None, unit_digits: int) -> Payment:
    gross = round_money(h.units * rate, currency)
    capital = min(gross, round_money(h.equalisation, currency))
    tax = round_money((gross - capital) * h.withholding_pct / 100, currency)
    net = gross - tax
    if not h.reinvest:
        return Payment(h.investor, gross, gross - capital, capital, tax, net, ZERO)
    if not ex_nav:
        raise ValueError(f"{h.investor} reinvests, and there is no NAV without the distribution to reinvest at")
    units = round_to(net / ex_nav, unit_digits, Rounding.DOWN)
    return Payment(h.investor, gross, gross - capital, capital, tax, net - round_money(units * ex_nav, currency), units)
