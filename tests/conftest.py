"""One month of the demonstration firm, carried once and shared by every test and worker that looks at it."""

from __future__ import annotations

import os
import pickle
import shutil
import time
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cases.scoreboard import Heard, carry_month

PROJECT = Path(__file__).parents[1]
LAST = date(2026, 6, 30)


class Month(NamedTuple):
    """``root``: the firm with its month of facts, to be copied by who writes; ``heard``: alarms by fund, day and report."""

    root: Path
    heard: Heard


def firm(root: Path, last: date, *, errors: bool = True) -> Path:
    """The demonstration firm's parameters and inbox up to ``last`` under ``root``."""
    from bo_lib.demo import simulate

    shutil.copytree(PROJECT / "parameters", root / "parameters")
    simulate(root, date(2026, 6, 1), last, errors=errors)
    return root


@pytest.fixture(scope="session")
def month(tmp_path_factory: pytest.TempPathFactory) -> Month:
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    place, done = shared / "month", shared / "month.pickle"
    try:
        place.mkdir()
    except FileExistsError:  # another worker is at it
        deadline = time.monotonic() + 600
        while not done.exists():
            assert time.monotonic() < deadline, "the worker that carries the month did not finish"
            time.sleep(0.2)
        return Month(place / "firm", pickle.loads(done.read_bytes()))
    root = firm(place / "firm", LAST)
    heard = carry_month(root, LAST)
    aside = done.with_suffix(".part")
    aside.write_bytes(pickle.dumps(heard))
    aside.rename(done)
    return Month(root, heard)


@pytest.fixture
def month_copy(month: Month, tmp_path: Path) -> Path:
    """A copy of the month for a test that writes."""
    return Path(shutil.copytree(month.root, tmp_path / "firm"))
