"""What was booked in error stays visible, and the state is that of the events that stand."""

from collections import defaultdict
from decimal import Decimal

from tests.books.desk import balances, booked, codes, dividend, june, keep, reversal, settled, split, text, trade


def test_a_reversal_shows_both_and_leaves_nothing() -> None:
    book = keep(trade("b1", 1, "BUY", 100, "US-SHARE", "10"), reversal("r1", 3, "b1")).value
    assert booked(book, "b1") and booked(book, "r1") == text("""
        3 investments                       -1000 USD -909.09
        3 payable_for_investments_purchased  1000 USD  909.09
    """)
    assert (book.lots().num_rows, book.open_trades.num_rows, book.trial_balance().num_rows) == (0, 0, 0)


def test_until_its_day_the_error_stands() -> None:
    events = [trade("b1", 1, "BUY", 100, "US-SHARE", "10"), reversal("r1", 3, "b1")]
    assert keep(*events, until=june(2)).value.lots().num_rows == 1
    assert keep(*events).value.lots(as_of=june(2)).num_rows == 1
    assert keep(*events).value.lots(as_of=june(3)).num_rows == 0


def test_lots_that_a_later_sale_took_are_taken_anew() -> None:
    """The first purchase was an error: the sale in between relieved it, and now relieves the second at 20."""
    events = [
        trade("b1", 1, "BUY", 100, "EURO-SHARE", "10"), trade("b2", 2, "BUY", 100, "EURO-SHARE", "20"),
        trade("s1", 3, "SELL", 100, "EURO-SHARE", "30"),
    ]  # fmt: skip
    assert balances(keep(*events).value)["realised_gain", "EUR"] == (-2000, -2000)
    book = keep(*events, reversal("r1", 5, "b1")).value
    assert balances(book)["realised_gain", "EUR"] == (-1000, -1000)
    assert ("investments", "EUR") not in balances(book)
    assert [row["lot_id"] for row in book.realised.to_pylist()] == ["b2/1"]
    assert booked(book, "r1") == text("""
        5 investments                       -1000 EUR -1000
        5 payable_for_investments_purchased  1000 EUR  1000
        5 investments                       -1000 EUR -1000
        5 realised_gain                      1000 EUR  1000
    """)


def test_an_amended_trade_is_the_old_one_reversed_and_a_new_one_under_the_same_reference() -> None:
    wrong, right = trade("b1", 1, "BUY", 100, "EURO-SHARE", "10"), trade("b1-v2", 1, "BUY", 100, "EURO-SHARE", "11", trade_id="B1")
    outcome = keep(wrong, reversal("r1", 1, "b1"), right, settled("x1", 3, "b1", 100, "1100"))
    assert not outcome.findings
    assert balances(outcome.value) == {("cash", "EUR"): (-1100, -1100), ("investments", "EUR"): (1100, 1100)}
    assert booked(outcome.value, "b1-v2").startswith("1 investments 1100 EUR")


def test_a_reversed_dividend_is_not_paid() -> None:
    events = [trade("b1", 1, "BUY", 100, "EURO-SHARE", "10"), dividend("d1", 2, "EURO-SHARE", "1", "0", 5)]
    assert keep(*events, reversal("r1", 3, "d1")).value.cash().num_rows == 0
    after = keep(*events, reversal("r1", 6, "d1")).value
    assert [(m["kind"], m["amount"]) for m in after.cash_movements(june(1), june(9)).to_pylist()] == [
        ("dividend", 100),
        ("reversal", -100),
    ]


def test_a_purchase_taken_back_takes_its_dividend_along() -> None:
    events = [trade("b1", 1, "BUY", 100, "EURO-SHARE", "10"), dividend("d1", 2, "EURO-SHARE", "1", "0", 5), reversal("r1", 6, "b1")]
    assert balances(keep(*events).value) == {}


def test_a_reversal_can_itself_be_reversed() -> None:
    first = trade("b1", 1, "BUY", 100, "US-SHARE", "10")
    book = keep(first, reversal("r1", 3, "b1"), reversal("r2", 4, "r1")).value
    assert book.trial_balance().equals(keep(first).value.trial_balance())
    assert book.lots().equals(keep(first).value.lots())


def test_reversing_what_is_not_there_or_twice_or_in_a_circle_is_refused() -> None:
    first = trade("b1", 1, "BUY", 100, "US-SHARE", "10")
    assert codes(keep(first, reversal("r1", 3, "b9"))) == ["reverses-unknown"]
    assert codes(keep(first, reversal("r1", 3, "b1"), reversal("r2", 4, "b1"))) == ["reversed-already"]
    assert codes(keep(first, reversal("r1", 3, "r2"), reversal("r2", 3, "r1"))) == ["reverses-unknown", "reverses-unknown"]


def test_a_settlement_whose_trade_is_gone_is_refused_and_no_cash_is_left() -> None:
    outcome = keep(trade("b1", 1, "BUY", 100, "EURO-SHARE", "10"), settled("x1", 3, "b1", 100, "1000"), reversal("r1", 4, "b1"))
    assert codes(outcome) == ["trade-unknown"]
    assert balances(outcome.value) == {}


def test_every_group_of_lines_balances_after_reversals_of_splits() -> None:
    book = keep(
        trade("b1", 1, "BUY", 100, "US-SHARE", "10"), split("p1", 2, "US-SHARE", 3, 1), trade("s1", 3, "SELL", 7, "US-SHARE", "4"),
        reversal("r1", 4, "p1"),
    ).value  # fmt: skip
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in book.journal.to_pylist():
        sums[row["event_id"], row["currency"]] += row["local"]
        sums[row["event_id"], "base"] += row["base"]
    assert not any(sums.values())
    assert [p["quantity"] for p in book.positions().to_pylist()] == [93]
