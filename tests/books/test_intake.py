"""What the books refuse waits, comes back corrected, and a closed period stays closed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from bo_lib.books import Book, Refusal, adjustments, admit, corrected, find_waiting, waiting
from bo_lib.model.events import Event
from bo_lib.model.findings import Outcome
from tests.books.desk import accrual, codes, dividend, june, keep, manual, trade


def resubmit(waits: Book | Iterable[Refusal], event_id: str, changes: Mapping[str, str], reason: str) -> Outcome[tuple[Event, ...]]:
    """As the door does: the event that waits, corrected."""
    found = find_waiting(waits, event_id)
    return corrected(found.value, changes, reason) if found.value else Outcome((), found.findings)


def test_a_refused_trade_waits_with_the_reason_and_its_line() -> None:
    book = keep(trade("b1", 1, "BUY", 10, "EURO-SHAER", "9"), trade("b2", 2, "BUY", 10, "EURO-SHARE", "9")).value
    (row,) = waiting(book.refused).to_pylist()
    assert (row["event_id"], row["code"], row["field"], row["at"], row["file"]) == (
        "b1",
        "instrument-unknown",
        "isin",
        "line 7",
        "abc123",
    )
    assert row["expected"] == "a known ISIN, such as EURO-SHARE"
    assert book.lots().num_rows == 1, "the rest of the batch is booked"


def test_corrected_and_resubmitted_it_is_booked_and_nothing_waits() -> None:
    wrong = trade("b1", 1, "BUY", 10, "EURO-SHAER", "9")
    again = resubmit(keep(wrong).value, "b1", {"isin": "EURO-SHARE"}, "misspelt").value
    assert [event.event_id for event in again] == ["b1~reversed", "b1~2"]
    outcome = keep(wrong, *again)
    assert not outcome.findings
    assert outcome.value.lots().to_pylist()[0]["lot_id"] == "b1~2/1"


def test_a_correction_that_is_wrong_again_waits_under_its_own_version() -> None:
    wrong = trade("b1", 1, "BUY", 10, "EURO-SHAER", "9")
    first = resubmit(keep(wrong).value, "b1", {"isin": "EURO-SHERA"}, "misspelt").value
    book = keep(wrong, *first).value
    assert [r.event.event_id for r in book.refused] == ["b1~2"]
    second = resubmit(book, "b1~2", {"isin": "EURO-SHARE"}, "misspelt again").value
    assert second[1].event_id == "b1~3"
    assert not keep(wrong, *first, *second).findings


def test_what_cannot_be_corrected_so_is_said() -> None:
    event = trade("b1", 1, "BUY", 10, "EURO-SHARE", "9")
    assert [(f.code, f.expected) for f in corrected(event, {"quantitty": 3}, "typo").findings] == [
        ("field-unknown", "such as quantity")
    ]
    assert [f.code for f in corrected(event, {"event_id": "x"}, "typo").findings] == ["field-unknown"]
    assert [(f.code, f.place.field) for f in corrected(event, {"side": "BYU"}, "typo").findings] == [("value-unfit", "side")]
    assert [f.code for f in corrected(event, {}, "").findings] == ["correction-empty"]
    assert [f.code for f in resubmit(keep(event).value, "b1", {"price": "8"}, "x").findings] == ["not-waiting"]


def test_one_person_cannot_correct_what_two_have_to_sign() -> None:
    """Neither the name that was missing nor the money that was signed."""
    journal = manual("m1", 1, "ann", "ann", ("cash", "EUR", "5"), ("suspense", "EUR", "-5"))
    book = keep(journal).value
    for changes in ({"checker": "ben"}, {"lines": []}):
        assert [f.code for f in resubmit(book, "m1", changes, "signed").findings] == ["journal-signed"]


def test_a_closed_period_is_refused_and_the_rest_goes_on() -> None:
    late, on_time = trade("b1", 1, "BUY", 10, "EURO-SHARE", "9"), trade("b2", 5, "BUY", 10, "EURO-SHARE", "9")
    admitted = admit([late, on_time], june(4))
    assert admitted.events == (on_time,)
    assert [(r.event, r.finding.code, r.finding.expected) for r in admitted.refused] == [
        (late, "period-closed", "a day after 2026-06-04")
    ]
    assert waiting(admitted.refused).num_rows == 1
    assert admit([late], None).events == (late,)


def test_a_late_trade_is_booked_on_the_first_open_day_and_reported() -> None:
    late = trade("b1", 1, "BUY", 10, "EURO-SHARE", "9")
    admitted = admit([late, accrual("a1", 6, "audit_fee", "3")], june(4), first_open=june(5))
    assert [event.effective_date for event in admitted.events] == [june(5), june(6)]
    assert [event.own_date for event in admitted.events] == [june(1), june(6)], "the trade keeps its own date"
    (row,) = admitted.adjustments.to_pylist()
    assert (row["event_id"], row["belongs_to"], row["booked_on"], row["reference"]) == ("b1", june(1), june(5), "B1")
    assert not codes(keep(*admitted.events))
    assert adjustments(admitted.events).equals(admitted.adjustments)
    with pytest.raises(ValueError, match="lies in the period"):
        admit([late], june(4), first_open=june(4))


def test_what_the_house_makes_itself_or_depends_on_the_position_of_its_day_waits_even_when_late_items_are_taken() -> None:
    late = [accrual("a1", 1, "audit_fee", "3"), dividend("d1", 2, "EURO-SHARE", "1", "0", 3)]
    admitted = admit(late, june(4), first_open=june(5))
    assert not admitted.events and [r.finding.code for r in admitted.refused] == ["period-closed"] * 2


def test_an_id_that_does_not_wait_is_answered_with_the_nearest_that_does() -> None:
    waits = keep(trade("trade-1", 1, "BUY", 10, "EURO-SHAER", "9")).value
    (letter,) = resubmit(waits, "trade-l", {"isin": "EURO-SHARE"}, "x").findings
    assert (letter.code, letter.expected) == ("not-waiting", "such as trade-1")
    assert resubmit(waits.refused, "trade-1", {"isin": "EURO-SHARE"}, "x").ok
