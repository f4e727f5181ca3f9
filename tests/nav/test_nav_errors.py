"""NAV errors: how large, who gained, who is owed what."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bo_lib.config import NavErrorRule, NavErrorRules, load
from bo_lib.model.events import Accrual
from bo_lib.model.money import ZERO, Rates
from bo_lib.nav.errors import RESPONSIBLE, THE_FUND, ClassDay, Deal, NavError, fees_off, judge

D = Decimal
MONDAY = date(2026, 6, 1)
RULES = load(Path(__file__).parents[2] / "parameters" / "rules" / "nav_errors.yaml", NavErrorRules)


def rule(domicile: str = "LU", kind: str = "ucits") -> NavErrorRule:
    found = RULES.of(domicile, kind, MONDAY)
    assert found
    return found


def day(n: int, published: str, again: str, units: str = "1000", decimals: int = 4) -> ClassDay:
    return ClassDay(MONDAY + timedelta(days=n), "A", "EUR", D(published), D(again), D(units), decimals)


def deal(n: int, investor: str, action: str, units: str, amount: str) -> Deal:
    return Deal(MONDAY + timedelta(days=n), f"O-{investor}", investor, "A", action, D(units), D(amount), "EUR")


def owed(error: NavError) -> dict[str, Decimal]:
    return {r["payee"]: r["amount"] for r in error.compensation.to_pylist()}


def test_who_sold_at_an_overstated_nav_gained_what_the_fund_lost() -> None:
    """Published 110, right 100. 100 units left for 11,000: 1,000 too much. What stays is worth 89,000 for 900 units the day after;
    with what the fund is owed 100 a unit again."""
    sold = [deal(0, "Ada", "REDEEM", "100", "11000")]
    error = judge([day(0, "110", "100"), day(1, "98.8889", "98.888888888889", units="900")], sold, rule(), "valuation", Rates({}))
    assert owed(error) == {THE_FUND: D(1000)}
    assert error.compensation.to_pylist()[0]["payer"] == RESPONSIBLE
    (ada,) = error.deals.to_pylist()
    assert (ada["right_amount"], ada["investor_gain"]) == (10000, 1000)
    assert [r["right_nav"] for r in error.days.to_pylist()] == [100, 100]
    assert error.material_days == [MONDAY, MONDAY + timedelta(days=1)]


def test_who_bought_at_an_overstated_nav_is_paid_by_the_fund() -> None:
    bought = [deal(0, "Ben", "SUBSCRIBE", "100", "11000")]
    error = judge(
        [day(0, "110", "100"), day(1, "100.90909", "100.909090909091", units="1100")], bought, rule(), "valuation", Rates({})
    )
    assert owed(error) == {"Ben": D(1000)}
    assert error.compensation.to_pylist()[0]["payer"] == THE_FUND
    assert error.days.to_pylist()[1]["right_nav"] == D("100.0000")


def test_an_understated_nav_turns_it_round() -> None:
    both = [deal(0, "Ada", "REDEEM", "100", "9000"), deal(0, "Ben", "SUBSCRIBE", "100", "9000")]
    error = judge([day(0, "90", "100")], both, rule(), "valuation", Rates({}))
    assert owed(error) == {"Ada": D(1000), THE_FUND: D(1000)}


@pytest.mark.parametrize(
    ("domicile", "kind", "published", "material"),
    [
        ("LU", "ucits", "101", True),  # 1.00% reached
        ("LU", "ucits", "100.9999", False),
        ("LU", "bond", "100.5", True),
        ("LU", "bond", "99.51", False),
        ("LU", "money_market", "100.2", True),
        ("LU", "closed_end", "104.99", False),
        ("IE", "bond", "99.5", True),
        ("AU", "ucits", "100.3", True),
        ("US", "fund", "100.01", True),  # one cent a share
        ("US", "fund", "100.0099", False),
        ("KY", "long_short", "100.5", True),
    ],
)
def test_materiality_by_domicile(domicile: str, kind: str, published: str, material: bool) -> None:
    error = judge(
        [day(0, published, "100", decimals=2 if domicile == "US" else 4)], [], rule(domicile, kind), "valuation", Rates({})
    )
    assert bool(error.material_days) is material


def test_fees_overpaid_have_no_threshold_and_a_swing_error_is_always_put_right_for_the_fund() -> None:
    small = [day(0, "100.10", "100")]
    dealt = [deal(0, "Ada", "REDEEM", "1000", "100100"), deal(0, "Ben", "SUBSCRIBE", "500", "50050")]
    assert owed(judge(small, dealt, rule(), "valuation", Rates({}))) == {}
    assert owed(judge(small, dealt, rule(), "fees", Rates({}))) == {THE_FUND: 100, "Ben": 50}
    assert owed(judge(small, dealt, rule(), "swing", Rates({}))) == {THE_FUND: 100}


def test_in_america_the_fund_from_a_cent_and_investors_from_half_a_percent() -> None:
    dealt = [deal(0, "Ada", "REDEEM", "1000", "100100"), deal(0, "Ben", "SUBSCRIBE", "500", "50050")]
    assert owed(judge([day(0, "100.10", "100", decimals=2)], dealt, rule("US", "fund"), "valuation", Rates({}))) == {THE_FUND: 100}


def test_what_is_too_small_for_an_investor_is_not_paid() -> None:
    bought = [deal(0, "Ben", "SUBSCRIBE", "10", "1010")]
    rates = Rates({"CAD": D("1.5"), "HKD": D(9)})
    assert owed(judge([day(0, "101", "100")], bought, rule("CA", "ucits"), "valuation", rates)) == {}  # 10 EUR are 15 CAD
    assert owed(judge([day(0, "101", "100")], bought, rule("LU", "ucits"), "valuation", rates)) == {"Ben": 10}


def test_nothing_wrong_is_nothing_owed() -> None:
    error = judge([day(0, "100", "100")], [deal(0, "Ada", "REDEEM", "10", "1000")], rule(), "valuation", Rates({}))
    assert not error.deals.num_rows and not error.compensation.num_rows and error.worst_pct == 0


def test_a_fee_on_the_wrong_nav_is_overpaid() -> None:
    def fee(amount: str) -> Accrual:
        return Accrual(event_id="a", fund="F", effective_date=MONDAY, name="management_fee", share_class="A", currency="EUR",
                       amount=D(amount))  # fmt: skip

    (row,) = fees_off([fee("110"), fee("100")], [fee("100"), fee("100")]).to_pylist()
    assert (row["booked"], row["overpaid"]) == (210, 10)
    assert fees_off([fee("1")], [fee("1")]).num_rows == 0


dealings = st.lists(st.tuples(st.booleans(), st.integers(1, 400)), max_size=6)


@given(dealings, st.decimals("80", "120", places=2))
def test_put_right_those_who_stayed_are_as_if_nothing_had_been_wrong(orders: list[tuple[bool, int]], wrong: Decimal) -> None:
    """A fund of 2,500 units at 100, one day published wrong: put right, a unit is worth 100 to the cent of its rounding."""
    units, assets, deals = D(2500), D(250000), []
    for n, (joins, size) in enumerate(orders):
        amount = size * wrong
        deals.append(deal(0, f"I{n}", "SUBSCRIBE" if joins else "REDEEM", str(size), str(amount)))
        units, assets = units + (size if joins else -size), assets + (amount if joins else -amount)
    if units <= 0:
        return
    days: list[Any] = [day(0, str(wrong), "100", "2500"), day(1, str(assets / units), str(assets / units), str(units))]
    error = judge(days, deals, rule().model_copy(update={"threshold_pct": ZERO}), "valuation", Rates({}))
    assert error.days.to_pylist()[1]["right_nav"] == 100
    gains = sum((r["investor_gain"] for r in error.deals.to_pylist()), ZERO)
    paid_by_fund = sum((r["amount"] for r in error.compensation.to_pylist() if r["payer"] == THE_FUND), ZERO)
    assert gains == error.due_to(THE_FUND).get("EUR", ZERO) - paid_by_fund
