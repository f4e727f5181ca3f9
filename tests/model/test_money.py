import decimal
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bo_lib.model.money import CURRENCIES, Rates, Rounding, decimal_from, minor_unit_digits, round_money, round_to

amounts = st.decimals(-(10**15), 10**15, places=6, allow_nan=False)


def test_a_float_is_refused_and_says_why() -> None:
    with pytest.raises(ValueError, match="is a float; money is decimal"):
        decimal_from(0.1)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "NaN", "Infinity", "12,5", "1 000", "abc"])
def test_what_is_not_a_finite_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        decimal_from(text)


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("10.005", "EUR", "10.01"),
        ("-10.005", "EUR", "-10.01"),
        ("10.5", "JPY", "11"),
        ("1.23456", "KWD", "1.235"),
        ("-0.004", "USD", "0.00"),
    ],
)
def test_money_rounds_half_away_from_zero_to_the_minor_unit(amount: str, currency: str, rounded: str) -> None:
    assert str(round_money(Decimal(amount), currency)) == rounded


def test_units_are_rounded_toward_zero_by_name() -> None:
    assert round_to(Decimal("12.34567"), 3, Rounding.DOWN) == Decimal("12.345")


@given(amounts, st.sampled_from(sorted(CURRENCIES)))
def test_rounding_moves_by_at_most_half_a_minor_unit(amount: Decimal, currency: str) -> None:
    assert abs(round_money(amount, currency) - amount) <= Decimal("0.5").scaleb(-minor_unit_digits(currency))


def test_the_context_is_as_wide_as_the_widest_column() -> None:
    assert decimal.getcontext().prec == 38


RATES = Rates({"USD": Decimal("1.1394"), "GBP": Decimal("0.8571"), "JPY": Decimal("163.21")})


def test_ecb_quotes_are_units_for_one_euro_and_cross_through_it() -> None:
    assert RATES.convert(Decimal("113.94"), "USD", "EUR") == Decimal("100.00")
    assert RATES.convert(Decimal(100), "EUR", "JPY") == Decimal(16321)
    assert RATES.convert(Decimal("1139.40"), "USD", "GBP") == Decimal("857.10")


@given(amounts)
def test_converting_into_the_same_currency_only_rounds(amount: Decimal) -> None:
    assert RATES.convert(amount, "USD", "USD") == round_money(amount, "USD")


def test_an_unknown_currency_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        RATES.convert(Decimal(1), "XXX", "EUR")
