"""Closed-end funds: how distributions run down the waterfall, and what who joins late owes to who came first."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bo_lib.model.money import ZERO, round_money, round_to


@dataclass(frozen=True)
class Waterfall:
    """A whole-fund (European) distribution by tier; ``residual_lp`` and ``residual_gp`` are what the split after catch-up gives."""

    returned: Decimal
    preferred: Decimal
    catch_up: Decimal
    residual_lp: Decimal
    residual_gp: Decimal
    catch_up_lp: Decimal = ZERO  # what the investors get meanwhile when the catch-up is not full

    @property
    def lp_total(self) -> Decimal:
        return self.returned + self.preferred + self.residual_lp + self.catch_up_lp

    @property
    def gp_total(self) -> Decimal:
        return self.catch_up + self.residual_gp


def preferred_return(contributed: Decimal, rate: Decimal, years: int, currency: str) -> Decimal:
    """The preferred return on capital outstanding for whole ``years``, compounded yearly; ``rate`` is a fraction."""
    return round_money(contributed * ((1 + rate) ** years - 1), currency)


def european_waterfall(
    distributable: Decimal, contributed: Decimal, preferred: Decimal, carry: Decimal, catch_up_rate: Decimal = Decimal(1)
) -> Waterfall:
    """Return of capital, preferred return, catch-up of the general partner, then ``carry`` to it and the rest to the investors.

    ``catch_up_rate``: the fraction of each distribution the general partner takes until it has ``carry`` of all profit paid;
    1 is a full catch-up, ``carry`` or less none. Amounts to the cent; the tiers add up to ``distributable``.
    """
    returned = min(distributable, contributed)
    left = distributable - returned
    paid = min(left, preferred)
    left -= paid
    tier = min(left, paid * carry / (catch_up_rate - carry)) if catch_up_rate > carry else ZERO
    gp_part = round_to(tier * catch_up_rate, 2)
    lp_part = round_to(tier, 2) - gp_part
    left -= gp_part + lp_part
    to_gp = round_to(left * carry, 2)
    return Waterfall(returned, paid, gp_part, left - to_gp, to_gp, lp_part)


def clawback(carry_paid: Decimal, profit: Decimal, carry: Decimal, tax_paid: Decimal = ZERO) -> Decimal:
    """What the general partner owes back at the end: carry paid beyond its share of all profit, at most what it kept after tax."""
    over = carry_paid - max(ZERO, profit) * carry
    return max(ZERO, min(over, carry_paid - tax_paid))


def late_close_interest(contribution: Decimal, rate: Decimal, days: int, days_in_year: int, currency: str) -> Decimal:
    """Interest a partner of a later close pays on the capital it would have paid before; ``rate`` is a yearly fraction."""
    return round_money(contribution * rate * days / days_in_year, currency)
