"""A reconciliation of one's own: a rules file, no code."""

from datetime import date
from pathlib import Path

import pytest

from bo_lib.config import ParameterError
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
