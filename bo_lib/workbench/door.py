"""The door of the books: on which date an event enters, and what waits for a person instead.

A period that is hard closed takes nothing: what comes late with a quantity or amount of its own enters on the first open day as
a prior-period adjustment and keeps its own date; everything else waits. What waits is corrected by adding: the author and the
time of a correction are those of its fact. A manual journal enters when a second person has approved the proposal of its maker.

A period that is soft closed takes nothing by one person: what comes for it waits as a proposal by whoever brought it, and a
second person posts it, has it booked on the first day after the period, or rejects it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from bo_lib import config
from bo_lib.books import LATE_KINDS, Admitted, Refusal, admit, corrected, find_waiting, withdrawn
from bo_lib.books.state import place_of
from bo_lib.model import dates, events
from bo_lib.model.findings import Finding, Outcome, Place, error
from bo_lib.model.four_eyes import Proposal
from bo_lib.model.identifiers import same_person
from bo_lib.store import Fact
from bo_lib.store.store import Pins
from bo_lib.workbench.inbox import finding_of, finding_payload
from bo_lib.workbench.office import Office
from bo_lib.workbench.proposals import Proposals

PERIOD, REFUSAL, CORRECTION = "period", "refusal", "correction"
LOCKS = ("open", "soft", "hard")
JOURNAL, CORRECT, WITHDRAW, POST = "journal", "correct", "withdraw", "post"  # what may be proposed


class Door:
    """The door of one fund's books, with the facts as they are now."""

    def __init__(self, office: Office, fund: config.Fund) -> None:
        self.office, self.fund = office, fund
        stored = [events.from_payload(f.payload) for f in office.store.facts("event", stream=fund.id)]
        self.stored = {event.event_id: event for event in stored}
        self.dead = {event.reverses for event in stored if isinstance(event, events.Reversal)}
        self.proposals = Proposals(office, fund.id)

    # Periods

    @cached_property
    def closed_through(self) -> date | None:
        """The last day of the last period that is hard closed; None where none is."""
        return self._last("hard")

    @cached_property
    def soft_through(self) -> date | None:
        """The last day of the last period that is soft or hard closed; None where none is."""
        return self._last("soft", "hard")

    def _last(self, *locks: str) -> date | None:
        newest = {f.entity: f.payload for f in self.office.store.facts(PERIOD, stream=self.fund.id)}
        return max((date.fromisoformat(p["through"]) for p in newest.values() if p["lock"] in locks), default=None)

    @property
    def first_open(self) -> date | None:
        return self._day_after(self.closed_through)

    def _day_after(self, closed: date | None) -> date | None:
        return closed and dates.add_business_days(closed, 1, self.fund.calendar)

    def lock(self, through: date, lock: str, reason: str) -> None:
        """Records that the month ending ``through`` is now ``lock`` (one of ``LOCKS``). Raises ``KeyError`` for another word."""
        if lock not in LOCKS:
            raise KeyError(f"no lock {lock!r}; known: {', '.join(LOCKS)}")
        month = f"{through:%Y-%m}"
        count = len(self.office.store.facts(PERIOD, stream=self.fund.id, entity=month))
        payload = {"period": month, "through": through.isoformat(), "lock": lock, "reason": reason}
        fact_id = f"{PERIOD}:{self.fund.id}:{month}:{count + 1}"
        self._append([Fact(fact_id, self.fund.id, f"{PERIOD}.{lock}", month, through, payload)])
        for name in ("closed_through", "soft_through"):
            self.__dict__.pop(name, None)

    # In

    def enter(self, new: Sequence[events.Event]) -> int:
        """Adds events; one that is known with other content is reversed and replaced by its next version. Returns how many.

        What may not enter is kept as refused, what is of a soft closed period as a proposal; both count nothing.
        """
        facts = [fact for event in new for fact in self._entering(event)]
        self._append(facts)
        return sum(not fact.kind.startswith(REFUSAL) for fact in facts)

    def _entering(self, event: events.Event) -> Iterator[Fact]:
        signed, unsigned = self._signed(event)
        versions = list(self._versions(signed))
        admitted = self.admitted(versions)
        refused = admitted.refused or [Refusal(new, unsigned) for new in versions if unsigned]
        if refused:
            yield from self._refused(versions[-1], refused[-1])
        elif versions and not isinstance(event, events.ManualJournal) and self.needs_leave(admitted.events):
            self._propose_late(versions[-1], event)
        else:
            yield from map(_fact, admitted.events)

    def needs_leave(self, made: Iterable[events.Event]) -> bool:
        """True when one of these is of a soft closed period, which takes nothing by one person."""
        return bool(admit(made, self.soft_through).refused)

    def _propose_late(self, new: events.Event, event: events.Event) -> None:
        """Proposes to post what came for a soft closed period; another version of what waits takes its place."""
        said = [p for p in self.proposals.known.values() if p.action == POST and p.about == new.event_id]
        content = _content(event)
        if any(p.state != "approved" and _content(events.from_payload(p.content["event"])) == content for p in said):
            return
        for p in said:
            if p.state == "waiting":
                self.proposals.reject(p.id, "another version came")
        text = f"came after {self.soft_through:%Y-%m} was soft closed"
        self.proposals.make(POST, new.event_id, {"event": events.to_payload(event)}, text, new.effective_date)

    def _signed(self, event: events.Event) -> tuple[events.Event, Finding | None]:
        """A manual journal with the two people of its proposal; a letter where nobody proposed it so, or others did."""
        if not isinstance(event, events.ManualJournal):
            return event, None
        there = (p for p in self.proposals.known.values() if p.state == "approved" and p.action == JOURNAL)
        p = next((p for p in there if same_journal(p, event)), None)
        typed = f"{event.maker or 'nobody'} and {event.checker or 'nobody'}"
        if p is None:
            told = f"manual journal {event.event_id}: no second person has approved its proposal"
            todo = "propose it with bo proposals journal, have it approved, and withdraw this one"
            said = error(
                "journal-unapproved", told, place_of(event, "checker"), found=typed, expected="a proposal, approved", todo=todo
            )
            return event, said
        if event.maker and not (same_person(event.maker, p.by) and same_person(event.checker, p.checker)):
            told, todo = f"manual journal {event.event_id} names others than its proposal", "leave maker and checker out"
            return event, error(
                "journal-signers", told, place_of(event), found=typed, expected=f"{p.by} and {p.checker}", todo=todo
            )
        return event.model_copy(update={"maker": p.by, "checker": p.checker}), None

    def admitted(self, made: Sequence[events.Event], soft: bool = False) -> Admitted:
        """What may enter now; what is made of one event enters whole or not at all. ``soft``: soft closed periods take nothing."""
        through = self.soft_through if soft else self.closed_through
        late = all(self._may_come_late(event) for event in made)
        return admit(made, through, first_open=self._day_after(through) if late else None)

    def _may_come_late(self, event: events.Event) -> bool:
        target = self.stored.get(event.reverses) if isinstance(event, events.Reversal) else event
        return target is None or target.kind in LATE_KINDS

    def _versions(self, event: events.Event) -> Iterator[events.Event]:
        """The event under the version that is free, behind the reversal of the one it replaces; nothing when it is known.

        What a person has corrected or withdrawn is not put back when its source says the same again; something else comes in.
        """
        version, event_id, stands = 1, event.event_id, None
        while event_id in self.corrected or event_id in self.stored:
            if event_id in self.corrected:
                if any(_content(said) == _content(event) for said in self._said(event_id)):
                    return
            elif event_id not in self.dead:
                stands = self.stored[event_id]
                if _content(stands) == _content(event):
                    return
            version += 1
            event_id = f"{event.event_id}~{version}"
        if stands:
            yield withdrawn(stands, "replaced by a corrected version").model_copy(update={"source": ""})
        yield event.model_copy(update={"event_id": event_id})

    # What waits

    @cached_property
    def corrected(self) -> set[str]:
        """Ids of the events that a person has corrected."""
        return {f.entity for f in self.office.store.facts(CORRECTION, stream=self.fund.id)}

    def _said(self, event_id: str) -> Iterator[events.Event]:
        """What came under this id: into the books, or as far as their door."""
        if event_id in self.stored:
            yield self.stored[event_id]
        for fact in self.office.store.facts(REFUSAL, stream=self.fund.id, entity=event_id):
            yield events.from_payload(fact.payload["event"])

    def _refused(self, event: events.Event, refusal: Refusal) -> Iterator[Fact]:
        before = self.office.store.facts(REFUSAL, stream=self.fund.id, entity=event.event_id)
        payload = {"event": events.to_payload(event), "finding": finding_payload(refusal.finding)}
        if not before or before[-1].payload["event"] != payload["event"]:
            fact_id = f"{REFUSAL}:{event.event_id}:{len(before) + 1}"
            yield Fact(fact_id, self.fund.id, REFUSAL, event.event_id, event.effective_date, payload)

    def correct(
        self, waits: Iterable[Refusal], event_id: str, changes: Mapping[str, Any], reason: str, **leave: str
    ) -> Outcome[events.Event | None]:
        """Adds the next version of an event that waits or stands, behind its reversal, with ``reason``; the value is that version.

        When it may not enter either, it waits in place of the first, and the finding says why. ``leave``: what allows it, kept with
        the correction: the ``proposal`` a second person approved, or ``value_base`` and ``limit_base`` of what one may do alone.
        """
        found = self.find(waits, event_id)
        if not found.value:
            return found
        made = corrected(found.value, changes, reason)
        if not made.value:
            return Outcome(None, made.findings)
        admitted = self.admitted([made.value[1]])
        self._append(self._correcting(found.value, made.value[1], changes, reason, leave))
        return Outcome(made.value[1], tuple(refusal.finding for refusal in admitted.refused))

    def withdraw(self, waits: Iterable[Refusal], event_id: str, reason: str, **leave: str) -> Outcome[events.Event | None]:
        """Takes back an event that waits or stands and should never have come, with ``reason``; the value is the event."""
        found = self.find(waits, event_id)
        if found.value and not reason:
            said = error("correction-empty", "a withdrawal says why", Place(f"{found.value.kind} {event_id}"), todo="--reason TEXT")
            return Outcome(None, (said,))
        if found.value:
            self._append(self._correcting(found.value, found.value, {}, reason, leave))
        return found

    def find(self, waits: Iterable[Refusal], event_id: str) -> Outcome[events.Event | None]:
        """The event of that id that waits, or stands in the books; a letter with the nearest that waits."""
        event = self.stored.get(event_id)
        gone = event_id in self.dead | self.corrected or isinstance(event, events.Reversal)
        return Outcome(event) if event and not gone else find_waiting(waits, event_id)

    def _correcting(
        self, event: events.Event, new: events.Event, changes: Mapping[str, Any], reason: str, leave: Mapping[str, str]
    ) -> list[Fact]:
        """The decision, the reversal of what stands, and the next version (``new`` is the event itself: there is none)."""
        facts = [
            *self._decided(event.event_id, changes, reason, new, leave),
            *map(_fact, self._taken_back(withdrawn(event, reason))),
        ]
        if new is not event:
            admitted = self.admitted([new])
            facts += map(_fact, admitted.events)
            facts += [fact for refusal in admitted.refused for fact in self._refused(new, refusal)]
        return facts

    # What two people decide

    def propose(
        self, action: str, event: events.Event, text: str, value_base: Decimal | None, new: events.Event | None = None,
        changes: Mapping[str, Any] | None = None,
    ) -> Outcome[Proposal | None]:  # fmt: skip
        """Proposes to book a JOURNAL, to WITHDRAW an event, or to CORRECT it to ``new`` by ``changes``.

        ``value_base``: what it moves in base currency, None where nobody knows.
        """
        content = {"event": events.to_payload(event), "changes": {k: str(v) for k, v in (changes or {}).items()}}
        content |= {"new": events.to_payload(new)} if new else {}
        return self.proposals.make(action, event.event_id, content, text, event.effective_date, value_base)

    def approve(self, name: str, text: str = "") -> Outcome[Proposal | None]:
        """What waits under this id, or about this event, is done: a second person agrees to it."""
        return self.proposals.approve(name, text, self._carried_out)

    def defer(self, name: str, text: str = "") -> Outcome[Proposal | None]:
        """What waits to be posted to a soft closed period is booked on the first day after it: a second person agrees to that."""

        def carried_out(p: Proposal) -> Outcome[Sequence[Fact]]:
            if p.action == POST:
                return self._posting(p, soft=True)
            todo = "approve or reject it: bo proposals"
            return Outcome((), (error("proposal-other", f"{p.action} {p.about} is no late posting", found=p.id, todo=todo),))

        return self.proposals.approve(name, text, carried_out)

    def _posting(self, p: Proposal, soft: bool = False) -> Outcome[Sequence[Fact]]:
        """The versions that are due by now; nothing when the event has come in another way since."""
        admitted = self.admitted(list(self._versions(events.from_payload(p.content["event"]))), soft)
        return Outcome([_fact(e) for e in admitted.events], tuple(r.finding for r in admitted.refused))

    def _carried_out(self, p: Proposal) -> Outcome[Sequence[Fact]]:
        if p.action == POST:
            return self._posting(p)
        event = events.from_payload(p.content["event"])
        if p.action == JOURNAL:
            signed = event.model_copy(update={"maker": p.by, "checker": self.office.actor})
            admitted = self.admitted([signed])
            return Outcome([_fact(e) for e in admitted.events], tuple(r.finding for r in admitted.refused))
        if event.event_id in self.corrected:
            told = f"{event.event_id} was corrected or withdrawn since"
            return Outcome((), (error("proposal-overtaken", told, place_of(event), todo="reject the proposal"),))
        new = events.from_payload(p.content["new"]) if p.action == CORRECT else event
        return Outcome(self._correcting(event, new, p.content["changes"], p.text, {"proposal": p.id}))

    def _decided(
        self, event_id: str, changes: Mapping[str, Any], reason: str, new: events.Event, leave: Mapping[str, str]
    ) -> Iterator[Fact]:
        """What was decided about an event, and under which id it goes on (its own: not at all)."""
        said = {"event_id": event_id, "next_id": new.event_id, "changes": {k: str(v) for k, v in changes.items()}, "reason": reason}
        said |= leave
        yield Fact(f"{CORRECTION}:{event_id}", self.fund.id, CORRECTION, event_id, new.effective_date, said)

    def _taken_back(self, reversal: events.Event) -> tuple[events.Event, ...]:
        """The reversal of what stands in the books, refused there; what was refused at the door needs none."""
        stands = isinstance(reversal, events.Reversal) and reversal.reverses in self.stored
        return admit([reversal], self.closed_through, first_open=self.first_open).events if stands else ()

    def _append(self, facts: Sequence[Fact]) -> None:
        self.office.append(facts)


def refused_at_the_door(office: Office, fund_id: str, until: date, known_at: str = "", heads: Pins | None = None) -> list[Refusal]:
    """What was not let in up to ``until`` and neither came in nor was corrected since."""
    store, known = office.store, known_at or None
    newest = {
        f.entity: f.payload for f in store.facts(REFUSAL, stream=fund_id, effective_until=until, known_until=known, heads=heads)
    }
    if not newest:
        return []
    later = [f for kind in (CORRECTION, "event") for f in store.facts(kind, stream=fund_id, known_until=known, heads=heads)]
    gone = {f.entity for f in later}
    waits = [payload for event_id, payload in newest.items() if event_id not in gone]
    return [Refusal(events.from_payload(p["event"]), finding_of(p["finding"])) for p in waits]


def same_journal(p: Proposal, event: events.Event) -> bool:
    """The lines, reason and day that were proposed: all but the people, the source it came from, and when it was booked."""
    apart = {"event_id", "source", "belongs_to", "effective_date", "maker", "checker"}
    proposed = events.from_payload(p.content["event"])
    same = proposed.model_dump(exclude=apart) == event.model_dump(exclude=apart)
    return same and (p.about, proposed.own_date) == (event.event_id, event.own_date)


def _content(event: events.Event) -> dict[str, Any]:
    """What makes two versions the same: everything but id, source, and the day on which a late event was booked."""
    said = event.model_dump(exclude={"event_id", "source", "effective_date", "belongs_to"})
    return {**said, "own_date": event.own_date}


def _fact(event: events.Event) -> Fact:
    return Fact(event.event_id, event.fund, f"event.{event.kind}", event.event_id, event.effective_date, events.to_payload(event))
