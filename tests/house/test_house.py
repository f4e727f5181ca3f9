"""The repository checks its own taste: imports go down only, notebooks are pages, dependencies are in step."""

import ast
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.house import environment

ROOT = Path(__file__).parents[2]
ROOMS = {"recon", "books", "nav", "settlement", "actions", "investors", "close", "filings"}
MAY_IMPORT = {
    "model": set(),
    "config": {"model"},
    "feeds": {"model", "config"},
    "store": {"model", "config"},
    **{room: {"model", "config"} for room in ROOMS},
    "nav": {"model", "config", "books"},
    "close": {"model", "config", "nav", "recon", "books"},
    "filings": {"model", "config", "books", "nav", "investors"},
    "demo": {"model", "config"},
    "views": {"model", "config", "store", "feeds", *ROOMS},
    "run": {"model", "config", "store", "feeds", "views", "demo", "workbench", *ROOMS},
    "workbench": {"model", "config", "store", "feeds", "views", *ROOMS},
    "cli": {"model", "config", "store", "feeds", "views", "run", "workbench", *ROOMS},
    "__init__": {"model", "config", "workbench", "views"},
}


def _room(path: Path) -> str:
    return path.relative_to(ROOT / "bo_lib").parts[0].removesuffix(".py")


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import; the house writes bo_lib.… in full"
            names = [f"{node.module}.{a.name}" for a in node.names] if node.module == "bo_lib" else [node.module or ""]
        found |= {name.split(".")[1] for name in names if name.startswith("bo_lib.")}
    return found


SOURCES = sorted((ROOT / "bo_lib").rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down_only(path: Path) -> None:
    room = _room(path)
    allowed = MAY_IMPORT[room] | {room}
    assert not (up := _imports(path) - allowed), f"{path.name} in {room} imports {sorted(up)}; it may import {sorted(allowed)}"


PURE = [p for p in SOURCES if _room(p) in ROOMS | {"model"}]


@pytest.mark.parametrize("path", PURE, ids=lambda p: str(p.relative_to(ROOT)))
def test_rooms_have_no_clock_path_network_or_environment(path: Path) -> None:
    text = path.read_text("utf-8")
    banned = r"datetime\.now|date\.today|utcnow|time\.time\(|os\.environ|getenv|(?<!def )(?<![.\w])open\("
    banned += r"|import (os|socket|requests|subprocess)\b"
    assert not (hit := re.search(banned, text)), f"{path}: {hit and hit.group()}"


NOTEBOOKS = sorted(p for p in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_is_a_page(path: Path) -> None:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    source = ["".join(cell["source"]) for cell in code]
    assert not any(cell["outputs"] or cell["execution_count"] for cell in code), "stored output"
    assert not any(re.search(r"^\s*(def|class|for|while|if|try)\b", text, re.M) for text in source), "logic lives in bo_lib"
    assert max(len(text.splitlines()) for text in source) <= 10
    if "dashboards" not in path.parts:
        assert [c for c in code if "parameters" in c["metadata"].get("tags", [])], "no cell tagged 'parameters'"
        assert ".conclude(" in source[-1], "the last cell records the conclusion"


def test_environment_yml_is_in_step_with_pyproject_and_lock() -> None:
    assert (ROOT / "environment.yml").read_text() == environment.expected()


def test_the_lock_files_agree() -> None:
    pins = environment.locked()
    base = [line.rstrip(" \\") for line in (ROOT / "requirements.lock").read_text().splitlines() if re.match(r"[A-Za-z0-9]", line)]
    strange = [
        line for line in base if line.split(" ;")[0] not in {pin.split(" ;")[0] for pin in pins.get(environment._name(line), [])}
    ]
    assert base and not strange


def test_every_dependency_is_permissively_licensed_by_name() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "Apache-2.0"
    assert not {"beancount", "rateslib", "datacompy"} & environment.declared()


def test_no_machine_path_or_registry_host_is_tracked() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    pattern = re.compile(r"(?<![\w.])/(?:w[o]rk|r[o]ot)/|p[y]pi\.org|files\.p[y]thonhosted")
    skipped = (".png", ".lock")
    hits = [
        name
        for name in tracked
        if not name.endswith(skipped) and (ROOT / name).is_file() and pattern.search((ROOT / name).read_text("utf-8", "replace"))
    ]
    assert not hits


def test_every_command_of_the_makefile_and_readme_exists() -> None:
    made = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"(?:`|^ {4})make ([a-z]+)", (ROOT / "README.md").read_text(), re.M))
    assert {"demo", "test"} <= named <= made
