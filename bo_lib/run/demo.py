"""The demonstration, end to end: counterparties' files are simulated, the books carried to the eve, then the days are run."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from bo_lib.model.dates import add_business_days, business_days
from bo_lib.run.day import DayReport, plan, run_day
from bo_lib.run.errors import UsageError
from bo_lib.run.new import demonstration_firm
from bo_lib.run.screen import following, show_day

if TYPE_CHECKING:
    from bo_lib.workbench.office import Office

SEED = 7


def clock_of(day: date) -> str:
    """The time at which the facts of a simulated day become known."""
    return f"{day}T20:00:00Z"


def demo(root: Path, days: int, last: date, say: Callable[[str], None] = lambda _: None) -> list[DayReport]:
    """Simulate, catch up, and run the last ``days`` business days up to ``last``; returns what came of each day.

    A ``root`` without a firm gets a copy of the demonstration firm. Raises ``UsageError`` for dates it cannot simulate.
    """
    from bo_lib.workbench.office import Office

    if not (root / "parameters" / "firm.yaml").exists():
        demonstration_firm(root)
    office = Office(root)
    calendar = office.firm.calendar
    chosen = _days(calendar, days, last)
    _simulate(office, chosen[-1], say)
    eve = add_business_days(chosen[0], -1, calendar)
    _carry(office, eve, say)
    return [_day(office, day) for day in chosen]


def _carry(office: Office, eve: date, say: Callable[[str], None]) -> None:
    """The funds' books carried to the eve of the first day, each fund in a process of its own."""
    from bo_lib.workbench import catch_up, read_inbox

    say(f"the books of {', '.join(office.firm.funds)} are carried to {eve}")
    read_inbox(office, eve)  # once, here: the funds share market data
    with ProcessPoolExecutor(office.firm.workers, mp_context=get_context("spawn")) as pool:
        for done in [pool.submit(catch_up, office.root, fund, eve) for fund in office.firm.funds]:
            done.result()


def _days(calendar: str, days: int, last: date) -> list[date]:
    from bo_lib.demo import demo_window

    first, _ = demo_window()
    possible = business_days(first, last, calendar)
    if days < 1 or not possible:
        raise UsageError(f"the demonstration runs from {first} on, at least one day; found {days} days up to {last}")
    if possible[-1] != last:
        raise UsageError(f"{last} ({last:%A}) is no business day ({calendar}); the one before is {possible[-1]}")
    return possible[-days:]


def _simulate(office: Office, last: date, say: Callable[[str], None]) -> None:
    """The files of every day up to ``last``; where all days lie in the inbox already, they stay as they are."""
    from bo_lib.demo import demo_window, simulate

    first, _ = demo_window()
    if all(office.inbox(day).is_dir() for day in business_days(first, last, office.firm.calendar)):
        return
    say(f"the counterparties' files of {first} to {last} are written to {office.root / office.firm.inbox}")
    simulate(office.root, first, last, seed=SEED)


def _day(office: Office, day: date) -> DayReport:
    planned = plan(office, day)
    with following(planned) as (watch, say):
        run_day(office, planned, clock=clock_of(day), watch=watch, say=say)
    show_day(planned)
    return planned
