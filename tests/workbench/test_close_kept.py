"""A list of the close is read from the chain while nothing has changed that its checks look at."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from bo_lib.model.events import Payment
from bo_lib.workbench import Workbench
from bo_lib.workbench.office import Office


def again(desk: Workbench) -> Workbench:
    return Workbench(Office(desk.office.root), desk.fund.id, desk.day)


def pay(desk: Workbench, day: date) -> None:
    desk.known.book_events([
        Payment(event_id=f"invoice {day}", fund=desk.fund.id, effective_date=day, reference="I", account="ALPINE",
                ledger="audit_fee", currency="EUR", amount=Decimal(-10))
    ])  # fmt: skip


def test_the_same_is_not_looked_at_again(desk: Workbench) -> None:
    first = desk.close_tasks()
    later = again(desk)
    assert later.is_kept()
    assert later.close_tasks().to_dict()["sections"] == first.to_dict()["sections"]
    assert not {("struck",), ("booked",)} & later.done.keys(), "nothing was worked out"


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        (lambda desk: desk.sign_tasks(), True),
        (lambda desk: pay(desk, date(2026, 6, 3)), True),
        (lambda desk: pay(desk, date(2026, 6, 1)), False),
        (lambda desk: (desk.office.root / "parameters" / "rules" / "more.yaml").write_text("a: 1\n"), False),
        (lambda desk: (desk.office.root / "parameters" / "funds" / "GLOBAL-BOND.yaml").unlink(), True),
        (lambda desk: desk.soft_close("so far"), True),  # refused: not every task is done
    ],
    ids=["signed", "a later day", "a late invoice", "a rule", "another fund's terms", "refused"],
)
def test_only_what_the_checks_depend_on_counts(desk: Workbench, change: Callable[[Workbench], object], kept: bool) -> None:
    desk.close_tasks()
    change(again(desk))
    assert again(desk).is_kept() == kept


def test_a_desk_that_looks_at_the_past_works_it_out(desk: Workbench) -> None:
    desk.close_tasks()
    past = Workbench(desk.office, desk.fund.id, desk.day, "2026-06-02T23:00:00Z")
    past.closing()
    assert ("struck",) in past.done
