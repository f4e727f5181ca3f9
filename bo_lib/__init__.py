"""The Back Office Workbench: everything after the investment decision."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def control_tower(root: Path | None = None) -> Any:
    """The page over all funds: choose a date, see every process, and what needs attention first."""
    from bo_lib.views import control_tower as page
    from bo_lib.workbench.office import Office

    office = Office(root)
    return page.control_tower(office.root, office.firm, office.store)
