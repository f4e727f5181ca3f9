"""Statements articulate, whatever was booked: position, operations, changes and cash are four views of one ledger."""

from __future__ import annotations

from hypothesis import given, settings

from bo_lib.close import Period
from bo_lib.close.financials import BALANCE_SHEET, RESULTS, _change, _changes
from bo_lib.close.layouts import of_balances, of_flows
from tests.close.books import LAYOUTS, books


@settings(max_examples=150, deadline=None)
@given(of=books())
def test_operations_and_capital_are_the_change_in_net_assets(of: Period) -> None:
    for layout in LAYOUTS.values():
        operations = of_balances(layout.operations, "O", of.rows, RESULTS, _change)
        changes = _changes(layout, operations, of, None).totals
        position = of_balances(
            layout.position, "P", of.rows, BALANCE_SHEET, lambda r: r["closing"], (of.rows, lambda r: r["opening"])
        )
        assert changes["opening"] + changes["operations"] + changes["capital"] == changes["closing"]
        assert changes["closing"] == position.totals["net_assets"] == -of.total("closing", "equity", *RESULTS)


@settings(max_examples=150, deadline=None)
@given(of=books())
def test_both_methods_of_cash_flows_tie_to_cash(of: Period) -> None:
    moved = {name: of_flows(layout.cash_flows, "F", of.flows).totals["change"] for name, layout in LAYOUTS.items()}
    assert set(moved.values()) == {of.change("cash")}


@settings(max_examples=100, deadline=None)
@given(of=books())
def test_every_line_of_the_ledger_is_in_one_balance_and_on_one_line_of_a_statement(of: Period) -> None:
    assert sum(r["last"] - r["first"] + 1 for r in of.rows) == of.lines.num_rows
    assert of.lines["n"].to_pylist() == list(range(1, of.lines.num_rows + 1))
    for row in of.rows:
        mine = of.lines.slice(row["first"] - 1, row["last"] - row["first"] + 1)
        assert set(mine["ledger"].to_pylist()) == {row["ledger"]}
        assert sum(mine["base"].to_pylist()) == row["closing"] == row["opening"] + row["movement"] + row["mark"]
    for layout in LAYOUTS.values():
        for terms, types, value in (
            (layout.position, BALANCE_SHEET, lambda r: r["closing"]), (layout.operations, RESULTS, _change),
        ):  # fmt: skip
            laid = of_balances(terms, "X", of.rows, types, value)
            assert all(bool(code) == (row["type"] in types) for code, row in zip(laid.codes, of.rows, strict=True))
