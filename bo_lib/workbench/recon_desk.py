"""Arrivals, reconciliations and breaks."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from bo_lib import config
from bo_lib.model.findings import Finding, Outcome
from bo_lib.recon import (
    Reconciliation,
    Rules,
    accepted_breaks,
    carry,
    open_breaks,
    open_breaks_table,
)
from bo_lib.store import Fact, StoredFact
from bo_lib.views.pages.arrivals import arrivals_report
from bo_lib.views.pages.recon import breaks_report, reconciliation_report
from bo_lib.views.report import Report
from bo_lib.workbench import inbox
from bo_lib.workbench.desk import Desk, once
from bo_lib.workbench.reconciliations import kind_of, known_or_nearest


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
        return self.reconciled_by(self.rules(name))

    def reconciled_by(self, rules: Rules) -> Outcome[Reconciliation]:
        """The reconciliation under ``rules``, whatever file they are from; nothing is recorded."""
        return kind_of(rules)(self, rules)

    def rules(self, name: str) -> Rules:
        """parameters/recon/<name>.yaml. Raises ``ParameterError`` with the nearest name there is."""
        folder = self.office.root / "parameters" / "recon"
        return config.load(known_or_nearest(folder, name), Rules)

    def held_back(self) -> list[dict[str, Any]]:
        """Trades refused and not booked; the settlement desk knows them. They explain breaks."""
        return []

    def cash_in_base(self, currency: str, amount: Decimal) -> Decimal | None:
        rates = self.known.rates_on(self.day)
        known = rates is not None and currency in rates
        return rates.convert(amount, currency, self.fund.base_currency) if rates and known else None

    def position_in_base(self, isin: str, quantity: Decimal) -> Decimal | None:
        price = self.known.last_prices.get(isin)
        return self.cash_in_base(price.currency, quantity * price.per_unit) if price else None

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


def _arrival_row(arrival: inbox.Arrival) -> dict[str, Any]:
    files: tuple[StoredFact, ...] = arrival.files
    delivery = arrival.delivery
    return {
        "sender": delivery.sender, "format": delivery.format, "account": delivery.account, "due": f"{delivery.due:%H:%M}",
        "state": arrival.state,
        "file": ", ".join(f.payload["name"] for f in files), "sha256": files[-1].payload["sha256"] if files else "",
        "rows": sum(sum(f.payload["rows"].values()) for f in files), "quarantined": sum(f.payload["quarantined"] for f in files),
    }  # fmt: skip
