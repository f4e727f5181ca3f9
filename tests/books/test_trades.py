"""Purchases, sales, shorts and their settlement, as a fund accountant reads them."""

from decimal import Decimal

import pytest

from tests.books.desk import balances, booked, codes, dividend, june, keep, manual, settled, split, table, text, trade


def test_a_purchase_in_dollars_is_at_cost_with_charges_at_the_rate_of_its_day() -> None:
    book = keep(trade("b1", 1, "BUY", 100, "US-SHARE", "10", commission="5", taxes="6")).value
    assert booked(book, "b1") == text("""
        1 investments                         1011 USD  919.09
        1 payable_for_investments_purchased  -1011 USD -919.09
    """)


def test_a_sale_parts_price_gain_from_currency_gain() -> None:
    """Cost 1,000 USD at 1.10 = 909.09; sold for 1,195 net at 1.12: price 195 / 1.12, currency 1,000 / 1.12 - 909.09."""
    book = keep(trade("b1", 1, "BUY", 100, "US-SHARE", "10"), trade("s1", 3, "SELL", 100, "US-SHARE", "12", commission="5")).value
    assert booked(book, "s1") == text("""
        3 investments                      -1000 USD -909.09
        3 realised_gain                     -195 USD -174.1
        3 realised_currency_gain               0 USD   16.23
        3 receivable_for_investments_sold   1195 USD 1066.96
    """)
    row = book.realised.to_pylist()[0]
    assert (row["proceeds_local"], row["cost_local"]) == (1195, 1000)
    assert row["price_gain_base"] + row["currency_gain_base"] == Decimal("1066.96") - Decimal("909.09")


def test_settlement_moves_cash_and_realises_the_currency_difference() -> None:
    book = keep(trade("b1", 1, "BUY", 100, "US-SHARE", "10"), settled("x1", 3, "b1", 100, "1000")).value
    assert booked(book, "x1") == text("""
        3 cash                               -1000 USD -892.86
        3 payable_for_investments_purchased   1000 USD  909.09
        3 realised_currency_gain                 0 USD  -16.23
    """)
    assert book.open_trades.num_rows == 0


def test_a_bond_is_priced_in_percent_and_the_buyer_pays_the_interest() -> None:
    book = keep(trade("b1", 1, "BUY", 100000, "US-BOND", "98.5", accrued_interest="1250")).value
    assert booked(book, "b1") == text("""
        1 investments                         98500 USD  89545.45
        1 interest_income                      1250 USD   1136.36
        1 payable_for_investments_purchased  -99750 USD -90681.81
    """)


def test_a_short_sale_is_a_negative_lot_and_its_cover_realises() -> None:
    outcome = keep(
        trade("s1", 1, "SHORT", 100, "EURO-SHARE", "50", commission="10"),
        trade("c1", 2, "COVER", 40, "EURO-SHARE", "45", commission="4"),
    )
    book = outcome.value
    assert booked(book, "c1") == text("""
        2 investments                         1996 EUR  1996
        2 realised_gain                       -192 EUR  -192
        2 payable_for_investments_purchased  -1804 EUR -1804
    """)
    lots = book.lots().to_pylist()
    assert [(lot["quantity"], lot["cost_local"]) for lot in lots] == [(-60, -2994)]
    assert book.realised.to_pylist()[0]["proceeds_local"] == 1996
    assert not outcome.findings


def test_partial_settlement_leaves_the_rest_open_and_the_last_part_clears_it() -> None:
    first = [trade("b1", 1, "BUY", 90, "US-SHARE", "10.01"), settled("x1", 3, "b1", 30, "300.30")]
    book = keep(*first).value
    (row,) = book.open_trades.to_pylist()
    assert (row["quantity_open"], row["amount_open"]) == (60, Decimal("-600.60"))
    assert table((p["quantity"], p["cost_local"]) for p in book.positions("settlement").to_pylist()) == "30 900.9"
    assert table((p["quantity"], p["cost_local"]) for p in book.positions("trade").to_pylist()) == "90 900.9"
    whole = keep(*first, settled("x2", 4, "b1", 60, "600.60")).value
    assert ("payable_for_investments_purchased", "USD") not in balances(whole)
    assert whole.positions("settlement").equals(whole.positions("trade"))


def test_settling_for_another_amount_leaves_the_difference_in_suspense() -> None:
    outcome = keep(trade("b1", 1, "BUY", 100, "EURO-SHARE", "10"), settled("x1", 3, "b1", 100, "1000.25"))
    assert balances(outcome.value)["suspense", "EUR"] == (Decimal("0.25"), Decimal("0.25"))
    assert codes(outcome) == ["settled-for-another-amount"]
    assert outcome.value.open_trades.num_rows == 0


def test_cash_on_trade_basis_counts_what_is_agreed() -> None:
    book = keep(trade("b1", 1, "BUY", 100, "EURO-SHARE", "10"), settled("x1", 3, "b1", 40, "400")).value
    assert book.cash().to_pylist() == [{"account": "BANK", "currency": "EUR", "balance": Decimal(-400)}]
    assert book.cash("trade").to_pylist() == [{"account": "BANK", "currency": "EUR", "balance": Decimal(-1000)}]


def test_yen_have_no_minor_unit() -> None:
    book = keep(trade("b1", 1, "BUY", 3, "JP-SHARE", "1000.5")).value
    assert booked(book, "b1").splitlines()[0] == "1 investments 3002 JPY 17.66"


@pytest.mark.parametrize(
    ("event", "code", "found"),
    [
        (trade("x", 2, "BUY", 1, "US-SHARES", "10"), "instrument-unknown", "US-SHARES"),
        (trade("x", 2, "BUY", 1, "US-SHARE", "10", currency="EUR"), "currency-differs", "EUR"),
        (trade("x", 2, "SELL", 101, "EURO-SHARE", "10"), "position-too-small", "101"),
        (trade("x", 2, "SHORT", 1, "EURO-SHARE", "10"), "position-too-small", "1"),
        (trade("x", 2, "BUY", -1, "EURO-SHARE", "10"), "trade-not-positive", "-1 at 10"),
        (trade("x", 2, "BUY", 1, "EURO-SHARE", "10", trade_id="B1"), "trade-twice", "B1"),
        (trade("x", 2, "BUY", "0.00000000001", "EURO-SHARE", "10"), "number-too-fine", "1E-11"),
        (settled("x", 2, "b2", 100, "1000"), "trade-unknown", "B2"),
        (settled("x", 2, "b1", 101, "1010"), "settles-too-much", "101"),
    ],
    ids=lambda value: value if isinstance(value, str) and "-" in value else "",
)
def test_what_cannot_be_posted_is_refused_with_a_letter_and_the_rest_goes_on(event: object, code: str, found: str) -> None:
    outcome = keep(
        trade("b1", 1, "BUY", 100, "EURO-SHARE", "10"), event, trade("b3", 3, "BUY", 5, "EURO-SHARE", "10"), shorts_allowed=False
    )
    (refusal,) = outcome.value.refused
    assert (refusal.event, refusal.finding.code, refusal.finding.found) == (event, code, found)
    assert refusal.finding.expected and refusal.finding.todo
    assert (refusal.finding.place.sha256, refusal.finding.place.at) == ("abc123", "line 7")
    assert [p["quantity"] for p in outcome.value.positions().to_pylist()] == [105]


def test_a_day_without_rates_refuses_only_what_needs_them() -> None:
    events = [trade("b1", 1, "BUY", 100, "US-SHARE", "10"), trade("b2", 1, "BUY", 100, "EURO-SHARE", "10")]
    outcome = keep(*events, rates=lambda _: None)
    assert codes(outcome) == ["rate-missing"]
    assert [p["isin"] for p in outcome.value.positions().to_pylist()] == ["EURO-SHARE"]


def test_a_sale_beyond_the_position_goes_short_with_a_warning_where_shorts_are_allowed() -> None:
    outcome = keep(trade("b1", 1, "BUY", 100, "EURO-SHARE", "10"), trade("s1", 2, "SELL", 150, "EURO-SHARE", "12"))
    assert codes(outcome) == ["position-flipped"]
    assert [(x["quantity"], x["cost_local"]) for x in outcome.value.lots().to_pylist()] == [(-50, -600)]
    assert balances(outcome.value)["realised_gain", "EUR"] == (-200, -200)


def test_the_same_event_twice_counts_once_and_another_under_its_id_is_refused() -> None:
    one, other = trade("b1", 1, "BUY", 100, "EURO-SHARE", "10"), trade("b1", 1, "BUY", 200, "EURO-SHARE", "10")
    assert codes(keep(one, one)) == ["event-again"]
    outcome = keep(one, other)
    assert codes(outcome) == ["event-id-taken"]
    assert [p["quantity"] for p in outcome.value.positions().to_pylist()] == [100]


def test_a_purchase_that_was_overpaid_in_part_still_pays_with_its_last_part() -> None:
    """1,200 paid for the first half of 1,000 and 300 for the second: 1,500 have left, 500 of them nobody owed."""
    outcome = keep(
        trade("b1", 1, "BUY", 100, "EURO-SHARE", "10"), settled("x1", 3, "b1", 50, "1200"), settled("x2", 4, "b1", 50, "300")
    )
    assert outcome.value.cash().to_pylist() == [{"account": "BANK", "currency": "EUR", "balance": Decimal(-1500)}]
    assert balances(outcome.value)["suspense", "EUR"] == (500, 500)
    assert ("payable_for_investments_purchased", "EUR") not in balances(outcome.value)


def test_a_late_trade_is_booked_in_the_shares_that_a_split_since_made_of_it() -> None:
    """Bought before the split of 3 June, known once the period was closed: 300 of today's shares for the 3,000 agreed."""
    late = trade("b1", 5, "BUY", 100, "EURO-SHARE", "30").model_copy(update={"belongs_to": june(1)})
    outcome = keep(split("c1", 3, "EURO-SHARE", 3, 1), late, settled("x1", 8, "b1", 40, "1200"))
    assert table((p["quantity"], p["cost_local"]) for p in outcome.value.positions().to_pylist()) == "300 3000"
    assert table((p["quantity"], p["cost_local"]) for p in outcome.value.positions("settlement").to_pylist()) == "120 3000"
    assert not codes(outcome)
    same_day = trade("b1", 5, "BUY", 100, "EURO-SHARE", "30").model_copy(update={"belongs_to": june(3)})
    assert keep(split("c1", 3, "EURO-SHARE", 3, 1), same_day).value.positions()["quantity"].to_pylist() == [100], "ex already"


def test_a_late_trade_says_what_it_had_no_part_in() -> None:
    late = trade("b1", 5, "BUY", 100, "EURO-SHARE", "30").model_copy(update={"belongs_to": june(1)})
    outcome = keep(dividend("d1", 3, "EURO-SHARE", "1", "15", 4), late)
    assert codes(outcome) == ["nothing-held", "late-after-action"]
    assert "came after dividend d1 of 2026-06-03" in outcome.findings[1].message


def test_numbers_too_fine_within_an_event_are_refused_too() -> None:
    fine = manual("m1", 1, "ann", "bob", ("cash", "EUR", "0.0000001"), ("suspense", "EUR", "-0.0000001"))
    outcome = keep(fine, trade("b1", 1, "BUY", 1, "EURO-SHARE", "10"))
    assert codes(outcome) == ["number-too-fine"] and outcome.value.journal.num_rows == 2
