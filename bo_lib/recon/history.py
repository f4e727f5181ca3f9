"""What is known of each break at the close of a day: the fold of its facts.

Facts of a day count in the order in which they were appended; facts of later days change nothing. A decision that the rules
of four eyes do not allow has no effect here either, whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from bo_lib.model import dates
from bo_lib.model.four_eyes import needs_two
from bo_lib.model.identifiers import same_person
from bo_lib.recon.breaks import (
    ACCEPTED,
    CLOSED,
    EXPLAINED,
    LAPSED,
    OPENED,
    REOPENED,
    BreakState,
    OpenBreak,
    Proposal,
    number,
)

COMMENTED, ATTACHED, ASSIGNED = "break_commented", "break_attached", "break_assigned"
PROPOSED, REJECTED, REFUSED = "break_proposed", "break_rejected", "break_refused"
CLOSES_AS = {"match": "matched", "write off": "written off"}

Payload = Mapping[str, Any]


def breaks_on(payloads: Iterable[Payload], day: date) -> dict[str, BreakState]:
    """Every break known at the close of ``day``, by id. ``payloads``: facts of breaks in the order of the store."""
    found: dict[str, BreakState] = {}
    told = [p for p in payloads if day_of(p) <= day.isoformat()]
    for payload in sorted(told, key=day_of):
        before = found.get(payload["break_id"])
        if payload["fact"] == OPENED:
            found[payload["break_id"]] = _opened(before, payload)
        elif before:
            after = _STEPS.get(payload["fact"], _said)(before, payload)
            found[payload["break_id"]] = replace(after, history=(*before.history, payload))
    return found


def open_breaks(payloads: Iterable[Payload], day: date) -> list[OpenBreak]:
    """Breaks open at the close of ``day``."""
    return [s.found for s in breaks_on(payloads, day).values() if s.is_open]


def accepted_breaks(payloads: Iterable[Payload], day: date) -> frozenset[str]:
    """Ids of breaks that people closed for good by ``day``, and whose difference is still there."""
    return frozenset(s.break_id for s in breaks_on(payloads, day).values() if s.is_decided)


def day_of(payload: Payload) -> str:
    """The business date from which a fact of a break counts."""
    name = {OPENED: "opened", CLOSED: "closed", ACCEPTED: "closed"}.get(payload["fact"], "date")
    day: str = payload[name]
    return day


# Steps ---------------------------------------------------------------------------------------------------------------


def _opened(before: BreakState | None, payload: Payload) -> BreakState:
    if before and before.is_open:
        return replace(before, history=(*before.history, payload))
    return BreakState(OpenBreak.from_payload(payload), history=(*(before.history if before else ()), payload))


def _said(before: BreakState, _: Payload) -> BreakState:
    return before


def _closed(before: BreakState, payload: Payload) -> BreakState:
    if not before.is_open:
        return before
    return replace(before, state="gone", closed=_date(payload["closed"]), reason=payload["reason"], proposal=None)


def _accepted(before: BreakState, payload: Payload) -> BreakState:
    """Closed for good, when four eyes allow it and what was approved is what stands proposed."""
    if not before.is_open or not allowed(payload):
        return before
    state, proposal = CLOSES_AS.get(payload.get("action", "")), before.proposal
    if state is None or proposal is None or (proposal.proposal_id, proposal.by) != _named(payload):
        return before
    return replace(before, state=state, closed=_date(payload["closed"]), reason=payload["reason"], lapsed=False)


def _named(payload: Payload) -> tuple[str, str]:
    return payload["proposal_id"], payload["maker"]


def allowed(payload: Payload) -> bool:
    """Whether an acceptance keeps to the rule of four eyes: a second person, or a known value up to the limit."""
    maker, checker = payload["maker"], payload["checker"]
    if "by" in payload and not same_person(payload["by"], checker or maker):
        return False  # somebody wrote it in another's name
    limit = number(payload["limit_base"])
    assert limit is not None
    return bool(checker and not same_person(maker, checker)) or not needs_two(number(payload["decided_base"]), limit)


def _explained(before: BreakState, payload: Payload) -> BreakState:
    item = replace(
        before.found.item, cause=payload["cause"], evidence=payload["evidence"], value_base=number(payload["value_base"])
    )
    return replace(before, found=replace(before.found, item=item))


def _lapsed(before: BreakState, _: Payload) -> BreakState:
    return replace(before, lapsed=not before.is_open)


def _assigned(before: BreakState, payload: Payload) -> BreakState:
    due = _date(payload["due"]) if payload["due"] else before.found.due
    return replace(before, found=replace(before.found, owner=payload["owner"] or before.found.owner, due=due))


def _proposed(before: BreakState, payload: Payload) -> BreakState:
    return replace(before, proposal=proposal_of(payload)) if before.is_open else before


def _rejected(before: BreakState, payload: Payload) -> BreakState:
    named = before.proposal and before.proposal.proposal_id == payload["proposal_id"]
    return replace(before, proposal=None) if before.is_open and named else before


def _reopened(before: BreakState, payload: Payload) -> BreakState:
    """It comes back with its old age."""
    if not before.is_decided:
        return before
    return replace(before, state="open", closed=None, reason="", proposal=None)


_STEPS: dict[str, Callable[[BreakState, Payload], BreakState]] = {
    CLOSED: _closed, ACCEPTED: _accepted, EXPLAINED: _explained, LAPSED: _lapsed, ASSIGNED: _assigned, PROPOSED: _proposed,
    REJECTED: _rejected, REOPENED: _reopened,
}  # fmt: skip


def proposal_of(payload: Payload) -> Proposal:
    limit = number(payload["limit_base"])
    assert limit is not None
    return Proposal(
        payload["proposal_id"], payload["action"], tuple(payload["break_ids"]), payload["text"], payload["by"],
        _date(payload["date"]), number(payload["decided_base"]), limit,
    )  # fmt: skip


def _date(text: str) -> date:
    return dates.parse_date(text)
