"""Groups of events that touch each other (one instrument, a trade and its settlements), each with a state of its own.

So a reversal folds only its group again and posts what that changes, dated on the reversal.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from bo_lib.books.book import Refusal
from bo_lib.books.posting import RULES
from bo_lib.books.state import Line, Refused, Setting, State, place_of
from bo_lib.model.events import (
    Coupon,
    Dividend,
    Event,
    FxDeal,
    Merger,
    MoneyDeal,
    Redemption,
    ReturnOfCapital,
    Reversal,
    RightsIssue,
    Settlement,
    SpinOff,
    Split,
    Trade,
)
from bo_lib.model.findings import error
from bo_lib.model.money import ZERO

_APPLIED = (Dividend, Coupon, ReturnOfCapital, Split, SpinOff, RightsIssue, Merger, Redemption)
Posted = dict[tuple[str, int], list[Line]]  # event, phase -> lines


class Key(NamedTuple):
    """Where a step stands in time."""

    day: date
    rank: int
    event_id: str
    phase: int
    own_id: str


class Step(NamedTuple):
    key: Key
    event: Event
    phase: int


class _Mark(NamedTuple):
    """Where a group stood before the first step of an event that a reversal will take back."""

    steps: int
    state: State
    refused: dict[str, Refusal]


@dataclass
class Group:
    """Events that touch each other: their state, what was refused, and (from the first mark on) steps taken and lines posted."""

    state: State = field(default_factory=State)
    refused: dict[str, Refusal] = field(default_factory=dict)
    due: Counter[str] = field(default_factory=Counter)  # event -> reversals of it, or of its reversal, still to come
    marks: dict[str, _Mark] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    lines: dict[tuple[str, int], list[Line]] = field(default_factory=dict)

    def take(self, step: Step, setting: Setting, stands: bool) -> list[Line]:
        """The lines of the next step; nothing when its event does not stand."""
        name = step.event.event_id
        if name not in self.marks and self.due[name] > 0:
            self.marks[name] = _Mark(len(self.steps), self.state.copied(), self.refused.copy())
        if self.marks:
            self.steps.append(step)
        return self.post(step, setting) if stands else []

    def again(self, name: str, setting: Setting, stands: Callable[[str], bool]) -> tuple[Posted, Posted]:
        """Fold anew from the mark of event ``name``: lines posted until now, and lines that take their place."""
        start, self.state, self.refused = self.marks[name]
        self.due[name] -= 1
        later = self.steps[start:]
        before = {key: self.lines.pop(key) for step in later if (key := (step.event.event_id, step.phase)) in self.lines}
        for number, step in enumerate(later, start):
            event_id = step.event.event_id
            if event_id in self.marks and self.marks[event_id].steps == number:
                self.marks[event_id] = _Mark(number, self.state.copied(), self.refused.copy())
            if stands(event_id):
                self.post(step, setting)
        after = {key: self.lines[key] for step in later if (key := (step.event.event_id, step.phase)) in self.lines}
        if not self.due[name]:
            del self.marks[name]
        if not self.marks:
            self.steps, self.lines = [], {}
        return before, after

    def _note(self, event: Event) -> None:
        """Remember what was applied; a late event whose own date lies before it had no part in it, and that is said."""
        if isinstance(event, _APPLIED):
            self.state.applied.setdefault(event.isin, []).append(event)
        for done in self.state.applied_since(event) if event.belongs_to else ():
            if not (event.kind == "trade" and done.kind == "split"):  # its quantity was brought to today's shares
                told = f"{event.kind} {event.event_id} of {event.own_date} came after {done.kind} {done.event_id} of"
                todo = "book by hand what it should have had of it, or correct its quantity"
                self.state.warn(event, "late-after-action", f"{told} {done.effective_date}, which did not know it", todo)

    def post(self, step: Step, setting: Setting) -> list[Line]:
        event = step.event
        rule = RULES[event.kind][step.phase]
        try:
            lines = [
                line for line in rule.post(event, self.state, setting, step.key.day) if line.local or line.base or line.quantity
            ]
        except Refused as reason:
            code, message, at, said = reason.finding
            self.refused[event.event_id] = Refusal(event, error(code, message, place_of(event, at), **said))
            return []
        if not step.phase:
            self._note(event)
        if names := setting.basis.ledgers:
            lines = [line._replace(ledger=names.get(line.ledger, line.ledger)) for line in lines]
        if self.marks:
            self.lines[event.event_id, step.phase] = lines
        return lines


def difference(before: Posted, after: Posted, event: Reversal) -> list[Line]:
    """Lines that lead from one fold to the other, netted per event and account."""
    lines: list[Line] = []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key, []), after.get(key, [])
        if old == new:
            continue
        text = (
            f"{event.reverses} reversed: {event.reason}"
            if key[0] == event.reverses
            else f"{key[0]} booked anew without {event.reverses}"
        )
        sums: dict[tuple[str, ...], list[Decimal]] = {}
        for sign, side in ((-1, old), (1, new)):
            for line in side:
                name = (line.ledger, line.currency, line.account, line.isin, line.share_class, line.reference)
                total = sums.setdefault(name, [ZERO, ZERO, ZERO])
                for n, amount in enumerate((line.local, line.base, line.quantity)):
                    total[n] += sign * amount
        for (ledger, currency, account, isin, share_class, reference), (local, base, quantity) in sums.items():
            if local or base or quantity:
                lines.append(Line(ledger, currency, local, base, account, isin, share_class, quantity, reference, text))
    return lines


def grouped(events: dict[str, Event]) -> dict[str, Group]:
    """Event id -> its group: events joined by an instrument, by a trade, or by a reversal."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while (above := parent.setdefault(name, name)) != name:
            parent[name] = name = parent[above]
        return name

    for event in events.values():
        for name in _touches(event):
            parent[root(name)] = root(f"event {event.event_id}")
    groups: dict[str, Group] = defaultdict(Group)
    return {event_id: groups[root(f"event {event_id}")] for event_id in events}


def _touches(event: Event) -> list[str]:
    fields = vars(event)
    names = [f"isin {isin}" for name in ("isin", "rights_isin", "new_isin", "underlying") if (isin := fields.get(name))]
    if isinstance(event, Trade | Settlement):
        names.append(f"trade {event.trade_id}")
    if isinstance(event, FxDeal):
        names.append(f"deal {event.deal_id}")
    if isinstance(event, MoneyDeal):
        names = [f"money deal {event.deal_id}"]  # its collateral stays where it is
    if isinstance(event, Reversal):
        names.append(f"event {event.reverses}")
    return names
