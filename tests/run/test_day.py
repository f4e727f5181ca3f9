"""A day: each notebook once per fund after what it needs; one fund's trouble is not another's."""

import shutil
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from bo_lib import cli
from bo_lib.run import audit, status
from bo_lib.run.day import DayReport, Node, plan, run_day
from bo_lib.run.errors import Exit, UsageError
from bo_lib.run.ledger import Ledger, facts_read
from bo_lib.run.start import not_read, schedule_of
from bo_lib.store import Fact
from bo_lib.workbench.office import Office
from tests.run.firm import COUNT, conclude, executions, write_firm, write_notebook
from tests.store.scenario import tamper

SCHEDULE = """\
day:
  - {id: recon, notebook: recon}
  - {id: strike, notebook: strike, needs: [recon]}
  - {id: close, notebook: close, needs: [strike], when: month_end}
"""
BOOK = """
import datetime, os
from bo_lib.store import Fact
from bo_lib.workbench.office import Office
office = Office()
fact = Fact(f"{fund}-{business_date}", fund, "note.test", "", datetime.date.fromisoformat(business_date), {"made": "by the run"})
office.store.append([fact], os.environ["BO_ACTOR"], office.now())
"""
DAY = date(2026, 6, 30)


def states(report: DayReport) -> dict[str, str]:
    return {f"{n.fund} {n.step.id}": f"{n.state}{': ' + n.said if n.said and not n.manifest else ''}" for n in report.nodes}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    root = write_firm(tmp_path_factory.mktemp("firm"), SCHEDULE, calendar="US")
    write_notebook(root, "recon", COUNT, BOOK, conclude("attention", "2 breaks"))
    write_notebook(root, "strike", COUNT, "assert fund != 'BETA', 'no prices'", conclude())
    write_notebook(root, "close", COUNT, conclude())
    return Office(root)


@pytest.fixture(scope="module")
def report(office: Office) -> DayReport:
    return run_day(office, plan(office, DAY), actor="anna", clock="2026-06-30T20:00:00Z")


def test_a_failing_fund_does_not_stop_the_others(report: DayReport) -> None:
    assert states(report) == {
        "ALPHA recon": "done", "ALPHA strike": "done", "ALPHA close": "done",
        "BETA recon": "done", "BETA strike": "failed", "BETA close": "not run: needs strike",
    }  # fmt: skip
    assert report.exit_code is Exit.FAILED
    failed = next(n for n in report.nodes if n.state == "failed")
    assert failed.said == "cell 4: AssertionError: no prices"


def test_what_runs_wrote_is_no_input_of_theirs(office: Office, report: DayReport) -> None:
    """The second time nothing is executed but what failed, although the runs have added facts meanwhile."""
    before = executions(office.root)
    again = run_day(office, plan(office, DAY), actor="anna", clock="2026-06-30T20:00:00Z")
    assert {n.manifest.run_id for n in again.nodes if n.manifest and n.manifest.reused} == {
        n.manifest.run_id for n in report.nodes if n.manifest and n.state == "done"
    }
    assert len(executions(office.root)) == len(before) + 1


def test_facts_of_earlier_steps_and_of_people_are_inputs(office: Office, report: DayReport) -> None:
    ledger = Ledger(office)
    steps = schedule_of(office.root).day
    assert not_read(steps, "recon") == {"recon", "strike", "close"} and not_read(steps, "close") == {"close"}
    assert not_read(steps, "my_own") == {"my_own"}
    assert facts_read(ledger, "ALPHA", DAY, {"recon", "strike", "close"}) == {}
    assert set(facts_read(ledger, "ALPHA", DAY, {"strike", "close"})) == {"facts/ALPHA"}
    office.store.append([Fact("approval", "BETA", "approval", "", DAY, {"of": "a break"})], "ben", "2026-06-30T21:00:00Z")
    assert set(facts_read(ledger, "BETA", DAY, {"recon", "strike", "close"})) == {"facts/BETA"}


def test_a_fund_with_broken_parameters_is_a_failed_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A typo and a date that is none in ALPHA: both are said with file and line, and BETA runs."""
    root = write_firm(tmp_path, "day:\n  - {id: recon, notebook: recon}\n", calendar="US")
    write_notebook(root, "recon", COUNT, conclude())
    path = root / "parameters" / "funds" / "ALPHA.yaml"
    path.write_text(path.read_text().replace("calendar:", "calender:").replace("inception: 2026-01-02", "inception: 2026-13-02"))
    for words in (["day", str(DAY)], ["status", str(DAY)]):
        assert cli.main([*words, "--root", str(root)]) == Exit.USAGE
        rows = capsys.readouterr().out.splitlines()
        assert rows[2].split() == ["ALPHA", "failed:", "parameters"] or rows[2].split() == ["ALPHA", "failed"]
        assert rows[3].split()[:2] == ["BETA", "pass"]
        letters = "\n".join(rows[4:])
        assert f"ALPHA cannot be run: {path}: line" in letters and "did you mean 'calendar'?" in letters
        assert "line 6: calender: unknown key" in letters and "line 7: inception: found '2026-13-02'" in letters
    assert len(executions(root)) == 1
    assert cli.main(["day", str(DAY), "--fund", "ALPHA", "--root", str(root)]) == Exit.USAGE


PARALLEL = """\
day:
  - {id: trades, notebook: trades}
  - {id: recon, notebook: recon, needs: [trades]}
  - {id: strike, notebook: strike, needs: [trades]}
  - {id: deal, notebook: deal, needs: [strike]}
"""
MEET = """
import os, pathlib, time
pathlib.Path(os.environ["BO_ROOT"], notebook_name).touch()
while not pathlib.Path(os.environ["BO_ROOT"], other).exists():
    time.sleep(0.02)
"""


def test_what_parallel_notebooks_wrote_is_no_input_of_each_other(tmp_path: Path) -> None:
    """Two notebooks write side by side, one after the other has begun; a second day executes nothing."""
    root = write_firm(tmp_path, PARALLEL, funds=("ALPHA",))
    wrote = {name: BOOK.replace("{fund}-", f"{name}-{{fund}}-") for name in ("trades", "recon", "strike", "deal")}
    for name, other in (("recon", "strike"), ("strike", "recon")):
        write_notebook(root, name, COUNT, f"notebook_name, other = {name!r}, {other!r}", MEET, wrote[name], conclude())
    for name in ("trades", "deal"):
        write_notebook(root, name, COUNT, wrote[name], conclude())
    office = Office(root)
    assert run_day(office, plan(office, DAY)).exit_code is Exit.OK
    again = run_day(office, plan(office, DAY))
    assert all(n.manifest and n.manifest.reused for n in again.nodes) and len(executions(root)) == 4

    ledger, steps = Ledger(office), schedule_of(root).day
    read = {step.id: facts_read(ledger, "ALPHA", DAY, not_read(steps, step.id)) for step in steps}
    assert read["trades"] == {} and read["recon"] == read["strike"] != {} and read["deal"] != read["strike"]


def test_a_killed_run_s_facts_are_its_own(tmp_path: Path) -> None:
    """It wrote, and was killed: started again under the same key, it finds what it wrote and adds nothing."""
    root = write_firm(tmp_path, "day:\n  - {id: recon, notebook: recon}\n", funds=("ALPHA",))
    dies = "import signal\nif len(pathlib.Path(os.environ['BO_ROOT'], 'executions.txt').read_text().split()) == 1:\n"
    write_notebook(root, "recon", COUNT, BOOK, dies + "    os.kill(os.getpid(), signal.SIGKILL)", conclude())
    office = Office(root)
    first, second = (run_day(office, plan(office, DAY)).nodes[0].manifest for _ in range(2))
    assert first and second and (first.state, second.state) == ("failed", "finished") and first.key == second.key
    assert len(office.store.facts("note.test", stream="ALPHA")) == 1


def test_the_store_knows_what_ran(office: Office, report: DayReport, capsys: pytest.CaptureFixture[str]) -> None:
    assert status.show_status(Ledger(office), DAY) == Exit.FAILED
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["Tuesday", "2026-06-30"] and lines[1] == ["fund", "recon", "strike", "close"]
    assert [line[:2] for line in lines[2:]] == [["ALPHA", "attention"], ["BETA", "attention"]] and lines[3][-2:] == ["not", "run"]
    facts = Ledger(office).of_day(DAY)
    assert {f.known_at for f in facts} == {"2026-06-30T20:00:00.000000Z"} and {f.actor for f in facts} == {"anna"}


def test_an_altered_result_is_found(office: Office, report: DayReport) -> None:
    assert list(audit.damaged_runs(Ledger(office))) == []
    made = next(n.manifest for n in report.nodes if n.manifest)
    assert made.folder
    page = made.folder / "executed.html"
    before = page.read_bytes()
    page.chmod(0o644)
    page.write_bytes(before + b" ")
    (found,) = audit.damaged_runs(Ledger(office))
    page.write_bytes(before)
    assert (
        found.code == "result-altered"
        and found.place.file.endswith("executed.html")
        and found.expected == made.files["executed.html"]
    )


def test_whatever_is_kept_and_is_not_what_it_was_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A table altered, one gone, a file of a run gone, a run gone, a run nobody knows, the store gone: each with its code."""
    root = write_firm(tmp_path, "day:\n  - {id: recon, notebook: recon}\n")
    write_notebook(root, "recon", COUNT, BOOK, conclude())
    office = Office(root)
    alpha, beta = (n.manifest.folder for n in run_day(office, plan(office, DAY)).nodes if n.manifest)
    assert alpha and beta
    hashes = {name: office.tables.put(pa.table({"a": [name]})) for name in ("one", "two")}
    payload = {"tables": hashes}
    office.store.append([Fact("f", "inbox", "file", "S/x.csv", DAY, payload)], "anna", "2026-06-30T20:00:00Z")

    def verify() -> tuple[int, str]:
        return cli.main(["verify", "--root", str(root)]), capsys.readouterr().out

    code, said = verify()
    assert code == Exit.OK and "every kept run and table is as it was written" in said
    office.tables.path(hashes["one"]).chmod(0o644)
    office.tables.path(hashes["one"]).write_bytes(b"other")
    office.tables.path(hashes["two"]).unlink()
    shutil.copytree(beta, beta.with_name("feedfeedfeed-001"))
    for folder in (alpha, beta, beta.parent):
        folder.chmod(0o755)
    (alpha / "executed.html").unlink()
    (beta / "manifest.json").chmod(0o644)
    (beta / "manifest.json").write_text("{}")
    code, said = verify()
    codes = ("table-altered", "table-missing", "run-unknown", "result-altered", "manifest-altered")
    assert code == Exit.STORE and [said.count(c) for c in codes] == [1] * 5 and len(said.splitlines()) >= 5
    office.store.close()
    for path in (root / "outputs").glob("books.sqlite*"):
        path.unlink()
    code, said = verify()
    assert code == Exit.STORE and "store-lost" in said and not (root / "outputs" / "books.sqlite").exists()
    Office(root).store.close()  # a new, empty one in its place
    code, said = verify()
    assert code == Exit.STORE and said.count("run-unknown") == 3


def test_a_stream_cut_together_with_its_head_is_found_by_what_runs_wrote(tmp_path: Path) -> None:
    """The chain that is left is whole; the run knows how far it went."""
    root = write_firm(tmp_path, "day:\n  - {id: recon, notebook: recon}\n")
    write_notebook(root, "recon", COUNT, BOOK, conclude())
    office = Office(root)
    run_day(office, plan(office, DAY))
    ledger = Ledger(office)
    assert not list(audit.cut_streams(ledger))
    tamper(office.store, "DELETE FROM fact WHERE stream = 'ALPHA'", "DELETE FROM chain_head WHERE stream = 'ALPHA'")
    assert office.store.verify().ok
    assert [(f.code, f.place.file) for f in audit.cut_streams(ledger)] == [("chain-cut", "stream ALPHA")]


def test_holidays_and_month_ends_are_seen_before_anything_starts(office: Office) -> None:
    juneteenth = states(plan(office, date(2026, 6, 19)))
    assert juneteenth["BETA recon"] == "not due: holiday (US)" and juneteenth["ALPHA recon"] == "waiting"
    assert juneteenth["ALPHA close"] == "not due: month end only"
    assert states(plan(office, date(2026, 1, 1)))["ALPHA strike"] == "not due: holiday (TARGET)"
    assert {n.fund for n in plan(office, DAY, ["BETA"]).nodes} == {"BETA"}


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ("- {id: a, notebook: a, needs: [b]}\n  - {id: b, notebook: b, needs: [a]}", "need each other in a circle: a, b"),
        ("- {id: a, notebook: a, needs: [z]}", "a needs 'z', which is no step; known: a"),
        ("- {id: a, notebook: a}\n  - {id: a, notebook: b}", "the step 'a' stands twice"),
    ],
)
def test_a_schedule_that_cannot_be_met_is_refused(tmp_path: Path, steps: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        plan(Office(write_firm(tmp_path, f"day:\n  {steps}\n")), DAY)


def test_a_blocked_verdict_holds_back_what_needs_it(tmp_path: Path) -> None:
    root = write_firm(tmp_path, SCHEDULE, funds=("ALPHA",))
    write_notebook(root, "recon", conclude("blocked", "cash does not prove"))
    blocked = run_day(Office(root), plan(Office(root), DAY))
    assert states(blocked) == {
        "ALPHA recon": "blocked",
        "ALPHA strike": "not run: needs recon",
        "ALPHA close": "not run: needs strike",
    }
    assert blocked.exit_code is Exit.FAILED


def test_the_exit_code_of_a_day() -> None:
    assert DayReport(DAY, []).exit_code is Exit.OK
    step = schedule_step()
    assert DayReport(DAY, [Node("A", step, "not due", "holiday")]).exit_code is Exit.OK
    assert DayReport(DAY, [Node("A", step, "not run", "needs x")]).exit_code is Exit.FAILED


def schedule_step():  # type: ignore[no-untyped-def]
    from bo_lib.config import Day

    return Day(id="recon", notebook="recon")
