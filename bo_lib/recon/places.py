"""Where rows ended: pairs and groups by pass and outcome, in arrays; and which rows are taken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Ints = np.ndarray[Any, np.dtype[np.int32]]
Longs = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
MATCHED, NETTED, DIFFERENT, SUGGESTED = range(4)
SIDES = ("left", "right")
Group = tuple[Sequence[int], Sequence[int]]  # rows of a, rows of b
_ROW_BITS = 32


@dataclass(frozen=True)
class Ended:
    """Rows of one pass and outcome, sorted by group, side and row. ``side``: 0 left, 1 right."""

    step: int
    group: Longs
    side: np.ndarray[Any, np.dtype[np.int8]]
    row: Ints


class Places:
    """A group's number is its first left row; without left rows, its first right one after all left ones."""

    def __init__(self, row_counts: tuple[int, int]) -> None:
        if sum(row_counts) >= 1 << 30:
            raise ValueError(f"{sum(row_counts)} rows: a comparison takes fewer than {1 << 30}")
        self.row_counts = row_counts
        self.taken: tuple[Flags, Flags] = (np.zeros(row_counts[0], np.bool_), np.zeros(row_counts[1], np.bool_))
        self._packed: dict[tuple[int, int], list[Longs]] = {}
        self._pairs: dict[tuple[int, int], list[tuple[tuple[int, int], Ints, Ints]]] = {}

    def add(self, step: int, outcome: int, side: Longs, group: Longs, row: Longs) -> None:
        self._packed.setdefault((outcome, step), []).append((group << (_ROW_BITS + 1)) | (side << _ROW_BITS) | row)
        for number, taken in enumerate(self.taken):
            taken[row[side == number]] = True

    def add_pairs(self, step: int, outcome: int, sides: tuple[int, int], a: Ints, b: Ints) -> None:
        if len(a):
            self._pairs.setdefault((outcome, step), []).append((sides, a, b))
            self.taken[sides[0]][a] = True
            self.taken[sides[1]][b] = True

    def _pack(self, sides: tuple[int, int], a: Ints, b: Ints) -> Longs:
        if sides == (0, 1):  # in order without sorting: a left row stands once
            partner = np.full(self.row_counts[0], -1, np.int32)
            partner[a] = b
            a = np.flatnonzero(partner >= 0).astype(np.int32)
            b = partner[a]
        numbers = [rows.astype(np.int64) + side * self.row_counts[0] for rows, side in zip((a, b), sides, strict=True)]
        group = np.minimum(*numbers) << (_ROW_BITS + 1)
        packed = np.empty(2 * len(a), np.int64)
        packed[0::2] = group | (sides[0] << _ROW_BITS) | a
        packed[1::2] = group | (sides[1] << _ROW_BITS) | b
        return packed

    def add_groups(self, step: int, outcome: int, sides: tuple[int, int], groups: Iterable[Group]) -> None:
        columns: tuple[list[int], list[int], list[int]] = ([], [], [])
        for of_a, of_b in groups:
            members = sorted([(sides[0], int(row)) for row in of_a] + [(sides[1], int(row)) for row in of_b])
            number = members[0][1] + members[0][0] * self.row_counts[0]
            for side, row in members:
                for column, value in zip(columns, (side, number, row), strict=True):
                    column.append(value)
        if columns[0]:
            sides_of, numbers, rows = (np.array(column, np.int64) for column in columns)
            self.add(step, outcome, sides_of, numbers, rows)

    def of(self, outcome: int) -> Iterator[Ended]:
        """What ended so, pass by pass."""
        for there, step in sorted({*self._packed, *self._pairs}):
            if there == outcome:
                pairs = [self._pack(*found) for found in self._pairs.get((there, step), [])]
                packed, *more = sorted([*pairs, *self._packed.get((there, step), [])], key=len, reverse=True)
                if not pairs or packed is not pairs[0]:
                    packed = np.sort(packed)
                if more:
                    other = np.sort(np.concatenate(more))
                    packed = np.insert(packed, np.searchsorted(packed, other), other)
                side = ((packed >> _ROW_BITS) & 1).astype(np.int8)
                yield Ended(step, packed >> (_ROW_BITS + 1), side, (packed & 0xFFFFFFFF).astype(np.int32))

    def counted(self, outcome: int, side: int) -> Longs:
        """How often each row of a side stands under an outcome: 0 or 1, unless the matcher is wrong."""
        counts = np.zeros(self.row_counts[side], np.int64)
        for (there, _), chunks in self._packed.items():
            for packed in chunks if there == outcome else ():
                np.add.at(counts, packed[((packed >> _ROW_BITS) & 1) == side] & 0xFFFFFFFF, 1)
        for (there, _), pairs in self._pairs.items():
            for rows in (r for sides, *both in pairs for n, r in zip(sides, both, strict=True) if n == side and there == outcome):
                if len(rows) > len(counts) // 8:
                    counts += np.bincount(rows, minlength=len(counts))
                else:
                    np.add.at(counts, rows, 1)
        return counts
