"""Prices, the strike, its controls and the administrator's shadow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

import pyarrow as pa

from bo_lib.books import Book
from bo_lib.model import dates, tables
from bo_lib.model.events import Accrual, Dividend, Reversal, Split
from bo_lib.model.findings import Outcome, Verdict, error
from bo_lib.model.money import ZERO, Rates
from bo_lib.nav import (
    Approval,
    Attribution,
    Control,
    Evidence,
    Priced,
    Shadow,
    State,
    Strike,
    Valuation,
    attribute,
    control,
    distributed,
    rolled_up,
    select_prices,
    select_rates,
    shadow,
    state_from_payload,
    strike,
    value,
    verdict,
)
from bo_lib.views.pages import nav as pages
from bo_lib.views.pages.nav_inputs import inputs_report
from bo_lib.views.pages.report_card import report_card
from bo_lib.views.report import Report
from bo_lib.workbench import inbox
from bo_lib.workbench.desk import once
from bo_lib.workbench.known import Known
from bo_lib.workbench.nav_inputs import Inputs, digest, due_at, locked_inputs
from bo_lib.workbench.office import recon_stream, release_stream
from bo_lib.workbench.opening import OPENING_NAV, open_books
from bo_lib.workbench.price_desk import PriceDesk

COMPARED = "nav.compared"  # the administrator's NAV of a day beside ours
PRICE_HISTORY_DAYS = 30  # calendar days of earlier prices that the checks look at


class NavDesk(PriceDesk):
    @cached_property
    def locked(self) -> Known:
        """What is known when the strike begins: it reads nothing later, so that it can be struck again from the same."""
        if self.heads is not None:
            return self.known
        if not self.known_at:
            inbox.ingest(self.office, self.day)
        own = (self.fund.id, release_stream(self.fund.id), recon_stream(self.fund.id), inbox.STREAM)
        heads = {stream: head for stream, head in self.office.store.heads().items() if stream in own}
        return Known(self.office, self.fund.id, self.day, self.known_at, heads)

    @once
    def locked_inputs(self) -> Inputs:
        """Every input of the strike under its hash, and what is missing or late."""
        rates = self.rates().value
        used = pa.table({"currency": list(rates.per_pivot), "rate": [f"{r:f}" for r in rates.per_pivot.values()]})
        return self._inputs({"prices": self.priced().value.table, "rates": used})

    def _inputs(self, chosen: Mapping[str, pa.Table]) -> Inputs:
        before = self.previous().value or {}
        state = digest({name: one.model_dump(mode="json") for name, one in before.items()}) if before else ""
        return locked_inputs(self.locked, self.locked.heads or {}, self.office.firm.deliveries, self._tonight, state, chosen)

    def evidence(self) -> dict[str, Any]:
        return self.locked_inputs().evidence() if "locked" in self.__dict__ else super().evidence()

    @once
    def priced(self) -> Outcome[Priced]:
        own = self.locked
        first = max(self.fund.inception, self.day - timedelta(days=PRICE_HISTORY_DAYS))
        held = self.book_to_strike().positions()["isin"].to_pylist()
        terms = self.fund.on(self.day)
        fees = [f for f in (terms.performance_fee, *(c.performance_fee for c in terms.classes)) if f]
        held += [f.benchmark for f in fees if f.benchmark]
        known = own.events()
        return select_prices(
            own.rows(tables.PRICES, first), held, self.fund.price_sources, self.day, tolerances=self.fund.tolerances,
            instruments=own.instruments, splits=[e for e in known if isinstance(e, Split)],
            dividends=[e for e in known if isinstance(e, Dividend) and e.effective_date >= first],
            overrides=self.price_decisions(own).overrides, by_kind=self.fund.price_sources_by_kind, closed=self._market_closed,
            snapshot=self.fund.snapshot(self.day),
        )  # fmt: skip

    def _market_closed(self, isin: str) -> bool:
        """Does the instrument's exchange not trade today? One whose exchange is not known always does."""
        mic = self._exchanges.get(isin)
        return bool(mic) and not dates.is_trading_day(self.day, mic)

    @cached_property
    def _exchanges(self) -> dict[str, str]:
        """MIC by ISIN."""
        listed = self.locked.instruments
        return dict(zip(listed["isin"].to_pylist(), listed["mic"].to_pylist(), strict=True))

    @once
    def rates(self) -> Outcome[Rates]:
        own, first = self.locked, self.day - timedelta(days=PRICE_HISTORY_DAYS)
        book = self.book_to_strike()
        used = {*book.trial_balance()["currency"].to_pylist(), *book.positions()["currency"].to_pylist(), self.fund.base_currency}
        deals = book.open_deals
        used |= {*deals["buy_currency"].to_pylist(), *deals["sell_currency"].to_pylist()}
        used |= {c.currency for c in self.fund.on(self.day).classes}
        base, source, quoted = self.fund.base_currency, self.fund.fx_source, own.rows(tables.FX_RATES, first)
        pivots = [r["pivot"] for r in quoted.to_pylist() if r["source"] == source]
        pivot = base if used == {base} else next(reversed(pivots), "EUR")  # a fund of one currency needs no rate
        snapshot, tolerances = self.fund.snapshot(self.day), self.fund.tolerances
        return select_rates(quoted, used, (source,), self.day, tolerances=tolerances, pivot=pivot, snapshot=snapshot)

    @once
    def previous(self) -> Outcome[State | None]:
        """The classes at the strike of the business day before; an error when it has not been struck."""
        before = dates.previous_business_day(self.day, self.fund.calendar)
        if before <= self.fund.inception:
            taken_over = self.locked.facts(OPENING_NAV)
            if taken_over:
                return Outcome(state_from_payload(taken_over[-1].payload["state"]))
            return Outcome(None, () if self.known.past else open_books(self.office, self.fund.id))
        struck = [f for f in self.locked.facts("nav.struck") if f.effective_date == before]
        if struck:
            return Outcome(state_from_payload(struck[-1].payload["state"]))
        todo = f"strike it first: bo run nav_strike --fund {self.fund.id} --date {before}"
        return Outcome(None, (error("previous-nav-missing", f"{self.fund.id} has no NAV of {before}", todo=todo),))

    @once
    def struck(self) -> Outcome[Strike]:
        """Tonight's strike, of the books without tonight's own accruals: struck again it gives the same."""
        before, priced, rates, book = self.previous(), self.priced(), self.rates(), self.book_to_strike()
        made = strike(book, priced.value, rates.value, self.fund, self.day, before.value, instruments=self.locked.instruments)
        refused = self.locked.book(without=self._tonight).findings
        return Outcome(made.value, (*before.findings, *priced.findings, *rates.findings, *refused, *made.findings))

    @property
    def _tonight(self) -> tuple[str, ...]:
        return (f"{self.fund.id}:accrual:{self.day}:",)

    @once
    def book_to_strike(self) -> Book:
        return self.locked.book(without=self._tonight).value

    @once
    def day_before(self) -> NavDesk:
        """The desk of the business day before, as known now."""
        day = dates.previous_business_day(self.day, self.fund.calendar)
        return NavDesk(self.office, self.fund.id, day, self.known_at, self.locked.heads)

    @once
    def valued_before(self) -> Valuation | None:
        """Books of the business day before, as known now, at that day's prices and rates."""
        desk = self.day_before()
        priced, rates = desk.priced(), desk.rates()
        if not (priced.ok and rates.ok):
            return None
        book = self.locked.book(until=desk.day).value
        return value(book, priced.value, rates.value, self.locked.instruments, self.fund.base_currency, desk.day).value

    @once
    def attribution(self) -> Attribution | None:
        struck, before = self.struck(), self.valued_before()
        if before is None or not struck.value.previous or not struck.ok:
            return None
        opening = sum((s.net_assets for s in struck.value.previous.values()), ZERO)
        prior = {e.event_id for e in self.locked.events() if e.belongs_to}
        return attribute(before, struck.value, self.book_to_strike().journal, struck_before=opening, prior=prior)

    @once
    def compared(self) -> Outcome[Shadow]:
        return shadow(self.struck().value, self.locked.rows(tables.NAV_PACK), self.fund.tolerances.admin_bps)

    @once
    def controlled(self) -> tuple[Control, ...]:
        struck = self.struck()
        evidence = Evidence(
            struck.value, self.fund.tolerances, self.attribution(), self.register_units(), self.compared().value, struck.findings,
            benchmark_move_pct=self._benchmark_move_pct(), terms=self.fund.on(self.day),
            commitments=sum((i.commitment for i in self.fund.investors), ZERO),
            refused=tuple(r.finding for r in self.locked.refused(without=self._tonight)),
        )  # fmt: skip
        return control(evidence)

    def _benchmark_move_pct(self) -> Decimal | None:
        """What the fund's benchmark moved by since the strike before; None where there is none, or no level of either day."""
        before = self.struck().value.previous_day
        rows = self.locked.rows(tables.PRICES, before).to_pylist() if self.fund.benchmark else []
        levels = {r["price_date"]: r["price"] for r in rows if r["isin"] == self.fund.benchmark and r["price"] > 0}
        return (levels[self.day] / levels[before] - 1) * 100 if {before, self.day} <= levels.keys() else None

    def holders(self) -> Mapping[tuple[str, str], Decimal]:
        """Units by (investor, class) in the register; the dealing desk knows it."""
        return {}

    def register_units(self) -> Mapping[str, Decimal] | None:
        """Units by class in the register; the dealing desk knows it."""
        return None

    # Pages

    @once
    def inputs(self) -> Report:
        """What the strike starts from, locked; what is missing or late, and who owes it."""
        return inputs_report(self.locked_inputs(), self.fund.id, self.day)

    @once
    def prices(self) -> Report:
        priced, rates = self.priced(), self.rates()
        used = {c: r for c, r in rates.value.per_pivot.items() if c != rates.value.pivot}
        return pages.prices_report(priced.value, used, rates.value.pivot, [*priced.findings, *rates.findings])

    @once
    def strike(self) -> Report:
        """Strikes, and records the NAV and its accruals unless something blocks it."""
        struck = self.struck()
        if self.releasable():
            self._record(struck.value)
        return pages.strike_report(struck.value, struck.findings)

    @once
    def releasable(self) -> bool:
        """True when neither a finding nor a control blocks the strike: it may be recorded, dealt at and carried forward."""
        return self.struck().ok and verdict(self.controlled(), self.approvals()) is not Verdict.BLOCKED

    def approvals(self) -> tuple[Approval, ...]:
        """Blocked controls that two people let pass; the release desk knows them."""
        return ()

    def _payload(self) -> dict[str, Any]:
        """The strike as the fact that keeps it."""
        struck = self.struck().value
        classes = [
            {"id": name, "currency": row["currency"], "net_assets": f"{row['net_assets']:f}", "units": f"{row['units']:f}",
             "nav_per_unit": f"{row['nav_per_unit']:f}" if row["nav_per_unit"] is not None else ""}
            for name, row in struck.rows.items()
        ]  # fmt: skip
        return {
            "fund": self.fund.id, "business_date": str(self.day), "net_assets": f"{struck.net_assets:f}",
            "currency": struck.base_currency, "classes": classes, "state": struck.state_payload(),
        }  # fmt: skip

    def _record(self, struck: Strike) -> None:
        made = {a.event_id for a in struck.accruals}
        booked = (a for a in self.known.standing(Accrual) if a.event_id.startswith(self._tonight))
        holders = self.holders()
        owed = [*rolled_up(struck, self.fund, holders), *distributed(struck, self.fund, holders)]
        stale = [a for a in booked if a.event_id.split("~")[0] not in made]
        self.known.book_events([*struck.accruals, *struck.exchanges, *owed, *(_taken_back(a) for a in stale)])
        payload = self._payload()
        before = [f for f in self.known.facts("nav.struck") if f.effective_date == self.day]
        if not before or before[-1].payload != payload:  # struck anew, or back at an earlier figure: the last one counts
            self.known.record("nav.struck", self.fund.id, payload, f"nav:{self.fund.id}:{self.day}:{len(before) + 1}")

    @once
    def nav_controls(self) -> Report:
        return pages.controls_report(self.controlled(), self.approvals())

    @once
    def nav_move(self) -> Report:
        return pages.move_report(self.attribution(), self.fund.base_currency, self.struck_so_far())

    def struck_so_far(self) -> list[dict[str, Any]]:
        """The NAV of every day up to tonight's, the last strike of each."""
        said = {f.effective_date: f.payload for f in self.locked.facts("nav.struck") if f.effective_date < self.day}
        return [*(said[day] for day in sorted(said)), *([self._payload()] if self.struck().ok else [])]

    @once
    def shadow(self) -> Report:
        compared = self.compared()
        self._keep_comparison()
        return pages.shadow_report(compared.value, self.fund.administrator, compared.findings)

    def _comparison(self) -> dict[str, Any]:
        """How the administrator's NAV of the day compares, and when it came: for its report card."""
        shadow, owed = self.compared().value, [d for d in self.fund.deliveries if d.format == "nav_pack"]
        came = [f.known_at for f in self.locked.files if f.effective_date == self.day and f.payload["rows"].get("nav_pack")]
        late = bool(came and owed) and datetime.fromisoformat(came[0]) > due_at(self.day, owed[0])
        off = Counter(r["component"] for r in shadow.differences.to_pylist())
        return {
            "fund": self.fund.id, "administrator": self.fund.administrator, "business_date": str(self.day),
            "compared": shadow.table.num_rows, "net_assets_bps": f"{shadow.net_assets_bps:f}", "beyond": dict(sorted(off.items())),
            "arrived": ("late" if late else "in time") if came else "missing", "known_at": came[0] if came else "",
        }  # fmt: skip

    def _keep_comparison(self) -> None:
        said, before = self._comparison(), [f for f in self.known.facts(COMPARED) if f.effective_date == self.day]
        if self.fund.administrator and (not before or before[-1].payload != said):
            self.known.record(COMPARED, self.fund.id, said, f"{COMPARED}:{self.fund.id}:{self.day}:{len(before)}")

    @once
    def report_card(self) -> Report:
        """How well the administrator's NAVs agreed so far, day by day."""
        said = {f.effective_date: f.payload for f in self.locked.facts(COMPARED) if f.effective_date < self.day}
        return report_card([*(said[day] for day in sorted(said)), self._comparison()])


def _taken_back(accrual: Accrual) -> Reversal:
    """The reversal of an accrual that tonight's strike no longer makes."""
    return Reversal(
        event_id=f"{accrual.event_id}~reversed", fund=accrual.fund, effective_date=accrual.effective_date,
        reverses=accrual.event_id,
        reason="the strike was made again without it",
    )  # fmt: skip
