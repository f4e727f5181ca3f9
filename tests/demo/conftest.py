"""The demonstration month simulated once: without errors, and with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bo_lib.demo import demo_window, simulate

REPOSITORY = Path(__file__).parents[2]


def month(root: Path, **options: object) -> Path:
    (root / "parameters").symlink_to(REPOSITORY / "parameters")
    simulate(root, *demo_window(), **options)  # type: ignore[arg-type]
    return root / "outputs"


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return month(tmp_path_factory.mktemp("clean"), errors=False)


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return month(tmp_path_factory.mktemp("seeded"))


@pytest.fixture(scope="session")
def schemas() -> Path:
    folder = REPOSITORY.parent / "shared" / "corpora" / "schemas" / "iso20022"
    if not folder.is_dir():
        pytest.skip("the published ISO 20022 schemas are not here")
    return folder
