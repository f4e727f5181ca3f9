"""Two files of anyone's become the matcher's two relations: typed exactly, signs and codes normalised.

The raw relations ``left_raw`` and ``right_raw`` of a connection hold ``row``, from 0, and the columns under the files' own
headers, each behind a colon, as text (CSV) or as they are stored (Parquet). No value goes through a float: decimals are cast
from their text. A row with a value that cannot be read stays, is compared with nothing, and is said.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from bo_lib.model.findings import Finding, Place, error, info
from bo_lib.recon.places import SIDES
from bo_lib.recon.rules import Rules, Side
from bo_lib.recon.sqltext import literal, quoted, sql

SCALE_MAX = 18  # decimals of a number; one with more is not readable
SHOWN_MAX = 20  # unreadable values that are said one by one
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")


class ColumnError(Exception):
    """A column that the rules name and a file does not have, or cannot give; the message is a letter."""


@dataclass(frozen=True)
class Value:
    """A column of one side: its header, its type here and there, and how it is read."""

    name: str
    header: str
    kind: str  # text, decimal, date
    stored: str  # DuckDB's type

    @property
    def is_text(self) -> bool:
        return self.stored == "VARCHAR" or self.is_float

    @property
    def is_float(self) -> bool:
        return self.stored in ("FLOAT", "DOUBLE")


@dataclass(frozen=True)
class Prepared:
    """Made relations ``left_in`` and ``right_in``; rows by side that have an unreadable value; decimals of the amount."""

    unreadable: tuple[tuple[int, ...], tuple[int, ...]]
    amount_scale: int
    findings: tuple[Finding, ...]


def prepare(
    con: duckdb.DuckDBPyConnection,
    rules: Rules,
    files: Mapping[str, str],
    broken: Mapping[str, Sequence[int]],
    never_empty: Mapping[str, frozenset[str]],
) -> Prepared:
    """Make ``left_in`` and ``right_in``. ``files``: side -> name for findings; ``broken``: rows that are not rows of the table;
    ``never_empty``: side -> headers of texts that are known to hold no empty text.

    Raises ``ColumnError`` for a column that is not there. ``identifiers`` need relations ``codes_0``, ``codes_1`` … (code, id).
    """
    values = {side: _values(con, rules, side, files[side]) for side in SIDES}
    kinds = _kinds(rules, values)
    findings: list[Finding] = []
    typed = {side: [Value(v.name, v.header, kinds[v.name], v.stored) for v in values[side]] for side in SIDES}
    for side in SIDES:
        for value in typed[side]:
            if value.kind == "decimal" and value.is_float:
                said = "numbers are stored as binary fractions; each is read by its shortest decimal text"
                findings.append(info("recon.float", said, Place(files[side], field=value.header), found=value.stored))
    types = {name: _decimal_type(con, rules, typed, name) for name, kind in kinds.items() if kind == "decimal"}
    unreadable: dict[str, tuple[int, ...]] = {}
    for side in SIDES:
        found = _make(con, rules, side, typed[side], types, never_empty[side])
        findings += _letters(found, typed[side], files[side])
        if broken[side]:
            rows = ", ".join(map(str, list(broken[side])[:SHOWN_MAX]))
            message = f"{len(broken[side])} lines have too few or too many cells; each is a break of kind unreadable"
            findings.append(error("recon.line", message, Place(files[side], f"rows {rows}")))
        unreadable[side] = tuple(sorted({row for row, _, _ in found} | set(broken[side])))
    scale = int(types[rules.amount].rstrip(")").rpartition(",")[2])
    return Prepared((unreadable["left"], unreadable["right"]), scale, tuple(findings))


def _values(con: duckdb.DuckDBPyConnection, rules: Rules, side: str, file: str) -> list[Value]:
    described = con.execute(f"describe {side}_raw").fetchall()
    stored = {str(row[0])[1:]: str(row[1]) for row in described if row[0] != "row"}
    headers = {column.name: column.header(side) for column in rules.file_columns}
    excluded = [e.field for e in rules.exclusions if e.side == side]
    found = []
    for name in dict.fromkeys([*rules.carried, *excluded]):
        header = headers.get(name, name)
        if header not in stored:
            near = difflib.get_close_matches(header, stored.keys() - headers.values(), 1, 0.5)
            hint = f"did you mean {near[0]!r}? say so in the rules under `columns`" if near else f"it has {', '.join(stored)}"
            raise ColumnError(f"{file}: no column {header!r}, which the rules compare as {name!r}; {hint}")
        found.append(Value(name, header, "", stored[header]))
    for sign in _side(rules, side).signs:
        if sign.header not in stored:
            raise ColumnError(f"{file}: no column {sign.header!r}, which the rules read the sign from; it has {', '.join(stored)}")
    return found


def _side(rules: Rules, side: str) -> Side:
    return rules.left if side == "left" else rules.right


def _kinds(rules: Rules, values: Mapping[str, list[Value]]) -> dict[str, str]:
    """Type by column: as declared; else amounts are decimals, the date is a date, and the others what both sides store."""
    declared = {column.name: column.type for column in rules.file_columns}
    numbers = {rules.amount, *(name for step in rules.passes for name in step.also)}
    stored: dict[str, set[str]] = {}
    for side in SIDES:
        for value in values[side]:
            stored.setdefault(value.name, set()).add(_kind_of(value.stored))
    kinds: dict[str, str] = {}
    for name, found in stored.items():
        usual = "decimal" if name in numbers else "date" if name == rules.date else found.pop() if len(found) == 1 else "text"
        kinds[name] = declared.get(name, usual)
    if kinds[rules.amount] != "decimal":
        raise ColumnError(
            f"the rules compare amounts in {rules.amount!r} and declare it as {kinds[rules.amount]}; expected decimal"
        )
    return kinds


def _kind_of(stored: str) -> str:
    if stored.startswith("DECIMAL") or stored in (*_INTEGERS, "FLOAT", "DOUBLE"):
        return "decimal"
    return "date" if stored == "DATE" else "text"


def _decimal_type(con: duckdb.DuckDBPyConnection, rules: Rules, typed: Mapping[str, list[Value]], name: str) -> str:
    """The narrowest decimal that holds the column of both sides without loss."""
    digits = scale = 0
    for side in SIDES:
        value = next((v for v in typed[side] if v.name == name), None)
        if value is None:
            continue
        if value.stored.startswith("DECIMAL"):
            width, places = (int(n) for n in value.stored[8:-1].split(","))
            before = width - places
            if width > 18:  # what is stored is often far smaller than what could be
                before = min(before, int(_one(con, sql("digits", column=quoted(value.header), side=side))))
        elif value.is_text:
            text = _number_text(value, _side(rules, side))
            before, places = _measured(con, sql("measure", text=text, side=side, scale=SCALE_MAX))
        else:
            before, places = int(_one(con, sql("digits", column=f"{quoted(value.header)}::hugeint", side=side))), 0
        digits, scale = max(digits, before), max(scale, min(places, SCALE_MAX))
    return f"decimal({18 if digits + scale <= 18 else 38},{scale})"


def _one(con: duckdb.DuckDBPyConnection, text: str) -> int:
    return int(con.execute(text).fetchall()[0][0] or 0)


def _measured(con: duckdb.DuckDBPyConnection, text: str) -> tuple[int, int]:
    before, places = con.execute(text).fetchall()[0]
    return int(before or 0), int(places or 0)


def _number_text(value: Value, side: Side) -> str:
    """The number as plain text: no thousands, a dot, a minus in front; parentheses and a minus behind are negative."""
    text = f"trim({quoted(value.header)}::varchar)"
    if value.is_float:
        return text
    if side.thousands:
        text = f"replace({text}, {literal(side.thousands)}, '')"
    if side.decimal == ",":
        text = f"replace(replace({text}, '.', '#'), ',', '.')"  # a dot is no decimal point here
    text = f"regexp_replace({text}, '^\\((.*)\\)$', '-\\1')"
    return f"nullif(regexp_replace({text}, '^([^+-].*)-$', '-\\1'), '')"


def _expression(value: Value, rules: Rules, side: str, types: Mapping[str, str]) -> str:
    form, column = _side(rules, side), quoted(value.header)
    if value.kind == "decimal":
        if value.is_text:
            read = sql("number", text=_number_text(value, form), type=types[value.name], scale=SCALE_MAX)
        else:
            read = f"try_cast({column} as {types[value.name]})"
        for sign in form.signs:
            if value.name in sign.columns:
                codes = ", ".join(map(literal, sign.negative))
                read = f"({read} * case when {quoted(sign.header)}::varchar in ({codes}) then -1 else 1 end)::{types[value.name]}"
        return f"-({read})" if value.name in form.negate else read
    if value.kind == "date":
        if value.stored == "VARCHAR":
            tries = ", ".join(f"try_strptime(trim({column}), {literal(f)})" for f in form.dates)
            return f"coalesce({tries}, null)::date"
        if value.stored == "TIMESTAMP WITH TIME ZONE":
            return f"make_timestamp(epoch_us({column}))::date"  # the day in UTC, wherever this runs
        return column if value.stored == "DATE" else f"try_cast({column} as date)"
    if value.name in _loose(rules):
        return f"nullif(upper(regexp_replace({column}::varchar, '\\s', '', 'g')), '')"
    return f"nullif({column}, '')" if value.stored == "VARCHAR" else f"{column}::varchar"


def _loose(rules: Rules) -> set[str]:
    return {column.name for column in rules.file_columns if column.loose}


def _make(
    con: duckdb.DuckDBPyConnection,
    rules: Rules,
    side: str,
    typed: Sequence[Value],
    types: Mapping[str, str],
    never_empty: frozenset[str],
) -> list[tuple[int, str, str]]:
    """Make one side's relation: a view where the file's own types do, a table otherwise. (row, column, text) not readable."""
    form, columns, joins = _side(rules, side), [], []
    for value in typed:
        bare = (
            value.kind == "text" and value.stored == "VARCHAR" and value.header in never_empty and value.name not in _loose(rules)
        )
        read = quoted(value.header) if bare else _expression(value, rules, side, types)
        if cases := form.translate.get(value.name):
            whens = " ".join(f"when {literal(k)} then {literal(v)}" for k, v in cases.items())
            read = f"case {read} {whens} else {read} end"
        for number, known in enumerate(rules.identifiers):
            if known.column == value.name:
                joins.append(f"left join codes_{number} on codes_{number}.code = upper({read})")
                read = f"coalesce(codes_{number}.id, {read})"
        columns.append(f"{read} as {quoted(value.name)}")
    checked = [v for v in typed if v.kind != "text" and (v.is_text or (v.kind == "date" and v.stored != "DATE"))]
    what = "table" if checked or joins else "view"
    con.execute(sql("typed", what=what, side=side, columns=", ".join(columns), joins=" ".join(joins))).fetchall()
    found: list[tuple[int, str, str]] = []
    for value in checked:
        said = sql("unreadable", side=side, name=quoted(value.name), header=quoted(value.header))
        found += [(row, value.name, text) for row, text in con.execute(said).fetchall()]
    return found


def _letters(found: Sequence[tuple[int, str, str]], typed: Sequence[Value], file: str) -> list[Finding]:
    kinds = {value.name: value.kind for value in typed}
    headers = {value.name: value.header for value in typed}
    said = [
        error(
            "recon.unreadable", f"the value of {name!r} cannot be read; the row is a break of kind unreadable",
            Place(file, f"row {row}", headers[name]), found=text[:80], expected=f"a {kinds[name]}",
        )
        for row, name, text in sorted(found)[:SHOWN_MAX]
    ]  # fmt: skip
    if len(found) > SHOWN_MAX:
        said.append(error("recon.unreadable", f"{len(found) - SHOWN_MAX} more values cannot be read", Place(file)))
    return said


def code_table(con: duckdb.DuckDBPyConnection, rules: Rules, number: int) -> tuple[Finding, ...]:
    """Make ``codes_<number>`` (code, id) of the raw relation ``codes_<number>_raw``; a code of two things is none's."""
    known = rules.identifiers[number]
    columns = {str(row[0])[1:] for row in con.execute(f"describe codes_{number}_raw").fetchall() if row[0] != "row"}
    for name in (known.id, *known.codes):
        if name not in columns:
            near = difflib.get_close_matches(name, columns, 1, 0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(sorted(columns))}"
            raise ColumnError(f"{known.table}: no column {name!r}, which the rules name under `identifiers`; {hint}")
    each = " union ".join(
        sql("code", number=number, id=quoted(known.id), code=quoted(n)) for n in {known.id: 0, **dict.fromkeys(known.codes)}
    )
    con.execute(sql("codes", number=number, each=each)).fetchall()
    doubled = con.execute(sql("codes_doubled", each=each)).fetchall()
    return tuple(
        error("recon.code", "a code of more than one thing; it is left as it is", Place(known.table), found=str(code))
        for (code,) in doubled[:SHOWN_MAX]
    )
