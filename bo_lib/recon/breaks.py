"""Breaks over time: the same difference grows older, a new amount is a new break linked to the old, gone is closed by itself.

Nothing here is stored but facts, appended: what a day found (opened, closed, explained otherwise) and what people decided
(``decisions``); what is open on a day, and how old, is a fold of them (``history``). Age counts business days from the business
date on which the difference was first seen, not from a load.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

import pyarrow as pa

from bo_lib.model import dates
from bo_lib.model.four_eyes import needs_two
from bo_lib.model.tables import COUNT, DATE, TEXT, Column, Table
from bo_lib.recon.result import BREAKS, Break, Reconciliation, plain

OPENED, CLOSED, ACCEPTED = "break_opened", "break_closed", "break_accepted"
EXPLAINED, LAPSED, REOPENED = "break_explained", "break_lapsed", "break_reopened"
DECIDED = ("matched", "written off")  # states in which people closed a break for good
ONE_SIDED = ("missing_here", "missing_there", "duplicate", "ambiguous")  # kinds of breaks that are one row
AGE_BANDS = ((1, "0-1"), (5, "2-5"), (30, "6-30"))

OPEN_BREAKS = Table("open_breaks", "what is open on a day", ("break_id",), (
    Column("recon", TEXT, "reconciliation", True),
    Column("fund", TEXT, "fund", True),
    *BREAKS.columns,
    Column("opened", DATE, "business date on which it was first seen", True),
    Column("age_business_days", COUNT, "business days since", True),
    Column("age_band", TEXT, "0-1, 2-5, 6-30 or over 30 business days", True),
    Column("owner", TEXT, "who resolves it"),
    Column("due", DATE, "day by which it should be resolved", True),
    Column("overdue", TEXT, "yes when the day is past due", True),
    Column("previous", TEXT, "break_id of the break that this one replaced, with another amount"),
    Column("since", DATE, "business date of the first of the breaks that replaced each other", True),
    Column("state", TEXT, "open, or what waits for a second person", True),
))  # fmt: skip


_SAME = (
    "recon", "fund", "account", "subject", "kind", "currency", "isin", "reference", "cause", "evidence", "text", "ordinal",
)  # fmt: skip


@dataclass(frozen=True)
class OpenBreak:
    """A break that is open: what it is, and since when. Money and dates are those of the day it was opened."""

    item: Break
    opened: date
    due: date
    owner: str = ""
    previous: str = ""
    since: date | None = None  # when the first of the breaks that replaced each other was seen; None: this is the first

    @property
    def break_id(self) -> str:
        return self.item.break_id

    def age_business_days(self, day: date, calendar: str) -> int:
        return dates.business_days_after(self.opened, day, calendar)

    @cached_property
    def payload(self) -> dict[str, Any]:
        """The fact to append: plain text and numbers as text, so that it goes into JSON unchanged."""
        item = self.item
        return {
            "fact": OPENED, "break_id": item.break_id, "key": item.key, **{name: getattr(item, name) for name in _SAME},
            "amount": plain(item.amount), "value_base": None if item.value_base is None else plain(item.value_base),
            "item_date": None if item.item_date is None else item.item_date.isoformat(), "opened": self.opened.isoformat(),
            "due": self.due.isoformat(), "owner": self.owner, "previous": self.previous,
            "since": (self.since or self.opened).isoformat(),
        }  # fmt: skip

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> OpenBreak:
        """The break of a ``break_opened`` fact."""
        item = Break(
            **{name: payload[name] for name in _SAME}, amount=Decimal(payload["amount"]), value_base=number(payload["value_base"]),
            item_date=None if payload["item_date"] is None else dates.parse_date(payload["item_date"]),
        )  # fmt: skip
        opened, due = dates.parse_date(payload["opened"]), dates.parse_date(payload["due"])
        since = dates.parse_date(payload["since"]) if "since" in payload else opened
        return cls(item, opened, due, payload["owner"], payload["previous"], since)


def number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


@dataclass(frozen=True)
class Proposal:
    """What somebody proposes for one break or several that belong together: ``match``, or ``write off``.

    value_base: all that it would close, in base currency; None when a part cannot be valued. limit_base: the limit in force.
    """

    proposal_id: str
    action: str
    break_ids: tuple[str, ...]
    reason: str
    by: str
    day: date
    value_base: Decimal | None
    limit_base: Decimal

    @property
    def needs_second_person(self) -> bool:
        return needs_two(self.value_base, self.limit_base)


@dataclass(frozen=True)
class BreakState:
    """A break at the close of a day, with everything that was said of it.

    state
        ``open``; ``gone`` (closed by itself); ``matched`` or ``written off`` (closed by people, for good).
    found
        the break as it was opened, with the cause, owner and due date of today.
    proposal
        what waits for a second person while it is open; what was decided once people closed it.
    lapsed
        people closed it and the difference is gone since: should it come again, it is a new break.
    history
        its facts, oldest first.
    """

    found: OpenBreak
    state: str = "open"
    closed: date | None = None
    reason: str = ""
    proposal: Proposal | None = None
    lapsed: bool = False
    history: tuple[Mapping[str, Any], ...] = ()

    @property
    def break_id(self) -> str:
        return self.found.break_id

    @property
    def is_open(self) -> bool:
        return self.state == "open"

    @property
    def is_decided(self) -> bool:
        """People closed it, and the difference is still there: it does not come back."""
        return self.state in DECIDED and not self.lapsed

    @property
    def says(self) -> str:
        """Its state in a word or two, with what it waits for."""
        return f"{self.proposal.action} waits for a second person" if self.is_open and self.proposal else self.state


@dataclass(frozen=True)
class BreakChanges:
    """What a day did to the breaks; ``payloads`` are the facts to append, ``older`` stay as they are.

    explained: open breaks that have another likely cause now. lapsed: breaks that people closed and whose difference is gone.
    reopened: breaks that people matched with one that is gone since: the rest of such a match is a difference again.
    """

    opened: tuple[OpenBreak, ...]
    older: tuple[OpenBreak, ...]
    closed: tuple[tuple[OpenBreak, str], ...]  # with the reason
    day: date
    explained: tuple[OpenBreak, ...] = ()
    lapsed: tuple[OpenBreak, ...] = ()
    reopened: tuple[tuple[OpenBreak, str], ...] = ()

    @property
    def payloads(self) -> list[dict[str, Any]]:
        """Facts to append, closings first."""
        gone = [{**self._about(CLOSED, b), "closed": self.day.isoformat(), "reason": reason} for b, reason in self.closed]
        lapsed = [self._about(LAPSED, b) for b in self.lapsed]
        again = [{**self._about(REOPENED, b), "text": reason} for b, reason in self.reopened]
        explained = [
            {**self._about(EXPLAINED, b), "cause": b.item.cause, "evidence": b.item.evidence, "value_base": b.payload["value_base"]}
            for b in self.explained
        ]
        return [*gone, *lapsed, *again, *explained, *(b.payload for b in self.opened)]

    def _about(self, fact: str, b: OpenBreak) -> dict[str, Any]:
        about = {"fact": fact, "break_id": b.break_id, "recon": b.item.recon, "fund": b.item.fund}
        return about if fact == CLOSED else {**about, "date": self.day.isoformat()}

    @property
    def open(self) -> tuple[OpenBreak, ...]:
        return (*self.older, *(b for b, _ in self.reopened), *self.opened)


def carry(
    previous_open: Sequence[OpenBreak],
    reconciliation: Reconciliation,
    day: date,
    calendar: str,
    decided: Sequence[BreakState] = (),
) -> BreakChanges:
    """Yesterday's open breaks of this reconciliation and fund against today's differences.

    Breaks of accounts that could not be compared today stay open. ``decided``: breaks that people closed for good (a manual
    match, a write-off): the same difference does not come back, a new amount does, as a new break linked to the old.
    """
    due = dates.add_business_days(day, reconciliation.sla_business_days, calendar)
    mine = [b for b in previous_open if (b.item.recon, b.item.fund) == (reconciliation.name, reconciliation.fund)]
    held = [b for b in mine if b.item.scope not in reconciliation.compared]
    before = {b.break_id: b for b in mine if b.item.scope in reconciliation.compared}
    found = {item.break_id: item for item in reconciliation.items}
    lapsed, again = _no_longer_decided(decided, reconciliation, found)
    settled = {s.break_id for s in decided} - {b.break_id for b in lapsed} - {b.break_id for b, _ in again}
    reopened = {b.break_id for b, _ in again}
    today = {break_id: item for break_id, item in found.items() if break_id not in settled and break_id not in reopened}
    kept = [_explained(b, today[break_id]) for break_id, b in before.items() if break_id in today]
    gone = [b for break_id, b in before.items() if break_id not in today]
    by_key: dict[str, list[OpenBreak]] = defaultdict(list)
    for b in (*gone, *lapsed):
        by_key[b.item.key].append(b)
    opened: list[OpenBreak] = []
    replaced: dict[str, Decimal] = {}
    for break_id, item in today.items():
        if break_id not in before:
            old = by_key[item.key].pop(0) if by_key[item.key] else None
            opened.append(_opened(item, day, due, reconciliation.owner, old))
            replaced |= {old.break_id: item.amount} if old else {}
    return BreakChanges(
        tuple(opened), (*kept, *held), tuple((b, _reason(b, replaced, reconciliation.matches)) for b in gone), day,
        tuple(b for b in kept if b.item.cause != before[b.break_id].item.cause), tuple(lapsed), tuple(again),
    )  # fmt: skip


def _opened(item: Break, day: date, due: date, owner: str, old: OpenBreak | None) -> OpenBreak:
    """A new break; where it replaces one, it knows that and stays with the one who has it."""
    if old is None:
        return OpenBreak(item, day, due, owner, since=day)
    return OpenBreak(item, day, due, old.owner or owner, old.break_id, old.since or old.opened)


def _explained(b: OpenBreak, item: Break) -> OpenBreak:
    """With the cause that today's data speak for, if that is another one; what is known is not forgotten."""
    if not item.cause or item.cause == b.item.cause:
        return b
    return replace(b, item=replace(b.item, cause=item.cause, evidence=item.evidence, value_base=item.value_base))


def _no_longer_decided(
    decided: Sequence[BreakState], reconciliation: Reconciliation, found: Mapping[str, Break]
) -> tuple[list[OpenBreak], list[tuple[OpenBreak, str]]]:
    """Of what people closed: breaks whose difference is gone, and breaks that were matched with one of those."""
    mine = [s for s in decided if (s.found.item.recon, s.found.item.fund) == (reconciliation.name, reconciliation.fund)]
    compared = [s for s in mine if s.found.item.scope in reconciliation.compared]
    lapsed = {s.break_id: s for s in compared if s.break_id not in found}
    still = {s.break_id for s in mine} - lapsed.keys()
    again = []
    for s in compared:
        partners = set(s.proposal.break_ids) if s.state == "matched" and s.proposal else set()
        if s.break_id in still and (left := sorted(partners - still)):
            again.append((s.found, f"what it was matched with is gone: {', '.join(left)}"))
    return [s.found for s in lapsed.values()], again


def _reason(gone: OpenBreak, replaced: Mapping[str, Decimal], matches: pa.Table) -> str:
    amount = replaced.get(gone.break_id)
    if amount is not None:
        return f"amount changed from {plain(gone.item.amount)} to {plain(amount)}"
    return _matched_back(gone.item, matches) or "gone"


def _matched_back(item: Break, matches: pa.Table) -> str:
    """By which pass an item that was open is matched now, and with what."""
    rows = [r for r in matches.to_pylist() if _scope_of(r) == item.scope]
    mine = [r for r in rows if is_row_of(item, r)]
    if not mine:
        return ""
    group = [r for r in rows if r["group"] == mine[0]["group"] and r["pass"] == mine[0]["pass"]]
    others = [r for r in group if r["side"] != mine[0]["side"]] or [r for r in group if r is not mine[0]]
    named = "; ".join(map(_said, others[:3]))
    return f"matched by {mine[0]['pass']} with {named}" if named else ""


def _scope_of(row: Mapping[str, Any]) -> tuple[str, str]:
    return row.get("account") or "", row.get("currency") or ""


def _said(row: Mapping[str, Any]) -> str:
    """A row by its figure, date and reference: the first of each, as its rules name them."""
    figure = next((plain(v) for v in row.values() if isinstance(v, Decimal)), "")
    day = next((f"of {v}" for v in row.values() if isinstance(v, date)), "")
    return " ".join(filter(None, (figure, day, row.get("reference") or row.get("isin"))))


def is_row_of(item: Break, row: Mapping[str, Any]) -> bool:
    """Whether a matched ``row`` is one that stood open as ``item``: of one side by date and amount, else by reference."""
    if _scope_of(row) != item.scope:
        return False
    if item.kind not in ONE_SIDED or "amount" not in row:
        named = (item.reference, "" if "reference" in row else item.isin)
        return any(name and name in row.values() for name in named)
    amount = item.amount if row["side"] == "left" else -item.amount
    days = [v for v in row.values() if isinstance(v, date)]
    same = row["amount"] == amount and (item.item_date in days or not (item.item_date or days))
    side = {"missing_there": "left", "missing_here": "right"}.get(item.kind, row["side"])
    return bool(same and row["side"] == side and (row.get("reference") or "") in ("", item.reference))


def age_band(age_business_days: int) -> str:
    return next((band for limit, band in AGE_BANDS if age_business_days <= limit), "over 30")


def open_breaks_table(breaks: Iterable[OpenBreak | BreakState], day: date, calendar: str) -> pa.Table:
    """Table OPEN_BREAKS, the largest value at risk first; what cannot be valued comes before all."""
    states = [b if isinstance(b, BreakState) else BreakState(b) for b in breaks]
    rows = []
    for s in sorted(states, key=_by_weight):
        b, age = s.found, s.found.age_business_days(day, calendar)
        rows.append({
            "recon": b.item.recon, "fund": b.item.fund, **b.item.row(), "opened": b.opened, "age_business_days": age,
            "age_band": age_band(age), "owner": b.owner, "due": b.due, "overdue": "yes" if day > b.due else "no",
            "previous": b.previous or None, "since": b.since or b.opened, "state": s.says,
        })  # fmt: skip
    return pa.Table.from_pylist(rows, schema=OPEN_BREAKS.schema)


def _by_weight(state: BreakState) -> tuple[bool, Decimal, date, str]:
    value = state.found.item.value_base
    return value is not None, -(value or Decimal(0)), state.found.opened, state.break_id
