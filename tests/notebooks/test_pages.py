"""Every notebook runs from top to bottom on the month of the demonstration firm, by nbval."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PAGES = sorted(p for p in (PROJECT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_a_page_runs(page: Path, month_copy: Path) -> None:
    words = ["--nbval-lax", "--nbval-current-env", "-p", "no:cacheprovider", "-p", "no:xdist", str(page)]
    environment = {**os.environ, "BO_ROOT": str(month_copy), "BO_CLOCK": "2026-06-30T22:00:00Z"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words], cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout
