"""Bonds over time, futures, options, swaps and money deals, as a fund accountant reads them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from bo_lib.books import interest_to
from bo_lib.books.amortise import Flow, amortisations, amortised_cost, effective_rate
from tests.books.desk import action, balances, booked, codes, coupon, june, keep, lot, text, trade

D = Decimal
LAST_YEAR = date(2025, 3, 3)


def test_a_future_costs_nothing_and_pays_what_it_moved_on_the_next_day() -> None:
    """Three bought at 5,000.25, one sold at 5,010.75, settled at 5,007.50: (10,015 - 9,990) x 50 dollars."""
    book = keep(
        trade("f1", 1, "BUY", 3, "US-FUTURE", "5000.25", commission="4.50"), trade("f2", 2, "SELL", 1, "US-FUTURE", "5010.75"),
        action("variation_margin", "v1", 2, "US-FUTURE", price="5007.50", pay=3),
    ).value  # fmt: skip
    assert booked(book, "f1") == text("""
        1 investments                        0    USD  0
        1 futures_gain                       4.5  USD  4.09
        1 payable_for_investments_purchased -4.5  USD -4.09
    """)
    assert booked(book, "v1") == text("""
        2 variation_margin_receivable  1250 USD  1126.13
        2 futures_gain                -1250 USD -1126.13
        3 cash                         1250 USD  1116.07
        3 variation_margin_receivable -1250 USD -1126.13
        3 realised_currency_gain          0 USD    10.06
    """)
    assert [(p["isin"], p["quantity"], p["cost_local"]) for p in book.positions().to_pylist()] == [("US-FUTURE", 2, 0)]
    assert book.worth("US-FUTURE", D(2), D("5007.50")) == 0, "margin has paid it"
    assert book.worth("US-FUTURE", D(2), D("5008.50")) == 100


def test_a_future_closed_during_the_day_pays_the_difference_of_its_prices() -> None:
    book = keep(
        trade("f1", 1, "SHORT", 2, "EURO-FUTURE", "120.10"), trade("f2", 1, "COVER", 2, "EURO-FUTURE", "119.60"),
        action("variation_margin", "v1", 1, "EURO-FUTURE", price="121"),
    ).value  # fmt: skip
    assert balances(book)["futures_gain", "EUR"][0] == -10
    assert book.lots().num_rows == 0


def test_a_future_that_expires_pays_its_last_move() -> None:
    book = keep(
        trade("f1", 1, "BUY", 1, "EURO-FUTURE", "100"), action("variation_margin", "v1", 1, "EURO-FUTURE", price="101"),
        action("redemption", "x1", 3, "EURO-FUTURE", price="103", pay=4),
    ).value  # fmt: skip
    assert balances(book)["cash", "EUR"][0] == 30
    assert (book.lots().num_rows, book.worth("EURO-FUTURE", D(0), D(103))) == (0, 0)


def test_variation_margin_of_a_share_is_refused() -> None:
    outcome = keep(trade("b1", 1, "BUY", 1, "EURO-SHARE", "9"), action("variation_margin", "v1", 1, "EURO-SHARE", price="10"))
    assert codes(outcome) == ["not-a-future"]


def test_initial_margin_is_money_elsewhere() -> None:
    from tests.books.desk import payment

    book = keep(payment("p1", 1, "initial_margin_receivable", "-5000")).value
    assert balances(book) == {("cash", "EUR"): (-5000, -5000), ("initial_margin_receivable", "EUR"): (5000, 5000)}


@pytest.mark.parametrize(
    ("isin", "side", "style", "shares", "cost"),
    [
        ("EURO-CALL", "BUY", "CALL", 100, 3250),  # bought at 31 for a premium of 1.50
        ("EURO-CALL", "SHORT", "CALL", -100, -3250),  # delivered at 31, premium kept
        ("EURO-PUT", "BUY", "PUT", -100, -2950),  # sold at 31 less the premium
        ("EURO-PUT", "SHORT", "PUT", 100, 2950),  # taken at 31 less the premium kept
    ],
)
def test_the_premium_of_an_option_exercised_is_in_the_price_of_the_share(
    isin: str, side: str, style: str, shares: int, cost: int
) -> None:
    book = keep(
        trade("o1", 1, side, 1, isin, "1.50"),
        action("option_exercise", "x1", 5, isin, underlying="EURO-SHARE", style=style, quantity=1, strike="31", pay=7),
    ).value
    assert [(x["isin"], x["quantity"], x["cost_local"]) for x in book.lots().to_pylist()] == [("EURO-SHARE", shares, cost)]
    assert balances(book)["cash", "EUR"][0] == -31 * shares


def test_an_option_that_expires_loses_its_premium_or_keeps_it() -> None:
    for side, gain in (("BUY", -150), ("SHORT", 150)):
        book = keep(trade("o1", 1, side, 1, "EURO-CALL", "1.50"), action("redemption", "x1", 5, "EURO-CALL", price="0")).value
        assert -balances(book)["realised_gain", "EUR"][0] == gain
        assert book.positions().num_rows == 0


def test_a_swap_is_a_position_without_cost_whose_payments_are_income() -> None:
    book = keep(
        trade("w1", 1, "BUY", 1000000, "US-SWAP", "0"), action("swap_payment", "p1", 2, "US-SWAP", amount="-1110", pay=4)
    ).value
    assert booked(book, "p1") == text("""
        2 swap_receivable        -1110 USD -1000
        2 swap_income             1110 USD  1000
        4 cash                   -1110 USD  -982.3
        4 swap_receivable         1110 USD  1000
        4 realised_currency_gain     0 USD  -17.7
    """)
    assert book.worth("US-SWAP", D(1000000), D("-0.25")) == -2500


@pytest.mark.parametrize(
    ("style", "ledger", "interest"),
    [("DEPOSIT", "deposits_receivable", "interest_income"), ("REVERSE_REPO", "reverse_repo_receivable", "interest_income"),
     ("REPO", "repo_payable", "interest_expense"), ("BORROWING", "borrowing_payable", "interest_expense"),
     ("LENDING", "lending_collateral_payable", "interest_expense")],
)  # fmt: skip
def test_money_placed_or_taken_comes_back_with_simple_interest(style: str, ledger: str, interest: str) -> None:
    """360,000 at 3% for ten days by ACT/360: 300."""
    deal = action("money_deal", "m1", 1, "", style=style, principal="360000", rate_pct_annual="3", maturity_date=june(11))
    sign = 1 if style in ("DEPOSIT", "REVERSE_REPO") else -1
    running = keep(deal, until=june(5)).value
    assert balances(running) == {
        ("cash", "EUR"): (-sign * 360000, -sign * 360000), (ledger, "EUR"): (sign * 360000, sign * 360000)
    }  # fmt: skip
    assert (interest_to(running.money_deals[0], june(5)), running.money_deals[0].deal_id) == (sign * 120, "M1")
    ended = keep(deal).value
    assert balances(ended) == {("cash", "EUR"): (sign * 300, sign * 300), (interest, "EUR"): (-sign * 300, -sign * 300)}
    assert ended.money_deals == ()


def test_a_bill_bought_below_par_is_repaid_at_par() -> None:
    book = keep(trade("b1", 1, "BUY", 5000, "EURO-BILL", "98"), action("redemption", "x1", 9, "EURO-BILL", price="100")).value
    assert booked(book, "x1") == text("""
        9 investments                      -4900 EUR -4900
        9 realised_gain                     -100 EUR  -100
        9 receivable_for_investments_sold   5000 EUR  5000
        9 cash                              5000 EUR  5000
        9 receivable_for_investments_sold  -5000 EUR -5000
    """)


def test_a_bond_called_in_part_takes_a_part_of_every_lot() -> None:
    lots = [lot("l1", "US-BOND", LAST_YEAR, "1000", "900", "800"), lot("l2", "US-BOND", LAST_YEAR, "3000", "3100", "2900")]
    book = keep(*lots, action("redemption", "x1", 5, "US-BOND", price="100", portion_pct=50)).value
    assert [(x["quantity"], x["cost_local"]) for x in book.lots().to_pylist()] == [(500, 450), (1500, 1550)]


def test_inflation_is_interest_and_cost_and_the_coupon_is_on_the_inflated_nominal() -> None:
    """10,000 bought at a ratio of 1.01; 1.03 later: 200 dollars of inflation; 1% on 10,300."""
    book = keep(
        trade("b1", 1, "BUY", 10000, "US-LINKER", "100", index_ratio="1.01"),
        action("index_fixing", "i1", 2, "US-LINKER", index_ratio="1.03"), coupon("c1", 4, "US-LINKER", "1"),
    ).value  # fmt: skip
    assert [x["cost_local"] for x in book.lots().to_pylist()] == [10300]
    assert booked(book, "i1") == text("""
        2 investments      200 USD  180.18
        2 interest_income -200 USD -180.18
    """)
    assert booked(book, "c1").splitlines()[0] == "4 interest_receivable 103 USD 91.15"
    assert book.worth("US-LINKER", D(10000), D(99)) == 10197


BOND = {"isin": "US-BOND", "kind": "corporate_bond", "currency": "USD", "coupon_pct": D(4), "coupons_per_year": 2,
        "day_count": "30/360 US", "issued": None, "maturity": date(2027, 6, 1)}  # fmt: skip


def test_a_discount_is_earned_at_one_yield_until_par_is_reached() -> None:
    start, end = june(1), BOND["maturity"]
    half = amortised_cost(D(10000), D(9700), BOND, start, date(2026, 12, 1))
    assert amortised_cost(D(10000), D(9700), BOND, start, end) == 10000
    assert D(9840) < half < D(9860), "a little less than half: the yield is on what is carried"
    step = amortised_cost(D(10000), amortised_cost(D(10000), D(9700), BOND, start, june(30)), BOND, june(30), date(2026, 12, 1))
    assert abs(step - half) <= D("0.01"), "monthly or at once, the same"


def test_amortisation_of_the_open_lots_becomes_events_that_change_cost() -> None:
    first = [lot("l1", "US-BOND", june(1), "10000", "9700", "8818.18"), lot("l2", "EURO-SHARE", june(1), "1", "9", "9")]
    made = amortisations(keep(*first).value.lots().to_pylist(), {"US-BOND": BOND}, first, "TEST", june(15))
    assert [(e.lot_id, e.event_id) for e in made] == [("l1/1", "TEST:amortisation:2026-06-15:l1/1")]
    book = keep(*first, *made).value
    assert book.lots().to_pylist()[1]["cost_local"] == 9700 + made[0].amount > 9700
    again = amortisations(book.lots().to_pylist(), {"US-BOND": BOND}, [*first, *made], "TEST", june(15))
    assert again == [], "once a day"


def test_a_lot_earns_its_discount_from_settlement_on() -> None:
    bought = trade("b1", 10, "BUY", 10000, "US-BOND", "97", settlement_date=june(12))
    lots = keep(bought).value.lots().to_pylist()
    made = {day: amortisations(lots, {"US-BOND": BOND}, [bought], "TEST", june(day)) for day in (10, 12, 15)}
    assert made[10] == made[12] == []
    assert made[15][0].amount == amortised_cost(D(10000), D(9700), BOND, june(12), june(15)) - 9700 > 0


def test_a_premium_is_lost_over_the_life() -> None:
    assert amortised_cost(D(10000), D(10300), BOND, june(1), date(2026, 12, 1)) < 10300


def test_a_premium_is_lost_by_the_first_call_and_a_discount_earned_until_maturity() -> None:
    """ASC 310-20-35-33: yield to worst; a bond that was not called goes on from its call price."""
    called = {**BOND, "maturity": date(2036, 6, 1), "call_date": date(2028, 6, 1), "call_price": D(101)}
    at = {day: amortised_cost(D(10000), D(10500), called, june(1), day) for day in (date(2028, 5, 31), date(2028, 6, 1))}
    assert at[date(2028, 6, 1)] == 10100
    assert abs(at[date(2028, 5, 31)] - 10100) < 1, "a day of another day count apart"
    later = amortised_cost(D(10000), D(10500), called, june(1), date(2030, 6, 1))
    assert later == amortised_cost(D(10000), D(10100), called, date(2028, 6, 1), date(2030, 6, 1)) < 10100
    cheap = [
        amortised_cost(D(10000), D(9500), terms, june(1), date(2028, 6, 1)) for terms in (called, {**called, "call_date": None})
    ]
    assert cheap[0] == cheap[1]
    short = amortised_cost(D(-10000), D(-10500), called, june(1), date(2028, 5, 31))
    assert short == -at[date(2028, 5, 31)]


def test_without_a_rate_there_is_a_letter_for_the_programmer() -> None:
    with pytest.raises(ValueError, match="no rate"):
        effective_rate(D(0), [Flow(D(1), D(100))])


def test_amortising_a_lot_that_is_gone_is_refused() -> None:
    outcome = keep(action("amortisation", "a1", 2, "US-BOND", lot_id="l9/1", amount="1"))
    assert codes(outcome) == ["lot-unknown"]


def test_crypto_like_units_keep_ten_decimals() -> None:
    book = keep(trade("c1", 1, "BUY", "0.0031415926", "EURO-COIN", "61234.56")).value
    assert book.positions().to_pylist()[0]["quantity"] == D("0.0031415926")
    assert book.worth("EURO-COIN", D("0.0031415926"), D(70000)) == D("219.91")
