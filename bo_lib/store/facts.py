"""A fact, its canonical form and its link in the audit chain.

The hash of a fact is SHA-256 over the UTF-8 bytes of ``prev_hash + "\\n" + text``, where ``text`` is the canonical JSON
(keys sorted, no spaces, ASCII) of ``{actor, effective_date, entity, id, kind, known_at, n, payload, stream}`` and
``payload`` is the payload's own canonical JSON, kept as one string. The first fact of a stream follows ``GENESIS``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

GENESIS = "0" * 64
LENGTH_MAX = 400  # characters of an id, stream, kind or entity: they are indexed


class Head(NamedTuple):
    """The end of a stream's chain: how many facts it has, and the hash of the last."""

    n: int
    hash: str


@dataclass(frozen=True)
class Fact:
    """Something that was learned. ``id`` is its idempotency key: the same id is never stored twice.

    ``stream`` is whose chain it joins (a fund, ``market``…), ``kind`` a dotted name (``event.trade``, ``break.opened``),
    ``entity`` what it is about (an ISIN, a break, a trade; may be empty), ``effective_date`` the business date it counts from.
    ``payload`` is plain JSON without floats: decimals and dates are strings. Raises ``ValueError`` or ``TypeError`` otherwise.
    """

    id: str
    stream: str
    kind: str
    entity: str
    effective_date: date
    payload: dict[str, Any]

    def __post_init__(self) -> None:
        for name in ("id", "stream", "kind"):
            check_text(name, getattr(self, name))
        check_text("entity", self.entity, may_be_empty=True)
        if type(self.effective_date) is not date:
            raise TypeError(f"fact {self.id}: effective_date is a date, not {self.effective_date!r}")
        _check_json(self.payload, f"fact {self.id}: payload")

    @property
    def payload_text(self) -> str:
        return canonical(self.payload)


@dataclass(frozen=True)
class StoredFact(Fact):
    """A fact as the store keeps it.

    ``seq`` orders all facts as they were committed, ``n`` counts from 1 within the stream, ``known_at`` is the writer's
    time (UTC, microseconds) and ``actor`` who wrote it; ``prev_hash`` and ``hash`` are its links in the chain.
    """

    seq: int
    n: int
    known_at: str
    actor: str
    prev_hash: str
    hash: str

    def __post_init__(self) -> None:
        """Checked when it was appended."""


class Appended(NamedTuple):
    """What an append did: ids written, and ids that were there already with the same content."""

    new: list[str]
    already: list[str]


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def chain_hash(row: Mapping[str, Any], prev_hash: str) -> str:
    """The hash of a fact's row (payload as text) that follows ``prev_hash``; the module's docstring gives the formula."""
    named = ("actor", "effective_date", "entity", "id", "kind", "known_at", "n", "payload", "stream")
    text = canonical({name: row[name] for name in named})
    return hashlib.sha256(f"{prev_hash}\n{text}".encode()).hexdigest()


def group_of(stream: str) -> str:
    """Whose stream it is: ``F`` of ``F`` and ``F/release``. Time goes forward within a group."""
    return stream.partition("/")[0]


def anchor_of(heads: Mapping[str, Head]) -> str:
    """One hash over all chain heads: print it in a pack, and any later change of any fact before it can be shown."""
    text = canonical([[stream, *heads[stream]] for stream in sorted(heads)])
    return hashlib.sha256(text.encode()).hexdigest()


def instant(text: str) -> str:
    """An ISO-8601 time with offset as ``2026-06-30T18:00:00.000000Z``: fixed width, so that text order is time order.

    Raises ``ValueError`` for anything else, also for a time without offset.
    """
    try:
        time = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        time = None
    if time is None or time.tzinfo is None:
        raise ValueError(f"expected an ISO-8601 time in UTC such as 2026-06-30T18:00:00Z, found {text!r}")
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def check_text(name: str, value: str, *, may_be_empty: bool = False) -> None:
    """``ValueError`` unless ``value`` is printable text of 1 (or 0) to ``LENGTH_MAX`` characters."""
    if not isinstance(value, str) or not value.isprintable() or len(value) > LENGTH_MAX or not (value or may_be_empty):
        raise ValueError(f"{name}: expected printable text of at most {LENGTH_MAX} characters, found {value!r}")


def _check_json(value: Any, where: str) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"{where}: the key {key!r} is not text")
            _check_json(item, f"{where}.{key}")
    elif isinstance(value, list):
        for i, item in enumerate(value):
            _check_json(item, f"{where}[{i}]")
    elif not (value is None or isinstance(value, str | int)):
        raise TypeError(f"{where} is {value!r} ({type(value).__name__}); write decimals and dates as text, never a float")
