"""Arrow columns of arrays and of coded words, without a copy.

``pa.array`` of an array would load pandas, a quarter of a second for every ``bo match``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

Array = np.ndarray[Any, np.dtype[Any]]


def numbers(values: Array) -> pa.Array:
    """A column of integers or of days, as wide as the array."""
    kind = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])


def words(codes: Array, names: Sequence[str]) -> pa.DictionaryArray:
    """Codes as the names they stand for; -1 is no name."""
    texts = [name.encode() for name in names]
    ends = np.cumsum([0, *map(len, texts)], dtype=np.int32)
    known = pa.Array.from_buffers(pa.string(), len(texts), [None, pa.py_buffer(ends), pa.py_buffer(b"".join(texts))])
    none = codes < 0
    valid = pa.py_buffer(np.packbits(~none, bitorder="little")) if none.any() else None
    indices = pa.Array.from_buffers(pa.int16(), len(codes), [valid, pa.py_buffer(codes.astype(np.int16))])
    return pa.DictionaryArray.from_arrays(indices, known)
