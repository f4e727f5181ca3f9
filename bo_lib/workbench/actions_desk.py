"""Announcements, dates ahead, and what goes ex or is paid today."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc

from bo_lib.actions import GoldenEvent, by_terms, coupons_due, entitlements, golden, to_events, unannounced_coupons, upcoming
from bo_lib.books import Book
from bo_lib.model import dates, events
from bo_lib.model.findings import Finding, Outcome
from bo_lib.views.pages import actions as pages
from bo_lib.views.report import Report
from bo_lib.workbench.desk import Desk, once

HORIZON_DAYS = 21


class ActionsDesk(Desk):
    @once
    def golden(self) -> Outcome[list[GoldenEvent]]:
        """One record per event from all announcements so far."""
        senders = {*self.office.firm.action_sources, *(a.custodian for a in self.fund.accounts)}
        expected = dict.fromkeys(self._held_before()["isin"].to_pylist(), senders)
        announced = golden(self.known.announcements(), expected=expected)
        dated = by_terms(announced.value, self.known.instruments)
        return Outcome(dated.value, (*announced.findings, *dated.findings))

    @once
    def _book_before(self) -> Book:
        return self.known.book(until=dates.previous_business_day(self.day, self.fund.calendar)).value

    def _held_before(self) -> pa.Table:
        return self._book_before().positions("trade")

    @once
    def announcements(self) -> Report:
        outcome = self.golden()
        held = {*self._held_before()["isin"].to_pylist(), *self.known.book().value.positions("trade")["isin"].to_pylist()}
        ours = [event for event in outcome.value if event.isin in held]
        missing = self.unannounced()
        names = {event.ref for event in ours}
        letters = [f for f in outcome.findings if f.place.file in names or any(isin in str(f) for isin in held)]
        return pages.announcements_report(ours, [*letters, *missing], self.day)

    def unannounced(self) -> tuple[Finding, ...]:
        """Coupons that go ex within five business days on what is held, or was sold and has not left, and nobody announced."""
        last = dates.add_business_days(self.day, 5, self.fund.calendar)
        due = coupons_due(self.known.instruments, self.day, last + timedelta(days=30))
        held = pa.concat_tables([self._book_before().positions("settlement"), self._held_before()])
        return tuple(unannounced_coupons(due.filter(pc.less_equal(due["ex_date"], last)), self.golden().value, held))

    @once
    def upcoming_events(self) -> Report:
        positions = self.known.book().value.positions("trade")
        return pages.upcoming_report(upcoming(self.golden().value, self.day, HORIZON_DAYS, positions=positions), self.day)

    @once
    def entitlements(self) -> Report:
        """Books what goes ex or is paid since the business day before, for the positions held at its close."""
        made, known = self._made(), {e.event_id for e in self.known.events()}
        before = dates.previous_business_day(self.day, self.fund.calendar)
        new = [e for e in made.value if e.effective_date > before or e.event_id not in known]  # and not interest made again
        self.known.book_events(made.value)
        positions = self._held_before()
        days = [before.fromordinal(n) for n in range(before.toordinal() + 1, self.day.toordinal() + 1)]
        numbers = {a.id: a.custody for a in self.fund.accounts}
        pending = self._book_before().open_trades
        rows = [
            row
            for day in days
            for row in entitlements(self.golden().value, positions, day, numbers=numbers, pending=pending).to_pylist()
        ]
        return pages.entitlements_report(rows, new, made.findings)

    @once
    def _made(self) -> Outcome[list[events.Event]]:
        own = self.known
        prices = {isin: price.price for isin, price in own.last_prices.items()}
        master = own.instruments
        return to_events(
            self.golden().value, self.fund.id, self.day, self._held_before(),
            previous=dates.previous_business_day(self.day, self.fund.calendar), prices=prices,
            currencies=dict(zip(master["isin"].to_pylist(), master["currency"].to_pylist(), strict=True)),
            numbers={a.id: a.custody for a in self.fund.accounts}, booked={e.event_id for e in own.events()},
            pending=self._book_before().open_trades,
        )  # fmt: skip
