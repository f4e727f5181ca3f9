from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from bo_lib.model.events import FxDeal, Reversal
from bo_lib.model.tables import FX_DEALS
from bo_lib.settlement import check_deals

SPOT: dict[str, Any] = {
    "deal_id": "FX1", "status": "NEW", "kind": "SPOT", "account": "CUST", "buy_currency": "USD", "buy_amount": Decimal("113.94"),
    "sell_currency": "EUR", "sell_amount": Decimal("100"), "trade_date": date(2026, 6, 29), "settlement_date": date(2026, 7, 1),
}  # fmt: skip


def checked(*rows: dict[str, Any], booked: tuple[str, ...] = ()):
    return check_deals(FX_DEALS.build([{**SPOT, **row} for row in rows]).value, fund="F", accounts=["CUST"], booked=booked)


def test_a_spot_deal_is_booked_under_its_own_id() -> None:
    (event,) = checked({}).value
    assert isinstance(event, FxDeal) and event.event_id == "fx:F:FX1" and event.buy_amount == Decimal("113.94")


def test_a_cancelled_deal_is_reversed_when_it_was_booked_and_ignored_when_it_was_not() -> None:
    (event,) = checked({"status": "CANCEL"}, booked=("fx:F:FX1",)).value
    assert isinstance(event, Reversal) and event.reverses == "fx:F:FX1"
    assert checked({"status": "CANCEL"}).value == []


def test_a_deal_made_and_cancelled_on_one_day_is_not_booked() -> None:
    assert checked({}, {"status": "CANCEL"}).value == []
    (event,) = checked({}, {"status": "CANCEL"}, booked=("fx:F:FX1",)).value
    assert isinstance(event, Reversal)


def test_an_amended_deal_is_cancelled_in_the_version_that_stands() -> None:
    (event,) = checked({"status": "CANCEL"}, booked=("fx:F:FX11", "fx:F:FX1~2")).value
    assert isinstance(event, Reversal) and (event.event_id, event.reverses) == ("fx:F:FX1~2:cancelled", "fx:F:FX1~2")


def test_a_day_run_again_does_not_bring_a_cancelled_deal_back_but_a_new_row_does() -> None:
    row = {**SPOT, "file": "aa", "at": "line 2"}
    outcome = [
        check_deals(FX_DEALS.build([row]).value, fund="F", accounts=["CUST"], taken_back=gone).value
        for gone in (["aa#line 2"], ["bb#line 2"])
    ]
    assert [len(found) for found in outcome] == [0, 1]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"account": "OTHER"}, "deal-account"),
        ({"kind": "SWAP"}, "deal-kind"),
        ({"sell_currency": "USD"}, "deal-legs"),
        ({"buy_amount": Decimal(0)}, "deal-legs"),
        ({"settlement_date": date(2026, 6, 26)}, "deal-dates"),
    ],
)
def test_a_deal_that_cannot_be_booked_is_a_letter_and_the_others_go_on(change: dict[str, Any], code: str) -> None:
    outcome = checked({**change, "deal_id": "FX2"}, {})
    assert [f.code for f in outcome.findings] == [code]
    assert [e.event_id for e in outcome.value] == ["fx:F:FX1"]
