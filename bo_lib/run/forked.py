"""One kernel server for many runs: kernels forked from a warm parent instead of started cold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def kernels(workers: int) -> Iterator[Mapping[str, str]]:
    """A kernel server for ``workers`` runs at a time; yields the variables by which runs find it."""
    yield {}
