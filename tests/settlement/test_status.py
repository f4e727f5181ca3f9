"""A custodian's messages against open trades: what is booked, what is watched, what is asked."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from bo_lib.books.book import OPEN_TRADES
from bo_lib.model.events import Settlement
from bo_lib.model.findings import Outcome
from bo_lib.model.tables import SETTLEMENTS
from bo_lib.settlement import SettlementDay, settle


def june(day: int) -> date:
    return date(2026, 6, day)


def trade(
    name: str = "T1", side: str = "BUY", quantity: str = "100", amount: str = "5000", due: int = 4, **more: Any
) -> dict[str, Any]:
    signed = Decimal(amount) * (-1 if side in ("BUY", "COVER") else 1)
    return {
        "trade_id": name, "event_id": f"trade:{name}", "account": "ALPINE", "isin": "DE1", "side": side,
        "quantity_open": Decimal(quantity),
        "currency": "EUR", "amount_open": signed, "trade_date": june(2), "settlement_date": june(due),
        "counterparty": "CALDER", **more,
    }  # fmt: skip


def message(
    status: str = "settled", name: str = "T1", quantity: str = "100", amount: str = "5000", day: int = 4, **more: Any
) -> dict[str, Any]:
    return {
        "reference": name, "account": "ALPINE", "status": status, "isin": "DE1", "side": "RECEIVE", "quantity": Decimal(quantity),
        "currency": "EUR", "amount": Decimal(amount), "effective_date": june(day), "file": "f", "at": "1", **more,
    }  # fmt: skip


def settled(
    trades: list[dict[str, Any]], messages: list[dict[str, Any]], day: int = 4, booked: tuple[Settlement, ...] = ()
) -> Outcome[SettlementDay]:
    return settle(
        pa.Table.from_pylist(messages, SETTLEMENTS.schema), pa.Table.from_pylist(trades, OPEN_TRADES.schema), june(day),
        fund="EURO",
        calendar="TARGET", booked=booked, to_eur=lambda currency, amount: amount,
    )  # fmt: skip


def codes(found: Outcome[SettlementDay]) -> list[str]:
    return [f.code for f in found.findings]


def watched(found: Outcome[SettlementDay]) -> list[tuple[str, str, str, int]]:
    return [(r["trade_id"], r["state"], r["next_step"], r["days_late"]) for r in found.value.watch.to_pylist()]


def test_a_confirmation_settles_the_trade() -> None:
    found = settled([trade()], [message()])
    (event,) = found.value.events
    assert (event.trade_id, event.quantity, event.amount, event.effective_date) == ("T1", 100, 5000, june(4))
    assert event.source == "f#1" and watched(found) == [] and codes(found) == []


def test_running_again_books_nothing_twice() -> None:
    first = settled([trade()], [message()]).value.events
    again = settled([], [message()], booked=first)
    assert again.value.events == () and codes(again) == []


def test_the_same_confirmation_in_another_file_books_nothing() -> None:
    found = settled([trade()], [message(), message(file="resent", at="7")])
    assert len(found.value.events) == 1


def test_two_equal_part_settlements_are_two() -> None:
    parts = [
        message("partially_settled", quantity="50", amount="2500"),
        message("partially_settled", quantity="50", amount="2500", at="2"),
    ]
    found = settled([trade()], parts)
    assert [e.quantity for e in found.value.events] == [50, 50] and watched(found) == []


def test_a_part_settlement_leaves_the_rest_open() -> None:
    found = settled([trade()], [message("partially_settled", quantity="40", amount="2000")], day=5)
    (row,) = found.value.watch.to_pylist()
    assert (row["quantity_open"], row["amount_open"], row["state"], row["days_late"]) == (60, -3000, "partially_settled", 1)
    assert codes(found) == ["settlement-partially-settled"]


@pytest.mark.parametrize(
    ("amount", "ours", "code"),
    [("5002", "5000", "settlement-amount-tolerated"), ("5002.01", "5000", "settlement-amount-differs"),
     ("200025", "200000", "settlement-amount-tolerated"), ("199974.99", "200000", "settlement-amount-differs")],
)  # fmt: skip
def test_money_may_differ_within_the_depository_s_tolerance(amount: str, ours: str, code: str) -> None:
    found = settled([trade(amount=ours)], [message(amount=amount)])
    assert codes(found) == [code] and found.value.events[0].amount == Decimal(amount)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [({"quantity": "50"}, "settlement-quantity-differs"), ({"quantity": "101"}, "settlement-quantity-differs"),
     ({"isin": "FR1"}, "settlement-isin-differs"), ({"account": "BOREAL"}, "settlement-account-differs"), ({"side": "DELIVER"},
     "settlement-side-differs")],
)  # fmt: skip
def test_a_confirmation_that_is_not_of_our_trade_books_nothing(wrong: dict[str, str], code: str) -> None:
    found = settled([trade()], [message(**wrong)])
    assert found.value.events == () and codes(found)[0] == code and not found.ok


def test_a_confirmation_of_a_trade_we_do_not_know() -> None:
    found = settled([], [message(name="X9")])
    assert codes(found) == ["settlement-unknown"] and found.value.unknown[0]["reference"] == "X9"


@pytest.mark.parametrize(
    ("side", "reason", "who"),
    [("BUY", "LACK", "counterparty"), ("SELL", "LACK", "us"), ("BUY", "MONY", "us"), ("SELL", "CMON", "counterparty"), ("BUY",
    "CSDH", "custodian"),
     ("SELL", "PREA", "us"), ("BUY", "XXXX", "custodian"), ("BUY", None, "custodian")],
)  # fmt: skip
def test_a_failing_trade_names_reason_and_next_step(side: str, reason: str | None, who: str) -> None:
    delivers = "RECEIVE" if side == "BUY" else "DELIVER"
    found = settled([trade(side=side)], [message("failing", reason=reason, day=8, side=delivers)], day=8)
    assert watched(found) == [("T1", "failing", who, 2)]  # due Thursday, Monday now
    assert codes(found) == ["settlement-failing"] and "2 business days late" in found.findings[0].message


def test_a_mismatch_is_told_before_the_settlement_date() -> None:
    found = settled([trade(due=4)], [message("unmatched", reason="DQUA", day=2)], day=2)
    assert watched(found) == [("T1", "unmatched", "us and counterparty", 0)]
    assert "quantity differs" in found.findings[0].message


def test_silence_past_the_intended_date_is_told() -> None:
    found = settled([trade(), trade("T2", due=8)], [], day=5)
    assert watched(found) == [("T1", "no_message", "custodian", 1), ("T2", "not_due", "nobody", 0)]
    assert codes(found) == ["settlement-not-confirmed"]


def test_a_matched_trade_that_is_due_lacks_its_confirmation() -> None:
    found = settled([trade()], [message("matched", day=3)], day=4)
    assert watched(found) == [("T1", "matched", "custodian", 0)] and codes(found) == ["settlement-not-confirmed"]


def test_the_latest_status_counts_and_later_days_wait() -> None:
    messages = [message("matched", day=3), message("failing", reason="LACK", day=4), message(day=5)]
    assert watched(settled([trade()], messages, day=4)) == [("T1", "failing", "counterparty", 0)]
    assert settled([trade()], messages, day=5).value.events[0].effective_date == june(5)
