"""The task graph of a close: what is done, what is open, what failed, and what waits for something else."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pyarrow as pa

from bo_lib.close.checks import CHECKS, Answer, Evidence, reconciled, run_of
from bo_lib.close.signing import CloseRecord, TaskRecord
from bo_lib.close.tables import CLOSE_TASKS
from bo_lib.config import Close, CloseTask
from bo_lib.model.dates import add_business_days
from bo_lib.model.findings import Finding, Outcome, Verdict, error
from bo_lib.model.tables import built


@dataclass(frozen=True)
class CloseState:
    """``table`` (CLOSE_TASKS) in an order in which the tasks can be done; ``seconds`` that each check took."""

    table: pa.Table
    seconds: Mapping[str, float] = field(default_factory=dict)
    answers: Mapping[str, Answer] = field(default_factory=dict)  # what each check said, whatever the tasks before it say

    @property
    def states(self) -> dict[str, str]:
        return dict(zip(self.table["task"].to_pylist(), self.table["state"].to_pylist(), strict=True))

    @property
    def ready(self) -> bool:
        """True when every task is done: the period may be closed."""
        return all(state == "done" for state in self.states.values())

    @property
    def verdict(self) -> Verdict:
        """Pass when all is done with nothing left over, blocked when a task failed, else attention."""
        if "failed" in self.states.values():
            return Verdict.BLOCKED
        return Verdict.PASS if self.ready and not any(self.table["items"].to_pylist()) else Verdict.ATTENTION


def close(
    terms: Close, evidence: Evidence, calendar: str, *, record: CloseRecord | None = None, today: date | None = None,
    clock: Callable[[], float] | None = None, kept: Mapping[str, Answer] | None = None,
) -> Outcome[CloseState]:  # fmt: skip
    """Runs the tasks of ``terms`` (parameters/close.yaml) over ``evidence``.

    A task is blocked while one that it needs is not done; otherwise its check says done, failed or open. ``calendar``: of the due
    days, counted from the month's end. A check or task that does not exist, or a circle of needs, is an error.

    ``record``: what people did so far. A task that was signed on other evidence than there is now is open until it is signed
    again; what needs it waits, and keeps its own signatures when its own evidence is the same. ``today`` tells who is late.
    ``clock`` (seconds) measures each check. ``kept``: answers to the very same evidence, which are not looked for again.
    """
    findings = [*_unknown(terms)]
    order, circle = _ordered(terms)
    if circle:
        findings.append(
            error(
                "tasks-in-a-circle",
                f"these tasks need each other: {', '.join(circle)}",
                todo="take one of their needs out of close.yaml",
            )
        )
    answers: dict[str, Answer] = {}
    found = dict(kept or {})
    record, rows, seconds = record or CloseRecord(f"{evidence.day:%Y-%m}"), [], {}
    named = {name for task in terms.tasks for name in task.reconciliations}
    for task in order:
        began = clock() if clock else 0.0
        if task.id not in found:
            found[task.id] = _alone(task, evidence, named)
        alone = found[task.id]
        answers[task.id] = _state(task, alone, answers, record)
        seconds[task.id] = clock() - began if clock else 0.0
        due = add_business_days(evidence.day, task.due_business_day, calendar)
        rows.append(_row(task, answers[task.id], alone, due, record.task(task.id), today))
    return Outcome(CloseState(built(CLOSE_TASKS, rows), seconds, found), tuple(findings))


def _alone(task: CloseTask, evidence: Evidence, named: Collection[str]) -> Answer:
    """What the check says, whatever the tasks before it say. ``named``: the reconciliations that some task asks for."""
    if task.reconciliations:
        others = sorted(name for name in evidence.reconciliations or () if name not in named)
        return reconciled(evidence, [n for name in task.reconciliations for n in (others if name == "*" else [name])])
    if not task.check:
        return run_of(evidence, task.notebook)
    if task.check not in CHECKS:
        return Answer("open", f"no check called {task.check}")
    return CHECKS[task.check](evidence)


def _state(task: CloseTask, alone: Answer, answers: Mapping[str, Answer], record: CloseRecord) -> Answer:
    waiting = [need for need in task.needs if need not in answers or answers[need].state != "done"]
    if waiting:
        return Answer("blocked", f"waits for {', '.join(waiting)}")
    people = record.task(task.id)
    if people.reopened:
        return Answer("open", f"reopened by {people.reopened.by}: {people.reopened.says}; {alone.says}", alone.items)
    if alone.state == "failed":
        return _accepted(alone, people)
    if alone.state == "done" and people.was_signed and not people.on(alone.evidence):
        return Answer("open", f"changed since {people.signed[-1].by} signed it: sign it again; {alone.says}", alone.items)
    return alone


def _accepted(alone: Answer, people: TaskRecord) -> Answer:
    """A failure that two people accepted counts as done; it stays in the sentence."""
    given = people.acceptances(alone.evidence)
    if len(given) >= 2:
        said = f"accepted by {given[0].by} and {given[1].by}: {given[0].says} (was: {alone.says})"
        return Answer("done", said, alone.items)
    waits = f"; accepted by {given[0].by}, a second person is needed" if given else ""
    return Answer("failed", alone.says + waits, alone.items)


def _row(task: CloseTask, answer: Answer, alone: Answer, due: date, people: TaskRecord, today: date | None) -> dict[str, Any]:
    signed = [s.by for s in people.on(alone.evidence)] if alone.evidence else []
    waits = task.owner if answer.state != "done" or not signed else task.reviewer if len(signed) < 2 else ""
    return {
        "task": task.id, "title": task.title, "state": answer.state, "says": answer.says, "needs": ", ".join(task.needs),
        "owner": task.owner, "reviewer": task.reviewer, "due": due, "items": answer.items, "check": alone.state,
        "evidence": alone.evidence or None, "prepared_by": signed[0] if signed else None,
        "reviewed_by": signed[1] if len(signed) > 1 else None, "late": waits if today and today > due and waits else None,
        "notebook": task.notebook or None,
    }  # fmt: skip


def _unknown(terms: Close) -> list[Finding]:
    ids = [task.id for task in terms.tasks]
    found = []
    for task in terms.tasks:
        checks = [("check", task.check, list(CHECKS))] if task.check or not (task.notebook or task.reconciliations) else []
        for what, name, known in (*checks, *(("task", need, ids) for need in task.needs)):
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                expected = near[0] if near else ", ".join(known)
                found.append(
                    error(
                        f"{what}-unknown",
                        f"{task.id}: no {what} {name}",
                        found=name,
                        expected=expected,
                        todo="correct the name",
                    )
                )
    return found


def _ordered(terms: Close) -> tuple[list[CloseTask], list[str]]:
    """Tasks after what they need, else as written; and the ids that stand in a circle (last, blocked)."""
    left, order, placed = list(terms.tasks), list[CloseTask](), set[str]()
    known = {task.id for task in left}
    while ready := [t for t in left if all(need in placed or need not in known for need in t.needs)]:
        order.append(ready[0])
        placed.add(ready[0].id)
        left.remove(ready[0])
    return [*order, *left], [task.id for task in left]
