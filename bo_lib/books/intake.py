"""At the door of the books: closed periods, events that wait for a person, and how they come back corrected.

Nothing is changed: a corrected event takes the place of the refused one, which is reversed, under the next version of its id.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
from pydantic import ValidationError

from bo_lib.books.book import Book, Refusal
from bo_lib.books.state import place_of
from bo_lib.model.events import Capital, Event, ManualJournal, Reversal, from_payload, to_payload
from bo_lib.model.findings import Finding, Outcome, Place, error
from bo_lib.model.money import ZERO
from bo_lib.model.tables import AMOUNT, DATE, TEXT, Column, Table, built

_FIXED = ("event_id", "fund", "kind", "source", "belongs_to")
# What a closed period may still send: kinds that carry their own quantity or amount. What depends on the position of its day
# (a dividend, a split), what the house makes itself (an accrual) and what a person books waits for a decision.
LATE_KINDS = frozenset(
    """trade settlement fx_deal payment transfer in_kind cash_in_lieu swap_payment rights_exercise option_exercise
    reversal""".split()
)

WAITING = Table("waiting_events", "events the books refused, until a person corrects or withdraws them", ("event_id",), (
    Column("event_id", TEXT, "the event", True),
    Column("kind", TEXT, "trade, settlement, …", True),
    Column("effective_date", DATE, "accounting date asked for", True),
    Column("code", TEXT, "why, to search for", True),
    Column("message", TEXT, "why, for people", True),
    Column("field", TEXT, "field meant"),
    Column("found", TEXT, "what stands there"),
    Column("expected", TEXT, "what the books can take"),
    Column("todo", TEXT, "what to do"),
    Column("file", TEXT, "SHA-256 of the source file"),
    Column("at", TEXT, "its line or element"),
))  # fmt: skip

ADJUSTMENTS = Table("prior_period_adjustments", "events of a closed period, booked in the first open one", ("event_id",), (
    Column("event_id", TEXT, "the event", True),
    Column("kind", TEXT, "trade, dividend, …", True),
    Column("belongs_to", DATE, "date of the closed period it is of", True),
    Column("booked_on", DATE, "first open accounting date", True),
    Column("reference", TEXT, "trade, deal or event reference"),
    Column("file", TEXT, "SHA-256 of the source file"),
    Column("debits_base", AMOUNT, "what it moved: debits of its journal lines in base currency; null before it is posted"),
))  # fmt: skip


@dataclass(frozen=True)
class Admitted:
    """What may be booked; ``refused`` waits; ``adjustments`` is a table ADJUSTMENTS."""

    events: tuple[Event, ...]
    refused: tuple[Refusal, ...]
    adjustments: pa.Table


def admit(events: Iterable[Event], closed_through: date | None, *, first_open: date | None = None) -> Admitted:
    """Events that may be booked while every day up to ``closed_through`` is closed (None: nothing is).

    One dated in the closed period is refused. With ``first_open`` (late items are taken) one of ``LATE_KINDS`` is booked on that
    day instead, with its own date in ``belongs_to`` and the other dates unchanged, and listed as a prior-period adjustment.
    Raises ``ValueError`` when ``first_open`` is closed itself.
    """
    if first_open and closed_through and first_open <= closed_through:
        raise ValueError(f"first open day {first_open} lies in the period closed through {closed_through}")
    good: list[Event] = []
    refused: list[Refusal] = []
    for event in events:
        if closed_through is None or _first_posting(event) > closed_through:
            good.append(event)
        elif first_open is None or event.kind not in LATE_KINDS:
            refused.append(Refusal(event, _closed(event, closed_through)))
        else:
            good.append(event.model_copy(update={"effective_date": first_open, "belongs_to": event.own_date}))
    return Admitted(tuple(good), tuple(refused), adjustments(good))


def _first_posting(event: Event) -> date:
    """Capital may be paid before its units are in the books; everything else posts from its effective date."""
    return min(event.effective_date, event.settlement_date) if isinstance(event, Capital) else event.effective_date


def adjustments(events: Iterable[Event] | Book) -> pa.Table:
    """Table ADJUSTMENTS of what was booked later than the closed period it is of, by day booked: of events, or of a book."""
    debits: dict[str, Decimal] = defaultdict(Decimal)
    if isinstance(events, Book):
        posted = list(events.lines())
        for entry, _, line in posted:
            debits[entry.event.event_id] += max(line.base, ZERO)
        events = {entry.event.event_id: entry.event for entry, _, _ in posted}.values()
    moved = sorted((e for e in events if e.belongs_to), key=lambda e: (e.effective_date, e.event_id))
    return built(ADJUSTMENTS, ({**_moved(e), "debits_base": debits.get(e.event_id)} for e in moved))


def _closed(event: Event, closed_through: date) -> Finding:
    said = {
        "found": str(event.effective_date), "expected": f"a day after {closed_through}",
        "todo": "correct it to a day of the open period, or have the period reopened by two people",
    }  # fmt: skip
    return error("period-closed", f"{event.kind} {event.event_id} is of a closed period", place_of(event, "effective_date"), **said)


def _moved(event: Event) -> dict[str, Any]:
    references = (getattr(event, name, "") for name in ("trade_id", "deal_id", "order_id", "event_ref", "reference"))
    return {
        "event_id": event.event_id, "kind": event.kind, "belongs_to": event.own_date, "booked_on": event.effective_date,
        "reference": next((name for name in references if name), None), "file": event.source.partition("#")[0] or None,
    }  # fmt: skip


def waiting(refused: Iterable[Refusal]) -> pa.Table:
    """Table WAITING of ``Book.refused`` (and of what ``admit`` refused), oldest first."""
    return built(WAITING, (
        {
            "event_id": r.event.event_id, "kind": r.event.kind, "effective_date": r.event.effective_date, "code": r.finding.code,
            "message": r.finding.message, "field": r.finding.place.field or None, "found": r.finding.found or None,
            "expected": r.finding.expected or None, "todo": r.finding.todo or None, "file": r.finding.place.sha256 or None,
            "at": r.finding.place.at or None,
        }
        for r in sorted(refused, key=lambda r: (r.event.effective_date, r.event.event_id))
    ))  # fmt: skip


def corrected(event: Event, changes: Mapping[str, Any], reason: str) -> Outcome[tuple[Event, ...]]:
    """A refused event with ``changes`` (field -> value, as text, decimal or date): its reversal and its next version.

    A field that the kind does not have, that identifies the event, or a value that does not fit is an error, and nothing is made.
    A manual journal is what two people signed: it is withdrawn and booked anew, never corrected.
    """
    if isinstance(event, ManualJournal):
        told, todo = f"{event.event_id} is what two people signed", "withdraw it, and have both sign another"
        return Outcome((), (error("journal-signed", told, place_of(event), found=", ".join(changes), todo=todo),))
    fields = [name for name in type(event).model_fields if name not in _FIXED]
    findings = [_unknown(event, name, fields) for name in changes if name not in fields]
    if not changes or not reason:
        findings.append(error("correction-empty", "a correction says what changes and why", place_of(event)))
    if findings:
        return Outcome((), tuple(findings))
    stem, _, version = event.event_id.rpartition("~")
    next_id = f"{stem}~{int(version) + 1}" if stem and version.isdigit() else f"{event.event_id}~2"
    try:
        new = from_payload({**to_payload(event), **changes, "event_id": next_id})
    except ValidationError as wrong:
        return Outcome((), tuple(
            error("value-unfit", one["msg"], place_of(event, ".".join(map(str, one["loc"][1:]))), found=str(one["input"]))
            for one in wrong.errors()
        ))  # fmt: skip
    return Outcome((withdrawn(event, reason), new))


def withdrawn(event: Event, reason: str) -> Reversal:
    """The reversal of an event that should not have come; it is of the event's own accounting date."""
    return Reversal(
        event_id=f"{event.event_id}~reversed", fund=event.fund, effective_date=event.effective_date, reverses=event.event_id,
        reason=reason, source=event.source,
    )  # fmt: skip


def _unknown(event: Event, name: str, fields: Sequence[str]) -> Finding:
    near = difflib.get_close_matches(name, fields, 1)
    expected = f"such as {near[0]}" if near else ", ".join(fields)
    return error("field-unknown", f"{event.kind} has no field {name!r} to correct", place_of(event, name), expected=expected)


def find_waiting(waits: Book | Iterable[Refusal], event_id: str) -> Outcome[Event | None]:
    """The event of that id among those that wait in a book or list; an error with the nearest id when there is none."""
    refused = {r.event.event_id: r.event for r in (waits.refused if isinstance(waits, Book) else waits)}
    if event := refused.get(event_id):
        return Outcome(event)
    near = difflib.get_close_matches(event_id, list(refused), 1, 0.5)
    there = f"such as {near[0]}" if near else ", ".join(sorted(refused)) or "nothing waits"
    said = {"found": event_id, "expected": there, "todo": "bo refused lists what waits"}
    return Outcome(None, (error("not-waiting", f"{event_id} does not wait for a correction", Place(), **said),))
