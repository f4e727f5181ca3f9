"""What a fail costs: CSDR cash penalties, the TMPG fails charge, interest claims, and the day a short must be bought in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from pydantic import Field

from bo_lib.config import Strict
from bo_lib.model import dates
from bo_lib.model.money import ZERO, round_money


class PenaltyRate(Strict):
    instrument: str
    start: date = Field(alias="from")
    bps_per_day: Decimal
    source: str


class PenaltyRates(Strict):
    """parameters/rules/csdr_penalties.yaml"""

    penalties: tuple[PenaltyRate, ...]

    def rate_bps(self, instrument: str, day: date) -> Decimal:
        """Basis points per business day in force on ``day``. Raises ``LookupError`` with what is known."""
        fitting = [p for p in self.penalties if p.instrument == instrument and p.start <= day]
        if not fitting:
            known = ", ".join(sorted({p.instrument for p in self.penalties}))
            raise LookupError(f"no penalty rate for {instrument!r} on {day}; known: {known}")
        return max(fitting, key=lambda p: p.start).bps_per_day


def csdr_penalty(
    quantity: Decimal, reference_prices: Sequence[Decimal], rate_bps: Decimal, currency: str, *, pct_of_par: bool = False
) -> Decimal:
    """Penalty of a failing delivery (Delegated Regulation 2017/389): rate x quantity x the day's reference price, per business day.

    reference_prices: one per business day of the fail, per share or (``pct_of_par``) in percent of the nominal. Each day is
    rounded, as the CSD charges by the day.
    """
    scale = Decimal(10000) * (100 if pct_of_par else 1)
    return sum((round_money(quantity * price * rate_bps / scale, currency) for price in reference_prices), ZERO)


def csdr_cash_penalty(amount: Decimal, overnight_rates_pct: Sequence[Decimal], currency: str, days_in_year: int = 360) -> Decimal:
    """Penalty for lack of cash: the central bank's overnight rate of each day, never below zero, on the amount not paid."""
    return sum((round_money(amount * max(rate, ZERO) / 100 / days_in_year, currency) for rate in overnight_rates_pct), ZERO)


def tmpg_charge(proceeds: Decimal, calendar_days: int, reference_rate_pct: Decimal, floor_pct: Decimal = Decimal(1)) -> Decimal:
    """Fails charge for US Treasuries in USD: n/360 x max(3% - R, floor) x proceeds; the floor was 0 and is 1 since the update."""
    rate_pct = max(3 - reference_rate_pct, floor_pct)
    return round_money(proceeds * calendar_days * rate_pct / 36000, "USD")


def interest_claim(
    amount: Decimal, rate_pct: Decimal, calendar_days: int, currency: str, days_in_year: int = 360, minimum: Decimal = Decimal(500)
) -> Decimal:
    """Compensation for late money; claims below ``minimum`` are not made and give zero."""
    claim = round_money(amount * rate_pct * calendar_days / (100 * days_in_year), currency)
    return claim if claim >= minimum else ZERO


def close_out_date(settlement_date: date, side: str, calendar: str = "US") -> date:
    """Regulation SHO, rule 204: a failing short sale is closed out at the opening of the next settlement day, a long sale's
    fail of the third one after the settlement date."""
    return dates.add_business_days(settlement_date, 1 if side == "SHORT" else 3, calendar)
