"""Where rows ended: pairs and groups by pass and outcome, in arrays; and which rows are taken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Ints = np.ndarray[Any, np.dtype[np.int32]]
Longs = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
Counts = np.ndarray[Any, np.dtype[np.uint8]]
MATCHED, NETTED, DIFFERENT, SUGGESTED = range(4)
SIDES = ("left", "right")
Group = tuple[Sequence[int], Sequence[int]]  # rows of a, rows of b
CHUNK_PAIRS = 1 << 17


@dataclass(frozen=True)
class Ended:
    """Rows of one pass and outcome. ``side``: 0 left, 1 right. ``group``: its first left row; without left rows, its first right
    one after all left ones."""

    step: int
    group: Longs
    side: np.ndarray[Any, np.dtype[np.int8]]
    row: Ints


class Places:
    """What passes found. ``sides``: the input sides that a pass calls a and b (0 left, 1 right)."""

    def __init__(self, row_counts: tuple[int, int]) -> None:
        if sum(row_counts) >= 1 << 30:
            raise ValueError(f"{sum(row_counts)} rows: a comparison takes fewer than {1 << 30}")
        self.row_counts = row_counts
        self.taken: tuple[Flags, Flags] = (np.zeros(row_counts[0], np.bool_), np.zeros(row_counts[1], np.bool_))
        self._pairs: dict[tuple[int, int], list[tuple[tuple[int, int], Ints, Ints]]] = {}
        self._groups: dict[tuple[int, int], list[Ended]] = {}

    def add_pairs(self, step: int, outcome: int, sides: tuple[int, int], a: Ints, b: Ints) -> None:
        if len(a):
            self._pairs.setdefault((outcome, step), []).append((sides, a, b))
            self.taken[sides[0]][a] = True
            self.taken[sides[1]][b] = True

    def add_rows(self, step: int, outcome: int, sides: tuple[int, int], group: Longs, half: Longs, row: Longs) -> None:
        """Rows of groups, named by any number; ``half``: 0 for a, 1 for b."""
        if not len(row):
            return
        side = np.array(sides, np.int8)[half]
        order = np.lexsort((row, side, group))
        group, side, rows = group[order], side[order], row[order].astype(np.int32)
        first = np.flatnonzero(np.diff(group, prepend=group[0] - 1))
        number = (rows[first] + side[first] * np.int64(self.row_counts[0])).repeat(np.diff(first, append=len(rows)))
        self._groups.setdefault((outcome, step), []).append(Ended(step, number, side, rows))
        for n, taken in enumerate(self.taken):
            taken[rows[side == n]] = True

    def add_groups(self, step: int, outcome: int, sides: tuple[int, int], groups: Iterable[Group]) -> None:
        members = [(n, half, row) for n, group in enumerate(groups) for half in (0, 1) for row in group[half]]
        self.add_rows(step, outcome, sides, *np.array(members, np.int64).reshape(-1, 3).T)

    def of(self, outcome: int) -> Iterator[Ended]:
        """What ended so, pass by pass, pairs before groups, each in order; never many pairs at once."""
        for there, step in sorted({*self._groups, *self._pairs}):
            if there != outcome:
                continue
            if pairs := self._pairs.get((there, step)):
                yield from self._in_order(step, pairs[0][0], *(np.concatenate([p[n] for p in pairs]) for n in (1, 2)))
            if found := self._groups.get((there, step)):
                group, side, row = (np.concatenate([getattr(f, n) for f in found]) for n in ("group", "side", "row"))
                order = np.argsort(group, kind="stable")
                yield Ended(step, group[order], side[order], row[order])

    def _in_order(self, step: int, sides: tuple[int, int], a: Ints, b: Ints) -> Iterator[Ended]:
        if sides == (0, 1) and 8 * len(a) > self.row_counts[0]:  # many are not sorted: a left row stands once
            partner = np.full(self.row_counts[0], -1, np.int32)
            partner[a] = b
            a = np.flatnonzero(partner >= 0).astype(np.int32)
            b = partner[a]
        else:
            if sides[0] == sides[1]:
                a, b = np.minimum(a, b), np.maximum(a, b)
            order = np.argsort(a)
            a, b = a[order], b[order]
        for start in range(0, len(a), CHUNK_PAIRS):
            rows = np.stack([a[start : start + CHUNK_PAIRS], b[start : start + CHUNK_PAIRS]], axis=1)
            group = rows[:, 0].astype(np.int64) + sides[0] * self.row_counts[0]
            yield Ended(step, group.repeat(2), np.tile(np.array(sides, np.int8), len(rows)), rows.reshape(-1))

    def rows(self, outcome: int, side: int) -> list[Ints]:
        """The rows of a side that stand under an outcome, each once, unless the matcher is wrong."""
        pairs = [p for (there, _), of in self._pairs.items() for p in of if there == outcome]
        groups = [g for (there, _), of in self._groups.items() for g in of if there == outcome]
        paired = [rows for sides, *both in pairs for n, rows in zip(sides, both, strict=True) if n == side]
        return paired + [ended.row[ended.side == side] for ended in groups]


def times(parts: Sequence[Ints | Longs], count: int) -> Counts:
    """How often each of ``count`` rows stands in ``parts``; 255 is as often as can be."""
    once = np.zeros(count, np.uint8)
    for rows in parts:
        once[rows] = 1
    if np.count_nonzero(once) == sum(map(len, parts)):
        return once
    found = np.zeros(count, np.uint32)
    for rows in parts:
        np.add.at(found, rows, np.uint32(1))  # of another type it is thirty times slower
    return np.minimum(found, 255).astype(np.uint8)
