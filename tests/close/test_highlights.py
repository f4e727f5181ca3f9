"""Financial highlights as published: what funds filed, from the figures beside them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bo_lib.close import ClassPeriod, Distribution, financial_highlights, total_return_pct, turnover_pct
from bo_lib.model.money import round_to

D = Decimal
# Per unit data of the year 2021 of a futures fund: SEC filing 0001387131-22-004438, note on financial highlights.
# class, beginning, net realised and unrealised, net investment income, end, total return in percent
FILED_2021 = (
    ("A", "3818.95", "456.98", "-229.61", "4046.32", "5.95"),
    ("A2", "1000.45", "118.17", "-43.77", "1074.85", "7.44"),
    ("A3", "971.15", "113.08", "-42.42", "1041.81", "7.28"),
    ("B", "6088.92", "735.11", "-256.33", "6567.70", "7.86"),
    ("I", "1023.49", "124.22", "-33.30", "1114.41", "8.88"),
    ("R", "1014.58", "122.57", "-40.62", "1096.53", "8.08"),
)


def of(begin: str, end: str, income: str, *distributions: Distribution, **more: object) -> dict[str, Decimal]:
    """One class on 1,000 average units."""
    given = ClassPeriod("A", "USD", D(begin), D(end), D(1000), D(1000) * D(begin), D(income) * 1000, D(0), D(0), distributions)
    return financial_highlights([ClassPeriod(**{**vars(given), **more})], 365, 365).to_pylist()[0]


@pytest.mark.parametrize(("name", "begin", "gains", "income", "end", "returned"), FILED_2021)
def test_highlights_of_a_filing(name: str, begin: str, gains: str, income: str, end: str, returned: str) -> None:
    row = of(begin, end, income)
    assert (row["gains"], row["net_investment_income"]) == (D(gains), D(income))
    assert round_to(row["total_return_pct"], 2) == D(returned)


def test_a_year_with_distributions_in_a_filing() -> None:
    """Nine months to 30 September 2023 of a business development company (SEC 0001558370-23-018420, note 10)."""
    row = of("14.30", "13.87", "1.38", Distribution(D("1.16")))
    assert (row["gains"], row["from_operations"]) == (D("-0.65"), D("0.73"))


def test_an_index_with_dividends_as_the_rule_computes_it() -> None:
    """17 CFR 275.205-1: (change + dividends) / start, not chain-linked; the Standard & Poor's index of 1971."""
    assert round_to(total_return_pct(D("92.15"), D("102.09"), [Distribution(D("3.21"))]), 2) == D("14.27")


def test_a_quarter_of_a_trust_annualises_ratios_and_not_the_return() -> None:
    """Three months to 30 June 2021 of a crypto trust (SEC 0001193125-21-246214): expenses 2.15 %, return -31.64 %."""
    spent = D("842533828") * D("0.0215") * 91 / 365
    row = of("50.68", "34.64", "0", average_net_assets=D(842533828), expenses=spent, net_investment_income=-spent)
    quarter = ClassPeriod("T", "USD", D("50.68"), D("34.64"), D(20034280), D(842533828), -spent, spent)
    made = financial_highlights([quarter], 91, 365).to_pylist()[0]
    assert round_to(made["expenses_pct"], 2) == D("2.15") == -round_to(made["net_investment_income_pct"], 2)
    assert abs(made["total_return_pct"] - D("-31.64")) < D("0.02") and row["total_return_pct"] == made["total_return_pct"]


def test_a_distribution_is_reinvested_at_the_nav_after_it() -> None:
    # 100 grows to 110, pays 10, stands at 100, grows to 105: an investor has 1.1 units of 105
    assert total_return_pct(D(100), D(105), [Distribution(D(10), D(100))]) == D("15.5")


def test_the_incentive_fee_lowers_the_return_and_is_never_annualised() -> None:
    made = ClassPeriod("S", "USD", D(100), D(104), D(1000), D(100000), D(-100), D(100), D(1000), (), D(1))
    row = financial_highlights([made], 73, 365).to_pylist()[0]
    assert (row["total_return_pct"], row["return_before_incentive_pct"]) == (D(4), D(5))
    assert (row["incentive_pct"], row["expenses_pct"]) == (D(1), D("0.5"))
    assert row["net_investment_income"] == D("-1.1") and row["gains"] == D("5.1")


def test_turnover_is_the_lesser_of_purchases_and_sales() -> None:
    assert turnover_pct(D(30), D(-20), D(80)) == D(25)
    assert turnover_pct(D(30), D(20), D(0)) is None
