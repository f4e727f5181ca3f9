"""Replay: events in, book out. The state is the fold of the events that stand; the journal also shows what was taken back.

Events that touch each other (one instrument, a trade and its settlements) form a group with a state of its own, so a
reversal folds only its group again and posts what that changes, dated on the reversal.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import pyarrow as pa
from pydantic import BaseModel

from bo_lib.books.book import Book, Entry, Refusal
from bo_lib.books.lots import METHODS
from bo_lib.books.posting import RULES
from bo_lib.books.state import Line, Refused, Security, Setting, State, collector_at_rest, place_of
from bo_lib.config import Basis, ChartOfAccounts
from bo_lib.model.events import (
    Coupon,
    Dividend,
    Event,
    FxDeal,
    Merger,
    MoneyDeal,
    OpeningLot,
    Redemption,
    ReturnOfCapital,
    Reversal,
    RightsIssue,
    Settlement,
    SpinOff,
    Split,
    Trade,
)
from bo_lib.model.findings import Finding, Outcome, Place, error, info, warning
from bo_lib.model.instruments import worth_of_one
from bo_lib.model.money import ZERO, Rates, plain, round_to

# Order within a day: income on what was held at the close before, then actions that apply from the open, then takeovers
# and exercise, then trades (those that open before those that close), then money.
_ORDER = ("dividend", "coupon", "return_of_capital", "split", "spin_off", "rights_issue", "merger", "index_fixing", "opening_lot",
          "opening_balance", "rights_exercise", "transfer", "in_kind", "trade BUY", "trade SHORT", "trade SELL", "trade COVER",
          "option_exercise", "cash_in_lieu", "variation_margin", "redemption", "amortisation", "swap_payment", "settlement",
          "fx_deal", "money_deal", "capital", "accrual", "payment", "manual_journal", "reversal")  # fmt: skip
_RANK = {name: rank for rank, name in enumerate(_ORDER)}
US_GAAP = Basis(name="US_GAAP", says="as every rule is written", source="ASC 946")
_APPLIED = (Dividend, Coupon, ReturnOfCapital, Split, SpinOff, RightsIssue, Merger, Redemption)
_FIRST_OF_DAY = -1
_AFTER_POSTINGS = 90  # phase of a reversal on the day of what it reverses
_DIGITS = {"quantity": 10, "units": 10, "new": 10, "old": 10, "price": 12, "rate_per_share": 12, "rate_pct_of_nominal": 12,
           "withholding_pct": 12, "reclaim_pct": 12, "subscription_price": 12, "value_share": 12, "value_right": 12, "cost_pct": 12,
           "value_new": 12, "cash_per_share": 12, "portion_pct": 12, "index_ratio": 18, "strike": 12,
           "rate_pct_annual": 12}  # fmt: skip
_AMOUNT_DIGITS = 6
_LARGEST = Decimal(10) ** 15


_Posted = dict[tuple[str, int], list[Line]]  # event, phase -> lines


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
class _Group:
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

    def again(self, name: str, setting: Setting, stands: Callable[[str], bool]) -> tuple[_Posted, _Posted]:
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


def replay(
    events: Sequence[Event],
    *,
    base_currency: str,
    instruments: pa.Table,
    rates: Callable[[date], Rates | None],
    lot_method: str | Mapping[date, str] = "FIFO",
    until: date | None = None,
    shorts_allowed: bool = True,
    chart: ChartOfAccounts | None = None,
    basis: Basis | None = None,
) -> Outcome[Book]:
    """The book of ``events`` as of ``until`` (close of business; None: everything).

    ``instruments``: table INSTRUMENTS. ``rates``: the rates of a day, None where there are none; asked only for days with
    postings in foreign currency. ``lot_method``: one, or by the day from which it holds. ``chart``: when given, ledger names in
    balances, payments and manual journals are checked against it. ``basis``: of accounting; None: US GAAP. Events are ordered by
    effective date, kind and event id, so the order they come in does not matter. What cannot be posted is in ``Book.refused``
    and among the findings. Raises ``KeyError`` for an unknown lot method.
    """
    methods = {date.min: lot_method} if isinstance(lot_method, str) else lot_method
    if unknown := sorted(set(methods.values()) - set(METHODS)):
        raise KeyError(f"no lot method {', '.join(unknown)}; known: {', '.join(METHODS)}")
    setting = Setting(
        base_currency, _securities(instruments), rates, methods, shorts_allowed,
        frozenset(chart.types) if chart else frozenset(), _fees(events), basis or US_GAAP,
    )  # fmt: skip
    with collector_at_rest():
        unique, refusals, findings = _unique(events)
        fold = _Fold(setting, unique)
        refusals += fold.run(until)
    groups = {id(group): group for group in fold.groups.values()}.values()
    for group in groups:
        refusals += group.refused.values()
        findings += group.state.findings
    findings += _opening_checks(unique, until)
    findings += [refusal.finding for refusal in refusals]

    def earlier(day: date) -> Book:
        return replay(
            events, base_currency=base_currency, instruments=instruments, rates=rates, lot_method=lot_method,
            until=day if until is None else min(day, until), shorts_allowed=shorts_allowed, chart=chart, basis=basis,
        ).value  # fmt: skip

    book = Book(fold.entries, [group.state for group in groups], tuple(refusals), setting, earlier)
    return Outcome(book, tuple(findings))


def _securities(instruments: pa.Table) -> dict[str, Security]:
    names = [name for name in ("isin", "kind", "currency", "multiplier") if name in instruments.column_names]
    rows = instruments.select(names).to_pylist()
    return {r["isin"]: Security(r["kind"], r["currency"], worth_of_one(r["kind"], r.get("multiplier"))) for r in rows}


def _unique(events: Sequence[Event]) -> tuple[dict[str, Event], list[Refusal], list[Finding]]:
    """Events by id. The same event twice counts once; another event under a used id, or with numbers too fine, is refused."""
    unique: dict[str, Event] = {}
    refused: list[Refusal] = []
    findings: list[Finding] = []
    for event in events:
        known = unique.get(event.event_id)
        if known == event:
            findings.append(info("event-again", f"{event.event_id} came again and counts once", place_of(event)))
        elif known is not None:
            message, todo = f"another event already has the id {event.event_id}", "reverse the first if this replaces it"
            letter = error("event-id-taken", message, place_of(event, "event_id"), expected="an id of its own", todo=todo)
            refused.append(Refusal(event, letter))
        elif finding := _unfit(event):
            refused.append(Refusal(event, finding))
        else:
            unique[event.event_id] = event
    return unique, refused, findings


def _decimals(part: BaseModel) -> Iterator[tuple[str, Decimal]]:
    """Every number of an event with the name of its field, those of the lines of a journal and of lots named too."""
    for name, value in vars(part).items():
        if isinstance(value, Decimal):
            yield name, value
        elif isinstance(value, tuple):
            for inner in value:
                yield from _decimals(inner)


def _unfit(event: Event) -> Finding | None:
    for name, value in _decimals(event):
        if value:
            digits = _DIGITS.get(name, _AMOUNT_DIGITS)
            exponent = value.as_tuple().exponent
            fine = isinstance(exponent, int) and -exponent > digits and round_to(value, digits) != value
            if abs(value) >= _LARGEST or fine:
                message = f"{name} of {event.event_id} cannot be kept exactly"
                said = {"expected": f"below {_LARGEST:.0e}, at most {digits} decimals", "todo": "round it at its source"}
                return error("number-too-fine", message, place_of(event, name), found=str(value), **said)
    return None


def _fees(events: Iterable[Event]) -> frozenset[str]:
    """Names of the fees: what is accrued, and payables taken over that belong to no account."""
    names = {event.name for event in events if event.kind == "accrual"}
    names |= {
        e.ledger.removesuffix("_payable")
        for e in events
        if e.kind == "opening_balance" and e.ledger.endswith("_payable") and not e.account
    }
    return frozenset(names)


class _Fold:
    def __init__(self, setting: Setting, events: dict[str, Event]) -> None:
        self.setting = setting
        self.events = events
        self.groups = _grouped(events)
        self.entries: list[Entry] = []
        self.standing: dict[str, list[str]] = defaultdict(list)  # event -> reversals of it that were posted
        self.refused: list[Refusal] = []

    def run(self, until: date | None) -> list[Refusal]:
        for step in sorted(self._steps(), key=lambda step: step.key):
            if until is not None and step.key.day > until:
                break
            if isinstance(step.event, Reversal):
                self._reverse(step.event, step)
            else:
                group, stands = self.groups[step.event.event_id], self._stands(step.event.event_id)
                if lines := group.take(step, self.setting, stands):
                    self.entries.append(Entry(step.key.day, step.event, lines))
        return self.refused

    def _steps(self) -> Iterable[Step]:
        for event in self.events.values():
            if isinstance(event, Reversal):
                if (key := self._reversal_key(event, ())) is not None:
                    self.groups[event.event_id].due[self._taken_back(event)] += 1
                    yield Step(key, event, 0)
                else:
                    self._refuse(event, "reverses-unknown", f"{event.reverses} is not an event of these books", "a booked event")
            else:
                for phase, rule in enumerate(RULES[event.kind]):
                    yield Step(Key(rule.day(event), _rank(event), event.event_id, phase, event.event_id), event, phase)

    def _reversal_key(self, event: Reversal, seen: tuple[str, ...]) -> Key | None:
        """Right behind what it reverses when both are of one day, else first of its day; None when it reverses nothing."""
        target = self.events.get(event.reverses)
        if target is None or target.event_id in seen or target.event_id == event.event_id:
            return None
        if isinstance(target, Reversal):
            first = self._reversal_key(target, (*seen, event.event_id))
            if first is None:
                return None
        else:
            first = min(Key(rule.day(target), _rank(target), target.event_id, _AFTER_POSTINGS, "") for rule in RULES[target.kind])
        if event.effective_date > first.day:
            return Key(event.effective_date, _FIRST_OF_DAY, event.event_id, 0, event.event_id)
        return Key(first.day, first.rank, first.event_id, first.phase + 1, event.event_id)

    def _taken_back(self, event: Event) -> str:
        """The event at the end of a chain of reversals."""
        while isinstance(event, Reversal):
            event = self.events[event.reverses]
        return event.event_id

    def _stands(self, event_id: str) -> bool:
        return not any(self._stands(reversal) for reversal in self.standing.get(event_id, ()))

    def _reverse(self, event: Reversal, step: Step) -> None:
        """Fold the group again from where the event was; post the difference."""
        if not self._stands(event.event_id):
            return
        if not self._stands(event.reverses):
            self._refuse(event, "reversed-already", f"{event.reverses} is reversed already", "an event that stands")
            return
        self.standing[event.reverses].append(event.event_id)
        before, after = self.groups[event.event_id].again(self._taken_back(event), self.setting, self._stands)
        if lines := _difference(before, after, event):
            self.entries.append(Entry(step.key.day, event, lines))

    def _refuse(self, event: Event, code: str, message: str, expected: str) -> None:
        letter = error(
            code, message, place_of(event, "reverses"), expected=expected, todo="check the event id; nothing was taken back"
        )
        self.refused.append(Refusal(event, letter))


def _rank(event: Event) -> int:
    return _RANK[f"trade {event.side}" if isinstance(event, Trade) else event.kind]


def _difference(before: _Posted, after: _Posted, event: Reversal) -> list[Line]:
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


def _grouped(events: dict[str, Event]) -> dict[str, _Group]:
    """Event id -> its group: events joined by an instrument, by a trade, or by a reversal."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while (above := parent.setdefault(name, name)) != name:
            parent[name] = name = parent[above]
        return name

    for event in events.values():
        for name in _touches(event):
            parent[root(name)] = root(f"event {event.event_id}")
    groups: dict[str, _Group] = defaultdict(_Group)
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


def _opening_checks(events: dict[str, Event], until: date | None) -> list[Finding]:
    """Balances taken over: investments agree with the lots, and a complete trial balance is zero in base."""
    due = [event for event in events.values() if until is None or event.effective_date <= until]
    balances = [event for event in due if event.kind == "opening_balance"]
    lots = [event for event in due if isinstance(event, OpeningLot)]
    findings = []
    for currency in sorted({b.currency for b in balances if b.ledger == "investments"}):
        total = sum((b.local for b in balances if b.ledger == "investments" and b.currency == currency), ZERO)
        held = sum((lot.cost_local for lot in lots if lot.currency == currency), ZERO)
        if total != held:
            said = {"found": plain(total), "expected": f"{plain(held)}, the cost of the lots", "todo": "ask for the missing lots"}
            findings.append(warning("opening-lots-differ", f"investments in {currency} taken over", Place(), **said))
    total = sum((b.base for b in balances if b.ledger != "investments"), ZERO) + sum((lot.cost_base for lot in lots), ZERO)
    if total and any(b.ledger == "capital" for b in balances):
        said = {"found": plain(total), "expected": "0", "todo": "ask for the complete trial balance"}
        findings.append(warning("opening-unbalanced", "the balances taken over do not add up in base currency", Place(), **said))
    return findings
