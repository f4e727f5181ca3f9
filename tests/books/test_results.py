"""Profit and loss by instrument: prices apart from currencies, and the trial balance says the same."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import HealthCheck, given, settings

from bo_lib.books import adjustments, admit, profit_and_loss, result
from bo_lib.model import events as ev
from bo_lib.model.tables import JOURNAL
from tests.books.desk import CHART, accrual, dividend, june, keep, table, text, trade
from tests.properties.test_books_laws import days, months

NO_MARKS = JOURNAL.empty()


def of(made: object) -> str:
    columns = ("realised_price", "realised_currency", "income", "expense", "total")
    return table((row["item"], *(row[name] for name in columns)) for row in made.to_pylist())  # type: ignore[attr-defined]


def test_a_sale_in_dollars_gains_by_price_at_todays_rate_and_by_currency_on_cost() -> None:
    book = keep(trade("b1", 1, "BUY", 10, "US-SHARE", "11"), trade("x1", 11, "SELL", 10, "US-SHARE", "12")).value
    made = profit_and_loss(book.journal, NO_MARKS, CHART)  # bought at 1.10, sold at 1.20
    assert of(made) == text("US-SHARE 8.33 -8.33 0 0 0")


def test_dividends_taxes_and_fees_stand_apart_and_a_period_begins_where_it_is_told() -> None:
    book = keep(
        trade("b1", 1, "BUY", 10, "EURO-SHARE", "11"),
        dividend("d1", 3, "EURO-SHARE", "2", "15", 5),
        accrual("a1", 6, "audit_fee", "3"),
    ).value
    assert of(profit_and_loss(book.journal, NO_MARKS, CHART)) == text("""
        EURO-SHARE 0 0 20 -3 17
        audit_fee  0 0 0  -3 -3
    """)
    assert of(profit_and_loss(book.journal, NO_MARKS, CHART, first=june(4))) == text("audit_fee 0 0 0 -3 -3")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(months(), days)
def test_the_result_of_any_period_is_the_move_of_the_trial_balance(events: list[ev.Event], day: int) -> None:
    book, before = keep(*events).value, keep(*events, until=june(day)).value
    period = profit_and_loss(book.journal, NO_MARKS, CHART, first=june(day + 1))
    assert sum(period["total"].to_pylist()) == result(book.trial_balance(), CHART) - result(before.trial_balance(), CHART)


def test_what_came_late_is_reported_with_what_it_moved() -> None:
    late = trade("b1", 1, "BUY", 10, "EURO-SHARE", "9")
    admitted = admit([late, trade("b2", 5, "BUY", 1, "EURO-SHARE", "9")], june(4), first_open=june(5))
    (row,) = adjustments(keep(*admitted.events).value).to_pylist()
    assert (row["event_id"], row["belongs_to"], row["booked_on"], row["debits_base"]) == ("b1", june(1), june(5), Decimal(90))
