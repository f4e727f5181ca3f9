"""What foreign money stands in the books at: its average cost in base currency, and the currency gain when it leaves.

Money that comes in adds the base amount of its transaction (rate of its day, contract rate of a spot against base currency).
Money that goes out takes the average cost of the balance along; its transaction less that cost is realised on the day. An
overdraft is the same with the signs changed. A day is one step: what adds to a balance comes before what reduces it, and
reductions share the cost that leaves by amount, so that the order of a day's events decides no more than where a cent of
rounding stands. The cost that leaves is rounded half up to the minor unit; what reduces a balance to zero takes all that is
left, and what goes beyond zero opens the other side at the rates of the day's reductions. A deposit realises nothing: it
carries the cost of the cash placed and brings it back.

Sources: ASC 946-830-45 (revaluation is unrealised, and realised once cash flows); 26 CFR 1.988-2(a)(2)(iii)(B)(1) (any reasonable
method used consistently for all accounts, pro rata among them) and (a)(1)(iii) (deposits); average is practice.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from bo_lib.books.lots import apportion
from bo_lib.books.state import Line, Setting
from bo_lib.model.events import Event
from bo_lib.model.money import ZERO, round_money

Posted = Mapping[tuple[str, int], list[Line]]  # event, phase -> lines
_Name = tuple[str, str, str, str]  # ledger, account, currency, class
_Stand = tuple[Decimal, Decimal]  # balance in currency, cost in base currency

# Kinds of events whose receivables and payables are no claim with a base amount of its own: they have an average cost too.
_UNCLAIMED = frozenset(("opening_balance", "payment", "accrual", "manual_journal"))


class _Moved(NamedTuple):
    key: tuple[str, int]
    local: Decimal
    base: Decimal
    reference: str
    entry: int  # which entry shows what it realises
    deposit: bool = False  # places a deposit (phase 0) or brings it back


@dataclass(slots=True)
class _Balance:
    """Days with movements, what moved on each, and what stood at its close."""

    days: list[date] = field(default_factory=list)
    moved: list[list[_Moved]] = field(default_factory=list)
    closes: list[_Stand] = field(default_factory=list)

    def stand(self, before: int) -> _Stand:
        return self.closes[before - 1] if before else (ZERO, ZERO)

    def of(self, day: date) -> int:
        """Where ``day`` stands; a new one starts as the day before closed."""
        at = bisect_left(self.days, day)
        if at == len(self.days) or self.days[at] != day:
            self.days.insert(at, day)
            self.moved.insert(at, [])
            self.closes.insert(at, self.stand(at))
        return at


def carried(
    stand: _Stand, moved: Iterable[_Moved], placed: dict[str, Decimal], base_currency: str
) -> tuple[_Stand, list[tuple[_Moved, Decimal]]]:
    """Balance and cost after a day's movements, and for each that reduced the balance its transaction less its cost.

    ``placed`` keeps that difference of deposits, by event, for the day they come back.
    """
    balance, cost = stand
    sign = -1 if balance < 0 else 1
    leaving = []
    for m in moved:
        if m.deposit:
            m = _brought_back(m, placed)
        if m.local * sign < 0:
            leaving.append(m)
        else:
            balance += m.local
            cost += m.base
    if not leaving:
        return (balance, cost), []
    out = sum([m.local for m in leaving], ZERO)
    left, kept = balance + out, ZERO
    if left * sign > 0:
        kept = cost - round_money(cost * -out / balance, base_currency)
    elif left:
        kept = round_money(sum([m.base for m in leaving], ZERO) * left / out, base_currency)
    parts = apportion(kept - cost, [abs(m.local) for m in leaving], base_currency)
    differences = [(m, part - m.base) for m, part in zip(leaving, parts, strict=True)]
    placed.update((m.key[0], rest) for m, rest in differences if m.deposit)
    return (left, kept), differences


def _brought_back(m: _Moved, placed: dict[str, Decimal]) -> _Moved:
    """A deposit's money at its cost, from here on like any other; one just placed has no difference yet."""
    deal, phase = m.key
    if phase:
        return m._replace(base=m.base - placed.get(deal, ZERO), deposit=False)
    placed[deal] = ZERO
    return m


class CashCost:
    """The foreign money of one fold. Movements of a day are given as they are posted; ``close`` says what they realised."""

    def __init__(self, setting: Setting) -> None:
        self.base_currency = setting.base_currency
        self.gain = setting.basis.ledgers.get("realised_currency_gain", "realised_currency_gain")
        self.balances: dict[_Name, _Balance] = defaultdict(_Balance)
        self.today: dict[_Name, list[_Moved]] = defaultdict(list)
        self.placed: dict[str, Decimal] = {}  # deposit -> its transaction less its cost
        self.out: dict[str, _Name] = {}  # deposits not yet brought back, and whence they came

    def add(self, event: Event, phase: int, lines: Iterable[Line], entry: int) -> None:
        """Movements of the day; ``entry``: its place in the journal."""
        if event.kind != "trade":  # which is most of them and moves no money yet
            for name, local, base, reference in self._money(event, lines):
                self.today[name].append(_Moved((event.event_id, phase), local, base, reference, entry, _is_deposit(event)))

    def _money(self, event: Event, lines: Iterable[Line]) -> list[tuple[_Name, Decimal, Decimal, str]]:
        own, unclaimed = self.base_currency, event.kind in _UNCLAIMED
        return [
            ((ledger, account, currency, share_class), local, base, reference)
            for ledger, currency, local, base, account, _, share_class, _, reference, _ in lines
            if currency != own and (ledger == "cash" or ledger == "suspense" or (unclaimed and _is_owed(ledger)))
        ]

    def close(self, day: date) -> Iterator[tuple[int, list[Line]]]:
        """(entry, lines): each with what left at a cost other than its transaction."""
        for name, moved in self.today.items():
            balance = self.balances[name]
            stand, differences = carried(balance.stand(len(balance.days)), moved, self.placed, self.base_currency)
            balance.days.append(day)
            balance.moved.append(moved)
            balance.closes.append(stand)
            for m, rest in differences:
                if rest:
                    yield m.entry, self._lines(name, rest, -rest if m.deposit else ZERO, "left at average cost", m.reference)
            for m in moved:
                if m.deposit:
                    back = self.placed.get(m.key[0], ZERO) if m.key[1] else ZERO
                    self._is_out(name, m.key, stands=True)
                    if back:
                        yield m.entry, self._lines(name, -back, back, "came back at its cost", m.reference)
        self.today.clear()

    def _is_out(self, name: _Name, key: tuple[str, int], stands: bool) -> None:
        deal, phase = key
        if stands and not phase:
            self.out[deal] = name
        else:
            self.out.pop(deal, None)

    def correct(
        self, before: Posted, after: Posted, of: Callable[[tuple[str, int]], tuple[Event, date]], day: date, entry: int
    ) -> list[Line]:
        """A reversal on ``day``: days before it are carried anew with what stands, and what that changes is posted by ``entry``."""
        first: dict[_Name, int] = {}
        owed: dict[_Name, Decimal] = defaultdict(Decimal)  # cost then, and what the reversal itself moves
        out: dict[_Name, Decimal] = {}
        for sign, posted in ((-1, before), (1, after)):
            for key, lines in posted.items():
                if before.get(key) == after.get(key):
                    continue
                event, then = of(key)
                for name, local, base, reference in self._money(event, lines):
                    if then < day:
                        at = self.balances[name].of(then)
                        owed.setdefault(name, self.balances[name].closes[-1][1])
                        out.setdefault(name, self._out_of(name))
                        owed[name] += sign * base
                        first[name] = min(at, first.get(name, at))
                        moved = self.balances[name].moved[at]
                        if _is_deposit(event):
                            self._is_out(name, key, sign > 0)
                    else:
                        moved = self.today[name]
                    if sign < 0:
                        moved[:] = [m for m in moved if m.key != key]
                    else:
                        moved.append(_Moved(key, local, base, reference, entry, _is_deposit(event)))
        return [line for name in first for line in self._again(name, first[name], owed[name], out[name])]

    def _out_of(self, name: _Name) -> Decimal:
        """What the deposits that are out cost less than their transactions."""
        return sum((self.placed.get(deal, ZERO) for deal, of in self.out.items() if of == name), ZERO)

    def _again(self, name: _Name, first: int, owed: Decimal, out: Decimal) -> list[Line]:
        balance = self.balances[name]
        for n in range(first, len(balance.days)):
            balance.closes[n], _ = carried(balance.stand(n), balance.moved[n], self.placed, self.base_currency)
        return self._lines(name, balance.closes[-1][1] - owed, out - self._out_of(name), "average cost since then anew")

    def _lines(self, name: _Name, rest: Decimal, of_deposit: Decimal, text: str, reference: str = "") -> list[Line]:
        """``rest`` to the balance, ``of_deposit`` to the deposits made of it, and what is left over is the gain."""
        ledger, account, currency, share_class = name
        lines = [
            Line(ledger, currency, ZERO, rest, account, "", share_class, ZERO, reference, text),
            Line("deposits_receivable", currency, ZERO, of_deposit, account, "", "", ZERO, reference, text),
            Line(self.gain, currency, ZERO, -rest - of_deposit, account, "", "", ZERO, reference, text),
        ]
        return [line for line in lines if line.base]


def _is_deposit(event: Event) -> bool:
    return event.kind == "money_deal" and event.style == "DEPOSIT"


def _is_owed(ledger: str) -> bool:
    return ledger.endswith(("_receivable", "_payable")) or ledger.startswith(("receivable_", "payable_"))
