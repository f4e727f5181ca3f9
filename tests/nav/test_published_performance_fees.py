"""Published worked examples of performance fees, equalisation and expense limits; each names its source."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bo_lib.model.dates import business_days
from bo_lib.model.money import round_to
from bo_lib.nav.equalisation import EqualisedClass
from bo_lib.nav.fee_limits import Borne, Budget, borne, budget_accrual, recoup
from bo_lib.nav.fees import accrued, performance_fee_due, tiered
from bo_lib.nav.partnership import Partnership
from bo_lib.nav.performance import (
    index_hurdle_level,
    period_ends,
    reference_period,
)
from bo_lib.nav.swing import swing_factor
from tests.nav.series_model import SeriesFund

D = Decimal
FIFTH = D("0.20")


def test_a_shortfall_counts_for_five_years_and_the_oldest_lapses_first() -> None:
    """ESMA34-39-992 guidelines and Q&A 670: nineteen years against the benchmark, in percentage points."""
    years = reference_period([D(r) for r in "5 0 -5 3 2 5 5 -10 2 2 2 0 2 -6 2 2 -4 0 5".split()])
    assert [y.carried_pct for y in years] == [D(c) for c in "0 0 -5 -2 0 0 0 -10 -8 -6 -4 0 0 -6 -4 -2 -6 -4 0".split()]
    assert [y.year for y in years if y.fee_payable] == [1, 6, 7, 13, 19]
    assert years[18].excess_pct == 1  # five, less the four of year 17; what was left of year 14 has lapsed


@given(st.lists(st.decimals(-30, 30, places=2), max_size=30))
def test_a_longer_reference_period_never_charges_more(returns: list[Decimal]) -> None:
    five, whole_life = reference_period(returns, 5), reference_period(returns, 10**6)
    assert all(long.excess_pct <= short.excess_pct for short, long in zip(five, whole_life, strict=True))
    assert all(max(y.net_return_pct, D(0)) >= y.excess_pct >= 0 >= y.carried_pct for y in five)


def test_a_credit_falls_with_the_value_and_recovers() -> None:
    bought = EqualisedClass(FIFTH, D(110), D(100)).subscribed("A", D(11000))
    credits = [
        round_to(moved.credit(moved.lots[0]), 2) for moved in (bought, _at(bought, "104"), _at(bought, "95"), _at(bought, "130"))
    ]
    assert credits == [D("200.00"), D("80.00"), D("0.00"), D("200.00")]
    assert [round_to(_at(bought, gav).value("A"), 2) for gav in ("110", "95", "130")] == [D(11000), D(9500), D(12600)]


def _at(c: EqualisedClass, gav: str) -> EqualisedClass:
    return c.grown(D(gav) / c.gav)


def test_series_at_their_marks_roll_up_into_the_oldest() -> None:
    fund = SeriesFund(FIFTH).subscribed("A", D(1000), "S-1").grown(D("1.5")).subscribed("B", D(1400), "S-2").grown(D("1.2"))
    after, (exchange,) = fund.crystallised()
    assert [s.id for s in after.series] == ["S-1"] and after.series[0].gav == 164  # 180 less a fifth of 80
    assert (exchange.units_given, round_to(exchange.units_taken, 4)) == (D(14), round_to(14 * D(116) / D(164), 4))
    assert (round_to(after.value("A"), 2), round_to(after.value("B"), 2)) == (D("1640.00"), D("1624.00"))


def test_a_series_below_its_mark_keeps_its_loss_and_does_not_roll_up() -> None:
    fund = SeriesFund(FIFTH).subscribed("A", D(1000), "S-1").grown(D("0.9")).subscribed("B", D(1000), "S-2").grown(D("1.05"))
    after, exchanges = fund.crystallised()
    assert {s.id: s.mark for s in after.series} == {"S-1": D(100), "S-2": D(104)} and not exchanges


def test_a_loss_shelters_only_the_capital_that_bore_it() -> None:
    late = Partnership(FIFTH).contributed("A", D(1000), "1").allocated(D(-200)).contributed("B", D(800), "1").allocated(D(400))
    assert [a.loss_carried for a in late.accounts] == [0, 0]
    end = late.crystallised()
    assert (end.value("A"), end.value("B"), end.general_partner) == (D(1000), D(960), D(40))
    assert end.capital == 1000 - 200 + 800 + 400


def test_who_joins_after_a_side_pocket_has_no_part_in_it() -> None:
    early = Partnership(FIFTH).contributed("A", D(1000), "1").set_aside("Mine", D(300)).contributed("B", D(700), "1")
    assert (early.value("A"), early.value("B")) == (D(700), D(700))
    sold = early.realised("Mine", D(500))
    assert (sold.value("A"), sold.value("B"), sold.incentive_accrued) == (D(1160), D(700), D(40))  # a fifth of the gain of 200
    assert sold.pockets == () and sold.capital == 1900


def test_a_partner_who_left_still_has_its_side_pocket() -> None:
    left, paid = Partnership(FIFTH).contributed("A", D(1000), "1").set_aside("Mine", D(300)).withdrawn("A", D(1))
    assert (paid, left.value("A"), left.realised("Mine", D(200)).value("A")) == (D(700), D(0), D(200))


def test_an_index_that_fell_does_not_lower_the_mark() -> None:
    level = index_hurdle_level(D(100), D(4000), D(3600))
    assert level == 90 and performance_fee_due(D(98), D(1), D(100), D(20), D(1), "EUR", level, "hard") == 0
    risen = index_hurdle_level(D(100), D(4000), D(4200))
    assert performance_fee_due(D(110), D(1), D(100), D(20), D(1), "EUR", risen, "hard") == 1


@pytest.mark.parametrize(
    ("frequency", "day", "ends"),
    [
        ("yearly", date(2026, 12, 31), True),
        ("yearly", date(2028, 12, 29), True),  # the last business day; the year ends on a Sunday
        ("yearly", date(2028, 12, 28), False),
        ("yearly", date(2026, 6, 30), False),
        ("half_yearly", date(2026, 6, 30), True),
        ("quarterly", date(2026, 9, 30), True),
        ("quarterly", date(2026, 8, 31), False),
        ("monthly", date(2026, 5, 29), True),
        ("monthly", date(2028, 2, 29), True),
    ],
)
def test_a_crystallisation_period_ends_with_the_last_strike_of_its_month(frequency: str, day: date, ends: bool) -> None:
    assert period_ends(day, "TARGET", frequency) is ends


def test_tiers_cumulate() -> None:
    """1% of the first 100 million, 0.75% of the next 100, 0.5% above: 250 million cost 2,000,000 a year, not 1,250,000."""
    tiers = [(D(0), D(100)), (D(100_000_000), D(75)), (D(200_000_000), D(50))]
    assert tiered(D(250_000_000), tiers) == 2_000_000
    assert tiered(D(50_000_000), tiers) == 500_000
    assert accrued(tiered(D(250_000_000), tiers), [(1, 365)], "USD") == D("5479.45")
    assert tiered(D(0), tiers) == 0


@given(st.decimals(0, 10**9, places=2), st.decimals(0, 10**9, places=2))
def test_more_assets_never_cost_less(a: Decimal, b: Decimal) -> None:
    tiers = [(D(0), D(100)), (D(10**8), D(10)), (D(3 * 10**8), D(1))]
    low, high = sorted((a, b))
    assert tiered(low, tiers) <= tiered(high, tiers)


def test_claims_are_recouped_oldest_first_and_lapse_after_three_years() -> None:
    claims = [Borne(date(2026, 3, 1), D(100)), Borne(date(2023, 1, 2), D(40)), Borne(date(2025, 1, 2), D(50))]
    day = recoup(claims, D(70), date(2026, 6, 1), 3)
    assert (day.paid, day.lapsed) == (D(70), D(40))
    assert [(c.day.year, c.open) for c in day.claims] == [(2026, D(80))]
    assert recoup(claims, D(-5), date(2026, 6, 1), 3).paid == 0


def test_what_is_borne_is_kept_by_month() -> None:
    kept = borne(borne((), D(10), date(2026, 6, 1)), D(5), date(2026, 6, 30))
    assert kept == (Borne(date(2026, 6, 1), D(15)),)
    assert [c.day.month for c in borne(kept, D(1), date(2026, 7, 1))] == [6, 7]


@pytest.mark.parametrize("year", [2027, 2028])
def test_a_budget_is_used_up_to_the_cent_in_every_year(year: int) -> None:
    budget = Budget(D("54000.01"), date(year, 1, 1), date(year, 12, 31))
    spent = D(0)
    days = business_days(date(year - 1, 12, 31), date(year + 1, 1, 2), "TARGET")  # weekends and holidays in one accrual
    for before, day in pairwise(days):
        today = budget_accrual(budget, spent, before, day, "USD")
        assert today <= 150 * (day - before).days
        spent += today
    assert spent == budget.amount


def test_a_budget_revised_in_the_year_spreads_the_difference_over_the_days_left() -> None:
    budget, june = Budget(D(36500), date(2026, 1, 1), date(2026, 12, 31)), date(2026, 6, 30)
    assert budget_accrual(budget, D(18100), june, date(2026, 7, 1), "USD") == D("100.00")
    assert budget_accrual(budget, D(18100), june, date(2026, 7, 1), "USD", expected=D(27300)) == D("50.00")
    assert budget_accrual(budget, D(36500), date(2026, 12, 31), date(2027, 1, 1), "USD") == 0


def test_the_swing_factor_is_half_the_spread_and_capped() -> None:
    assert swing_factor(D("99.70"), D(100)) == D("0.003")
    assert swing_factor(D(95), D(100), cap=D("0.02")) == D("0.02")
    assert swing_factor(D(0), D(0)) == 0
