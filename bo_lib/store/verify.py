"""The audit of the chains: every fact's hash computed anew, in order, up to the head, and no fact dated back."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from bo_lib.model.findings import Finding, Outcome, Place, error
from bo_lib.store.facts import GENESIS, Head, chain_hash, group_of
from bo_lib.store.schema import CHAIN_HEAD, FACT

_TODO = "keep the file as evidence, find out who could write to it, and restore the last copy that verifies"
_COLUMNS = [FACT.c[name] for name in FACT.c.keys() if name != "stream"]  # noqa: SIM118  not a dict


def verified(connection: sa.Connection, stream: str | None, url: str, now: str) -> Outcome[int]:
    """How many facts stand in all chains (or one), and the first broken place of each stream that does not verify."""
    with _any_bytes(connection):
        heads = {name: Head(n, hash_) for name, n, hash_ in connection.execute(sa.select(CHAIN_HEAD))}
        streams = [stream] if stream is not None else sorted({*heads, *connection.scalars(sa.select(FACT.c.stream).distinct())})
        results = {name: _chain(connection, name, heads.get(name), url) for name in streams}
        sound = [name for name, result in results.items() if result.ok]
        mistimed = tuple(_mistimed(connection, sound, url, now))
    return Outcome(sum(r.value for r in results.values()), (*(f for r in results.values() for f in r.findings), *mistimed))


def _chain(connection: sa.Connection, stream: str, head: Head | None, url: str) -> Outcome[int]:
    n, previous, seq = 0, GENESIS, 0
    asked = sa.select(*_COLUMNS).where(FACT.c.stream == stream).order_by(FACT.c.n)
    rows = connection.execute(asked.execution_options(yield_per=2000))
    for row in rows.mappings():
        kept = {"stream": stream, **row}
        if broken := _broken(kept, n + 1, previous, seq):
            rows.close()
            code, message, expected, found = broken
            return Outcome(n, (_finding(code, message, Place(url, f"{stream} fact {n + 1}"), expected, found),))
        n, previous, seq = n + 1, kept["hash"], kept["seq"]
    if head == Head(n, previous) or (head is None and n == 0):
        return Outcome(n)
    end = f"fact {head.n} with hash {head.hash}" if head else "no head"
    cut = head is not None and head.n > n
    code, message = ("chain-cut", "facts are missing at the end") if cut else ("chain-head", "the head is not the end")
    return Outcome(n, (_finding(code, message, Place(url, f"{stream} head"), end, f"fact {n} with hash {previous}"),))


def _broken(row: dict[str, Any], n: int, previous: str, seq: int) -> tuple[str, str, str, str] | None:
    """Code, message, expected and found of what is wrong with the fact that should be the n-th."""
    if row["n"] != n:
        return "chain-gap", "a fact is missing", f"fact {n}", f"fact {row['n']}, {row['id']}"
    if row["prev_hash"] != previous:
        return "chain-link", f"fact {row['id']} does not follow the one before", previous, str(row["prev_hash"])
    try:
        computed = chain_hash(row, previous)
    except (TypeError, ValueError) as wrong:
        computed = f"none ({wrong})"
    if row["hash"] != computed:
        return "chain-content", f"fact {row['id']} was altered after it was written", str(row["hash"]), computed
    if row["seq"] <= seq:
        return "chain-order", f"fact {row['id']} was moved before its predecessor", f"seq after {seq}", str(row["seq"])
    return None


def _mistimed(connection: sa.Connection, streams: list[str], url: str, now: str) -> Iterator[Finding]:
    """The first fact of each fund whose time goes back in the order of commits, or lies ahead of ``now``."""
    asked = sa.select(FACT.c.stream, FACT.c.n, FACT.c.id, FACT.c.actor, FACT.c.known_at).order_by(FACT.c.seq)
    last: dict[str, str] = {}
    told: set[str] = set()
    for stream, n, fact_id, actor, known_at in connection.execute(asked.execution_options(yield_per=2000)):
        group = group_of(stream)
        if stream not in streams or group in told:
            continue
        before, whose, place = last.get(group, ""), f"fact {fact_id}, written by {actor},", Place(url, f"{stream} fact {n}")
        last[group] = max(known_at, before)
        if known_at < before:
            said = f"{whose} says it was known before one that was there already: it was dated back, or that one ahead"
            yield _finding("chain-dated-back", said, place, f"{before} or later", known_at)
        elif now and known_at > now:
            said = f"{whose} says it was known at a time that is still to come"
            yield _finding("chain-dated-ahead", said, place, f"{now} or earlier", known_at)
        else:
            continue
        told.add(group)


def _finding(code: str, message: str, place: Place, expected: str, found: str) -> Finding:
    return error(code, message, place, expected=expected, found=found, todo=_TODO)


@contextlib.contextmanager
def _any_bytes(connection: sa.Connection) -> Iterator[None]:
    """Altered text need not be UTF-8: SQLite then gives bytes that hash to something else instead of an error."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        yield
        return
    driver.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        driver.text_factory = str
