"""Replay: events in, book out. The state is the fold of the events that stand; the journal also shows what was taken back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache

import pyarrow as pa
from pydantic import BaseModel

from bo_lib.books.book import Book, Entry, Refusal
from bo_lib.books.cash_cost import CashCost
from bo_lib.books.groups import Key, Step, difference, grouped
from bo_lib.books.lots import METHODS
from bo_lib.books.posting import RULES
from bo_lib.books.state import Security, Setting, collector_at_rest, place_of
from bo_lib.config import Basis, ChartOfAccounts
from bo_lib.model.events import Event, OpeningLot, Reversal, Trade
from bo_lib.model.findings import Finding, Outcome, Place, error, info, warning
from bo_lib.model.instruments import worth_of_one
from bo_lib.model.money import ZERO, Rates, plain

# Order within a day: income on what was held at the close before, then actions that apply from the open, then takeovers
# and exercise, then trades (those that open before those that close), then money.
_ORDER = ("dividend", "coupon", "return_of_capital", "split", "spin_off", "rights_issue", "merger", "index_fixing", "opening_lot",
          "opening_balance", "rights_exercise", "transfer", "in_kind", "trade BUY", "trade SHORT", "trade SELL", "trade COVER",
          "option_exercise", "cash_in_lieu", "variation_margin", "redemption", "amortisation", "swap_payment", "settlement",
          "fx_deal", "money_deal", "capital", "accrual", "payment", "manual_journal", "reversal")  # fmt: skip
_RANK = {name: rank for rank, name in enumerate(_ORDER)}
US_GAAP = Basis(name="US_GAAP", says="as every rule is written", source="ASC 946")
_FIRST_OF_DAY = -1
_AFTER_POSTINGS = 90  # phase of a reversal on the day of what it reverses
_DIGITS = {"quantity": 10, "units": 10, "new": 10, "old": 10, "price": 12, "rate_per_share": 12, "rate_pct_of_nominal": 12,
           "withholding_pct": 12, "reclaim_pct": 12, "subscription_price": 12, "value_share": 12, "value_right": 12, "cost_pct": 12,
           "value_new": 12, "cash_per_share": 12, "portion_pct": 12, "index_ratio": 18, "strike": 12,
           "rate_pct_annual": 12}  # fmt: skip
_AMOUNT_DIGITS = 6
_LARGEST = Decimal(10) ** 15
# Decimals -> the finest step, and the limit up to which 28 digits count such steps exactly.
_EXACT = {n: (Decimal(1).scaleb(-n), min(_LARGEST, Decimal(10) ** (27 - n))) for n in {*_DIGITS.values(), _AMOUNT_DIGITS}}


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
    for name in _may_be_numbers(type(part)):
        value = getattr(part, name)
        if isinstance(value, Decimal):
            yield name, value
        elif isinstance(value, tuple):
            for inner in value:
                yield from _decimals(inner)


@cache
def _may_be_numbers(kind: type[BaseModel]) -> tuple[str, ...]:
    return tuple(name for name, f in kind.model_fields.items() if "Decimal" in str(f.annotation) or "tuple" in str(f.annotation))


def _unfit(event: Event) -> Finding | None:
    for name, value in _decimals(event):
        digits = _DIGITS.get(name, _AMOUNT_DIGITS)
        finest, largest = _EXACT[digits]
        if not -largest < value < largest or value % finest:
            message = f"{name} of {event.event_id} cannot be kept exactly"
            said = {"expected": f"below {largest:.0e}, at most {digits} decimals", "todo": "round it at its source"}
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
        self.groups = grouped(events)
        self.entries: list[Entry] = []
        self.cash_cost = CashCost(setting)
        self.standing: dict[str, list[str]] = defaultdict(list)  # event -> reversals of it that were posted
        self.refused: list[Refusal] = []

    def run(self, until: date | None) -> list[Refusal]:
        today = date.min
        for step in sorted(self._steps(), key=lambda step: step.key):
            if until is not None and step.key.day > until:
                break
            if step.key.day != today:
                self._close_day(today)
                today = step.key.day
            if isinstance(step.event, Reversal):
                self._reverse(step.event, step)
            else:
                group, stands = self.groups[step.event.event_id], self._stands(step.event.event_id)
                if lines := group.take(step, self.setting, stands):
                    self.cash_cost.add(step.event, step.phase, lines, len(self.entries))
                    self.entries.append(Entry(today, step.event, lines))
        self._close_day(today)
        return self.refused

    def _close_day(self, day: date) -> None:
        for number, more in self.cash_cost.close(day):
            entry = self.entries[number]
            self.entries[number] = entry._replace(lines=[*entry.lines, *more])

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
        if lines := difference(before, after, event):
            lines += self.cash_cost.correct(before, after, self._posting, step.key.day, len(self.entries))
            self.entries.append(Entry(step.key.day, event, lines))

    def _posting(self, key: tuple[str, int]) -> tuple[Event, date]:
        event = self.events[key[0]]
        return event, RULES[event.kind][key[1]].day(event)

    def _refuse(self, event: Event, code: str, message: str, expected: str) -> None:
        letter = error(
            code, message, place_of(event, "reverses"), expected=expected, todo="check the event id; nothing was taken back"
        )
        self.refused.append(Refusal(event, letter))


def _rank(event: Event) -> int:
    return _RANK[f"trade {event.side}" if isinstance(event, Trade) else event.kind]


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
