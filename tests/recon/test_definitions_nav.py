"""Prices, NAV components, units and positions of three parties; and what any two tables promise."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bo_lib.config import load
from bo_lib.model.events import Trade
from bo_lib.model.findings import Verdict, warning
from bo_lib.model.tables import HOLDINGS
from bo_lib.nav.tables import SHADOW
from bo_lib.recon import Reconciliation, Rules, carry
from bo_lib.recon.administrator import PRICE_ROWS, reconcile_components, reconcile_prices
from bo_lib.recon.cash import CASH_ROWS
from bo_lib.recon.compare import not_compared, reconcile_tables
from bo_lib.recon.parties import reconcile_positions_three_way, reconcile_units
from tests.recon.scenario import cash_rows, june, rules_of

SHIPPED = Path(__file__).parents[2] / "parameters" / "recon"
Said = list[tuple[str, str, str]]


def shipped(name: str) -> Rules:
    return load(SHIPPED / f"{name}.yaml", Rules)


def said(result: Reconciliation) -> Said:
    return [(item.subject, item.kind, item.cause) for item in result.items]


# Any two tables ------------------------------------------------------------------------------------------------------

BY_REFERENCE = rules_of(
    {"id": "same", "equal": ["reference", "amount"]},
    {"id": "near", "equal": ["reference"], "amount": {"absolute": "0.02"}},
    {"id": "apart", "kind": "difference", "equal": ["reference"]},
)
LINES = st.lists(st.tuples(st.integers(-3, 3), st.integers(1, 3), st.sampled_from(["A", "B", "C", None])), max_size=8)


def tables(ours: Any, theirs: Any, rules: Rules = BY_REFERENCE, **more: Any) -> Reconciliation:
    left, right = (cash_rows(*[(str(amount), day, name) for amount, day, name in rows]) for rows in (ours, theirs))
    return reconcile_tables(left, right, rules, june(2), fund="EURO", value=lambda _, amount: amount, **more)


@given(LINES, LINES)
@settings(max_examples=20, deadline=None)
def test_the_open_items_explain_the_difference_of_the_sums_to_the_cent(ours: Any, theirs: Any) -> None:
    result = tables(ours, theirs)
    for row in result.proof.to_pylist():
        assert row["proven"] and row["unexplained"] == 0
    difference = sum((row["difference"] for row in result.proof.to_pylist()), Decimal(0))
    within = sum((row["within_tolerance"] for row in result.proof.to_pylist()), Decimal(0))
    assert difference == sum((item.amount for item in result.items), Decimal(0)) + within
    assert len({item.break_id for item in result.items}) == len(result.items)
    result.breaks.validate(full=True)


@given(LINES, LINES, st.randoms(use_true_random=False))
@settings(max_examples=10, deadline=None)
def test_the_order_of_rows_changes_no_break(ours: Any, theirs: Any, shuffle: Any) -> None:
    mixed = [shuffle.sample(rows, len(rows)) for rows in (ours, theirs)]
    assert {i.break_id for i in tables(ours, theirs).items} == {i.break_id for i in tables(*mixed).items}


def test_a_side_that_does_not_add_up_to_its_own_total_is_not_proven() -> None:
    rows = [("10", 1, "A"), ("5", 1, "B")]
    right = {("ALPINE", "EUR"): (Decimal(15), Decimal(15))}
    assert tables(rows, rows, stated=right).proven
    wrong = tables(rows, rows, stated={("ALPINE", "EUR"): (Decimal(15), Decimal(14))})
    assert not wrong.proven and wrong.verdict is Verdict.BLOCKED and wrong.items == ()


def test_a_difference_keeps_its_key_and_closes_when_it_is_gone() -> None:
    first = tables([("10", 1, "A")], [("12", 1, "A")])
    (opened,) = carry([], first, june(2), "TARGET").opened
    same = carry([opened], tables([("10", 1, "A")], [("12", 1, "A")]), june(3), "TARGET")
    assert [b.break_id for b in same.older] == [opened.break_id] and not same.opened
    gone = carry([opened], tables([("12", 1, "A")], [("12", 1, "A")]), june(3), "TARGET")
    assert [b.break_id for b, _ in gone.closed] == [opened.break_id] and not gone.opened
    waits = carry([opened], not_compared(BY_REFERENCE, june(3), "EURO", [warning("late", "late")]).value, june(3), "TARGET")
    assert [b.break_id for b in waits.older] == [opened.break_id] and not waits.closed


def test_tolerance_by_a_column_is_that_of_each_row_and_an_unknown_value_has_the_pass_own() -> None:
    rules = rules_of(
        {"id": "near", "equal": ["reference"], "amount": {"absolute": "1"}}, tolerance_by="code",
        tolerances={"EQUITY": {"absolute": "5"}, "BOND": {"absolute": "0"}},
    )  # fmt: skip
    kinds = ["EQUITY", "BOND", None]
    left = cash_rows(("100", 1, "E"), ("100", 1, "B"), ("100", 1, "X"))
    right = cash_rows(("104", 1, "E"), ("101", 1, "B"), ("101", 1, "X"))
    place = CASH_ROWS.get_field_index("code")
    left, right = (table.set_column(place, "code", pa.array(kinds, pa.string())) for table in (left, right))
    result = reconcile_tables(left, right, rules, june(2), fund="EURO", value=lambda _, amount: amount)
    assert [(item.subject, item.kind) for item in result.items] == [("B", "missing_here"), ("B", "missing_there")]
    assert result.proven and {r["reference"] for r in result.matches.to_pylist()} == {"E", "X"}


def test_tolerances_want_the_column_they_are_for() -> None:
    with pytest.raises(ValueError, match="tolerance_by"):
        rules_of({"equal": ["reference"]}, tolerances={"EQUITY": {"bp": 1}})


# Prices --------------------------------------------------------------------------------------------------------------


def price_rows(*rows: dict[str, Any]) -> pa.Table:
    same = {"currency": "EUR", "asset_class": "equity", "quantity": Decimal(10), "price_date": june(2)}
    return pa.Table.from_pylist([same | row | {"price": Decimal(row["price"])} for row in rows], PRICE_ROWS)


def prices(ours: pa.Table, theirs: pa.Table, name: str = "prices", **more: Any) -> Reconciliation:
    return reconcile_prices(
        ours, theirs, shipped(name), june(2), fund="EURO", value=lambda row, apart: row["quantity"] * apart, **more
    )


def test_prices_agree_within_the_tolerance_of_their_class() -> None:
    bond = {"isin": "BOND", "asset_class": "corporate_bond"}
    result = prices(
        price_rows({"isin": "DE1", "price": "50"}, bond | {"price": "98.00"}),
        price_rows({"isin": "DE1", "price": "50.005"}, bond | {"price": "98.019"}),
    )
    assert said(result) == [] and result.proven
    assert [r["asset_class"] for r in result.proof.to_pylist()] == ["corporate_bond", "equity"]
    tighter = prices(price_rows({"isin": "DE1", "price": "50"}), price_rows({"isin": "DE1", "price": "50.0051"}))
    assert said(tighter) == [("DE1", "price", "priced otherwise")]
    assert tighter.items[0].value_base == Decimal("0.05") and "-1 bp" in tighter.items[0].evidence


@pytest.mark.parametrize(
    ("ours", "theirs", "before", "kind", "cause"),
    [
        ({"price": "50"}, {"price": "51"}, ("49", "51"), "stale", "price of administrator has not moved"),
        ({"price": "50"}, {"price": "51"}, ("50", "52"), "stale", "price of books has not moved"),
        ({"price": "50"}, {"price": "51"}, ("49", "50"), "price", "priced otherwise"),
        ({"price": "50", "unchanged_days": 9}, {"price": "51"}, None, "stale", "price of books has not moved"),
        ({"price": "50"}, {"price": "51", "price_date": june(1)}, None, "stale", "price of administrator is of 2026-06-01"),
        ({"price": "26.95"}, {"price": "2695"}, None, "price", "pence for pounds, or percent for units"),
        ({"price": "50", "currency": "GBP"}, {"price": "50"}, None, "currency", "quoted in another currency"),
    ],
)
def test_a_price_that_differs_says_why(ours: Any, theirs: Any, before: Any, kind: str, cause: str) -> None:
    earlier = {"DE1": tuple(map(Decimal, before))} if before else {}
    result = prices(price_rows({"isin": "DE1"} | ours), price_rows({"isin": "DE1"} | theirs), before=earlier)
    assert said(result) == [("DE1", kind, cause)] and result.proven


def test_a_price_of_one_side_only() -> None:
    result = prices(price_rows({"isin": "DE1", "price": "50"}), price_rows({"isin": "FR1", "price": "7"}))
    assert said(result) == [
        ("DE1", "missing_there", "no price on the side of administrator"),
        ("FR1", "missing_here", "no price on the side of books"),
    ]
    assert [item.value_base for item in result.items] == [500, 70]


def test_the_break_of_a_price_without_a_currency_closes_once_the_instrument_is_known() -> None:
    theirs = price_rows({"isin": "DE1", "price": "50", "currency": ""})
    opened = carry([], prices(theirs[:0], theirs), june(2), "TARGET").opened
    known = price_rows({"isin": "DE1", "price": "50"})
    assert len(opened) == 1 == len(carry(opened, prices(known, known), june(2), "TARGET").closed)


def test_the_second_source_may_be_further_apart() -> None:
    assert (
        said(
            prices(price_rows({"isin": "DE1", "price": "50"}), price_rows({"isin": "DE1", "price": "50.2"}), "prices_second_source")
        )
        == []
    )


# NAV components ------------------------------------------------------------------------------------------------------


def figure(component: str, ours: str | None, theirs: str | None, item: str = "", share_class: str = "", field: str = "amount",
           within: bool = True, because: str = "") -> dict[str, Any]:  # fmt: skip
    here, there = (None if n is None else Decimal(n) for n in (ours, theirs))
    difference = (here or Decimal(0)) - (there or Decimal(0))
    return {
        "component": component, "share_class": share_class or None, "item": item or None, "field": field, "ours": here,
        "theirs": there, "difference": difference, "difference_bps": difference, "within": within, "explanation": because or None,
    }  # fmt: skip


def components(*figures: dict[str, Any]) -> Reconciliation:
    return reconcile_components(
        pa.Table.from_pylist(list(figures), SHADOW.schema), shipped("nav_components"), june(2), fund="EURO", base_currency="EUR",
        net_assets={"": Decimal(1000000), "A": Decimal(1000000)},
    )  # fmt: skip


AGREED = (
    figure("holding", "900", "900", "DE1"), figure("cash", "120", "120", "EUR"),
    figure("accrual", "-20", "-20", "management_fee", "A"),
    figure("net_assets", "1000", "1000"), figure("net_assets", "1000", "1000", share_class="A"),
    figure("units", "10", "10", share_class="A", field="quantity"), figure("rate", None, "1.15", "USD", field="price"),
)  # fmt: skip


def test_components_agree_and_add_up_to_the_net_assets_of_each_side() -> None:
    result = components(*AGREED)
    assert said(result) == [] and result.proven and result.verdict is Verdict.PASS
    total = next(r for r in result.proof.to_pylist() if r["part"] == "assets and liabilities")
    assert total["stated_here"] == total["sum_here"] == 1000 == total["stated_there"]


def test_a_component_beyond_tolerance_is_a_break_with_the_shadow_s_cause_and_value() -> None:
    result = components(
        figure("holding", "900", "880", "DE1", within=False, because="price"), *AGREED[1:3],
        figure("net_assets", "1000", "980", within=False, because="holding DE1 20"),
        figure("units", "10", "12", share_class="A", field="quantity", within=False, because="units in issue"),
    )  # fmt: skip
    assert said(result) == [
        ("units A quantity", "amount", "units in issue"),
        ("net_assets amount", "amount", "follows from its components"),
        ("holding DE1 amount", "amount", "price"),
    ]
    by_name = {item.subject: item for item in result.items}
    assert by_name["holding DE1 amount"].isin == "DE1" and by_name["holding DE1 amount"].value_base == 20
    assert by_name["units A quantity"].value_base == 200 and "holding DE1 20" in by_name["net_assets amount"].evidence
    assert result.proven


def test_what_is_within_tolerance_matches_with_its_cents_in_the_proof() -> None:
    result = components(figure("cash", "100.01", "100", "EUR"), figure("net_assets", "100.01", "100"))
    (part,) = (r for r in result.proof.to_pylist() if r["part"] == "assets and liabilities")
    assert said(result) == [] and part["within_tolerance"] == Decimal("0.01") and part["proven"]


def test_an_administrator_whose_components_do_not_add_up_is_not_proven() -> None:
    result = components(figure("cash", "100", "100", "EUR"), figure("net_assets", "100", "130", within=False, because="?"))
    assert not result.proven and result.verdict is Verdict.BLOCKED


# Units ---------------------------------------------------------------------------------------------------------------


def units(register: dict[str, str], administrator: dict[str, str], nav: dict[str, str], **more: Any) -> Reconciliation:
    held = {
        name: {c: Decimal(n) for c, n in classes.items()}
        for name, classes in (("register", register), ("administrator", administrator), ("nav", nav))
    }
    return reconcile_units(held, shipped("units"), june(2), fund="EURO", value=lambda _, apart: apart * 100, **more)


def test_units_of_three_parties_agree() -> None:
    result = units({"A": "10.5", "I": "3"}, {"A": "10.5", "I": "3"}, {"A": "10.50", "I": "3", "OLD": "0"})
    assert said(result) == [] and result.proven and result.matched_pct == 100
    assert result.comparison is not None and result.comparison["agreement"].to_pylist() == ["all agree", "all agree"]


@pytest.mark.parametrize(
    ("register", "administrator", "nav", "kind", "amount"),
    [
        ("10", "11", "10", "administrator_alone", "-1"),
        ("10", "11", "11", "register_alone", "-1"),
        ("10", "10", "12", "nav_alone", "-2"),
        ("10", "11", "12", "all_differ", "-1"),
        ("10", None, "10", "administrator_alone", "10"),
        ("10", None, None, "register_alone", "10"),
        (None, "10", "10", "register_alone", "-10"),
    ],
)
def test_who_is_alone_in_a_class(register: str | None, administrator: str | None, nav: str | None, kind: str, amount: str) -> None:
    sides = [{} if n is None else {"A": n} for n in (register, administrator, nav)]
    result = units(*sides)
    (item,) = result.items
    assert (item.kind, item.amount, item.value_base) == (kind, Decimal(amount), abs(Decimal(amount)) * 100)
    assert result.proven and "register" in item.evidence and "administrator" in item.evidence


def test_capital_that_one_party_has_not_booked_explains_units() -> None:
    result = units({"A": "10"}, {"A": "8"}, {"A": "10"}, effective={"A": [("O1", Decimal(2)), ("O2", Decimal(7))]})
    assert said(result) == [("A", "administrator_alone", "capital not booked by all")]
    assert "order O1" in result.items[0].evidence


# Positions of three parties ------------------------------------------------------------------------------------------


def positions(
    books: dict[str, str], custodian: dict[str, str], administrator: dict[str, str], *, basis: str = "settlement",
    stated: str = "trade", pending: dict[str, str] | None = None, **more: Any,
) -> Reconciliation:  # fmt: skip
    ours = pa.table({"isin": list(books), "quantity": pa.array(map(Decimal, books.values()), pa.decimal128(38, 10))})
    held = [{"statement_id": "S", "account": "ALPINE", "isin": i, "quantity": Decimal(q)} for i, q in custodian.items()]
    rules = shipped("positions_three_way")
    rules = rules.model_copy(update={"left": rules.left.model_copy(update={"basis": stated})})
    return reconcile_positions_three_way(
        ours, pa.Table.from_pylist(held, HOLDINGS.schema), {i: Decimal(q) for i, q in administrator.items()},
        {("ALPINE", i): Decimal(q) for i, q in (pending or {}).items()}, rules, june(2), fund="EURO",
        value=lambda _, apart: apart * 10, basis={"ALPINE": basis}, **more,
    )  # fmt: skip


def test_pending_trades_bring_the_parties_to_one_basis() -> None:
    ours, theirs = {"DE1": "100", "US1": "-5"}, {"DE1": "70", "US1": "-5", "FR1": "4"}
    pending = {"DE1": "30", "FR1": "-4"}
    on_trade_date = positions(ours, theirs, ours, pending=pending)
    settled = positions(ours, theirs, ours, pending=pending, stated="settlement")
    both = positions(ours, ours, ours, pending=pending, basis="trade")
    for result in (on_trade_date, settled, both):
        assert said(result) == [] and result.proven and result.matched_pct == 100
    assert settled.comparison is not None and settled.comparison["books"].to_pylist() == [70, 4, -5]


def test_who_is_alone_in_a_position_and_why() -> None:
    bought = Trade(
        event_id="T1", fund="EURO", effective_date=june(2), trade_id="T1", account="ALPINE", isin="FR1", side="BUY",
        quantity=Decimal(7), price=Decimal(1), currency="EUR", settlement_date=june(4),
    )  # fmt: skip
    books = {"DE1": "100", "FR1": "7", "GB1": "3", "IT1": "1", "NL1": "1"}
    custodian = {"DE1": "90", "FR1": "7", "GB1": "4", "IT1": "2", "NL1": "1"}
    administrator = {"DE1": "100", "GB1": "4", "IT1": "3", "NL1": "1"}
    result = positions(
        books,
        custodian,
        administrator,
        explained={"DE1": ("corporate action not applied by the custodian", "SPLF X")},
        trades=[bought],
    )
    assert said(result) == [
        ("DE1", "custodian_alone", "corporate action not applied by the custodian"),
        ("FR1", "administrator_alone", "trade not known to the administrator"),
        ("GB1", "books_alone", "quantity of books differs"),
        ("IT1", "all_differ", "no two agree"),
    ]
    assert [item.value_base for item in result.items] == [100, 70, 10, 10] and result.proven
    assert result.comparison is not None
    assert (
        dict(zip(result.comparison["isin"].to_pylist(), result.comparison["agreement"].to_pylist(), strict=True))["NL1"]
        == "all agree"
    )


def test_a_three_way_definition_names_its_third_party() -> None:
    rules = shipped("units").model_copy(update={"third": None})
    with pytest.raises(ValueError, match="third"):
        reconcile_units({"register": {}, "administrator": {}}, rules, june(2), fund="EURO", value=lambda _, apart: apart)
