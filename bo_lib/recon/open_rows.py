"""The rows of two sides that no pass has taken yet, as relations of DuckDB that shrink; statements over them."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np

from bo_lib.recon.places import SIDES, Flags, Ints, Places
from bo_lib.recon.rules import Rules
from bo_lib.recon.sqltext import arrays, listed, sql


class OpenRows:
    """``open``: side -> relation (row, compared columns), at first ``left_in`` and ``right_in`` without the rows taken."""

    def __init__(self, con: duckdb.DuckDBPyConnection, rules: Rules, places: Places) -> None:
        self.con, self.rules, self.places = con, rules, places
        self.open = {side: f"{side}_in" for side in SIDES}
        self._left = [0, 0]  # rows taken when the open relation was last made
        self.shrink("0")

    def is_open(self, side: str) -> bool:
        return not self.places.taken[SIDES.index(side)].all()

    def rows(self, block: str, **said: object) -> list[tuple[Any, ...]]:
        return self.con.execute(sql(block, **said)).fetchall()

    def count(self, block: str, **said: object) -> int:
        """Run a statement that makes or changes a table; how many rows it made or changed."""
        return int(self.rows(block, **said)[0][0])

    def pairs(self, block: str, **said: object) -> tuple[Ints, Ints]:
        found = arrays(self.con, sql(block, **said))
        return found["a"], found["b"]

    def bits(self, name: str, flags: Flags) -> None:
        self.con.execute(sql("bits", name=name), [np.packbits(flags).tobytes() or b"\0"]).fetchall()

    def shrink(self, number: int | str) -> None:
        """Leave out what was taken since: few rows are deleted, for many the rest is written anew."""
        for ordinal, side in enumerate(SIDES):
            if (taken := int(self.places.taken[ordinal].sum())) != self._left[ordinal]:
                old, gone = self.open[side], taken - self._left[ordinal]
                self._left[ordinal] = taken
                if old != f"{side}_in" and gone * 4 < self.places.row_counts[ordinal] - taken:
                    self.bits("gone", self.places.taken[ordinal])
                    self.rows("remove", open=old)
                    continue
                self._shrink_side(ordinal, f"{side}_{number}")
                if old != f"{side}_in":
                    self.con.execute(f"drop table {old}").fetchall()

    def _shrink_side(self, ordinal: int, new: str) -> None:
        side = SIDES[ordinal]
        bits = f"{new}_bits"
        self.bits(bits, self.places.taken[ordinal])
        self.rows("open", new=new, columns=listed(self.rules.carried), old=self.open[side], bits=bits)
        self.open[side] = new
