"""Published worked examples; each names its source."""

from decimal import Decimal

from bo_lib.actions import (
    cash_in_lieu,
    exchange_with_boot,
    nil_paid_value,
    rights_basis,
    theoretical_ex_rights_price,
    withholding_reclaim,
)

D = Decimal


def test_rights_take_basis_by_market_value() -> None:
    """26 CFR 1.307-1: 100 shares at 100, 100 rights at 19 on shares at 110, subscription at 90."""
    basis = rights_basis(D(10000), D(100), D(110), D(100), D(19))
    assert (basis.shares, basis.rights, basis.must_allocate) == (D("8527.13"), D("1472.87"), True)
    per_right = rights_basis(D(10000), D(100), D(110), D(100), D(19), digits=6).rights / 100
    assert (round(per_right, 4), round(per_right + 90, 4)) == (D("14.7287"), D("104.7287"))


def test_rights_below_fifteen_percent_need_not_take_basis() -> None:
    """26 CFR 1.307-2."""
    assert not rights_basis(D(10000), D(100), D(100), D(100), D("14.99")).must_allocate
    assert rights_basis(D(10000), D(100), D(100), D(100), D(15)).must_allocate


def test_theoretical_ex_rights_price() -> None:
    """ActEd notes: 2 for 5 at 50, market 100."""
    assert round(theoretical_ex_rights_price(D(100), D(50), D(2), D(5)), 1) == D("85.7")
    assert round(nil_paid_value(D(100), D(50), D(2), D(5)), 1) == D("35.7")
    assert nil_paid_value(D(40), D(50), D(2), D(5)) == 0


def test_merger_for_stock_and_cash() -> None:
    """26 CFR 1.356-1: stock worth 100, cash 25, other property 50, basis 85, earnings attributable 30."""
    assert exchange_with_boot(D(100), D(75), D(85), D(30)) == (90, 75, 30, 45, 85)


def test_a_loss_in_a_merger_is_not_recognised() -> None:
    assert exchange_with_boot(D(50), D(10), D(85)) == (-25, 0, 0, 0, 75)


def test_cash_in_lieu_takes_the_basis_of_the_fraction_along() -> None:
    """A 1-for-5 spin-off on 227 shares at 28, 4.2% of basis, 8.18 for the fraction (a forum prints 2.34)."""
    basis = D(227) * 28 * D("0.042")
    result = cash_in_lieu(basis, D(227) / 5, D("8.18"))
    assert (basis, result.whole) == (D("266.952"), 45)
    assert (round(result.basis_of_fraction, 3), round(result.gain, 3)) == (D("2.352"), D("5.828"))


def test_withholding_beyond_the_treaty_is_reclaimed() -> None:
    """GlobeTax: gross 100, statutory 35%, treaty 15%."""
    assert withholding_reclaim(D(100), D(35), D(15)) == (65, 85, 20)
