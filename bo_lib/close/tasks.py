"""The task graph of a close: what is done, what is open, what failed, and what waits for something else."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from bo_lib.close.checks import CHECKS, Answer, Evidence
from bo_lib.close.tables import CLOSE_TASKS
from bo_lib.config import Close, CloseTask
from bo_lib.model.dates import add_business_days
from bo_lib.model.findings import Finding, Outcome, Verdict, error
from bo_lib.model.tables import built


@dataclass(frozen=True)
class Acceptance:
    """Two people accept a task whose check failed, with the reason; the failure stays in its sentence."""

    task: str
    maker: str
    checker: str
    reason: str

    @property
    def counts(self) -> bool:
        return bool(self.maker and self.checker and self.reason) and self.maker != self.checker


@dataclass(frozen=True)
class CloseState:
    """``table`` (CLOSE_TASKS) in an order in which the tasks can be done."""

    table: pa.Table

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
    terms: Close, evidence: Evidence, calendar: str, *, accepted: Collection[Acceptance] = (), reopened: Collection[str] = ()
) -> Outcome[CloseState]:
    """Runs the tasks of ``terms`` (parameters/close.yaml) over ``evidence``.

    A task is blocked while one that it needs is not done; otherwise its check says done, failed or open. ``reopened``: tasks a
    person has reopened; they are open again, and with them what depends on them, and nothing else. ``calendar``: of the
    due days, counted from the month's end. A check or task that does not exist, or a circle of needs, is an error.
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
    approved = {a.task: a for a in accepted if a.counts}
    findings += [
        error("acceptance-needs-two", f"{a.task}: accepted without a second person or a reason", found=f"{a.maker}, {a.checker}")
        for a in accepted if not a.counts
    ]  # fmt: skip
    for task in order:
        answers[task.id] = _state(task, evidence, answers, approved, reopened)
    due = {task.id: add_business_days(evidence.day, task.due_business_day, calendar) for task in order}
    return Outcome(CloseState(built(CLOSE_TASKS, (_row(t, answers[t.id], due[t.id]) for t in order))), tuple(findings))


def _state(
    task: CloseTask,
    evidence: Evidence,
    answers: Mapping[str, Answer],
    approved: Mapping[str, Acceptance],
    reopened: Collection[str],
) -> Answer:
    waiting = [need for need in task.needs if need not in answers or answers[need].state != "done"]
    if waiting:
        return Answer("blocked", f"waits for {', '.join(waiting)}")
    if task.id in reopened:
        return Answer("open", "reopened")
    if task.check not in CHECKS:
        return Answer("open", f"no check called {task.check}")
    answer = CHECKS[task.check](evidence)
    if answer.state == "failed" and task.id in approved:
        a = approved[task.id]
        return Answer("done", f"accepted by {a.maker} and {a.checker}: {a.reason} (was: {answer.says})", answer.items)
    return answer


def _row(task: CloseTask, answer: Answer, due: date) -> dict[str, Any]:
    return {
        "task": task.id, "title": task.title, "state": answer.state, "says": answer.says, "needs": ", ".join(task.needs),
        "owner": task.owner, "reviewer": task.reviewer, "due": due, "items": answer.items,
    }  # fmt: skip


def _unknown(terms: Close) -> list[Finding]:
    ids = [task.id for task in terms.tasks]
    found = []
    for task in terms.tasks:
        for what, name, known in (("check", task.check, list(CHECKS)), *(("task", need, ids) for need in task.needs)):
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
