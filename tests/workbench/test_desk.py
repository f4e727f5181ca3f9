"""A desk does its work once, writes nothing into the past, and says what it lacks."""

import json
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from bo_lib.config import ParameterError
from bo_lib.model.events import Accrual, JournalLine, ManualJournal
from bo_lib.model.findings import Verdict
from bo_lib.workbench import Workbench, catch_up
from bo_lib.workbench.office import Office, find_root
from tests.conftest import Month, firm

FUND, DAY = "EURO-UCITS", "2026-06-30"


def figure(report, label: str) -> object:
    return next(f.value for f in report.figures if f.label == label)


def test_the_same_day_done_again_adds_no_fact(month_copy: Path) -> None:
    office = Office(month_copy)
    before = office.store.heads()
    with office.at("2026-06-30T22:00:00Z"):
        Workbench(office, FUND, date(2026, 6, 30)).carry()
    assert office.store.heads() == before


def test_the_chain_of_a_month_of_facts_is_unbroken(month: Month) -> None:
    outcome = Office(month.root).store.verify()
    assert outcome.ok and outcome.value > 1000


def test_a_desk_that_looks_at_the_past_sees_it_as_it_was_and_writes_nothing(month_copy: Path) -> None:
    office = Office(month_copy)
    before = office.store.heads()
    then = Workbench.open(FUND, DAY, "2026-06-29T21:00:00Z", root=month_copy)
    assert figure(then.arrivals(), "Arrived") == 0, "nothing of 30 June was known on the evening of the 29th"
    assert then.strike().verdict is Verdict.BLOCKED
    assert office.store.heads() == before


def test_the_whole_month_rolls_forward_and_the_administrator_agrees_where_no_error_was_seeded(month: Month) -> None:
    desk = Workbench.open("HARBOUR-PE", DAY, root=month.root)
    assert desk.roll_forward().verdict is Verdict.PASS
    assert figure(desk.shadow(), "Administrator difference (bp)") == 0
    assert figure(desk.trial_balance(), "Out of balance") == 0


@pytest.mark.parametrize("fund", ["GLOBAL-EQ-LS", "EURO-UCITS", "GLOBAL-BOND", "HARBOUR-PE"])
def test_every_move_of_the_last_day_is_explained_to_the_cent(month: Month, fund: str) -> None:
    assert figure(Workbench.open(fund, DAY, root=month.root).nav_move(), "Residual") == Decimal(0)


def test_a_conclusion_is_the_worst_of_its_parts_and_leaves_its_results_with_the_run(
    month_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BO_RUN_DIR", str(tmp_path))
    desk = Workbench.open(FUND, DAY, root=month_copy)
    conclusion = desk.conclude(desk.arrivals(), desk.breaks())
    said = json.loads((tmp_path / "conclusion.json").read_text())
    assert conclusion.verdict is Verdict.ATTENTION and said["verdict"] == "attention"
    assert said["figures"]["Breaks: Open"] == str(figure(desk.breaks(), "Open"))
    assert json.loads((tmp_path / "results" / "breaks.json").read_text())["name"] == "breaks"


@pytest.fixture(scope="module")
def first_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = firm(tmp_path_factory.mktemp("first") / "firm", date(2026, 6, 2), errors=False)
    catch_up(root, "GLOBAL-EQ-LS", date(2026, 6, 1))
    return root


def test_without_rates_the_nav_is_blocked_with_a_letter_and_the_rest_goes_on(first_day: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(first_day, tmp_path / "firm"))
    for file in (root / "outputs/inbox/2026-06-02/VENDOR-A").glob("fx*"):
        file.unlink()
    desk = Workbench.open("GLOBAL-EQ-LS", "2026-06-02", root=root)
    assert desk.strike().verdict is Verdict.BLOCKED
    assert any("no rate for GBP on 2026-06-02" in f.message for f in desk.prices().findings)
    for report in (desk.nav_controls(), desk.nav_move(), desk.shadow(), desk.deal(), desk.close_tasks()):
        assert report.verdict in Verdict and report.summary


def test_a_day_before_which_nothing_was_struck_says_what_to_run_first(first_day: Path) -> None:
    desk = Workbench.open("EURO-UCITS", "2026-06-02", root=first_day)
    (letter,) = [f for f in desk.strike().findings if f.code == "previous-nav-missing"]
    assert letter.todo == "strike it first: bo run nav_strike --fund EURO-UCITS --date 2026-06-01"


def test_a_trade_that_is_corrected_is_reversed_and_both_versions_stay(first_day: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(first_day, tmp_path / "firm"))
    known = Workbench.open("GLOBAL-EQ-LS", "2026-06-01", root=root).known
    accrual = next(e for e in known.events() if e.kind == "accrual")
    assert known.book_events([accrual]) == 0
    assert known.book_events([accrual.model_copy(update={"amount": accrual.amount + 1})]) == 2
    ids = [e.event_id for e in known.events() if e.event_id.startswith(accrual.event_id)]
    assert ids == [accrual.event_id, f"{accrual.event_id}~reversed", f"{accrual.event_id}~2"]


def test_a_fund_without_opening_books_is_refused_with_where_to_put_them(tmp_path: Path) -> None:
    shutil.copytree(Path(__file__).parents[2] / "parameters", tmp_path / "parameters")
    with pytest.raises(ParameterError, match=r"HARBOUR-PE has no opening books of 2026-05-29; put the take-over pack into"):
        catch_up(tmp_path, "HARBOUR-PE", date(2026, 6, 1))


def test_no_firm_here_or_above_says_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BO_ROOT", raising=False)
    with pytest.raises(ParameterError, match="bo new DIR"):
        find_root(tmp_path)


def test_a_file_sent_again_under_its_name_takes_the_place_of_the_first(first_day: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(first_day, tmp_path / "firm"))
    (file,) = (root / "outputs/inbox/2026-06-02/MERIDIAN").glob("nav_GLOBAL-EQ-LS*")
    before = Workbench.open("GLOBAL-EQ-LS", "2026-06-02", root=root)
    before.carry()
    shutil.copyfile(next((root / "outputs/inbox/2026-06-02/MERIDIAN").glob("nav_GLOBAL-BOND*")), file)
    again = Workbench.open("GLOBAL-EQ-LS", "2026-06-02", root=root)
    assert figure(again.shadow(), "Figures compared") == 0, "the pack that counts is the last one, and it is another fund's"
    assert figure(before.shadow(), "Administrator difference (bp)") == 0


def test_a_late_file_of_an_earlier_day_is_read_by_the_next_desk(first_day: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(first_day, tmp_path / "firm"))
    (root / "outputs/inbox/2026-06-01/ALPINE/late.sta").write_text(
        ":20:X\n:25:NG-77100-USD\n:28C:1/1\n:60F:C260601USD1,00\n:62F:C260601USD1,00\n-\n"
    )
    known = Workbench.open("GLOBAL-EQ-LS", "2026-06-02", root=root).known
    assert any(f.entity == "ALPINE/late.sta" for f in known.files)


def test_rows_of_an_account_that_is_nobodys_are_said(first_day: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(first_day, tmp_path / "firm"))
    (file,) = (root / "outputs/inbox/2026-06-02/ORDERS").glob("trades_GLOBAL-EQ-LS*")
    file.write_text(file.read_text().replace("NG-77100", "NG-77109", 1))
    report = Workbench.open("GLOBAL-EQ-LS", "2026-06-02", root=root).arrivals()
    assert [f.found for f in report.findings if f.code == "account-unknown"] == ["NG-77109"]


def test_a_strike_made_again_at_an_earlier_figure_is_the_one_in_force_and_stale_accruals_go(
    first_day: Path, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(first_day, tmp_path / "firm"))

    def strike() -> tuple[str, int]:
        desk = Workbench.open("GLOBAL-EQ-LS", "2026-06-02", root=root)
        desk.settle()
        desk.strike()
        fees = [e for e in desk.known.standing(Accrual) if e.effective_date == date(2026, 6, 2) and e.name == "management_fee"]
        return desk.known.facts("nav.struck")[-1].payload["net_assets"], len(fees)

    terms = root / "parameters/funds/GLOBAL-EQ-LS.yaml"
    text, (first, fees) = terms.read_text(), strike()
    terms.write_text(text.replace("management_fee_bps_annual: 150", "management_fee_bps_annual: 0"))
    free, no_fees = strike()
    terms.write_text(text)
    assert (strike(), fees, no_fees) == ((first, 2), 2, 0) and free != first


def test_an_event_that_the_books_refuse_blocks_the_nav_and_its_dealing(first_day: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(first_day, tmp_path / "firm"))
    desk = Workbench.open("GLOBAL-EQ-LS", "2026-06-02", root=root)
    line = {"currency": "USD", "local": Decimal(5), "base": Decimal(5)}
    lines = (
        JournalLine(ledger="cash", account="NORTHGATE", **line),
        JournalLine(ledger="suspense", **{**line, "local": Decimal(-5), "base": Decimal(-5)}),
    )
    desk.known.book_events(
        [
            ManualJournal(
                event_id="MJ1",
                fund="GLOBAL-EQ-LS",
                effective_date=date(2026, 6, 2),
                lines=lines,
                reason="x",
                maker="a",
                checker="a",
            )
        ]
    )
    desk.strike()
    assert desk.nav_controls().verdict is Verdict.BLOCKED
    assert not [f for f in desk.known.facts("nav.struck") if f.effective_date == date(2026, 6, 2)]
    assert desk.deal().verdict is Verdict.BLOCKED


def test_a_desk_in_the_past_of_a_firm_that_is_not_open_writes_nothing(first_day: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(first_day, tmp_path / "firm"))
    before = Office(root).store.heads()
    Workbench.open("EURO-UCITS", "2026-06-01", "2026-05-01T00:00:00Z", root=root).strike()
    assert Office(root).store.heads() == before


def test_the_books_on_another_basis_hold_the_same_and_owe_the_same(first_day: Path) -> None:
    known = Workbench.open("EURO-UCITS", "2026-06-02", root=first_day).known
    ours, theirs = known.book().value, known.book(basis="IFRS").value
    assert theirs.cash().equals(ours.cash())
    assert "redeemable_units" in theirs.trial_balance()["ledger"].to_pylist()
    with pytest.raises(ParameterError, match="known: US_GAAP, IFRS, TAX"):
        known.book(basis="HGB")
