"""Rules of a reconciliation, as written in ``parameters/recon/*.yaml``.

``bo_lib.config.load(path, Rules)`` reads one file: unknown keys are refused with the nearest known name. The left side is
ours (the books), the right side theirs (bank, custodian, prime broker, administrator).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import Field, model_validator

from bo_lib.config import Strict
from bo_lib.model.dates import CALENDARS

SideName = Literal["left", "right"]


class Sign(Strict):
    """Columns that a file gives without a sign: negative where the cell under ``header`` is one of ``negative``."""

    columns: tuple[str, ...]
    header: str
    negative: tuple[str, ...]


class Side(Strict):
    """One side of a comparison, the basis its figures are on, and how its file writes them (files only)."""

    name: str
    basis: Literal["trade", "settlement", "any"] = "any"
    table: str = ""  # kind `tables`: what the side is read from: a canonical table of the inbox's files, or of the books
    sender: str = ""  # of whose files (default: of all), and of which format
    format: str = ""
    days: Literal["today", "all"] = "today"  # all: the files of every day since the take-over, for what happens once
    delimiter: str = ""  # CSV; default: the one of , ; tab | that splits the header into most cells
    encoding: Literal["utf-8", "cp1252", "latin-1"] = "utf-8"
    decimal: Literal[".", ","] = "."
    thousands: str = ""
    dates: tuple[str, ...] = ("%Y-%m-%d",)
    negate: tuple[str, ...] = ()  # columns whose sign this side writes the other way round
    signs: tuple[Sign, ...] = ()
    translate: dict[str, dict[str, str]] = Field(default={})  # column -> what this side writes -> what is meant


class FileColumn(Strict):
    """A column of the sides: its type, and its header in each of them (default: its name). ``loose`` text: case and spaces do
    not count."""

    name: str
    type: Literal["text", "decimal", "date"] = "text"
    left: str = ""
    right: str = ""
    third: str = ""
    loose: bool = False

    def header(self, side: str) -> str:
        return str(getattr(self, side)) or self.name


class Identifiers(Strict):
    """Codes of one thing (ISIN, CUSIP, SEDOL, local code) that become its ``id`` before keys are compared.

    table
        a CSV or Parquet file beside the rules, one thing a row, with the columns ``id`` and ``codes``.
    """

    column: str
    table: str
    id: str
    codes: tuple[str, ...]


class Tolerance(Strict):
    """How far two amounts may lie apart, the limit included: the larger of ``absolute`` and the relative part.

    ``pct`` and ``bp`` are of the larger of the two amounts; ``absolute`` is in the unit of the amount and is the floor.
    ``under`` and ``over``, in place of ``absolute``: how much smaller or larger in size theirs may be than ours.
    """

    absolute: Decimal = Field(default=Decimal(0), ge=0)
    pct: Decimal = Field(default=Decimal(0), ge=0, lt=100)
    bp: Decimal = Field(default=Decimal(0), ge=0, lt=10000)
    under: Decimal | None = Field(default=None, ge=0)
    over: Decimal | None = Field(default=None, ge=0)

    @property
    def asymmetric(self) -> bool:
        return self.under is not None or self.over is not None

    @property
    def widest(self) -> Decimal:
        """The largest of the limits that are amounts."""
        return max(self.absolute, self.under or Decimal(0), self.over or Decimal(0))

    @model_validator(mode="after")
    def _one_kind(self) -> Tolerance:
        if self.asymmetric and (self.absolute or self.relative):
            raise ValueError("`under` and `over` stand alone: give them, or `absolute`, `pct` and `bp`")
        return self

    @property
    def relative(self) -> Decimal:
        """The relative part as a plain fraction."""
        return max(self.pct / 100, self.bp / 10000)


class Pass(Strict):
    """One step of matching, on what the steps before left open.

    kind
        ``pair`` one row with one row; ``sum`` all rows of a key with all rows of it, when their sums agree; ``subset`` one row
        with some rows of its key on the other side that add up to it; ``net`` a row with its reversal on the same ``side``;
        ``text`` rows whose texts are alike (only suggested); ``difference`` pairs of a key that differ elsewhere: breaks.
    equal
        columns that must be equal, besides the scope. An empty value equals nothing.
    amount, days
        tolerance of the amount, and of the date in calendar days (business days when ``calendar`` is named).
    also
        sum and subset: columns of numbers whose sums must agree exactly as well.
    groups
        sum: ``one-to-many`` wants one row on one of the sides.
    members_max, rows_max
        subset: rows that may make up one, and rows of a key on one side above which its rows stay open (with a note).
    text, score_min
        text: the column that is compared, and the similarity from 0 to 100 that is wanted.
    """

    id: str
    kind: Literal["pair", "sum", "subset", "net", "text", "difference"] = "pair"
    equal: tuple[str, ...]
    also: tuple[str, ...] = ()
    groups: Literal["many-to-many", "one-to-many"] = "many-to-many"
    members_max: int = Field(default=5, ge=2, le=6)
    rows_max: int = Field(default=60, ge=2, le=100)
    text: str = ""
    score_min: int = Field(default=85, ge=50, le=100)
    amount: Tolerance | None = None
    days: int | None = Field(default=None, ge=0)
    calendar: str = ""
    side: SideName = "right"
    scope: tuple[str, ...] = ()  # difference only: a narrower scope than the rules', to find the account that is wrong
    verdict: Literal["match", "suggest"] = "match"


class Exclusion(Strict):
    """Rows left out of the comparison, with the reason that is shown beside them."""

    side: Literal["left", "right", "third"]
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
    file_columns: tuple[FileColumn, ...] = Field(default=(), alias="columns")  # of two files; tables bring their own types
    identifiers: tuple[Identifiers, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    causes: tuple[Cause, ...] = ()
    tolerance_by: str = ""  # a column: rows of each of its values are matched apart, with the tolerance below where it has one
    tolerances: dict[str, Tolerance] = Field(default_factory=dict)
    materiality_base: Decimal = Field(default=Decimal(0), ge=0)  # breaks below it in base currency do not hold up the verdict
    # base currency: closing more by hand takes two people; None: the limit of the firm
    four_eyes_above: Decimal | None = Field(default=None, ge=0)
    sla_business_days: int = Field(default=2, ge=0)
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
            if step.kind in ("sum", "subset") and self.amount in step.equal:
                raise ValueError(f"passes.{step.id}.equal: {self.amount!r} is what a {step.kind} pass compares, not its key")
            if step.calendar and (strange := [n for n in step.calendar.split("+") if n not in CALENDARS]):
                raise ValueError(f"passes.{step.id}.calendar: no calendar {strange[0]!r}; known: {', '.join(CALENDARS)}")
            if (step.kind == "text") is not bool(step.text):
                raise ValueError(f"passes.{step.id}.text: a text pass, and no other, names the column of its text")
            if step.scope and step.kind != "difference":
                said = "account and currency are part of every match; only a difference pass may drop one"
                raise ValueError(f"passes.{step.id}.scope: {said}")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the rules compare, each once: rows that agree in all of them are identical."""
        named = [*self.scope, self.reference, self.amount, self.date, *(f for p in self.passes for f in (*p.equal, *p.also))]
        return tuple(dict.fromkeys(name for name in named if name))

    @property
    def carried(self) -> tuple[str, ...]:
        """The compared columns and the texts: what the matcher reads of a row."""
        return tuple(dict.fromkeys([*self.columns, *(p.text for p in self.passes if p.text)]))

    def step(self, pass_id: str) -> Pass:
        return next(p for p in self.passes if p.id == pass_id)
