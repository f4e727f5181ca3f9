"""Rules of a reconciliation, as written in ``parameters/recon/*.yaml``.

``bo_lib.config.load(path, Rules)`` reads one file: unknown keys are refused with the nearest known name. The left side is
ours (the books), the right side theirs (bank, custodian, prime broker, administrator).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import Field, model_validator

from bo_lib.config import Strict

SideName = Literal["left", "right"]


class Side(Strict):
    """One side of a comparison and the basis its figures are on."""

    name: str
    basis: Literal["trade", "settlement", "any"] = "any"


class Tolerance(Strict):
    """How far two amounts may lie apart, the limit included: the larger of ``absolute`` and the relative part.

    ``pct`` and ``bp`` are of the larger of the two amounts; ``absolute`` is in the unit of the amount and is the floor.
    """

    absolute: Decimal = Field(default=Decimal(0), ge=0)
    pct: Decimal = Field(default=Decimal(0), ge=0)
    bp: Decimal = Field(default=Decimal(0), ge=0)

    @property
    def relative(self) -> Decimal:
        """The relative part as a plain fraction."""
        return max(self.pct / 100, self.bp / 10000)


class Pass(Strict):
    """One step of matching, on what the steps before left open.

    kind
        ``pair`` one row with one row; ``sum`` all rows of a key with all rows of it, when their sums agree; ``net`` a row
        with its reversal on the same ``side``; ``difference`` pairs of a key that differ elsewhere, which are breaks.
    equal
        columns that must be equal, besides the scope. An empty value equals nothing.
    amount, days
        tolerance of the amount, and of the date in calendar days (business days when ``calendar`` is named).
    """

    id: str
    kind: Literal["pair", "sum", "net", "difference"] = "pair"
    equal: tuple[str, ...]
    amount: Tolerance | None = None
    days: int | None = Field(default=None, ge=0)
    calendar: str = ""
    side: SideName = "right"
    scope: tuple[str, ...] = ()  # difference only: a narrower scope than the rules', to find the account that is wrong
    verdict: Literal["match", "suggest"] = "match"


class Exclusion(Strict):
    """Rows left out of the comparison, with the reason that is shown beside them."""

    side: SideName
    field: str
    equals: tuple[str, ...]
    reason: str = Field(min_length=1)


class Cause(Strict):
    """The likely cause of a break, when ``field`` of the row is one of ``equals`` or has one of ``contains`` in it."""

    kind: str
    field: str
    equals: tuple[str, ...] = ()
    contains: tuple[str, ...] = ()
    cause: str

    def explains(self, kind: str, value: str) -> bool:
        return kind == self.kind and (value in self.equals or any(part.lower() in value.lower() for part in self.contains))


class Rules(Strict):
    """parameters/recon/<name>.yaml. ``version`` is part of every match: raise it with every change."""

    name: str
    kind: str = ""  # which figures are compared, when it is not what the name says: cash, positions…
    version: int
    title: str
    left: Side
    right: Side
    third: Side | None = None  # kinds that compare three parties: the one beside ours and theirs
    scope: tuple[str, ...] = Field(min_length=1)  # part of every comparison: account and currency, or account
    amount: str
    date: str = ""
    reference: str = ""
    passes: tuple[Pass, ...]
    exclusions: tuple[Exclusion, ...] = ()
    causes: tuple[Cause, ...] = ()
    tolerance_by: str = ""  # a column: rows of each of its values are matched apart, with the tolerance below where it has one
    tolerances: dict[str, Tolerance] = Field(default_factory=dict)
    materiality_base: Decimal = Decimal(0)  # breaks below it in base currency do not hold up the verdict
    four_eyes_above: Decimal | None = None  # base currency: closing more by hand takes two people; None: the limit of the firm
    sla_business_days: int = 2
    owner: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Rules:
        if self.tolerances and not self.tolerance_by:
            raise ValueError("tolerances: name in `tolerance_by` the column whose values they are for")
        names = [p.id for p in self.passes]
        if doubled := {n for n in names if names.count(n) > 1}:
            raise ValueError(f"passes: the id {sorted(doubled)[0]!r} stands twice")
        for step in self.passes:
            if step.days is not None and not self.date:
                raise ValueError(f"passes.{step.id}.days: a date window needs `date`, the column of the date")
            if step.kind == "sum" and self.amount in step.equal:
                raise ValueError(f"passes.{step.id}.equal: {self.amount!r} is what a sum pass compares, not its key")
            if step.scope and step.kind != "difference":
                said = "account and currency are part of every match; only a difference pass may drop one"
                raise ValueError(f"passes.{step.id}.scope: {said}")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the rules compare, each once: rows that agree in all of them are identical."""
        named = [*self.scope, self.reference, self.amount, self.date, *(f for p in self.passes for f in p.equal)]
        return tuple(dict.fromkeys(name for name in named if name))

    def step(self, pass_id: str) -> Pass:
        return next(p for p in self.passes if p.id == pass_id)
