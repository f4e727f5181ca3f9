"""What people decide about a close, as facts to append: sign, accept, close softly and for good, reopen.

Each function takes the close as it stands and gives the facts of the decision or a refusal, which is a fact too. A signature is
of the evidence as it was seen: when that changes, it no longer counts. Closing for good, opening again and accepting what failed
take two people; who writes a fact is who says it.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bo_lib.model.findings import Place, error
from bo_lib.model.identifiers import same_person
from bo_lib.recon.decisions import Decision, Said

SIGNED, ACCEPTED, REOPENED, PROPOSED, REFUSED = (
    "close.signed", "close.accepted", "close.reopened", "close.proposed", "close.refused",
)  # fmt: skip
LOCKED = {"close.soft": "soft", "close.hard": "hard", "close.open": "open"}


@dataclass(frozen=True)
class Signature:
    by: str
    at: str
    evidence: str
    says: str = ""


@dataclass
class TaskRecord:
    """What people did to one task, in order."""

    signed: list[Signature] = field(default_factory=list)
    accepted: list[Signature] = field(default_factory=list)
    reopened: Signature | None = None  # since the last signature

    def on(self, evidence: str) -> list[Signature]:
        """Signatures of this very evidence by different people, first to last, since the task was last reopened."""
        return _people(s for s in self.signed if s.evidence == evidence)

    def acceptances(self, evidence: str) -> list[Signature]:
        return _people(s for s in self.accepted if s.evidence == evidence)

    @property
    def was_signed(self) -> bool:
        return bool(self.signed)


def _people(signatures: Iterable[Signature]) -> list[Signature]:
    found: list[Signature] = []
    for s in signatures:
        if not any(same_person(s.by, other.by) for other in found):
            found.append(s)
    return found


@dataclass
class CloseRecord:
    """One month of one fund: its lock, what people did to its tasks, and what waits for a second person."""

    month: str
    lock: str = "open"
    tasks: dict[str, TaskRecord] = field(default_factory=dict)
    proposed: Mapping[str, Any] | None = None  # the fact: action, by, reason
    soft_at: str = ""  # when the month was last closed softly
    history: list[Mapping[str, Any]] = field(default_factory=list)

    def task(self, name: str) -> TaskRecord:
        return self.tasks.setdefault(name, TaskRecord())


def record_of(month: str, payloads: Iterable[Mapping[str, Any]]) -> CloseRecord:
    """The close after all its facts, each with ``by`` and ``at`` from the chain."""
    record = CloseRecord(month)
    for p in payloads:
        fact = p["fact"]
        record.history.append(p)
        if fact in (SIGNED, ACCEPTED, REOPENED):
            _to_task(record.task(p["task"]), p)
        elif fact == PROPOSED:
            record.proposed = p
        elif fact in LOCKED:
            record.lock, record.proposed = LOCKED[fact], None
            record.soft_at = p["at"] if fact == "close.soft" else record.soft_at if fact == "close.hard" else ""
    return record


def _to_task(task: TaskRecord, p: Mapping[str, Any]) -> None:
    said = Signature(p["by"], p["at"], p.get("evidence", ""), p.get("says", "") or p.get("reason", ""))
    if p["fact"] == REOPENED:
        task.signed, task.accepted, task.reopened = [], [], said
    elif p["fact"] == ACCEPTED:
        task.accepted.append(said)
    else:
        task.signed.append(said)
        task.reopened = None


# Decisions -----------------------------------------------------------------------------------------------------------

Rows = Sequence[Mapping[str, Any]]  # of CLOSE_TASKS


def sign(rows: Rows, record: CloseRecord, names: Sequence[str], said: Said) -> Decision:
    """Prepares tasks whose checks are done, or reviews what somebody else prepared; ``names`` empty: all that may be signed.

    A task may be signed together with the ones it waits for.
    """
    if record.lock == "hard":
        return refused(record, "sign", said, _hard(record))
    chosen, letter = _tasks(rows, names)
    if letter:
        return refused(record, "sign", said, letter)
    facts: list[dict[str, Any]] = []
    refusals: list[str] = []
    ended = {row["task"] for row in rows if row["state"] == "done"}
    for row in chosen:
        why = _not_signable(row, record.task(row["task"]), said, ended | {f["task"] for f in facts})
        if why and names:
            refusals.append(f"{row['task']}: {why}")
        elif not why:
            role = "reviewed" if row["prepared_by"] else "prepared"
            facts.append(_fact(SIGNED, record, task=row["task"], evidence=row["evidence"], says=row["says"], role=role))
    if refusals or not facts:
        return refused(record, "sign", said, "; ".join(refusals) or f"there is nothing that {said.by} may sign now")
    done = ", ".join(f"{f['task']} {f['role']}" for f in facts)
    return Decision("done", f"Signed by {said.by}: {done}.", tuple(facts))


def _not_signable(row: Mapping[str, Any], task: TaskRecord, said: Said, done: Collection[str]) -> str:
    waits = [need for need in (row["needs"] or "").split(", ") if need and need not in done]
    if waits or row["check"] == "open":
        return f"it waits for {', '.join(waits)}" if waits else str(row["says"])
    if row["check"] == "failed" and len(task.acceptances(row["evidence"])) < 2:
        return f"its check fails ({row['says']}): mend it, or have two people accept it (bo close accept {row['task']})"
    before = task.on(row["evidence"])
    if len(before) >= 2:
        return f"it is prepared by {before[0].by} and reviewed by {before[1].by} already"
    if before and same_person(before[0].by, said.by):
        return f"{said.by} prepared it; a second person reviews it"
    return ""


def accept(rows: Rows, record: CloseRecord, names: Sequence[str], said: Said) -> Decision:
    """Accepts that checks fail, for a reason; the second person who does so makes the task count as done."""
    if record.lock == "hard":
        return refused(record, "accept", said, _hard(record))
    chosen, letter = _tasks(rows, names)
    if not letter and not names:
        letter = "say which task is accepted"
    if not letter and not said.text:
        letter = "what fails is accepted for a reason: found none"
    good = [r for r in chosen if r["check"] != "failed"]
    if not letter and good:
        letter = f"{good[0]['task']} does not fail: {good[0]['says']}"
    again = [r for r in chosen if any(same_person(a.by, said.by) for a in record.task(r["task"]).acceptances(r["evidence"]))]
    if not letter and again:
        letter = f"{said.by} has accepted {again[0]['task']} already; a second person is needed"
    if letter:
        return refused(record, "accept", said, letter)
    facts = [_fact(ACCEPTED, record, task=r["task"], evidence=r["evidence"], reason=said.text) for r in chosen]
    alone = [r["task"] for r in chosen if not record.task(r["task"]).acceptances(r["evidence"])]
    if alone:
        return Decision(
            "waiting", f"{', '.join(alone)}: accepted by {said.by}; a second person has to accept it too.", tuple(facts)
        )
    return Decision("done", f"{', '.join(names)}: accepted by two people.", tuple(facts))


def reopen_tasks(rows: Rows, record: CloseRecord, names: Sequence[str], said: Said) -> Decision:
    """Tasks are open again, and what needs them waits; what does not need them stays signed."""
    chosen, letter = _tasks(rows, names)
    if record.lock == "hard":
        letter = _hard(record)
    if not letter and not said.text:
        letter = "a task is reopened for a reason: found none"
    if letter:
        return refused(record, "reopen", said, letter)
    facts = [_fact(REOPENED, record, task=r["task"], reason=said.text) for r in chosen]
    return Decision("done", f"{', '.join(names)} reopened by {said.by}: {said.text}.", tuple(facts))


def soft_close(rows: Rows, record: CloseRecord, said: Said, in_the_way: str) -> Decision:
    """No posting without approval from now on. ``in_the_way``: why the month cannot be closed yet, or empty."""
    undone = [f"{r['task']} ({r['state']})" for r in rows if r["state"] != "done"]
    for letter in (
        _twice(record) if record.lock in ("soft", "hard") else "",
        in_the_way,
        f"not every task is done: {', '.join(undone)}; bo close list shows what each waits for" if undone else "",
    ):
        if letter:
            return refused(record, "close softly", said, letter)
    facts = (_fact("close.soft", record, reason=said.text),)
    return Decision("done", f"{record.month} is soft closed: what is posted to it from now on needs an approval.", facts)


def hard_close(rows: Rows, record: CloseRecord, said: Said, in_the_way: str, frozen: Mapping[str, Any]) -> Decision:
    """Nothing is posted any more. The first person proposes, a second closes; every task is prepared and reviewed.

    ``frozen``: figures kept with the fact: net assets, states of the classes, hash of the statements.
    """
    undone = [f"{r['task']} ({r['state']})" for r in rows if r["state"] != "done"]
    unsigned = [r["task"] for r in rows if not r["reviewed_by"]]
    for letter in (
        _twice(record) if record.lock == "hard" else "",
        in_the_way,
        f"{record.month} is not soft closed yet: bo close soft first" if record.lock == "open" else "",
        f"not every task is done: {', '.join(undone)}" if undone else "",
        f"not prepared and reviewed: {', '.join(unsigned)}; two people sign them (bo close sign)" if unsigned else "",
    ):
        if letter:
            return refused(record, "close for good", said, letter)
    proposal = _pending(record, "hard")
    if proposal and proposal.get("frozen") == dict(frozen):
        if same_person(proposal["by"], said.by):
            return refused(record, "close for good", said, f"{said.by} proposed it; a second person is needed")
        about = {"maker": proposal["by"], "checker": said.by, "reason": said.text or proposal["reason"], **frozen}
        return Decision("done", f"{record.month} is closed for good.", (_fact("close.hard", record, **about),))
    facts = (_fact(PROPOSED, record, action="hard", reason=said.text, frozen=dict(frozen)),)
    return Decision("waiting", f"Closing {record.month} for good waits for a second person to say the same.", facts)


def reopen_month(record: CloseRecord, said: Said, closed_after: str = "") -> Decision:
    """Opens a closed month again: one proposes with a reason, a second person agrees. ``closed_after``: a later closed month."""
    for letter in (
        f"{record.month} is open" if record.lock == "open" else "",
        f"{closed_after} is closed after it: reopen that first" if closed_after else "",
    ):
        if letter:
            return refused(record, "reopen", said, letter)
    proposal = _pending(record, "open")
    if not proposal:
        if not said.text:
            return refused(record, "reopen", said, "a month is reopened for a reason: found none")
        facts = (_fact(PROPOSED, record, action="open", reason=said.text),)
        return Decision("waiting", f"Reopening {record.month} waits for a second person to say the same.", facts)
    if same_person(proposal["by"], said.by):
        return refused(record, "reopen", said, f"{said.by} proposed it; a second person is needed")
    about = {"maker": proposal["by"], "checker": said.by, "reason": proposal["reason"]}
    return Decision("done", f"{record.month} is open again: {proposal['reason']}.", (_fact("close.open", record, **about),))


# Parts ---------------------------------------------------------------------------------------------------------------


def refused(record: CloseRecord, action: str, said: Said, why: str) -> Decision:
    fact = _fact(REFUSED, record, action=action, reason=why, text=said.text)
    letter = error(f"{action.split()[0]}-refused", why, Place(field="month"), found=record.month)
    return Decision("refused", f"Refused to {action}: {why}.", (fact,), (letter,))


def _fact(fact: str, record: CloseRecord, **about: Any) -> dict[str, Any]:
    return {"fact": fact, "month": record.month, **about}


def _pending(record: CloseRecord, action: str) -> Mapping[str, Any] | None:
    return record.proposed if record.proposed and record.proposed["action"] == action else None


def _hard(record: CloseRecord) -> str:
    return f"{record.month} is closed for good; two people reopen it first (bo close reopen)"


def _twice(record: CloseRecord) -> str:
    what = "closed for good" if record.lock == "hard" else "soft closed"
    todo = "two people reopen it first (bo close reopen)" if record.lock == "hard" else "bo close hard closes it for good"
    return f"{record.month} is {what} already, and is not closed twice; {todo}"


def _tasks(rows: Rows, names: Sequence[str]) -> tuple[list[Mapping[str, Any]], str]:
    by_name = {row["task"]: row for row in rows}
    names = [name.strip().replace(" ", "_").replace("-", "_") for name in names]  # as pages show them, too
    for name in names:
        if name not in by_name:
            near = difflib.get_close_matches(name, by_name, 1)
            return [], f"there is no task {name!r}; " + (f"did you mean {near[0]}?" if near else f"known: {', '.join(by_name)}")
    return [by_name[name] for name in names] if names else list(rows), ""
