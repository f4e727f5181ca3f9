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

from bo_lib.recon.columns import numbers, words
from bo_lib.recon.passes import Passes
from bo_lib.recon.places import DIFFERENT, MATCHED, NETTED, SIDES, SUGGESTED, Counts, Ended, Places, times
from bo_lib.recon.rules import Rules
from bo_lib.recon.sqltext import arrays, arrow, equal, listed, literal, quoted, sql

KINDS_ALONE = {"left": "missing_there", "right": "missing_here"}
WORD = pa.dictionary(pa.int16(), pa.string())
EXCLUDED = pa.schema([("side", WORD), ("row", pa.int64()), ("reason", WORD)])
BREAKS = pa.schema([("side", WORD), ("row", pa.int64()), ("kind", WORD), ("group", pa.int64()), ("pass", WORD)])
NOTHING = Ended(0, np.empty(0, np.int64), np.empty(0, np.int8), np.empty(0, np.int32))
VERDICTS = ("match", "net", "differ", "suggest")  # in the order of the outcomes of passes
PLACES = ("matched", "open", "netted", "excluded", "lost", "twice")  # where a row may end; those of the most rows first
LOST, TWICE = np.uint8(4), np.uint8(5)


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
            columns = {f":{name}": _prepared(table[name], kind) for name, kind in types.items()} | {
                f":{n}": table[n] for n in extra
            }
            con.register(f"{side}_in", pa.table({"row": numbers(np.arange(table.num_rows, dtype=np.int32)), **columns}))
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
        self.places, self.pass_names = Places(row_counts), [step.id for step in rules.passes]
        self.unreadable = [np.unique(np.array(rows, np.int64)) for rows in unreadable]
        self.outside: list[Any] = []  # by side the rows excluded
        self.excluded = pa.concat_tables([self._exclude(ordinal, side) for ordinal, side in enumerate(SIDES)])
        for taken, rows in zip(self.places.taken, self.unreadable, strict=True):
            taken[rows] = True
        self.passes = Passes(con, rules, self.places, amount_scale)
        self.passes.run()
        self.open_rows = [np.flatnonzero(~taken) for taken in self.places.taken]
        for ordinal, side in enumerate(SIDES):
            self._look(ordinal, side)

    def _exclude(self, ordinal: int, side: str) -> pa.Table:
        """The side's rows that an exclusion names, taken away before the first pass."""
        mine = [e for e in self.rules.exclusions if e.side == side]
        rows = why = np.empty(0, np.int32)
        if mine:
            tests = [f"coalesce({quoted(e.field)} in ({', '.join(map(literal, e.equals))}), false)" for e in mine]
            cases = " ".join(f"when {test} then {n}" for n, test in enumerate(tests))
            found = arrays(self.con, sql("excluded", side=side, cases=cases, any=" or ".join(tests)))
            rows, why = found["row"], found["why"]
        good = ~np.isin(rows, self.unreadable[ordinal])
        rows = rows[good].astype(np.int64)
        self.outside.append(rows)
        self.places.taken[ordinal][rows] = True
        sides, reasons = words(np.full(len(rows), ordinal), SIDES), words(why[good], [e.reason for e in mine])
        return pa.table([sides, numbers(rows), reasons], EXCLUDED)

    def result(self) -> Matching:
        reference = self.rules.reference
        nulls = {}
        for side in SIDES if reference else ():
            nulls[side] = int(self.passes.rows("null_keys", side=side, reference=quoted(reference))[0][0])
        return Matching(
            matches=self._ended(MATCHED, NETTED),
            suggestions=self._ended(SUGGESTED),
            breaks=self.breaks(),
            excluded=self.excluded,
            conservation=self.conservation(),
            null_keys=nulls,
            rows=dict(zip(SIDES, self.places.row_counts, strict=True)),
            rules=f"{self.rules.name} v{self.rules.version}",
            notes=tuple(self.passes.notes),
        )

    def _ended(self, *outcomes: int) -> pa.Table:
        """Rows of outcomes as (group, side, row, pass, verdict)."""
        tables = [self.table(outcome, chunk) for outcome in outcomes for chunk in self.places.of(outcome)]
        return pa.concat_tables([*tables, self.table(MATCHED, NOTHING)])

    @property
    def schema(self) -> pa.Schema:
        return self.table(MATCHED, NOTHING).schema

    def groups(self) -> Iterator[tuple[int, Ended]]:
        """Matches, netted rows and suggestions, never many rows at once."""
        return ((outcome, ended) for outcome in (MATCHED, NETTED, SUGGESTED) for ended in self.places.of(outcome))

    def conserved(self, conservation: pa.Table) -> bool:
        return _adds_up(conservation)

    def table(self, outcome: int, ended: Ended) -> pa.Table:
        count = len(ended.row)
        columns = {
            "group": numbers(ended.group), "side": words(ended.side, SIDES), "row": numbers(ended.row.astype(np.int64)),
            "pass": words(np.full(count, ended.step), self.pass_names), "verdict": words(np.full(count, outcome), VERDICTS),
        }  # fmt: skip
        return pa.table(list(columns.values()), pa.schema([pa.field(n, c.type, nullable=False) for n, c in columns.items()]))

    def breaks(self) -> pa.Table:
        """Differing pairs, suggestions, open and unreadable rows, with what is wrong with each."""
        differing = self.passes.differing
        parts = [self._broken(c, differing[c.row[0::2]].repeat(2), self.passes.kinds) for c in self.places.of(DIFFERENT)]
        parts += [self._broken(chunk, np.zeros(len(chunk.row)), ["ambiguous"]) for chunk in self.places.of(SUGGESTED)]
        for ordinal, side in enumerate(SIDES):
            rows = self.open_rows[ordinal]
            parts.append(self._alone(ordinal, rows, np.isin(rows, self._duplicates(side)), [KINDS_ALONE[side], "duplicate"]))
            bad = self.unreadable[ordinal]
            parts.append(self._alone(ordinal, bad, np.zeros(len(bad)), ["unreadable"]))
        return pa.concat_tables(parts)

    def break_counts(self, breaks: pa.Table) -> list[tuple[str, str, int]]:
        """(side, kind, rows)."""
        self.con.register("breaks_found", breaks)
        return self.con.execute(sql("break_counts")).fetchall()

    def _alone(self, ordinal: int, rows: Any, kinds: Any, names: Sequence[str]) -> pa.Table:
        none = np.full(len(rows), -1, np.int64)
        return self._broken(Ended(-1, none, np.full(len(rows), ordinal, np.int8), rows), kinds, names)

    def _broken(self, chunk: Ended, kinds: Any, names: Sequence[str]) -> pa.Table:
        count = len(chunk.row)
        group = pa.nulls(count, pa.int64()) if chunk.step < 0 else numbers(chunk.group)
        steps = words(np.full(count, chunk.step), self.pass_names)
        columns = [words(chunk.side, SIDES), numbers(chunk.row.astype(np.int64)), words(kinds, names), group, steps]
        return pa.table(columns, BREAKS)

    def _look(self, ordinal: int, side: str) -> None:
        """One last reading of a side: its amounts by scope and place, and the matched rows that have the amount of an open one."""
        reference, day = self.rules.reference, self.rules.date
        codes = self._ends(ordinal)
        used = [code for code in range(len(PLACES)) if (codes == code).any()]
        for code in used:
            self.passes.bits(f"{side}_{PLACES[code]}", codes == code)
        tests = [sql("is_set", bits=f"{side}_{PLACES[code]}") for code in used]
        cases = "".join(f"when {test} then {code} " for code, test in zip(used, tests, strict=True))
        kept = ", ".join(f"{quoted(name)}: {quoted(name)}" for name in (self.rules.amount, reference, day) if name)
        self.passes.rows(
            "last_look", side=side, scope=listed(self.rules.scope), amount=quoted(self.rules.amount), kept=kept,
            place=f"case {cases}end" if cases else "0", open=self.passes.open[side],
        )  # fmt: skip

    def _ends(self, ordinal: int) -> Counts:
        """The place of each row of a side, by its number in ``PLACES``."""
        count = self.places.row_counts[ordinal]
        matched, netted, differ, suggested = (self.places.rows(n, ordinal) for n in (MATCHED, NETTED, DIFFERENT, SUGGESTED))
        left_open = [*differ, *suggested, self.open_rows[ordinal], self.unreadable[ordinal]]
        ends: tuple[list[Any], ...] = (matched, left_open, netted, [self.outside[ordinal]])
        codes, often = np.zeros((2, count), np.uint8)
        for code, rows in enumerate(ends):
            found = times(rows, count)
            codes += np.uint8(code) * (found > 0)
            often += np.minimum(found, 2)
        return np.where(often == 1, codes, np.where(often == 0, LOST, TWICE))

    def _duplicates(self, side: str) -> list[int]:
        reference, day = self.rules.reference, self.rules.date
        alike = [equal([reference], "o", "i")] if reference else []
        if day:
            unnamed = [f"o.{quoted(reference)} is null and i.{quoted(reference)} is null"] if reference else []
            alike.append(" and ".join([equal([day], "o", "i"), *unnamed]))
        same = [equal([*self.rules.scope, self.rules.amount], "o", "i"), f"({' or '.join(alike) or 'true'})"]
        said = {"scope": listed(self.rules.scope), "same": " and ".join(same)}
        return [row for (row,) in self.passes.rows("duplicates", open=self.passes.open[side], side=side, **said)]

    def conservation(self) -> pa.Table:
        """Counted from the places of the rows and the amounts of the inputs, not from the passes' own books."""
        totals = [f"coalesce(sum(n) filter (where place = {PLACES.index(name)}), 0)::bigint as rows_{name}" for name in PLACES[4:]]
        totals += [
            f"coalesce(sum(amount) filter (where place = {code}), 0) as amount_{name}" for code, name in enumerate(PLACES[:4])
        ]
        said = {"scope": listed(self.rules.scope), "totals": ", ".join(totals)}
        table = pa.concat_tables([arrow(self.con, sql("conserved", side=s, **said)) for s in SIDES], promote_options="permissive")
        own = [name for name in table.column_names if not name.startswith(":")]
        names = [name if name in own else f"{name[1:]}_" if name[1:] in own else name[1:] for name in table.column_names]
        return table.rename_columns(names)


def _prepared(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """The column in the common type; empty text is no value. Text that came as a dictionary stays one."""
    import pyarrow.compute as pc

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
