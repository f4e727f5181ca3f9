"""CSV and XLSX files, read into canonical tables by a mapping.

The header is found by its cells, wherever it stands: titles before it and totals after it are no data. Numbers stay the
digits that were written.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from bo_lib.feeds import parquet
from bo_lib.feeds.cells import Cell, converter, text
from bo_lib.feeds.mapping import PLAIN, Mapping, TableMapping
from bo_lib.feeds.reading import Reading, UnreadableError, decode, prove_tables
from bo_lib.feeds.workbook import open_workbook, sheet_names, sheet_rows
from bo_lib.model.tables import STATEMENTS, TABLES, Column

HEADER_ROWS_MAX = 50
LINE_BYTES_MAX = 2**20
HEAD_CHARACTERS = 2**18
_DELIMITERS = ",;\t|"
_FOOTER = re.compile(
    r"(grand |sub-?)?total|sum\b|end of|trailer|eof\b|records?\b|rows?\b|count\b|generated|report|[*#=]|--", re.IGNORECASE
)

_TOTAL = re.compile(r"(grand |sub-?)?totals?\s*:?|sum\s*:?", re.IGNORECASE)

Row = tuple[str, Sequence[Cell]]  # place, cells


@dataclass
class Sheet:
    """A sheet, or a CSV file split by one delimiter. ``cut`` when its last line has no end."""

    name: str
    rows: Callable[[], Iterator[Row]]
    head: list[Row]
    cut: bool = False


def is_workbook(data: bytes) -> bool:
    return data.startswith(b"PK\x03\x04")


def read(data: bytes, mappings: Sequence[Mapping], reading: Reading) -> str:
    """Reads by the mapping that knows the file; its format, or empty when none does (with an error finding)."""
    if parquet.is_parquet(data):
        return _read_parquet(data, mappings, reading)
    book = is_workbook(data)
    if not book and max(map(len, data.splitlines()), default=0) > LINE_BYTES_MAX:
        reading.error("line-too-long", f"a line has more than {LINE_BYTES_MAX} bytes", todo="ask the sender for the file again")
        return ""
    sheets = _workbook_sheets(data, reading) if book else None
    if sheets == []:
        return ""
    texts: dict[str, str] = {}
    candidates = [(m, sheets or _csv_sheets(data, m, texts)) for m in mappings]
    known = [(m, found) for m, found in candidates if any(_has(s, m.match) for s in found)]
    if not known:
        kind = "a workbook" if book else "text"
        _unknown(kind, candidates, sheets or _csv_sheets(data, PLAIN, texts), reading)
        return ""
    mapping, found = max(known, key=lambda k: len(k[0].match) + sum(_best_header(k[1], t)[0] for t in k[0].tables))
    if not book:
        decode(data, reading, mapping.encoding)  # says so when the encoding is not the mapping's
    for one in mapping.tables:
        _read_table(one, mapping, found, reading)
    prove_tables(reading)
    return mapping.format


def _read_parquet(data: bytes, mappings: Sequence[Mapping], reading: Reading) -> str:
    """By the mapping that knows its columns, else as the canonical table that they are."""
    file = parquet.opened(data, reading)
    if file is None:
        return ""
    header = Sheet("parquet", lambda: iter(()), [("header", list(file.schema_arrow.names))])
    known = [m for m in mappings if _has(header, m.match)]
    if known:
        sheet = _sheet("parquet", parquet.rows(file, reading))
        mapping = max(known, key=lambda m: len(m.match) + sum(_best_header([sheet], t)[0] for t in m.tables))
        for one in mapping.tables:
            _read_table(one.model_copy(update={"sheet": ""}), mapping, [sheet], reading)
        prove_tables(reading)
        return mapping.format
    table = parquet.canonical(file)
    if table is None:
        _unknown("a Parquet file", [(m, [header]) for m in mappings], [header], reading)
        return ""
    parquet.read(file, table, reading)
    prove_tables(reading)
    return f"parquet.{table.name}"


def _workbook_sheets(data: bytes, reading: Reading) -> list[Sheet]:
    workbook = open_workbook(data, reading)
    return [_sheet(name, sheet_rows(workbook, name, reading)) for name in sheet_names(workbook)] if workbook else []


def _said_once(header: list[str], headers: Sequence[str], place: str, reading: Reading) -> None:
    """A warning for each needed cell that the header has more than once."""
    for name in headers:
        if header.count(_norm(name)) > 1:
            reading.warning("column-twice", f"the header has {name!r} more than once; the first is read", place, name,
                            todo="ask the sender which one holds")  # fmt: skip


def _sheet(name: str, loaded: list[list[Cell]]) -> Sheet:
    def rows() -> Iterator[Row]:
        return ((f"{name} row {ordinal}", cells) for ordinal, cells in enumerate(loaded, 1))

    return Sheet(name, rows, list(islice(rows(), HEADER_ROWS_MAX)))


def _csv_sheets(data: bytes, mapping: Mapping, texts: dict[str, str]) -> list[Sheet]:
    """The file split by each delimiter that it may have; the header decides which is right."""
    said = texts.get(mapping.encoding)
    if said is None:
        said = texts[mapping.encoding] = decode(data, None, mapping.encoding)
    return [_csv(said, delimiter) for delimiter in mapping.delimiter or _DELIMITERS]


def _csv(said: str, delimiter: str) -> Sheet:
    head = list(islice(_csv_rows(said[:HEAD_CHARACTERS], delimiter), HEADER_ROWS_MAX))
    return Sheet(delimiter, lambda: _csv_rows(said, delimiter), head, not said.endswith(("\n", "\r")))


def _csv_rows(said: str, delimiter: str) -> Iterator[Row]:
    rows = csv.reader(io.StringIO(said, newline=""), delimiter=delimiter, strict=True)
    line = 0
    while True:
        first = line + 1
        try:
            cells: Sequence[Cell] = next(rows)
        except StopIteration:
            return
        except csv.Error as reason:
            cells = [_Broken(str(reason), rows.line_num - line)]
        line = rows.line_num
        yield f"line {first}", cells


class _Broken(str):
    """Stands for lines that are no CSV: the reason, and how many lines they are."""

    reason: str
    lines: int

    def __new__(cls, reason: str, lines: int) -> _Broken:
        made = super().__new__(cls, "")
        made.reason, made.lines = reason, max(1, lines)
        return made


def _norm(cell: Cell) -> str:
    return _folded(text(cell))


@lru_cache(maxsize=16384)  # every mapping asks for the same few header cells of every file
def _folded(said: str) -> str:
    return " ".join(said.split()).casefold()


def _has(sheet: Sheet, needed: Sequence[str]) -> bool:
    return _find_header(sheet, needed)[0] == len({_norm(n) for n in needed})


def _find_header(sheet: Sheet, needed: Sequence[str]) -> tuple[int, str, list[str]]:
    """How many of the needed cells the best row has, its place, its cells; the first of equals among the first rows."""
    names, best = {_norm(n) for n in needed}, (0, "", [""])
    for place, cells in sheet.head:
        normal = [_norm(c) for c in cells]
        if (count := len(names & set(normal))) > best[0]:
            best = (count, place, normal)
    return best


def _best_header(sheets: list[Sheet], one: TableMapping) -> tuple[int, str, list[str], Sheet | None]:
    known = [s for s in sheets if not one.sheet or s.name == one.sheet or _norm(s.name) == _norm(one.sheet)]
    known = known or ([s for s in sheets if len(s.name) == 1] if one.sheet and all(s.name in _DELIMITERS for s in sheets) else [])
    found = [(*_find_header(s, one.headers), s) for s in known]
    return max(found, key=lambda f: f[0], default=(0, "", [], None))


def _read_table(one: TableMapping, mapping: Mapping, sheets: list[Sheet], reading: Reading) -> None:
    count, place, header, sheet = _best_header(sheets, one)
    if sheet is None or not count:
        where = f"the sheet {one.sheet!r}" if one.sheet else "the file"
        reading.error("header-missing", f"{where} has no header of {one.table}", expected=", ".join(one.headers),
                      todo="ask the sender, or correct the mapping")  # fmt: skip
        return
    lacking = [h for h in one.headers if _norm(h) not in header]
    for name in lacking:
        near = difflib.get_close_matches(_norm(name), header, 1)
        reading.error("column-missing", f"the header has no cell {name!r}" + (f"; it has {near[0]!r}" if near else ""), place, name,
                      found=", ".join(header)[:200], expected=name, todo="ask the sender, or correct the mapping")  # fmt: skip
    _said_once(header, one.headers, place, reading)
    if others := [s.name for s in sheets if s is not sheet and len(s.name) > 1 and not one.sheet and _has(s, one.headers)]:
        reading.warning("sheets-unread", f"other sheets have the header of {one.table} too; only {sheet.name!r} is read",
                        place, found=", ".join(others)[:200],
                        todo="name the sheet in the mapping, or ask the sender for one sheet")  # fmt: skip
    rows = _rows_after(sheet, place)
    if lacking:
        reading.refused += sum(1 for _, cells in rows if any(text(c) for c in cells))
        return
    try:
        filler = _Filler(one, mapping, header)
    except UnreadableError as why:
        reading.error(
            "mapping-invalid",
            f"a constant of the mapping {mapping.format} does not fit: {why.message}",
            field=one.table,
            **why.said,
        )
        return
    reading.expect(filler.table)
    _fill(filler, rows, header, sheet.cut, reading)


def _rows_after(sheet: Sheet, place: str) -> Iterator[Row]:
    rows = sheet.rows()
    next((None for at, _ in rows if at == place), None)
    return rows


class _Filler:
    """Turns the cells of a row into a canonical row."""

    def __init__(self, one: TableMapping, mapping: Mapping, header: list[str]) -> None:
        columns = {c.name: c for c in TABLES[one.table].columns}
        self.one, self.table = one, TABLES[one.table]
        self.index = {h: header.index(_norm(h)) for h in one.headers}
        self.columns = [(columns[c], h, self.index[h], converter(columns[c].type, mapping)) for c, h in one.columns.items()]
        self.formulas = [(columns[c], converter(columns[c].type, mapping)) for c in one.formulas]
        self.constants = {
            c: converter(columns[c].type, mapping)(v if isinstance(v, bool) else str(v)) for c, v in one.constants.items()
        }
        self.required = [(c, self.index[h]) for c, h in one.columns.items() if columns[c].required]
        self.negate = one.negate_when
        self.negating = (
            {_norm(v) for v in ([self.negate.equals] if isinstance(self.negate.equals, str) else self.negate.equals)}
            if self.negate
            else set()
        )

    def row(self, cells: Sequence[Cell]) -> dict[str, Any]:
        """Raises ``UnreadableError`` with the field for the first cell that does not fit."""
        made: dict[str, Any] = dict(self.constants)
        for column, header, index, convert in self.columns:
            made[column.name] = self._value(column, header, cells[index], convert)
        if self.formulas:
            texts = {h: text(cells[i]) for h, i in self.index.items()}
            for column, convert in self.formulas:
                made[column.name] = self._value(column, column.name, self.one.filled(column.name, texts), convert)
        if self.negate and _norm(cells[self.index[self.negate.header]]) in self.negating and made[self.negate.column] is not None:
            made[self.negate.column] = -made[self.negate.column]
        return made

    def _value(self, column: Column, header: str, cell: Cell, convert: Callable[[Cell], Any]) -> Any:
        try:
            if codes := self.one.values.get(column.name):
                cell = _translated(text(cell), codes)
            return convert(cell)
        except UnreadableError as why:
            why.field = header
            raise


def _translated(said: str, codes: dict[str, str]) -> str:
    if said in codes:
        return codes[said]
    if not said or said in codes.values():
        return said
    raise UnreadableError(
        "code-unknown", "a code that the mapping does not translate", said, ", ".join(codes), "add it to values in the mapping"
    )


def _fill(filler: _Filler, rows: Iterator[Row], header: list[str], cut: bool, reading: Reading) -> None:
    """Adds every row of data; a row that does not fit is refused and the next one goes on."""
    width = max((i for i, h in enumerate(header) if h), default=0) + 1
    seen: dict[str, dict[str, Any]] = {}
    following = next(rows, None)
    while following is not None:
        place, cells = following
        following = next(rows, None)
        first = next((t for c in cells if (t := text(c))), "")
        if not first and not (cells and isinstance(cells[0], _Broken)):
            continue
        if cells and _norm(cells[0]) == header[0] and [_norm(c) for c in cells[:width]] == header[:width]:
            reading.info("header-repeated", "the header stands again, as at the top of a page", place)
            continue
        try:
            row = _row(filler, cells, first, width, cut, following is None)
        except UnreadableError as why:
            lines = cells[0].lines if isinstance(cells[0], _Broken) else 1
            reading.refuse(why, place, f"{filler.table.name} {why.field}".strip(), rows=lines)
            continue
        if row is None:
            reading.info("footer-skipped", "a line of totals or a trailer is no data", place, found=first[:80])
        elif filler.table is not STATEMENTS or seen.get(row["statement_id"]) != row:
            if filler.table is STATEMENTS:  # a statement may be named on each of its rows: once is enough
                seen[row["statement_id"]] = dict(row)
            reading.add(filler.table, place, row)


def _row(filler: _Filler, cells: Sequence[Cell], first: str, width: int, cut: bool, last: bool) -> dict[str, Any] | None:
    """The canonical row; None for a line of totals. ``cut``: the last line has no end. Raises ``UnreadableError``."""
    if isinstance(cells[0], _Broken):
        raise UnreadableError("csv-broken", f"no CSV from here: {cells[0].reason}", todo="a quote may be left open: ask the sender")
    if len(cells) > width and any(text(c) for c in cells[width:]):
        raise UnreadableError("row-width", "the row has more cells than the header; a delimiter may stand inside a value",
                         f"{len(cells)} cells", f"{width} cells", "have the sender put quotes around the value")  # fmt: skip
    cut = cut and last and len(cells) < width
    cells = [*cells, *[""] * (width - len(cells))]
    empty = [name for name, index in filler.required if not text(cells[index])]
    if _FOOTER.match(first) and (empty or _TOTAL.fullmatch(first)) and not all(text(cells[i]) for i in filler.index.values()):
        return None
    if last and not cut and empty and not any(c.isalpha() for cell in cells for c in text(cell)):  # sums without a word
        return None
    if empty or cut:
        raise UnreadableError(
            "value-missing",
            "the row is cut or lacks what every row must have",
            " ".join(filter(None, map(text, cells)))[:80],
            ", ".join(empty) or f"{width} cells",
            "ask the sender for the file again",
            empty[0] if empty else "",
        )
    return filler.row(cells)


def _unknown(kind: str, candidates: list[tuple[Mapping, list[Sheet]]], sheets: list[Sheet], reading: Reading) -> None:
    """Says which header cells the file has, which mapping comes nearest, and how one for it begins."""
    near = [(*_find_header(s, m.match), m) for m, found in candidates for s in found]
    count, place, _, mapping = max(near, key=lambda n: n[0], default=(0, "", [], None))
    where, header = _likely_header(sheets)
    said = ""
    if mapping and count:
        lacking = [m for m in mapping.match if _norm(m) not in {_norm(h) for h in header}]
        said = f"; the nearest mapping, {mapping.format}, lacks {', '.join(lacking)}" if lacking else ""
    matched = ", ".join(f'"{h}"' for h in header[:4])
    reading.error(
        "format-unknown",
        f"{kind} that no format and no mapping recognises{said}",
        place if mapping and count else where,
        found=("header cells " + ", ".join(header))[:400] if header else "",
        expected=", ".join(m.format for m, _ in candidates) if candidates else "a mapping in parameters/mappings",
        todo=f"write parameters/mappings/NAME.yaml with format: NAME, match: [{matched}] and tables: which canonical table "
        "(table:) takes which of these cells (columns: {canonical column: header cell})" if header
        else "add a mapping for it, or ask the sender what it is",
    )  # fmt: skip


def _likely_header(sheets: list[Sheet]) -> tuple[str, list[str]]:
    """Place and cells of the row that looks most like a header: the one with the most words."""
    best: tuple[int, str, list[str]] = (1, "", [])
    for sheet in sheets:
        for place, cells in sheet.head:
            words = [t for c in cells if isinstance(c, str) and (t := " ".join(c.split())) and not t[0].isdigit()]
            if len(words) > best[0] and len(words) == len(set(words)):
                best = (len(words), place, words)
    return best[1], [w[:60] for w in best[2]]
