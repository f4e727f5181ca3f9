"""Whole columns of the canonical tables: exact differences and sums, rows of one kind, tables made of columns."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from bo_lib.model.money import ZERO
from bo_lib.model.tables import Table

Column: TypeAlias = pa.Array | pa.ChunkedArray


def rows_where(table: pa.Table, column: str, wanted: str | Callable[[str], bool]) -> pa.Table:
    """The rows whose text in ``column`` is wanted: by name, or by a test of each different text."""
    if isinstance(wanted, str):
        return table.filter(pc.equal(table[column], wanted))
    values = [value for value in pc.unique(table[column]).drop_null().to_pylist() if wanted(value)]
    return table.filter(pc.is_in(table[column], pa.array(values, pa.string())))


def total(amounts: pa.ChunkedArray) -> Decimal:
    """The exact sum of decimals; zero of none."""
    found = pc.sum(amounts).as_py()
    return ZERO if found is None else found


def decimals(column: Column) -> list[Decimal]:
    """The numbers of a column without nulls; by way of their digits, which is faster than one by one."""
    return [Decimal(digits) for digits in column.cast(pa.string()).to_pylist()]


def less(one: Column, other: Column) -> pa.Array:
    """The exact difference of two columns of one type of decimal."""
    wide = pa.decimal256(one.type.precision, one.type.scale)
    return _whole(pc.subtract(one.cast(wide), other.cast(wide)).cast(one.type))


def of_columns(kind: Table, count: int, **columns: Any) -> pa.Table:
    """``count`` rows of ``kind``: each column an array or a list, or one value for every row; null where it is not given."""
    arrays = [_column(columns.get(c.name), c.type, count) for c in kind.columns]
    return pa.Table.from_arrays(arrays, schema=kind.schema)


def _column(given: Any, of: pa.DataType, count: int) -> pa.Array:
    if isinstance(given, (pa.Array, pa.ChunkedArray)):
        return _whole(given)
    return pa.array(given, of) if isinstance(given, (list, tuple)) else pa.repeat(pa.scalar(given, of), count)


def _whole(column: Column) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
