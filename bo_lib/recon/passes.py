"""The steps of matching, each a set operation in DuckDB on what the steps before left open (SQL in ``match.sql``)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from itertools import groupby
from string import Template
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from bo_lib.model import dates
from bo_lib.recon import pairing
from bo_lib.recon.rules import Pass, Rules, Tolerance

MATCHED, NETTED, DIFFERENT, SUGGESTED = range(4)
SIDES = ("left", "right")
Group = tuple[Sequence[int], Sequence[int]]  # rows of a, rows of b


@cache
def _templates() -> dict[str, Template]:
    text = resources.files("bo_lib.recon").joinpath("match.sql").read_text("utf-8")
    blocks = [block.partition("\n") for block in text.split("-- name: ")[1:]]
    return {name.strip(): Template(body.strip()) for name, _, body in blocks}


def sql(block: str, **said: object) -> str:
    return _templates()[block].substitute({key: str(value) for key, value in said.items()})


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def listed(names: Iterable[str]) -> str:
    return ", ".join(map(quoted, names))


def equal(names: Iterable[str], x: str = "x", y: str = "y") -> str:
    return " and ".join(f"{x}.{quoted(n)} = {y}.{quoted(n)}" for n in names)


def filled(names: Iterable[str]) -> str:
    return " and ".join(f"{quoted(n)} is not null" for n in names)


@dataclass(frozen=True)
class Work:
    """A step at work: relation a is compared with b; ``sides`` are the input sides they stand for (0 left, 1 right)."""

    number: int
    step: Pass
    keys: tuple[str, ...]
    a: str
    b: str
    sides: tuple[int, int] = (0, 1)
    outcome: int = MATCHED

    @property
    def said(self) -> dict[str, str]:
        return {"keys": listed(self.keys), "filled": filled(self.keys), "a": self.a, "b": self.b}


class Passes:
    """Runs the passes of ``rules`` over the registered relations ``left_in`` and ``right_in`` of a connection."""

    def __init__(self, con: duckdb.DuckDBPyConnection, rules: Rules, row_counts: tuple[int, int], amount_scale: int) -> None:
        self.con, self.rules, self.row_counts, self.amount_scale = con, rules, row_counts, amount_scale
        self.open = {side: f"{side}_0" for side in SIDES}
        self.con.execute(sql("start"))

    def run(self) -> None:
        kinds: dict[str, Callable[[int, Pass], None]] = {
            "pair": self._pair, "sum": self._sum, "net": self._net, "difference": self._difference,
        }  # fmt: skip
        for number, step in enumerate(self.rules.passes):
            if self._is_open(SIDES if step.kind != "net" else (step.side,)):
                kinds[step.kind](number, step)
                self._shrink(number)

    def _is_open(self, sides: Iterable[str]) -> bool:
        """True while every one of ``sides`` has rows that no pass has taken."""
        return all(self.con.execute(sql("any_open", open=self.open[side])).fetchall() for side in sides)

    def rows(self, block: str, **said: object) -> list[tuple[Any, ...]]:
        return self.con.execute(sql(block, **said)).fetchall()

    def count(self, block: str, **said: object) -> int:
        """Run a statement that makes or changes a table; how many rows it made or changed."""
        return int(self.rows(block, **said)[0][0])

    def _shrink(self, number: int) -> None:
        taken = dict(self.con.execute("select side, count(*) from grouped where step = ? group by side", [number]).fetchall())
        for ordinal, side in enumerate(SIDES):
            if taken.get(ordinal):
                new = f"{side}_{number + 1}"
                self.con.execute(sql("shrink", new=new, old=self.open[side], side=ordinal, step=number))
                self.open[side] = new

    def _work(self, number: int, step: Pass) -> Work:
        keys = tuple(dict.fromkeys([*(step.scope or self.rules.scope), *step.equal]))
        outcome = SUGGESTED if step.verdict == "suggest" else MATCHED
        return Work(number, step, keys, self.open["left"], self.open["right"], outcome=outcome)

    # Kinds of passes -------------------------------------------------------------------------------------------------

    def _pair(self, number: int, step: Pass) -> None:
        work = self._work(number, step)
        if not self._fit(work):
            return
        if step.verdict == "match" and self._unfit(work, sql("placed_pairs", step=number)):
            self.con.execute(sql("doubt", outcome=SUGGESTED, step=number))

    def _net(self, number: int, step: Pass) -> None:
        """A row and its reversal on one side; compared as if the money out were the other side's."""
        self.con.execute(sql("halves", amount=quoted(self.rules.amount), open=self.open[step.side]))
        on = tuple(dict.fromkeys([*self.rules.scope, *step.equal, *([] if step.amount else [self.rules.amount])]))
        ordinal = SIDES.index(step.side)
        outcome = SUGGESTED if step.verdict == "suggest" else NETTED
        self._fit(Work(number, step, on, "net_a", "net_b", (ordinal, ordinal), outcome))

    def _sum(self, number: int, step: Pass) -> None:
        """All rows of a key against all of it, when there are more than two and their sums agree."""
        work = self._work(number, step)
        if not self.count("shared", **work.said):
            return
        self._pool(work)
        rows = self.rows("sums", within=_within(step.amount or Tolerance()))
        self._place(work, work.outcome, ((of_a, of_b) for _, of_a, of_b in _by_key(rows)))

    def _difference(self, number: int, step: Pass) -> None:
        """Rows that share a key and differ elsewhere: breaks, as pairs."""
        work = self._work(number, step)
        if not self.count("shared", **work.said):
            return
        pairs = [pair for _, of_a, of_b in self._pool_groups(work) for pair in zip(of_a, of_b, strict=False)]
        self._place_pairs(work, DIFFERENT, pairs)

    # Finding pairs ---------------------------------------------------------------------------------------------------

    def _fit(self, work: Work) -> bool:
        """Find pairs; False when no key stands on both sides."""
        if work.step.amount is None and work.step.days is None:
            return self._exact(work)
        return self._tolerant(work)

    def _exact(self, work: Work) -> bool:
        """Equal keys. Those that stand once on each side by one join; repeated ones k-th with k-th.

        When the counts differ and the rows of the longer side are not all identical, more than one answer fits.
        """
        limit = 2 * sum(self.row_counts) + 1000
        joined = self.count("join", a=work.a, b=work.b, equal=equal(work.keys), limit=limit)
        if not joined:
            return False
        rows_a, rows_b = (self.row_counts[side] for side in work.sides)
        repeated = not self.rows("single", rows_a=rows_a, rows_b=rows_b)[0][0]
        if joined == limit:
            self.con.execute(sql("shared", **work.said))
            self.con.execute("delete from found")
        elif repeated:
            self.con.execute(sql("repeated", a=work.a, keys=listed(work.keys)))
            self.con.execute(sql("keep_single", **work.said))
        self._place_found(work, work.outcome)
        if repeated:
            self._repeated(work)
        return True

    def _repeated(self, work: Work) -> None:
        sure: list[tuple[int, int]] = []
        unsure: list[Group] = []
        for identities, of_a, of_b in self._pool_groups(work):
            longer = identities[0] if len(of_a) > len(of_b) else identities[1]
            if len(of_a) != len(of_b) and len(set(longer)) > 1:
                unsure.append((of_a, of_b))
            else:
                sure += zip(of_a, of_b, strict=False)
        self._place_pairs(work, work.outcome, sure)
        self._place(work, SUGGESTED, unsure)

    def _tolerant(self, work: Work) -> bool:
        """Keys equal, amount and date within limits: a maximum matching; where its open rows are not certain, a suggestion."""
        step = work.step
        if not self.count("shared", **work.said):
            return False
        self._pool(work)
        tolerance = None if self.rules.amount in work.keys else step.amount or Tolerance()
        window = "true" if step.days is None else f"abs(xd - yd) <= {_calendar_days(step)}"
        within = "true" if tolerance is None else _within(tolerance)
        if not self.count("edges", bucket=self._bucket(tolerance, step), within=within, window=window):
            return False
        if work.sides == (0, 1) and self._unfit(work, "edges"):
            self.con.execute(sql("keep_fit"))
        gap = _business_gap(step)
        edges = [(x, y) for x, y, xd, yd in self.rows("edge_rows") if gap is None or gap(xd, yd)]
        nodes = [_nodes(self.rows("node_rows", side=n, node=node)) for n, node in enumerate(("xi", "yi"))]
        counts = [{i: len(rows) for i, rows in side.items()} for side in nodes]
        found = pairing.pair(edges, *counts)
        self._place(work, SUGGESTED, _regions(found, nodes))
        self._place_pairs(work, work.outcome, list(_flows(found, nodes)))
        return True

    def _bucket(self, tolerance: Tolerance | None, step: Pass) -> str:
        """Integer by which rows that fit are at most one apart: of the amount, else of the date, else none."""
        if tolerance and tolerance.absolute and not tolerance.relative:
            scale = max(self.amount_scale, -int(tolerance.absolute.as_tuple().exponent), 0)
            return f"cast(amount * {10**scale} as hugeint) // {int(tolerance.absolute.scaleb(scale))}"
        if step.days is not None:
            return f"(day - date '2000-01-01') // {_calendar_days(step) + 1}"
        return "0"

    def _unfit(self, work: Work, pairs: str) -> int:
        """How many of ``pairs`` have references that contradict each other; they stand in the table ``unfit``."""
        reference = quoted(self.rules.reference)
        if not self.rules.reference or self.rules.reference in work.keys:
            return 0
        if not self.count("odd", pairs=pairs, reference=reference, a=work.a, b=work.b):
            return 0
        return self.count("unfit", reference=reference)

    def _pool(self, work: Work) -> None:
        day = quoted(self.rules.date) if self.rules.date else "null::date"
        self.con.execute(sql("pool", **work.said, identity=listed(self.rules.columns), amount=quoted(self.rules.amount), day=day))

    def _pool_groups(self, work: Work) -> Iterator[tuple[tuple[list[int], list[int]], list[int], list[int]]]:
        self._pool(work)
        return (found for found in _by_key(self.rows("pool_rows")) if found[1] and found[2])

    def _place_found(self, work: Work, outcome: int) -> None:
        """Record the pairs of the table ``found``, each as the group of its first row."""
        group = "a" if work.sides[0] == 0 else f"a + {self.row_counts[0]}"
        for row, side in zip("ab", work.sides, strict=True):
            self.con.execute(sql("place", step=work.number, outcome=outcome, side=side, group=group, row=row))

    def _place_pairs(self, work: Work, outcome: int, pairs: Sequence[tuple[int, int]]) -> None:
        if pairs:
            rows = np.array(pairs, np.int32)
            self.con.register("paired", pa.table({"a": rows[:, 0], "b": rows[:, 1]}))
            self.con.execute(sql("paired"))
            self._place_found(work, outcome)
            self.con.unregister("paired")

    def _place(self, work: Work, outcome: int, groups: Iterable[Group]) -> None:
        """Record groups. A group's number is its first left row; without left rows, its first right one after all left ones."""
        columns: dict[str, list[int]] = {"side": [], "grp": [], "row": []}
        for of_a, of_b in groups:
            members = sorted([(work.sides[0], row) for row in of_a] + [(work.sides[1], row) for row in of_b])
            columns["grp"] += [members[0][1] + members[0][0] * self.row_counts[0]] * len(members)
            columns["side"] += [side for side, _ in members]
            columns["row"] += [row for _, row in members]
        if columns["row"]:
            self.con.register("placed_now", pa.table(columns))
            self.con.execute("insert into grouped select ?, ?, side, grp, row from placed_now", [work.number, outcome])
            self.con.unregister("placed_now")


def _by_key(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[tuple[list[int], list[int]], list[int], list[int]]]:
    """Rows (g, side, identity, row) in order -> per g the identities of both sides, the rows of a, the rows of b."""
    for _, members in groupby(rows, key=lambda row: row[0]):
        identities: tuple[list[int], list[int]] = ([], [])
        found: tuple[list[int], list[int]] = ([], [])
        for _, side, identity, row in members:
            identities[side].append(identity)
            found[side].append(row)
        yield identities, *found


def _nodes(rows: Iterable[tuple[Any, ...]]) -> dict[int, list[int]]:
    nodes: dict[int, list[int]] = defaultdict(list)
    for identity, row in rows:
        nodes[identity].append(row)
    return nodes


def _regions(found: pairing.Pairing, nodes: list[dict[int, list[int]]]) -> list[Group]:
    """Uncertain regions as groups of rows; their rows leave the nodes."""
    return [
        ([row for i in sorted(of_a) for row in nodes[0].pop(i, [])], [row for i in sorted(of_b) for row in nodes[1].pop(i, [])])
        for of_a, of_b in found.regions
    ]


def _flows(found: pairing.Pairing, nodes: list[dict[int, list[int]]]) -> Iterator[tuple[int, int]]:
    for (x, y), count in sorted(found.flows.items()):
        for _ in range(count):
            if nodes[0].get(x) and nodes[1].get(y):
                yield nodes[0][x].pop(0), nodes[1][y].pop(0)


def _within(tolerance: Tolerance) -> str:
    """Condition that amounts xa and ya lie within the tolerance; decimal arithmetic without a division."""
    absolute = f"abs(xa - ya) <= {tolerance.absolute:f}"
    if not tolerance.relative:
        return absolute
    return f"({absolute} or abs(xa - ya) <= greatest(abs(xa), abs(ya)) * {tolerance.relative:f})"


def _calendar_days(step: Pass) -> int:
    """Calendar days that hold the window: a window of business days is widened here and checked exactly afterwards."""
    days = step.days or 0
    return days if not step.calendar else 2 * days + 8


def _business_gap(step: Pass) -> Callable[[date, date], bool] | None:
    if not step.calendar:
        return None

    def near(one: date, other: date) -> bool:
        first, last = sorted((one, other))
        return dates.business_days_after(first, last, step.calendar) <= (step.days or 0)

    return near
