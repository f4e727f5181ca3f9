"""Every error a user can meet is a small letter and an exit code, never a traceback."""

import argparse
import errno
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bo_lib import cli
from bo_lib.run import commands, ledger, manifest
from bo_lib.run.errors import EXIT_MEANINGS, Exit
from tests.run.firm import COUNT, conclude, executions, write_firm, write_notebook

RUN = ["--fund", "ALPHA", "--date", "2026-06-30"]
WAIT = "import os, pathlib, time\ngo = pathlib.Path(os.environ['BO_ROOT'], 'go')\nwhile not go.exists():\n    time.sleep(0.05)"
STEADY = """
import sys
from bo_lib.run import evidence
evidence.code_version = lambda: {"content_sha256": "the same code while this test runs"}
from bo_lib.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_firm(tmp_path_factory.mktemp("firm"), "day:\n  - {id: strike, notebook: strike}\n")
    write_notebook(root, "strike", COUNT, conclude())
    write_notebook(root, "slow", COUNT, WAIT, conclude())
    write_notebook(root, "untagged", conclude(), parameters=None)
    (root / "notebooks" / "cut.ipynb").write_text('{"cells": [{"cell_type": "code", "sou')
    return root


Bo = Callable[..., tuple[int, str]]


@pytest.fixture
def bo(firm: Path, capsys: pytest.CaptureFixture[str]) -> Bo:
    """``bo`` in this process: exit code, and everything a user sees."""

    def call(*words: str, root: Path = firm) -> tuple[int, str]:
        code = cli.main([*words, "--root", str(root)])
        seen = capsys.readouterr()
        assert "Traceback" not in seen.out + seen.err
        return code, seen.out + seen.err

    return call


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "strke", *RUN], "no notebook 'strke'"),
        (["run", "strke", *RUN], "did you mean strike?"),
        (["run", "cut", *RUN], "not a readable notebook"),
        (["run", "untagged", *RUN], "no cell is tagged `parameters`"),
        (["run", "strike", "--date", "2026-06-30"], "strike needs --fund"),
        (["run", "strike", "--fund", "ALPHA"], "strike needs --date"),
        (["run", "strike", "--fund", "ALPA", "--date", "2026-06-30"], "did you mean ALPHA?"),
        (["run", "strike", "--fund", "ALPHA", "--date", "30.06.2026"], "'30.06.2026' is not a date; expected YYYY-MM-DD"),
        (
            ["run", "strike", "--fund", "ALPHA", "--date", "2026-12-25"],
            "business day before is 2026-12-24, the next one is 2026-12-28",
        ),
        (["run", "strike", *RUN, "-p", "knwn_at=x"], "strike has no parameter 'knwn_at'; did you mean 'known_at'?"),
        (["run", "strike", *RUN, "-p", "known_at"], "expected NAME=VALUE"),
        (["day", "2026-06-27"], "2026-06-27 (Saturday) is no business day of ALPHA"),
        (["day", "2026-06-30", "--fund", "GAMMA"], "no fund 'GAMMA'"),
        (["status", "yesterday"], "'yesterday' is not a date"),
        (["read", "nowhere.xml"], "nowhere.xml: no such file"),
        (["onboard", "--nport", "nowhere.xml"], "nowhere.xml: no such file"),
    ],
)
def test_what_cannot_be_started_is_said_and_nothing_starts(bo: Bo, firm: Path, words: list[str], said: str) -> None:
    before = executions(firm)
    code, seen = bo(*words)
    assert (code, executions(firm)) == (Exit.USAGE, before)
    assert said in seen and len(seen.splitlines()) == 1


def test_a_folder_without_a_firm(bo: Bo, tmp_path: Path) -> None:
    code, seen = bo("status", root=tmp_path)
    assert code == Exit.USAGE and "firm.yaml: no such parameter file" in seen


def test_a_typo_in_a_parameter_file(bo: Bo, tmp_path: Path) -> None:
    root = write_firm(tmp_path)
    path = root / "parameters" / "funds" / "ALPHA.yaml"
    path.write_text(path.read_text().replace("calendar:", "calender:"))
    code, seen = bo("run", "strike", *RUN, root=root)
    assert code == Exit.USAGE and "no notebook 'strike'" in seen
    write_notebook(root, "strike", conclude())
    code, seen = bo("run", "strike", *RUN, root=root)
    assert code == Exit.USAGE and "calender: unknown key; did you mean 'calendar'?" in seen


def test_a_truncated_file_is_read_as_far_as_it_goes(bo: Bo, tmp_path: Path) -> None:
    whole = tmp_path / "statement.sta"
    text = ":20:STMT\n:25:ACC-978\n:28C:1/1\n:60F:C260629EUR100,00\n"
    text += ":61:2606300630C25,00NTRFREF1//B1\n:86:one\n:62F:C260630EUR125,00\n-}\n"
    whole.write_text("{1:F01BANKBEBBAXXX0000000000}{2:I940BANKBEBBXXXXN}{4:\n" + text)
    code, seen = bo("read", str(whole))
    assert (code, "mt940" in seen, "yes" in seen) == (Exit.OK, True, True)
    cut = tmp_path / "cut.sta"
    cut.write_text(whole.read_text()[:150])
    code, seen = bo("read", str(cut))
    assert code == Exit.ATTENTION and "the closing balance is missing" in seen
    code, seen = bo("read", str(tmp_path))
    assert code == Exit.ATTENTION and [line.split()[1] for line in seen.splitlines()[2:]] == ["mt940", "mt940"]


def test_a_file_nobody_recognises(bo: Bo, tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    path.write_text("dear colleague,\nthe file follows\n")
    code, seen = bo("read", str(path), "--json")
    assert code == Exit.USAGE
    assert [f["severity"] for f in json.loads(seen)["findings"]] == ["error"] and json.loads(seen)["format"] == ""


def test_a_locked_store(firm: Path, bo: Bo, monkeypatch: pytest.MonkeyPatch) -> None:
    from bo_lib.store import Store

    bo("status")  # the store is there
    opened = Store.open
    monkeypatch.setattr(Store, "open", classmethod(lambda cls, url: opened(url, wait_seconds=0.1)))
    other = sqlite3.connect(firm / "outputs" / "books.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        code, seen = bo("run", "strike", *RUN, "-p", "note=locked")
    finally:
        other.close()
    assert code == Exit.STORE and "another process has held it" in seen
    assert not list((firm / "outputs" / "2026-06-30").rglob("*.part")), "nothing half-written is left"
    assert bo("run", "strike", *RUN, "-p", "note=locked")[0] == Exit.OK


def test_a_locked_store_is_waited_for_once(firm: Path, bo: Bo, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day of two funds on a store that another process writes to for ever: one wait, one letter, nothing kept; then it goes."""
    from bo_lib.store import Store
    from bo_lib.store.errors import explained

    (firm / "parameters" / "schedule.yaml").write_text("day:\n  - {id: strike, notebook: strike}\n")
    (firm / "parameters" / "firm.yaml").write_text("name: F\nfunds: [ALPHA, BETA]\nworkers: 1\n")
    bo("status")
    opened, waited = Store.open, []
    monkeypatch.setattr(Store, "open", classmethod(lambda cls, url: opened(url, wait_seconds=0.1)))
    monkeypatch.setattr("bo_lib.store.database.explained", lambda *given: waited.append(1) or explained(*given))
    other = sqlite3.connect(firm / "outputs" / "books.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        code, seen = bo("day", "2026-06-26", "--fund", "ALPHA", "--fund", "BETA")
    finally:
        other.close()
    assert code == Exit.STORE and len(waited) == 1 and seen.count("another process has held it for more than 0.1 s") == 1
    assert not list((firm / "outputs" / "2026-06-26").rglob("*.part"))
    assert bo("day", "2026-06-26", "--fund", "ALPHA")[0] == Exit.OK


def test_a_store_locked_within_a_notebook(firm: Path, bo: Bo) -> None:
    """What the notebook waited for is not waited for again, and nothing of the run is kept."""
    write_notebook(firm, "waits", "from bo_lib.store import StoreLocked\nraise StoreLocked('the store is held')", conclude())
    code, seen = bo("run", "waits", *RUN)
    assert code == Exit.STORE and "the store is held" in seen
    assert list((firm / "outputs" / "2026-06-30" / "ALPHA" / "waits").iterdir()) == []


def test_an_unreachable_store(bo: Bo, tmp_path: Path) -> None:
    root = write_firm(tmp_path)
    (root / "parameters" / "firm.yaml").write_text("name: F\nfunds: []\nstore: sqlite:////nowhere/at/all/books.sqlite\n")
    code, seen = bo("status", root=root)
    assert code == Exit.STORE and "it cannot be opened" in seen


def test_a_full_disk(firm: Path, bo: Bo, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: manifest.Manifest, path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(manifest.Manifest, "write", full)
        code, seen = bo("run", "strike", *RUN, "-p", "note=full")
    assert code == Exit.DISK_FULL and "the disk is full" in seen and "start the same command again" in seen
    assert not list((firm / "outputs" / "2026-06-30").rglob("*.part"))
    code, seen = bo("run", "strike", *RUN, "-p", "note=full")
    assert code == Exit.OK and "done before" not in seen


def test_a_disk_that_is_full_for_the_notebook(firm: Path, bo: Bo) -> None:
    write_notebook(firm, "fills", "import errno\nraise OSError(errno.ENOSPC, 'No space left on device')", conclude())
    code, seen = bo("run", "fills", *RUN)
    assert code == Exit.DISK_FULL and "the disk is full" in seen


def test_an_error_of_the_workbench_itself(firm: Path, bo: Bo, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(arguments: argparse.Namespace) -> int:
        return int(arguments.date / 0)

    monkeypatch.setattr(commands, "status", broken)
    code, seen = bo("status", "2026-06-30")
    assert code == Exit.INTERNAL and len(seen.splitlines()) == 1 and "please report it with" in seen
    (report,) = (firm / "outputs" / "errors").iterdir()
    assert "Traceback" in report.read_text() and str(report) in seen


def test_a_new_firm_is_never_written_over_another(bo: Bo, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["new", str(tmp_path / "mine")]) == Exit.OK
    assert bo("status", root=tmp_path / "mine")[0] == Exit.OK
    (tmp_path / "mine" / "parameters" / "firm.yaml").write_text("name: changed\nfunds: []\n")
    assert cli.main(["new", str(tmp_path / "mine")]) == Exit.USAGE
    assert "is not empty; nothing was written" in capsys.readouterr().err
    assert (tmp_path / "mine" / "parameters" / "firm.yaml").read_text().startswith("name: changed")


def test_the_help_has_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    said = capsys.readouterr().out
    assert set(EXIT_MEANINGS) == set(Exit)
    assert all(f"{code:>3}  {meaning}" in said for code, meaning in EXIT_MEANINGS.items())


def _start(firm: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", STEADY, *words, "--root", str(firm)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "waited for half a minute"
        time.sleep(0.05)


def test_killed_in_mid_run_nothing_is_lost_or_doubled(firm: Path, bo: Bo) -> None:
    words = ["run", "slow", *RUN, "-p", "note=killed"]
    place = firm / "outputs" / "2026-06-30" / "ALPHA" / "slow"
    (firm / "go").unlink(missing_ok=True)
    killed = _start(firm, *words)
    before = len(executions(firm))
    _until(lambda: len(executions(firm)) > before)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    first = executions(firm)[-1]
    code, seen = bo("status", "2026-06-30")
    assert code == Exit.FAILED and "interrupted; started 20" in seen
    assert [p.name for p in place.iterdir()] == [f".{first}.part"], "only what was written aside is left"

    (firm / "go").touch()
    again = _start(firm, *words)
    out, err = again.communicate(timeout=60)
    second = executions(firm)[-1]
    assert (again.returncode, [p.name for p in place.iterdir()]) == (Exit.OK, [second])
    (line,) = [line for line in bo("status", "2026-06-30")[1].splitlines() if " slow " in line]
    assert "pass" in line and "interrupted" not in line
    assert (out + err).count(f"an earlier attempt ({first}) was interrupted") == 1 and second.rsplit("-", 1)[0] == first.rsplit(
        "-", 1
    )[0]
    kept = json.loads((place / second / "manifest.json").read_text())
    assert kept["state"] == "finished" and kept["notes"], out
    ended = ledger.Ledger(commands._office(argparse.Namespace(root=firm))).store.facts("run.finished", stream="runs")
    assert [f.payload["run_id"] for f in ended if f.payload["notebook"] == "slow"] == [second]


def test_two_starts_at_the_same_time_are_one_run(firm: Path) -> None:
    words = ["run", "slow", *RUN, "-p", "note=twice"]
    (firm / "go").unlink(missing_ok=True)
    first = _start(firm, *words)
    before = len(executions(firm))
    _until(lambda: len(executions(firm)) > before)
    second = _start(firm, *words)
    assert second.stderr and "is going on elsewhere; waiting for it" in second.stderr.readline()
    (firm / "go").touch()
    said = [process.communicate(timeout=60)[0] for process in (first, second)]
    assert (first.returncode, second.returncode, len(executions(firm))) == (Exit.OK, Exit.OK, before + 1)
    run_id = executions(firm)[-1]
    assert run_id in said[0] and f"{run_id} (done before; not executed again)" in said[1]


def test_interrupted_from_the_keyboard_nothing_goes_on(firm: Path) -> None:
    (firm / "go").unlink(missing_ok=True)
    (firm / "parameters" / "schedule.yaml").write_text("day:\n  - {id: slow, notebook: slow}\n")
    day = _start(firm, "day", "2026-06-29", "--fund", "BETA")
    before = len(executions(firm))
    _until(lambda: len(executions(firm)) > before)
    day.send_signal(signal.SIGINT)
    out, err = day.communicate(timeout=20)
    assert day.returncode == Exit.INTERRUPTED and "bo: interrupted" in err and "Traceback" not in out + err
    assert list((firm / "outputs" / "2026-06-29" / "BETA" / "slow").iterdir()) == []
