"""The matcher: two tables and rules in, every row in exactly one place out.

Passes run in the order of the rules; each works on what the ones before left open. Text, dates and decimals are compared
exactly; account and currency (the scope) are part of every match. A pass that leaves more than one answer suggests and never
matches. Shuffling the rows changes nothing but which of identical rows is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bo_lib.recon.passes import DIFFERENT, MATCHED, NETTED, SIDES, SUGGESTED, Passes, equal, listed, literal, quoted, sql
from bo_lib.recon.rules import Rules

KINDS_ALONE = {"left": "missing_there", "right": "missing_here"}
EXCLUDED = pa.schema([("side", pa.string()), ("row", pa.int64()), ("reason", pa.string())])
Ints = np.ndarray[Any, np.dtype[np.int64]]
BREAKS = pa.schema(
    [("side", pa.string()), ("row", pa.int64()), ("kind", pa.string()), ("group", pa.int64()), ("pass", pa.string())]
)
VERDICTS = ("match", "net", "differ", "suggest")  # in the order of the outcomes of passes


@dataclass(frozen=True)
class Matching:
    """Where every row of both sides ended. ``row`` is the row's index in the table that was given; names come as dictionaries.

    matches
        (group, side, row, pass, verdict): verdict ``match``, or ``net`` for a row and its reversal on one side.
    suggestions
        (group, side, row, pass, verdict): rows that fit together where a person must decide; they stay among the breaks.
    breaks
        (side, row, kind, group, pass): kind missing_there (ours alone), missing_here (theirs alone), duplicate, ambiguous, or the
        column that differs within a pair that shares its reference; such pairs and suggestions carry group and pass.
    excluded
        (side, row, reason).
    conservation
        per side and scope: rows in, lost and twice (both 0 when proven), and amounts in, matched, netted, open, excluded.
    null_keys
        side -> rows without a reference, where the rules name one: by reference they match nothing.
    """

    matches: pa.Table
    suggestions: pa.Table
    breaks: pa.Table
    excluded: pa.Table
    conservation: pa.Table
    null_keys: dict[str, int]
    rows: dict[str, int]
    rules: str

    @property
    def conserved(self) -> bool:
        """Every row stands in exactly one place, and the amounts of the places add up to what came in."""
        places = ("amount_matched", "amount_netted", "amount_open", "amount_excluded")
        return all(
            not row["rows_lost"] and not row["rows_twice"] and row["amount_in"] == sum(row[name] for name in places)
            for row in self.conservation.to_pylist()
        )


def match(left: pa.Table, right: pa.Table, rules: Rules) -> Matching:
    """Compare two tables by ``rules``; both need every column that the rules name (``KeyError`` otherwise).

    Money must be decimal: a column of floats is a ``TypeError``. Other columns are ignored.
    """
    con = duckdb.connect()
    try:
        return _Comparison(con, {"left": left, "right": right}, rules).result()
    finally:
        con.close()


class _Comparison:
    def __init__(self, con: duckdb.DuckDBPyConnection, tables: dict[str, pa.Table], rules: Rules) -> None:
        self.con, self.rules = con, rules
        self.inputs: dict[str, pa.Table] = {}
        types = {name: _common_type(name, tables) for name in rules.columns}
        if rules.date and not pa.types.is_date32(types[rules.date]):
            raise TypeError(f"{rules.date}: found {types[rules.date]}, expected date32")
        for side, table in tables.items():
            extra = [e.field for e in rules.exclusions if e.side == side and e.field not in types]
            columns = {name: _prepared(table[name], kind) for name, kind in types.items()} | {n: table[n] for n in extra}
            self.inputs[side] = pa.table({"row": np.arange(table.num_rows, dtype=np.int32), **columns})
            con.register(f"{side}_in", self.inputs[side])
        self.excluded = pa.Table.from_pylist([row for side in SIDES for row in self._exclude(side)], EXCLUDED)
        self.passes = Passes(
            con, rules, (tables["left"].num_rows, tables["right"].num_rows), getattr(types[rules.amount], "scale", 0)
        )
        self.passes.run()

    def _exclude(self, side: str) -> list[dict[str, object]]:
        """Make the side's first open relation without the rows that an exclusion names, and list those."""
        mine = [e for e in self.rules.exclusions if e.side == side]
        tests = [f"coalesce({quoted(e.field)} in ({', '.join(map(literal, e.equals))}), false)" for e in mine]
        kept = " and ".join(f"not {test}" for test in tests) or "true"
        self.con.execute(sql("open", side=side, columns=listed(self.rules.columns), kept=kept))
        if not tests:
            return []
        cases = " ".join(f"when {test} then {literal(e.reason)}" for test, e in zip(tests, mine, strict=True))
        found = self.con.execute(sql("excluded", side=side, cases=cases)).fetchall()
        return [{"side": side, "row": row, "reason": reason} for row, reason in found]

    def result(self) -> Matching:
        reference = self.rules.reference
        placed = self._placed()
        matches = pa.concat_tables([self._grouped(placed, MATCHED), self._grouped(placed, NETTED)])
        breaks = self._breaks(placed)
        return Matching(
            matches=matches,
            suggestions=self._grouped(placed, SUGGESTED),
            breaks=breaks,
            excluded=self.excluded,
            conservation=self._conservation(matches, breaks),
            null_keys={side: table[reference].null_count for side, table in self.inputs.items()} if reference else {},
            rows={side: table.num_rows for side, table in self.inputs.items()},
            rules=f"{self.rules.name} v{self.rules.version}",
        )

    def _placed(self) -> dict[int, dict[str, Ints]]:
        """What the passes decided: outcome -> columns step, grp, side, row, sorted by them."""
        table = _arrow(self.con, sql("placed"))
        step, outcome, side, grp, row = (table[name].to_numpy().astype(np.int64) for name in table.column_names)
        rows = [table.num_rows for table in self.inputs.values()]
        sizes = (len(VERDICTS), len(self.rules.passes), sum(rows) + 1, 2, max(rows) + 1)
        order = np.sort(np.ravel_multi_index((outcome, step, grp, side, row), sizes)) if len(row) else np.empty(0, np.int64)
        outcome, *columns = np.unravel_index(order, sizes)
        edges = np.searchsorted(outcome, np.arange(len(VERDICTS) + 1))
        names = ("step", "grp", "side", "row")
        return {
            n: {name: column[edges[n] : edges[n + 1]] for name, column in zip(names, columns, strict=True)}
            for n in range(len(VERDICTS))
        }

    def _grouped(self, placed: dict[int, dict[str, Ints]], outcome: int) -> pa.Table:
        found = placed[outcome]
        return pa.table({
            "group": found["grp"], "side": _named(found["side"], SIDES), "row": found["row"],
            "pass": _named(found["step"], [step.id for step in self.rules.passes]),
            "verdict": _named(np.full(len(found["row"]), outcome), VERDICTS),
        })  # fmt: skip

    def _breaks(self, placed: dict[int, dict[str, Ints]]) -> pa.Table:
        """Differing pairs, suggestions and open rows, with what is wrong with each."""
        kinds = {(step, group): kind for group, step, kind in self._differing()} if len(placed[DIFFERENT]["row"]) else {}
        passes = [step.id for step in self.rules.passes]
        columns: dict[str, list[object]] = {name: [] for name in BREAKS.names}
        for outcome in (DIFFERENT, SUGGESTED):
            step, group, side, row = (placed[outcome][name].tolist() for name in ("step", "grp", "side", "row"))
            columns["side"] += [SIDES[n] for n in side]
            columns["row"] += row
            columns["kind"] += [kinds[key] if outcome == DIFFERENT else "ambiguous" for key in zip(step, group, strict=True)]
            columns["group"] += group
            columns["pass"] += [passes[n] for n in step]
        for number, name in enumerate(SIDES):
            rows = [row for (row,) in self.passes.rows("open_rows", open=self.passes.open[name])]
            doubled = self._duplicates(name, number) if rows else set()
            columns["side"] += [name] * len(rows)
            columns["row"] += rows
            columns["kind"] += ["duplicate" if row in doubled else KINDS_ALONE[name] for row in rows]
            columns["group"] += [None] * len(rows)
            columns["pass"] += [None] * len(rows)
        return pa.table(columns, schema=BREAKS)

    def _duplicates(self, side: str, number: int) -> set[int]:
        reference, day = self.rules.reference, self.rules.date
        same = [equal([*self.rules.scope, self.rules.amount], "o", "i")]
        alike = [equal([reference], "o", "i")] if reference else []
        if day:
            unnamed = [f"o.{quoted(reference)} is null and i.{quoted(reference)} is null"] if reference else []
            alike.append(" and ".join([equal([day], "o", "i"), *unnamed]))
        same.append(f"({' or '.join(alike) or 'true'})")
        found = self.passes.rows("duplicates", open=self.passes.open[side], side=side, number=number, same=" and ".join(same))
        return {row for (row,) in found}

    def _differing(self) -> list[tuple[int, int, str]]:
        """(group, step, kind) of pairs that share a reference; the kind is the first column that differs."""
        rules = self.rules
        named = {rules.amount: "quantity" if rules.amount == "quantity" else "amount", rules.date: "date"}
        columns = [*rules.scope, *(c for c in rules.columns if c not in (*rules.scope, rules.amount, rules.date)), rules.amount]
        columns += [rules.date] if rules.date else []
        tests = (f"when x.{quoted(c)} is distinct from y.{quoted(c)} then {literal(named.get(c, c))}" for c in columns)
        return self.passes.rows("differing", cases=" ".join(tests), otherwise="difference")

    def _conservation(self, matches: pa.Table, breaks: pa.Table) -> pa.Table:
        """Counted from the result itself, not from the passes' own books."""
        verdicts = matches["verdict"].cast(pa.string())
        ends = (matches.filter(pc.equal(verdicts, "match")), matches.filter(pc.equal(verdicts, "net")), breaks, self.excluded)
        sides = [pc.equal(table["side"].cast(pa.string()), "left") for table in ends]
        parts = []
        for side in SIDES:
            table, scope = self.inputs[side], self.rules.scope
            places, ended = np.zeros(table.num_rows, np.int64), np.full(table.num_rows, -1, np.int8)
            for number, (end, is_left) in enumerate(zip(ends, sides, strict=True)):
                rows = end["row"].filter(is_left if side == "left" else pc.invert(is_left)).to_numpy()
                places += np.bincount(rows, minlength=table.num_rows)
                ended[rows] = number
            carried = {
                **{name: table[name] for name in scope},
                "amount": table[self.rules.amount],
                "places": places,
                "ended": ended,
            }
            self.con.register(f"{side}_ended", pa.table(carried))
            parts.append(_arrow(self.con, sql("conserved", side=side, scope=listed(scope))))
        return pa.concat_tables(parts, promote_options="permissive")


def _named(codes: Ints, names: Sequence[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int8()), pa.array(names, pa.string()))


def _arrow(con: duckdb.DuckDBPyConnection, text: str) -> pa.Table:
    relation = con.sql(text)
    assert relation is not None  # only a statement without a result gives none
    return relation.to_arrow_table()


def _prepared(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """The column in the common type; empty text is no value. Text that came as a dictionary stays one."""
    coded = pa.types.is_dictionary(column.type) and pa.types.is_string(kind)
    values = column if coded or column.type == kind else column.cast(kind)
    if not pa.types.is_string(kind):
        return values
    empty = pc.equal(values, "")
    return pc.if_else(empty, pa.scalar(None, kind), values.cast(kind)) if pc.any(empty).as_py() else values


def _common_type(name: str, tables: dict[str, pa.Table]) -> pa.DataType:
    """The type in which both sides' columns can be compared without loss. ``KeyError``, ``TypeError``."""
    for side, table in tables.items():
        if name not in table.column_names:
            raise KeyError(f"the {side} table has no column {name!r}; it has {', '.join(table.column_names)}")
        if pa.types.is_floating(table.schema.field(name).type):
            found = table.schema.field(name).type
            raise TypeError(f"{name} on the {side}: found {found}, expected decimal; floats cannot be compared exactly")
    one, other = (table.schema.field(name).type for table in tables.values())
    one, other = (k.value_type if pa.types.is_dictionary(k) else k for k in (one, other))
    if pa.types.is_null(one) or pa.types.is_null(other):
        return other if pa.types.is_null(one) else one
    if one == other and not pa.types.is_large_string(one):
        return one
    if all(pa.types.is_decimal(k) or pa.types.is_integer(k) for k in (one, other)):
        return pa.decimal128(38, max(getattr(k, "scale", 0) for k in (one, other)))
    if all(pa.types.is_string(k) or pa.types.is_large_string(k) for k in (one, other)):
        return pa.string()
    raise TypeError(f"{name}: {one} on the left cannot be compared with {other} on the right")
