"""Trades of the order system: what is booked, what is taken back, what waits."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from bo_lib.config import Cycles, load
from bo_lib.model.events import Reversal, Trade
from bo_lib.model.findings import Outcome
from bo_lib.model.tables import INSTRUMENTS, TRADES
from bo_lib.settlement import TradeDay, check_trades

CYCLES = load(Path(__file__).parents[2] / "parameters/rules/settlement_cycles.yaml", Cycles)
INSTRUMENT_ROWS = [
    {"isin": "DE1", "name": "Share", "kind": "equity", "currency": "EUR", "market": "EU"},
    {"isin": "DE2", "name": "Bond", "kind": "government_bond", "currency": "EUR", "market": "EU"},
]
DAY = date(2026, 6, 2)


def row(name: str = "T1", version: int = 1, status: str = "NEW", **more: Any) -> dict[str, Any]:
    """A purchase of 100 shares at 50.25 with 3 commission: 5028 in euro."""
    return {
        "trade_id": name, "version": version, "status": status, "account": "ALPINE", "isin": "DE1", "side": "BUY",
        "quantity": Decimal(100),
        "price": Decimal("50.25"), "currency": "EUR", "commission": Decimal(3), "net_amount": Decimal(5028), "trade_date": DAY,
        "settlement_date": date(2026, 6, 4), "counterparty": "CALDER", "file": "f", "at": "1", **more,
    }  # fmt: skip


def check(*rows: dict[str, Any], booked: tuple[Trade, ...] = (), day: date = DAY, **more: Any) -> Outcome[TradeDay]:
    return check_trades(
        pa.Table.from_pylist(list(rows), TRADES.schema), day, fund="EURO", accounts={"ALPINE"},
        instruments=pa.Table.from_pylist(INSTRUMENT_ROWS, INSTRUMENTS.schema), cycles=CYCLES, booked=booked,
        last_price={"DE1": Decimal(50)}.get, **more,
    )  # fmt: skip


def booked(*rows: dict[str, Any]) -> tuple[Trade, ...]:
    return tuple(e for e in check(*rows).value.events if isinstance(e, Trade))


def codes(found: Outcome[TradeDay]) -> list[str]:
    return [f.code for f in found.findings]


def test_a_good_trade_is_booked_on_its_trade_date() -> None:
    found = check(row())
    (event,) = found.value.events
    assert isinstance(event, Trade) and codes(found) == []
    assert (event.event_id, event.effective_date, event.commission, event.source) == ("trade:EURO:T1:v1", DAY, 3, "f#1")


def test_a_row_that_stands_twice_counts_once() -> None:
    found = check(row(), row(at="2"))
    assert len(found.value.events) == 1 and codes(found) == ["trade-duplicate"]


def test_a_version_that_contradicts_itself_is_told() -> None:
    found = check(row(), row(quantity=Decimal(200), net_amount=Decimal(10053)))
    assert codes(found) == ["trade-contradicts"] and found.findings[0].found == "200.0000000000"


def test_running_again_books_nothing_twice() -> None:
    found = check(row(), booked=booked(row()))
    assert found.value.events == () and codes(found) == []


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"isin": "ZZ9"}, "trade-isin-unknown"),
        ({"account": "BOREAL"}, "trade-account-unknown"),
        ({"currency": "USD"}, "trade-currency-differs"),
        ({"side": "LEND"}, "trade-side-unknown"),
        ({"quantity": Decimal(0)}, "trade-quantity"),
        ({"commission": Decimal(-3)}, "trade-commission"),
        ({"trade_date": date(2026, 6, 3)}, "trade-in-future"),
        ({"settlement_date": date(2026, 6, 1)}, "trade-settles-early"),
        ({"net_amount": Decimal("5028.02")}, "trade-net-differs"),
        ({"net_amount": Decimal(5022)}, "trade-net-differs"),  # as if it were a sale
        ({"price": Decimal("502.5"), "net_amount": Decimal(50253)}, "trade-price-far"),
    ],
)
def test_a_trade_that_cannot_be_right_waits(wrong: dict[str, Any], code: str) -> None:
    found = check(row(**wrong))
    assert found.value.events == () and codes(found) == [code] and found.value.refused[0].key == "T1/1"


def test_money_of_a_bond_is_percent_of_par_with_interest() -> None:
    bond = row(
        isin="DE2",
        quantity=Decimal(1000000),
        price=Decimal("99.5"),
        accrued_interest=Decimal("1234.56"),
        commission=None,
        net_amount=Decimal("996234.56"),
    )
    assert codes(check(bond)) == [] and codes(check({**bond, "side": "SELL", "net_amount": Decimal("993765.44")})) == [
        "trade-net-differs"
    ]


def test_a_person_may_release_a_price() -> None:
    far = row(price=Decimal("502.5"), net_amount=Decimal(50253))
    assert len(check(far, released=frozenset({"T1/1"})).value.events) == 1
    assert codes(check({**far, "version": 2}, released=frozenset({"T1/1"}))) == ["trade-price-far"]


def test_a_settlement_date_off_the_cycle_is_booked_and_told() -> None:
    found = check(row(settlement_date=date(2026, 6, 5)))
    assert len(found.value.events) == 1 and codes(found) == ["trade-settlement-date"] and found.findings[0].expected == "2026-06-04"


def test_an_amendment_reverses_and_books_again_on_the_trade_date() -> None:
    amended = row(version=2, status="AMEND", quantity=Decimal(50), net_amount=Decimal("2515.5"))
    found = check(amended, booked=booked(row()), day=date(2026, 6, 4))
    back, new = found.value.events
    assert isinstance(back, Reversal) and isinstance(new, Trade)
    assert (back.reverses, back.effective_date, new.event_id, new.quantity, new.effective_date) == (
        "trade:EURO:T1:v1",
        DAY,
        "trade:EURO:T1:v2",
        50,
        DAY,
    )
    assert codes(found) == ["trade-backdated", "trade-amended"]


def test_an_amendment_of_a_trade_that_waited_is_booked() -> None:
    found = check(row(version=2, status="AMEND"), day=date(2026, 6, 3))
    assert [type(e) for e in found.value.events] == [Trade] and codes(found) == ["trade-backdated"]


def test_an_older_version_changes_nothing() -> None:
    assert check(row(), booked=booked(row(version=2, status="AMEND"))).value.events == ()


def test_the_same_version_with_other_figures_is_refused() -> None:
    found = check(row(quantity=Decimal(50), net_amount=Decimal("2515.5")), booked=booked(row()))
    assert codes(found) == ["trade-booked-otherwise"] and found.value.events == ()


def test_a_cancellation_takes_the_booking_back() -> None:
    (back,) = check(row(version=2, status="CANCEL"), booked=booked(row())).value.events
    assert isinstance(back, Reversal) and back.reverses == "trade:EURO:T1:v1"


@pytest.mark.parametrize("version", [1, 2])
def test_a_trade_made_and_cancelled_in_one_file_is_not_booked(version: int) -> None:
    found = check(row(), row(version=version, status="CANCEL"))
    assert found.value.events == () and codes(found) == ["trade-cancelled"]


def test_two_references_with_the_same_figures_are_booked_and_told() -> None:
    found = check(row(), row("T2"))
    assert len(found.value.events) == 2 and codes(found) == ["trade-looks-doubled"]
    assert codes(check(row("T3"), booked=booked(row()))) == ["trade-looks-doubled"]


def test_a_doubled_row_is_told_once() -> None:
    assert codes(check(row(), row(at="2"), booked=booked(row()))) == []


def test_a_price_near_any_known_one_passes() -> None:
    """One vendor sends pence today: the other one's price is near."""
    rows = pa.Table.from_pylist([row()], TRADES.schema)
    instruments = pa.Table.from_pylist(INSTRUMENT_ROWS, INSTRUMENTS.schema)

    def checked(*known: str) -> list[str]:
        prices = tuple(map(Decimal, known))
        return codes(
            check_trades(
                rows, DAY, fund="EURO", accounts={"ALPINE"}, instruments=instruments, cycles=CYCLES, last_price=lambda isin: prices
            )
        )

    assert checked("5000", "50") == [] and checked() == [] and checked("5000") == ["trade-price-far"]
