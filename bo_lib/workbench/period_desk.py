"""Closing a month at the desk: who signs, accepts, approves, closes and reopens; the lock at the door of the books.

The author of a decision is who writes it: ``Office.actor``, kept in the chain with the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from bo_lib.close import CloseState, digest, signing
from bo_lib.model import dates
from bo_lib.model.findings import Finding, Outcome
from bo_lib.model.four_eyes import Proposal
from bo_lib.recon.decisions import Decision, Said
from bo_lib.store import Fact
from bo_lib.views.pages.close import decision_report
from bo_lib.views.report import Report
from bo_lib.workbench.close_desk import CloseDesk
from bo_lib.workbench.door import Door

Decide = Callable[[Sequence[Mapping[str, Any]], signing.CloseRecord, Said], Decision]


class PeriodDesk(CloseDesk):
    """Every decision is appended, or its refusal, and reports what became of it."""

    def sign_tasks(self, tasks: Sequence[str] = (), text: str = "") -> Report:
        """The first person prepares, a second reviews; no task named: all that this person may sign now."""
        return self._decide_close(lambda rows, record, said: signing.sign(rows, record, tasks, said), text)

    def accept_tasks(self, tasks: Sequence[str], text: str) -> Report:
        return self._decide_close(lambda rows, record, said: signing.accept(rows, record, tasks, said), text)

    def approve_postings(self, event_ids: Sequence[str], text: str = "") -> Report:
        """What came for the soft closed month is posted to it, as a second person agrees; what depends on it is open again."""
        return self._answer_late(event_ids, f"posted to {self.month_name}", lambda door, name: door.approve(name, text))

    def defer_postings(self, event_ids: Sequence[str], text: str = "") -> Report:
        """It is booked on the first day after the month, as an item of a prior period."""
        return self._answer_late(event_ids, "booked after the month", lambda door, name: door.defer(name, text))

    def refuse_postings(self, event_ids: Sequence[str], text: str) -> Report:
        return self._answer_late(event_ids, "refused", lambda door, name: door.proposals.reject(name, text))

    def _answer_late(
        self, event_ids: Sequence[str], became: str, answer: Callable[[Door, str], Outcome[Proposal | None]]
    ) -> Report:
        """The answers one by one; the first that is refused ends it."""
        self.must_be_now()
        done: list[str] = []
        findings: tuple[Finding, ...] = ()
        for name in event_ids:
            made = answer(Door(self.office, self.fund), name)
            findings = made.findings
            if made.value is None:
                break
            done.append(made.value.about)
        self.done.clear()
        self.__dict__.pop("locked", None)
        says = [
            f"{', '.join(done)}: {became}, says {self.office.actor}." if done else "",
            *(f"Refused: {f.message}." for f in findings),
        ]
        decision = Decision("refused" if findings else "done", " ".join(filter(None, says)), (), findings)
        return decision_report(decision, self.month_name, self.closing().value)

    def soft_close(self, text: str = "") -> Report:
        self._look_afresh()
        return self._decide_close(lambda rows, record, said: signing.soft_close(rows, record, said, self._in_the_way()), text)

    def hard_close(self, text: str = "") -> Report:
        """The first person proposes, a second closes: nothing is posted to the month any more."""

        def decide(rows: Sequence[Mapping[str, Any]], record: signing.CloseRecord, said: Said) -> Decision:
            return signing.hard_close(rows, record, said, self._in_the_way(), self._frozen())

        self._look_afresh()
        return self._decide_close(decide, text)

    def _look_afresh(self) -> None:
        """A month is closed on what the checks say now, not on what was recorded of them."""
        self.done[("closing",)] = self.closing(True)

    def reopen_close(self, tasks: Sequence[str], text: str) -> Report:
        """Tasks of an open month; without any, the month itself, which takes two people."""
        if tasks:
            return self._decide_close(lambda rows, record, said: signing.reopen_tasks(rows, record, tasks, said), text)
        after = self._closed_after()
        return self._decide_close(lambda rows, record, said: signing.reopen_month(record, said, after), text)

    def _decide_close(self, decide: Decide, text: str) -> Report:
        self.must_be_now()
        rows, record = self.closing().value.table.to_pylist(), self.close_record()
        decision = decide(rows, record, Said(self.office.actor, self.day, text.strip()))
        if lock := next((signing.LOCKED[p["fact"]] for p in decision.payloads if p["fact"] in signing.LOCKED), ""):
            Door(self.office, self.fund).lock(dates.month_end(self.day), lock, decision.says)
        self._append_close(decision.payloads, len(record.history))
        return decision_report(decision, self.month_name, self._closing_now())

    def _append_close(self, payloads: Sequence[Mapping[str, Any]], told: int) -> None:
        facts = [
            Fact(f"close:{self.fund.id}:{self.month_name}:{told + n}", self.fund.id, p["fact"], self.month_name, self.day, dict(p))
            for n, p in enumerate(payloads, 1)
        ]
        self.office.append(facts)

    def _closing_now(self) -> CloseState:
        """Where the tasks stand after a decision; what the checks saw is the same."""
        self.done.pop(("closing",), None)
        return self.closing().value

    def _in_the_way(self) -> str:
        """Why the month cannot be closed yet: the one before is not closed for good, or it has not ended. Empty when it can."""
        before = self.opened
        month = f"{before:%Y-%m}"
        if before > self.fund.inception and self.close_record(month).lock != "hard":
            todo = f"bo close list --fund {self.fund.id} --month {month} shows what it waits for"
            return f"{month}, the month before, is not closed for good: {todo}"
        if not dates.is_last_business_day_of_month(self.day, self.fund.calendar):
            return f"{self.day} is not the last business day of {self.month_name}: open the desk on that day"
        return ""

    def _closed_after(self) -> str:
        """A later month that is closed for good; empty when there is none."""
        facts = self.known.facts("close", until=date.max)
        months = sorted({f.payload["month"] for f in facts if f.payload.get("month", "") > self.month_name})
        return next((month for month in months if self.close_record(month).lock == "hard"), "")

    def _frozen(self) -> dict[str, Any]:
        """What is kept with a month that is closed for good: its NAV by class, and the hash of its statements."""
        struck = self.struck().value
        made = {name: self.financials(name) for name in self.frameworks}
        tables = {f"{name}/{table}": data for name, f in made.items() if f for table, data in f.tables.items()}
        return {"net_assets": f"{struck.net_assets:f}", "state": struck.state_payload(), "statements_sha256": digest(tables)}
