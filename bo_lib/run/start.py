"""Starting runs from the desk: the inputs are gathered, the run is carried out once, and the store knows of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from bo_lib import config
from bo_lib.run.errors import UsageError
from bo_lib.run.evidence import parameter_files
from bo_lib.run.ledger import Ledger, facts_read, inbox_files
from bo_lib.run.manifest import Manifest
from bo_lib.run.notebook import find, read
from bo_lib.run.runner import TIMEOUT_S, run

if TYPE_CHECKING:
    from bo_lib.workbench.office import Office


def schedule_of(root: Path) -> config.Schedule:
    return config.load(root / "parameters" / "schedule.yaml", config.Schedule)


def start(
    office: Office,
    notebook: str,
    parameters: Mapping[str, str],
    *,
    actor: str = "",
    clock: str = "",
    force_new: bool = False,
    timeout_s: float = 0,
    say: Callable[[str], None] = lambda _: None,
    server: str | None = None,
    stop: threading.Event | None = None,
) -> Manifest:
    """Run ``notebook`` once for its parameters and everything it reads: parameter files, inbox files and facts.

    ``clock`` (ISO 8601, UTC) replays the time at which the run's facts become known; empty means now. ``timeout_s`` 0 takes
    the deadline of the schedule. Raises what ``bo_lib.run.runner.run`` raises, and ``StoreError``.
    """
    root = office.root.resolve()
    source = read(find(root, notebook))
    steps = _steps(root)
    ledger = Ledger(office, clock)
    fund, day = parameters.get("fund", ""), _day(parameters)
    inputs = (
        {**inbox_files(root / office.firm.inbox, day), **facts_read(ledger, fund, day, not_read(steps, source.name))} if day else {}
    )
    office.keep_parameters(parameter_files(root, fund))
    minutes = next((step.deadline_minutes for step in steps if step.notebook == source.name), 0)
    return run(
        root, str(source.path), parameters, actor=actor or office.actor, inputs=inputs, force_new=force_new,
        timeout_s=timeout_s or minutes * 60 or TIMEOUT_S, ledger=ledger if day else None, say=say,
        environment={"BO_CLOCK": clock} if clock else {}, server=server, stop=stop,
    )  # fmt: skip


def _steps(root: Path) -> tuple[config.Day, ...]:
    return schedule_of(root).day if (root / "parameters" / "schedule.yaml").exists() else ()


def _day(parameters: Mapping[str, str]) -> date | None:
    """The business date given, or None; a text that is no date is refused."""
    from bo_lib.model.dates import parse_date

    try:
        return parse_date(parameters["business_date"]) if "business_date" in parameters else None
    except ValueError as reason:
        raise UsageError(str(reason)) from None


def not_read(steps: tuple[config.Day, ...], notebook: str) -> set[str]:
    """Notebooks of the day whose facts are no input of ``notebook``: its own, and all but those it needs, directly or not."""
    needed = {step.id for step in steps if step.notebook == notebook}
    while more := {name for step in steps if step.id in needed for name in step.needs} - needed:
        needed |= more
    return {step.notebook for step in steps if step.id not in needed and needed} | {notebook}
