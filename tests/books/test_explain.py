"""Every figure of the books leads back to its journal lines, events and the lines of their files, and ties."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings

from bo_lib.books import Book, explain
from bo_lib.model import events as ev
from tests.books.desk import accrual, balance, keep, settled, table, text, trade
from tests.properties.test_books_laws import months


def books(*more: ev.Event) -> Book:
    return keep(
        balance("o1", "cash", "EUR", "1000", "1000", "BANK"), trade("b1", 1, "BUY", 10, "EURO-SHARE", "9", commission="1"),
        trade("b2", 2, "BUY", 5, "US-SHARE", "20"), settled("s1", 3, "b1", 10, "91"), trade("x1", 4, "SELL", 4, "EURO-SHARE", "12"),
        accrual("a1", 5, "audit_fee", "3"), *more,
    ).value  # fmt: skip


def lines(book: Book, figure: str) -> str:
    found = book.explain(figure).value
    assert found is not None and found.holds
    return table((r["event_id"], r["ledger"], r[found.column], r["file"], r["at"]) for r in found.lines.to_pylist())


def test_a_balance_of_cash_is_its_lines_each_with_the_line_of_its_file() -> None:
    assert lines(books(), "cash/EUR") == text("""
        o1 cash 1000 abc123 line 7
        s1 cash -91  abc123 line 7
    """)
    found = books().explain("cash/EUR").value
    assert found and (found.value, found.unit) == (Decimal(909), "EUR")


def test_a_position_is_its_trades_held_against_lots_and_their_cost() -> None:
    found = books().explain("EURO-SHARE").value
    assert found is not None
    assert [(tie.figure, tie.stated, tie.summed) for tie in found.ties] == [
        ("quantity of the position", 6, 6), ("quantity of the open lots", 6, 6),
        ("cost of the open lots, local", Decimal("54.60"), Decimal("54.60")),
        ("cost of the open lots, base", Decimal("54.60"), Decimal("54.60")),
    ]  # fmt: skip
    assert lines(books(), "EURO-SHARE") == text("""
        b1 investments 10 abc123 line 7
        x1 investments -4 abc123 line 7
    """)


def test_a_balance_of_several_currencies_is_explained_in_base_and_held_against_each_currency() -> None:
    found = books().explain("investments").value
    assert found is not None and (found.unit, found.column) == ("EUR", "base")
    against = ("trial balance", "cost of the open lots")
    assert [tie.figure for tie in found.ties] == [f"{what}, {name}" for what in against for name in ("EUR", "USD", "base")]
    assert found.value == Decimal("54.60") + round(Decimal(100) / Decimal("1.11"), 2)


def test_investments_are_held_against_the_lots_that_were_kept_apart_from_the_journal() -> None:
    book = keep(trade("b1", 1, "BUY", 10, "US-SHARE", "9"), trade("b2", 1, "BUY", 10, "EURO-SHARE", "9")).value
    found = explain(book, "investments").value
    assert found and found.holds
    book._states[0].lots.clear()
    broken = explain(book, "investments").value
    assert broken and not broken.holds, "a lot that is lost is seen"


def test_a_part_of_a_balance_is_by_account_currency_class_or_instrument() -> None:
    assert lines(books(), "investments/US-SHARE") == text("b2 investments 100 abc123 line 7")
    assert lines(books(), "payable_for_investments_purchased/BANK/USD") == text("""
        b2 payable_for_investments_purchased -100 abc123 line 7
    """)


@pytest.mark.parametrize(
    ("figure", "code", "expected"),
    [
        ("csh", "figure-unknown", "such as cash"),
        ("EURO-SHAER", "figure-unknown", "such as EURO-SHARE"),
        ("nva", "figure-unknown", "such as nav"),
        ("cash/ERU", "figure-part-unknown", "such as EUR"),
    ],
)
def test_an_unknown_figure_is_answered_with_the_nearest(figure: str, code: str, expected: str) -> None:
    (letter,) = explain(books(), figure, also=("nav",)).findings
    assert (letter.code, letter.expected.split(",")[0]) == (code, expected)


def test_the_marks_of_a_strike_stand_apart_and_are_all_there_is_of_what_is_never_booked() -> None:
    book = books()
    like = book.journal.slice(0, 1).to_pylist()[0]
    marks = book.journal.from_pylist(
        [{**like, "event_id": "mark", "line": n, "ledger": name, "local": Decimal(a), "base": Decimal(a), "isin": "EURO-SHARE"}
         for n, (name, a) in enumerate((("cash", "2"), ("unrealised_gain", "-2")), 1)], schema=book.journal.schema
    )  # fmt: skip
    cash, gain = (explain(book, figure, marks).value for figure in ("cash/EUR", "unrealised_gain"))
    assert cash and (cash.value, cash.marks.num_rows, cash.lines.num_rows) == (909, 1, 2) and cash.holds
    assert gain and (gain.value, gain.marks.num_rows, gain.lines.num_rows) == (-2, 1, 0)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(months())
def test_every_balance_and_every_position_of_any_month_ties(events: list[ev.Event]) -> None:
    book = keep(*events).value
    figures = {*book.trial_balance()["ledger"].to_pylist(), *book.positions()["isin"].to_pylist()}
    for figure in figures:
        found = book.explain(figure).value
        assert found is not None and found.ties and found.holds, figure
