"""A public filing becomes a book: net assets to the cent, and what is not itemised stated as a residual."""

from decimal import Decimal
from pathlib import Path

import pytest

from bo_lib import Workbench
from bo_lib.config import ParameterError, load_firm
from bo_lib.model.findings import Verdict
from bo_lib.workbench.onboard import onboard

CORPUS = Path(__file__).parents[3] / "shared" / "corpora" / "sec" / "nport"
HOLDING = """
<invstOrSec><name>{name}</name><title>{name}</title><cusip>{cusip}</cusip><identifiers>{isin}</identifiers><balance>{balance}</balance>
<units>{units}</units><curCd>USD</curCd><valUSD>{value}</valUSD><pctVal>1</pctVal><payoffProfile>Long</payoffProfile>
<assetCat>{kind}</assetCat><invCountry>US</invCountry></invstOrSec>"""


def filing(folder: Path, holdings: str, net_assets: str) -> Path:
    path = folder / "small_fund.xml"
    path.write_text(
        '<?xml version="1.0"?><edgarSubmission xmlns="http://www.sec.gov/edgar/nport"><formData>'
        "<genInfo><regName>Small Trust</regName><seriesName>Small Fund</seriesName><seriesId>S000099999</seriesId>"
        "<repPdEnd>2026-06-30</repPdEnd><repPdDate>2026-06-30</repPdDate></genInfo>"
        f"<fundInfo><totAssets>1100.00</totAssets><totLiabs>1.50</totLiabs><netAssets>{net_assets}</netAssets>"
        f"<cshNotRptdInCorD>12.30</cshNotRptdInCorD></fundInfo><invstOrSecs>{holdings}</invstOrSecs></formData></edgarSubmission>"
    )
    return path


def line(name: str, balance: str, value: str, isin: str = "", units: str = "NS", kind: str = "EC") -> str:
    mark = f'<isin value="{isin}"/>' if isin else ""
    return HOLDING.format(name=name, cusip="000000000", isin=mark, balance=balance, units=units, value=value, kind=kind)


SHARES = line("Apple Inc", "3", "1000.01", "US0378331005")
FORWARD = line("EUR/USD forward", "1", "-20.456", units="NC", kind="DFE")


def figures(root: Path, path: Path) -> dict[str, Decimal]:
    report = onboard(root, path)
    assert report.verdict is not Verdict.BLOCKED, report.to_text()
    return {f.label: f.value for f in report.figures}


def test_net_assets_come_out_to_the_cent_with_the_rest_as_a_residual(tmp_path: Path) -> None:
    said = figures(tmp_path / "firm", filing(tmp_path, SHARES + FORWARD, "1098.50"))
    assert said["Net assets, USD"] == said["As filed"] == said["By the ledger"] == Decimal("1098.50")
    assert said["Residual"] == Decimal("1098.50") - Decimal("1000.01") + Decimal("20.46") - Decimal("12.30")


@pytest.mark.parametrize(("net_assets", "verdict"), [("1017.36", Verdict.PASS), ("1017.50", Verdict.ATTENTION)])
def test_a_residual_beyond_half_a_percent_of_net_assets_asks_for_attention(
    tmp_path: Path, net_assets: str, verdict: Verdict
) -> None:
    report = onboard(tmp_path / "firm", filing(tmp_path, SHARES, net_assets))  # 1000.01 of shares and 12.30 of cash
    said = {f.label: f.value for f in report.figures}
    assert report.verdict is verdict
    assert said["Residual, % of net assets"] == round(said["Residual"] * 100 / Decimal(net_assets), 2)
    assert "makes them equal to the filed total" in report.summary
    assert [f.code for f in report.findings] == (["residual-large"] if verdict is Verdict.ATTENTION else [])


def test_a_price_that_does_not_divide_and_a_huge_quantity_keep_their_value(tmp_path: Path) -> None:
    huge = line("Peso bill", "123456789012345.67", "1000.03", "US9128285M81", units="PA", kind="DBT")
    assert figures(tmp_path / "firm", filing(tmp_path, SHARES + huge, "2000.04"))["Residual"] == Decimal("-12.30")


def test_two_lines_of_one_security_keep_their_own_prices(tmp_path: Path) -> None:
    twice = line("Apple Inc", "5", "1500.00", "US0378331005")
    said = figures(tmp_path / "firm", filing(tmp_path, SHARES + twice, "2512.31"))
    assert said["Holdings"] == 2 and said["Residual"] == 0


def test_the_day_after_an_opened_fund_of_one_currency_needs_no_rate_and_its_units_are_registered(tmp_path: Path) -> None:
    figures(tmp_path / "firm", filing(tmp_path, SHARES, "1098.50"))
    desk = Workbench.open("S000099999", "2026-07-01", root=tmp_path / "firm")
    assert desk.rates().findings == () and desk.cash_in_base("USD", Decimal("1.50")) == Decimal("1.50")
    assert desk.register_units() == {"ALL": 1}
    assert [f.code for f in desk.priced().findings] == ["price-missing"], "what is missing is today's prices, and they alone"


def test_a_filing_read_again_adds_nothing(tmp_path: Path) -> None:
    path = filing(tmp_path, SHARES, "1098.50")
    assert figures(tmp_path / "firm", path) == figures(tmp_path / "firm", path)


def test_a_file_of_another_kind_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "notes.xml").write_text("<notes/>")
    with pytest.raises(ParameterError, match=r"notes.xml: not a Form N-PORT filing"):
        onboard(tmp_path / "firm", tmp_path / "notes.xml")


@pytest.mark.skipif(not CORPUS.is_dir(), reason="no shared corpora beside the project")
def test_real_filings_open_at_their_reported_net_assets(tmp_path: Path) -> None:
    paths = sorted(CORPUS.glob("*.xml"))
    assert paths
    for path in paths:
        said = figures(tmp_path / path.stem, path)
        assert said["Net assets, USD"] == said["As filed"] == said["By the ledger"], path.name


def test_a_holding_whose_size_is_not_stated_keeps_its_value(tmp_path: Path) -> None:
    said = figures(tmp_path / "firm", filing(tmp_path, SHARES + line("Private", "N/A", "5.05"), "1017.36"))
    assert (said["Holdings"], said["Residual"]) == (2, Decimal("1017.36") - Decimal("1000.01") - Decimal("5.05") - Decimal("12.30"))


@pytest.mark.parametrize("name", ["1234567890", "1e5", "NO"])
def test_a_fund_may_be_named_by_figures_alone(tmp_path: Path, name: str) -> None:
    path = filing(tmp_path, SHARES, "1017.36")
    path.write_text(path.read_text().replace("S000099999", name))
    assert figures(tmp_path / "firm", path)["Net assets, USD"] == Decimal("1017.36")
    assert list(load_firm(tmp_path / "firm").funds) == [name]


def test_a_fund_whose_name_could_lead_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    path = filing(tmp_path, SHARES, "1017.36")
    path.write_text(path.read_text().replace("S000099999", "../../elsewhere"))
    with pytest.raises(ParameterError, match="seriesId"):
        onboard(tmp_path / "firm", path)
    assert not (tmp_path / "firm").exists()


def test_a_residual_of_nil_net_assets_is_said_without_a_percentage(tmp_path: Path) -> None:
    report = onboard(tmp_path / "firm", filing(tmp_path, SHARES, "0"))
    [found] = [f for f in report.findings if f.code == "residual-large"]
    assert "nil" in found.message and not found.found
