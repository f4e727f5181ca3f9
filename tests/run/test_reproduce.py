"""`bo reproduce`: the same bytes after corrections were booked and terms were changed; what was altered is said."""

import re
import shutil
import sqlite3
from datetime import date
from pathlib import Path

import pytest

from bo_lib import cli
from bo_lib.run.errors import Exit, UsageError
from bo_lib.run.manifest import Manifest
from bo_lib.run.release import freeze
from bo_lib.run.reproduce import reproduce
from bo_lib.run.start import start
from bo_lib.workbench import Workbench, catch_up
from bo_lib.workbench.office import Office
from tests.conftest import PROJECT
from tests.conftest import firm as demonstration

FUND, DAY = "EURO-UCITS", date(2026, 6, 1)
PARAMETERS = {"fund": FUND, "business_date": DAY.isoformat()}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    root = demonstration(tmp_path_factory.mktemp("reproduce") / "firm", DAY)
    shutil.copytree(PROJECT / "notebooks", root / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    catch_up(root, FUND, DAY)
    return Office(root)


@pytest.fixture(scope="module")
def run(office: Office) -> Manifest:
    """A strike as it was first run, and what came after it: a correction, other terms, and a strike that differs."""
    made = start(office, "nav_strike", PARAMETERS, actor="ann")
    assert made.state == "finished", made.error
    pack = freeze(Workbench(office, FUND, DAY))
    fund = office.root / "parameters/funds" / f"{FUND}.yaml"
    fund.write_text(re.sub(r"amount_annual: 120000", "amount_annual: 240000", fund.read_text("utf-8")), "utf-8")
    prices = office.root / "outputs/inbox" / DAY.isoformat() / "VENDOR-A/prices_20260601.csv"
    prices.write_text(prices.read_text("utf-8").replace("1,", "1,0", 30), "utf-8")  # the vendor corrects its prices
    again = start(Office(office.root), "nav_strike", PARAMETERS, actor="ann")
    assert again.run_id != made.run_id and again.figures != made.figures, "the strike of now differs"
    assert made.folder and pack.is_dir()
    return made


def test_a_strike_is_made_again_to_the_same_bytes_after_corrections(office: Office, run: Manifest) -> None:
    report = reproduce(office, run.run_id)
    files = [r["file"] for r in report.sections[0].table.to_pylist()]  # type: ignore[union-attr]
    assert report.verdict == "pass", report.to_text()
    results = {f"results/{name}.json" for name in ("inputs", "strike", "controls", "move", "shadow", "signatures")}
    assert results | {f"pack/nav_{FUND}_{DAY}.pdf", f"pack/nav_{FUND}_{DAY}.xlsx"} <= set(files)


def test_a_frozen_pack_is_made_again_to_the_same_bytes(office: Office, run: Manifest) -> None:
    (fact,) = office.store.facts("nav.frozen")
    report = reproduce(office, fact.payload["sha256"][:16])
    assert report.verdict == "pass", report.to_text()
    assert any(name.endswith(".pdf") for name in fact.payload["files"])


def test_an_altered_result_is_said_and_not_taken_for_the_truth(
    office: Office, run: Manifest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = Path(shutil.copytree(office.root, tmp_path / "firm", symlinks=True))
    assert run.folder
    path = root / run.folder.relative_to(office.root.resolve()) / "results" / "strike.json"
    path.chmod(0o644)
    path.write_text(path.read_text("utf-8").replace("Net assets", "Net Assets", 1), "utf-8")
    assert cli.main(["reproduce", run.run_id, "--root", str(root)]) == Exit.FAILED
    assert "result-altered" in capsys.readouterr().out


def test_an_altered_fact_is_said(office: Office, run: Manifest, tmp_path: Path) -> None:
    root = Path(shutil.copytree(office.root, tmp_path / "firm", symlinks=True))
    with sqlite3.connect(root / "outputs" / "books.sqlite") as db:
        for (name,) in db.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            db.execute(f"drop trigger {name}")
        db.execute("update fact set payload = replace(payload, '\"price\":\"1', '\"price\":\"2') where kind = 'event.trade'")
    report = reproduce(Office(root), run.run_id)
    assert report.verdict == "blocked" and any(f.code.startswith("chain-") or f.code.startswith("fact-") for f in report.findings)


def test_what_is_not_there_or_pins_nothing_is_a_letter(office: Office) -> None:
    with pytest.raises(UsageError, match="names no kept runs"):
        reproduce(office, "0123456789ab-001")
