"""Breaks over time: the same difference grows older, a new amount is a new break linked to the old, gone is closed by itself.

Nothing here is stored but facts: ``break_opened`` and ``break_closed`` payloads, appended; what is open on a day, and how old, is
a fold of them. Age counts business days from the business date on which the difference was first seen, not from a load.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

import pyarrow as pa

from bo_lib.model import dates
from bo_lib.model.tables import COUNT, DATE, TEXT, Column, Table
from bo_lib.recon.result import BREAKS, Break, Reconciliation, plain

OPENED, CLOSED, ACCEPTED = "break_opened", "break_closed", "break_accepted"
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
))  # fmt: skip


@dataclass(frozen=True)
class OpenBreak:
    """A break that is open: what it is, and since when. Money and dates are those of the day it was opened."""

    item: Break
    opened: date
    due: date
    owner: str = ""
    previous: str = ""

    @property
    def break_id(self) -> str:
        return self.item.break_id

    def age_business_days(self, day: date, calendar: str) -> int:
        return dates.business_days_after(self.opened, day, calendar)

    @cached_property
    def payload(self) -> dict[str, Any]:
        """The fact to append: plain text and numbers as text, so that it goes into JSON unchanged."""
        item = self.item
        same = (
            "recon",
            "fund",
            "account",
            "subject",
            "kind",
            "currency",
            "isin",
            "reference",
            "cause",
            "evidence",
            "text",
            "ordinal",
        )
        return {
            "fact": OPENED, "break_id": item.break_id, "key": item.key, **{name: getattr(item, name) for name in same},
            "amount": plain(item.amount), "value_base": None if item.value_base is None else plain(item.value_base),
            "item_date": None if item.item_date is None else item.item_date.isoformat(), "opened": self.opened.isoformat(),
            "due": self.due.isoformat(), "owner": self.owner, "previous": self.previous,
        }  # fmt: skip


@dataclass(frozen=True)
class BreakChanges:
    """What a day did to the breaks: ``opened`` and ``closed`` are facts to append; ``older`` stay as they are."""

    opened: tuple[OpenBreak, ...]
    older: tuple[OpenBreak, ...]
    closed: tuple[tuple[OpenBreak, str], ...]  # with the reason
    day: date

    @property
    def payloads(self) -> list[dict[str, Any]]:
        """Facts to append, closings first."""
        gone = [
            {
                "fact": CLOSED,
                "break_id": b.break_id,
                "recon": b.item.recon,
                "fund": b.item.fund,
                "closed": self.day.isoformat(),
                "reason": reason,
            }
            for b, reason in self.closed
        ]
        return gone + [b.payload for b in self.opened]

    @property
    def open(self) -> tuple[OpenBreak, ...]:
        return (*self.older, *self.opened)


def carry(
    previous_open: Sequence[OpenBreak],
    reconciliation: Reconciliation,
    day: date,
    calendar: str,
    accepted: frozenset[str] = frozenset(),
) -> BreakChanges:
    """Yesterday's open breaks of this reconciliation and fund against today's differences.

    Breaks of accounts that could not be compared today stay open. ``accepted``: break ids that people closed for good (a manual
    match, a write-off): the same difference does not come back, a new amount does.
    """
    due = dates.add_business_days(day, reconciliation.sla_business_days, calendar)
    mine = [b for b in previous_open if (b.item.recon, b.item.fund) == (reconciliation.name, reconciliation.fund)]
    held = [b for b in mine if b.item.scope not in reconciliation.compared]
    before = {b.break_id: b for b in mine if b.item.scope in reconciliation.compared}
    today = {item.break_id: item for item in reconciliation.items if item.break_id not in accepted}
    older = [b for break_id, b in before.items() if break_id in today]
    gone = [b for break_id, b in before.items() if break_id not in today]
    by_key: dict[str, list[OpenBreak]] = defaultdict(list)
    for b in gone:
        by_key[b.item.key].append(b)
    opened: list[OpenBreak] = []
    replaced: dict[str, Decimal] = {}
    for break_id, item in today.items():
        if break_id not in before:
            old = by_key[item.key].pop(0) if by_key[item.key] else None
            opened.append(OpenBreak(item, day, due, reconciliation.owner, old.break_id if old else ""))
            replaced |= {old.break_id: item.amount} if old else {}
    return BreakChanges(tuple(opened), tuple(older + held), tuple((b, _reason(b, replaced)) for b in gone), day)


def _reason(gone: OpenBreak, replaced: Mapping[str, Decimal]) -> str:
    amount = replaced.get(gone.break_id)
    return "gone" if amount is None else f"amount changed from {plain(gone.item.amount)} to {plain(amount)}"


def accept(open_break: OpenBreak, day: date, reason: str, maker: str, checker: str, limit_base: Decimal) -> dict[str, Any]:
    """The fact by which people close a break for good: a manual match, a write-off, an agreed difference.

    Above ``limit_base``, or when the value is not known, a second person must have checked it: ``PermissionError`` otherwise.
    """
    value = open_break.item.value_base
    if (value is None or value > limit_base) and checker in ("", maker):
        known = "of unknown value" if value is None else f"of {plain(value)}"
        raise PermissionError(
            f"a break {known} needs a second person above {plain(limit_base)}: found {checker or 'nobody'!r} beside {maker!r}"
        )
    if not reason.strip():
        raise PermissionError("a break is accepted for a reason: found none")
    item = open_break.item
    return {
        "fact": ACCEPTED, "break_id": item.break_id, "recon": item.recon, "fund": item.fund, "closed": day.isoformat(),
        "reason": reason, "maker": maker, "checker": checker,
    }  # fmt: skip


def open_breaks(payloads: Iterable[Mapping[str, Any]], day: date) -> list[OpenBreak]:
    """Breaks open at the close of ``day``: the fold of facts in the order they were appended."""
    found: dict[str, OpenBreak] = {}
    for payload in payloads:
        if payload["fact"] == OPENED and payload["opened"] <= day.isoformat():
            found[payload["break_id"]] = _from_payload(payload)
        elif payload["fact"] in (CLOSED, ACCEPTED) and payload["closed"] <= day.isoformat():
            found.pop(payload["break_id"], None)
    return list(found.values())


def accepted_breaks(payloads: Iterable[Mapping[str, Any]], day: date) -> frozenset[str]:
    """Ids of breaks that people closed for good by ``day``."""
    return frozenset(p["break_id"] for p in payloads if p["fact"] == ACCEPTED and p["closed"] <= day.isoformat())


def _from_payload(payload: Mapping[str, Any]) -> OpenBreak:
    texts = ("recon", "fund", "account", "subject", "kind", "currency", "isin", "reference", "cause", "evidence", "text", "ordinal")
    item = Break(
        **{name: payload[name] for name in texts}, amount=Decimal(payload["amount"]),
        value_base=None if payload["value_base"] is None else Decimal(payload["value_base"]),
        item_date=None if payload["item_date"] is None else dates.parse_date(payload["item_date"]),
    )  # fmt: skip
    opened, due = dates.parse_date(payload["opened"]), dates.parse_date(payload["due"])
    return OpenBreak(item, opened, due, payload["owner"], payload["previous"])


def age_band(age_business_days: int) -> str:
    return next((band for limit, band in AGE_BANDS if age_business_days <= limit), "over 30")


def open_breaks_table(breaks: Iterable[OpenBreak], day: date, calendar: str) -> pa.Table:
    """Table OPEN_BREAKS, the largest value at risk first; what cannot be valued comes before all."""
    rows = []
    for b in sorted(breaks, key=lambda b: (b.item.value_base is not None, -(b.item.value_base or 0), b.opened, b.break_id)):
        age = b.age_business_days(day, calendar)
        rows.append({
            "recon": b.item.recon, "fund": b.item.fund, **b.item.row(), "opened": b.opened, "age_business_days": age,
            "age_band": age_band(age), "owner": b.owner, "due": b.due, "overdue": "yes" if day > b.due else "no",
            "previous": b.previous or None,
        })  # fmt: skip
    return pa.Table.from_pylist(rows, schema=OPEN_BREAKS.schema)
