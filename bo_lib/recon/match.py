"""The matcher: two tables and rules in, every row in exactly one place out.

Passes run in the order of the rules; each works on what the ones before left open. Text, dates and decimals are compared
exactly; account and currency (the scope) are part of every match. A pass that leaves more than one answer suggests and never
matches. Shuffling the rows changes nothing but which of identical rows is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Context, localcontext
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bo_lib.recon.passes import Passes
from bo_lib.recon.places import DIFFERENT, MATCHED, NETTED, SIDES, SUGGESTED, Ended, Places
from bo_lib.recon.rules import Rules
from bo_lib.recon.sqltext import arrow, equal, listed, literal, quoted, sql

KINDS_ALONE = {"left": "missing_there", "right": "missing_here"}
EXCLUDED = pa.schema([("side", pa.string()), ("row", pa.int64()), ("reason", pa.string())])
BREAKS = pa.schema(
    [("side", pa.string()), ("row", pa.int64()), ("kind", pa.string()), ("group", pa.int64()), ("pass", pa.string())]
)
CHUNK_ROWS = 1 << 18
VERDICTS = ("match", "net", "differ", "suggest")  # in the order of the outcomes of passes


@dataclass(frozen=True)
class Matching:
    """Where every row of both sides ended. ``row`` is the row's index in the table that was given; names come as dictionaries.

    matches
        (group, side, row, pass, verdict): verdict ``match``, or ``net`` for a row and its reversal on one side.
    suggestions
        (group, side, row, pass, verdict): rows that fit together where a person must decide; they stay among the breaks.
    breaks
        (side, row, kind, group, pass): kind missing_there (ours alone), missing_here (theirs alone), duplicate, ambiguous,
        unreadable, or the column that differs within a pair that shares its reference; such pairs and suggestions carry group
        and pass.
    excluded
        (side, row, reason).
    conservation
        per side and scope: rows in, lost and twice (both 0 when proven), and amounts in, matched, netted, open, excluded.
    null_keys
        side -> rows without a reference, where the rules name one: by reference they match nothing.
    notes
        where a bound stopped a search: rows that a pass left open without having looked at every answer.
    """

    matches: pa.Table
    suggestions: pa.Table
    breaks: pa.Table
    excluded: pa.Table
    conservation: pa.Table
    null_keys: dict[str, int]
    rows: dict[str, int]
    rules: str
    notes: tuple[str, ...] = ()

    @property
    def conserved(self) -> bool:
        """Every row stands in exactly one place, and the amounts of the places add up to what came in."""
        return _adds_up(self.conservation)


def _adds_up(conservation: pa.Table) -> bool:
    places = ("amount_matched", "amount_netted", "amount_open", "amount_excluded")
    with localcontext(Context(prec=100)):  # sums of 38 digits are exact
        return all(
            not row["rows_lost"] and not row["rows_twice"] and row["amount_in"] == sum(row[name] for name in places)
            for row in conservation.to_pylist()
        )


def match(left: pa.Table, right: pa.Table, rules: Rules) -> Matching:
    """Compare two tables by ``rules``; both need every column that the rules name (``KeyError`` otherwise).

    Money must be decimal: a column of floats is a ``TypeError``. Other columns are ignored.
    """
    tables = {"left": left, "right": right}
    types = {name: _common_type(name, tables) for name in rules.carried}
    if rules.date and not pa.types.is_date32(types[rules.date]):
        raise TypeError(f"{rules.date}: found {types[rules.date]}, expected date32")
    con = duckdb.connect()
    try:
        for side, table in tables.items():
            extra = [e.field for e in rules.exclusions if e.side == side and e.field not in types]
            columns = {name: _prepared(table[name], kind) for name, kind in types.items()} | {n: table[n] for n in extra}
            con.register(f"{side}_in", pa.table({"row": np.arange(table.num_rows, dtype=np.int32), **columns}))
        scale = getattr(types[rules.amount], "scale", 0)
        return Comparison(con, rules, (left.num_rows, right.num_rows), scale).result()
    finally:
        con.close()


class Comparison:
    """Runs ``rules`` over the relations ``left_in`` and ``right_in`` of a connection; ``row`` counts their rows from 0.

    The relations hold the columns of ``rules.carried`` (and of exclusions), in types that compare without loss.
    ``unreadable``: rows of each side that have a value nobody could read; they are compared with nothing and are breaks.
    """

    def __init__(
        self, con: duckdb.DuckDBPyConnection, rules: Rules, row_counts: tuple[int, int], amount_scale: int,
        unreadable: tuple[Sequence[int], Sequence[int]] = ((), ()),
    ) -> None:  # fmt: skip
        self.con, self.rules = con, rules
        self.places = Places(row_counts)
        self.unreadable = [np.unique(np.array(rows, np.int64)) for rows in unreadable]
        found = [row for ordinal, side in enumerate(SIDES) for row in self._exclude(ordinal, side)]
        self.excluded = pa.Table.from_pylist(found, EXCLUDED)
        for taken, rows in zip(self.places.taken, self.unreadable, strict=True):
            taken[rows] = True
        self.passes = Passes(con, rules, self.places, amount_scale)
        self.passes.run()
        self.open_rows = [np.flatnonzero(~taken) for taken in self.places.taken]

    def _exclude(self, ordinal: int, side: str) -> list[dict[str, object]]:
        """The side's rows that an exclusion names, taken away before the first pass."""
        mine = [e for e in self.rules.exclusions if e.side == side]
        if not mine:
            return []
        tests = [f"coalesce({quoted(e.field)} in ({', '.join(map(literal, e.equals))}), false)" for e in mine]
        cases = " ".join(f"when {test} then {literal(e.reason)}" for test, e in zip(tests, mine, strict=True))
        bad = set(self.unreadable[ordinal].tolist())
        rows = self.con.execute(sql("excluded", side=side, cases=cases, any=" or ".join(tests))).fetchall()
        found = [(row, reason) for row, reason in rows if row not in bad]
        self.places.taken[ordinal][[row for row, _ in found]] = True
        return [{"side": side, "row": row, "reason": reason} for row, reason in found]

    def result(self) -> Matching:
        reference = self.rules.reference
        nulls = {}
        for side in SIDES if reference else ():
            nulls[side] = int(self.passes.rows("null_keys", side=side, reference=quoted(reference))[0][0])
        chunks = [chunk for outcome in (MATCHED, NETTED) for chunk in self.ended(outcome)]
        return Matching(
            matches=pa.concat_tables([*chunks, self._table(MATCHED, [])]),
            suggestions=pa.concat_tables([*self.ended(SUGGESTED), self._table(SUGGESTED, [])]),
            breaks=self.breaks(),
            excluded=self.excluded,
            conservation=self.conservation(),
            null_keys=nulls,
            rows=dict(zip(SIDES, self.places.row_counts, strict=True)),
            rules=f"{self.rules.name} v{self.rules.version}",
            notes=tuple(self.passes.notes),
        )

    def ended(self, outcome: int) -> Iterator[pa.Table]:
        """Rows of an outcome as (group, side, row, pass, verdict), a table a pass."""
        for chunk in self.places.of(outcome):
            yield self._table(outcome, [chunk])

    @property
    def schema(self) -> pa.Schema:
        return self._table(MATCHED, []).schema

    def groups(self) -> Iterator[pa.Table]:
        """Matches, netted rows and suggestions, never many rows at once."""
        for outcome in (MATCHED, NETTED, SUGGESTED):
            for chunk in self.places.of(outcome):
                for start in range(0, len(chunk.row), CHUNK_ROWS):
                    part = slice(start, start + CHUNK_ROWS)
                    yield self._table(outcome, [Ended(chunk.step, chunk.group[part], chunk.side[part], chunk.row[part])])

    def conserved(self, conservation: pa.Table) -> bool:
        return _adds_up(conservation)

    def _table(self, outcome: int, chunks: Sequence[Ended]) -> pa.Table:
        chunk = chunks[0] if chunks else Ended(0, np.empty(0, np.int64), np.empty(0, np.int8), np.empty(0, np.int32))
        return pa.table({
            "group": chunk.group, "side": _named(chunk.side, SIDES), "row": chunk.row.astype(np.int64),
            "pass": _named(np.full(len(chunk.row), chunk.step, np.int8), [step.id for step in self.rules.passes]),
            "verdict": _named(np.full(len(chunk.row), outcome, np.int8), VERDICTS),
        })  # fmt: skip

    def breaks(self) -> pa.Table:
        """Differing pairs, suggestions, open and unreadable rows, with what is wrong with each."""
        parts = []
        for outcome in (DIFFERENT, SUGGESTED):
            for chunk in self.places.of(outcome):
                kinds = self._differing(chunk) if outcome == DIFFERENT else ["ambiguous"] * len(chunk.row)
                names = [SIDES[side] for side in chunk.side.tolist()]
                parts.append(_breaks(names, chunk.row, kinds, chunk.group, self.rules.passes[chunk.step].id))
        for ordinal, side in enumerate(SIDES):
            rows = self.open_rows[ordinal]
            alone = np.full(len(rows), KINDS_ALONE[side], object)
            if len(rows):
                alone[np.isin(rows, self._duplicates(side, ordinal))] = "duplicate"
            parts.append(_breaks([side] * len(rows), rows, alone))
            bad = self.unreadable[ordinal]
            parts.append(_breaks([side] * len(bad), bad, ["unreadable"] * len(bad)))
        return pa.concat_tables(parts)

    def _duplicates(self, side: str, ordinal: int) -> list[int]:
        reference, day = self.rules.reference, self.rules.date
        same = [equal([*self.rules.scope, self.rules.amount], "o", "i")]
        alike = [equal([reference], "o", "i")] if reference else []
        if day:
            unnamed = [f"o.{quoted(reference)} is null and i.{quoted(reference)} is null"] if reference else []
            alike.append(" and ".join([equal([day], "o", "i"), *unnamed]))
        same.append(f"({' or '.join(alike) or 'true'})")
        self.passes.bits(f"{side}_matched", self.places.counted(MATCHED, ordinal) > 0)
        found = self.passes.rows("duplicates", open=self.passes.open[side], side=side, same=" and ".join(same))
        return [row for (row,) in found]

    def _differing(self, chunk: Ended) -> list[str]:
        """Per row the kind of its pair: the first column that differs."""
        rules = self.rules
        named = {rules.amount: "quantity" if rules.amount == "quantity" else "amount", rules.date: "date"}
        columns = [*rules.scope, *(c for c in rules.columns if c not in (*rules.scope, rules.amount, rules.date)), rules.amount]
        columns += [rules.date] if rules.date else []
        tests = (f"when x.{quoted(c)} is distinct from y.{quoted(c)} then {literal(named.get(c, c))}" for c in columns)
        self.con.register("differ", pa.table({"a": chunk.row[0::2], "b": chunk.row[1::2]}))
        kinds = {(a, b): kind for a, b, kind in self.passes.rows("differing", cases=" ".join(tests), otherwise="difference")}
        pairs = zip(chunk.row[0::2].tolist(), chunk.row[1::2].tolist(), strict=True)
        return [kinds[pair] for pair in pairs for _ in range(2)]

    def conservation(self) -> pa.Table:
        """Counted from the places of the rows and the amounts of the inputs, not from the passes' own books."""
        scope = self.rules.scope
        parts = []
        for ordinal, side in enumerate(SIDES):
            count = self.places.row_counts[ordinal]
            outside = np.bincount(self._excluded_rows(side), minlength=count)
            alone = np.bincount(np.concatenate([self.open_rows[ordinal], self.unreadable[ordinal]]), minlength=count)
            ended = [self.places.counted(outcome, ordinal) for outcome in (MATCHED, NETTED, DIFFERENT, SUGGESTED)]
            ends = {"matched": ended[0], "netted": ended[1], "open": ended[2] + ended[3] + alone, "excluded": outside}
            places = sum(ends.values(), np.zeros(count, np.int64))
            flags = {**{name: rows > 0 for name, rows in ends.items()}, "lost": places == 0, "twice": places > 1}
            used = {name: rows for name, rows in flags.items() if rows.any()}
            for name, rows in used.items():
                self.passes.bits(f"ended_{name}", rows)
            bits = ", ".join(sql("is_set", bits=f"ended_{name}") + f" as is_{name}" for name in used)
            amount = quoted(self.rules.amount)
            counted = [f"{_filtered('count(*)', n) if n in used else 0} as rows_{n}" for n in ("lost", "twice")]
            summed = [f"{_filtered('sum(amount)', n) if n in used else 'sum(amount) - sum(amount)'}" for n in ends]
            named = [f"coalesce({total}, 0) as amount_{n}" for total, n in zip(summed, ends, strict=True)]
            said = {"counted": ", ".join(counted), "summed": ", ".join(named), "bits": bits or "row"}
            parts.append(arrow(self.con, sql("conserved", side=side, scope=listed(scope), amount=amount, **said)))
        return pa.concat_tables(parts, promote_options="permissive")

    def _excluded_rows(self, side: str) -> np.ndarray[Any, np.dtype[np.int64]]:
        rows = [row["row"] for row in self.excluded.to_pylist() if row["side"] == side]
        return np.array(rows, np.int64)


def _filtered(total: str, name: str) -> str:
    return f"{total} filter (where is_{name})"


def _breaks(side: list[str], row: Any, kind: Any, group: Any = None, step: str | None = None) -> pa.Table:
    count = len(side)
    return pa.table([
        pa.array(side, pa.string()), pa.array(row, pa.int64()), pa.array(kind, pa.string()),
        pa.nulls(count, pa.int64()) if group is None else pa.array(group, pa.int64()), pa.array([step] * count, pa.string()),
    ], schema=BREAKS)  # fmt: skip


def _named(codes: Any, names: Sequence[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int8()), pa.array(names, pa.string()))


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
