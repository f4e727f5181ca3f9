"""The content of evidence as one hash: the same figures give the same hash, on any machine and in any order of rows' making."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


def digest(value: Any) -> str:
    """SHA-256 of tables, dataclasses, mappings, sequences and plain values. Raises ``TypeError`` for anything else."""
    said = hashlib.sha256()
    _add(said, value)
    return said.hexdigest()


def _add(said: Any, value: Any) -> None:
    if isinstance(value, pa.Table):
        _add_table(said, value)
    elif isinstance(value, Decimal):
        said.update(f"n{value.normalize():f};".encode())
    elif value is None or isinstance(value, str | int | date | Enum):
        said.update(f"{type(value).__name__[0]}{value!s};".encode())
    elif isinstance(value, Mapping):
        _add(said, [[str(key), value[key]] for key in sorted(value, key=str)])
    elif is_dataclass(value) and not isinstance(value, type):
        _add(said, [getattr(value, field.name) for field in fields(value)])
    elif isinstance(value, Sequence | frozenset | set):
        items = sorted(value) if isinstance(value, frozenset | set) else value
        said.update(f"[{len(items)}".encode())
        for item in items:
            _add(said, item)
    else:
        raise TypeError(f"evidence holds a {type(value).__name__}, of which no hash is made")


def _add_table(said: Any, table: pa.Table) -> None:
    """Column by column, from the values alone: how a table was cut into chunks does not count."""
    said.update(f"t{table.num_rows}".encode())
    for name, column in zip(table.column_names, table.columns, strict=True):
        said.update(f"{name}:{column.type};".encode())
        values = column.combine_chunks()
        said.update(values.is_null().cast(pa.uint8()).to_numpy(zero_copy_only=False).tobytes())
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        if pa.types.is_string(values.type):
            values = pc.fill_null(values, "")
            said.update(pc.binary_length(values).to_numpy(zero_copy_only=False).tobytes())
            fresh = pa.concat_arrays([values, values.slice(0, 0)])
            said.update(memoryview(fresh.buffers()[2] or b"")[: pc.sum(pc.binary_length(fresh)).as_py() or 0])
        else:
            _add_numbers(said, values)


def _add_numbers(said: Any, values: pa.Array) -> None:
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.uint8())
    elif pa.types.is_date(values.type):
        values = values.cast(pa.int32())
    fresh = pa.concat_arrays([pc.fill_null(values, 0), values.slice(0, 0)])
    said.update(memoryview(fresh.buffers()[1] or b"")[: len(fresh) * values.type.bit_width // 8])
