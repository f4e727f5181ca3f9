"""Parameters of the close: layouts of statements and levels of fair value."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bo_lib.config import Strict


class LayoutLine(Strict):
    """One line of a statement: the balances of ``ledgers`` (names, ``*`` for any), or the flows of a statement of cash flows.

    ``side``: only balances that are a net debit or credit, instrument by instrument and currency by currency. ``adds``: flow ->
    how often it counts.
    """

    item: str
    ledgers: tuple[str, ...] = ()
    side: Literal["any", "debit", "credit"] = "any"
    adds: dict[str, int] = Field(default_factory=dict)


class LayoutPart(Strict):
    """A section with its lines (``sign`` -1 shows credits as positive), or a total that adds sections by ``id``."""

    id: str
    title: str = ""
    sign: Literal[1, -1] = 1
    lines: tuple[LayoutLine, ...] = ()
    total: str = ""
    adds: dict[str, int] = Field(default_factory=dict)


class LayoutStatement(Strict):
    title: str
    clause: str = ""
    parts: tuple[LayoutPart, ...]


class Layout(Strict):
    """parameters/statements/<framework>.yaml: how a set of financial statements is laid out."""

    framework: str
    titles: dict[str, str] = Field(default_factory=dict)  # what other statements are called
    position: LayoutStatement
    operations: LayoutStatement
    cash_flows: LayoutStatement


class FairValueLevel(Strict):
    """The level of instruments whose kind and price source fit (``*`` for any)."""

    level: Literal[1, 2, 3]
    kinds: tuple[str, ...] = ("*",)
    sources: tuple[str, ...] = ("*",)
    says: str = ""


class FairValueLevels(Strict):
    """parameters/rules/fair_value_levels.yaml: the first that fits counts."""

    levels: tuple[FairValueLevel, ...]
