"""Breaks over days: older, changed, gone, written off; all of it a fold of facts."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

from bo_lib.recon import BreakChanges, Reconciliation, Rules, breaks_on, carry, decisions, open_breaks, open_breaks_table
from bo_lib.recon.decisions import Said
from tests.recon.scenario import june
from tests.recon.test_cash import Desk
from tests.recon.test_positions import reconcile


class Ledger:
    """The facts of a reconciliation, appended day by day."""

    def __init__(self) -> None:
        self.facts: list[dict[str, Any]] = []

    def day(self, day: int, reconciliation: Reconciliation) -> BreakChanges:
        states = breaks_on(self.facts, june(day)).values()
        decided = [s for s in states if s.is_decided]
        changes = carry([s.found for s in states if s.is_open], reconciliation, june(day), "TARGET", decided)
        self.facts += json.loads(json.dumps(changes.payloads))
        return changes

    def open(self, day: int) -> list[dict[str, Any]]:
        return open_breaks_table(open_breaks(self.facts, june(day)), june(day), "TARGET").to_pylist()


def positions(rules: Rules, here: str, there: str) -> Reconciliation:
    return reconcile(rules, {"DE1": here}, {"DE1": there}).value


def test_the_same_difference_is_the_same_break_growing_older(position_rules: Rules) -> None:
    ledger = Ledger()
    ledger.day(2, positions(position_rules, "100", "90"))
    changes = ledger.day(8, positions(position_rules, "110", "100"))
    assert changes.payloads == [] and len(changes.older) == 1
    (row,) = ledger.open(8)  # Tuesday to Monday: four business days
    assert (row["opened"], row["age_business_days"], row["age_band"], row["due"], row["overdue"]) == (
        june(2),
        4,
        "2-5",
        june(3),
        "yes",
    )
    assert row["owner"] == "securities operations" and row["value_base"] == 100


def test_ageing_and_due_dates_count_no_holiday(position_rules: Rules) -> None:
    thursday = date(2026, 4, 2)  # before Good Friday and Easter Monday
    opened = carry((), positions(position_rules, "100", "90"), thursday, "TARGET").opened[0]
    ages = {day: opened.age_business_days(date(2026, 4, day), "TARGET") for day in (2, 3, 6, 7, 8)}
    assert ages == {2: 0, 3: 0, 6: 0, 7: 1, 8: 2} and opened.due == date(2026, 4, 7)
    assert [open_breaks_table([opened], date(2026, 4, day), "TARGET")["overdue"][0].as_py() for day in (7, 8)] == ["no", "yes"]


def test_a_new_amount_is_a_new_break_linked_to_the_old(position_rules: Rules) -> None:
    ledger = Ledger()
    first = ledger.day(2, positions(position_rules, "100", "90")).opened[0]
    changes = ledger.day(3, positions(position_rules, "100", "80"))
    assert [reason for _, reason in changes.closed] == ["amount changed from 10 to 20"]
    (row,) = ledger.open(3)
    assert (row["previous"], row["age_business_days"], row["amount"]) == (first.break_id, 0, 20)


def test_what_is_gone_closes_by_itself_and_may_come_back(position_rules: Rules) -> None:
    ledger = Ledger()
    ledger.day(2, positions(position_rules, "100", "90"))
    closed = ledger.day(3, positions(position_rules, "100", "100")).closed
    assert [reason for _, reason in closed] == ["matched by quantity with 100 DE1"]
    assert ledger.open(3) == [] and len(ledger.open(2)) == 1
    ledger.day(4, positions(position_rules, "100", "90"))
    assert [row["opened"] for row in ledger.open(4)] == [june(4)]


def test_breaks_of_an_account_that_could_not_be_compared_stay(cash_rules: Rules) -> None:
    ledger, desk = Ledger(), Desk(cash_rules).bank(2, ("-5", None, {"code": "NCHG"}))
    ledger.day(2, desk.reconcile(2).value)
    changes = ledger.day(3, desk.reconcile(3).value)  # no statement of the 3rd
    assert changes.closed == () and len(ledger.open(3)) == 1


def test_identical_cash_items_are_breaks_of_their_own(cash_rules: Rules) -> None:
    ledger, desk = Ledger(), Desk(cash_rules).bank(2, ("-5", None), ("-5", None))
    ledger.day(2, desk.reconcile(2).value)
    assert len(ledger.open(2)) == 2
    ledger.day(3, desk.books("-5", 2, None).bank(3).reconcile(3).value)
    assert [row["age_business_days"] for row in ledger.open(3)] == [1]


def test_an_item_booked_with_another_amount_is_linked(cash_rules: Rules) -> None:
    ledger, desk = Ledger(), Desk(cash_rules).bank(2, ("-500", "T9"))
    ledger.day(2, desk.reconcile(2).value)
    ledger.day(3, desk.books("-450", 2, "T9").bank(3).reconcile(3).value)
    (row,) = ledger.open(3)
    assert (row["kind"], row["amount"]) == ("amount", 50) and row["previous"]


def test_a_break_that_people_accepted_does_not_come_back_but_a_new_amount_does(position_rules: Rules) -> None:
    ledger = Ledger()
    opened = ledger.day(2, positions(position_rules, "100", "90")).opened[0]
    said = Said("ann", june(2), "agreed with the custodian")
    ledger.facts += decisions.write_off([breaks_on(ledger.facts, june(2))[opened.break_id]], said, Decimal(1000)).payloads
    ledger.day(3, positions(position_rules, "100", "90"))
    assert ledger.open(3) == []
    ledger.day(4, positions(position_rules, "100", "89"))
    assert [row["amount"] for row in ledger.open(4)] == [11]


def test_other_reconciliations_are_left_alone(position_rules: Rules, cash_rules: Rules) -> None:
    ledger = Ledger()
    ledger.day(2, positions(position_rules, "100", "90"))
    changes = ledger.day(2, Desk(cash_rules).bank(2).reconcile(2).value)
    assert changes.closed == () and len(ledger.open(2)) == 1
