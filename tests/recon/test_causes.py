"""Causes that lie outside the two sides: announcements, messages, trades, and the books of the day before."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bo_lib.recon import Break, Reconciliation, Rules
from bo_lib.recon.causes import Background, explained
from tests.recon.scenario import june
from tests.recon.test_cash import Desk
from tests.recon.test_positions import reconcile

DIVIDEND = {
    "event_ref": "DV1", "caev": "DVCA", "isin": "DE1", "ex_date": june(3), "record_date": june(4), "payment_date": june(10),
    "currency": "EUR", "rate": Decimal("0.5"), "withholding_pct": Decimal(20), "eligible": Decimal(1000),
}  # fmt: skip


def trade(name: str, side: str, quantity: str, traded: int, settles: int, isin: str = "DE1") -> dict[str, Any]:
    return {"trade_id": name, "account": "ALPINE", "isin": isin, "side": side, "quantity": Decimal(quantity),
            "trade_date": june(traded), "settlement_date": june(settles)}  # fmt: skip


def message(reference: str, side: str, quantity: str, status: str = "settled") -> dict[str, Any]:
    return {"reference": reference, "account": "ALPINE", "status": status, "isin": "DE1", "side": side,
            "quantity": Decimal(quantity), "effective_date": june(5)}  # fmt: skip


def why(result: Reconciliation, day: int = 10, **known: Any) -> tuple[str, str]:
    (item,) = _items(result, day, **known)
    return item.cause, item.evidence


def _items(result: Reconciliation, day: int, **known: Any) -> tuple[Break, ...]:
    return explained(result, Background(june(day), "TARGET", **known)).items


def test_income_that_the_bank_paid_and_we_have_not_booked_is_named_with_its_announcement(cash_rules: Rules) -> None:
    result = Desk(cash_rules).bank(10, ("400", "DV1")).reconcile(10).value
    cause, evidence = why(result, announcements=[DIVIDEND])
    assert cause == "income not booked"
    assert evidence == "DVCA DV1 announced: 0.5 EUR on 1000 less 20%, ex 2026-06-03, paid 2026-06-10"


def test_income_that_we_booked_is_late_only_after_a_day(cash_rules: Rules) -> None:
    desk = Desk(cash_rules).books("400", 10, "DV1").bank(10).bank(11).bank(12)
    assert why(desk.reconcile(10).value, announcements=[DIVIDEND])[0] == "timing"
    assert why(desk.reconcile(12).value, 12, announcements=[DIVIDEND])[0] == "income not paid by the custodian"


def test_a_dividend_on_other_quantities_is_a_trade_around_the_ex_date(cash_rules: Rules) -> None:
    desk = Desk(cash_rules).books("400", 10, "DV1", isin="DE1").bank(10, ("360", "DV1"))
    across = trade("T1", "BUY", "100", 2, 4)
    cause, evidence = why(desk.reconcile(10).value, announcements=[DIVIDEND], trades=[across, trade("T2", "BUY", "100", 3, 5)])
    assert cause == "traded around the ex date" and "BUY 100 under T1 of 2026-06-02 settled 2026-06-04" in evidence
    unknown, said = why(desk.reconcile(10).value, announcements=[DIVIDEND])
    assert unknown != "traded around the ex date" and "net 400" in said, "the announced amount tells which side is right"


def test_two_announcements_that_fit_name_none(cash_rules: Rules) -> None:
    result = (
        Desk(cash_rules)
        .books("400", 8, "X", isin="DE1", text="dividends receivable settled")
        .bank(8)
        .bank(9)
        .bank(10)
        .reconcile(10)
        .value
    )
    assert "DV1" in why(result, announcements=[DIVIDEND])[1]
    other = {**DIVIDEND, "event_ref": "DV2", "payment_date": june(9)}
    assert "DV" not in why(result, announcements=[DIVIDEND, other])[1]


def test_money_for_a_trade_that_we_do_not_have(cash_rules: Rules) -> None:
    result = Desk(cash_rules).bank(5, ("-900", "T7", {"code": "NSEC"})).reconcile(5).value
    cause, evidence = why(result, 5, statuses=[message("T7", "RECEIVE", "90")])
    assert cause == "trade not booked by us" and "settled for T7: RECEIVE 90 DE1" in evidence


def test_securities_settled_under_an_unknown_reference(position_rules: Rules) -> None:
    result = reconcile(position_rules, {"DE1": "100"}, {"DE1": "190"}).value
    assert why(result, 5, statuses=[message("T7", "RECEIVE", "90")])[0] == "trade not booked by us"
    assert why(result, 5, statuses=[message("T7", "DELIVER", "90")])[0] == "", "the wrong way round"
    two = [message("T7", "RECEIVE", "90"), message("T8", "RECEIVE", "90")]
    assert why(result, 5, statuses=two)[0] == "", "two fit: neither is named"


def test_a_statement_that_still_shows_yesterdays_position_is_stale(position_rules: Rules) -> None:
    result = reconcile(position_rules, {"DE1": "100"}, {"DE1": "190"}).value
    cause, evidence = why(result, before=lambda account, isin: Decimal(190))
    assert cause == "stale statement" and evidence.endswith("custodian shows 190, what the books held the business day before")
    assert why(result, before=lambda account, isin: Decimal(100))[0] == ""


def test_a_settled_trade_that_the_custodian_does_not_show_or_shows_twice(position_rules: Rules) -> None:
    known = {"statuses": [message("T1", "RECEIVE", "10")], "trades": [trade("T1", "BUY", "10", 2, 4)]}
    less = reconcile(position_rules, {"DE1": "100"}, {"DE1": "90"}).value
    more = reconcile(position_rules, {"DE1": "100"}, {"DE1": "110"}).value
    assert why(less, 5, **known)[0] == "settled trade not shown by the custodian"
    assert why(more, 5, **known)[0] == "trade counted twice by the custodian"
    assert why(less, 30, **known)[0] == "", "settled too long ago"
    found = explained(less, Background(june(5), "TARGET", **known)).comparison
    assert found is not None and found["cause"].to_pylist() == ["settled trade not shown by the custodian"]


def test_a_strong_cause_is_left_alone(cash_rules: Rules) -> None:
    result = Desk(cash_rules).bank(10, ("-5", "DV1", {"code": "NCHG"})).reconcile(10).value
    assert why(result, announcements=[DIVIDEND])[0] == "fee charged by the bank"
