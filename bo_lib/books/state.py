"""What posting rules work on: journal lines, the setting they post in, and the state they change."""

from __future__ import annotations

import difflib
import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from bo_lib.books.lots import Lots, position
from bo_lib.config import Basis
from bo_lib.model.events import Event, FxDeal, MoneyDeal, Trade
from bo_lib.model.findings import Finding, Place, info, warning
from bo_lib.model.instruments import is_future
from bo_lib.model.money import ZERO, Rates, round_money


class Line(NamedTuple):
    """One journal line; debit positive. ``quantity`` is the change of position."""

    ledger: str
    currency: str
    local: Decimal
    base: Decimal
    account: str = ""
    isin: str = ""
    share_class: str = ""
    quantity: Decimal = ZERO
    reference: str = ""
    text: str = ""


def said(lines: list[Line], reference: str, text: str) -> list[Line]:
    """``lines`` that say something, with the reference both sides know and a text for people."""
    return [Line(*line[:8], reference, text) for line in lines if line.local or line.base or line.quantity]


class Refused(Exception):  # noqa: N818
    """An event cannot be posted: never leaves this package, becomes a finding and a row of ``Book.refused``."""

    def __init__(self, code: str, message: str, at: str, found: str, expected: str, todo: str = "correct it at its source") -> None:
        super().__init__(message)
        self.finding = (code, message, at, {"found": found, "expected": expected, "todo": todo})


def place_of(event: Event, at: str = "") -> Place:
    """Where an event came from: its source file and line, and the field meant."""
    sha256, _, line = event.source.partition("#")
    return Place(file=f"{event.kind} {event.event_id}", at=line, field=at, sha256=sha256)


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """No search for cycles meanwhile: a fold makes millions of objects and no cycle, and the search took a third of the time."""
    there = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if there:
            gc.enable()


@dataclass(frozen=True)
class Claim:
    """Money to receive (positive) or pay on a later date, at the base amount it was booked with."""

    ledger: str
    account: str
    currency: str
    local: Decimal
    base: Decimal
    isin: str = ""
    share_class: str = ""
    reference: str = ""

    def line(self) -> Line:
        return Line(self.ledger, self.currency, self.local, self.base, self.account, self.isin, self.share_class)


@dataclass(slots=True)
class OpenTrade:
    """A trade and what of it is not settled: signed quantity as traded, signed money (receivable positive)."""

    event: Trade
    open: Decimal
    ledger: str
    money: Decimal
    money_base: Decimal
    agreed: Decimal  # money as agreed: its sign says who pays, whatever was paid since
    factor: Decimal = Decimal(1)  # splits since the trade: quantity held per quantity traded

    @property
    def nominal(self) -> Decimal:
        """Signed quantity of all of it, settled or not, in today's shares."""
        sign = 1 if self.event.side in ("BUY", "COVER") else -1
        return sign * self.event.quantity * self.factor

    def settle(self, quantity: Decimal, money: Decimal, money_base: Decimal) -> None:
        self.open -= quantity.copy_sign(self.open)
        self.money -= money
        self.money_base -= money_base


class Loss(NamedTuple):
    """A loss on shares sold that shares bought within 30 days may defer: cost less proceeds, positive in base."""

    isin: str
    sold: date
    quantity: Decimal
    local: Decimal
    base: Decimal
    held: timedelta
    apart: frozenset[str]  # lots that replace nothing: those sold in the same trade


class Security(NamedTuple):
    """What the books need to know of an instrument; ``worth``: of one unit of quantity for one unit of price."""

    kind: str
    currency: str
    worth: Decimal = Decimal(1)


@dataclass
class State:
    """Lots, open trades and claims of events that belong together (one instrument, or one event of money only)."""

    lots: dict[tuple[str, str], Lots] = field(default_factory=dict)
    trades: dict[str, OpenTrade] = field(default_factory=dict)
    deals: dict[str, FxDeal] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)  # deals
    claims: dict[str, list[Claim]] = field(default_factory=dict)
    carried: dict[tuple[str, str], Decimal] = field(default_factory=dict)  # futures: contracts at the last settlement price
    index_ratios: dict[str, Decimal] = field(default_factory=dict)  # inflation-linked bonds: the last known
    money_deals: dict[str, MoneyDeal] = field(default_factory=dict)  # not yet repaid
    losses: list[Loss] = field(default_factory=list)  # that purchases to come may still defer
    washed: set[str] = field(default_factory=set)  # lots that have taken up a loss
    realised: list[dict[str, Any]] = field(default_factory=list)
    applied: dict[str, list[Event]] = field(default_factory=dict)  # corporate actions, by instrument, in order
    findings: list[Finding] = field(default_factory=list)

    def copied(self) -> State:
        """A state of its own that stands where this one does; events, claims and rows never change and are shared."""
        return State(
            {key: lots.copied() for key, lots in self.lots.items()},
            {key: replace(trade) for key, trade in self.trades.items()},
            self.deals.copy(), self.settled.copy(), {key: claims.copy() for key, claims in self.claims.items()},
            self.carried.copy(), self.index_ratios.copy(), self.money_deals.copy(), self.losses.copy(),
            self.washed.copy(), self.realised.copy(), {isin: done.copy() for isin, done in self.applied.items()},
            self.findings.copy(),
        )  # fmt: skip

    def lots_of(self, account: str, isin: str) -> Lots:
        return self.lots.setdefault((account, isin), Lots())

    def positions_of(self, isin: str) -> list[tuple[str, Decimal]]:
        """(account, signed quantity) of every account that holds ``isin``."""
        held = [(account, position(lots)) for (account, there), lots in sorted(self.lots.items()) if there == isin]
        return [(account, quantity) for account, quantity in held if quantity]

    def applied_since(self, event: Event) -> list[Event]:
        """Corporate actions on the instrument of ``event`` that were applied between its own date and the day it is booked."""
        return [done for done in self.applied.get(getattr(event, "isin", ""), ()) if done.effective_date > event.own_date]

    def warn(self, event: Event, code: str, message: str, todo: str) -> None:
        self.findings.append(warning(code, message, place_of(event), todo=todo))

    def inform(self, event: Event, code: str, message: str) -> None:
        self.findings.append(info(code, message, place_of(event)))


@dataclass
class Setting:
    """What the books are kept by: base currency, security master, rates, lot method, chart."""

    base_currency: str
    instruments: Mapping[str, Security]
    rates: Callable[[date], Rates | None]
    lot_methods: Mapping[date, str]  # from that day on; the first also before it
    shorts_allowed: bool
    ledgers: frozenset[str]  # of the chart; empty: names are not checked
    fees: frozenset[str]
    basis: Basis
    _rates: dict[date, Rates | None] = field(default_factory=dict)

    def lot_method(self, day: date) -> str:
        started = [start for start in self.lot_methods if start <= day]
        return self.lot_methods[max(started) if started else min(self.lot_methods)]

    def expect_instrument(self, isin: str, at: str = "isin") -> str:
        """The currency of an instrument."""
        if isin not in self.instruments:
            near = _nearest(isin, self.instruments)
            message = f"{isin} is not in the security master"
            raise Refused(
                "instrument-unknown",
                message,
                at,
                isin,
                f"a known ISIN{near}",
                "correct the ISIN, or send a file that a mapping in parameters/mappings reads into the table instruments",
            )
        return self.instruments[isin].currency

    def expect_currency(self, isin: str, currency: str) -> None:
        known = self.expect_instrument(isin)
        if currency != known:
            todo = "correct the event or the security master"
            raise Refused("currency-differs", f"{isin} is kept in {known}", "currency", currency, known, todo)

    def expect_another(self, isin: str, other: str, at: str) -> None:
        if isin == other:
            raise Refused("same-instrument", f"{isin} cannot turn into itself", at, other, "another instrument")

    def expect_ledger(self, ledger: str) -> None:
        if not self.ledgers or ledger in self.ledgers or self.is_fee(ledger):
            return
        near = _nearest(ledger, self.ledgers | self.fees | {f"{fee}_payable" for fee in self.fees})
        raise Refused("ledger-unknown", f"no ledger account {ledger!r}", "ledger", ledger, f"an account of the chart{near}")

    def is_fee(self, ledger: str) -> bool:
        return ledger.removesuffix("_payable") in self.fees

    def is_future(self, isin: str) -> bool:
        return is_future(self.instruments[isin].kind)

    def worth(self, isin: str, quantity: Decimal, price: Decimal) -> Decimal:
        """``quantity`` at ``price`` in the instrument's currency: bonds in percent of par, contracts times their multiplier."""
        currency = self.expect_instrument(isin)
        return round_money(quantity * price * self.instruments[isin].worth, currency)

    def expect_rate(self, currency: str, day: date) -> None:
        """A missing rate is found before anything changes."""
        self.convert(Decimal(1), currency, day)

    def convert(self, amount: Decimal, currency: str, day: date) -> Decimal:
        """``amount`` in base currency at the rates of ``day``."""
        if currency == self.base_currency or not amount:
            return amount
        if day not in self._rates:
            self._rates[day] = self.rates(day)
        rates = self._rates[day]
        if rates is None or currency not in rates or self.base_currency not in rates:
            pair = f"{currency} into {self.base_currency}"
            raise Refused(
                "rate-missing", f"no rate for {pair} on {day}", "currency", currency, "a rate", "load the rates of that day"
            )
        return rates.convert(amount, currency, self.base_currency)


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    return f", such as {near[0]}" if near else ""
