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


def __getattr__(name: str) -> Any:
    """``from bo_lib import Workbench`` loads the workbench only when it is asked for: `bo --help` stays quick."""
    if name == "Workbench":
        from bo_lib.workbench import Workbench

        return Workbench
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
