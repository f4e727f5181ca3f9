"""Parquet files: as a canonical table where the columns are one's, else row by row through a mapping like a sheet."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from bo_lib.feeds.cells import Cell, converter
from bo_lib.feeds.mapping import PLAIN
from bo_lib.feeds.reading import Reading, UnreadableError
from bo_lib.model.tables import TABLES, Table

BYTES_MAX = 2 * 2**30  # unpacked, as the file's own directory states
BATCH_ROWS = 65536


def is_parquet(data: bytes) -> bool:
    return data.startswith(b"PAR1")


def opened(data: bytes, reading: Reading) -> Any:
    """A ``pyarrow.parquet.ParquetFile`` within bounds, or None with an error finding."""
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(data))
        groups = (file.metadata.row_group(i) for i in range(file.metadata.num_row_groups))
        size = sum(group.total_byte_size for group in groups)
    except (pa.ArrowException, OSError, ValueError) as reason:
        reading.error(
            "parquet-unreadable", f"not readable as Parquet: {str(reason)[:200]}", todo="ask the sender for the file again"
        )
        return None
    if size > BYTES_MAX:
        reading.error("file-too-large", "the file unpacks to more than is read", found=f"{size} bytes",
                      expected=f"at most {BYTES_MAX} bytes", todo="ask the sender to split it")  # fmt: skip
        return None
    return file


def rows(file: Any, reading: Reading) -> list[list[Cell]]:
    """The header and every row, as cells; columns of lists and structures are left out."""
    plain = [f.name for f in file.schema_arrow if not pa.types.is_nested(f.type)]
    found: list[list[Cell]] = [list(plain)]
    found.extend(list(row.values()) for row in _rows(file, plain, reading))
    return found


def _rows(file: Any, columns: list[str], reading: Reading) -> Iterator[dict[str, Any]]:
    try:
        for batch in file.iter_batches(BATCH_ROWS, columns=columns):
            yield from batch.to_pylist()
    except (pa.ArrowException, OSError, ValueError) as reason:
        reading.error("parquet-unreadable", f"the file breaks off: {str(reason)[:200]}", todo="ask the sender for the file again")


def canonical(file: Any) -> Table | None:
    """The canonical table that has all columns of the file, and whose every required column the file has."""
    names = set(file.schema_arrow.names)
    fitting = [
        t for t in TABLES.values() if names <= {*t.names, "file", "at"} and {c.name for c in t.columns if c.required} <= names
    ]
    return max(fitting, key=lambda t: len(names & set(t.names)), default=None)


def read(file: Any, table: Table, reading: Reading) -> None:
    """Every row of a file that is already canonical: a row that does not fit is refused with its number."""
    reading.expect(table)
    columns = {c.name: converter(c.type, PLAIN) for c in table.columns if c.name not in ("file", "at")}
    wanted = [n for n in file.schema_arrow.names if n in columns]
    for ordinal, row in enumerate(_rows(file, wanted, reading), 1):
        made, name = {}, ""
        try:
            for name, cell in row.items():
                made[name] = columns[name](cell)
        except UnreadableError as why:
            reading.refuse(why, f"row {ordinal}", f"{table.name} {name}")
            continue
        reading.add(table, f"row {ordinal}", made)
