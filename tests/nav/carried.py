"""A fund of one share, struck day by day by terms written as a prospectus would be: YAML in, strikes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bo_lib.books import Book, replay
from bo_lib.config import Fund, load
from bo_lib.model import events as ev
from bo_lib.model.dates import business_days
from bo_lib.model.findings import Verdict
from bo_lib.model.money import ZERO, Rates
from bo_lib.model.tables import INSTRUMENTS
from bo_lib.nav import Attribution, ClassState, Evidence, Priced, Strike, attribute, control, strike, value
from bo_lib.nav.tables import CANDIDATES

D = Decimal
MASTER = INSTRUMENTS.build([{"isin": "SHARE", "name": "Share", "kind": "equity", "currency": "EUR"}]).value
HEAD = """
id: TEST
name: Test
kind: fund
domicile: LU
base_currency: EUR
calendar: TARGET
inception: {inception}
price_sources: [A]
accounts: [{{id: BANK, custodian: BANK}}]
terms:
"""


def fund(terms: str, inception: date) -> Fund:
    """``terms``: the YAML of one entry of ``terms`` or more."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "TEST.yaml"
        path.write_text(HEAD.format(inception=inception) + terms, "utf-8")
        return load(path, Fund)


def opened(day: date, **classes: tuple[str, str]) -> dict[str, ClassState]:
    """``A=("1000", "100")``: class A stands at 1,000 units of 100."""
    return {c: ClassState(share_class=c, nav_date=day, net_assets=D(u) * D(p), units=D(u), nav_per_unit=D(p))
            for c, (u, p) in classes.items()}  # fmt: skip


def subscribes(day: date, investor: str, c: str, amount: str, price: Decimal | str, action: str = "SUBSCRIBE") -> ev.Capital:
    units = ZERO if action == "CALL" else round(D(amount) / D(price), 8)
    return moved(day, investor, c, action, units, D(amount))


def redeems(day: date, investor: str, c: str, units: Decimal | str, amount: Decimal | str) -> ev.Capital:
    return moved(day, investor, c, "REDEEM", D(units), D(amount))


def moved(day: date, investor: str, c: str, action: Any, units: Decimal, amount: Decimal) -> ev.Capital:
    order = f"{action} {investor} {c} {day}"
    return ev.Capital(
        event_id=order, fund="TEST", effective_date=day, order_id=order, investor=investor, share_class=c, units=units,
        action=action, amount=amount, amount_base=amount, currency="EUR", account="BANK", settlement_date=day,
    )  # fmt: skip


@dataclass
class Night:
    """One strike with what explains it."""

    struck: Strike
    roll: Attribution
    accruals: Mapping[tuple[str, str], Decimal]

    @property
    def day(self) -> date:
        return self.struck.day

    def row(self, c: str) -> dict[str, Any]:
        return self.struck.rows[c]


Dealing = Callable[[date, Mapping[str, ClassState]], Sequence[ev.Event]]  # what is effective on a day, given the states before it


def carry(
    terms: str, state: Mapping[str, ClassState], until: date, price: Callable[[date], str | Decimal], shares: str = "1000",
    index: Callable[[date], str] | None = None, dealing: Dealing = lambda day, before: (),
    nightly: Callable[[Strike, Fund], Sequence[ev.Event]] = lambda struck, of: (),
) -> list[Night]:  # fmt: skip
    """A strike on every TARGET business day after the opening; every one balances, explains itself and passes its controls."""
    start = next(iter(state.values())).nav_date
    of, events = fund(terms, start), [*_opening(start, state, D(shares), D(price(start)))]
    nights: list[Night] = []

    def priced(day: date) -> Priced:
        levels = {"INDEX": D(index(day))} if index else {}
        return Priced(day, {"SHARE": D(price(day)), **levels}, CANDIDATES.empty())

    def book(day: date) -> Book:
        outcome = replay(events, base_currency="EUR", instruments=MASTER, rates=lambda on: Rates({}), until=day)
        assert outcome.ok, [str(f) for f in outcome.findings]
        return outcome.value

    for previous, day in pairwise(business_days(start, until, "TARGET")):
        events += dealing(day, state)
        there = book(day)
        outcome = strike(there, priced(day), Rates({}), of, day, state, instruments=MASTER)
        assert outcome.ok, [str(f) for f in outcome.findings]
        before = value(book(previous), priced(previous), Rates({}), MASTER, "EUR", previous).value
        opening = sum((s.net_assets for s in state.values()), ZERO)
        night = Night(outcome.value, attribute(before, outcome.value, there.journal, struck_before=opening),
                      {(a.name, a.share_class): a.amount for a in outcome.value.accruals})  # fmt: skip
        _sound(night, of)
        nights.append(night)
        events += [*outcome.value.accruals, *outcome.value.exchanges, *nightly(outcome.value, of)]
        state = outcome.value.state
    return nights


def _opening(day: date, state: Mapping[str, ClassState], shares: Decimal, price: Decimal) -> list[ev.Event]:
    """Shares at cost, and the rest of net assets in cash."""
    common: dict[str, Any] = {"fund": "TEST", "effective_date": day}
    cost = shares * price
    cash = sum((s.net_assets for s in state.values()), ZERO) - cost
    lot = ev.OpeningLot(event_id="lot", account="BANK", isin="SHARE", quantity=shares, currency="EUR", cost_local=cost,
                        cost_base=cost, acquired=day, **common)  # fmt: skip
    money = ev.OpeningBalance(event_id="cash", ledger="cash", account="BANK", currency="EUR", local=cash, base=cash, **common)
    return [lot, money] if cash else [lot]


def _sound(night: Night, of: Fund) -> None:
    evidence = Evidence(night.struck, of.tolerances, night.roll, None, terms=of.on(night.day))
    blocked = [c for c in control(evidence) if c.verdict is Verdict.BLOCKED]
    assert not blocked, (night.day, blocked)
    assert night.roll.residual == 0 and night.struck.net_assets == night.struck.net_assets_ledger
