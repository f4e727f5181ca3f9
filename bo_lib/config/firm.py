"""The firm: its funds, its day and its month-end close."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from bo_lib.config.files import Calendar, NotNegative, Strict
from bo_lib.config.fund import Delivery
from bo_lib.model.identifiers import same_person


class Release(Strict):
    """How a NAV is released. Orders deal at the price that two people released, or (``struck``) at any strike nothing blocks.

    ``unattended``: two names that sign and release at once whatever nothing blocks; for a demonstration or a rehearsal.
    """

    dealing: Literal["released", "struck"] = "released"
    unattended: tuple[str, str] | None = None

    @field_validator("unattended")
    @classmethod
    def _two_people(cls, names: tuple[str, str] | None) -> tuple[str, str] | None:
        if names and same_person(*names):
            raise ValueError("preparer and reviewer are two people")
        return names


class Firm(Strict):
    """parameters/firm.yaml"""

    name: str
    funds: tuple[str, ...]
    store: str = "sqlite:///outputs/books.sqlite"
    inbox: Path = Path("outputs/inbox")
    outputs: Path = Path("outputs")
    calendar: Calendar = "TARGET"
    action_sources: tuple[str, ...] = ()  # vendors who announce every corporate action, beside the custodians
    deliveries: tuple[Delivery, ...] = ()  # market data and other files that belong to no single fund
    workers: int = Field(2, ge=1, le=64)
    four_eyes_above: NotNegative = Decimal(10000)  # base currency: what one person may write off, correct or withdraw alone
    write_offs_alone_a_month: NotNegative = Decimal(25000)  # and write off of a fund in a month, all together
    release: Release = Release()
    schemas: Path | None = None  # folder of official ISO 20022 schemas (XSD), against which XML files are validated


class CloseTask(Strict):
    id: str
    title: str
    check: str = ""  # name of the check in bo_lib.close; without one the run of the notebook is the evidence
    reconciliations: tuple[str, ...] = ()  # instead of a check: these are proven; "*": all that no other task names
    notebook: str = ""  # where a person sees it
    owner: str
    reviewer: str
    due_business_day: int  # after month-end
    needs: tuple[str, ...] = ()


class Close(Strict):
    """parameters/close.yaml; tolerances are those of its checks."""

    tasks: tuple[CloseTask, ...]
    budget_tolerance_pct: NotNegative = Decimal(10)
    movement_tolerance_pct: NotNegative = Decimal(100)  # of an income or expense against the month before
    movement_above_bps: NotNegative = Decimal(1)  # of net assets: smaller movements are not looked at


class Day(Strict):
    """parameters/schedule.yaml: the graph of a business day."""

    id: str
    notebook: str
    when: Literal["daily", "month_end"] = "daily"
    needs: tuple[str, ...] = ()
    deadline_minutes: int = Field(15, gt=0)


class Schedule(Strict):
    day: tuple[Day, ...]
