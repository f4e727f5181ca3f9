"""Opening the database: the same transactions on SQLite and PostgreSQL.

Reads see one snapshot. Writers take turns (``BEGIN IMMEDIATE``; an advisory lock on PostgreSQL), so that ``seq`` is the
order of commits and a reader who has seen one ``seq`` never meets an earlier one later.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from bo_lib.store import schema
from bo_lib.store.errors import StoreUnreachable, explained, safe_url

_WRITERS = 0x626F6F6B73  # the advisory lock's number: "books"
_EXPECTED = "expected sqlite:///path/to/file.sqlite or postgresql+psycopg://user@host/database"


class Database:
    """An engine, its URL and how long it waits for a lock. Errors come out as letters (bo_lib.store.errors)."""

    def __init__(self, url: str, wait_seconds: float) -> None:
        self.url = _parsed(url)
        self.wait_seconds = wait_seconds
        try:
            self._engine = _sqlite(self.url, wait_seconds) if self.is_sqlite else _postgresql(self.url, wait_seconds)
        except ModuleNotFoundError as missing:
            said = f"store {safe_url(self.url)}: the driver {missing.name} is not installed; install back-office-workbench[team]"
            raise StoreUnreachable(said) from None
        self._create()

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @contextlib.contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """One snapshot of the whole store."""
        level: dict[str, Any] = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        with self._letters(), self._engine.connect() as connection:
            yield connection.execution_options(**level)

    @contextlib.contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction as the only writer; committed at the end, nothing written when anything raises."""
        with self._letters(), self._engine.connect() as connection:
            connection = connection.execution_options(bo_write=True)
            with connection.begin():
                if not self.is_sqlite:
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_WRITERS)))
                yield connection

    def close(self) -> None:
        self._engine.dispose()

    def _create(self) -> None:
        with self.read() as connection:
            if sa.inspect(connection).has_table(schema.CHAIN_HEAD.name):
                return
        with self.write() as connection:
            if not sa.inspect(connection).has_table(schema.CHAIN_HEAD.name):
                schema.create(connection)

    @contextlib.contextmanager
    def _letters(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DBAPIError as wrong:
            letter = explained(wrong, self.url, self.wait_seconds)
            if letter is wrong:
                raise
            raise letter from None  # the driver's own error may show the password


def _parsed(text: str) -> sa.URL:
    try:
        url = sa.make_url(text)
    except sa.exc.ArgumentError:
        raise StoreUnreachable(f"the store's URL cannot be read; {_EXPECTED}") from None
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise StoreUnreachable(f"store {safe_url(url)}: {url.drivername} is not a kind of store; {_EXPECTED}")
    return url


def _sqlite(url: sa.URL, wait_seconds: float) -> sa.Engine:
    engine = sa.create_engine(url, connect_args={"timeout": wait_seconds})

    @sa.event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # BEGIN is ours, see below
        _use_wal(connection, time.monotonic() + wait_seconds)
        connection.execute("PRAGMA synchronous = FULL")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("bo_write") else "BEGIN")

    return engine


def _use_wal(connection: sqlite3.Connection, deadline: float) -> None:
    """Readers and one writer side by side. SQLite's own waiting does not cover this switch, so it is tried again here."""
    while connection.execute("PRAGMA journal_mode").fetchone()[0] == "delete":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as wrong:
            if wrong.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _postgresql(url: sa.URL, wait_seconds: float) -> sa.Engine:
    engine = sa.create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": max(2, int(wait_seconds))})

    @sa.event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", (f"{int(wait_seconds * 1000)}ms",))
        connection.commit()

    return engine
