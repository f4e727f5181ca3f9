"""Rules as shipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from bo_lib.config import load
from bo_lib.recon import Rules

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def cash_rules() -> Rules:
    return load(ROOT / "parameters/recon/cash.yaml", Rules)


@pytest.fixture(scope="session")
def position_rules() -> Rules:
    return load(ROOT / "parameters/recon/positions.yaml", Rules)
