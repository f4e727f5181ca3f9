"""Arrivals, reconciliations and breaks."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bo_lib import config
from bo_lib.model import dates, tables
from bo_lib.model.findings import Finding, Outcome
from bo_lib.recon import (
    Reconciliation,
    Rules,
    accepted_breaks,
    carry,
    open_breaks,
    open_breaks_table,
    reconcile_cash,
    reconcile_positions,
)
from bo_lib.store import Fact
from bo_lib.views.pages.arrivals import arrivals_report
from bo_lib.views.pages.recon import breaks_report, reconciliation_report
from bo_lib.views.report import Report
from bo_lib.workbench import inbox
from bo_lib.workbench.desk import Desk, once

ACTIONS_BACK_DAYS = 10


class ReconDesk(Desk):
    @once
    def arrivals(self) -> Report:
        """What of the day's post came, what did not, and what was refused."""
        todays = [f for f in self.known.files if f.effective_date == self.day]
        found = inbox.arrivals(todays, self.fund, self.office.firm.deliveries, self.day)
        rows = [_arrival_row(arrival) for arrival in found]
        for row, arrival in zip(rows, found, strict=True):
            payload = {"fund": self.fund.id, "business_date": str(self.day), **row, "findings": [str(f) for f in arrival.findings]}
            entity = f"{row['sender']}/{row['format']}/{row['account']}"
            self.known.record(
                "arrival", entity, payload, f"arrival:{self.fund.id}:{self.day}:{entity}:{row['state']}:{row['file']}"
            )
        owed = {f.id for arrival in found for f in arrival.files}
        besides = [inbox.finding_of(p) for f in todays if f.id not in owed for p in f.payload["findings"]]
        return arrivals_report(rows, [*(f for a in found for f in a.findings), *besides, *self._strangers()])

    def _strangers(self) -> list[Finding]:
        """Accounts in today's files that no fund of the firm has, in files of senders that serve this fund."""
        funds = [self.office.fund(fund_id) for fund_id in self.office.firm.funds]
        senders = {d.sender for d in self.fund.deliveries} | {a.custodian for a in self.fund.accounts}
        todays = [f for f in inbox.in_force(self.known.facts("file", inbox.STREAM)) if f.effective_date == self.day]
        return inbox.strangers((f for f in todays if f.payload["sender"] in senders), funds or [self.fund])

    @once
    def reconcile(self, name: str) -> Report:
        """``name``: a reconciliation of parameters/recon/ (``cash`` or ``positions``)."""
        self.arrivals()
        result = self.reconciled(name).value
        self._carry_breaks(result)
        return reconciliation_report(result, [b for b in self.open_breaks() if b.item.recon == name], self.day, self.fund.calendar)

    @once
    def reconciled(self, name: str) -> Outcome[Reconciliation]:
        rules = config.load(self.office.root / "parameters" / "recon" / f"{name}.yaml", Rules)
        return {"cash": self._cash, "positions": self._positions}[name](rules)

    def held_back(self) -> list[dict[str, Any]]:
        """Trades refused and not booked; the settlement desk knows them. They explain breaks."""
        return []

    def _cash(self, rules: Rules) -> Outcome[Reconciliation]:
        book = self.known.book().value
        first = self.fund.inception
        own = self.known
        return reconcile_cash(
            book.cash_movements(first, self.day), book.cash(), own.dated_rows(tables.STATEMENTS, first),
            own.in_accounts(tables.CASH_MOVEMENTS, first),
            rules, self.day, fund=self.fund.id, value=self._cash_in_base, calendar=self.fund.calendar, open_trades=book.open_trades,
            statuses=own.in_accounts(tables.SETTLEMENTS, first), incomplete=own.incomplete, held_back=self.held_back(),
        )  # fmt: skip

    def _positions(self, rules: Rules) -> Outcome[Reconciliation]:
        book = self.known.book().value
        basis = {a.id: a.position_basis for a in self.fund.accounts if a.custody}
        held = pa.concat_tables(
            [tables.POSITIONS.empty(), *(_of(account, book.positions(kind)) for account, kind in basis.items())]
        )
        back = dates.add_business_days(self.day, -ACTIONS_BACK_DAYS, self.fund.calendar)
        announced = self.known.rows(tables.ANNOUNCEMENTS, self.fund.inception)
        recent = announced.filter(
            pa.array((bool(d and back <= d <= self.day) for d in announced["ex_date"].to_pylist()), pa.bool_())
        )
        return reconcile_positions(
            held, self.known.in_accounts(tables.HOLDINGS), book.open_trades, recent, rules, self.day, fund=self.fund.id,
            value=self._position_in_base, basis=basis, incomplete=self.known.incomplete, held_back=self.held_back(),
            statuses=self.known.in_accounts(tables.SETTLEMENTS, self.fund.inception),
        )  # fmt: skip

    def _cash_in_base(self, currency: str, amount: Decimal) -> Decimal | None:
        rates = self.known.rates_on(self.day)
        known = rates is not None and currency in rates
        return rates.convert(amount, currency, self.fund.base_currency) if rates and known else None

    def _position_in_base(self, isin: str, quantity: Decimal) -> Decimal | None:
        price = self.known.last_prices.get(isin)
        return self._cash_in_base(price.currency, quantity * price.per_unit) if price else None

    # Breaks

    def _carry_breaks(self, result: Reconciliation) -> None:
        payloads = self._break_payloads()
        changes = carry(open_breaks(payloads, self.day), result, self.day, self.fund.calendar, accepted_breaks(payloads, self.day))
        kinds = {"break_opened": "break.opened", "break_closed": "break.closed"}
        if self.known_at:
            return
        said = Counter(p["break_id"] for p in payloads)  # a break may come, go and come back on one day
        facts = []
        for p in changes.payloads:
            fact_id = f"{p['fact']}:{p['break_id']}:{self.day}:{said[p['break_id']]}"
            facts.append(Fact(fact_id, self.fund.id, kinds[p["fact"]], p["break_id"], self.day, p))
        self.office.store.append(facts, self.office.actor, self.office.now())

    def _break_payloads(self) -> list[dict[str, Any]]:
        return [f.payload for f in self.known.facts("break")]

    def open_breaks(self) -> list[Any]:
        return open_breaks(self._break_payloads(), self.day)

    @once
    def breaks(self) -> Report:
        """All that is open tonight, what is new and what closed since the business day before."""
        today = open_breaks_table(self.open_breaks(), self.day, self.fund.calendar)
        closed = [f.payload for f in self.known.facts("break.closed") if f.effective_date == self.day]
        opened = {f.payload["break_id"]: f.payload for f in self.known.facts("break.opened")}
        gone = [{**opened[p["break_id"]], "reason": p["reason"]} for p in closed if p["break_id"] in opened]
        return breaks_report(today, gone, self.day, self.fund.base_currency)


def _of(account: str, rows: pa.Table) -> pa.Table:
    return rows.filter(pc.equal(rows["account"], account))


def _arrival_row(arrival: inbox.Arrival) -> dict[str, Any]:
    files: list[Finding] | Any = arrival.files
    delivery = arrival.delivery
    return {
        "sender": delivery.sender, "format": delivery.format, "account": delivery.account, "due": f"{delivery.due:%H:%M}",
        "state": arrival.state,
        "file": ", ".join(f.payload["name"] for f in files), "sha256": files[-1].payload["sha256"] if files else "",
        "rows": sum(sum(f.payload["rows"].values()) for f in files), "quarantined": sum(f.payload["quarantined"] for f in files),
    }  # fmt: skip
