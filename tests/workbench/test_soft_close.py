"""A period that is soft closed: what comes for it waits at the door, and a second person says what becomes of it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from bo_lib.model.events import Payment, Reversal
from bo_lib.workbench import Workbench
from bo_lib.workbench.door import Door

CLOSED, OPEN = date(2026, 6, 1), date(2026, 6, 2)


def invoice(amount: str = "10", day: date = CLOSED, event_id: str = "late") -> Payment:
    return Payment(
        event_id=event_id, fund="EURO-UCITS", effective_date=day, reference=event_id, account="ALPINE", ledger="audit_fee",
        currency="EUR", amount=-Decimal(amount),
    )  # fmt: skip


@pytest.fixture
def door(desk: Workbench, monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setenv("BO_ACTOR", "ana")
    made = Door(desk.office, desk.fund)
    made.lock(CLOSED, "soft", "June so far")
    return made


def fresh(door: Door) -> Door:
    return Door(door.office, door.fund)


def waiting(door: Door) -> list[tuple[str, str]]:
    return [(p.about, p.by) for p in door.proposals.known.values() if p.state == "waiting"]


def test_what_comes_for_a_soft_closed_period_waits(door: Door) -> None:
    assert door.enter([invoice()]) == 0 and waiting(door) == [("late", "ana")]
    assert fresh(door).enter([invoice()]) == 0 and len(door.proposals.known) == 1  # said again, it waits once
    assert fresh(door).enter([invoice(day=OPEN, event_id="in time")]) == 1


def test_a_second_person_posts_it_on_its_own_date(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    door.enter([invoice()])
    assert [f.code for f in door.approve("late").findings] == ["proposal-approved-refused"]
    monkeypatch.setenv("BO_ACTOR", "ben")
    assert fresh(door).approve("late").ok
    assert fresh(door).stored["late"].effective_date == CLOSED
    assert fresh(door).enter([invoice()]) == 0 and waiting(door) == []


def test_or_books_it_in_the_open_period_where_it_keeps_its_date(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    door.enter([invoice()])
    monkeypatch.setenv("BO_ACTOR", "ben")
    assert fresh(door).defer("late", "too small to open June").ok
    posted = fresh(door).stored["late"]
    assert (posted.effective_date, posted.own_date) == (OPEN, CLOSED)
    assert fresh(door).enter([invoice()]) == 0 and waiting(door) == []


def test_or_refuses_it_for_a_reason_and_it_does_not_come_back(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    door.enter([invoice()])
    monkeypatch.setenv("BO_ACTOR", "ben")
    assert not door.proposals.reject("late", "").ok
    assert door.proposals.reject("late", "of another fund").ok
    assert fresh(door).enter([invoice()]) == 0 and waiting(door) == [] and "late" not in fresh(door).stored
    fresh(door).enter([invoice("11")])  # something else is another question
    assert waiting(door) == [("late", "ben")]


def test_another_version_takes_the_place_of_the_one_that_waits(door: Door) -> None:
    door.enter([invoice()])
    fresh(door).enter([invoice("11")])
    states = [(p.content["event"]["amount"], p.state) for p in door.proposals.known.values()]
    assert states == [("-10", "rejected"), ("-11", "waiting")]


def test_another_version_of_what_stands_waits_with_its_reversal(desk: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BO_ACTOR", "ana")
    door = Door(desk.office, desk.fund)
    assert door.enter([invoice()]) == 1
    door.lock(CLOSED, "soft", "June so far")
    assert fresh(door).enter([invoice("11")]) == 0 and "late" not in fresh(door).dead
    ((about, _),) = waiting(door)
    monkeypatch.setenv("BO_ACTOR", "ben")
    assert fresh(door).approve(about).ok
    stored = fresh(door).stored
    assert isinstance(stored["late~reversed"], Reversal) and stored["late~2"].amount == Decimal(-11)


def test_a_correction_below_the_limit_takes_two_people_as_well(desk: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BO_ACTOR", "ana")
    door = Door(desk.office, desk.fund)
    door.enter([invoice()])
    door.lock(CLOSED, "soft", "June so far")
    assert "waits for a second person" in desk.correct("late", {"amount": "-9"}, "typed wrong").summary
    assert waiting(door) == [("late", "ana")]
    assert desk.withdraw("late", "of another fund").findings[0].code == "proposal-waits"


def test_once_the_period_is_closed_for_good_what_waits_is_booked_after_it(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    door.enter([invoice()])
    door.lock(CLOSED, "hard", "June so far")
    monkeypatch.setenv("BO_ACTOR", "ben")
    assert fresh(door).approve("late").ok and fresh(door).stored["late"].effective_date == OPEN


def test_a_period_opened_again_takes_postings_of_one_person(door: Door) -> None:
    door.lock(CLOSED, "open", "an error")
    assert door.enter([invoice()]) == 1


def test_a_month_that_has_not_ended_is_not_closed(desk: Workbench) -> None:
    assert "2026-06-02 is not the last business day of 2026-06" in desk.soft_close("June").summary
    assert desk.close_record().lock == "open"
