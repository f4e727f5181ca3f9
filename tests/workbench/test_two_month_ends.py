"""Two month-ends of a demonstration fund: closed softly, a late trade, tasks that reopen, closed for good, and the next month."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bo_lib.cli import main
from bo_lib.demo import simulate
from bo_lib.demo.orders import TRADE_HEADER
from bo_lib.model.dates import business_days
from bo_lib.model.events import JournalLine, ManualJournal
from bo_lib.model.findings import Verdict
from bo_lib.run import pack
from bo_lib.views.report import Report
from bo_lib.workbench import Workbench, catch_up
from bo_lib.workbench.door import Door
from bo_lib.workbench.office import Office

PROJECT = Path(__file__).parents[2]
FUND, JUNE, JULY = "HARBOUR-PE", date(2026, 6, 30), date(2026, 7, 31)
LATE = "HP260629-0001,1,NEW,BOR-7700,{isin},B,1000,{price},EUR,250,0,0,{net},2026-06-29,2026-07-06,MERCATOR"


class Firm:
    """The fund alone, and people who act at times."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.root, self.patch = root, patch

    def desk(self, day: date) -> Workbench:
        return Workbench(Office(self.root), FUND, day)

    @contextmanager
    def acting(self, desk: Workbench, by: str, at: str) -> Iterator[Workbench]:
        self.patch.setenv("BO_ACTOR", by)
        with desk.office.at(f"2026-{at}:00Z"):
            yield desk

    def carry(self, by: str, until: date) -> None:
        self.patch.setenv("BO_ACTOR", by)
        catch_up(self.root, FUND, until)


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firm]:
    root = tmp_path_factory.mktemp("close")
    shutil.copytree(PROJECT / "parameters", root / "parameters")
    path = root / "parameters" / "firm.yaml"
    path.write_text(re.sub(r"^funds: .*$", f"funds: [{FUND}]", path.read_text(), flags=re.M))
    simulate(root, date(2026, 6, 1), JULY, errors=False)
    with pytest.MonkeyPatch.context() as patch:
        made = Firm(root, patch)
        made.carry("operations", JUNE)
        yield made


@pytest.fixture(scope="module")
def story(firm: Firm) -> dict[str, Any]:
    """What happens, step by step, and what was said at each; the tests look at it."""
    told: dict[str, Any] = {}

    def act(name: str, by: str, at: str, step: str, *given: object) -> None:
        with firm.acting(desk, by, at):
            told[name] = getattr(desk, step)(*given)
            told[f"{name}/states"] = desk.closing().value.states

    desk = firm.desk(JUNE)
    with firm.acting(desk, "ana", "07-01T09:00"):
        told["before"] = desk.closing().value.table.to_pylist()
    act("hard before soft", "ana", "07-01T09:00", "hard_close", "June")
    act("prepared", "ana", "07-01T09:00", "sign_tasks")
    act("own review", "ana", "07-01T09:05", "sign_tasks", ["cash"])
    act("reviewed", "ben", "07-01T10:00", "sign_tasks")
    act("soft", "ben", "07-01T11:00", "soft_close", "books of June")
    act("soft twice", "ben", "07-01T11:05", "soft_close", "again")
    with firm.acting(desk, "ana", "07-01T12:00"):
        told["signed"] = {r["task"]: r["evidence"] for r in desk.closing().value.table.to_pylist()}
    _trade_late(firm, desk)
    desk = firm.desk(JUNE)
    with firm.acting(desk, "ana", "07-03T08:00"):
        told["waits"] = desk.closing().value.table.to_pylist()
        told["late postings"] = desk.late_postings()
        told["proven"] = desk.reconciled("trades").value.items
    event_id = told["late postings"][0].event_id
    act("own approval", "orders", "07-03T08:30", "approve_postings", [event_id])
    act("none such", "ben", "07-03T08:35", "approve_postings", [f"{event_id}0"])
    act("approval", "ben", "07-03T08:40", "approve_postings", [event_id], "confirmed by the broker")
    desk = firm.desk(JUNE)
    with firm.acting(desk, "ana", "07-03T08:45"):
        told["late"] = desk.closing().value.table.to_pylist()
        told["as of"] = desk.as_of()
    with firm.acting(desk, "ana", "07-03T08:50"):
        told["true up"] = desk.true_up(), [p.event_id for p in desk.late_postings() if not p.approved_by]
        told["true up again"] = desk.true_up(), [p.event_id for p in desk.late_postings() if not p.approved_by]
    if told["true up"][1]:
        act("true-up approved", "ben", "07-03T08:52", "approve_postings", told["true up"][1])
    desk = firm.desk(JUNE)
    with firm.acting(desk, "ana", "07-03T08:55"):
        told["failed"] = [r["task"] for r in desk.closing().value.table.to_pylist() if r["check"] == "failed"]
    act("accept", "ana", "07-03T09:00", "accept_tasks", told["failed"], "nobody else knew the trade at the month's end")
    act("accepted", "ben", "07-03T09:10", "accept_tasks", told["failed"], "so it is")
    act("prepared again", "ana", "07-03T10:00", "sign_tasks")
    act("reopened", "cat", "07-03T10:10", "reopen_close", ["units"], "register sent again")
    act("units again", "ana", "07-03T10:20", "sign_tasks", ["units"])
    act("reviewed again", "ben", "07-03T11:00", "sign_tasks")
    june, desk = desk, firm.desk(date(2026, 7, 2))
    act("july first", "ana", "07-03T11:30", "soft_close", "too early")
    desk = june
    act("hard by one", "ana", "07-03T12:00", "hard_close", "June is final")
    act("hard by the same", "ana", "07-03T12:05", "hard_close")
    act("hard", "ben", "07-03T12:10", "hard_close")
    act("hard twice", "ben", "07-03T12:15", "hard_close", "again")
    with firm.acting(desk, "ana", "07-03T13:00"):
        desk.known.book_events([_journal("mj:1", JUNE, maker="ana", checker="ben")])
        told["journal"] = [str(r.finding) for r in desk.known.refused()]
    with firm.acting(desk, "ana", "07-03T13:30"):
        told["checked"] = desk.close_tasks()
        told["by one person"] = desk.correct("mj:1", {"effective_date": "2026-07-03"}, "June is closed")
        desk.withdraw("mj:1", "June is closed")
        told["proposed"] = desk.propose_journal(_journal("mj:2", date(2026, 7, 3)))
    with firm.acting(desk, "ben", "07-03T14:00"):
        told["approved"] = [desk.approve_proposal(name) for name in ("mj:1", "mj:2")]
    told["pack"] = pack.make(desk, firm.root / "outputs" / "close" / "2026-06" / FUND)
    firm.carry("operations", JULY)
    return told


def _trade_late(firm: Firm, desk: Workbench) -> None:
    """A purchase of 29 June, 1.00 above the price, that the order system sends on 2 July."""
    holding = next(iter(desk.struck().value.valuation.holdings().values()))
    price = holding["price"].quantize(Decimal("0.01")) + 1
    folder = firm.root / "outputs" / "inbox" / "2026-07-02" / "ORDERS"
    folder.mkdir(parents=True, exist_ok=True)
    row = LATE.format(isin=holding["item"], price=price, net=price * 1000 + 250)
    (folder / f"trades_{FUND}_20260702.csv").write_text(f"Trades of {FUND} - 2026-07-02\n{','.join(TRADE_HEADER)}\n{row}\n")
    firm.carry("orders", date(2026, 7, 2))


def _journal(event_id: str, day: date, **people: str) -> ManualJournal:
    legs = (("administration_fee", "100"), ("administration_fee_payable", "-100"))
    lines = tuple(JournalLine(ledger=name, currency="EUR", local=Decimal(x), base=Decimal(x)) for name, x in legs)
    return ManualJournal(event_id=event_id, fund=FUND, effective_date=day, lines=lines, reason="audit", **people)


def said(report: Report) -> tuple[str, str]:
    return report.verdict.value, report.summary


def test_every_task_is_done_before_anybody_signed(story: dict[str, Any]) -> None:
    rows = story["before"]
    assert {r["state"] for r in rows} == {"done"}
    assert not any(r["prepared_by"] for r in rows)


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ("hard before soft", "not soft closed yet"), ("own review", "a second person reviews it"),
        ("soft twice", "is soft closed already, and is not closed twice"), ("own approval", "a second person is needed"),
        ("none such", "there is no proposal"),
        ("july first", "the month before, is not closed for good"), ("hard by the same", "a second person is needed"),
        ("hard twice", "closed for good already"),
    ],
)  # fmt: skip
def test_what_is_refused_says_what_to_do(story: dict[str, Any], step: str, why: str) -> None:
    verdict, summary = said(story[step])
    assert verdict == "blocked" and why in summary


@pytest.mark.parametrize(
    "step", ["prepared", "reviewed", "soft", "approval", "prepared again", "reopened", "units again", "reviewed again", "hard"]
)
def test_what_two_people_do_is_done(story: dict[str, Any], step: str) -> None:
    assert said(story[step])[0] == "pass", said(story[step])


def test_a_late_trade_waits_at_the_door_and_changes_nothing(story: dict[str, Any]) -> None:
    assert {r["task"] for r in story["waits"] if r["state"] == "failed"} == {"late"}
    assert {r["task"]: r["evidence"] for r in story["waits"] if r["task"] != "late"} == {
        task: sha for task, sha in story["signed"].items() if task != "late"
    }
    (posting,) = story["late postings"]
    assert (posting.kind, posting.entered_by, posting.approved_by) == ("trade", "orders", "")
    assert story["proven"] == ()


def test_a_true_up_of_a_soft_closed_month_waits_too(story: dict[str, Any]) -> None:
    booked, waits = story["true up"]
    assert booked == 0 and story["true up again"] == (0, waits)


def test_a_late_trade_reopens_exactly_what_it_changed(story: dict[str, Any]) -> None:
    rows = {r["task"]: r for r in story["late"]}
    signed = story["signed"]
    same = {task for task, row in rows.items() if row["evidence"] == signed[task]}
    assert rows.keys() - same == {
        "late", "positions", "trades", "trial_balance", "nav", "computations", "as_of", "administrator", "components", "statement",
        "roll_forward", "financials",
    }  # fmt: skip
    assert set(story["failed"]) == {"positions", "trades", "administrator", "components"}
    assert rows["late"]["check"] == "done"  # its approval is new evidence, to be signed
    kept = {t for t, r in rows.items() if r["reviewed_by"]}
    assert kept == same


def test_the_nav_of_all_that_is_known_now_is_explained_by_the_late_trade(story: dict[str, Any]) -> None:
    compared = story["as of"]
    rows = compared.table.to_pylist()
    assert compared.residual == 0
    assert [(r["cause"], r["kind"], r["own_date"]) for r in rows] == [("late event", "trade", date(2026, 6, 29))]
    # bought for 1.00 above the price and 250 of charges, 1,000 shares
    assert rows[0]["amount"] == compared.as_of - compared.daily
    assert -1270 < rows[0]["amount"] < -1230


def test_reopening_a_task_leaves_what_does_not_need_it(story: dict[str, Any]) -> None:
    reopened = story["reopened/states"]
    assert reopened["units"] == "open"
    waits = {task for task, state in reopened.items() if state == "blocked"}
    assert waits == {
        "units_in_issue", "nav", "as_of", "administrator", "components", "statement", "roll_forward", "financials",
    }  # fmt: skip
    assert set(story["units again/states"].values()) == {"done"}


def test_a_manual_journal_into_the_closed_month_waits_with_what_to_do(story: dict[str, Any]) -> None:
    (letter,) = story["journal"]
    assert "period-closed" in letter and "have the period reopened by two people" in letter
    by_one = story["by one person"]
    assert by_one.verdict is Verdict.BLOCKED and [f.code for f in by_one.findings] == ["journal-signed"]
    assert [r.verdict for r in (story["proposed"], *story["approved"])] == [Verdict.ATTENTION, Verdict.PASS, Verdict.PASS]


def test_the_audit_pack_is_verified_by_hash(story: dict[str, Any], firm: Firm, tmp_path: Path) -> None:
    made = story["pack"]
    assert [*pack.damaged(made.archive), *pack.damaged(made.folder)] == []
    parts = {p.relative_to(made.folder).parts[0] for p in made.folder.rglob("*") if p.is_file()}
    assert parts == {"approvals", "confirmations", "ledgers", "manifest.json", "reconciliations", "statements"}
    assert {p.suffix for p in (made.folder / "statements").iterdir()} == {".xlsx", ".json", ".pdf"}
    told = (made.folder / "approvals" / "facts.jsonl").read_text()
    assert '"close.hard"' in told and '"proposal.approved"' in told and '"close.refused"' in told
    facts = Office(firm.root).store.facts(pack.PACKED)
    assert facts[-1].payload["sha256"] == made.sha256
    assert list(pack.damaged_packs(facts, firm.root)) == []
    copy = Path(shutil.copytree(made.folder, tmp_path / "pack"))
    (copy / "ledgers" / "lots.csv").chmod(0o644)
    (copy / "ledgers" / "lots.csv").write_text("lot_id\n")
    (copy / "more.txt").write_text("?")
    assert [(f.code, f.place.file.rpartition("pack/")[2]) for f in pack.damaged(copy)] == [
        ("pack-altered", "ledgers/lots.csv"), ("pack-altered", "more.txt"),
    ]  # fmt: skip
    damaged = tmp_path / "cut.zip"
    damaged.write_bytes(made.archive.read_bytes()[:1000])
    assert [f.code for f in pack.damaged(damaged)] == ["pack-unreadable"]


def test_the_same_facts_make_the_same_pack(story: dict[str, Any], firm: Firm, tmp_path: Path) -> None:
    first = pack.make(firm.desk(JUNE), tmp_path / "one")
    again = pack.make(firm.desk(JUNE), tmp_path / "two")
    assert first.sha256 == again.sha256


def test_the_next_month_begins_where_the_last_one_ended(story: dict[str, Any], firm: Firm) -> None:
    with firm.acting(firm.desk(JULY), "ana", "08-03T09:00") as july:
        for framework in ("us_gaap", "ifrs"):
            made = july.financials(framework)
            assert made and made.broken == []
            june = made.statements["position"].table
            before = {r["part"]: r["comparative"] for r in june.to_pylist() if r["kind"] == "total"}
            hard = next(f for f in july.office.store.facts("close.hard") if f.payload["month"] == "2026-06")
            assert before["net_assets"] == Decimal(hard.payload["net_assets"])
        assert july.close_times().verdict is Verdict.PASS
        times = {r["task"]: r for r in july._times().to_pylist()}
        assert times["cash"]["seconds_before"] is not None and times["cash"]["day_before"] is not None


def test_the_next_month_is_closed_too(story: dict[str, Any], firm: Firm) -> None:
    desk = firm.desk(JULY)
    with firm.acting(desk, "ana", "08-04T09:00"):
        failed = [r["task"] for r in desk.closing().value.table.to_pylist() if r["check"] == "failed"]
        assert {"administrator"} <= set(failed)
        desk.accept_tasks(failed, "the administrator books the purchase in August")
        desk.sign_tasks()
    with firm.acting(desk, "ben", "08-04T10:00"):
        desk.accept_tasks(failed, "agreed")
        desk.sign_tasks()
    with firm.acting(desk, "ana", "08-04T11:00"):
        desk.sign_tasks()
        assert said(desk.soft_close("books of July")) == (
            "pass",
            "2026-07 is soft closed: what is posted to it from now on needs an approval.",
        )
        assert said(desk.hard_close("July is final"))[0] == "attention"
    with firm.acting(desk, "ben", "08-04T12:00"):
        assert said(desk.hard_close())[0] == "pass"
        made = pack.make(desk, firm.root / "outputs" / "close" / "2026-07" / FUND)
        assert list(pack.damaged(made.archive)) == []
        # June cannot be opened while July is closed
        assert "2026-07 is closed after it" in firm.desk(JUNE).reopen_close([], "an error").summary
        assert said(desk.reopen_close([], "an error"))[0] == "attention"
    with firm.acting(desk, "ana", "08-04T13:00"):
        assert said(desk.reopen_close([], ""))[0] == "pass"
        assert desk.close_record().lock == "open" and Door(desk.office, desk.fund).closed_through == date(2026, 6, 30)


def test_the_command_lists_refuses_and_verifies(story: dict[str, Any], firm: Firm, capsys: pytest.CaptureFixture[str]) -> None:
    def bo(*words: str) -> tuple[int, str]:
        code = main(["close", *words, "--root", str(firm.root)])
        out = capsys.readouterr()
        return code, out.out + out.err

    june = ("--fund", FUND, "--month", "2026-06")
    code, said = bo("list", *june)
    assert code in (0, 1) and "26 of 26 tasks done; the month is closed for good." in said and "Signed by" in said
    code, said = bo("soft", *june, "--text", "again")
    assert code == 3 and "closed for good already" in said
    code, said = bo("sign", "trial-balance", *june)
    assert code == 3 and "two people reopen it first" in said
    code, said = bo("list", "--fund", FUND, "--month", "June")
    assert code == 2 and "expected a month such as 2026-06" in said
    made = story["pack"]
    assert bo("check-pack", str(made.archive), str(made.folder)) == (0, "2 packs are as they were made\n")
    assert bo("check-pack", str(firm.root / "no.zip"))[0] == 3


def test_days_after_the_close_are_carried(story: dict[str, Any], firm: Firm) -> None:
    struck = {f.effective_date for f in Office(firm.root).store.facts("nav.struck", stream=FUND)}
    assert struck == set(business_days(date(2026, 6, 1), JULY, "TARGET"))
