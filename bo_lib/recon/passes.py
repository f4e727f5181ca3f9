"""The steps of matching, each a set operation in DuckDB on what the steps before left open (SQL in ``match.sql``).

Bulk stays in DuckDB and in arrays; Python looks only at rows for which more than one answer is possible.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from bo_lib.recon import pairing, subsets, texts, tolerances
from bo_lib.recon.columns import numbers
from bo_lib.recon.open_rows import OpenRows
from bo_lib.recon.places import DIFFERENT, MATCHED, NETTED, SIDES, SUGGESTED, Flags, Group, Ints, Longs, Places, times
from bo_lib.recon.rules import Pass, Rules, Tolerance
from bo_lib.recon.sqltext import arrays, equal, filled, listed, quoted, sql

EDGES_MAX_PER_ROW = 32  # pairs of rows that might fit each other, above which a pass with tolerances is left out with a note
EDGES_FREE = 8_000_000


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


class Passes(OpenRows):
    """Runs the passes of ``rules`` over the relations ``left_in`` and ``right_in`` (row, compared columns) of a connection.

    ``places.taken`` names the rows that are not to be compared; what is found goes into ``places``. ``notes`` says where a
    bound stopped a search.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, rules: Rules, places: Places, amount_scale: int) -> None:
        super().__init__(con, rules, places)
        self.amount_scale, self.notes = amount_scale, list[str]()
        first, last = (rules.amount, rules.date), rules.scope
        self._columns = [*last, *(c for c in rules.columns if c not in (*first, *last)), *(c for c in first if c)]
        named = {rules.amount: "quantity" if rules.amount == "quantity" else "amount", rules.date: "date"}
        self.kinds = [*(named.get(c, c) for c in self._columns), "difference"]
        self.differing = np.zeros(places.row_counts[0], np.int16)  # by left row of a pair that differs: which of the kinds

    def run(self) -> None:
        kinds: dict[str, Callable[[int, Pass], None]] = {
            "pair": self._pair, "sum": self._sum, "subset": self._subset, "net": self._net, "text": self._text,
            "difference": self._difference,
        }  # fmt: skip
        for number, step in enumerate(self.rules.passes):
            if all(self.is_open(side) for side in (SIDES if step.kind != "net" else (step.side,))):
                kinds[step.kind](number, step)
                self.shrink(number + 1)

    def _work(self, number: int, step: Pass) -> Work:
        keys = tuple(dict.fromkeys([*(step.scope or self.rules.scope), *step.equal]))
        outcome = SUGGESTED if step.verdict == "suggest" else MATCHED
        return Work(number, step, keys, self.open["left"], self.open["right"], outcome=outcome)

    # Kinds of passes -------------------------------------------------------------------------------------------------

    def _pair(self, number: int, step: Pass) -> None:
        self._fit(self._work(number, step))

    def _net(self, number: int, step: Pass) -> None:
        """A row and its reversal on one side; compared as if the money out were the other side's."""
        self.rows("halves", amount=quoted(self.rules.amount), open=self.open[step.side])
        on = tuple(dict.fromkeys([*self.rules.scope, *step.equal, *([] if step.amount else [self.rules.amount])]))
        ordinal = SIDES.index(step.side)
        outcome = SUGGESTED if step.verdict == "suggest" else NETTED
        self._fit(Work(number, step, on, "net_a", "net_b", (ordinal, ordinal), outcome))

    def _sum(self, number: int, step: Pass) -> None:
        """All rows of a key against all of it, when there are more than two and their sums agree."""
        work = self._work(number, step)
        if not self._pool_shared(work):
            return
        also = [f"also[{n}]" for n in range(1, len(step.also) + 1)]
        sums = [f"sum({c}) filter (where side = 0) as x{n}, sum({c}) filter (where side = 1) as y{n}" for n, c in enumerate(also)]
        self._keyed(
            work,
            work.outcome,
            "sums",
            within=tolerances.within(step.amount or Tolerance()),
            few="least(na, nb) = 1" if step.groups == "one-to-many" else "true",
            also_sums=", ".join(sums) or "0 as nothing",
            also_equal=" and ".join(f"x{n} = y{n}" for n in range(len(also))) or "true",
        )

    def _subset(self, number: int, step: Pass) -> None:
        """One row against some of the other side's rows of its key that add up to it."""
        work = self._work(number, step)
        if not self._pool_shared(work):
            return
        tolerance = step.amount or Tolerance()
        certain: list[Group] = []
        unsure: list[Group] = []
        crowded = 0
        several = arrays(self.con, sql("several"))
        keys = subsets.hopeful(several["g"], several["side"], several["amount"], step.members_max, tolerance)
        for _, members in groupby(self.con.execute(sql("members"), [keys.tolist()]).fetchall(), key=itemgetter(0)):
            found = []
            for (side, _, amount), rows in groupby(members, key=itemgetter(1, 2, 3)):
                of = list(rows)
                found.append((side, [row[5] for row in of], amount, of[0][4]))
            if max(sum(len(rows) for side, rows, *_ in found if side == n) for n in (0, 1)) > step.rows_max:
                crowded += 1
                continue
            sure, doubtful = subsets.groups(found, step.members_max, tolerance)
            certain += sure
            unsure += doubtful
        if crowded:
            self.notes.append(f"{step.id}: {crowded} keys hold more than {step.rows_max} open rows on a side; left open")
        self._groups(work, work.outcome, certain)
        self._groups(work, SUGGESTED, unsure)

    def _text(self, number: int, step: Pass) -> None:
        """Rows of a key whose texts are alike, each the other's best: suggested, whatever the verdict says."""
        work = self._work(number, step)
        if not self._pool_shared(work) or not self._edges(work, step.amount):
            return
        near = self.rows("alike", text=quoted(step.text), a=work.a, b=work.b)
        self._groups(work, SUGGESTED, [([a], [b]) for a, b in texts.best_pairs(near, step.score_min)])

    def _difference(self, number: int, step: Pass) -> None:
        """Rows that share a key and differ elsewhere: breaks, as pairs."""
        work = self._work(number, step)
        if self._pool_shared(work):
            self.rows("kth", any="true")
            a, b = self.pairs("kth_pairs")
            self.places.add_pairs(number, DIFFERENT, work.sides, a, b)
            self._say_difference(work, a, b)

    def _say_difference(self, work: Work, a: Ints, b: Ints) -> None:
        """Of each pair the first column that differs, else the first that is empty."""
        pairs = [(f"x.{quoted(c)}", f"y.{quoted(c)}") for c in self._columns]
        cases = [f"when {x} is distinct from {y} then {n}" for n, (x, y) in enumerate(pairs)]
        cases += [f"when {x} is null then {n}" for n, (x, _) in enumerate(pairs)]
        self.con.register("found", pa.table({"a": numbers(a), "b": numbers(b)}))
        found = arrays(self.con, sql("differing", cases=" ".join(cases), otherwise=len(pairs), a=work.a, b=work.b))
        self.con.unregister("found")
        self.differing[found["a"]] = found["kind"]

    # Finding pairs ---------------------------------------------------------------------------------------------------

    def _fit(self, work: Work) -> None:
        if work.step.amount is None and work.step.days is None:
            self._exact(work)
        else:
            self._tolerant(work)

    def _exact(self, work: Work) -> None:
        """Equal keys. Those that stand once on each side by one join; repeated ones k-th with k-th."""
        counts = [self.places.row_counts[side] for side in work.sides]
        limit = 2 * sum(counts) + 1000
        reference = quoted(self.rules.reference)
        differ = f"coalesce(x.{reference} <> y.{reference}, false)" if self._checks_references(work) else "false"
        found = arrays(self.con, sql("join", **work.said, equal=equal(work.keys), differ=differ, limit=limit))
        a, b, differing = found["a"], found["b"], found["differ"]
        if not len(a):
            return
        if len(a) == limit:
            chosen = self._shared(work)
        else:
            repeated = (times([a], counts[0])[a] > 1) | (times([b], counts[1])[b] > 1)
            if not repeated.any():
                self._sure(work, a, b, differing)
                return
            self._sure(work, a[~repeated], b[~repeated], differing[~repeated])
            work = self._smaller(work)
            chosen = self._chosen("a_chosen", a[repeated], counts[0]), self._chosen("b_chosen", b[repeated], counts[1])
        self._pool(work, chosen)
        self.rows("kth", any="false")
        a, b = self.pairs("kth_pairs")
        self._sure(work, a, b, np.full(len(a), self._checks_references(work)))
        self._keyed(work, SUGGESTED, "kth_unsure")

    def _smaller(self, work: Work) -> Work:
        """The same work on what it has left open so far: what is read again is then small."""
        if work.sides != (0, 1):
            return work
        self.shrink(f"{work.number + 1}_first")
        return replace(work, a=self.open["left"], b=self.open["right"])

    def _chosen(self, name: str, rows: Ints, count: int) -> str:
        flags = np.zeros(count, np.bool_)
        flags[rows] = True
        self.bits(name, flags)
        return sql("is_set", bits=name)

    def _sure(self, work: Work, a: Ints, b: Ints, differing: Flags) -> None:
        """Pairs whose keys decide; of those with ``differing`` references, the ones that contradict each other are suggested."""
        if work.outcome == MATCHED and differing.any():
            self.con.register("found", pa.table({"a": numbers(a[differing]), "b": numbers(b[differing])}))
            if self._unfit(work, "found"):
                doubt = np.zeros(self.places.row_counts[0], np.bool_)
                doubt[[row for row, _ in self.rows("unfit_rows")]] = True
                unsure = doubt[a]
                self.places.add_pairs(work.number, SUGGESTED, work.sides, a[unsure], b[unsure])
                a, b = a[~unsure], b[~unsure]
            self.con.unregister("found")
        self.places.add_pairs(work.number, work.outcome, work.sides, a, b)

    def _tolerant(self, work: Work) -> None:
        """Keys equal, amount and date within limits: a maximum matching; where its open rows are not certain, a suggestion."""
        if not self._pool_shared(work) or not self._edges(work, work.step.amount or Tolerance()):
            return
        if work.sides == (0, 1) and self._checks_references(work) and self._unfit(work, "edges"):
            self.rows("keep_fit")
        edges = self._lone(work)
        if not edges:
            return
        chosen = [sorted({edge[n] for edge in edges}) for n in (0, 1)]
        nodes = [_nodes(self.con.execute(sql("node_rows", side=n), [rows]).fetchall()) for n, rows in enumerate(chosen)]
        counts = [{i: len(rows) for i, rows in side.items()} for side in nodes]
        found = pairing.pair(edges, *counts)
        self._groups(work, SUGGESTED, _regions(found, nodes))
        pairs = np.array(list(_flows(found, nodes)), np.int32).reshape(-1, 2)
        self.places.add_pairs(work.number, work.outcome, work.sides, pairs[:, 0], pairs[:, 1])

    def _edges(self, work: Work, amount: Tolerance | None) -> bool:
        """Pairs of rows within the limits, as the table ``edges``; False when there are none, or too many to look at."""
        step = work.step
        tolerance = None if self.rules.amount in work.keys else amount
        window = "true" if step.days is None else f"abs(xd - yd) <= {tolerances.calendar_days(step)}"
        within = "true" if tolerance is None else tolerances.within(tolerance)
        bucket = tolerances.bucket(tolerance, step, self.amount_scale)
        limit = EDGES_FREE + EDGES_MAX_PER_ROW * sum(self.places.row_counts)
        if self.count("candidates", bucket=bucket) > limit:
            self.notes.append(f"{step.id}: more than {limit} pairs of rows might fit each other; its rows are left open")
            return False
        return self.count("edges", bucket=bucket, within=within, window=window) > 0

    def _lone(self, work: Work) -> list[tuple[int, int]]:
        """Place the pairs of ``edges`` whose rows fit nothing else; the other edges, in order, within the window."""
        step, found = work.step, arrays(self.con, sql("edge_rows"))
        first, last = (found[name].astype("datetime64[D]") for name in ("xd", "yd"))
        near = tolerances.near(first, last, step)
        x, y, single, a, b = (found[name][near] for name in ("xi", "yi", "single", "a", "b"))
        lone = single & ~_shared(x) & ~_shared(y)
        self.places.add_pairs(work.number, work.outcome, work.sides, a[lone], b[lone])
        return list(zip(x[~lone].tolist(), y[~lone].tolist(), strict=True))

    def _checks_references(self, work: Work) -> bool:
        return bool(self.rules.reference) and self.rules.reference not in work.keys and work.sides == (0, 1)

    def _unfit(self, work: Work, pairs: str) -> int:
        """How many of ``pairs`` have references that contradict each other; they stand in the table ``unfit``."""
        reference = quoted(self.rules.reference)
        if not self.count("odd", pairs=pairs, reference=reference, a=work.a, b=work.b):
            return 0
        return self.count("unfit", reference=reference)

    def _pool_shared(self, work: Work) -> bool:
        """Rows of keys that stand on both sides, as the table ``pool``; False when there are none."""
        return self._pool(work, self._shared(work)) > 0

    def _shared(self, work: Work) -> tuple[str, str]:
        return sql("is_shared", **work.said, other=work.b), sql("is_shared", **work.said, other=work.a)

    def _pool(self, work: Work, chosen: tuple[str, str]) -> int:
        day = quoted(self.rules.date) if self.rules.date else "null::date"
        columns = listed(self.rules.columns)
        return self.count(
            "pool", **work.said, columns=columns, amount=quoted(self.rules.amount), day=day, also=f"[{listed(work.step.also)}]",
            identity=listed(work.keys) if work.step.kind == "sum" else columns,  # sums of keys need no other
            chosen_a=chosen[0], chosen_b=chosen[1],
        )  # fmt: skip

    def _keyed(self, work: Work, outcome: int, block: str, **said: object) -> None:
        """The rows (g, side, row) of a statement as groups, one a key."""
        found = arrays(self.con, sql(block, **said))
        self.places.add_rows(work.number, outcome, work.sides, found["g"], found["side"], found["row"])

    def _groups(self, work: Work, outcome: int, groups: Iterable[Group]) -> None:
        self.places.add_groups(work.number, outcome, work.sides, groups)


def _shared(values: Longs) -> Flags:
    """Where in ``values`` one stands that is there more than once."""
    _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray(counts[where] > 1)


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
