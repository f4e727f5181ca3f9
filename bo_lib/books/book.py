"""The book: journal, lots, realised gains, positions, cash and trial balance of one fold of events, as canonical tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from operator import itemgetter
from typing import Any, Literal, NamedTuple

import pyarrow as pa

from bo_lib.books.explain import Explained, explain
from bo_lib.books.state import Line, Setting, State
from bo_lib.books.wash_sales import PURCHASES
from bo_lib.model.events import Event, MoneyDeal, Trade
from bo_lib.model.findings import Finding, Outcome
from bo_lib.model.money import ZERO
from bo_lib.model.tables import (
    AMOUNT,
    COUNT,
    DATE,
    FX_DEALS,
    JOURNAL,
    LOTS,
    POSITIONS,
    QUANTITY,
    REALISED,
    TEXT,
    TRIAL_BALANCE,
    Column,
    Table,
)

Basis = Literal["trade", "settlement"]

CASH_BALANCES = Table("cash_balances", "money per account and currency", ("account", "currency"), (
    Column("account", TEXT, "the fund's account", True),
    Column("currency", TEXT, "ISO 4217", True),
    Column("balance", AMOUNT, "balance in currency, money of the fund positive", True),
))  # fmt: skip

BOOK_CASH_MOVEMENTS = Table("book_cash_movements", "money moved according to the books", ("event_id", "line"), (
    Column("event_id", TEXT, "event that moved it", True),
    Column("line", COUNT, "ordinal of the journal line within the event", True),
    Column("kind", TEXT, "kind of the event: settlement, dividend, fx_deal, capital, payment, reversal, …", True),
    Column("reference", TEXT, "trade, deal, order or event reference that both sides know"),
    Column("account", TEXT, "the fund's account", True),
    Column("currency", TEXT, "ISO 4217", True),
    Column("amount", AMOUNT, "money in positive, out negative", True),
    Column("value_date", DATE, "day the books move it", True),
    Column("isin", TEXT, "instrument, where one is meant"),
    Column("text", TEXT, "what it is, for people"),
))  # fmt: skip

OPEN_TRADES = Table("open_trades", "trades not yet fully settled", ("trade_id",), (
    Column("trade_id", TEXT, "the trade's own reference", True),
    Column("event_id", TEXT, "event of the trade", True),
    Column("account", TEXT, "account it settles in", True),
    Column("isin", TEXT, "instrument", True),
    Column("side", TEXT, "BUY, SELL, SHORT or COVER", True),
    Column("quantity_open", QUANTITY, "positive, as traded, still to settle", True),
    Column("currency", TEXT, "ISO 4217", True),
    Column("amount_open", AMOUNT, "money still to move: to receive positive, to pay negative", True),
    Column("trade_date", DATE, "trade date", True),
    Column("settlement_date", DATE, "intended settlement date", True),
    Column("counterparty", TEXT, "executing broker"),
))  # fmt: skip

# Ledgers that turn into cash once what is agreed has settled.
_TO_COME = frozenset(
    """cash receivable_for_investments_sold payable_for_investments_purchased dividends_receivable dividends_payable
    interest_receivable fx_receivable fx_payable receivable_for_units_issued payable_for_units_redeemed""".split()
)


_EMPTY_IS_NULL = frozenset(("account", "isin", "share_class", "reference", "text", "quantity"))


class Entry(NamedTuple):
    """The lines an event posted on one day."""

    day: date
    event: Event
    lines: Sequence[Line]


@dataclass(frozen=True)
class Refusal:
    """An event that could not be posted, and why."""

    event: Event
    finding: Finding


def _table(kind: Table, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows known to fit, column by column (several times faster than checking each value)."""
    kept = list(rows)
    columns = [pa.array([row.get(c.name) for row in kept], type=c.type) for c in kind.columns]
    return pa.Table.from_arrays(columns, schema=kind.schema)


class Book:
    """Made by ``replay``. Every table is sorted and has the canonical schema; amounts are debit positive."""

    def __init__(
        self,
        entries: Sequence[Entry],
        states: Sequence[State],
        refused: tuple[Refusal, ...],
        setting: Setting,
        earlier: Callable[[date], Book],
    ) -> None:
        self._entries = entries
        self._states = states
        self._setting = setting
        self._earlier = earlier
        self.refused = refused

    def _ordinals(self) -> Iterator[int]:
        """Of every journal line, within its event; an event that posts on several days counts on."""
        count: dict[str, int] = defaultdict(int)
        for entry in self._entries:
            first = count[entry.event.event_id] + 1
            count[entry.event.event_id] += len(entry.lines)
            yield from range(first, first + len(entry.lines))

    def lines(self) -> Iterator[tuple[Entry, int, Line]]:
        """Every journal line with its ordinal within the event."""
        numbers = self._ordinals()
        return ((entry, next(numbers), line) for entry in self._entries for line in entry.lines)

    @cached_property
    def journal(self) -> pa.Table:
        """Table JOURNAL in order of posting; balances per event, day and currency, and in base."""
        rows = [line for entry in self._entries for line in entry.lines]
        by_entry = {"event_id": [e.event.event_id for e in self._entries], "fund": [e.event.fund for e in self._entries],
                    "effective_date": [e.day for e in self._entries]}  # fmt: skip
        entry_of = pa.array([n for n, entry in enumerate(self._entries) for _ in entry.lines], type=pa.int32())
        columns = []
        for c in JOURNAL.columns:
            if c.name in by_entry:
                columns.append(pa.array(by_entry[c.name], type=c.type).take(entry_of))
            elif c.name == "line":
                columns.append(pa.array(self._ordinals(), type=c.type))
            else:
                values = map(itemgetter(Line._fields.index(c.name)), rows)
                columns.append(pa.array([v or None for v in values] if c.name in _EMPTY_IS_NULL else list(values), type=c.type))
        return pa.Table.from_arrays(columns, schema=JOURNAL.schema)

    @property
    def base_currency(self) -> str:
        return self._setting.base_currency

    def explain(self, figure: str) -> Outcome[Explained | None]:
        """The journal lines behind a ledger balance or a position, each with its event and source (see ``explain``)."""
        return explain(self, figure)

    def lots(self, as_of: date | None = None) -> pa.Table:
        """Table LOTS, open at the end of the book or (a replay) at the close of ``as_of``."""
        if as_of is not None:
            return self._earlier(as_of).lots()
        lots = sorted(
            (lot for s in self._states for there in s.lots.values() for lot in there),
            key=lambda x: (x.account, x.isin, x.acquired, x.lot_id),
        )
        return _table(LOTS, ({name: getattr(lot, name) for name in LOTS.names} for lot in lots))

    @cached_property
    def realised(self) -> pa.Table:
        """Table REALISED by date of the closing trade."""
        rows = (row for state in self._states for row in state.realised)
        return _table(
            REALISED, sorted(rows, key=lambda row: (row["effective_date"], row["event_id"], row["acquired"], row["lot_id"]))
        )

    @cached_property
    def purchases(self) -> pa.Table:
        """Table PURCHASES: what trades opened long, as bought; for wash sales."""
        opened = (
            {"lot_id": f"{entry.event.event_id}/1", "isin": line.isin, "acquired": entry.day, "quantity": line.quantity,
             "cost_local": line.local, "currency": line.currency}
            for entry in self._entries for line in entry.lines
            if entry.event.kind == "trade" and entry.event.side == "BUY" and line.ledger == "investments" and line.local > 0
        )  # fmt: skip
        return _table(PURCHASES, opened)

    def positions(self, basis: Basis = "trade") -> pa.Table:
        """Table POSITIONS. On settlement basis trades count as far as they have settled; cost is that of the open lots."""
        return self._on_trade if basis == "trade" else self._positions(settled=True)

    @cached_property
    def _on_trade(self) -> pa.Table:
        return self._positions(settled=False)

    def _positions(self, settled: bool) -> pa.Table:
        quantity, local, base = (defaultdict[tuple[str, str], Decimal](Decimal) for _ in range(3))
        for state in self._states:
            for key, lots in state.lots.items():
                for lot in lots:
                    quantity[key] += lot.quantity
                    local[key] += lot.cost_local
                    base[key] += lot.cost_base
            for trade in state.trades.values() if settled else ():
                quantity[trade.event.account, trade.event.isin] -= trade.open * trade.factor
        keys = sorted(key for key, held in quantity.items() if held)
        columns: dict[str, Any] = {
            "account": [account for account, _ in keys], "isin": [isin for _, isin in keys],
            "quantity": [round(quantity[key], 10) for key in keys], "cost_local": [local[key] for key in keys],
            "cost_base": [base[key] for key in keys], "currency": [self._setting.instruments[isin].currency for _, isin in keys],
        }  # fmt: skip
        return pa.Table.from_arrays([pa.array(columns[c.name], c.type) for c in POSITIONS.columns], schema=POSITIONS.schema)

    def cash(self, basis: Basis = "settlement") -> pa.Table:
        """Table CASH_BALANCES; on trade basis with everything that is agreed but has not settled."""
        ledgers = _TO_COME if basis == "trade" else {"cash"}
        sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for entry in self._entries:
            for line in entry.lines:
                if line.ledger in ledgers:
                    sums[line.account, line.currency] += line.local
        return _table(CASH_BALANCES, ({"account": a, "currency": c, "balance": amount} for (a, c), amount in sorted(sums.items())))

    def cash_movements(self, first: date, last: date) -> pa.Table:
        """Table BOOK_CASH_MOVEMENTS from ``first`` to ``last``, both included; balances taken over are no movements."""
        return _table(BOOK_CASH_MOVEMENTS, (
            {"event_id": entry.event.event_id, "line": number, "kind": entry.event.kind, "reference": line.reference or None,
             "account": line.account, "currency": line.currency, "amount": line.local, "value_date": entry.day,
             "isin": line.isin or None, "text": line.text}
            for entry, number, line in self.lines()
            if line.ledger == "cash" and line.local and first <= entry.day <= last and entry.event.kind != "opening_balance"
        ))  # fmt: skip

    @cached_property
    def open_trades(self) -> pa.Table:
        """Table OPEN_TRADES: what the settlement room watches."""
        trades = [t for state in self._states for t in state.trades.values() if t.open]
        same = ("trade_id", "event_id", "account", "isin", "side", "currency", "settlement_date", "counterparty")
        return _table(OPEN_TRADES, (
            {**{name: getattr(t.event, name) for name in same},
             "quantity_open": abs(t.open), "amount_open": t.money, "trade_date": t.event.effective_date}
            for t in sorted(trades, key=lambda t: (t.event.settlement_date, t.event.trade_id))
        ))  # fmt: skip

    def settling_after(self, day: date) -> Iterator[tuple[Trade, Decimal]]:
        """Trades that by agreement settle after ``day``, each with its signed quantity in today's shares."""
        trades = (t for state in self._states for t in state.trades.values())
        return ((t.event, t.nominal) for t in trades if t.event.settlement_date > day)

    @cached_property
    def open_deals(self) -> pa.Table:
        """Table FX_DEALS: spots and forwards agreed and not yet settled."""
        deals = sorted((d for s in self._states for d in s.deals.values() if d.deal_id not in s.settled), key=lambda d: d.deal_id)
        same = ("deal_id", "account", "buy_currency", "buy_amount", "sell_currency", "sell_amount", "settlement_date")
        return _table(FX_DEALS, (
            {**{name: getattr(d, name) for name in same}, "status": "NEW", "kind": d.style, "trade_date": d.effective_date,
             "share_class": d.share_class or None}
            for d in deals
        ))  # fmt: skip

    @cached_property
    def money_deals(self) -> tuple[MoneyDeal, ...]:
        """Deposits, repos, borrowings and lent securities' collateral not yet repaid, by deal id."""
        return tuple(sorted((d for s in self._states for d in s.money_deals.values()), key=lambda d: d.deal_id))

    @cached_property
    def index_ratios(self) -> dict[str, Decimal]:
        """The last known index ratio of each inflation-linked bond."""
        return {isin: ratio for state in self._states for isin, ratio in state.index_ratios.items()}

    def worth(self, isin: str, quantity: Decimal, price: Decimal) -> Decimal:
        """Market value in the instrument's currency: percent of par, multiplier and index ratio applied; of a future what its
        variation margin has not paid yet."""
        ratio = self.index_ratios.get(isin)
        value = self._setting.worth(isin, quantity, price * ratio if ratio else price)
        return value - self._carried.get(isin, ZERO)

    @cached_property
    def _carried(self) -> dict[str, Decimal]:
        """Per instrument what variation margin has paid so far."""
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for state in self._states:
            for (_, isin), amount in state.carried.items():
                sums[isin] += amount
        return sums

    def trial_balance(self) -> pa.Table:
        """Table TRIAL_BALANCE: every ledger balance that is not zero; its base column adds up to zero."""
        return self._trial_balance

    @cached_property
    def _trial_balance(self) -> pa.Table:
        sums: dict[tuple[str, str, str, str], list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
        for entry in self._entries:
            for line in entry.lines:
                total = sums[line.ledger, line.account, line.share_class, line.currency]
                total[0] += line.local
                total[1] += line.base
        return _table(TRIAL_BALANCE, (
            {"ledger": ledger, "account": account or None, "share_class": share_class or None, "currency": currency,
             "local": local, "base": base}
            for (ledger, account, share_class, currency), (local, base) in sorted(sums.items()) if local or base
        ))  # fmt: skip
