"""What bounds a fund's expenses: recoupment of what an adviser bore under a cap, and expense budgets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from bo_lib.model.money import ZERO, round_money


@dataclass(frozen=True)
class Borne:
    """What an adviser bore since ``day``, and what of it the fund has paid back since."""

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


def borne(claims: Iterable[Borne], amount: Decimal, day: date) -> tuple[Borne, ...]:
    """The claims with ``amount`` more, kept by month: what is borne in a month lapses with its first day."""
    month = day.replace(day=1)
    this = next((c for c in claims if c.day == month), Borne(month, ZERO))
    rest = tuple(c for c in claims if c.day != month)
    return (*rest, replace(this, amount=this.amount + amount)) if amount else (*rest, this) if this.open else rest


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


def budget_accrual(
    budget: Budget, accrued: Decimal, after: date, day: date, currency: str, expected: Decimal | None = None
) -> Decimal:
    """What to accrue after ``after`` up to ``day``, so that the days left carry what is left; negative when too much was.

    ``accrued``: from the start of the budget to ``after``. ``expected``: the whole as now expected, in place of the budget.
    Spread over the days left, so that rounding never leaves a cent at the end and a revision makes no step. Nothing for days
    outside the budget.
    """
    first, last = max(after.toordinal() + 1, budget.start.toordinal()), min(day, budget.end).toordinal()
    if last < first:
        return ZERO
    left = budget.end.toordinal() - first + 1
    return round_money(((budget.amount if expected is None else expected) - accrued) * (last - first + 1) / left, currency)
