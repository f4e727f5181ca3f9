"""Financial highlights of a class (ASC 946-205-50): per unit, total return and ratios."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bo_lib.close.tables import HIGHLIGHTS
from bo_lib.model.money import ZERO, round_to
from bo_lib.model.tables import built

PER_UNIT_DECIMALS, PCT_DECIMALS = 6, 6


@dataclass(frozen=True)
class Distribution:
    """Per unit in the class currency; reinvested at the NAV per unit after it (None: at the end of the period)."""

    per_unit: Decimal
    reinvested_at: Decimal | None = None


@dataclass(frozen=True)
class ClassPeriod:
    """What happened to a class. NAV per unit in its currency, the rest in base; ``per_base``: class currency for one of base.

    ``net_investment_income`` and ``expenses`` are before the incentive fee.
    """

    share_class: str
    currency: str
    opening_nav: Decimal
    closing_nav: Decimal
    average_units: Decimal
    average_net_assets: Decimal
    net_investment_income: Decimal
    expenses: Decimal
    incentive: Decimal = ZERO
    distributions: tuple[Distribution, ...] = ()
    per_base: Decimal = Decimal(1)
    net_assets: Decimal = ZERO
    units: Decimal = ZERO


def total_return_pct(opening: Decimal, closing: Decimal, distributions: Sequence[Distribution] = ()) -> Decimal:
    """(Change in NAV + distributions) / opening NAV; a distribution with its own date grows with the units it bought."""
    grown = closing
    for d in reversed([d for d in distributions if d.reinvested_at]):
        assert d.reinvested_at
        grown *= 1 + d.per_unit / d.reinvested_at
    paid = sum((d.per_unit for d in distributions if not d.reinvested_at), ZERO)
    return (grown + paid - opening) * 100 / opening


def financial_highlights(classes: Iterable[ClassPeriod], days: int, days_in_year: int) -> pa.Table:
    """Table HIGHLIGHTS of a period of ``days``.

    Net investment income stands on average units; gains are what is left of the change of the NAV per unit. Ratios are on average
    net assets; periods other than a year are annualised, but never the incentive fee nor the return.
    """
    return built(HIGHLIGHTS, (_row(c, Decimal(days_in_year) / days if days else Decimal(1)) for c in classes))


def _row(c: ClassPeriod, yearly: Decimal) -> dict[str, Any]:
    paid = sum((d.per_unit for d in c.distributions), ZERO)
    income = _per_unit((c.net_investment_income - c.incentive) * c.per_base, c.average_units)
    operations = c.closing_nav - c.opening_nav + paid
    returned = total_return_pct(c.opening_nav, c.closing_nav, c.distributions) if c.opening_nav else None
    incentive = _per_unit(c.incentive * c.per_base, c.average_units)
    before = returned + incentive * 100 / c.opening_nav if returned is not None and incentive else returned
    return {
        "share_class": c.share_class, "currency": c.currency, "opening_nav": c.opening_nav, "net_investment_income": income,
        "gains": operations - income, "from_operations": operations, "distributions": paid, "closing_nav": c.closing_nav,
        "total_return_pct": _pct(returned), "return_before_incentive_pct": _pct(before),
        "expenses_pct": _ratio(c.expenses * yearly, c), "incentive_pct": _ratio(c.incentive, c),
        "net_investment_income_pct": _ratio(c.net_investment_income * yearly, c), "net_assets": c.net_assets, "units": c.units,
    }  # fmt: skip


def _per_unit(amount: Decimal, units: Decimal) -> Decimal:
    return round_to(amount / units, PER_UNIT_DECIMALS) if units else ZERO


def _pct(value: Decimal | None) -> Decimal | None:
    return None if value is None else round_to(value, PCT_DECIMALS)


def _ratio(amount: Decimal, c: ClassPeriod) -> Decimal | None:
    return _pct(amount * 100 / c.average_net_assets) if c.average_net_assets else None


def turnover_pct(purchases: Decimal, sales: Decimal, average_value: Decimal) -> Decimal | None:
    """The lesser of purchases and sales to the average value of the portfolio, in percent; not annualised."""
    return _pct(min(abs(purchases), abs(sales)) * 100 / average_value) if average_value else None


def shared(amount: Decimal, weights: dict[str, Decimal]) -> dict[str, Decimal]:
    """``amount`` to the cent by weight; what rounding leaves goes to the largest."""
    total = sum(weights.values(), ZERO)
    if not total:
        return dict.fromkeys(weights, ZERO)
    parts = {name: round_to(amount * weight / total, 2) for name, weight in weights.items()}
    parts[max(weights, key=lambda name: (weights[name], name))] += amount - sum(parts.values(), ZERO)
    return parts
