"""The books at the desk: what they hold as of any day and time, what waits for a person, and where a figure comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bo_lib.books import Book, waiting
from bo_lib.model.findings import Verdict
from bo_lib.views.pages import books as pages
from bo_lib.views.report import Report
from bo_lib.workbench.door import Door
from bo_lib.workbench.nav_desk import NavDesk


class BooksDesk(NavDesk):
    @property
    def book(self) -> Book:
        """The books as of the business date, as known at the desk's time: positions, lots, journal, trial balance, …"""
        return self.known.book().value

    # What waits

    def waiting(self) -> Report:
        """Events that the books refused, or their door: what a person corrects."""
        return pages.waiting_report(self._waiting_rows(), self.fund.id)

    def _waiting_rows(self) -> list[dict[str, Any]]:
        rows = waiting(self.known.refused()).to_pylist()
        return [{**row, "file": self.known.name_of(row["file"])} for row in rows]

    def correct(self, event_id: str, changes: Mapping[str, Any], reason: str) -> Report:
        """Adds the next version of a waiting event with ``changes`` (field -> value), and says whether the books take it."""
        made = Door(self.office, self.fund).correct(self.known.refused(), event_id, changes, reason)
        if not made.value:
            return pages.decided_report("Nothing was changed.", self.waiting(), Verdict.BLOCKED, made.findings)
        again = [r.finding for r in self.known.refused() if r.event.event_id == made.value.event_id]
        said = f"{made.value.event_id} takes the place of {event_id}" + (
            ", and waits itself." if again else ", and is in the books."
        )
        return pages.decided_report(said, self.waiting(), Verdict.ATTENTION if again else Verdict.PASS, again)

    def withdraw(self, event_id: str, reason: str) -> Report:
        """Takes back a waiting event that should never have come."""
        made = Door(self.office, self.fund).withdraw(self.known.refused(), event_id, reason)
        said = f"{event_id} is withdrawn." if made.ok else "Nothing was changed."
        return pages.decided_report(said, self.waiting(), Verdict.PASS if made.ok else Verdict.BLOCKED, made.findings)
