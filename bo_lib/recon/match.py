"""The matcher: two tables and rules in, every row in exactly one place out.

Passes run in the order of the rules; each works on what the ones before left open. Text, dates and decimals are compared
exactly; account and currency (the scope) are part of every match. A pass that leaves more than one answer suggests and never
matches. Shuffling the rows changes nothing but which of identical rows is named.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from bo_lib.recon.passes import DIFFERENT, MATCHED, NETTED, SIDES, SUGGESTED, Passes, equal, listed, literal, quoted, sql
from bo_lib.recon.rules import Rules

MISSING = {"left": "missing_there", "right": "missing_here"}
GROUPED = pa.schema(
    [("group", pa.int64()), ("side", pa.string()), ("row", pa.int64()), ("pass", pa.string()), ("verdict", pa.string())]
)
BREAKS = pa.schema(
    [("side", pa.string()), ("row", pa.int64()), ("kind", pa.string()), ("group", pa.int64()), ("pass", pa.string())]
)
EXCLUDED = pa.schema([("side", pa.string()), ("row", pa.int64()), ("reason", pa.string())])


@dataclass(frozen=True)
class Matching:
    """Where every row of both sides ended. ``row`` is the row's index in the table that was given.

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
        self.con, self.tables, self.rules = con, tables, rules
        types = {name: _common_type(name, tables) for name in rules.columns}
        if rules.date and not pa.types.is_date32(types[rules.date]):
            raise TypeError(f"{rules.date}: found {types[rules.date]}, expected date32")
        for side, table in tables.items():
            extra = [e.field for e in rules.exclusions if e.side == side and e.field not in types]
            columns = {name: _filled(table[name].cast(kind)) for name, kind in types.items()} | {n: table[n] for n in extra}
            con.register(f"{side}_in", pa.table({"row": pa.array(range(table.num_rows), pa.int32()), **columns}))
        self.excluded = pa.Table.from_pylist([row for side in SIDES for row in self._exclude(side)], EXCLUDED)
        self.passes = Passes(con, rules, tables["left"].num_rows, getattr(types[rules.amount], "scale", 0))
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
        breaks = self._breaks()
        matches = self._grouped(MATCHED, NETTED)
        return Matching(
            matches=matches,
            suggestions=self._grouped(SUGGESTED),
            breaks=breaks,
            excluded=self.excluded,
            conservation=self._conservation(matches, breaks),
            null_keys={side: _filled(t[reference]).null_count for side, t in self.tables.items()} if reference else {},
            rows={side: table.num_rows for side, table in self.tables.items()},
            rules=f"{self.rules.name} v{self.rules.version}",
        )

    def _grouped(self, *outcomes: int) -> pa.Table:
        steps = " ".join(f"when {n} then {literal(step.id)}" for n, step in enumerate(self.rules.passes))
        text = sql("placed", steps=steps, outcomes=", ".join(map(str, outcomes)))
        return _arrow(self.con, text).cast(GROUPED)

    def _breaks(self) -> pa.Table:
        """Open rows, differing pairs and suggestions, with what is wrong with each."""
        kinds = {(step, group): kind for group, step, kind in self._differing()}
        names = {step.id: n for n, step in enumerate(self.rules.passes)}
        rows = [
            {**row, "kind": kinds.get((names[row["pass"]], row["group"]), "ambiguous")}
            for row in self._grouped(DIFFERENT, SUGGESTED).drop_columns(["verdict"]).to_pylist()
        ]
        for number, side in enumerate(SIDES):
            doubled = self._duplicates(side, number)
            left_over = (row for (row,) in self.passes.rows("open_rows", open=self.passes.open[side]))
            rows += [{"side": side, "row": row, "kind": "duplicate" if row in doubled else MISSING[side]} for row in left_over]
        return pa.Table.from_pylist(rows, BREAKS)

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
        parts = []
        for side in SIDES:
            ended = [(matches.filter(pc.field("verdict") == "match"), 0), (matches.filter(pc.field("verdict") == "net"), 1)]
            ended += [(breaks, 2), (self.excluded, 4)]
            of_side = [(table.filter(pc.field("side") == side)["row"], place) for table, place in ended]
            rows = pa.concat_tables(
                [pa.table({"row": row, "ended": pa.array([place] * len(row), pa.int8())}) for row, place in of_side]
            )
            self.con.register(f"ended_{side}", rows)
            scope, amount = listed(self.rules.scope), quoted(self.rules.amount)
            text = sql("conserved", side=side, scope=scope, carried=f"{scope}, {amount} as amount")
            parts.append(_arrow(self.con, text))
        return pa.concat_tables(parts, promote_options="permissive")


def _arrow(con: duckdb.DuckDBPyConnection, text: str) -> pa.Table:
    relation = con.sql(text)
    assert relation is not None  # only a statement without a result gives none
    return relation.to_arrow_table()


def _filled(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Empty text is no value."""
    if not pa.types.is_string(column.type):
        return column
    empty = pc.equal(column, "")
    return pc.if_else(empty, pa.scalar(None, column.type), column) if pc.any(empty).as_py() else column


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
