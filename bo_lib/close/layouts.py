"""Balances and flows of a period laid out as statements, by parameters/statements/*.yaml."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

import pyarrow as pa

from bo_lib.close.tables import STATEMENT
from bo_lib.close.terms import LayoutLine, LayoutStatement
from bo_lib.model.money import ZERO, round_to
from bo_lib.model.tables import built

Row = Mapping[str, Any]
Value = Callable[[Row], Decimal]


@dataclass(frozen=True)
class Statement:
    """``table``: STATEMENT. ``totals``: of each section and total by its id. ``codes``: the tick-mark of each balance, or empty."""

    title: str
    clause: str
    table: pa.Table
    totals: Mapping[str, Decimal]
    codes: tuple[str, ...] = ()

    @property
    def amounts(self) -> dict[str, Decimal]:
        """Tick-mark -> amount as stated."""
        return {row["code"]: row["amount"] for row in self.table.to_pylist() if row["code"]}


@dataclass
class _Line:
    code: str
    part: str
    sign: int
    terms: LayoutLine
    amount: Decimal = ZERO
    before: Decimal = ZERO


def of_balances(
    terms: LayoutStatement, prefix: str, rows: Sequence[Row], types: Collection[str], value: Value,
    before: tuple[Sequence[Row], Value] | None = None, net_assets: Decimal = ZERO,
) -> Statement:  # fmt: skip
    """A statement of the balances of ``types`` (rows of BALANCES), each on the first line that takes it.

    A balance is a debit or credit together with all others of its instrument (investments and their appreciation), else of its
    ledger and currency. ``before``: the balances of the comparative column, laid out by their own sides.
    """
    lines = _lines(terms, prefix)
    codes = iter(_place(lines, [row for row in rows if row["type"] in types], value, "amount"))
    if before:
        _place(lines, [row for row in before[0] if row["type"] in types], before[1], "before")
    return _laid(terms, lines, net_assets, bool(before), tuple(next(codes) if row["type"] in types else "" for row in rows))


def of_flows(
    terms: LayoutStatement, prefix: str, flows: Mapping[str, Decimal], before: Mapping[str, Decimal] | None = None
) -> Statement:
    """A statement of cash flows. ``flows`` (see ``ledger.by_flow``) are debit positive.

    A flow counts on the lines that name it, else on the one with the longest pattern that fits it.
    """
    lines = _lines(terms, prefix)
    for given, name in ((flows, "amount"), (before or {}, "before")):
        for flow, amount in given.items():
            for line, times in _takers(lines, flow):
                setattr(line, name, getattr(line, name) + line.sign * times * amount)
    return _laid(terms, lines, ZERO, before is not None, ())


def takers(terms: LayoutStatement, prefix: str, flow: str) -> list[tuple[str, int]]:
    """Tick-marks of the lines on which a flow counts, and how: for formulas."""
    return [(line.code, line.sign * times) for line, times in _takers(_lines(terms, prefix), flow)]


def _takers(lines: Sequence[_Line], flow: str) -> list[tuple[_Line, int]]:
    exact = [(line, line.terms.adds[flow]) for line in lines if flow in line.terms.adds]
    if exact:
        return exact
    fitting = [(len(p), line, times) for line in lines for p, times in line.terms.adds.items() if _fits(flow, p)]
    return [(line, times) for _, line, times in sorted(fitting, key=lambda f: -f[0])[:1]]


def _fits(flow: str, pattern: str) -> bool:
    """``*`` alone is every flow but those of cash."""
    return not flow.startswith("cash:") if pattern == "*" else fnmatchcase(flow, pattern)


def _lines(terms: LayoutStatement, prefix: str) -> list[_Line]:
    every = [(part, line) for part in terms.parts for line in part.lines]
    return [_Line(f"{prefix}{n}", part.id, part.sign, line) for n, (part, line) in enumerate(every, 1)]


def _place(lines: Sequence[_Line], rows: Sequence[Row], value: Value, name: str) -> list[str]:
    net: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for row in rows:
        net[_of(row)] += value(row)
    codes = []
    for row in rows:
        line = _taker(lines, row, net[_of(row)])
        if line:
            setattr(line, name, getattr(line, name) + line.sign * value(row))
        codes.append(line.code if line else "")
    return codes


def _of(row: Row) -> tuple[str, ...]:
    """What is netted before it is a debit or a credit."""
    if row["ledger"] in ("investments", "unrealised_appreciation"):
        return "investments", row["part"]
    return row["ledger"], row["part"], "" if row["part"] else row["currency"]


def _taker(lines: Sequence[_Line], row: Row, net: Decimal) -> _Line | None:
    """The first line of the balance's side that names it, else the first with a pattern that fits."""
    side = "credit" if net < 0 else "debit"
    open_to = [line for line in lines if line.terms.side in ("any", side)]
    names = (row["ledger"], f"{row['ledger']}:{row['type']}")
    named = (line for line in open_to if row["ledger"] in line.terms.ledgers)
    fitting = (line for line in open_to if any(fnmatchcase(n, p) for n in names for p in line.terms.ledgers))
    return next(named, None) or next(fitting, None)


def _laid(terms: LayoutStatement, lines: Sequence[_Line], net: Decimal, compared: bool, codes: tuple[str, ...]) -> Statement:
    totals: dict[str, Decimal] = {}
    earlier: dict[str, Decimal] = {}
    out: list[dict[str, Any]] = []

    def add(part: str, kind: str, item: str, amount: Decimal | None = None, before: Decimal | None = None, code: str = "") -> None:
        pct = round_to(amount * 100 / net, 6) if net and amount is not None else None
        more = {"amount": amount, "comparative": before if compared else None, "of_net_assets_pct": pct, "code": code or None}
        out.append({"n": len(out) + 1, "part": part, "kind": kind, "item": item, **more})

    for part in terms.parts:
        own = [line for line in lines if line.part == part.id]
        added = [(totals[k] * n, earlier[k] * n) for k, n in part.adds.items()]
        totals[part.id] = sum((x for x, _ in added), sum((x.amount for x in own), ZERO))
        earlier[part.id] = sum((x for _, x in added), sum((x.before for x in own), ZERO))
        shown = [line for line in own if line.amount or line.before]
        if part.title and shown:
            add(part.id, "heading", part.title)
        for line in shown:
            add(part.id, "line", line.terms.item, line.amount, line.before, line.code)
        if part.total and (shown or part.adds):
            add(part.id, "total", part.total, totals[part.id], earlier[part.id])
    return Statement(terms.title, terms.clause, built(STATEMENT, out), totals, codes)
