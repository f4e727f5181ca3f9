"""Two people for what one may not decide alone: one proposes, another approves the very proposal.

Both are facts, each by its author in the chain. An approval names the proposal and the hash of its fact; by the one who proposed,
or of another hash, it has no effect, whoever wrote it. Nothing is taken back: a proposal is rejected, also by who made it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Literal, Protocol

from bo_lib.model.findings import Outcome, Place, error
from bo_lib.model.identifiers import same_person

PROPOSAL, OVERRIDE = "proposal", "price.override"  # of the books, of a price: the same ends follow
MADE, APPROVED, REJECTED, REFUSED = "made", "approved", "rejected", "refused"
State = Literal["waiting", "approved", "rejected"]


class Told(Protocol):
    """A fact of the chain: its kind, what it says, who wrote it, when, and its hash."""

    @property
    def kind(self) -> str: ...
    @property
    def payload(self) -> dict[str, Any]: ...
    @property
    def actor(self) -> str: ...
    @property
    def known_at(self) -> str: ...
    @property
    def hash(self) -> str: ...


@dataclass(frozen=True)
class Proposal:
    """What is to be done (``action``) about an event or security, as plain JSON in ``content``; ``value_base`` None: nobody knows.

    ``sha256``: of its fact in the chain. ``checker`` approved or rejected it, with ``answer``.
    """

    id: str
    action: str
    about: str
    content: Mapping[str, Any]
    text: str
    day: date
    value_base: Decimal | None
    by: str
    at: str
    sha256: str
    state: State = "waiting"
    checker: str = ""
    checked_at: str = ""
    answer: str = ""


def proposals(facts: Iterable[Told]) -> dict[str, Proposal]:
    """Every proposal by its id, as people have answered it; ``facts`` of one kind, ``proposal.…``, in their order."""
    known: dict[str, Proposal] = {}
    for fact in facts:
        said, what = fact.payload, fact.kind.rpartition(".")[2]
        if what == MADE:
            known.setdefault(said["id"], _made(fact))
        elif what in (APPROVED, REJECTED) and (p := known.get(said["id"])) and p.state == "waiting":
            state: State = "approved" if what == APPROVED else "rejected"
            own = state == "approved" and same_person(p.by, fact.actor)
            if p.sha256 == said["sha256"] and not own:
                known[p.id] = replace(p, state=state, checker=fact.actor, checked_at=fact.known_at, answer=said["text"])
    return known


def _made(fact: Told) -> Proposal:
    p = fact.payload
    value, day = Decimal(p["value_base"]) if p["value_base"] else None, date.fromisoformat(p["day"])
    told = (p["id"], p["action"], p["about"], p["content"], p["text"], day, value)
    return Proposal(*told, fact.actor, fact.known_at, fact.hash)


def find(known: Mapping[str, Proposal], name: str, todo: str = "bo proposals") -> Outcome[Proposal | None]:
    """The proposal that waits under this id, or about this event or security; a letter with the nearest where there is none."""
    waiting = [p for p in known.values() if p.state == "waiting"]
    if found := [p for p in waiting if name in (p.id, p.about)]:
        return Outcome(found[0])
    if done := [p for p in known.values() if name in (p.id, p.about)]:
        said, there = f"{name} is {done[-1].state} already, by {done[-1].checker}", "one that waits"
    else:
        near = difflib.get_close_matches(name, [n for p in waiting for n in (p.id, p.about)], 1, 0.3)
        said, there = f"there is no proposal {name!r}", near[0] if near else "one that waits" if waiting else "nothing waits"
    letter = error("proposal-unknown", said, Place(field="proposal"), found=name, expected=there, todo=f"{todo} lists them")
    return Outcome(None, (letter,))


def needs_two(value_base: Decimal | None, limit_base: Decimal) -> bool:
    """Above the limit, and where nobody knows what it is worth."""
    return value_base is None or value_base > limit_base
