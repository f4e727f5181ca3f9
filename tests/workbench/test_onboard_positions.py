"""A list of positions becomes a book: lots at cost, net assets at its prices, bad rows said, the rest a stated residual."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import xlsxwriter

from bo_lib import Workbench, cli
from bo_lib.config import ParameterError
from bo_lib.model.findings import Verdict
from bo_lib.run.errors import Exit
from bo_lib.views.report import Report
from bo_lib.workbench.onboard_positions import onboard_positions
from tests.conftest import PROJECT

MAPPING = PROJECT / "parameters" / "mappings" / "opening_positions.yaml"
HEAD = "Account,ISIN,Name,Kind,Quantity,Ccy,Acquired,Cost,Cost Base,Price,As Of,FX Rate,Base"
APPLE = "111,US0378331005,Apple Inc,equity,100,USD,2025-03-03,15000.00,14000.00,210.50,2026-06-30,1.10,EUR"
APPLE_LATER = "111,US0378331005,Apple Inc,equity,50,USD,2025-09-01,9000.00,8200.00,210.50,2026-06-30,1.10,EUR"
SAP = "111,DE0007164600,SAP SE,equity,80,EUR,2024-01-15,12000.00,12000.00,240.00,2026-06-30,1,EUR"
SHORT = "222,GB0002374006,Diageo,equity,-10,GBP,2025-01-15,-250.00,-300.00,22.00,2026-06-30,0.85,EUR"
WORTH = Decimal("28704.55") + Decimal("19200.00") - Decimal("258.82")  # 150 x 210.50 / 1.10, 80 x 240, 10 x 22 / 0.85


def listed(folder: Path, *rows: str, name: str = "positions.csv", head: str = HEAD) -> Path:
    path = folder / name
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def opened(folder: Path, *rows: str, **told: Decimal) -> Report:
    return onboard_positions(folder / "firm", listed(folder, *rows), "MY-FUND", MAPPING, **told)


def figures(report: Report) -> dict[str, object]:
    return {f.label: f.value for f in report.figures}


def test_positions_and_cash_make_net_assets_by_two_computations(tmp_path: Path) -> None:
    report = opened(tmp_path, APPLE, APPLE_LATER, SAP, SHORT, cash=Decimal("1000"))
    said = figures(report)
    assert report.verdict is Verdict.PASS, report.to_text()
    assert said["Net assets, EUR"] == said["By the ledger"] == WORTH + 1000 and said["Residual"] == 0


def test_what_the_list_does_not_itemise_is_a_stated_residual(tmp_path: Path) -> None:
    report = opened(tmp_path, APPLE, SAP, net_assets=Decimal("50000"))
    said = figures(report)
    assert said["Net assets, EUR"] == said["As stated"] == said["By the ledger"] == 50000
    assert said["Residual"] == 50000 - Decimal("19136.36") - 19200
    assert [f.code for f in report.findings] == ["residual-large"] and report.verdict is Verdict.ATTENTION


def test_lots_keep_cost_date_account_and_the_line_of_the_list(tmp_path: Path) -> None:
    opened(tmp_path, APPLE, APPLE_LATER, SAP, SHORT)
    desk = Workbench.open("MY-FUND", "2026-06-30", root=tmp_path / "firm")
    lots = [(r["account"], r["isin"], r["acquired"], r["quantity"], r["cost_base"]) for r in desk.book.lots().to_pylist()]
    assert lots == [
        ("111", "DE0007164600", date(2024, 1, 15), 80, 12000), ("111", "US0378331005", date(2025, 3, 3), 100, 14000),
        ("111", "US0378331005", date(2025, 9, 1), 50, 8200), ("222", "GB0002374006", date(2025, 1, 15), -10, -300),
    ]  # fmt: skip
    lines = desk.book.explain("US0378331005").value.lines.to_pylist()
    assert [(desk.known.name_of(row["file"]), row["at"]) for row in lines] == [
        ("OPENING/positions.csv", "line 2"), ("OPENING/positions.csv", "line 3"),
    ]  # fmt: skip
    assert not desk.book.refused and desk.register_units() == {"ALL": 1}


def test_a_row_that_cannot_be_read_is_left_out_and_said_with_its_line(tmp_path: Path) -> None:
    report = opened(tmp_path, APPLE, SAP.replace(",80,", ",many,"), net_assets=Decimal("38336.36"))
    (finding, large) = report.findings
    assert (finding.code, finding.place.at, finding.found) == ("number-invalid", "line 3", "many")
    assert large.code == "residual-large" and figures(report)["Residual"] == 19200, "what is left out is in the residual"
    assert report.verdict is Verdict.ATTENTION


def test_a_list_read_again_adds_nothing_and_another_under_its_name_is_refused(tmp_path: Path) -> None:
    first = opened(tmp_path, APPLE, SAP)
    desk = Workbench.open("MY-FUND", "2026-06-30", root=tmp_path / "firm")
    heads = desk.office.store.heads()
    assert figures(opened(tmp_path, APPLE, SAP)) == figures(first)
    assert desk.office.store.heads() == heads
    with pytest.raises(ParameterError, match="is there with other content"):
        opened(tmp_path, APPLE)


def test_the_next_day_starts_from_the_list(tmp_path: Path) -> None:
    opened(tmp_path, APPLE, SAP)
    desk = Workbench.open("MY-FUND", "2026-07-01", root=tmp_path / "firm")
    assert {f.code for f in desk.struck().findings if f.code.endswith("missing")} == {"price-missing", "rate-missing"}
    assert desk.previous().value["ALL"].net_assets == Decimal("38336.36")


def test_two_prices_of_one_instrument_are_said(tmp_path: Path) -> None:
    report = opened(tmp_path, APPLE, APPLE_LATER.replace("210.50", "211.50"))
    assert "price-contradicts" in [f.code for f in report.findings] and report.verdict is Verdict.BLOCKED


def test_ones_own_headings_through_ones_own_mapping_and_a_workbook(tmp_path: Path) -> None:
    own = tmp_path / "broker_list.yaml"
    own.write_text(MAPPING.read_text().replace("opening_positions\n", "broker_list\n").replace("ISIN", "Security"))
    with xlsxwriter.Workbook(str(tmp_path / "list.xlsx")) as book:
        sheet = book.add_worksheet("Positions")
        for n, line in enumerate([HEAD.replace("ISIN", "Security"), APPLE]):
            sheet.write_row(n, 0, line.split(","))
    report = onboard_positions(tmp_path / "firm", tmp_path / "list.xlsx", "MY-FUND", own)
    assert figures(report)["Net assets, EUR"] == Decimal("19136.36")
    assert (tmp_path / "firm/parameters/mappings/broker_list.yaml").exists(), "the firm can read the list again"


@pytest.mark.parametrize(
    ("rows", "head", "said"),
    [
        ((APPLE,), HEAD.replace("Cost Base", "Kosten"), "no opening positions"),
        ((), HEAD, "no opening positions"),
        ((APPLE, SAP.replace("2026-06-30", "2026-06-29")), HEAD, "one date and one base currency"),
        ((APPLE, SAP.replace(",EUR\n", "").removesuffix("EUR") + "USD"), HEAD, "found EUR, USD"),
    ],
)
def test_a_list_that_cannot_be_opened_is_a_letter(tmp_path: Path, rows: tuple[str, ...], head: str, said: str) -> None:
    path = listed(tmp_path, *rows, head=head)
    with pytest.raises(ParameterError, match=said):
        onboard_positions(tmp_path / "firm", path, "MY-FUND", MAPPING)
    assert not (tmp_path / "firm").exists(), "nothing is half-made"


def test_a_fund_that_is_described_otherwise_is_a_letter(tmp_path: Path) -> None:
    opened(tmp_path, APPLE)
    later = listed(tmp_path, SAP.replace("2026-06-30", "2026-07-31"), name="july.csv")
    with pytest.raises(ParameterError, match=r"MY-FUND.yaml: inception 2026-06-30, the list is of 2026-07-31"):
        onboard_positions(tmp_path / "firm", later, "MY-FUND", MAPPING)


def test_the_command_opens_a_fund_and_says_what_it_lacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, root = listed(tmp_path, APPLE, SAP), tmp_path / "firm"
    words = ["onboard", "--positions", str(path), "--root", str(root)]
    for more, letter in (
        ([], "--positions needs --fund"), (["--fund", "F1", "--cash", "much"], "--cash much: expected an amount"),
        (["--fund", "F1", "--net-assets", "NaN"], "expected an amount"),
    ):  # fmt: skip
        assert cli.main([*words, *more]) == Exit.USAGE and letter in capsys.readouterr().err
    assert cli.main([*words, "--fund", "F1", "--cash", "10.50"]) == Exit.OK
    assert "38,346.86" in capsys.readouterr().out
    assert cli.main(["book", "lots", "--fund", "F1", "--root", str(root)]) == Exit.OK
    assert "DE0007164600" in capsys.readouterr().out
