"""The plain ledger of one fund: what the counterparties and the administrator all know to be true.

Balances are debit positive. What is owed is kept in ``dues`` until its day; then cash (and securities) move.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_FLOOR, Decimal

from bo_lib.config import Fund
from bo_lib.demo.market import Action, Market
from bo_lib.model.money import ZERO, Rates, round_money

CODE = {"long_short": "LS", "ucits": "UC", "bond": "BD", "closed_end": "PE"}  # how references of a kind of fund begin


@dataclass(frozen=True)
class Trade:
    trade_id: str
    fund: str
    isin: str
    side: str  # BUY, SELL, SHORT, COVER
    quantity: Decimal
    price: Decimal
    currency: str
    commission: Decimal
    taxes: Decimal
    accrued: Decimal
    net: Decimal
    trade_date: date
    settlement_date: date  # intended
    settles: date  # when it does settle: later than intended when it fails
    reason: str = ""  # why it fails
    broker: str = "BROKER-1"

    @property
    def sign(self) -> int:
        return 1 if self.side in ("BUY", "COVER") else -1


@dataclass(frozen=True)
class Deal:
    deal_id: str
    kind: str  # SPOT, FORWARD
    buy: tuple[str, Decimal]
    sell: tuple[str, Decimal]
    trade_date: date
    settlement_date: date
    share_class: str = ""


@dataclass(frozen=True)
class Capital:
    """Units issued (positive) or redeemed; ``amount`` in the class currency, with the same sign."""

    order_id: str
    investor: str
    share_class: str
    units: Decimal
    amount: Decimal
    amount_base: Decimal
    currency: str
    effective: date
    settles: date


@dataclass(frozen=True)
class Entry:
    """Money that moved, as the bank that kept the account wrote it down."""

    reference: str
    currency: str
    amount: Decimal
    booked: date
    value: date
    code: str  # three letters: SEC, DIV, INT, EXR, FEX, TRF, CHG, RTI
    text: str
    reversal: bool = False


@dataclass(frozen=True)
class Statement:
    """A cash statement of one account and day; it proves when opening and entries make the closing."""

    account: str
    currency: str
    number: int
    day: date
    opening: Decimal
    entries: tuple[Entry, ...]
    closing: Decimal


@dataclass(frozen=True)
class Holding:
    isin: str
    name: str
    is_bond: bool
    quantity: Decimal
    price: Decimal
    currency: str
    value: Decimal


@dataclass(frozen=True)
class Status:
    """What a custodian says of an instruction: settled (a confirmation), matched, unmatched or failing."""

    trade: Trade
    status: str
    day: date
    reason: str = ""
    quantity: Decimal = ZERO
    amount: Decimal = ZERO


@dataclass(frozen=True)
class Notice:
    """An announcement of a corporate action as one sender makes it."""

    action: Action
    reference: str
    account: str  # GENR for all
    eligible: Decimal | None


@dataclass(frozen=True)
class Due:
    ledger: str
    currency: str
    amount: Decimal  # to be received; negative: to be paid
    day: date
    reference: str
    code: str
    text: str
    isin: str = ""
    quantity: Decimal = ZERO  # securities that move with the money
    base: Decimal | None = None  # agreed in base currency; else the rate of the day it moves


@dataclass(frozen=True)
class Lot:
    lot_id: str
    isin: str
    acquired: date
    quantity: Decimal
    currency: str
    cost_local: Decimal
    cost_base: Decimal


@dataclass
class Book:
    fund: Fund
    market: Market
    struck: date  # last strike
    cash: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    cash_cost: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))  # of foreign cash, in base: average
    cash_gain: Decimal = ZERO  # what foreign cash brought on leaving, above its cost
    owed: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))  # (ledger, currency)
    dues: list[Due] = field(default_factory=list)
    position: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))  # trade-date basis
    settled: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))  # settlement-date basis
    trades: dict[str, Trade] = field(default_factory=dict)  # not yet settled
    forwards: list[Deal] = field(default_factory=list)
    hedge_realised: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    hedge_level: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))  # at the last strike
    fees: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))  # (name, class): payable
    fee_due: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))  # performance fee due for good, by class
    marks: dict[str, Decimal] = field(default_factory=dict)  # moved by crystallisation
    units: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    register: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))  # (investor, class)
    net_assets: dict[str, Decimal] = field(default_factory=dict)
    capital: list[Capital] = field(default_factory=list)  # dealt, not yet effective
    capital_today: dict[str, Decimal] = field(default_factory=dict)  # amount_base by class
    lots: list[Lot] = field(default_factory=list)  # of the opening

    @property
    def base(self) -> str:
        return self.fund.base_currency

    @property
    def size_base(self) -> Decimal:
        return sum(self.net_assets.values(), ZERO)

    def owe(self, due: Due) -> None:
        self.owed[due.ledger, due.currency] += due.amount
        self.dues.append(due)

    def actions_between(self, previous: date, day: date) -> None:
        """Ex dates and coupons after ``previous`` up to ``day``, for the position at the previous close; of a coupon for what is
        delivered before its date.
        """
        for action in self.market.actions:
            when = action.pay if action.caev == "EXRI" else action.ex
            quantity = self.position.get(action.isin, ZERO)
            if action.caev == "INTR":
                late = (t for t in self.trades.values() if t.isin == action.isin and t.settlement_date >= action.ex)
                quantity -= sum((t.sign * t.quantity for t in late), ZERO)
            if previous < when <= day and quantity:
                getattr(self, f"_{action.caev.lower()}")(action, quantity)

    def _dvca(self, action: Action, quantity: Decimal) -> None:
        gross, tax = dividend(action, quantity)
        ledger = "dividends_receivable" if quantity > 0 else "dividends_payable"
        text = f"DIVIDEND {action.isin} {action.rate} A SHARE"
        self.owe(Due(ledger, action.currency, gross - tax, action.pay, action.ref, "DIV", text))

    def _intr(self, action: Action, quantity: Decimal) -> None:
        amount = round_money(quantity * action.rate / 100, action.currency)
        text = f"COUPON {action.isin} {action.rate} PCT"
        self.owe(Due("interest_receivable", action.currency, amount, action.pay, action.ref, "INT", text))

    def _splf(self, action: Action, quantity: Decimal) -> None:
        for positions in (self.position, self.settled):
            positions[action.isin] = positions[action.isin] * action.new / action.old

    def _rhdi(self, action: Action, quantity: Decimal) -> None:
        rights = (quantity * action.new / action.old).to_integral_value(ROUND_FLOOR)
        for positions in (self.position, self.settled):
            positions[action.new_isin] += rights

    def _exri(self, action: Action, quantity: Decimal) -> None:
        """All rights are exercised: rights out, shares in, money out, all on the payment date."""
        for positions in (self.position, self.settled):
            positions.pop(action.isin)
            positions[action.new_isin] += quantity
        text = f"RIGHTS EXERCISE {action.isin}"
        amount = -round_money(quantity * action.price, action.currency)
        self.owe(Due("payable_for_investments_purchased", action.currency, amount, action.pay, action.ref, "EXR", text))

    def capital_effective(self, day: date) -> None:
        """Units dealt earlier join the fund on their effective date."""
        self.capital_today = defaultdict(Decimal)
        before = dict(self.units)
        leaving: dict[str, Decimal] = defaultdict(Decimal)
        for c in [c for c in self.capital if c.effective <= day]:
            self.capital.remove(c)
            self.units[c.share_class] += c.units
            self.register[c.investor, c.share_class] += c.units
            self.capital_today[c.share_class] += c.amount_base
            leaving[c.share_class] += max(-c.units, ZERO)
            ledger = "receivable_for_units_issued" if c.amount > 0 else "payable_for_units_redeemed"
            text = f"{'SUBSCRIPTION' if c.amount > 0 else 'REDEMPTION'} {c.investor} {c.share_class}"
            self.owe(Due(ledger, c.currency, c.amount, c.settles, c.order_id, "TRF", text))
        for share_class, units in leaving.items():
            accrued = self.fees.get(("performance_fee", share_class), ZERO) - self.fee_due[share_class]
            if units and accrued:
                self.fee_due[share_class] += round_money(accrued * units / before[share_class], self.base)

    def book_trade(self, trade: Trade) -> None:
        self.position[trade.isin] += trade.sign * trade.quantity
        self.trades[trade.trade_id] = trade
        ledger = "payable_for_investments_purchased" if trade.sign > 0 else "receivable_for_investments_sold"
        text = f"{trade.side} {trade.quantity:f} {trade.isin}"
        self.owe(Due(ledger, trade.currency, -trade.sign * trade.net, trade.settles, trade.trade_id, "SEC", text,
                     trade.isin, trade.sign * trade.quantity))  # fmt: skip

    def book_deal(self, deal: Deal) -> None:
        if deal.kind == "FORWARD":
            self.forwards.append(deal)
            return
        paid_in = dict((deal.buy, deal.sell)).get(self.base)
        for ledger, (currency, amount) in (("fx_receivable", deal.buy), ("fx_payable", (deal.sell[0], -deal.sell[1]))):
            agreed = None if paid_in is None else paid_in.copy_sign(amount)
            self.owe(Due(ledger, currency, amount, deal.settlement_date, deal.deal_id, "FEX", "FX SPOT", base=agreed))

    def settle(self, day: date, rates: Rates) -> tuple[list[Entry], list[Trade]]:
        """Everything due up to ``day`` moves. Returns the cash entries and the trades settled."""
        for deal in [d for d in self.forwards if d.settlement_date <= day]:
            self.forwards.remove(deal)
            self.hedge_realised[deal.share_class] += forward_value(deal, rates, self.base)
            for currency, amount in (deal.buy, (deal.sell[0], -deal.sell[1])):
                self.dues.append(Due("", currency, amount, deal.settlement_date, deal.deal_id, "FEX", "FX FORWARD"))
        due_now = sorted((d for d in self.dues if d.day <= day), key=lambda d: (d.day, d.reference, d.currency))
        self.dues = [d for d in self.dues if d.day > day]
        self._cost_of_cash(due_now)
        entries, settled = [], []
        for due in due_now:
            if due.ledger:
                self.owed[due.ledger, due.currency] -= due.amount
            self.cash[due.currency] += due.amount
            entries.append(Entry(due.reference, due.currency, due.amount, due.day, due.day, due.code, due.text))
            if due.isin:
                self.settled[due.isin] += due.quantity
                settled.append(self.trades.pop(due.reference))
        return entries, settled

    def _cost_of_cash(self, moving: list[Due]) -> None:
        """Foreign cash at average cost, in base currency: a day's money on the side of the balance first, then what leaves it."""
        held = self.cash.copy()
        by_day = {(d.day, d.currency): [m for m in moving if (m.day, m.currency) == (d.day, d.currency)] for d in moving}
        for (day, currency), of_day in sorted(by_day.items()):
            if currency == self.base:
                continue
            rates, side = self.market.rates(day), -1 if held[currency] < 0 else 1
            worth = [rates.convert(d.amount, currency, self.base) if d.base is None else d.base for d in of_day]
            for due, its in zip(of_day, worth, strict=True):
                held[currency] += due.amount if due.amount * side > 0 else ZERO
                self.cash_cost[currency] += its if due.amount * side > 0 else ZERO
            gone = sum((due.amount for due in of_day if due.amount * side < 0), ZERO)
            brought = -sum((its for due, its in zip(of_day, worth, strict=True) if due.amount * side < 0), ZERO)
            if not gone:
                continue
            if abs(gone) < abs(held[currency]):
                cost = round_money(self.cash_cost[currency] * gone / -held[currency], self.base)
            else:  # all of it, and the rest is the other side at the rates of the day
                cost = self.cash_cost[currency] + round_money(brought * (held[currency] + gone) / gone, self.base)
            held[currency] += gone
            self.cash_cost[currency] -= cost
            self.cash_gain += brought - cost


def dividend(action: Action, quantity: Decimal) -> tuple[Decimal, Decimal]:
    """Gross and tax withheld, signed like the position; a short pays the gross."""
    gross = round_money(quantity * action.rate, action.currency)
    return gross, round_money(gross * action.withholding_pct / 100, action.currency) if quantity > 0 else ZERO


def forward_value(deal: Deal, rates: Rates, base: str) -> Decimal:
    return rates.convert(deal.buy[1], deal.buy[0], base) - rates.convert(deal.sell[1], deal.sell[0], base)
