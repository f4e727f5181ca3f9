"""The command line: quick to answer, a typed template for a new firm, the demonstration's order of things."""

import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from bo_lib import cli, config, demo
from bo_lib.feeds.mapping import load_mappings
from bo_lib.run import demo as run_demo
from bo_lib.run.day import DayReport, Node
from bo_lib.run.errors import Exit
from tests.run.firm import conclude, write_firm, write_notebook

HEAVY = ("yaml", "pydantic", "pyarrow", "duckdb", "pandas", "sqlalchemy", "papermill", "nbformat", "rich", "plotly", "QuantLib")


def test_help_imports_nothing_heavy() -> None:
    asked = "import sys\nfrom bo_lib import cli\ntry: cli.main(['--help'])\nexcept SystemExit: pass\nprint('LOADED', *sys.modules)"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout
    assert "COMMAND" in said and not set(HEAVY) & set(said.split("LOADED")[1].split())


@pytest.mark.parametrize(
    "command",
    [
        "demo",
        "run",
        "day",
        "status",
        "read",
        "onboard",
        "new",
        "verify",
        "breaks",
        "recon",
        "book",
        "explain",
        "refused",
        "correct",
        "proposals",
        "dashboards",
        "lab",
    ],
)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "--help"])
    assert ended.value.code == 0 and f"usage: bo {command}" in capsys.readouterr().out


def test_a_new_firm_can_be_filled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "mine"
    assert cli.main(["new", str(root)]) == Exit.OK
    assert config.load_firm(root).funds == () and config.load(root / "parameters/schedule.yaml", config.Schedule).day
    assert (root / "parameters/rules/settlement_cycles.yaml").exists() and (root / "notebooks/nav_strike.ipynb").exists()
    mappings = root / "parameters/mappings"
    for example in mappings.glob("*.yaml.example"):
        shutil.copy(example, example.with_suffix(""))
    named = {table.table for mapping in load_mappings(mappings) for table in mapping.tables}
    described = {line.partition(":")[0] for line in (mappings / "TABLES.txt").read_text().splitlines() if line[:1].strip()}
    assert {"prices", "fx_rates", "instruments", "trades", "orders"} <= named <= described
    shutil.copy(root / "parameters/funds/FUND.yaml.example", root / "parameters/funds/MY-FUND.yaml")
    firm = root / "parameters/firm.yaml"
    firm.write_text(firm.read_text().replace("funds: []", "funds: [MY-FUND]"))
    assert config.load_fund(root, "MY-FUND").on(date(2026, 6, 30)).classes[0].id == "A"
    assert cli.main(["status", "2026-06-30", "--root", str(root)]) == Exit.OK
    assert "MY-FUND" in capsys.readouterr().out


def test_an_onboarded_firm_runs_notebooks(tmp_path: Path) -> None:
    from tests.workbench.test_onboard import SHARES, filing

    path, root = filing(tmp_path, SHARES, "1012.31"), tmp_path / "onboarded"
    assert cli.main(["onboard", "--nport", str(path), "--root", str(root)]) == Exit.OK
    assert cli.main(["run", "settlement", "--fund", "S000099999", "--date", "2026-06-30", "--root", str(root)]) == Exit.OK
    assert list(root.glob("outputs/2026-06-30/S000099999/settlement/*/executed.html"))
    assert (root / "notebooks/dashboards/control_tower.ipynb").exists()


@pytest.mark.parametrize(
    ("state", "code"), [("done", Exit.OK), ("blocked", Exit.OK), ("not run", Exit.OK), ("failed", Exit.FAILED)]
)
def test_the_demonstration_fails_only_when_a_run_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, state: str, code: Exit
) -> None:
    report = DayReport(date(2026, 6, 30), [Node("A", config.Day(id="recon", notebook="recon"), state)])
    monkeypatch.setattr("bo_lib.run.demo.demo", lambda *_: [report])
    assert cli.main(["demo", "--root", str(tmp_path)]) == code
    with pytest.raises(SystemExit):
        cli.main(["demo", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "0 when every run was carried out, whatever it found" in said and "3 when a run failed" in said


def test_an_unbroken_chain_is_confirmed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["verify", "--root", str(write_firm(tmp_path))]) == Exit.OK
    assert "0 facts in an unbroken chain" in capsys.readouterr().out


def test_the_demonstration_simulates_catches_up_and_runs_its_days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_firm(tmp_path, "day:\n  - {id: clock, notebook: clock}\n", funds=("ALPHA",))
    tick = "import os, pathlib\npathlib.Path(os.environ['BO_ROOT'], 'clock.txt').open('a').write(os.environ['BO_CLOCK'] + ' ')"
    write_notebook(root, "clock", tick, conclude())
    done: list[tuple[object, ...]] = []
    monkeypatch.setattr(demo, "simulate", lambda root, first, last, seed: done.append(("simulate", first, last, seed)))
    monkeypatch.setattr(run_demo, "_carry", lambda office, eve, say: done.append(("carried", office.firm.funds, eve)))
    assert cli.main(["demo", "--days", "2", "--date", "2026-06-09", "--root", str(root)]) == Exit.OK
    assert done == [("simulate", date(2026, 6, 1), date(2026, 6, 9), 7), ("carried", ("ALPHA",), date(2026, 6, 5))]
    assert (root / "clock.txt").read_text().split() == ["2026-06-08T20:00:00Z", "2026-06-09T20:00:00Z"]


def test_the_demonstration_knows_its_calendar(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_demo, "_carry", None)
    root = str(write_firm(tmp_path))
    assert cli.main(["demo", "--date", "2026-06-07", "--root", root]) == Exit.USAGE
    assert "2026-06-07 (Sunday) is no business day (TARGET); the one before is 2026-06-05" in capsys.readouterr().err
    assert cli.main(["demo", "--days", "0", "--root", root]) == Exit.USAGE
