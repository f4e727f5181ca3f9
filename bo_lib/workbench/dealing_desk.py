"""Investors' orders, contract notes and the register."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from bo_lib.investors import Dealt, Orders, Register, deal, register, validate
from bo_lib.investors.tables import CONTRACT_NOTES
from bo_lib.model import tables
from bo_lib.model.findings import Outcome, Verdict, error, warning
from bo_lib.nav import Flow, dealing_prices, equalised_prices, levied_prices
from bo_lib.nav.release import RELEASED
from bo_lib.store import Fact, StoredFact
from bo_lib.views.pages import dealing as pages
from bo_lib.views.report import Report
from bo_lib.workbench import inbox
from bo_lib.workbench.break_desk import told
from bo_lib.workbench.desk import once
from bo_lib.workbench.nav_desk import NavDesk
from bo_lib.workbench.office import release_stream
from bo_lib.workbench.opening import OPENING_NAV


class DealingDesk(NavDesk):
    @once
    def registered(self) -> Outcome[Register]:
        """The register at the close of the day: today's orders join it tomorrow."""
        taken_over = self.locked.facts(OPENING_NAV)
        rows = taken_over[-1].payload["register"] if taken_over else []
        opening = {(row["investor"], row["share_class"]): Decimal(row["units"]) for row in rows}
        return register(self.fund, opening, self.locked.events())

    @once
    def validated(self) -> Outcome[Orders]:
        before = {f.entity for f in self.known.facts("order") if f.effective_date < self.day}
        orders = self.known.rows(tables.ORDERS, self.fund.inception)
        return validate(orders, self.fund, self.registered().value, self.day, dealt=before)

    @once
    def dealing_price(self) -> Mapping[str, Decimal]:
        """Price by class: NAV per unit, swung for everybody when the day's net flow is large."""
        struck = self.struck().value
        per_unit = {name: row["nav_per_unit"] for name, row in struck.rows.items() if row["nav_per_unit"] is not None}
        flows = [Flow(*flow) for flow in self.validated().value.flows()]
        return dealing_prices(per_unit, struck.net_assets, flows, self.fund.on(self.day), struck.rates, self.fund.base_currency)

    @once
    def dealt(self) -> Outcome[Dealt]:
        struck = self.struck()
        if not self.releasable():
            blocked = tuple(
                error("nav-blocked", f"{c.title}: {c.says}", todo="find the cause and strike again")
                for c in self.controlled()
                if c.verdict is Verdict.BLOCKED
            )
            return Outcome(Dealt(CONTRACT_NOTES.empty(), ()), (*struck.findings, *blocked))
        prices = self.prices_to_deal_at()
        if prices is None:
            todo = f"two people sign it: bo nav sign and bo nav release, --fund {self.fund.id} --date {self.day}"
            waits = error("nav-not-released", f"the NAV of {self.day} is not released; no order deals at it", todo=todo)
            return Outcome(Dealt(CONTRACT_NOTES.empty(), ()), (waits,))
        made = deal(self.validated().value.accepted, {**prices, **self._prices_apart()}, struck.value.rates, self.fund, self.day)
        if prices == self.dealing_price():
            return made
        said = f"the NAV of {self.day} was struck again and differs from the released one, at which orders deal"
        return Outcome(made.value, (*made.findings, warning("nav-changed-since-release", said, todo="correct it as a NAV error")))

    @once
    def prices_to_deal_at(self) -> Mapping[str, Decimal] | None:
        """Price by class as it was released, or of the strike where the firm deals at that; None when there is none yet."""
        if not self.releasable():
            return None
        if self.office.firm.release.dealing == "struck":
            return self.dealing_price()
        released = self.released()
        return {name: Decimal(price) for name, price in released["dealing_prices"].items()} if released else None

    def released(self) -> dict[str, Any] | None:
        """What was published last as the NAV of the day."""
        facts = self.known.facts(RELEASED, release_stream(self.fund.id))
        return next((told(f) for f in reversed(facts) if f.effective_date == self.day), None)

    def _prices_apart(self) -> dict[Any, Decimal]:
        """Where not everybody deals at one price: a levy on one side of the flow, credits of equalisation."""
        struck, terms = self.struck().value, self.fund.on(self.day)
        flows = [Flow(*flow) for flow in self.validated().value.flows()]
        levied = levied_prices(self.dealing_price(), struck.net_assets, flows, terms, struck.rates, self.fund.base_currency)
        return {**levied, **equalised_prices(struck.state, terms)}

    def holders(self) -> Mapping[tuple[str, str], Decimal]:
        held = self.registered().value.holders(self.day).to_pylist()
        return {(row["investor"], row["share_class"]): row["units"] for row in held}

    def register_units(self) -> Mapping[str, Decimal] | None:
        return self.registered().value.by_class(self.day)

    # Pages

    @once
    def orders(self) -> Report:
        outcome = self.validated()
        files = [f for f in self.known.files if f.effective_date == self.day and self._holds_orders(f)]
        unread = [inbox.finding_of(p) for f in files for p in f.payload["findings"]]
        return pages.orders_report(outcome.value, [*unread, *outcome.findings])

    def _holds_orders(self, file: StoredFact) -> bool:
        owed = {d.sender for d in self.fund.deliveries if d.format == "orders"}
        return "orders" in file.payload["tables"] or (file.payload["sender"] in owed and not file.payload["format"])

    @once
    def deal(self) -> Report:
        """Deals the accepted orders and books the capital for the next business day."""
        outcome, prices = self.dealt(), self.prices_to_deal_at()
        if prices is not None:
            self.known.book_events(outcome.value.capital)
            self._record_orders(outcome.value)
        per_unit = {name: row["nav_per_unit"] for name, row in self.struck().value.rows.items()}
        return pages.deal_report(outcome.value, per_unit, prices or {}, outcome.findings)

    def _record_orders(self, made: Dealt) -> None:
        if self.known.past:
            return
        refs = {note["order_id"]: "order.dealt" for note in made.notes.to_pylist()}
        refs |= {row["order_id"]: "order.refused" for row in self.validated().value.refused.to_pylist()}
        facts = [
            Fact(f"{kind}:{self.fund.id}:{ref}", self.fund.id, kind, ref, self.day, {"order_id": ref}) for ref, kind in refs.items()
        ]
        self.office.append(facts)

    @once
    def register(self) -> Report:
        outcome = self.registered()
        books = {name: row["units"] for name, row in self.struck().value.rows.items()}
        first = self.day.replace(day=1)
        return pages.register_report(
            outcome.value.holders(self.day), outcome.value.statement(first, self.day), outcome.value.by_class(self.day), books,
            outcome.findings,
        )  # fmt: skip
