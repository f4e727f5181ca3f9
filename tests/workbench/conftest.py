"""One fund of the demonstration firm, two days old, for tests of the books at the desk."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from bo_lib.workbench import Workbench, catch_up
from tests.conftest import firm

FUND, DAY = "EURO-UCITS", "2026-06-02"


@pytest.fixture(scope="session")
def two_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = firm(tmp_path_factory.mktemp("two") / "firm", date(2026, 6, 2), errors=False)
    catch_up(root, FUND, date(2026, 6, 2))
    return root


@pytest.fixture
def desk(two_days: Path, tmp_path: Path) -> Workbench:
    """In a copy, to write in."""
    return Workbench.open(FUND, DAY, root=Path(shutil.copytree(two_days, tmp_path / "firm")))
