"""Real files of banks, custodians and filers: every one answers, published balances are proven, counts are exact."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bo_lib import feeds

CORPORA = Path(__file__).parents[3] / "shared" / "corpora"
pytestmark = pytest.mark.skipif(not CORPORA.is_dir(), reason="no folder of real files beside the project")
FOLDERS = ("swift", "iso20022", "sec", "esma", "brokers", "bank", "prices")

# Files whose own figures do not add up, counted by hand; of every other MT940 all statements are proven.
NOT_PROVEN = {
    "spec__balance-mismatch.sta": 1, "spec__currency-flip.sta": 1, "jejik__abnamro.sta": 2, "jejik__knab.sta": 1,
    "jejik__knab_broken.sta": 1, "jejik__postfinance.sta": 1, "abnamro__mt940.sta": 2, "mBank__with_newline_in_tnr.sta": 1,
    "sparkasse__buxtehude.sta": 1, "special-cases__incomplete_tag_61.sta": 1,
    "special-cases__invalid_utf8.sta": 1, "special-cases__overly_long_details.sta": 1, "jejik__rabobank.sta": 2,
    "jejik__triodos.sta": 1,
}  # fmt: skip


def read(name: str) -> Any:
    return feeds.read(CORPORA / name)


def figures(name: str) -> list[tuple[str | None, str | None, int, str | None, bool | None]]:
    return [(s["opening"], s["closing"], s["entries"], s["sum"], s["proven"]) for s in feeds.summary(read(name))["statements"]]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_answers_with_a_format_or_a_finding(folder: str) -> None:
    files = [p for p in (CORPORA / folder).rglob("*") if p.is_file()]
    assert files
    for path in files:
        outcome = feeds.read(path)
        feeds.summary(outcome)
        assert outcome.value.format or not outcome.ok, path


def test_every_published_statement_is_proven_but_those_whose_figures_do_not_add_up() -> None:
    files = sorted([*(CORPORA / "swift" / "mt940").iterdir(), *(CORPORA / "swift" / "mt942").iterdir()])
    known = [(p.name, feeds.summary(feeds.read(p))["statements"]) for p in files]
    broken = {name: count for name, found in known if (count := sum(s["proven"] is False for s in found))}
    assert broken == NOT_PROVEN
    assert sum(s["proven"] is True for _, found in known for s in found) >= 60


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("spec__multi-statement.sta", [("5000.00", "4150.25", 2, "-849.75", True), ("4150.25", "4100.50", 1, "-49.75", True),
                                       ("-250.00", "-250.00", 0, "0.00", True)]),
        ("spec__no-decimal-amounts.sta", [("5000.00", "4999.50", 3, "-0.50", True),
                                          ("0.00", "999999999999.99", 1, "999999999999.99", True)]),
        ("danskebank__MT940_FI_Example.sta", [("54484.04", "53126.94", 6, "-1357.10", True)]),
        ("jejik__postfinance.sta", [("0.00", "229.20", 2, "229.20", True), ("229.20", "159.60", 2, "-69.80", False)]),
    ],
)  # fmt: skip
def test_figures_of_statements(name: str, expected: list[Any]) -> None:
    assert figures(f"swift/mt940/{name}") == expected


@pytest.mark.parametrize(
    ("name", "line"), [("special-cases__february_30.sta", "line 6"), ("special-cases__incomplete_tag_61.sta", "line 5")]
)
def test_bad_entries_are_findings_with_their_line(name: str, line: str) -> None:
    assert line in {f.place.at for f in read(f"swift/mt940/{name}").findings}


def test_camt_of_every_version() -> None:
    found = {p.name: feeds.read(p) for p in sorted((CORPORA / "iso20022" / "camt").iterdir())}
    kinds = {name: outcome.value.format for name, outcome in found.items()}
    assert {name for name, kind in kinds.items() if not kind} == {"camt.056.001.10_sample.xml", "valid_camt_v09.xml"}
    proven = {name for name, o in found.items() for s in feeds.summary(o)["statements"] if s["proven"]}
    assert {"camt053.v2.multi.statement.xml", "camt.052.001.08_multi_report_sample.xml", "FI_camt_052_sample.xml.xml"} <= proven
    five = feeds.summary(found["camt053.v2.five.decimals.xml"])["statements"][0]
    assert (five["opening"], five["closing"], five["sum"]) == ("18.15", "27.05", "8.85")


@pytest.mark.parametrize(
    ("name", "holdings", "net_assets"),
    [("dupree_kentucky_muni_2022-12-31.xml", 55, "41349926.01"), ("global_x_dax_2024-01-31.xml", 41, "55209542.06"),
     ("goldman_sachs_bond_2023-03-31.xml", 1685, "361898455.93")],
)  # fmt: skip
def test_filings_keep_every_holding_and_their_totals(name: str, holdings: int, net_assets: str) -> None:
    outcome = read(f"sec/nport/{name}")
    totals = {t["item"]: t["amount"] for t in outcome.value.tables["filing_totals"].to_pylist()}
    assert (outcome.value.tables["holdings"].num_rows, outcome.value.quarantined) == (holdings, 0)
    assert totals["netAssets"] == totals["totAssets"] - totals["totLiabs"] == Decimal(net_assets)


def test_the_value_of_a_filing_without_derivatives_explains_its_assets() -> None:
    """Investments and cash of the DAX fund make up its total assets to within 0.01%."""
    outcome = read("sec/nport/global_x_dax_2024-01-31.xml")
    totals = {t["item"]: t["amount"] for t in outcome.value.tables["filing_totals"].to_pylist()}
    value = sum(h["market_value"] for h in outcome.value.tables["holdings"].to_pylist())
    assert abs(totals["totAssets"] - value - totals["cshNotRptdInCorD"]) < totals["totAssets"] / 10000


def test_messages_of_custodians() -> None:
    [confirmed] = read("swift/mt5xx/MT547_AbstractMTTest_01.fin").value.tables["settlements"].to_pylist()
    assert (confirmed["reference"], confirmed["status"], confirmed["side"]) == ("00013507299330A", "settled", "DELIVER")
    assert (confirmed["quantity"], confirmed["amount"]) == (Decimal(8167548), Decimal("8226417.05"))
    [notice] = read("swift/mt5xx/MT564_MT564ParserTest_01.fin").value.tables["announcements"].to_pylist()
    assert (notice["caev"], notice["withholding_pct"], notice["eligible"]) == ("DVCA", Decimal(35), Decimal(7000))
    holdings = read("swift/mt5xx/MT535_MtSwiftMessageJsonSchemaTest_09.fin").value.tables["holdings"].to_pylist()
    assert [(h["local_id"], h["quantity"]) for h in holdings] == [
        ("cusip:31392EXH8", Decimal(35732656)),
        ("cusip:31406RR72", Decimal(0)),
    ]
    older = read("iso20022/other/semt.002.002.03_MxNodeTest_01.xml").value.tables["holdings"].to_pylist()
    assert [h["quantity"] for h in older] == [h["quantity"] for h in holdings]
