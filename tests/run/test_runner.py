"""A run is executed once, judged by its conclusion, and kept read-only with its evidence."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bo_lib.run.evidence import file_hashes
from bo_lib.run.manifest import Manifest, run_folders
from bo_lib.run.runner import run
from tests.run.firm import COUNT, conclude, executions, write_firm, write_notebook

DAY = {"fund": "ALPHA", "business_date": "2026-06-30"}
THREAD = "import threading\nt = threading.Thread(target=lambda: 1 / 0)\nt.start()\nt.join()"
BADLY_ENDED = {  # what the notebook does, and a phrase of what the manifest says
    "leaves": (("import sys; sys.exit(0)", COUNT, conclude()), "ended without a conclusion"),
    "raises": (("1 / 0", conclude()), "cell 3: ZeroDivisionError: division by zero"),
    "loses_a_thread": ((THREAD, conclude()), "Exception in thread"),
    "concludes_early": ((conclude(), "1 + 1"), "a cell before the last recorded the conclusion"),
    "strange_verdict": ((conclude("splendid"),), "no verdict of pass, attention or blocked"),
    "too_slow": (("import time; time.sleep(60)", conclude()), "the deadline of 4 s for the whole run has passed"),
    "loses_its_process": (("import os; os.kill(os.getppid(), 9)", conclude()), "ended early (signal SIGKILL)"),
}


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_firm(tmp_path_factory.mktemp("a firm {with} braces"))
    chart = "import plotly.graph_objects as go\ngo.Figure(go.Bar(x=['a</script>'], y=[2]))"
    write_notebook(
        root, "good", COUNT, chart, "import os\n[os.environ[n] for n in ('BO_ACTOR', 'BO_RUN_ID', 'MINE')], fund, note", conclude()
    )
    write_notebook(root, "counted", COUNT, conclude())
    for name, (cells, _) in BADLY_ENDED.items():
        write_notebook(root, name, *cells)
    return root


@pytest.fixture(scope="module")
def good(firm: Path) -> Manifest:
    return run(
        firm, "good", {**DAY, "note": '007 "x" \\n {y}'}, actor="anna", inputs={"facts/ALPHA": "1"}, environment={"MINE": "yes"}
    )


@pytest.fixture(scope="module")
def badly_ended(firm: Path) -> dict[str, Manifest]:
    with ThreadPoolExecutor(2) as pool:
        going = {
            name: pool.submit(run, firm, name, DAY, actor="anna", timeout_s=4 if name == "too_slow" else 60) for name in BADLY_ENDED
        }
        return {name: future.result() for name, future in going.items()}


def test_a_finished_run_has_its_conclusion_and_its_place(firm: Path, good: Manifest) -> None:
    assert (good.state, good.verdict, good.summary, good.figures) == ("finished", "pass", "all agree", {"net_assets": "1.00"})
    assert good.folder == firm / "outputs" / "2026-06-30" / "ALPHA" / "good" / good.run_id
    assert good.actor == "anna" and good.inputs["facts/ALPHA"] == "1" and "parameters/funds/ALPHA.yaml" in good.inputs
    assert "parameters/funds/BETA.yaml" not in good.inputs
    assert set(good.seconds) == {"process", "kernel", "imports", "cells", "page", "save", "total"}


def test_parameters_and_environment_reach_the_notebook_as_text(good: Manifest) -> None:
    assert good.folder
    cells = json.loads((good.folder / "executed.ipynb").read_text())["cells"]
    shown = "".join(cells[-2]["outputs"][0]["data"]["text/plain"])
    assert shown == repr((["anna", good.run_id, "yes"], "ALPHA", '007 "x" \\n {y}'))


def test_the_manifest_has_the_hash_of_every_file(good: Manifest) -> None:
    assert good.folder
    kept = file_hashes(good.folder)
    kept.pop("manifest.json")
    assert kept == good.files and {"executed.ipynb", "executed.html", "conclusion.json"} == set(kept)
    assert Manifest.read(good.folder) == good


def test_a_kept_run_is_read_only_and_nothing_is_left_aside(good: Manifest) -> None:
    assert good.folder
    modes = [stat.S_IMODE(p.stat().st_mode) for p in (good.folder, *good.folder.iterdir())]
    assert not any(mode & 0o222 for mode in modes)
    assert [p.name for p in good.folder.parent.iterdir()] == [good.run_id]


def test_the_page_opens_without_a_network(firm: Path, good: Manifest) -> None:
    assert good.folder
    page = (good.folder / "executed.html").read_text("utf-8")
    assert "https://" not in page.replace("https://plotly.com", "") and "//cdn" not in page
    assert "Plotly.newPlot('chart-1'" in page and "a\\u003c/script>" in page
    address = page.split('<script src="')[1].split('"')[0]
    assert (good.folder / address).resolve() == next((firm / "outputs" / "assets").iterdir())
    assert len(page) < 60_000


def test_the_same_run_is_executed_once_and_another_input_is_another_run(firm: Path) -> None:
    first = run(firm, "counted", DAY, actor="anna", inputs={"facts/ALPHA": "1"})
    again = run(firm, "counted", DAY, actor="ben", inputs={"facts/ALPHA": "1"})
    assert again.reused and again.run_id == first.run_id and executions(firm).count(first.run_id) == 1
    other = run(firm, "counted", DAY, actor="anna", inputs={"facts/ALPHA": "2"})
    forced = run(firm, "counted", DAY, actor="anna", inputs={"facts/ALPHA": "1"}, force_new=True)
    assert other.key != first.key == forced.key
    assert [first.run_id[-3:], forced.run_id[-3:]] == ["001", "002"] and first.folder and first.folder.exists()


@pytest.mark.parametrize("name", BADLY_ENDED)
def test_a_run_without_its_conclusion_has_failed_and_is_kept(name: str, badly_ended: dict[str, Manifest]) -> None:
    made = badly_ended[name]
    assert made.state == "failed" and made.verdict == "" and not made.passed
    assert BADLY_ENDED[name][1] in made.error
    assert made.folder and {"executed.ipynb", "executed.html"} <= set(made.files)
    assert 'class="failed"' in (made.folder / "executed.html").read_text("utf-8")


def test_a_failed_run_is_tried_again(firm: Path, badly_ended: dict[str, Manifest]) -> None:
    first = badly_ended["raises"]
    again = run(firm, "raises", DAY, actor="anna")
    assert (again.key, again.run_id[-3:], again.reused) == (first.key, "002", False)
    assert first.folder and [f.name for f in run_folders(first.folder.parent)] == [first.run_id, again.run_id]


def test_the_first_cell_that_leaves_stops_the_rest(firm: Path, badly_ended: dict[str, Manifest]) -> None:
    assert badly_ended["leaves"].run_id not in executions(firm)
