"""The door of the books: a closed month takes nothing, what comes late is an adjustment, what is refused waits for a person."""

from datetime import date
from decimal import Decimal

from bo_lib.model.events import Accrual, Capital, JournalLine, ManualJournal, Settlement, Trade
from bo_lib.workbench import Workbench
from bo_lib.workbench.door import Door
from bo_lib.workbench.known import Known

FUND, MAY = "EURO-UCITS", date(2026, 5, 31)


def bought(desk: Workbench, name: str, day: date, **more: object) -> Trade:
    like = next(e for e in desk.known.standing(Trade) if e.side == "BUY")
    return like.model_copy(update={"event_id": f"trade:{FUND}:{name}:v1", "trade_id": name, "effective_date": day, **more})


def close_may(desk: Workbench) -> None:
    Door(desk.office, desk.fund).lock(MAY, "hard", "the month is closed")


def test_a_late_trade_of_a_closed_month_is_booked_on_the_first_open_day_and_keeps_its_own_date(desk: Workbench) -> None:
    close_may(desk)
    late = bought(desk, "LATE", date(2026, 5, 28))
    before = desk.known.book(until=MAY).value.trial_balance()
    assert desk.known.book_events([late]) == 1
    booked = next(e for e in desk.known.standing(Trade) if e.trade_id == "LATE")
    assert (booked.effective_date, booked.own_date) == (date(2026, 6, 1), date(2026, 5, 28))
    assert desk.known.book(until=MAY).value.trial_balance().equals(before), "nothing is posted into May"
    assert desk.known.book_events([late]) == 0, "the same trade again adds nothing"


def test_a_late_trade_that_is_amended_once_more_is_taken_back_in_the_open_month(desk: Workbench) -> None:
    close_may(desk)
    late = bought(desk, "LATE", date(2026, 5, 28))
    desk.known.book_events([late])
    assert desk.known.book_events([late.model_copy(update={"quantity": late.quantity - 1})]) == 2
    ours = [e for e in desk.known.events() if "LATE" in e.event_id]
    assert {e.effective_date for e in ours} == {date(2026, 6, 1)}
    assert [e.quantity for e in desk.known.standing(Trade) if e.trade_id == "LATE"] == [late.quantity - 1]


def test_a_trade_booked_before_the_month_was_closed_is_not_booked_again_when_its_file_is_read_again(desk: Workbench) -> None:
    early = bought(desk, "EARLY", date(2026, 5, 29))
    assert desk.known.book_events([early]) == 1
    close_may(desk)
    assert desk.known.book_events([early]) == 0
    assert desk.known.book_events([early.model_copy(update={"price": early.price + 1})]) == 2
    changed = [e.effective_date for e in desk.known.events() if "EARLY" in e.event_id]
    assert changed == [date(2026, 5, 29), date(2026, 6, 1), date(2026, 6, 1)], "the amendment takes it back in June"
    assert not desk.known.book().value.refused


def test_a_manual_journal_and_an_accrual_of_a_closed_month_wait_and_the_rest_of_the_batch_is_booked(desk: Workbench) -> None:
    close_may(desk)
    lines = tuple(
        JournalLine(ledger=name, account="ALPINE" if name == "cash" else "", currency="EUR", local=Decimal(n), base=Decimal(n))
        for name, n in (("cash", 5), ("suspense", -5))
    )
    journal = ManualJournal(
        event_id="MJ1", fund=FUND, effective_date=date(2026, 5, 29), lines=lines, reason="found", maker="ann", checker="ben"
    )
    fee = Accrual(event_id="F1", fund=FUND, effective_date=date(2026, 5, 29), name="audit_fee", currency="EUR", amount=Decimal(3))
    assert desk.known.book_events([journal, fee, bought(desk, "LATE", date(2026, 5, 28))]) == 1
    waits = desk.known.refused()
    assert {(r.event.event_id, r.finding.code) for r in waits} == {("MJ1", "period-closed"), ("F1", "period-closed")}
    desk.known.book_events([journal, fee])
    assert len(desk.known.refused()) == 2, "said once, however often it comes"
    assert desk.office.store.verify().ok


def test_a_month_that_is_open_again_takes_everything(desk: Workbench) -> None:
    door = Door(desk.office, desk.fund)
    door.lock(MAY, "hard", "closed")
    door.lock(MAY, "open", "reopened by two people")
    desk.known.book_events([bought(desk, "LATE", date(2026, 5, 28))])
    assert next(e for e in desk.known.standing(Trade) if e.trade_id == "LATE").effective_date == date(2026, 5, 28)


def test_a_correction_by_a_person_is_not_put_back_by_the_same_file(desk: Workbench) -> None:
    wrong = bought(desk, "B1", date(2026, 6, 2), isin="XX0000000000")
    desk.known.book_events([wrong])
    isin = next(e for e in desk.known.standing(Trade) if e.trade_id != "B1").isin
    made = Door(desk.office, desk.fund).correct(desk.known.refused(), wrong.event_id, {"isin": isin}, "misspelt")
    assert made.ok and not desk.known.refused()
    assert desk.known.book_events([wrong]) == 0
    assert [e.isin for e in desk.known.standing(Trade) if e.trade_id == "B1"] == [isin]


def test_what_waits_at_the_door_is_corrected_to_an_open_day(desk: Workbench) -> None:
    close_may(desk)
    fee = Accrual(event_id="F1", fund=FUND, effective_date=date(2026, 5, 29), name="audit_fee", currency="EUR", amount=Decimal(3))
    desk.known.book_events([fee])
    still = Door(desk.office, desk.fund).correct(desk.known.refused(), "F1", {"effective_date": "2026-05-30"}, "another day")
    assert [f.code for f in still.findings] == ["period-closed"]
    assert [r.event.event_id for r in desk.known.refused()] == ["F1~2"], "it waits under its own version"
    made = Door(desk.office, desk.fund).correct(desk.known.refused(), "F1~2", {"effective_date": "2026-06-01"}, "in June")
    assert made.ok and not desk.known.refused()
    assert [e.event_id for e in desk.known.standing(Accrual) if e.name == "audit_fee"] == ["F1~3"]
    desk.known.book_events([fee])
    assert not desk.known.refused(), "its source says the same again: nothing waits"


def test_a_late_settlement_moves_cash_in_the_open_month(desk: Workbench) -> None:
    early = bought(desk, "EARLY", date(2026, 5, 29))
    desk.known.book_events([early])
    close_may(desk)
    paid = Settlement(
        event_id="S1", fund=FUND, effective_date=date(2026, 5, 30), trade_id="EARLY", quantity=early.quantity, amount=Decimal(10)
    )
    assert desk.known.book_events([paid]) == 1
    moved = desk.known.book().value.cash_movements(date(2026, 6, 1), date(2026, 6, 1)).to_pylist()
    assert [row["value_date"] for row in moved if row["event_id"] == "S1"] == [date(2026, 6, 1)]


def test_an_event_that_should_never_have_come_is_withdrawn_and_does_not_come_back(desk: Workbench) -> None:
    wrong = bought(desk, "B1", date(2026, 6, 2), isin="XX0000000000")
    desk.known.book_events([wrong])
    door = Door(desk.office, desk.fund)
    assert [f.code for f in door.withdraw(desk.known.refused(), wrong.event_id, "").findings] == ["correction-empty"]
    assert door.withdraw(desk.known.refused(), wrong.event_id, "sent for another fund").ok
    assert not desk.known.refused()
    assert desk.known.book_events([wrong]) == 0 and not desk.known.refused(), "its source says the same again"


def test_another_version_of_what_was_withdrawn_at_the_door_waits_again(desk: Workbench) -> None:
    """Only what a person has seen is kept out: the source that sends another amount is heard, and said once."""
    close_may(desk)
    fee = Accrual(event_id="F1", fund=FUND, effective_date=date(2026, 5, 29), name="audit_fee", currency="EUR", amount=Decimal(3))
    desk.known.book_events([fee])
    assert Door(desk.office, desk.fund).withdraw(desk.known.refused(), "F1", "not ours").ok
    amended = fee.model_copy(update={"amount": Decimal(300)})
    for _ in range(2):
        desk.known.book_events([fee, amended])
        assert [(r.event.event_id, r.event.amount) for r in desk.known.refused()] == [("F1~2", 300)]
    assert desk.known.book_events([amended.model_copy(update={"effective_date": date(2026, 6, 1)})]) == 1


def test_a_version_that_was_withdrawn_at_the_door_does_not_hide_the_next(desk: Workbench) -> None:
    """Its first version stands, the second was refused and withdrawn: the third waits under an id of its own."""
    day = date(2026, 6, 1)
    fee = Accrual(event_id="F1", fund=FUND, effective_date=day, name="audit_fee", currency="EUR", amount=Decimal(3))
    desk.known.book_events([fee])
    Door(desk.office, desk.fund).lock(day, "hard", "closed")
    for version, amount in ((2, 300), (3, 500)):
        changed = fee.model_copy(update={"amount": Decimal(amount)})
        for _ in range(2):
            desk.known.book_events([changed])
            assert [(r.event.event_id, r.event.amount) for r in desk.known.refused()] == [(f"F1~{version}", amount)]
        Door(desk.office, desk.fund).withdraw(desk.known.refused(), f"F1~{version}", "not ours")
        desk.known.book_events([changed])
        assert not desk.known.refused()
    assert [e.amount for e in desk.known.standing(Accrual) if e.name == "audit_fee"] == [3]


def test_money_paid_before_its_units_count_is_in_the_cash_of_its_day(desk: Workbench) -> None:
    """The same on the evening of the day and looking back at it later."""
    account = next(a.id for a in desk.fund.accounts if "EUR" in a.cash)
    paid, counts = desk.day, date(2026, 6, 30)
    order = Capital(
        event_id=f"{FUND}:capital:EARLY", fund=FUND, effective_date=counts, order_id="EARLY", investor="INV-1", account=account,
        share_class="A", action="REDEEM", units=Decimal(1), amount=Decimal(100), amount_base=Decimal(100),
        currency="EUR", settlement_date=paid,
    )  # fmt: skip
    desk.known.book_events([order])
    for known in (desk.known, Known(desk.office, FUND, counts)):
        moved = known.book(until=paid).value.cash_movements(paid, paid).to_pylist()
        assert [row["amount"] for row in moved if row["reference"] == "EARLY"] == [-100]
    assert order.event_id not in {e.event_id for e in desk.known.events()}, "its units are not there yet"
