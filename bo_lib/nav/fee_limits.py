"""What bounds a fund's expenses: waivers, recoupment of what an adviser bore under a cap, and expense budgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from bo_lib.model.money import ZERO, round_money


def waived(base: Decimal, waiver_bps_annual: Decimal, days: int, year: int, fee: Decimal, currency: str) -> Decimal:
    """A voluntary waiver in basis points a year; never more than the fee itself."""
    return min(fee, round_money(base * waiver_bps_annual / 10000 * days / year, currency))


@dataclass(frozen=True)
class Borne:
    """What an adviser waived or assumed on a day, and what of it the fund has paid back since."""

    day: date
    amount: Decimal
    repaid: Decimal = ZERO

    @property
    def open(self) -> Decimal:
        return self.amount - self.repaid


@dataclass(frozen=True)
class Recouped:
    """A day's recoupment: what the fund pays back, what lapsed unpaid, and the claims that stay."""

    paid: Decimal
    lapsed: Decimal
    claims: tuple[Borne, ...]


def recoup(claims: Sequence[Borne], room: Decimal, day: date, years: int) -> Recouped:
    """Pays claims back, the oldest first, out of ``room``: what today's expenses leave under the contract's cap.

    A claim lapses ``years`` after its day; negative room pays nothing.
    """
    lapsed = sum((c.open for c in claims if _anniversary(c.day, years) < day), ZERO)
    left, kept, paid = max(room, ZERO), [], ZERO
    for claim in sorted((c for c in claims if _anniversary(c.day, years) >= day), key=lambda c: c.day):
        part = min(claim.open, left)
        left, paid = left - part, paid + part
        kept.append(replace(claim, repaid=claim.repaid + part))
    return Recouped(paid, lapsed, tuple(c for c in kept if c.open))


def _anniversary(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, month=3, day=1)


@dataclass(frozen=True)
class Budget:
    """A yearly expense as budgeted: accrued evenly from ``start`` to ``end`` (both days included) until invoices replace it."""

    amount: Decimal
    start: date
    end: date

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1


def budget_accrual(budget: Budget, accrued: Decimal, day: date, currency: str, expected: Decimal | None = None) -> Decimal:
    """What to accrue today so that the days left carry what is left; negative when too much was accrued.

    ``accrued``: from the start of the budget to yesterday. ``expected``: the whole year as now expected, in place of the budget.
    Spread over the days left, so that rounding never leaves a cent at the end and a revision makes no step. Nothing outside
    the budget's days.
    """
    if not budget.start <= day <= budget.end:
        return ZERO
    whole = budget.amount if expected is None else expected
    return round_money((whole - accrued) / ((budget.end - day).days + 1), currency)
