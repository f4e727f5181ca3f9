"""The matcher's SQL: templates of ``match.sql`` and the small pieces that fill them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import resources
from string import Template
from typing import Any

import duckdb
import pyarrow as pa


@cache
def _templates() -> dict[str, Template]:
    text = resources.files("bo_lib.recon").joinpath("match.sql").read_text("utf-8")
    blocks = [block.partition("\n") for block in text.split("-- name: ")[1:]]
    return {name.strip(): Template(body.strip()) for name, _, body in blocks}


def sql(block: str, **said: object) -> str:
    return _templates()[block].substitute({key: str(value) for key, value in said.items()})


def quoted(name: str) -> str:
    """A column of the rows that are compared: behind a colon, so that it hides none of the statements' own."""
    return '":' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def listed(names: Iterable[str]) -> str:
    return ", ".join(map(quoted, names))


def equal(names: Iterable[str], x: str = "x", y: str = "y") -> str:
    return " and ".join(f"{x}.{quoted(n)} = {y}.{quoted(n)}" for n in names)


def filled(names: Iterable[str]) -> str:
    return " and ".join(f"{quoted(n)} is not null" for n in names)


def arrow(con: duckdb.DuckDBPyConnection, text: str) -> pa.Table:
    """The rows of a query as an Arrow table, without a copy in between."""
    relation = con.sql(text)
    assert relation is not None  # only a statement without a result gives none
    return relation.to_arrow_table()


def arrays(con: duckdb.DuckDBPyConnection, text: str) -> dict[str, Any]:
    """The columns of a query without nulls as arrays; dates as ``datetime64``."""
    return con.execute(text).fetchnumpy()
