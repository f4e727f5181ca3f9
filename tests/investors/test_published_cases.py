"""Published worked examples of distributions and closed-end funds; each names its source."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bo_lib.investors.closed_end import clawback, european_waterfall, preferred_return
from bo_lib.investors.distributions import Holding, distribute, rate_per_unit

D = Decimal


def test_units_bought_within_the_period_get_their_income_back_as_capital() -> None:
    """HMRC manual CTM48430: A and B hold 500 each; C buys at three months for 500 of capital and 10 of accrued income."""
    rate = rate_per_unit(D(50) + D(10), D(1500), 6)
    a, b, c = distribute(rate, [Holding("A", D(500)), Holding("B", D(500)), Holding("C", D(500), equalisation=D(10))], "GBP")
    assert a.gross + b.gross + c.gross == D("60.00")
    assert (a.gross, b.gross, c.gross) == (D("20.00"),) * 3
    assert (a.income, c.income, c.return_of_capital) == (D("20.00"), D("10.00"), D("10.00"))


def test_a_distribution_reinvested_after_tax() -> None:
    (paid,) = distribute(
        D("1.25"), [Holding("A", D(1000), withholding_pct=D(15), reinvest=True)], "EUR", ex_nav=D("98.75"), unit_digits=3
    )
    assert (paid.gross, paid.withholding, paid.units) == (D("1250.00"), D("187.50"), D("10.759"))
    assert paid.units * D("98.75") + paid.cash == pytest.approx(D("1062.50"), abs=D("0.01"))


def test_nothing_is_reinvested_without_a_price() -> None:
    with pytest.raises(ValueError, match="no NAV without the distribution"):
        distribute(D(1), [Holding("A", D(10), reinvest=True)], "EUR")


@given(st.decimals(0, 10**6, places=2), st.decimals("0.001", 10**6, places=3))
def test_no_more_is_paid_than_there_is(income: Decimal, units: Decimal) -> None:
    rate = rate_per_unit(income, units, 4)
    assert 0 <= rate * units <= income


def test_the_waterfall_of_a_whole_fund() -> None:
    """Tentt, European waterfall: 50 million in, 125 million out after five years, 8% compounded, full catch-up, 20% carry."""
    preferred = preferred_return(D(50_000_000), D("0.08"), 5, "USD")
    w = european_waterfall(D(125_000_000), D(50_000_000), preferred, D("0.20"))
    assert (preferred, w.catch_up) == (D("23466403.84"), D("5866600.96"))
    assert (w.residual_lp, w.residual_gp) == (D("36533596.16"), D("9133399.04"))
    assert (w.lp_total, w.gp_total) == (D("110000000.00"), D("15000000.00"))


def test_carry_paid_too_early_comes_back_up_to_what_was_kept() -> None:
    assert clawback(D(15), D(50), D("0.20")) == 5
    assert clawback(D(15), D(-50), D("0.20"), tax_paid=D(6)) == 9
    assert clawback(D(10), D(50), D("0.20")) == 0


money = st.decimals(0, 10**8, places=2)


@given(money, money, money, st.sampled_from([D("0.5"), D(1)]))
def test_the_tiers_add_up_and_carry_is_never_more_than_agreed(
    out: Decimal, paid_in: Decimal, preferred: Decimal, catch_up: Decimal
) -> None:
    w = european_waterfall(out, paid_in, preferred, D("0.20"), catch_up)
    assert w.lp_total + w.gp_total == out
    assert w.gp_total <= max(D(0), out - paid_in) * D("0.20") + D("0.02")
    assert w.returned == min(out, paid_in)
