"""The month-end NAV of all that is known by now beside the daily NAV of what was known then, the difference item by item."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bo_lib.close.ledger import summed
from bo_lib.close.tables import AS_OF
from bo_lib.model.money import ZERO
from bo_lib.model.tables import built
from bo_lib.nav import Strike
from bo_lib.nav.valuation import is_balance_sheet


@dataclass(frozen=True)
class AsOf:
    """``table`` (AS_OF) adds up to ``as_of`` less ``daily``; what no item explains stands in it as ``unexplained``."""

    daily: Decimal
    as_of: Decimal
    table: pa.Table

    @property
    def residual(self) -> Decimal:
        return sum((r["amount"] for r in self.table.to_pylist() if r["cause"] == "unexplained"), ZERO)


def compare_as_of(daily: Strike, as_of: Strike, journal_then: pa.Table, journal_now: pa.Table, known: Mapping[str, str]) -> AsOf:
    """Both strikes of one day, from books as known then and now (SOURCED_JOURNAL each, without the day's own accruals).

    An event counts with what it does to results and capital and, where it is the only one of its instrument, to the instrument's
    value; a value that changed without an event is a price or a rate known later. ``known``: event id -> when it was known.
    """
    own = {row["event_id"]: row for journal in (journal_then, journal_now) for row in _changed(journal_then, journal_now, journal)}
    moved = _difference(_results(journal_then, "event_id"), _results(journal_now, "event_id"))
    marks = _difference(_results(daily.marked, "isin"), _results(as_of.marked, "isin"))
    rows: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for event_id, amount in moved.items():
        rows["late event", event_id] -= amount
    by_isin: dict[str, list[str]] = defaultdict(list)
    for event_id, row in own.items():
        by_isin[row["isin"]].append(event_id)
        rows["late event", event_id] += ZERO  # one without effect is listed all the same
    for isin, amount in marks.items():
        rows[_cause(isin, by_isin.get(isin, []), daily, as_of)] -= amount
    before, now = _accrued(daily), _accrued(as_of)
    for name in sorted({*before, *now}):
        rows["fees", name] -= now.get(name, ZERO) - before.get(name, ZERO)
    rows["unexplained", ""] += as_of.net_assets - daily.net_assets - sum(rows.values(), ZERO)
    made = [
        _row(cause, item, amount, own.get(item), known) for (cause, item), amount in rows.items() if amount or cause == "late event"
    ]
    return AsOf(daily.net_assets, as_of.net_assets, built(AS_OF, sorted(made, key=lambda r: (r["cause"], r["item"] or ""))))


def _changed(then: pa.Table, now: pa.Table, journal: pa.Table) -> list[dict[str, Any]]:
    """One line of each event that is in one journal and not in the other, the one with an instrument first."""
    ids = [set(j["event_id"].unique().to_pylist()) for j in (then, now)]
    only = pa.array(sorted(ids[0] ^ ids[1]), pa.string())
    rows = journal.filter(pc.is_in(journal["event_id"], only)).select(["event_id", "kind", "own_date", "isin"]).to_pylist()
    return sorted(({**r, "isin": r["isin"] or ""} for r in rows), key=lambda r: r["isin"])


def _results(journal: pa.Table, by: str) -> dict[str, Decimal]:
    ledgers = [name for name in journal["ledger"].unique().to_pylist() if not is_balance_sheet(name)]
    lines = journal.filter(pc.is_in(journal["ledger"], pa.array(ledgers, pa.string())))
    sums = summed(lines.cast(pa.schema([f.with_nullable(True) for f in lines.schema])), (by,), ("base",))
    return dict(zip(sums[by].to_pylist(), sums["base"].to_pylist(), strict=True))


def _difference(then: Mapping[str, Decimal], now: Mapping[str, Decimal]) -> dict[str, Decimal]:
    both = {key: now.get(key, ZERO) - then.get(key, ZERO) for key in {*then, *now}}
    return {key: amount for key, amount in both.items() if amount}


def _cause(isin: str, late: list[str], daily: Strike, as_of: Strike) -> tuple[str, str]:
    if isin and daily.priced.prices.get(isin) != as_of.priced.prices.get(isin) and not late:
        return "price", isin
    if len(set(late)) == 1 and isin:
        return "late event", late[0]
    if not isin:
        return "currency", "balances of money and forwards"
    return ("value of what was traded late", isin) if late else ("rate", isin)


def _accrued(struck: Strike) -> dict[str, Decimal]:
    return {f"{a.name} {a.share_class}".rstrip(): a.amount for a in struck.accruals}


def _row(cause: str, item: str, amount: Decimal, own: Mapping[str, Any] | None, known: Mapping[str, str]) -> dict[str, Any]:
    about = {"kind": own["kind"], "own_date": own["own_date"]} if own else {}
    return {"cause": cause, "item": item, **about, "known_at": known.get(item), "amount": amount}
