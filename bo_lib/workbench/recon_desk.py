"""Arrivals, reconciliations and breaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bo_lib.model import dates
from bo_lib.model.findings import Finding, Outcome, Severity, warning
from bo_lib.model.money import Rates, round_to
from bo_lib.recon import Reconciliation, Rules, open_breaks, open_breaks_table
from bo_lib.recon.result import short_hash, without
from bo_lib.store import StoredFact
from bo_lib.views.pages.arrivals import UNKNOWN, arrivals_report, loaded_report
from bo_lib.views.pages.breaks import breaks_report
from bo_lib.views.pages.recon import reconciliation_report
from bo_lib.views.report import Report
from bo_lib.workbench import inbox
from bo_lib.workbench.break_desk import BreakDesk
from bo_lib.workbench.desk import once
from bo_lib.workbench.reconciliations import kind_of

TREND_DAYS = 15  # business days
TREND = pa.schema([("business_date", pa.date32()), ("recon", pa.string()), ("breaks", pa.int64())])


class ReconDesk(BreakDesk):
    @once
    def arrivals(self) -> Report:
        """What of the day's post came, what did not, and what was refused."""
        todays = [f for f in self.known.files if f.effective_date == self.day]
        found = inbox.arrivals(todays, self.fund, self.office.firm.deliveries, self.day)
        rows = [_arrival_row(arrival) for arrival in found]
        for row, arrival in zip(rows, found, strict=True):
            payload = {"fund": self.fund.id, "business_date": str(self.day), **row, "findings": [str(f) for f in arrival.findings]}
            entity = f"{row['sender']}/{row['format']}/{row['account']}"
            read = short_hash(row["file"], row["sha256"], *payload["findings"])  # of the same name it may be sent or read again
            self.known.record("arrival", entity, payload, f"arrival:{self.fund.id}:{self.day}:{entity}:{row['state']}:{read}")
        owed = {f.id for arrival in found for f in arrival.files}
        besides = [inbox.finding_of(p) for f in todays if f.id not in owed for p in f.payload["findings"]]
        return arrivals_report(rows, [*(f for a in found for f in a.findings), *besides, *self._strangers()])

    @once
    def loaded(self) -> Report:
        """Every file of the day that concerns the fund, as it was read: what was kept and what was wrong with it."""
        todays = [f for f in self.known.files if f.effective_date == self.day]
        findings = {f.id: [inbox.finding_of(p) for p in f.payload["findings"]] for f in todays}
        return loaded_report([_file_row(f, findings[f.id]) for f in todays], [x for found in findings.values() for x in found])

    def _strangers(self) -> list[Finding]:
        """Accounts in today's files that no fund of the firm has, in files of senders that serve this fund."""
        if broken := self.office.broken:
            said = f"accounts of nobody are not looked for: the parameters of {', '.join(broken)} cannot be used"
            return [warning("accounts-unchecked", said, todo="put its parameters right, then run this again")]
        funds = self.office.funds
        senders = {d.sender for d in self.fund.deliveries} | {a.custodian for a in self.fund.accounts}
        todays = [f for f in inbox.in_force(self.known.facts("file", inbox.STREAM)) if f.effective_date == self.day]
        return inbox.strangers((f for f in todays if f.payload["sender"] in senders), funds or [self.fund])

    @once
    def reconcile(self, name: str) -> Report:
        """Carries out parameters/recon/<name>.yaml on the day's figures; its differences become breaks that age and close.

        The firm's definitions: cash, positions, positions_three_way, trades, income, prices, prices_second_source,
        nav_components, units, and those that you add. Raises ``ParameterError`` with the nearest name for one that is not there.
        """
        self.arrivals()
        result = self.reconciled(name).value
        self.carry_breaks(result)
        states = [s for s in self.break_states().values() if s.found.item.recon == name]
        result = without(result, {s.break_id for s in states if s.is_decided}, self.rules(name))
        return reconciliation_report(result, states, self.day, self.fund.calendar)

    @once
    def reconciled(self, name: str) -> Outcome[Reconciliation]:
        return self.reconciled_by(self.rules(name))

    def reconciled_by(self, rules: Rules) -> Outcome[Reconciliation]:
        """The reconciliation under ``rules``, whatever file they are from; nothing is recorded."""
        return kind_of(rules)(self, rules)

    def held_back(self) -> list[dict[str, Any]]:
        """Trades refused and not booked; the settlement desk knows them. They explain breaks."""
        return []

    def cash_in_base(self, currency: str, amount: Decimal) -> Decimal | None:
        rates = self.known.rates_on(self.day) or Rates({}, self.fund.base_currency)
        return rates.convert(amount, currency, self.fund.base_currency) if currency in rates else None

    def position_in_base(self, isin: str, quantity: Decimal) -> Decimal | None:
        price = self.known.last_prices.get(isin)
        return self.cash_in_base(price.currency, quantity * price.per_unit) if price else None

    # Breaks

    @once
    def breaks(self) -> Report:
        """All that is open tonight, what is new and closed since the business day before, and how well the day matched."""
        states = list(self.break_states().values())
        today = open_breaks_table([s for s in states if s.is_open], self.day, self.fund.calendar)
        return breaks_report(today, states, self._measures(), self._trend(), self.day, self.fund.base_currency)

    def _measures(self) -> list[dict[str, Any]]:
        """Match rate and proof of each reconciliation today, beside the rate of the business day before."""
        said, before = self.concluded(), dates.add_business_days(self.day, -1, self.fund.calendar)
        measures = []
        for (name, day), today in sorted(said.items()):
            if day == self.day:
                rates = [
                    round_to(Decimal(p["matched_pct"]), 2) if p and p["accounts"] else None
                    for p in (today, said.get((name, before)))
                ]
                same = {key: today[key] for key in ("recon", "accounts", "proven")}
                measures.append({**same, "matched_pct": rates[0], "matched_pct_before": rates[1]})
        return measures

    def _trend(self) -> pa.Table:
        """Open breaks by reconciliation at the close of each of the last business days."""
        payloads = self._break_payloads()
        first = dates.add_business_days(self.day, -TREND_DAYS, self.fund.calendar)
        days = dates.business_days(max(first, self.fund.inception), self.day, self.fund.calendar)
        counts = Counter((day, b.item.recon) for day in days for b in open_breaks(payloads, day))
        recons = sorted({recon for _, recon in counts})
        rows = [{"business_date": day, "recon": recon, "breaks": counts[day, recon]} for recon in recons for day in days]
        return pa.Table.from_pylist(rows, TREND)


def _arrival_row(arrival: inbox.Arrival) -> dict[str, Any]:
    files: tuple[StoredFact, ...] = arrival.files
    delivery = arrival.delivery
    return {
        "sender": delivery.sender, "format": delivery.format, "account": delivery.account, "due": f"{delivery.due:%H:%M}",
        "state": arrival.state,
        "file": ", ".join(f.payload["name"] for f in files), "sha256": files[-1].payload["sha256"] if files else "",
        "rows": sum(sum(f.payload["rows"].values()) for f in files), "quarantined": sum(f.payload["quarantined"] for f in files),
    }  # fmt: skip


def _file_row(file: StoredFact, findings: Sequence[Finding]) -> dict[str, Any]:
    severities = Counter(f.severity for f in findings)
    said = file.payload
    return {
        "sender": said["sender"], "file": said["name"], "format": said["format"] or UNKNOWN,
        "rows": sum(said["rows"].values()), "quarantined": said["quarantined"], "errors": severities[Severity.ERROR],
        "state": f"refused: {said['refused']}" if said["refused"] else "counts", "warnings": severities[Severity.WARNING],
        "sha256": said["sha256"][:12],
    }  # fmt: skip
