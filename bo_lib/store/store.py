"""The store of facts: append-only, two clocks, one hash chain a stream.

``seq`` is the order in which facts were committed and so the truth about what came first; ``known_at`` is the writer's
word for when it was known, and never goes back within the streams of one fund (``F``, ``F/release``, …). State is the fold of
the facts up to an effective date and up to a ``known_at``, or up to pinned chain heads where a run must see the very same
facts again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from bo_lib.model.findings import Outcome
from bo_lib.store.database import Database
from bo_lib.store.errors import ClockBehind, Conflict, StoreAltered, safe_url
from bo_lib.store.facts import GENESIS, Appended, Fact, Head, StoredFact, anchor_of, chain_hash, check_text, group_of, instant
from bo_lib.store.schema import CHAIN_HEAD, FACT
from bo_lib.store.verify import verified

Pins = Mapping[str, Sequence[Any]]  # stream -> (n, hash), as `heads()` gives them and as JSON keeps them
Witness = Callable[[Mapping[str, tuple[int, int]]], Fact]  # stream -> first and last n that an append has added
CLOCK_BEHIND_SECONDS_MAX = 120  # writers wait for each other, and the clocks of a team's machines differ
_BATCH = 500  # ids in one question to the database
_COLUMNS = [FACT.c[name] for name in StoredFact.__dataclass_fields__]
_CONTENT = ("stream", "kind", "entity", "effective_date", "payload")


class Store:
    """Facts on SQLite or PostgreSQL. Safe to use from several threads and processes; every call is its own transaction.

    ``witness`` makes a fact about what an append has added; it is added in the same transaction, so both stand or neither.
    Raises ``StoreUnreachable``, ``StoreLocked`` and ``StoreFull`` from any method.
    """

    witness: Witness | None = None

    def __init__(self, url: str, wait_seconds: float = 30) -> None:
        """``url``: ``sqlite:///books.sqlite`` or ``postgresql+psycopg://user@host/db``; waits so long for other writers."""
        self._database = Database(url, wait_seconds)

    @classmethod
    def open(cls, url: str, wait_seconds: float = 30) -> Store:
        """The store at ``url``; its tables are made when they are not there."""
        return cls(url, wait_seconds)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._database.close()

    @property
    def url(self) -> str:
        """Where the facts are, without password."""
        return safe_url(self._database.url)

    def append(self, facts: Iterable[Fact], actor: str, known_at: str, *, carried: bool = False) -> Appended:
        """Write facts, all or none. One that is there already with the same content is left alone.

        ``known_at`` is an ISO-8601 time with offset. One that lies a little before the last fact of a fund, or a simulated one
        that does (``carried``: history is carried late), is taken as that fact's; any other is refused: nothing is put into the
        past. Raises ``Conflict`` when an id is taken by a fact with other content, ``ClockBehind`` (nothing is written then), and
        ``ValueError`` for a time or actor that cannot be used.
        """
        given, time = list(facts), instant(known_at)
        check_text("actor", actor)
        with self._database.write() as connection:
            done = _contents(connection, [fact.id for fact in given])
            ends, last = _ends(connection, {fact.stream for fact in given})
            appended, rows = Appended([], []), list[dict[str, Any]]()

            def add(fact: Fact, content: dict[str, str]) -> None:
                whose = group_of(fact.stream)
                last[whose] = _later(time, last.get(whose, ""), whose, carried)
                rows.append(_row(fact, content, actor, last[whose], ends.get(fact.stream, Head(0, GENESIS))))
                ends[fact.stream] = Head(rows[-1]["n"], rows[-1]["hash"])

            for fact in given:
                content = _content(fact)
                if (there := done.get(fact.id)) is not None:
                    _same_or_conflict(fact.id, there, content)
                    appended.already.append(fact.id)
                    continue
                add(fact, content)
                done[fact.id] = content
                appended.new.append(fact.id)
            if rows and self.witness:
                noted = self.witness(_added(rows))
                there_too, then = _ends(connection, {noted.stream})
                ends, last = {**there_too, **ends}, {**then, **last}
                add(noted, _content(noted))
            _insert(connection, rows, ends)
        return appended

    def facts(
        self,
        kind: str | None = None,
        *,
        stream: str | None = None,
        entity: str | None = None,
        effective_until: date | None = None,
        known_until: str | None = None,
        heads: Pins | None = None,
    ) -> list[StoredFact]:
        """Facts in the order of their commits, each condition narrowing.

        ``kind`` takes that kind and all below it (``event`` takes ``event.trade``). ``heads`` pins the chains: only facts up
        to each stream's head, of no other stream; raises ``StoreAltered`` when the store does not hold these heads.
        """
        where = _where(kind, stream, entity, effective_until, known_until, heads)
        with self._database.read() as connection:
            _check_pins(connection, heads or {})
            return [_stored(row) for row in connection.execute(sa.select(*_COLUMNS).where(*where).order_by(FACT.c.seq))]

    def hashes(self, kind: str | None = None, *, stream: str, effective_until: date | None = None, without: str = "") -> list[str]:
        """The hashes of a stream's facts, as ``facts`` would find them: whether anything was added, without reading what it says.

        ``without`` leaves out the kinds that begin so.
        """
        where = _where(kind, stream, None, effective_until, None, None)
        where += [sa.not_(FACT.c.kind.startswith(without, autoescape=True))] if without else []
        with self._database.read() as connection:
            return [row.hash for row in connection.execute(sa.select(FACT.c.hash).where(*where).order_by(FACT.c.seq))]

    def latest(
        self,
        kind: str,
        *,
        stream: str | None = None,
        entity: str | None = None,
        effective_until: date | None = None,
        known_until: str | None = None,
        heads: Pins | None = None,
    ) -> list[StoredFact]:
        """The fact in force for each (stream, entity): latest effective date, and of those the last one committed.

        Conditions as in ``facts``; ``kind`` with all kinds below it counts as one history (``break.opened``, ``break.closed``).
        """
        where = _where(kind, stream, entity, effective_until, known_until, heads)
        newest = [FACT.c.effective_date.desc(), FACT.c.seq.desc()]
        rank = sa.func.row_number().over(partition_by=[FACT.c.stream, FACT.c.entity], order_by=newest).label("rank")
        ranked = sa.select(*_COLUMNS, rank).where(*where).subquery()
        chosen = sa.select(*(ranked.c[column.name] for column in _COLUMNS)).where(ranked.c.rank == 1).order_by(ranked.c.seq)
        with self._database.read() as connection:
            _check_pins(connection, heads or {})
            return [_stored(row) for row in connection.execute(chosen)]

    def heads(self) -> dict[str, Head]:
        """Where each stream's chain ends. A run pins these, so that it can be run again on the very same facts."""
        with self._database.read() as connection:
            return _heads(connection)

    def anchor(self) -> str:
        """One hash over all chain heads, to be kept outside (printed in a pack, mailed to the auditor)."""
        return anchor_of(self.heads())

    def verify(self, stream: str | None = None, now: str = "") -> Outcome[int]:
        """Recompute the chains (or one). Value: facts that stand; findings: the first broken place of each stream.

        With ``now`` (ISO 8601) a fact that says it is known later than that is one too.
        """
        with self._database.read() as connection:
            return verified(connection, stream, self.url, instant(now) if now else "")


def _content(fact: Fact) -> dict[str, str]:
    """What makes two facts of one id the same: all but who wrote it and when."""
    return {
        "stream": fact.stream,
        "kind": fact.kind,
        "entity": fact.entity,
        "effective_date": fact.effective_date.isoformat(),
        "payload": fact.payload_text,
    }


def _row(fact: Fact, content: dict[str, str], actor: str, known_at: str, head: Head) -> dict[str, Any]:
    row: dict[str, Any] = {**content, "id": fact.id, "n": head.n + 1, "known_at": known_at, "actor": actor, "prev_hash": head.hash}
    row["hash"] = chain_hash(row, head.hash)
    return row


def _later(time: str, last: str, whose: str, carried: bool) -> str:
    """The time at which a fact becomes known after one of ``last``."""
    if time < last and not carried and _seconds(time, last) > CLOCK_BEHIND_SECONDS_MAX:
        raise ClockBehind(
            f"{whose}: the time {time} lies before that of its last fact, {last}; nothing was written, as facts are not put into "
            f"the past. Take BO_CLOCK away or set this machine's clock, and repeat; if the last fact's time is the wrong one, "
            f"bo verify says whose it is"
        )
    return max(time, last)


def _seconds(first: str, last: str) -> float:
    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()


def _added(rows: list[dict[str, Any]]) -> dict[str, tuple[int, int]]:
    places: dict[str, list[int]] = {}
    for row in rows:
        places.setdefault(row["stream"], []).append(row["n"])
    return {stream: (min(ns), max(ns)) for stream, ns in places.items()}


def _same_or_conflict(fact_id: str, there: Mapping[str, str], given: Mapping[str, str]) -> None:
    differ = [name for name in _CONTENT if there[name] != given[name]]
    if differ:
        told = "; ".join(_difference(name, there[name], given[name]) for name in differ)
        raise Conflict(
            f"fact {fact_id} is kept with other content ({told}). Nothing was written. "
            f"Facts are not changed: if the new one is right, add it under its own id as a reversal or a superseding fact"
        )


def _difference(name: str, there: str, given: str) -> str:
    if name != "payload":
        return f"{name}: kept {there}, given {given}"
    kept, new = json.loads(there), json.loads(given)
    keys = [key for key in sorted({*kept, *new}) if kept.get(key) != new.get(key) or (key in kept) != (key in new)]
    return "; ".join(
        f"payload.{key}: kept {kept.get(key, 'nothing')!r}, given {new.get(key, 'nothing')!r}"[:400] for key in keys[:5]
    )


def _contents(connection: sa.Connection, ids: list[str]) -> dict[str, dict[str, str]]:
    asked = sa.select(FACT.c.id, *(FACT.c[name] for name in _CONTENT))
    found: dict[str, dict[str, str]] = {}
    for start in range(0, len(ids), _BATCH):
        for fact_id, *content in connection.execute(asked.where(FACT.c.id.in_(ids[start : start + _BATCH]))):
            found[fact_id] = dict(zip(_CONTENT, content, strict=True))
    return found


def _heads(connection: sa.Connection) -> dict[str, Head]:
    asked = sa.select(CHAIN_HEAD.c.stream, CHAIN_HEAD.c.n, CHAIN_HEAD.c.hash).order_by(CHAIN_HEAD.c.stream)
    return {stream: Head(n, hash_) for stream, n, hash_ in connection.execute(asked)}


def _ends(connection: sa.Connection, streams: set[str]) -> tuple[dict[str, Head], dict[str, str]]:
    """The ends of the streams of the same funds as these, and of each fund the time of its last fact."""
    last = sa.and_(FACT.c.stream == CHAIN_HEAD.c.stream, FACT.c.n == CHAIN_HEAD.c.n)
    asked = sa.select(CHAIN_HEAD.c.stream, CHAIN_HEAD.c.n, CHAIN_HEAD.c.hash, FACT.c.known_at).join(FACT, last)
    whose = {group_of(stream) for stream in streams}
    if len(whose) <= _BATCH:  # "0" is the character after "/"
        own = (
            sa.or_(CHAIN_HEAD.c.stream == g, sa.and_(CHAIN_HEAD.c.stream > f"{g}/", CHAIN_HEAD.c.stream < f"{g}0")) for g in whose
        )
        asked = asked.where(sa.or_(sa.false(), *own))
    ends, times = dict[str, Head](), dict[str, str]()
    for stream, n, hash_, known_at in connection.execute(asked):
        ends[stream] = Head(n, hash_)
        times[group_of(stream)] = max(known_at, times.get(group_of(stream), ""))
    return ends, times


def _insert(connection: sa.Connection, rows: list[dict[str, Any]], ends: Mapping[str, Head]) -> None:
    if not rows:
        return
    connection.execute(FACT.insert(), rows)
    begun = {row["stream"] for row in rows if row["n"] == 1}
    for stream in dict.fromkeys(row["stream"] for row in rows):
        head = {"n": ends[stream].n, "hash": ends[stream].hash}
        if stream in begun:
            connection.execute(CHAIN_HEAD.insert().values(stream=stream, **head))
        else:
            connection.execute(CHAIN_HEAD.update().where(CHAIN_HEAD.c.stream == stream).values(**head))


def _where(
    kind: str | None,
    stream: str | None,
    entity: str | None,
    effective_until: date | None,
    known_until: str | None,
    heads: Pins | None,
) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if kind is not None:  # "/" is the character after "."
        found.append(sa.or_(FACT.c.kind == kind, sa.and_(FACT.c.kind > f"{kind}.", FACT.c.kind < f"{kind}/")))
    if stream is not None:
        found.append(FACT.c.stream == stream)
    if entity is not None:
        found.append(FACT.c.entity == entity)
    if effective_until is not None:
        found.append(FACT.c.effective_date <= effective_until.isoformat())
    if known_until is not None:
        found.append(FACT.c.known_at <= instant(known_until))
    if heads is not None:
        last = sa.case({name: pin[0] for name, pin in heads.items()}, value=FACT.c.stream, else_=0) if heads else sa.literal(0)
        found.append(FACT.c.n <= last)
    return found


def _check_pins(connection: sa.Connection, pins: Pins) -> None:
    asked = [(stream, pin[0]) for stream, pin in pins.items() if pin[0]]
    kept: dict[str, str] = {}
    for start in range(0, len(asked), _BATCH):
        places = sa.tuple_(FACT.c.stream, FACT.c.n).in_(asked[start : start + _BATCH])
        found = connection.execute(sa.select(FACT.c.stream, FACT.c.hash).where(places))
        kept |= {row.stream: row.hash for row in found}
    for stream, n in asked:
        if kept.get(stream) != pins[stream][1]:
            raise StoreAltered(
                f"stream {stream}: fact {n} should have hash {pins[stream][1]}, found {kept.get(stream, 'no such fact')}. "
                f"This is another store than the one these heads were read from, or it was altered: verify it, or restore the copy"
            )


@lru_cache(maxsize=4096)
def _date(text: str) -> date:
    return date.fromisoformat(text)


def _stored(row: sa.Row[Any]) -> StoredFact:
    fact_id, stream, kind, entity, effective_date, payload, *chain = tuple(row)
    try:
        return StoredFact(fact_id, stream, kind, entity, _date(effective_date), json.loads(payload), *chain)
    except ValueError as wrong:
        raise StoreAltered(
            f"fact {fact_id} of stream {stream} cannot be read ({wrong}): it was altered; verify the store"
        ) from None
