"""What people decide about breaks, as facts to append: comment, attach, assign, propose, approve, reject, write off, reopen.

Each function takes the breaks as they are known (``history.breaks_on``) and gives either the facts of the decision or a refusal;
a refusal is a fact too. Above the limit the one who proposes is not the one who approves, and so it is once what one person has
written off alone in a month comes to the limit of the month; where the value is not known a second person is always needed.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from bo_lib.model.findings import Finding, Outcome, Place, error
from bo_lib.model.identifiers import same_person
from bo_lib.model.money import ZERO
from bo_lib.recon.breaks import ACCEPTED, REOPENED, BreakState, OpenBreak, Proposal
from bo_lib.recon.history import ASSIGNED, ATTACHED, COMMENTED, PROPOSED, REFUSED, REJECTED, proposal_of
from bo_lib.recon.result import plain, short_hash

ID_MIN = 4  # characters of a break id that a person has to give


@dataclass(frozen=True)
class Said:
    """Who says something, on which business date, and why."""

    by: str
    day: date
    text: str = ""


@dataclass(frozen=True)
class Decision:
    """Facts to append, one or more per break. ``state``: done, waiting (for a second person) or refused; ``says`` in a sentence."""

    state: str
    says: str
    payloads: tuple[dict[str, Any], ...] = ()
    findings: tuple[Finding, ...] = ()


def find_breaks(states: Mapping[str, BreakState], names: Iterable[str]) -> Outcome[list[BreakState]]:
    """The breaks meant by their ids or the beginnings of them; a letter for each that is not known or not the only one."""
    found: dict[str, BreakState] = {}
    findings = []
    for name in names:
        fitting = [i for i in states if i == name] or ([i for i in states if i.startswith(name)] if len(name) >= ID_MIN else [])
        if len(fitting) == 1:
            found[fitting[0]] = states[fitting[0]]
        else:
            findings.append(_unknown(name, fitting, states))
    return Outcome(list(found.values()), tuple(findings))


def _unknown(name: str, fitting: Sequence[str], states: Mapping[str, BreakState]) -> Finding:
    if fitting:
        said, todo = f"{len(fitting)} breaks begin with {name!r}", "give more of the id"
        return error("break-ambiguous", said, Place(field="break_id"), found=name, expected=", ".join(fitting[:3]), todo=todo)
    if len(name) < ID_MIN:
        said, todo = f"{name!r} is too short for an id", f"give at least {ID_MIN} characters"
        return error("break-ambiguous", said, Place(field="break_id"), found=name, expected="the beginning of one id", todo=todo)
    by_start = {i[: len(name)]: i for i in states}
    near = difflib.get_close_matches(name, by_start, 1, 0.3)
    nearest = f"{by_start[near[0]]} ({_named(states[by_start[near[0]]].found)})" if near else "none is near"
    todo = "bo breaks --all lists them with their ids"
    return error("break-unknown", f"there is no break {name!r}", Place(field="break_id"), found=name, expected=nearest, todo=todo)


# Words about breaks --------------------------------------------------------------------------------------------------


def comment(states: Sequence[BreakState], said: Said) -> Decision:
    if not said.text.strip():
        return _refused("comment", states, said, "a comment has a text: found none")
    return _done("commented", states, [_fact(COMMENTED, s, said, text=said.text) for s in states])


def attach(states: Sequence[BreakState], said: Said, name: str, sha256: str, size: int) -> Decision:
    """``sha256`` of the file that is kept in the evidence, its ``name`` and ``size`` in bytes."""
    facts = [_fact(ATTACHED, s, said, name=name, sha256=sha256, bytes=size, text=said.text) for s in states]
    return _done(f"now with {name}", states, facts)


def assign(states: Sequence[BreakState], said: Said, owner: str = "", due: date | None = None) -> Decision:
    if closed := _closed(states):
        return _refused("assign", states, said, closed)
    if not owner.strip() and due is None:
        return _refused("assign", states, said, "an assignment names an owner or a due date: found neither")
    if due and due < said.day:
        return _refused("assign", states, said, f"due {due} is before the business date {said.day}")
    facts = [_fact(ASSIGNED, s, said, owner=owner.strip(), due=due.isoformat() if due else "", text=said.text) for s in states]
    to = " ".join(filter(None, (f"to {owner.strip()}" if owner else "", f"due {due}" if due else "")))
    return _done(f"assigned {to}", states, facts)


# Closing for good, and back ------------------------------------------------------------------------------------------


def propose_match(states: Sequence[BreakState], said: Said, limit_base: Decimal) -> Decision:
    """Two or more breaks that belong together: in each account they add up to nothing, so that closing them changes no balance."""
    if len(states) < 2:
        return _refused("match", states, said, "a match has two breaks or more; one alone is written off")
    if len({(s.found.item.fund, s.found.item.recon) for s in states}) > 1:
        return _refused("match", states, said, "breaks of different funds or reconciliations are no match")
    if left := _left_over(states):
        return _refused("match", states, said, f"{left} would be left over: add the break that completes it, or write it off")
    return _propose("match", states, said, limit_base)


def write_off(
    states: Sequence[BreakState],
    said: Said,
    limit_base: Decimal,
    month_limit_base: Decimal | None = None,
    alone_base: Decimal = ZERO,
) -> Decision:
    """The difference is accepted as it is, for a reason.

    ``month_limit_base``: up to which one person writes off in a month, ``alone_base`` of it already (``written_off_alone``).
    """
    if month_limit_base is None or month_limit_base - alone_base >= limit_base:
        return _propose("write off", states, said, limit_base)
    left = max(month_limit_base - alone_base, ZERO)
    why = f"{said.by} wrote off {alone_base:,.2f} alone in {said.day:%Y-%m}, and {month_limit_base:,f} is the limit of a month"
    return _propose("write off", states, said, left, why)


def written_off_alone(states: Iterable[BreakState], by: str, day: date) -> Decimal:
    """What stands written off by this person alone in the month of ``day``, in base currency."""
    last = [next(p for p in reversed(s.history) if p["fact"] == ACCEPTED) for s in states if s.state == "written off"]
    own = [p for p in last if not p["checker"] and same_person(p["maker"], by) and p["closed"][:7] == f"{day:%Y-%m}"]
    return sum((Decimal(worth) for worth in {p["proposal_id"]: p["decided_base"] for p in own}.values()), ZERO)


def _propose(action: str, states: Sequence[BreakState], said: Said, limit_base: Decimal, why: str = "") -> Decision:
    if closed := _closed(states):
        return _refused(action, states, said, closed)
    if not said.text.strip():
        return _refused(action, states, said, "it is closed for a reason: found none")
    ids = sorted(s.break_id for s in states)
    value = _value(action, states)
    told = sum(len(s.history) for s in states)  # the same words again, after a rejection, are another proposal
    about = {
        "proposal_id": short_hash(action, *ids, said.by, said.day, said.text, told), "action": action, "break_ids": ids,
        "text": said.text, "decided_base": None if value is None else plain(value), "limit_base": plain(limit_base),
    }  # fmt: skip
    facts = [_fact(PROPOSED, s, said, **about) for s in states]
    proposal = proposal_of(facts[0])
    worth = "unknown value" if value is None else f"{value:,.2f} in base currency"
    if proposal.needs_second_person:
        above = f"A {action} of {worth} needs a second person above {limit_base:,f}"
        above += f" ({why}): it waits for one to approve it." if why else ": it waits for one to approve it."
        return Decision("waiting", above, tuple(facts))
    closing = [_acceptance(s.found, proposal, said.day, "") for s in states]
    return _done(f"{_past(action)}, {worth}", states, [*facts, *closing])


def approve(states: Sequence[BreakState], known: Mapping[str, BreakState], said: Said) -> Decision:
    """A second person agrees to what is proposed for these breaks; all breaks of a proposal close together."""
    proposals = _pending(states)
    if isinstance(proposals, str):
        return _refused("approve", states, said, proposals)
    if own := [p for p in proposals if same_person(p.by, said.by)]:
        return _refused("approve", states, said, f"{own[0].by} proposed it; a second person is needed: found {said.by}")
    facts = []
    for p in proposals:
        together = [known[i] for i in p.break_ids if i in known]
        if changed := [s for s in together if not s.is_open or s.proposal != p] or len(together) < len(p.break_ids):
            which = ", ".join(s.break_id for s in changed) if isinstance(changed, list) else "a break of it"
            return _refused("approve", states, said, f"the proposal no longer stands: {which} has changed since; propose again")
        facts += [_acceptance(s.found, p, said.day, said.by, said.text) for s in together]
    return _done("approved", states, facts)


def reject(states: Sequence[BreakState], known: Mapping[str, BreakState], said: Said) -> Decision:
    """What is proposed for these breaks is not done; they stay open. Whoever proposed it may take it back so."""
    proposals = _pending(states)
    if isinstance(proposals, str):
        return _refused("reject", states, said, proposals)
    if not said.text.strip():
        return _refused("reject", states, said, "a rejection has a reason: found none")
    facts = [
        _fact(REJECTED, known[i], said, proposal_id=p.proposal_id, action=p.action, break_ids=list(p.break_ids), text=said.text)
        for p in proposals for i in p.break_ids if i in known
    ]  # fmt: skip
    return _done("rejected", states, facts)


def reopen(states: Sequence[BreakState], known: Mapping[str, BreakState], said: Said) -> Decision:
    """What people closed is open again, with its old age; a match opens as a whole."""
    if not_closed := [s for s in states if not s.is_decided]:
        return _refused("reopen", states, said, _cannot_reopen(not_closed[0]))
    if not said.text.strip():
        return _refused("reopen", states, said, "a break is reopened for a reason: found none")
    ids = dict.fromkeys(i for s in states for i in (s.proposal.break_ids if s.proposal else (s.break_id,)))
    again = [known[i] for i in ids if i in known and known[i].is_decided]
    return _done("reopened", again, [_fact(REOPENED, s, said, text=said.text) for s in again])


# Parts ---------------------------------------------------------------------------------------------------------------


def _fact(fact: str, state: BreakState, said: Said, **more: Any) -> dict[str, Any]:
    item = state.found.item
    about = {"fact": fact, "break_id": state.break_id, "recon": item.recon, "fund": item.fund}
    return {**about, "by": said.by, "date": said.day.isoformat(), **more}


def _acceptance(b: OpenBreak, p: Proposal, day: date, checker: str, text: str = "") -> dict[str, Any]:
    return {
        "fact": ACCEPTED, "break_id": b.break_id, "recon": b.item.recon, "fund": b.item.fund, "closed": day.isoformat(),
        "action": p.action, "proposal_id": p.proposal_id, "break_ids": list(p.break_ids), "reason": p.reason, "maker": p.by,
        "text": text,
        "checker": checker, "decided_base": None if p.value_base is None else plain(p.value_base),
        "limit_base": plain(p.limit_base),
    }  # fmt: skip


def _done(what: str, states: Sequence[BreakState], facts: Iterable[dict[str, Any]]) -> Decision:
    return Decision("done", f"{_many(states)} {what}.", tuple(facts))


def _refused(action: str, states: Sequence[BreakState], said: Said, why: str) -> Decision:
    facts = [_fact(REFUSED, s, said, action=action, reason=why, text=said.text) for s in states]
    letter = error(f"{action.replace(' ', '-')}-refused", why, Place(field="break_id"), found=", ".join(s.break_id for s in states))
    return Decision("refused", f"Refused to {action}: {why}.", tuple(facts), (letter,))


def _many(states: Sequence[BreakState]) -> str:
    return f"{len(states)} breaks" if len(states) != 1 else f"Break {states[0].break_id}"


def _past(action: str) -> str:
    return {"match": "matched", "write off": "written off"}[action]


def _named(b: OpenBreak) -> str:
    item = b.item
    return " ".join(filter(None, (item.kind.replace("_", " "), plain(item.amount), item.currency or item.isin, item.reference)))


def _closed(states: Iterable[BreakState]) -> str:
    """Why a break that is closed cannot be decided on; empty when all are open."""
    s = next((s for s in states if not s.is_open), None)
    return f"{s.break_id} is closed already, {s.state} on {s.closed}" + (f": {s.reason}" if s.reason else "") if s else ""


def _cannot_reopen(state: BreakState) -> str:
    if state.is_open:
        return f"{state.break_id} is open"
    if state.state == "gone":
        return f"{state.break_id} closed by itself on {state.closed}; it comes back by itself when the difference does"
    return f"the difference of {state.break_id} is gone since it was {state.state} on {state.closed}"


def _pending(states: Sequence[BreakState]) -> list[Proposal] | str:
    """What waits for a second person, each proposal once; or why there is nothing to decide."""
    if closed := _closed(states):
        return closed
    bare = next((s for s in states if not s.proposal), None)
    if bare:
        return f"nothing is proposed for {bare.break_id}"
    return list({s.proposal.proposal_id: s.proposal for s in states if s.proposal}.values())


def _value(action: str, states: Iterable[BreakState]) -> Decimal | None:
    """What would be closed, in base currency: of a match one half of it. None when a part has no value."""
    values = [s.found.item.value_base for s in states]
    known = [v for v in values if v is not None]
    return sum(known, ZERO) / (2 if action == "match" else 1) if len(known) == len(values) else None


def _left_over(states: Iterable[BreakState]) -> str:
    """What a match would leave in each account: rows of two accounts, or currencies, never net."""
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for s in states:
        sums[s.found.item.currency or s.found.item.isin, s.found.item.account] += s.found.item.amount
    named = (
        f"{plain(rest)} {unit} in {account}" if account else f"{plain(rest)} {unit}"
        for (unit, account), rest in sorted(sums.items())
        if rest
    )
    return ", ".join(said.rstrip() for said in named)
