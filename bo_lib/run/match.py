"""``bo match``: two files of anyone's, compared by rules; what matched, what broke and a summary, as files."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bo_lib.run.errors import Exit, UsageError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from bo_lib.model.findings import Finding
    from bo_lib.recon.match import Comparison
    from bo_lib.recon.rules import Rules, Side

THREADS = 2
SPILL_MB = 2000  # on disk, besides twenty times the files: more would be an error of the matcher
SIDES = ("left", "right")


@dataclass
class _File:
    """One input: where it is, what it is, how many rows it has, and those that are not rows of its table."""

    side: str
    path: Path
    sha256: str
    rows: int = 0
    broken: list[int] = field(default_factory=list)


def match_files(left: Path, right: Path, rules_file: Path, out: Path, memory_mb: int | None = None) -> dict[str, Any]:
    """Write ``matches.parquet``, ``breaks.parquet`` and ``summary.json`` into ``out``; the summary.

    Raises ``UsageError`` (a letter) for a file, a column or rules that cannot be used. The files are scanned by DuckDB, only the
    columns that the rules name; beyond ``memory_mb`` it goes on from a folder inside ``out`` that is removed at the end.
    """
    import duckdb

    from bo_lib.config import load
    from bo_lib.recon.files import ColumnError, code_table, prepare
    from bo_lib.recon.match import Comparison
    from bo_lib.recon.rules import Rules

    rules = load(rules_file, Rules)
    files = [_File(side, path, _sha256(path)) for side, path in zip(SIDES, (left, right), strict=True)]
    out.mkdir(parents=True, exist_ok=True)
    spill = out / f".spill-{os.getpid()}"
    settings: dict[str, Any] = {"threads": str(THREADS), "preserve_insertion_order": "false", "temp_directory": str(spill)}
    settings["max_temp_directory_size"] = f"{SPILL_MB + 20 * sum(f.path.stat().st_size for f in files) // 1_000_000}MB"
    con = duckdb.connect(config=settings | ({"memory_limit": f"{memory_mb}MB"} if memory_mb else {}))
    try:
        for file in files:
            _open(con, file, rules.left if file.side == "left" else rules.right)
        findings: list[Finding] = []
        for number, known in enumerate(rules.identifiers):
            table = _File(f"codes_{number}", rules_file.parent / known.table, _sha256(rules_file.parent / known.table))
            _open(con, table, rules.left.__class__(name=known.table))
            findings += code_table(con, rules, number)
        names = {file.side: file.path.name for file in files}
        never_empty = {file.side: _never_empty(file.path) for file in files}
        prepared = prepare(con, rules, names, {file.side: file.broken for file in files}, never_empty)
        findings += prepared.findings
        counts = (files[0].rows, files[1].rows)
        compared = Comparison(con, rules, counts, prepared.amount_scale, prepared.unreadable)
        return _write(compared, rules, rules_file, files, findings, out)
    except ColumnError as reason:
        raise UsageError(str(reason)) from None
    except duckdb.OutOfMemoryException as reason:
        raise UsageError(f"{memory_mb or ''} MB of memory are not enough: {str(reason).splitlines()[0]}; give more") from None
    finally:
        con.close()
        shutil.rmtree(spill, ignore_errors=True)


def _sha256(path: Path) -> str:
    if not path.is_file():
        raise UsageError(f"{path}: no such file" if not path.exists() else f"{path}: not a file; expected CSV or Parquet")
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


# Reading ---------------------------------------------------------------------------------------------------------------


def _open(con: duckdb.DuckDBPyConnection, file: _File, form: Side) -> None:
    """Make the raw relation of one file: its columns under its own headers, each behind a colon, and ``row``, from 0."""
    import duckdb

    from bo_lib.recon.sqltext import listed, literal

    with file.path.open("rb") as stream:
        magic = stream.read(4)
    if not magic.strip():
        raise UsageError(f"{file.path}: the file is empty; expected CSV with a header line, or Parquet")
    if magic != b"PAR1":
        _open_csv(con, file, form)
        return
    scan = f"read_parquet({literal(str(file.path))}, file_row_number = true)"
    try:
        described = con.execute(f"describe select * from {scan}").fetchall()  # noqa: S608
        headers = listed(str(row[0]) for row in described if row[0] != "file_row_number")
        kept = f"file_row_number::int, * exclude (file_row_number) from {scan}"
        view = f"create temp view {file.side}_raw (row, {headers}) as select {kept}"
        con.execute(view).fetchall()
        file.rows = int(con.execute(f"select count(*) from {scan}").fetchall()[0][0])  # noqa: S608
    except duckdb.Error as reason:
        raise UsageError(f"{file.path}: not readable as Parquet: {str(reason).splitlines()[0]}") from None


def _never_empty(path: Path) -> frozenset[str]:
    """Texts of a Parquet file that by its statistics hold no empty text: the smallest of each row group is longer."""
    import pyarrow.parquet as pq

    with path.open("rb") as stream:
        if stream.read(4) != b"PAR1":
            return frozenset()
    found = pq.ParquetFile(path).metadata
    least: dict[str, bool] = {}
    for number in range(found.num_row_groups):
        for n in range(found.num_columns):
            column = found.row_group(number).column(n)
            known = column.is_stats_set and column.statistics.has_min_max and bool(column.statistics.min)
            empty = column.is_stats_set and column.statistics.null_count == column.num_values
            least[column.path_in_schema] = least.get(column.path_in_schema, True) and (known or empty)
    return frozenset(name for name, good in least.items() if good)


def _open_csv(con: duckdb.DuckDBPyConnection, file: _File, form: Side) -> None:
    import duckdb

    from bo_lib.recon.sqltext import literal, quoted

    headers, delimiter, lines = _header(file.path, form)
    columns = ", ".join(f"{literal(f'c{n}')}: 'VARCHAR'" for n in range(len(headers)))
    named = ", ".join(f"trim(c{n}) as {quoted(header)}" for n, header in enumerate(headers))
    scan = f"""read_csv({literal(str(file.path))}, header = false, skip = {lines}, delim = {literal(delimiter)}, quote = '"',
        escape = '"', columns = {{{columns}}}, auto_detect = false, null_padding = false, strict_mode = true)"""
    create = f"create temp table {file.side}_raw as select (row_number() over () - 1)::int as row, {named} from {{}}"  # noqa: S608
    try:
        if form.encoding != "utf-8" or len(headers) == 1:
            raise duckdb.InvalidInputException("read line by line")
        con.execute("set preserve_insertion_order = true").fetchall()
        con.execute(create.format(scan)).fetchall()
    except duckdb.Error:  # lines that are no rows of the table: read one by one, each of them counted
        table, file.broken = _line_by_line(file.path, form, delimiter, len(headers))
        con.register("lines_read", table)
        con.execute(create.format("lines_read")).fetchall()
        con.unregister("lines_read")
    finally:
        con.execute("set preserve_insertion_order = false").fetchall()
    file.rows = int(con.execute(f"select count(*) from {file.side}_raw").fetchall()[0][0])  # noqa: S608


def _header(path: Path, form: Side) -> tuple[list[str], str, int]:
    """The cells of the first line that is not empty, the delimiter, and how many lines that is from the top."""
    with path.open(encoding="utf-8-sig" if form.encoding == "utf-8" else form.encoding, errors="replace", newline="") as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                delimiter = form.delimiter or max(",;\t|", key=lambda mark: len(next(csv.reader([line], delimiter=mark))))
                cells = [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]
                if doubled := next((c for c in cells if cells.count(c) > 1), None):
                    raise UsageError(f"{path}: line {number}: the header {doubled!r} stands twice; each column needs its own")
                return cells, delimiter, number
            if number > 100:
                break
    raise UsageError(f"{path}: no header line in the first 100 lines; expected the names of the columns")


def _line_by_line(path: Path, form: Side, delimiter: str, width: int) -> tuple[pa.Table, list[int]]:
    """Every line of the file as a row; those with too few or too many cells are named as broken."""
    import pyarrow as pa

    columns: list[list[str | None]] = [[] for _ in range(width)]
    broken: list[int] = []
    csv.field_size_limit(1 << 24)
    with path.open(encoding="utf-8-sig" if form.encoding == "utf-8" else form.encoding, errors="replace", newline="") as stream:
        rows = _rows(stream, delimiter)
        next(rows)
        for number, cells in enumerate(rows):
            if len(cells) != width:
                broken.append(number)
            for column, cell in zip(columns, (cells + [""] * width)[:width], strict=True):
                column.append(cell or None)
    return pa.table({f"c{n}": pa.array(column, pa.string()) for n, column in enumerate(columns)}), broken


def _rows(stream: io.TextIOBase | Any, delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader((line.replace("\0", "") for line in stream), delimiter=delimiter)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            cells = ["", *[""] * 10_000]  # a cell beyond all bounds: a row that cannot be read
        if any(cell.strip() for cell in cells) or len(cells) > 1:
            yield cells


# Writing ---------------------------------------------------------------------------------------------------------------


def _write(
    compared: Comparison, rules: Rules, rules_file: Path, files: list[_File], findings: list[Finding], out: Path
) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from bo_lib.recon.match import VERDICTS

    per_pass: dict[str, dict[str, int]] = {}
    path = out / "matches.parquet.part"
    packed = {"group": "DELTA_BINARY_PACKED", "row": "DELTA_BINARY_PACKED"}
    form: dict[str, Any] = {"use_dictionary": ["side", "pass", "verdict"], "column_encoding": packed, "write_statistics": False}
    with pq.ParquetWriter(path, compared.schema, compression="none", **form) as writer:
        for outcome, part in compared.groups():
            writer.write_table(compared.table(outcome, part))
            said = per_pass.setdefault(compared.pass_names[part.step], {"left": 0, "right": 0, "match": 0, "net": 0, "suggest": 0})
            right = int(part.side.sum())
            for name, count in (("left", len(part.row) - right), ("right", right), (VERDICTS[outcome], len(part.row))):
                said[name] += count
    breaks = compared.breaks()
    pq.write_table(breaks, out / "breaks.parquet.part")
    conservation = compared.conservation()
    conserved = compared.conserved(conservation)
    summary = {
        "rules": {"name": rules.name, "version": rules.version, "sha256": _sha256(rules_file), "owner": rules.owner,
                  "materiality_base": str(rules.materiality_base), "sla_business_days": rules.sla_business_days},
        "inputs": {f.side: {"file": f.path.name, "sha256": f.sha256, "rows": f.rows} for f in files},
        "passes": per_pass,
        "rates": _rates(per_pass, sum(f.rows for f in files)),
        "breaks": {f"{side} {kind}": count for side, kind, count in compared.break_counts(breaks)},
        "excluded": [{k: row[k] for k in ("side", "row", "reason")} for row in compared.excluded.to_pylist()],
        "conserved": conserved,
        "conservation": [
            {k: v if isinstance(v, int | None) else str(v) for k, v in row.items()} for row in conservation.to_pylist()
        ],
        "notes": compared.passes.notes,
        "findings": [{"severity": f.severity.value, "code": f.code, "message": f.message, "place": str(f.place), "found": f.found}
                     for f in findings],
    }  # fmt: skip
    (out / "summary.json.part").write_text(_json(summary), "utf-8")
    assert isinstance(breaks, pa.Table)
    for name in ("matches.parquet", "breaks.parquet", "summary.json"):
        (out / f"{name}.part").replace(out / name)
    return summary


def _json(summary: dict[str, Any]) -> str:
    """One line for each name, and for each item of a list: quick to write and to read, however many scopes there are."""

    def lines(value: Any) -> str:
        if not isinstance(value, list) or not value:
            return json.dumps(value, ensure_ascii=False)
        return "[\n  " + ",\n  ".join(json.dumps(item, ensure_ascii=False) for item in value) + "\n ]"

    return "{\n " + ",\n ".join(f"{json.dumps(name)}: {lines(value)}" for name, value in summary.items()) + "\n}\n"


def _rates(per_pass: dict[str, dict[str, int]], rows: int) -> dict[str, str]:
    sums = {verdict: sum(said[verdict] for said in per_pass.values()) for verdict in ("match", "net", "suggest")}
    return {f"{name}_pct": f"{100 * count / rows:.4f}" if rows else "0.0000" for name, count in sums.items()}


def exit_code(summary: dict[str, Any]) -> Exit:
    """FAILED when rows or amounts were lost, ATTENTION when anything is left to look at."""
    if not summary["conserved"]:
        return Exit.FAILED
    left = summary["breaks"] or summary["notes"] or any(f["severity"] != "info" for f in summary["findings"])
    return Exit.ATTENTION if left else Exit.OK
