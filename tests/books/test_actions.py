"""Income, splits and rights in the books."""

from datetime import date
from decimal import Decimal

from bo_lib.model import events as ev
from tests.books.desk import (
    balances,
    booked,
    codes,
    coupon,
    dividend,
    exercise,
    june,
    keep,
    lot,
    rights,
    settled,
    split,
    text,
    trade,
)


def test_a_dividend_is_due_on_the_position_of_the_close_before_and_paid_net() -> None:
    book = keep(
        trade("b1", 1, "BUY", 100, "US-SHARE", "10"), trade("b2", 2, "BUY", 900, "US-SHARE", "10"),
        dividend("d1", 2, "US-SHARE", "0.555", "15", 4),
    ).value  # fmt: skip
    assert booked(book, "d1") == text("""
        2 dividends_receivable     47.17 USD  42.5
        2 withholding_tax           8.33 USD   7.5
        2 dividend_income         -55.5 USD  -50
        4 cash                     47.17 USD  41.74
        4 dividends_receivable    -47.17 USD -42.5
        4 realised_currency_gain    0 USD      0.76
    """)


def test_a_short_position_pays_the_gross() -> None:
    book = keep(trade("s1", 1, "SHORT", 100, "EURO-SHARE", "10"), dividend("d1", 2, "EURO-SHARE", "0.5", "25", 4)).value
    assert booked(book, "d1") == text("""
        2 dividends_payable -50 EUR -50
        2 dividend_expense   50 EUR  50
        4 cash              -50 EUR -50
        4 dividends_payable  50 EUR  50
    """)


def test_each_account_gets_its_own_part() -> None:
    events = [trade("b1", 1, "BUY", 3, "EURO-SHARE", "10"), trade("b2", 1, "BUY", 3, "EURO-SHARE", "10", account="BROKER")]
    book = keep(*events, dividend("d1", 2, "EURO-SHARE", "0.335", "0", 4)).value
    assert [(c["account"], c["balance"]) for c in book.cash().to_pylist()] == [
        ("BANK", Decimal("1.01")),
        ("BROKER", Decimal("1.01")),
    ]


def test_a_coupon_is_interest_on_the_nominal() -> None:
    book = keep(trade("b1", 1, "BUY", 100000, "US-BOND", "98"), coupon("c1", 4, "US-BOND", "2.25")).value
    assert balances(book)["interest_income", "USD"] == (-2250, Decimal("-1991.15"))
    assert ("interest_receivable", "USD") not in balances(book)


def test_income_on_nothing_held_says_so() -> None:
    assert codes(keep(dividend("d1", 2, "EURO-SHARE", "0.5", "25", 4))) == ["nothing-held"]


def test_a_split_keeps_cost_and_date_and_an_open_trade_settles_as_agreed() -> None:
    events = [trade("b1", 1, "BUY", 3, "EURO-SHARE", "10"), split("s1", 2, "EURO-SHARE", 2, 1)]
    book = keep(*events).value
    assert [(x["quantity"], x["cost_local"], x["acquired"]) for x in book.lots().to_pylist()] == [(6, 30, june(1))]
    assert book.positions("settlement").num_rows == 0
    assert book.open_trades.to_pylist()[0]["quantity_open"] == 3
    done = keep(*events, settled("x1", 3, "b1", 3, "30")).value
    assert done.positions("settlement").equals(done.positions())


def test_a_split_and_a_dividend_on_one_day_pay_on_the_old_shares() -> None:
    book = keep(
        trade("b1", 1, "BUY", 10, "EURO-SHARE", "10"), split("s1", 2, "EURO-SHARE", 5, 1),
        dividend("d1", 2, "EURO-SHARE", "1", "0", 2),
    ).value  # fmt: skip
    assert balances(book)["dividend_income", "EUR"] == (-10, -10)


def test_rights_take_basis_and_date_of_the_shares_and_the_new_share_adds_its_price() -> None:
    """26 CFR 1.307-1: 100 shares at 100, 100 rights worth 19 on shares worth 110, subscription at 90."""
    held = lot("l1", "EURO-SHARE", date(2025, 1, 2), "100", "10000", "10000")
    issued = keep(held, rights(2)).value.lots().to_pylist()
    assert {x["isin"]: (x["quantity"], x["cost_local"], x["acquired"]) for x in issued} == {
        "EURO-SHARE": (100, Decimal("8527.13"), date(2025, 1, 2)),
        "EURO-RIGHT": (100, Decimal("1472.87"), date(2025, 1, 2)),
    }
    book = keep(held, rights(2), exercise(3, 100, 5)).value
    old, new = book.lots().to_pylist()
    assert round(old["cost_local"] / 100, 4) == Decimal("85.2713")
    assert round(new["cost_local"] / 100, 4) == Decimal("104.7287")
    assert new["acquired"] == june(3)
    assert booked(book, "x1") == text("""
        3 investments                       10472.87 EUR 10472.87
        3 investments                       -1472.87 EUR -1472.87
        3 payable_for_investments_purchased -9000 EUR -9000
        5 cash                              -9000 EUR -9000
        5 payable_for_investments_purchased  9000 EUR  9000
    """)


def test_rights_round_down_and_more_than_there_are_cannot_be_exercised() -> None:
    odd = ev.RightsIssue(**{**rights(2).model_dump(), "new": 1, "old": 3})
    outcome = keep(lot("l1", "EURO-SHARE", date(2025, 1, 2), "50", "100", "100"), odd, exercise(3, 17, 3))
    assert [(p["isin"], p["quantity"]) for p in outcome.value.positions().to_pylist()] == [("EURO-RIGHT", 16), ("EURO-SHARE", 50)]
    assert codes(outcome) == ["rights-too-few"]
    assert balances(outcome.value)["investments", "EUR"] == (100, 100)
