"""Any table of the books as of any day and time, and any figure followed to the line of its file, at the desk and typed."""

import csv
import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook

from bo_lib import cli
from bo_lib.model.events import Trade
from bo_lib.model.findings import Verdict
from bo_lib.run import book_words
from bo_lib.run.errors import Exit
from bo_lib.workbench import Workbench
from bo_lib.workbench.books_desk import TABLES
from bo_lib.workbench.door import Door
from tests.workbench.conftest import DAY, FUND

Bo = Callable[..., tuple[int, str, str]]


@pytest.fixture
def bo(two_days: Path, capsys: pytest.CaptureFixture[str]) -> Bo:
    def run(*words: str, root: Path = two_days) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.main([*words, "--fund", FUND, "--root", str(root)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture(scope="module")
def reader(two_days: Path) -> Workbench:
    return Workbench.open(FUND, DAY, root=two_days)


def test_the_command_offers_what_the_desk_has() -> None:
    assert tuple(book_words.TABLES) == TABLES


def figures(report: object) -> dict[str, object]:
    return {f.label: f.value for f in report.figures}  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_shown_and_written(bo: Bo, tmp_path: Path, name: str) -> None:
    code, out, _ = bo("book", name, "--date", DAY, "--rows", "3")
    assert code == Exit.OK and out
    written = [tmp_path / f"rows.{ending}" for ending in ("csv", "parquet", "xlsx")]
    for path in written:
        code, out, _ = bo("book", name, "--date", DAY, "--out", str(path))
        assert code == Exit.OK and f": {path}" in out
    rows = pq.read_table(written[1])
    with written[0].open(newline="") as file:
        assert next(csv.reader(file)) == rows.column_names
    assert len(CalamineWorkbook.from_path(written[2]).sheet_names) >= 2
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in written), "nothing half-written is left"


def test_the_books_of_a_day_before_are_what_they_were_known_to_be_then(bo: Bo, desk: Workbench) -> None:
    root = desk.office.root
    then = bo("book", "positions", "--date", "2026-06-01", "--json", root=root)[1]
    like = next(e for e in desk.known.standing(Trade) if e.side == "BUY")
    late = {"event_id": "T-LATE", "trade_id": "LATE", "effective_date": date(2026, 6, 1)}
    with desk.office.at("2026-06-03T09:00:00Z"):
        desk.known.book_events([like.model_copy(update=late)])
    now = bo("book", "positions", "--date", "2026-06-01", "--json", root=root)[1]
    as_known = bo("book", "positions", "--date", "2026-06-01", "--known-at", "2026-06-03T08:59:59Z", "--json", root=root)[1]
    assert now != then
    assert rows_of(as_known) == rows_of(then), "what came later changes nothing of what was known"


def rows_of(said: str) -> object:
    return json.loads(said)["sections"][0]["rows"]


def test_the_result_is_that_of_the_roll_forward_and_of_the_trial_balance(reader: Workbench) -> None:
    said = figures(reader.pnl(date(2026, 6, 1)))
    assert said["Total"] == said["By the trial balance"] == figures(reader.roll_forward())["Operations"]
    assert all(said[part] for part in ("Realised price", "Unrealised price", "Unrealised currency", "Expense"))


@pytest.mark.parametrize("basis", ["IFRS", "TAX"])
def test_the_books_are_shown_on_another_basis_and_their_result_ties(bo: Bo, basis: str) -> None:
    assert bo("book", "trial-balance", "--date", DAY, "--basis", basis)[0] == Exit.OK
    code, out, _ = bo("book", "pnl", "--date", DAY, "--basis", basis, "--from", "2026-06-01")
    assert code == Exit.OK and "the trial balance says the same" in out


def test_what_is_unrealised_is_left_out_and_said_where_there_is_no_price(reader: Workbench) -> None:
    report = Workbench(reader.office, FUND, date(2026, 6, 6)).pnl()  # a Saturday
    assert report.verdict is Verdict.BLOCKED and "What is unrealised is not in it" in report.summary
    assert figures(report)["Unrealised price"] == 0 and figures(report)["Total"] == figures(report)["By the trial balance"]


def test_net_assets_lead_to_components_with_price_and_rate_and_to_every_line(reader: Workbench) -> None:
    report = reader.explain("nav")
    assert report.verdict is Verdict.PASS, report.summary
    assert figures(report)["nav"] == reader.struck().value.net_assets
    yen = next(r for r in reader.components().to_pylist() if r["currency"] == "JPY" and r["component"] == "holding")
    price = reader.known.name_of(yen["file"])
    lines = (reader.office.inbox(reader.day) / price).read_text().splitlines()
    assert yen["item"] in lines[int(yen["at"].split()[-1]) - 1], "the line named is the line of the price"
    rates = (reader.office.inbox(reader.day) / reader.known.name_of(yen["rate_file"])).read_text().splitlines()
    assert "JPY" in rates[int(yen["rate_at"].split()[-1]) - 1]


def test_every_component_of_net_assets_is_its_price_or_its_journal_lines(reader: Workbench) -> None:
    for row in reader.components().to_pylist():
        computed = row["component"] == "forward" or (row["component"] == "accrual" and not row["lines"])
        assert computed or (row["lines"] and row["lines_differ"] == 0), row


def test_a_trade_in_a_position_is_the_line_of_the_order_file(reader: Workbench) -> None:
    bought = next(e for e in reader.known.standing(Trade) if e.side == "BUY")
    rows = reader.explain(bought.isin).sections[-1].table.to_pylist()
    source = next(row["source"] for row in rows if row["event_id"] == bought.event_id)
    name, _, at = source.partition(", ")
    assert bought.trade_id in (reader.office.inbox(bought.effective_date) / name).read_text().splitlines()[int(at.split()[-1]) - 1]


@pytest.mark.parametrize("share_class", ["A", "I", "H-USD"])
def test_a_nav_per_unit_is_net_assets_at_the_rate_of_the_day_by_units(reader: Workbench, share_class: str) -> None:
    report = reader.explain(f"nav/{share_class}")
    assert report.verdict is Verdict.PASS
    ties = {row["figure"].partition(":")[0].partition(",")[0]: row for row in report.sections[1].table.to_pylist()}
    assert ties["NAV per unit"]["stated"] == reader.struck().value.rows[share_class]["nav_per_unit"]
    assert {"net assets", "units issued less redeemed", "capital", "NAV per unit"} <= ties.keys()


@pytest.mark.parametrize("figure", ["nav", "nav/A", "cash", "cash/USD", "management_fee_payable/A", "unrealised_gain", "capital/I"])
def test_a_figure_is_explained_on_the_command_line(bo: Bo, figure: str) -> None:
    code, out, _ = bo("explain", figure, "--date", DAY)
    assert code == Exit.OK and f"Explained: {figure}" in out
    said = json.loads(bo("explain", figure, "--date", DAY, "--json")[1])
    assert said["verdict"] == "pass" and said["figures"][0]["label"] == figure


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["explain", "nva"], "the books have no figure 'nva'; found 'nva'; expected such as nav"),
        (["explain", "nav/B"], "expected such as nav"),
        (["explain", "cash/USE"], "cash has no part 'USE'"),
        (["book", "lots", "--out", "lots.xls"], "expected a name that ends in .csv, .parquet or .xlsx"),
        (["book", "lots", "--out", "nowhere/lots.csv"], "nowhere"),
        (["book", "pnl", "--from", "2026-07-01"], "--from 2026-07-01 is after --date 2026-06-02"),
        (["book", "lots", "--known-at", "yesterday"], "expected a time with its zone"),
        (["book", "lots", "--date", "2.6.2026"], "is not a date"),
        (["book", "lots", "--basis", "GAPP"], "GAPP"),
    ],
)
def test_what_cannot_be_shown_is_a_letter(bo: Bo, words: list[str], said: str) -> None:
    code, _, letter = bo(*words, *([] if "--date" in words else ["--date", DAY]))
    assert code == Exit.USAGE and said in letter, letter


def test_a_late_trade_of_a_closed_month_is_in_the_report_of_adjustments(desk: Workbench, bo: Bo) -> None:
    Door(desk.office, desk.fund).lock(date(2026, 5, 31), "hard", "the month is closed")
    like = next(e for e in desk.known.standing(Trade) if e.side == "BUY")
    desk.known.book_events(
        [like.model_copy(update={"event_id": "T-LATE", "trade_id": "LATE", "effective_date": date(2026, 5, 28)})]
    )
    code, out, _ = bo("book", "adjustments", "--date", DAY, "--json", root=desk.office.root)
    (row,) = rows_of(out)
    assert code == Exit.OK and (row["belongs_to"], row["booked_on"], row["reference"]) == ("2026-05-28", "2026-06-01", "LATE")
    assert row["file"].startswith("ORDERS/") and Decimal(row["debits_base"]) > 0


@pytest.mark.parametrize("day", ["2026-05-29", "2026-06-06"])
def test_a_balance_is_explained_on_a_day_without_a_strike(reader: Workbench, day: str) -> None:
    quiet = Workbench(reader.office, FUND, date.fromisoformat(day))
    assert quiet.explain("cash").verdict is Verdict.PASS
    assert quiet.explain("nav").verdict is Verdict.BLOCKED, "what cannot be struck is said"
