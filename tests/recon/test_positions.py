"""Positions against holdings: what differs, and what explains it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from bo_lib.model.findings import Outcome, Verdict
from bo_lib.model.tables import ANNOUNCEMENTS, HOLDINGS, POSITIONS, SETTLEMENTS
from bo_lib.recon import Reconciliation, Rules, reconcile_positions
from tests.recon.scenario import june

TRADES = pa.schema([
    ("trade_id", pa.string()), ("account", pa.string()), ("isin", pa.string()), ("side", pa.string()),
    ("quantity_open", pa.decimal128(38, 10)), ("settlement_date", pa.date32()),
])  # fmt: skip


def reconcile(
    rules: Rules, ours: dict[str, str], theirs: dict[str, str], *, trades: dict[str, tuple[str, str, str]] | None = None,
    actions: list[dict[str, Any]] | None = None, basis: str = "settlement", day: int = 2, stated: str = "",
) -> Outcome[Reconciliation]:  # fmt: skip
    """isin -> quantity on both sides of one account; trades: id -> (isin, side, quantity)."""
    book = [{"account": "ALPINE", "isin": isin, "quantity": Decimal(q)} for isin, q in ours.items()]
    holdings = [
        {"statement_id": "S", "account": "ALPINE", "business_date": june(day), "basis": stated or basis, "isin": isin,
         "quantity": Decimal(q), "name": f"Name of {isin}"}
        for isin, q in theirs.items()
    ]  # fmt: skip
    opened = [
        {"trade_id": name, "account": "ALPINE", "isin": isin, "side": side, "quantity_open": Decimal(q), "settlement_date": june(1)}
        for name, (isin, side, q) in (trades or {}).items()
    ]
    announced = [{"event_ref": "CA1", "ex_date": june(2), "option": "001", "movement": "securities-1", **a} for a in actions or []]
    return reconcile_positions(
        pa.Table.from_pylist(book, POSITIONS.schema), pa.Table.from_pylist(holdings, HOLDINGS.schema),
        pa.Table.from_pylist(opened, TRADES), pa.Table.from_pylist(announced, ANNOUNCEMENTS.schema), rules, june(2), fund="EURO",
        value=lambda isin, quantity: None if isin == "UNPRICED" else quantity * 10, basis={"ALPINE": basis},
    )  # fmt: skip


def breaks(found: Outcome[Reconciliation]) -> list[tuple[str, str, Decimal, str]]:
    return [(item.isin, item.kind, item.amount, item.cause) for item in found.value.items]


def test_equal_quantities_pass(position_rules: Rules) -> None:
    found = reconcile(position_rules, {"DE1": "100", "US1": "-5.5"}, {"US1": "-5.5", "DE1": "100.0"})
    assert found.value.verdict is Verdict.PASS and found.value.proven and found.findings == ()
    assert found.value.comparison is not None and found.value.comparison["difference"].to_pylist() == [0, 0]


def test_differences_are_quantity_or_missing_on_a_side(position_rules: Rules) -> None:
    found = reconcile(position_rules, {"DE1": "100", "FR1": "7"}, {"DE1": "90", "GB1": "3"})
    assert breaks(found) == [
        ("DE1", "quantity", Decimal(10), ""),
        ("FR1", "missing_there", Decimal(7), ""),
        ("GB1", "missing_here", Decimal(-3), "position not booked by us"),
    ]
    assert [item.value_base for item in found.value.items] == [100, 70, 30]
    assert found.value.verdict is Verdict.ATTENTION


@pytest.mark.parametrize(
    ("basis", "theirs", "cause"),
    [("settlement", "150", "confirmation missing"), ("trade", "50", "trade not known to the custodian")],
)
def test_an_open_trade_explains_a_difference_by_the_basis(position_rules: Rules, basis: str, theirs: str, cause: str) -> None:
    found = reconcile(
        position_rules,
        {"DE1": "100"},
        {"DE1": theirs},
        trades={"T1": ("DE1", "BUY", "50"), "T2": ("DE1", "SELL", "7")},
        basis=basis,
    )
    assert [b[3] for b in breaks(found)] == [cause]
    assert "T1 (50, due 2026-06-01)" in found.value.items[0].evidence


def test_two_trades_that_fit_alike_explain_nothing(position_rules: Rules) -> None:
    found = reconcile(
        position_rules, {"DE1": "100"}, {"DE1": "150"}, trades={"T1": ("DE1", "BUY", "50"), "T2": ("DE1", "BUY", "50")}
    )
    assert [b[3] for b in breaks(found)] == [""]


@pytest.mark.parametrize(("ours", "theirs", "who"), [("400", "100", "the custodian"), ("100", "400", "us")])
def test_a_split_that_one_side_has_not_applied(position_rules: Rules, ours: str, theirs: str, who: str) -> None:
    split = {"caev": "SPLF", "isin": "DE1", "ratio_new": Decimal(4), "ratio_old": Decimal(1)}
    assert [b[3] for b in breaks(reconcile(position_rules, {"DE1": ours}, {"DE1": theirs}, actions=[split]))] == [
        f"corporate action not applied by {who}"
    ]


def test_securities_that_an_action_brings(position_rules: Rules) -> None:
    rights = {"caev": "RHDI", "isin": "DE1", "new_isin": "RT1", "ratio_new": Decimal(1), "ratio_old": Decimal(5)}
    assert breaks(reconcile(position_rules, {"DE1": "100"}, {"DE1": "100", "RT1": "20"}, actions=[rights])) == [
        ("RT1", "missing_here", Decimal(-20), "corporate action not applied by us")
    ]


def test_holdings_of_another_day_are_refused(position_rules: Rules) -> None:
    found = reconcile(position_rules, {"DE1": "100"}, {"DE1": "100"}, day=1)
    assert [f.code for f in found.findings] == ["holdings-of-another-day", "statement-missing"]
    assert found.value.verdict is Verdict.BLOCKED and found.value.items == ()


def test_holdings_on_the_other_basis_are_not_compared(position_rules: Rules) -> None:
    found = reconcile(position_rules, {"DE1": "100"}, {"DE1": "100"}, stated="trade")
    assert [f.code for f in found.findings] == ["basis-differs"] and not found.value.proven


def test_sub_balances_add_up_and_nothing_held_is_no_position(position_rules: Rules) -> None:
    rows = [
        {"statement_id": "S", "account": "ALPINE", "business_date": june(2), "isin": "DE1", "quantity": Decimal(q)}
        for q in ("60", "40", "0")
    ]
    rows.append({**rows[0], "isin": "FR1", "quantity": Decimal(0)})
    book = pa.Table.from_pylist([{"account": "ALPINE", "isin": "DE1", "quantity": Decimal(100)}], POSITIONS.schema)
    found = reconcile_positions(
        book, pa.Table.from_pylist(rows, HOLDINGS.schema), TRADES.empty_table(), ANNOUNCEMENTS.empty(), position_rules, june(2),
        fund="EURO", value=lambda isin, quantity: quantity, basis={"ALPINE": "settlement"},
    )  # fmt: skip
    assert found.value.verdict is Verdict.PASS and found.value.items == ()


def test_a_position_without_price_holds_up_the_verdict(position_rules: Rules) -> None:
    found = reconcile(position_rules, {"UNPRICED": "1"}, {"UNPRICED": "2"})
    assert found.value.items[0].value_base is None and found.value.verdict is Verdict.ATTENTION


def holdings(*rows: tuple[str, str, str]) -> pa.Table:
    """(statement, file, quantity) of one instrument."""
    return pa.Table.from_pylist(
        [
            {
                "statement_id": name,
                "account": "ALPINE",
                "business_date": june(2),
                "isin": "DE1",
                "quantity": Decimal(q),
                "file": file,
            }
            for name, file, q in rows
        ],
        HOLDINGS.schema,
    )


def against(rules: Rules, held: pa.Table, incomplete: tuple[str, ...] = ()) -> Outcome[Reconciliation]:
    book = pa.Table.from_pylist([{"account": "ALPINE", "isin": "DE1", "quantity": Decimal(100)}], POSITIONS.schema)
    return reconcile_positions(
        book, held, TRADES.empty_table(), ANNOUNCEMENTS.empty(), rules, june(2), fund="EURO", value=lambda isin, quantity: quantity,
        basis={"ALPINE": "settlement"}, incomplete=incomplete,
    )  # fmt: skip


def test_holdings_that_came_twice_count_once(position_rules: Rules) -> None:
    found = against(position_rules, holdings(("S1", "a", "60"), ("S2", "a", "40"), ("S1", "b", "60")))
    assert found.value.items == () and [f.code for f in found.findings] == ["statement-duplicate"]


def test_holdings_of_a_file_that_was_cut_are_not_compared(position_rules: Rules) -> None:
    found = against(position_rules, holdings(("S1", "a", "60")), incomplete=("a",))
    assert found.value.items == () and [f.code for f in found.findings] == ["statement-cut"] and not found.value.proven


def test_trades_held_back_and_trades_disputed_explain_differences(position_rules: Rules) -> None:
    book = pa.Table.from_pylist([{"account": "ALPINE", "isin": "DE1", "quantity": Decimal(100)}], POSITIONS.schema)
    opened = [
        {
            "trade_id": "T1",
            "account": "ALPINE",
            "isin": "DE1",
            "side": "BUY",
            "quantity_open": Decimal(80),
            "settlement_date": june(3),
        }
    ]
    given: dict[str, Any] = {
        "held_back": [{"trade_id": "T2", "account": "ALPINE", "isin": "DE1", "side": "SELL", "quantity": Decimal(7)}],
        "statuses": pa.Table.from_pylist([{"reference": "T1", "account": "ALPINE", "status": "unmatched"}], SETTLEMENTS.schema),
    }
    for theirs, cause in (("93", "trade held back by us"), ("60", "trade disputed")):
        found = reconcile_positions(
            book, holdings(("S1", "a", theirs)), pa.Table.from_pylist(opened, TRADES), ANNOUNCEMENTS.empty(), position_rules,
            june(2),
            fund="EURO", value=lambda isin, quantity: quantity, basis={"ALPINE": "trade"}, **given,
        )  # fmt: skip
        assert [item.cause for item in found.value.items] == [cause]
