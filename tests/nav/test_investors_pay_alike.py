"""The master test: equalisation, series and partnership give every investor the same money on the same history."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bo_lib.nav.equalisation import EqualisedClass
from bo_lib.nav.partnership import CapitalAccount, Partnership
from tests.nav.series_model import Series, SeriesFund

D = Decimal
RATE = D("0.20")
INVESTORS = ("Ada", "Ben", "Cleo", "Dora")
CLOSE = D("1e-15")  # relative: 38 digits lose a few in a long history


@dataclass
class Books:
    """One history told to three administrators; what each has paid out to investors and to the manager."""

    equalised: EqualisedClass = field(default_factory=lambda: EqualisedClass(RATE, D(100), D(100)))
    series: SeriesFund = field(default_factory=lambda: SeriesFund(RATE))
    partners: Partnership = field(default_factory=lambda: Partnership(RATE))
    paid: dict[str, dict[str, Decimal]] = field(default_factory=lambda: {name: {} for name in ("equalised", "series", "partners")})
    fees: dict[str, Decimal] = field(default_factory=lambda: {"equalised": D(0), "series": D(0)})
    step: int = 0

    def grow(self, percent: Decimal) -> None:
        factor = 1 + percent / 100
        self.equalised, self.series = self.equalised.grown(factor), self.series.grown(factor)
        self.partners = self.partners.allocated(self.partners.capital * percent / 100)

    def subscribe(self, investor: str, amount: Decimal) -> None:
        self.step += 1
        self.equalised = self.equalised.subscribed(investor, amount)
        self.series = self.series.subscribed(investor, amount, f"S-{self.step}")
        self.partners = self.partners.contributed(investor, amount, f"T-{self.step}")

    def redeem(self, investor: str, part: Decimal) -> None:
        for name in self.paid:
            before = getattr(self, name)
            after, paid = before.redeemed(investor, part) if name != "partners" else before.withdrawn(investor, part)
            self.paid[name][investor] = self.paid[name].get(investor, D(0)) + paid
            if name in self.fees:
                self.fees[name] += before.fee_accrued - after.fee_accrued
            setattr(self, name, after)

    def crystallise(self) -> None:
        for name in self.fees:
            self.fees[name] += getattr(self, name).fee_accrued
            after, _ = getattr(self, name).crystallised()
            setattr(self, name, after)
        self.partners = self.partners.crystallised()

    def worth(self, name: str, investor: str) -> Decimal:
        total: Decimal = self.paid[name].get(investor, D(0)) + getattr(self, name).value(investor)
        return total


def same(a: Decimal, b: Decimal) -> bool:
    return abs(a - b) <= CLOSE * max(abs(a), abs(b), D(1))


who = st.sampled_from(INVESTORS)
moves = st.one_of(
    st.tuples(st.just("grow"), st.decimals(-40, 60, places=2)),
    st.tuples(st.just("subscribe"), who, st.decimals("0.01", 1_000_000, places=2)),
    st.tuples(st.just("redeem"), who, st.sampled_from([D("0.1"), D("0.5"), D(1)])),
    st.tuples(st.just("crystallise")),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(moves, min_size=2, max_size=30))
def test_every_investor_has_the_same_money_whatever_the_method(history: list[tuple[Any, ...]]) -> None:
    tell(history)


def tell(history: list[tuple[Any, ...]]) -> None:
    """The same history to all three; after each step they agree on every investor and on the manager's fee."""
    books = Books()
    for move, *told in history:
        getattr(books, move)(*told)
        for investor in INVESTORS:
            worth = {name: books.worth(name, investor) for name in books.paid}
            assert same(worth["equalised"], worth["series"]) and same(worth["series"], worth["partners"]), (move, investor, worth)
        earned = {name: books.fees[name] + getattr(books, name).fee_accrued for name in books.fees}
        assert same(earned["equalised"], earned["series"]), earned


EVENTFUL = [
    ("subscribe", "Ada", D(1000)), ("grow", D(20)), ("subscribe", "Ben", D(1000)), ("grow", D(-30)), ("subscribe", "Cleo", D(1000)),
    ("redeem", "Ada", D("0.5")), ("redeem", "Ben", D("0.1")), ("crystallise",), ("grow", D(50)), ("crystallise",), ("grow", D(10)),
    ("subscribe", "Dora", D(1000)), ("grow", D(5)), ("crystallise",), ("redeem", "Cleo", D(1)),
]  # fmt: skip
MISTAKES: dict[str, tuple[type, str, Any]] = {
    "no credit is given": (EqualisedClass, "credit", lambda self, lot: D(0)),
    "no contingent fee is taken": (EqualisedClass, "contingent_fee", lambda self, lot: D(0)),
    "series roll up unit for unit": (SeriesFund, "rolled_up", lambda self: (_one_series(self), ())),
    "a series pays on the whole gain": (Series, "nav", lambda self, rate: self.gav - rate * max(D(0), self.gav - 100)),
    "losses are not carried": (CapitalAccount, "incentive", lambda self, rate: rate * max(D(0), self.capital - D(1000))),
    "profit goes by head": (Partnership, "allocated", lambda self, profit: _by_head(self, profit)),
}


def _one_series(fund: SeriesFund) -> SeriesFund:
    lead = fund.series[0]
    held: dict[tuple[str, str], Decimal] = {}
    for (investor, _), units in fund.units.items():
        held[investor, lead.id] = held.get((investor, lead.id), D(0)) + units
    return replace(fund, series=(lead,), units=held)


def _by_head(fund: Partnership, profit: Decimal) -> Partnership:
    heads = len(fund.accounts) or 1
    return replace(fund, accounts=tuple(replace(a, capital=a.capital + profit / heads) for a in fund.accounts))


def test_the_eventful_history_agrees() -> None:
    tell(EVENTFUL)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_one_method_is_noticed(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The master test can fail: each of these has been seen in the field."""
    monkeypatch.setattr(*MISTAKES[mistake])
    with pytest.raises(AssertionError):
        tell(EVENTFUL)


@settings(max_examples=60, deadline=None)
@given(st.lists(moves, min_size=2, max_size=20))
def test_no_money_is_made_or_lost_between_investors_and_manager(history: list[tuple[Any, ...]]) -> None:
    """Assets of the class = what investors would be paid + the fee, at every moment and under each method."""
    books = Books()
    for move, *told in history:
        getattr(books, move)(*told)
        e, s, p = books.equalised, books.series, books.partners
        held = {name: sum((getattr(books, name).value(i) for i in INVESTORS), D(0)) for name in books.paid}
        assert same(held["equalised"] + e.fee_accrued, e.shares * e.gav)
        assert same(held["series"] + s.fee_accrued, sum((n * _gav(s, name) for (_, name), n in s.units.items()), D(0)))
        assert same(held["partners"] + p.incentive_accrued + p.general_partner, p.capital)


def _gav(fund: SeriesFund, name: str) -> Decimal:
    return next(s.gav for s in fund.series if s.id == name)
