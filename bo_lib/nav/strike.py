"""The strike: from books, prices and rates to net assets by class and NAV per unit.

Order (17 CFR 270.2a-4 and practice): value, expenses of the fund, share of each class, hedge of each class, management
fee, performance fee on gross asset value, round. A strike accrues every calendar day since the one before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

import pyarrow as pa

from bo_lib.books import Book
from bo_lib.config import Fund, PerformanceFee, ShareClass, Terms
from bo_lib.model.dates import add_business_days
from bo_lib.model.events import Accrual, Capital
from bo_lib.model.findings import Finding, Outcome, error, info
from bo_lib.model.money import ZERO, Rates, round_money, round_to
from bo_lib.model.tables import built
from bo_lib.nav.charges import MANAGEMENT_FEE, Charges, Charging
from bo_lib.nav.columns import rows_where
from bo_lib.nav.incentive import FeeDay, Incentive, dealt, incentive, standing_fee
from bo_lib.nav.pricing import Priced
from bo_lib.nav.state import ClassState, Dealings, State, by_class
from bo_lib.nav.tables import CLASSES, COMPONENTS
from bo_lib.nav.valuation import Valuation, marks, net_assets_by_ledger, unvalued, value


@dataclass(frozen=True)
class Strike:
    """A NAV as struck. ``classes`` is a table CLASSES, ``components`` a table COMPONENTS with today's accruals in it."""

    fund: str
    day: date
    previous_day: date
    base_currency: str
    net_assets: Decimal
    classes: pa.Table
    components: pa.Table
    accruals: tuple[Accrual, ...]
    state: State
    previous: State
    rates: Rates
    priced: Priced
    valuation: Valuation  # before today's accruals
    marked: pa.Table  # JOURNAL lines that bring the ledger to the valuation
    net_assets_ledger: Decimal  # the second computation
    findings: tuple[Finding, ...] = field(default=())
    spent: Mapping[str, Decimal] = field(default_factory=dict)  # budgeted expenses booked before
    exchanges: tuple[Capital, ...] = ()  # units bought and redeemed by crystallisation, effective the next business day

    @cached_property
    def rows(self) -> dict[str, dict[str, Any]]:
        """Rows of ``classes`` by class."""
        return {row["share_class"]: row for row in self.classes.to_pylist()}

    @cached_property
    def component_rows(self) -> list[dict[str, Any]]:
        """Rows of ``components``."""
        return self.components.to_pylist()  # type: ignore[no-any-return]

    def state_payload(self) -> dict[str, Any]:
        """``state`` as plain JSON; ``state_from_payload`` reads it back."""
        return {name: state.model_dump(mode="json") for name, state in self.state.items()}


def strike(
    book: Book, priced: Priced, rates: Rates, fund: Fund, day: date, previous: State | None, *, instruments: pa.Table
) -> Outcome[Strike]:
    """Strikes the NAV of ``fund`` at the close of ``day``.

    ``book``: the books at ``day`` without this strike's own accruals. ``previous``: the state of the strike before, or
    ``opening_state``; None strikes a fund whose first capital is in the books. Errors among the findings block the NAV.
    """
    return _Striking(book, priced, rates, fund, day, dict(previous or {}), instruments).run()


@dataclass
class _Class:
    """A class on its way through the strike; amounts in base currency."""

    terms: ShareClass
    before: ClassState
    capital: Decimal
    units: Decimal
    hedge_cumulative: Decimal
    weight: Decimal = ZERO  # what it shares the common result by
    dealt: Mapping[str, Dealings] = field(default_factory=dict)
    ratio: Decimal = ZERO
    share: Decimal = ZERO
    management_fee: Decimal = ZERO
    other_fees: Decimal = ZERO
    incentive: Incentive = field(default_factory=Incentive)
    nav_per_unit: Decimal | None = None

    @property
    def opening(self) -> Decimal:
        """With the capital effective since."""
        return self.before.net_assets + self.capital

    @property
    def hedge(self) -> Decimal:
        return self.hedge_cumulative - self.before.hedge_cumulative

    @property
    def gav(self) -> Decimal:
        """Before the performance fee of today."""
        return self.opening + self.share + self.hedge - self.management_fee - self.other_fees

    @property
    def net_assets(self) -> Decimal:
        return self.gav - self.incentive.today


class _Striking:
    def __init__(
        self,
        book: Book,
        priced: Priced,
        rates: Rates,
        fund: Fund,
        day: date,
        previous: dict[str, ClassState],
        instruments: pa.Table,
    ) -> None:
        self.book, self.priced, self.rates, self.fund, self.day, self.previous = book, priced, rates, fund, day, previous
        self.instruments = instruments
        self.base = fund.base_currency
        self.terms: Terms = fund.on(day)
        self.previous_day = max((s.nav_date for s in previous.values()), default=fund.inception)
        self.emptied: dict[str, ClassState] = {}
        self.findings: list[Finding] = []

    def run(self) -> Outcome[Strike]:
        valued = value(self.book, self.priced, self.rates, self.instruments, self.base, self.day)
        self.findings += [*valued.findings, *unvalued(self.book, valued.value)]
        marked = marks(self.book, valued.value, self.fund.id)
        classes = self._classes(valued.value)
        spent = self._spent()
        charges = self._charging(classes, spent).charges()
        self._allocate(classes, valued.value.net_assets - charges.of(""))
        for c in classes:
            self._fees(c, charges, valued.value)
        performance = (("performance_fee", c.terms.id, c.incentive.today) for c in classes if c.incentive.today)
        accruals = [self._accrual(*charge) for charge in (*charges.booked, *performance)]
        total = sum((c.net_assets for c in classes), ZERO)
        for c in classes:
            self._per_unit(c)
        ledger = net_assets_by_ledger(self.book, marked) - sum((a.amount for a in accruals), ZERO)
        struck = Strike(
            self.fund.id, self.day, self.previous_day, self.base, total,
            built(CLASSES, map(self._row, classes)), _with_accruals(valued.value, accruals), tuple(accruals),
            {**self.emptied, **{c.terms.id: self._state(c, charges) for c in classes}}, self.previous, self.rates,
            self.priced, valued.value, marked, ledger, tuple(self.findings), spent,
            tuple(e for c in classes for e in self._exchanges(c)),
        )  # fmt: skip
        return Outcome(struck, tuple(self.findings))

    def _classes(self, valuation: Valuation) -> list[_Class]:
        """Classes with units or capital; capital and units since the last strike are read off the ledger."""
        if self.day <= self.previous_day:
            self.findings.append(
                error(
                    "strike-not-after",
                    f"there is a NAV of {self.previous_day} already, struck or taken over; {self.day} cannot follow it",
                    expected="a later day",
                    todo="strike the next business day",
                )
            )
        ledger, units = by_class(self.book.trial_balance()), _units_on_ledger(self.book)
        forwards = valuation.forwards_by_class
        known = {c.id: c for c in self.terms.classes}
        names = self.previous.keys() | {name for (what, name), amount in ledger.items() if what == "capital" and name and amount}
        for name in sorted(names - known.keys()):
            self.findings.append(
                error(
                    "class-unknown",
                    f"class {name} has capital but no terms on {self.day}",
                    found=name,
                    expected=", ".join(known),
                    todo="add the class to the fund's terms",
                )
            )
        dealt_by_class = dealt(self.book) if any(self._fee_of(c) for c in self.terms.classes) else {}
        classes = []
        for c in (c for c in self.terms.classes if c.id in names):
            before = self.previous.get(c.id) or ClassState(
                share_class=c.id, nav_date=self.previous_day, net_assets=ZERO, units=ZERO
            )
            capital, issued = -ledger["capital", c.id], units[c.id]
            hedge = forwards.get(c.id, ZERO) - ledger["hedge_gain", c.id]
            there, dealings = before.units + issued - before.units_to_date, dealt_by_class.get(c.id, {})
            made = _Class(c, before, capital - before.capital_to_date, there, hedge, dealt=dealings)
            made.weight = made.opening + (standing_fee(before, dealings) if self.terms.allocate_by == "gross_assets" else ZERO)
            if made.opening or made.units:
                classes.append(made)
            elif c.id in self.previous:  # everybody has left: what the ledger says to date stays known
                closed = {
                    "nav_date": self.day,
                    "net_assets": ZERO,
                    "units": ZERO,
                    "capital_to_date": capital,
                    "units_to_date": issued,
                }
                self.emptied[c.id] = before.model_copy(update=closed)
        return classes

    def _allocate(self, classes: list[_Class], net_assets: Decimal) -> None:
        """The common result by opening net assets; what rounding leaves goes to the largest class."""
        weights = sum((c.weight for c in classes), ZERO)
        common = net_assets - sum((c.opening + c.hedge for c in classes), ZERO)
        if weights <= 0:
            self.findings.append(
                error(
                    "nothing-to-share-by",
                    f"no class of {self.fund.id} has net assets to share by on {self.day}",
                    found=str(weights),
                    todo="take over the opening, or book the first capital",
                )
            )
            return
        for c in classes:
            c.ratio = c.weight / weights
            c.share = round_money(common * c.weight / weights, self.base)
        largest = min(classes, key=lambda c: (-c.weight, c.terms.id))
        largest.share += common - sum((c.share for c in classes), ZERO)

    def _spent(self) -> dict[str, Decimal]:
        """What the books hold of each budgeted expense since its budget began."""
        begun = {e.name: e.budget_from for e in self.terms.expenses if e.budget_from}
        spent = dict.fromkeys(begun, ZERO)
        for row in self.book.journal.select(["ledger", "effective_date", "base"]).to_pylist() if begun else ():
            if row["ledger"] in begun and begun[row["ledger"]] <= row["effective_date"]:
                spent[row["ledger"]] += row["base"]
        return spent

    def _charging(self, classes: list[_Class], spent: Mapping[str, Decimal]) -> Charging:
        commitments = sum((i.commitment for i in self.fund.investors), ZERO)
        openings, claims = {c.terms.id: c.opening for c in classes}, {c.terms.id: c.before.claims for c in classes}
        return Charging(self.terms, self.previous_day, self.day, self.base, openings, commitments, claims, spent)

    def _fee_of(self, c: ShareClass) -> PerformanceFee | None:
        return c.performance_fee or self.terms.performance_fee

    def _fees(self, c: _Class, charges: Charges, valuation: Valuation) -> None:
        c.management_fee = charges.of(c.terms.id, MANAGEMENT_FEE)
        c.other_fees = charges.of(c.terms.id) - c.management_fee
        fee = self._fee_of(c.terms)
        if not fee or not fee.rate_pct or not self._rated(c.terms.currency):  # a missing rate blocks the strike
            return
        c.incentive = incentive(FeeDay(
            c.terms, fee, c.before, self.day, self.fund.calendar, self.terms.days_in_year, c.gav, c.units,
            self.rates.rate(self.base, c.terms.currency), self.base, self._benchmark(fee), c.dealt, self._pockets(valuation),
        ))  # fmt: skip
        if fee.method != "partnership" and c.units and c.incentive.state.get("high_water_mark") is None:
            said = f"class {c.terms.id} bears a performance fee and has no high-water mark"
            todo = "add high_water_mark to its terms, or a performance_fee with rate_pct 0 if it bears none"
            self.findings.append(error("fee-without-mark", said, expected="a mark to charge the gain above", todo=todo))

    def _benchmark(self, fee: PerformanceFee) -> Decimal | None:
        level = self.priced.prices.get(fee.benchmark)
        if fee.benchmark and level is None:
            said = f"the performance fee needs the benchmark {fee.benchmark}, and it has no level of {self.day}"
            todo = "load it with the prices, or record an override that two people approve"
            self.findings.append(error("benchmark-missing", said, expected="a level of the day", todo=todo))
        return level

    def _pockets(self, valuation: Valuation) -> dict[str, tuple[Decimal, Decimal]]:
        """Side pockets by ISIN: what each is worth, and what its sales brought since the strike before."""
        held, found = valuation.holdings(), {}
        for isin in self.terms.side_pockets:
            sold = (
                -row["base"] for row in self.book.journal.to_pylist()
                if row["isin"] == isin and row["effective_date"] > self.previous_day
                and row["ledger"] in ("investments", "realised_gain", "realised_currency_gain")
            )  # fmt: skip
            found[isin] = (held[isin]["base"] if isin in held else ZERO, sum(sold, ZERO))
        return found

    def _exchanges(self, c: _Class) -> Iterator[Capital]:
        """Credits have bought units and contingent fees redeemed some: units move and no money."""
        for investor, units in sorted(c.incentive.exchanged.items()):
            next_day = add_business_days(self.day, 1, self.fund.calendar)
            reference = f"equalisation:{self.day}:{c.terms.id}:{investor}"
            yield Capital(
                event_id=f"{self.fund.id}:{reference}", fund=self.fund.id, effective_date=next_day, order_id=reference,
                investor=investor, share_class=c.terms.id, action="EXCHANGE_IN" if units > 0 else "EXCHANGE_OUT", units=abs(units),
                amount=ZERO, amount_base=ZERO, currency=c.terms.currency, account="", settlement_date=next_day,
            )  # fmt: skip

    def _rated(self, currency: str) -> bool:
        return currency == self.base or (currency in self.rates and self.base in self.rates)

    def _accrual(self, name: str, share_class: str, amount: Decimal) -> Accrual:
        event_id = f"{self.fund.id}:accrual:{self.day}:{name}:{share_class}"
        return Accrual(
            event_id=event_id,
            fund=self.fund.id,
            effective_date=self.day,
            name=name,
            share_class=share_class,
            currency=self.base,
            amount=amount,
        )

    def _per_unit(self, c: _Class) -> None:
        if c.units <= 0:
            if c.net_assets:
                self.findings.append(
                    error(
                        "class-without-units",
                        f"class {c.terms.id} has {c.net_assets} {self.base} and {c.units} units",
                        todo="book the missing units or capital",
                    )
                )
            return
        there = c.terms.currency
        if not self._rated(there):
            return  # said by the valuation or by the selection of rates
        pivot = self.rates.per_pivot
        worth = c.net_assets if there == self.base else c.net_assets * pivot[there] / pivot[self.base]
        nav = worth / c.units if c.incentive.nav is None else c.incentive.nav
        c.nav_per_unit = round_to(nav, c.terms.nav_decimals, c.terms.nav_rounding)
        if c.nav_per_unit <= 0:
            self.findings.append(info("nav-not-positive", f"class {c.terms.id} has a NAV per unit of {c.nav_per_unit}"))

    def _row(self, c: _Class) -> dict[str, Any]:
        return {
            "share_class": c.terms.id, "currency": c.terms.currency, "opening": c.before.net_assets, "capital": c.capital,
            "ratio": round_to(c.ratio, 18), "share": c.share, "hedge": c.hedge, "management_fee": c.management_fee,
            "other_fees": c.other_fees, "performance_fee": c.incentive.today, "net_assets": c.net_assets, "units": c.units,
            "nav_per_unit": c.nav_per_unit,
        }  # fmt: skip

    def _state(self, c: _Class, charges: Charges) -> ClassState:
        capital, issued = c.before.capital_to_date + c.capital, c.before.units_to_date + c.units - c.before.units
        made: dict[str, Any] = {
            "share_class": c.terms.id, "nav_date": self.day, "net_assets": c.net_assets, "units": c.units,
            "nav_per_unit": c.nav_per_unit, "hedge_cumulative": c.hedge_cumulative, "capital_to_date": capital,
            "units_to_date": issued, "claims": charges.claims.get(c.terms.id, ()),
        }  # fmt: skip
        return ClassState(**{"performance_fee_accrued": c.before.performance_fee_accrued, **made, **c.incentive.state})


def _units_on_ledger(book: Book) -> dict[str, Decimal]:
    """Units issued less redeemed by class, as booked on the capital account."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows_where(book.journal, "ledger", "capital").select(["share_class", "quantity"]).to_pylist():
        sums[row["share_class"]] += row["quantity"] or ZERO
    return sums


def _with_accruals(valuation: Valuation, accruals: list[Accrual]) -> pa.Table:
    """The components with today's fees added to what was payable."""
    rows = {(row["component"], row["share_class"] or "", row["item"], row["currency"]): dict(row) for row in valuation.others}
    for a in accruals:
        key = ("accrual", a.share_class, a.name, a.currency)
        fresh = {
            "component": "accrual",
            "share_class": a.share_class or None,
            "item": a.name,
            "currency": a.currency,
            "local": ZERO,
            "base": ZERO,
        }
        row = rows.setdefault(key, fresh)
        row["local"], row["base"] = row["local"] - a.amount, row["base"] - a.amount
    kept = (row for row in rows.values() if row["component"] != "accrual" or row["local"] or row["base"])
    return pa.concat_tables([valuation.held, built(COMPONENTS, kept)]).combine_chunks()
