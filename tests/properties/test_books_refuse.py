"""What cannot be posted is refused with a letter, and nothing else is touched: laws for any event with anything wrong in it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bo_lib.books import Book
from bo_lib.model import events as ev
from bo_lib.model.findings import Outcome
from tests.books.contracts import every_contract, every_other
from tests.books.desk import action, june, keep, manual, payment, reversal, rights, settled, trade
from tests.properties.test_books_laws import months, unbalanced

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
D = Decimal
UNPOSTABLE: dict[str, tuple[ev.Event, str]] = {
    "an instrument nobody knows": (trade("q1", 9, "BUY", 5, "NOWHERE", "10"), "instrument-unknown"),
    "another currency than the instrument's": (trade("q2", 9, "BUY", 5, "EURO-COIN", "10", currency="USD"), "currency-differs"),
    "more sold than held, without shorts": (trade("q3", 9, "SELL", 5, "EURO-COIN", "10"), "position-too-small"),
    "a quantity that is none": (trade("q4", 9, "BUY", 0, "EURO-COIN", "10"), "trade-not-positive"),
    "a price below nothing": (trade("q5", 9, "BUY", 1, "EURO-COIN", "-10"), "trade-not-positive"),
    "a trade nobody booked": (settled("q6", 9, "never", 5, "50"), "trade-unknown"),
    "a currency without a rate": (payment("q7", 9, "interest_income", "10", "GBP"), "rate-missing"),
    "an account that the chart lacks": (payment("q8", 9, "cahs", "10"), "ledger-unknown"),
    "a journal that does not balance": (manual("q9", 9, "ann", "bob", ("cash", "EUR", "5")), "journal-unbalanced"),
    "a journal whose maker is its checker": (
        manual("qa", 9, "ann", "ann", ("cash", "EUR", "5"), ("suspense", "EUR", "-5")), "maker-is-checker"),
    "a number that cannot be kept": (trade("qb", 9, "BUY", 1, "EURO-COIN", "0.0000000000001"), "number-too-fine"),
    "a reversal of nothing": (reversal("qc", 9, "never"), "reverses-unknown"),
    "a security spun off itself": (
        action("spin_off", "qe", 9, "EURO-COIN", new_isin="EURO-COIN", new=1, old=2, cost_pct="4"), "same-instrument"),
    "a lot nobody has": (action("amortisation", "qd", 9, "EURO-COIN", lot_id="l9/1", amount="1"), "lot-unknown"),
}  # fmt: skip


def strict(*events: ev.Event) -> Outcome[Book]:
    return keep(*events, shorts_allowed=False)


@pytest.mark.parametrize("name", UNPOSTABLE)
def test_the_letter_says_where_what_and_what_to_do(name: str) -> None:
    event, code = UNPOSTABLE[name]
    book = strict(event).value
    (refusal,) = book.refused
    letter = refusal.finding
    assert (refusal.event, letter.code, book.journal.num_rows) == (event, code, 0)
    assert (letter.place.sha256, letter.place.at) == ("abc123", "line 7"), "file and line"
    assert letter.message
    assert letter.todo
    assert letter.expected


@QUICK
@given(months(), st.lists(st.sampled_from(sorted(UNPOSTABLE)), unique=True, max_size=6), st.randoms(use_true_random=False))
def test_what_is_refused_leaves_the_rest_as_if_it_had_not_come(events: list[ev.Event], names: list[str], shuffle: Any) -> None:
    bad = [UNPOSTABLE[name][0] for name in names]
    mixed = [*events, *bad]
    shuffle.shuffle(mixed)
    alone, together = strict(*events).value, strict(*mixed).value
    assert together.journal.equals(alone.journal)
    assert together.lots().equals(alone.lots())
    assert _ids(together) == sorted(_ids(alone) + [event.event_id for event in bad])
    assert [r.finding for r in strict(*mixed).value.refused] == [r.finding for r in together.refused]


def _ids(book: Book) -> list[str]:
    return sorted(refusal.event.event_id for refusal in book.refused)


EVERYTHING = [*every_contract(), *every_other()]
WRONG: dict[type, list[Any]] = {
    Decimal: [D(0), D(-1), D("-0.01"), D("1e-11"), D("33.333333333333"), D("1e16"), D("1e-30"), D(100), D("999999999")],
    str: ["", "NOWHERE", "USD", "GBP", "EURO-SHARE", "US-FUTURE", "cash", "l1/1", "f1"],
    date: [june(1), june(30), date(1999, 12, 31), date(2150, 1, 1)],
}


@st.composite
def spoilt(draw: st.DrawFn) -> ev.Event:
    """One event of any kind with one field replaced by a value of its type."""
    event = draw(st.sampled_from(EVERYTHING))
    fixed = ("event_id", "fund", "kind", "effective_date")
    fields = {name: value for name, value in vars(event).items() if name not in fixed and type(value) in WRONG}
    name = draw(st.sampled_from(sorted(fields)))
    values = [v for v in WRONG[type(fields[name])] if _allowed(event, name, v)]
    return event.model_copy(update={name: draw(st.sampled_from(values))}) if values else event


def _allowed(event: ev.Event, name: str, value: Any) -> bool:
    """Events are typed before they reach the books: a word of a fixed list stays in it."""
    try:
        type(event).model_validate({**event.model_dump(), name: value})
    except ValueError:
        return False
    return True


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(spoilt(), min_size=1, max_size=4, unique_by=lambda event: event.event_id), st.booleans())
@example([rights(6).model_copy(update={"rights_isin": "EURO-SHARE"})], True)
def test_whatever_is_wrong_the_books_never_raise_and_always_balance(bad: list[ev.Event], shorts: bool) -> None:
    given_ids = {event.event_id for event in bad}
    events = [*(event for event in EVERYTHING if event.event_id not in given_ids), *bad]
    outcome = keep(*events, shorts_allowed=shorts)
    assert not unbalanced(outcome.value)
    assert all(refusal.finding.message and refusal.finding.todo for refusal in outcome.value.refused)
