"""What foreign money stands in the books at: its average cost in base currency, and the currency gain when it leaves.

Money that comes in adds the base amount of its transaction (rate of its day, contract rate of a spot against base currency).
Money that goes out takes the average cost of the balance along; its transaction less that cost is realised on the day. An
overdraft is the same with the signs changed. A day is one step: what adds to a balance comes before what reduces it, and
reductions share the cost that leaves by amount, so that the order of a day's events decides no more than where a cent of
rounding stands. The cost that leaves is rounded half up to the minor unit; what reduces a balance to zero takes all that is
left, and what goes beyond zero opens the other side at the rates of the day's reductions. A deposit placed is paid for like a
security, so it realises.

Sources: ASC 946-830-45 (revaluation is unrealised, and realised once cash flows); 26 CFR 1.988-2(a)(2)(iii)(B)(1) (any reasonable
method used consistently for all accounts, pro rata among them); average is practice.
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


def carried(stand: _Stand, moved: Iterable[_Moved], base_currency: str) -> tuple[_Stand, list[tuple[_Moved, Decimal]]]:
    """Balance and cost after a day's movements, and for each that reduced the balance its transaction less its cost."""
    balance, cost = stand
    sign = -1 if balance < 0 else 1
    leaving = []
    for m in moved:
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
    return (left, kept), [(m, part - m.base) for m, part in zip(leaving, parts, strict=True)]


class CashCost:
    """The foreign money of one fold. Movements of a day are given as they are posted; ``close`` says what they realised."""

    def __init__(self, setting: Setting) -> None:
        self.base_currency = setting.base_currency
        self.gain = setting.basis.ledgers.get("realised_currency_gain", "realised_currency_gain")
        self.balances: dict[_Name, _Balance] = defaultdict(_Balance)
        self.today: dict[_Name, list[_Moved]] = defaultdict(list)

    def add(self, event: Event, phase: int, lines: Iterable[Line], entry: int) -> None:
        """Movements of the day; ``entry``: its place in the journal."""
        if event.kind != "trade":  # which is most of them and moves no money yet
            for name, local, base, reference in self._money(event, lines):
                self.today[name].append(_Moved((event.event_id, phase), local, base, reference, entry))

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
            stand, differences = carried(balance.stand(len(balance.days)), moved, self.base_currency)
            balance.days.append(day)
            balance.moved.append(moved)
            balance.closes.append(stand)
            yield from ((m.entry, self._lines(name, rest, "left at average cost", m.reference)) for m, rest in differences if rest)
        self.today.clear()

    def correct(
        self, before: Posted, after: Posted, of: Callable[[tuple[str, int]], tuple[Event, date]], day: date, entry: int
    ) -> list[Line]:
        """A reversal on ``day``: days before it are carried anew with what stands, and what that changes is posted by ``entry``."""
        first: dict[_Name, int] = {}
        owed: dict[_Name, Decimal] = defaultdict(Decimal)  # cost then, and what the reversal itself moves
        for sign, posted in ((-1, before), (1, after)):
            for key, lines in posted.items():
                if before.get(key) == after.get(key):
                    continue
                event, then = of(key)
                for name, local, base, reference in self._money(event, lines):
                    if then < day:
                        at = self.balances[name].of(then)
                        owed.setdefault(name, self.balances[name].closes[-1][1])
                        owed[name] += sign * base
                        first[name] = min(at, first.get(name, at))
                        moved = self.balances[name].moved[at]
                    else:
                        moved = self.today[name]
                    if sign < 0:
                        moved[:] = [m for m in moved if m.key != key]
                    else:
                        moved.append(_Moved(key, local, base, reference, entry))
        return [line for name in first for line in self._again(name, first[name], owed[name])]

    def _again(self, name: _Name, first: int, owed: Decimal) -> list[Line]:
        balance = self.balances[name]
        for n in range(first, len(balance.days)):
            balance.closes[n], _ = carried(balance.stand(n), balance.moved[n], self.base_currency)
        rest = balance.closes[-1][1] - owed
        return self._lines(name, rest, "average cost since then anew") if rest else []

    def _lines(self, name: _Name, rest: Decimal, text: str, reference: str = "") -> list[Line]:
        ledger, account, currency, share_class = name
        return [
            Line(ledger, currency, ZERO, rest, account, "", share_class, ZERO, reference, text),
            Line(self.gain, currency, ZERO, -rest, account, "", "", ZERO, reference, text),
        ]


def _is_owed(ledger: str) -> bool:
    return ledger.endswith(("_receivable", "_payable")) or ledger.startswith(("receivable_", "payable_"))
