"""What fails cost, by the published figures."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from bo_lib.config import load
from bo_lib.settlement import PenaltyRates, csdr_penalty, tmpg_charge
from bo_lib.settlement.penalties import close_out_date, csdr_cash_penalty, interest_claim

RATES = load(Path(__file__).parents[2] / "parameters/rules/csdr_penalties.yaml", PenaltyRates)
DAY = date(2026, 6, 1)


def test_csdr_penalties_of_a_share_and_of_a_government_bond() -> None:
    """Delegated Regulation (EU) 2017/389, Annex: 50.00 a day for three days; 9.95 a day."""
    share, bond = RATES.rate_bps("liquid_share", DAY), RATES.rate_bps("sovereign_debt", DAY)
    assert csdr_penalty(Decimal(10000), [Decimal("50.00")], share, "EUR") == Decimal("50.00")
    assert csdr_penalty(Decimal(10000), [Decimal("50.00")] * 3, share, "EUR") == Decimal("150.00")
    assert csdr_penalty(Decimal(1000000), [Decimal("99.50")], bond, "EUR", pct_of_par=True) == Decimal("9.95")


def test_rates_are_dated_and_named() -> None:
    with pytest.raises(LookupError, match="no penalty rate for 'liquid_share' on 2021-01-01"):
        RATES.rate_bps("liquid_share", date(2021, 1, 1))
    with pytest.raises(LookupError, match="known: illiquid_share, liquid_share, other"):
        RATES.rate_bps("bitcoin", DAY)


def test_lack_of_cash_costs_the_overnight_rate_and_never_pays() -> None:
    assert csdr_cash_penalty(Decimal(3600000), [Decimal(2), Decimal("-0.5")], "EUR") == Decimal("200.00")


@pytest.mark.parametrize(("floor", "expected"), [("0", ["12500.00", "8333.33", "0.00"]), ("1", ["12500.00", "8333.33", "4166.67"])])
def test_the_tmpg_fails_charge_before_and_after_the_update(floor: str, expected: list[str]) -> None:
    charges = [tmpg_charge(Decimal(50000000), 3, Decimal(rate), Decimal(floor)) for rate in ("0", "1", "3.5")]
    assert charges == [Decimal(amount) for amount in expected]


def test_interest_claims_start_at_the_minimum() -> None:
    assert interest_claim(Decimal(1000000), Decimal(4), 9, "USD") == Decimal("1000.00")
    assert interest_claim(Decimal(1000000), Decimal(4), 4, "USD") == 0


def test_shorts_are_closed_out_sooner_than_longs() -> None:
    assert (close_out_date(date(2026, 10, 9), "SHORT"), close_out_date(date(2026, 10, 9), "SELL")) == (
        date(2026, 10, 13),
        date(2026, 10, 15),
    )
