"""A tiny firm for tests of runs: two funds, one schedule, and notebooks made of a few lines."""

from __future__ import annotations

from pathlib import Path

FUND = """\
id: {id}
name: Test fund
kind: fund
domicile: IE
base_currency: EUR
calendar: {calendar}
inception: 2026-01-02
terms:
  - from: 2026-01-02
    classes:
      - {{id: A, currency: EUR}}
"""
FIRM = "name: Test firm\nfunds: [{funds}]\nworkers: 2\n"

PARAMETERS = 'fund = "ALPHA"\nbusiness_date = "2026-06-30"\nknown_at = ""\nnote = ""'
COUNT = (
    "import os, pathlib\n"
    "seen = pathlib.Path(os.environ['BO_ROOT'], 'executions.txt')\n"
    "seen.open('a').write(os.environ['BO_RUN_ID'] + '\\n')"
)


def conclude(verdict: str = "pass", summary: str = "all agree") -> str:
    """The last cell of a test notebook: what ``desk.conclude`` leaves in the run folder."""
    return (
        "import json, os, pathlib\n"
        f"said = dict(verdict={verdict!r}, summary={summary!r}, figures={{'net_assets': '1.00'}}, findings=[])\n"
        "pathlib.Path(os.environ['BO_RUN_DIR'], 'conclusion.json').write_text(json.dumps(said))"
    )


def write_notebook(root: Path, name: str, *cells: str, parameters: str | None = PARAMETERS) -> Path:
    """A notebook with a tagged parameters cell, the given code cells, and nothing else."""
    import nbformat.v4 as v4

    tagged = [] if parameters is None else [v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})]
    made = v4.new_notebook(cells=[v4.new_markdown_cell(f"# {name}"), *tagged, *map(v4.new_code_cell, cells)])
    path = root / "notebooks" / f"{name}.ipynb"
    path.parent.mkdir(exist_ok=True)
    path.write_text(v4.writes(made), "utf-8")
    return path


def write_firm(
    root: Path, schedule: str = "day: []\n", funds: tuple[str, ...] = ("ALPHA", "BETA"), calendar: str = "TARGET"
) -> Path:
    """parameters/ of a firm at ``root``; BETA keeps the calendar given, the others TARGET."""
    (root / "parameters" / "funds").mkdir(parents=True)
    (root / "parameters" / "firm.yaml").write_text(FIRM.format(funds=", ".join(funds)))
    (root / "parameters" / "schedule.yaml").write_text(schedule)
    for fund in funds:
        text = FUND.format(id=fund, calendar=calendar if fund == "BETA" else "TARGET")
        (root / "parameters" / "funds" / f"{fund}.yaml").write_text(text)
    return root


def executions(root: Path) -> list[str]:
    """Run ids in the order in which the counting cell was executed."""
    path = root / "executions.txt"
    return path.read_text().split() if path.exists() else []
