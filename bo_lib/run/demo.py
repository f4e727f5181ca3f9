"""The demonstration, end to end: counterparties' files are simulated, the books carried to the eve, then the days are run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from bo_lib.model.dates import add_business_days, business_days
from bo_lib.run.day import DayReport, plan, run_day
from bo_lib.run.errors import UsageError
from bo_lib.run.new import demonstration_firm
from bo_lib.run.screen import following, show_day

FIRST = date(2026, 6, 1)  # the books open at the close of the business day before
LAST = date(2026, 6, 30)
SEED = 7


def clock_of(day: date) -> str:
    """The time at which the facts of a simulated day become known."""
    return f"{day}T20:00:00Z"


def demo(root: Path, days: int = 1, last: date = LAST, say: Callable[[str], None] = lambda _: None) -> list[DayReport]:
    """Simulate, catch up, and run the last ``days`` business days up to ``last``; returns what came of each day.

    A ``root`` without a firm gets a copy of the demonstration firm. Raises ``UsageError`` for dates it cannot simulate.
    """
    from bo_lib.workbench import catch_up
    from bo_lib.workbench.office import Office

    if not (root / "parameters" / "firm.yaml").exists():
        demonstration_firm(root)
    office = Office(root)
    chosen = _days(office.firm.calendar, days, last)
    _simulate(office.root, office.root / office.firm.inbox, chosen[-1], office.firm.calendar, say)
    eve = add_business_days(chosen[0], -1, office.firm.calendar)
    for fund in office.firm.funds:
        say(f"{fund}: books carried to {eve}")
        catch_up(office.root, fund, eve)
    return [_day(office, day) for day in chosen]


def _days(calendar: str, days: int, last: date) -> list[date]:
    possible = business_days(FIRST, last, calendar)
    if days < 1 or not possible:
        raise UsageError(f"the demonstration runs from {FIRST} on, at least one day; found {days} days up to {last}")
    if possible[-1] != last:
        raise UsageError(f"{last} ({last:%A}) is no business day ({calendar}); the one before is {possible[-1]}")
    return possible[-days:]


def _simulate(root: Path, inbox: Path, last: date, calendar: str, say: Callable[[str], None]) -> None:
    """The files of every day up to ``last``; days that lie in the inbox already stay as they are."""
    from bo_lib.demo import simulate

    if all((inbox / str(day)).is_dir() for day in business_days(FIRST, last, calendar)):
        return
    say(f"the counterparties' files of {FIRST} to {last} are written to {inbox}")
    simulate(root, FIRST, last, seed=SEED)


def _day(office: object, day: date) -> DayReport:
    from bo_lib.workbench.office import Office

    assert isinstance(office, Office)
    planned = plan(office, day)
    with following(planned) as (watch, say):
        run_day(office, planned, clock=clock_of(day), watch=watch, say=say)
    show_day(planned)
    return planned
