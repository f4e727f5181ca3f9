"""What can go wrong with a store, each as a small letter: what happened, where, and what to do."""

# ruff: noqa: N818  the names are the desk's words

from __future__ import annotations

import re

import sqlalchemy as sa


class StoreError(Exception):
    """The store could not do what was asked; nothing of the call was written."""


class StoreUnreachable(StoreError):
    """The URL is wrong, the file or server cannot be opened, or the driver is missing."""


class StoreLocked(StoreError):
    """Somebody else held the store for longer than the time that this process was told to wait."""


class StoreFull(StoreError):
    """No room left on the disk or in the quota."""


class StoreAltered(StoreError):
    """The store holds other facts than the pinned chain heads say, or a fact that cannot be read."""


class Conflict(StoreError):
    """An id is taken by a fact with other content. Facts are not changed: add a superseding fact under its own id."""


class ClockBehind(StoreError):
    """The time given lies before that of the last fact of the fund."""


class TableMissing(StoreError):
    """No bulk table is kept under this hash."""


class TableDamaged(StoreError):
    """The file under this hash has other bytes than it was written with."""


_SQLITE = {
    5: StoreLocked,
    6: StoreLocked,
    8: StoreUnreachable,
    10: StoreFull,
    11: StoreAltered,
    13: StoreFull,
    14: StoreUnreachable,
    26: StoreUnreachable,
}
_POSTGRESQL = {"55P03": StoreLocked, "40P01": StoreLocked, "53100": StoreFull, "42501": StoreUnreachable}
_SERVER_GONE = re.compile(r"28|3D|08|57P0|53300")  # password, database, connection, shutdown, too many connections
_LETTERS = {
    StoreLocked: "another process has held it for more than {waited:g} s; nothing was written. Let that process finish or stop it, "
    "then repeat: a repeated append writes nothing twice",
    StoreFull: "there is no room left on its disk (or the disk failed); nothing of this call was written. Make room, then repeat",
    StoreUnreachable: "it cannot be opened. Check the URL in firm.yaml, that the folder exists or the server runs, and permissions",
}


def safe_url(url: sa.URL) -> str:
    """The URL without password and query, fit for messages and logs."""
    return sa.URL.create(url.drivername, url.username, None, url.host, url.port, url.database).render_as_string()


def explained(wrong: sa.exc.DBAPIError, url: sa.URL, waited_seconds: float) -> Exception:
    """The letter for a driver's error, or the error itself where it is a programmer's mistake. Never shows a password."""
    kind = _kind(wrong)
    if kind is None:
        return wrong
    said = str(wrong.orig).strip().splitlines()[0] if str(wrong.orig).strip() else type(wrong.orig).__name__
    if url.password:
        said = said.replace(str(url.password), "***")
    return kind(f"store {safe_url(url)}: {_LETTERS[kind].format(waited=waited_seconds)}. The database said: {said}")


def _kind(wrong: sa.exc.DBAPIError) -> type[StoreError] | None:
    if (code := getattr(wrong.orig, "sqlite_errorcode", None)) is not None:
        return _SQLITE.get(code & 0xFF)  # the low byte of an extended result code is the primary one
    state = getattr(wrong.orig, "sqlstate", None)
    if state in _POSTGRESQL:
        return _POSTGRESQL[state]
    lost = isinstance(wrong, sa.exc.OperationalError) and (state is None or _SERVER_GONE.match(state))
    return StoreUnreachable if lost else None
