"""A reconciliation of one's own: a rules file, no code."""

from datetime import date
from pathlib import Path

import pytest

from bo_lib.config import ParameterError
from bo_lib.model import tables
from bo_lib.model.findings import Verdict
from bo_lib.workbench import Workbench
from tests.conftest import firm

DAY = "2026-06-02"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days of the demonstration firm without errors, and the example under a name of its own."""
    made = firm(tmp_path_factory.mktemp("own") / "firm", date(2026, 6, 2), errors=False)
    Workbench.open("EURO-UCITS", "2026-06-01", root=made).settle()
    write(made, "mine")
    return made


def write(root: Path, name: str, *changes: tuple[str, str]) -> None:
    text = (root / "parameters/recon/own.yaml.example").read_text().replace("name: own", f"name: {name}", 1)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (root / f"parameters/recon/{name}.yaml").write_text(text)


def desk_of(root: Path) -> Workbench:
    desk = Workbench.open("EURO-UCITS", DAY, root=root)
    desk.settle(), desk.entitlements()
    return desk


def test_the_example_is_proven_by_its_name(root: Path) -> None:
    report = desk_of(root).reconcile("mine")
    assert report.name == "recon_mine" and report.verdict is Verdict.PASS
    assert "100.0% matched" in report.summary and "every account is proven" in report.summary


def test_a_difference_becomes_a_break_with_its_value(root: Path) -> None:
    write(root, "turned", ("table: books.cash}", "table: books.cash, negate: [balance]}"))
    desk = desk_of(root)
    desk.reconcile("turned")
    found = [b.item for b in desk.open_breaks() if b.item.recon == "turned"]
    assert found and all(item.kind == "amount" and item.value_base and item.account == "ALPINE" for item in found)
    write(root, "turned")  # the same definition put right: tomorrow's run, or today's again, closes them
    again = desk_of(root)
    again.reconcile("turned")
    assert not [b for b in again.open_breaks() if b.item.recon == "turned"]


def test_two_files_of_two_senders(root: Path) -> None:
    write(
        root, "vendors", ("{name: books, table: books.cash}", "{name: a, table: prices, sender: VENDOR-A}"),
        ("{name: bank, table: statements}", "{name: b, table: prices, sender: VENDOR-B}"),
        ("{name: balance, type: decimal, right: closing}", "{name: balance, type: decimal, left: price, right: price}"),
        ("scope: [account, currency]", "scope: [currency]"), ("reference: currency", "reference: isin"),
        ("equal: [currency", "equal: [isin"), ('absolute: "0.02"', "pct: 2"),
        ("  - {side: right, field: kind, equals: [securities], reason: a statement of securities has no balance}", ""),
        ("exclusions:\n", ""),
    )  # fmt: skip
    result = desk_of(root).reconciled("vendors").value
    assert result.proven and result.matched_pct > 90


THREE = """
name: three
kind: tables
version: 1
title: Prices of three
left: {name: a, table: prices, sender: VENDOR-A}
right: {name: b, table: prices, sender: VENDOR-B}
third: {name: administrator, table: nav_pack, sender: MERIDIAN}
columns: [{name: isin, third: item}, {name: price, type: decimal}]
scope: [isin]
amount: price
reference: isin
passes: [{id: near, equal: [], amount: {pct: 2}}]
exclusions: [{side: third, field: component, equals: [NOT], reason: no holding}]
"""


def in_pence(desk: Workbench) -> set[str]:
    return {r["isin"] for r in desk.known.rows(tables.PRICES, date(2026, 6, 2)).to_pylist() if r["currency"] == "GBX"}


def held_by(desk: Workbench) -> set[str]:
    return {r["isin"] for r in desk.known.book().value.positions().to_pylist()}


def test_three_sides_say_who_is_alone(root: Path) -> None:
    components = {r["component"] for r in desk_of(root).known.rows(tables.NAV_PACK, date(2026, 6, 2)).to_pylist()}
    others = ", ".join(sorted(components - {"holding"}))
    (root / "parameters/recon/three.yaml").write_text(THREE.replace("NOT", others))
    desk = desk_of(root)
    result = desk.reconciled("three").value
    assert result.comparison is not None
    rows = {r["isin"]: r for r in result.comparison.to_pylist()}
    rows = {isin: row for isin, row in rows.items() if isin not in in_pence(desk)}
    held = held_by(desk) & rows.keys()
    assert held and {rows[isin]["agreement"] for isin in held} == {"all agree"}
    assert {rows[isin]["agreement"] for isin in rows.keys() - held} == {"administrator_alone"}  # it prices what the fund holds


def test_one_of_three_that_writes_the_other_sign_is_alone(root: Path) -> None:
    text = THREE.replace("sender: VENDOR-B}", "sender: VENDOR-B, negate: [price]}").replace("NOT", "cash, accrual")
    (root / "parameters/recon/turned_three.yaml").write_text(text.replace("name: three", "name: turned_three"))
    desk = desk_of(root)
    assert desk.reconcile("turned_three").verdict is Verdict.ATTENTION
    held = held_by(desk) - in_pence(desk)
    found = {b.item.isin: b.item.kind for b in desk.open_breaks() if b.item.recon == "turned_three"}
    assert {found[isin] for isin in held} == {"b_alone"}


def test_three_sides_are_compared_by_sums_not_by_dates(root: Path) -> None:
    text = THREE.replace("reference: isin", "date: price_date").replace("name: three", "name: dated_three")
    (root / "parameters/recon/dated_three.yaml").write_text(text)
    with pytest.raises(ParameterError, match="take out `date`"):
        desk_of(root).reconcile("dated_three")


def test_a_side_that_did_not_come_is_said_and_nothing_is_compared(root: Path) -> None:
    write(root, "nobody", ("table: statements}", "table: statements, sender: NOBODY}"))
    report = desk_of(root).reconcile("nobody")
    assert report.verdict is Verdict.ATTENTION
    assert report.summary == "Nothing was compared: no NOBODY statements of 2026-06-02."


@pytest.mark.parametrize(
    ("change", "letter"),
    [
        (("table: statements}", "table: statments}"), "right.table: no table 'statments'; did you mean 'statements'"),
        (("table: statements}", "tabel: statements}"), "did you mean 'table'"),
        (("kind: tables", "kind: tabels"), "no kind 'tabels'; did you mean 'tables'"),
        (("right: closing", "right: closed"), "no column 'closed'.*did you mean 'closing'"),
    ],
)
def test_what_is_misspelt_is_refused_with_the_nearest(root: Path, change: tuple[str, str], letter: str) -> None:
    write(root, "wrong", change)
    with pytest.raises(ParameterError, match=letter):
        desk_of(root).reconcile("wrong")
