"""What a fund and its classes are charged at a strike by their terms: fees, expenses, waivers, caps and recoupment.

Performance fees follow later in the strike, on gross asset value: see ``incentive``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from bo_lib.config import Expense, ShareClass, Terms, Tier
from bo_lib.model.money import ZERO, round_money
from bo_lib.nav.fee_limits import Borne, Budget, borne, budget_accrual, recoup
from bo_lib.nav.fees import accrued, bps, cap_expense, periods, tiered

MANAGEMENT_FEE, RELIEF, RECOUPED = "management_fee", "fee_waiver", "fee_recoupment"


class Charge(NamedTuple):
    """An accrual to book; a waiver is negative."""

    name: str
    share_class: str
    amount: Decimal


class Charges(NamedTuple):
    booked: tuple[Charge, ...]
    claims: Mapping[str, tuple[Borne, ...]]  # by class: what the adviser may still recoup

    def of(self, share_class: str, *names: str) -> Decimal:
        """The sum for a class (``""``: the fund), of all names or those given."""
        return sum((c.amount for c in self.booked if c.share_class == share_class and (not names or c.name in names)), ZERO)


@dataclass(frozen=True)
class Charging:
    """What charges depend on, amounts in base currency.

    ``openings``: net assets of each class with its capital. ``spent``: booked of each budgeted expense since its budget began.
    """

    terms: Terms
    after: date
    until: date
    currency: str
    openings: Mapping[str, Decimal]
    commitments: Decimal
    claims: Mapping[str, tuple[Borne, ...]]
    spent: Mapping[str, Decimal]

    def charges(self) -> Charges:
        """Every charge of the days after ``after`` up to ``until`` but the performance fee; the same whenever it is asked again."""
        fund = [Charge(e.name, "", self._expense(e)) for e in self.terms.expenses if not e.share_class]
        shared, whole = sum((c.amount for c in fund), ZERO), sum(self.openings.values(), ZERO)
        booked, claims = list(fund), {}
        for c in (c for c in self.terms.classes if c.id in self.openings):
            part = round_money(shared * self.openings[c.id] / whole, self.currency) if whole else ZERO
            own, claims[c.id] = self._of_class(c, part)
            booked += own
        return Charges(tuple(c for c in booked if c.amount), claims)

    def _of_class(self, c: ShareClass, shared: Decimal) -> tuple[list[Charge], tuple[Borne, ...]]:
        """``shared``: the class's part of the fund's expenses, which a cap covers too."""
        opening, claims = self.openings[c.id], self.claims.get(c.id, ())
        base = self.commitments if self.terms.fee_base == "commitments" else opening
        fee = self._for_days(_by_tiers(base, c.management_fee_tiers) or bps(base, c.management_fee_bps_annual))
        expenses = [Charge(e.name, c.id, self._expense(e)) for e in self.terms.expenses if e.share_class == c.id]
        relief = min(max(fee, ZERO), self._for_days(bps(base, c.waiver_bps_annual)))
        back = ZERO
        if cap := c.expense_cap:
            limit = self._for_days(bps(opening, cap.bps_annual))
            contract = None if cap.contract_bps_annual is None else self._for_days(bps(opening, cap.contract_bps_annual))
            capped = cap_expense(limit, fee - relief, shared + sum((x.amount for x in expenses), ZERO), contract)
            relief += capped.excess
            paid = recoup(claims, min(limit, contract or ZERO) - capped.gross, self.until, cap.recoup_years)
            back, claims = paid.paid, borne(paid.claims, capped.recoupable, self.until)
        return [Charge(MANAGEMENT_FEE, c.id, fee), *expenses, Charge(RELIEF, c.id, -relief), Charge(RECOUPED, c.id, back)], claims

    def _expense(self, e: Expense) -> Decimal:
        if e.budget_from and e.budget_to:
            budget = Budget(e.amount_annual, e.budget_from, e.budget_to)
            spent = self.spent.get(e.name, ZERO)
            return budget_accrual(budget, spent, self.after, self.until, self.currency, e.expected_annual)
        base = self.openings.get(e.share_class, ZERO) if e.share_class else sum(self.openings.values(), ZERO)
        return self._for_days(max(e.amount_annual + _by_tiers(base, e.tiers), e.minimum_annual))

    def _for_days(self, amount_annual: Decimal) -> Decimal:
        return accrued(amount_annual, periods(self.terms.days_in_year, self.after, self.until), self.currency)


def _by_tiers(base: Decimal, tiers: Sequence[Tier]) -> Decimal:
    return tiered(base, [(t.above, t.bps_annual) for t in tiers]) if tiers else ZERO
