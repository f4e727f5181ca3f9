"""The checks of one price: value, currency, unit, split, dividend and spike, against the prices before it.

A candidate is what one source sent for one instrument; each keeps its reference, its move and what was said about it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from statistics import median
from typing import Any

from bo_lib.config import Tolerances
from bo_lib.model.events import Dividend, Split
from bo_lib.model.findings import Place
from bo_lib.model.money import NO_CURRENCY, ZERO, round_to

REFERENCE_DAYS = 3  # the price before is the median over all sources of the last three price dates: one bad day cannot move it
HUNDRED_LOW, HUNDRED_HIGH = Decimal(50), Decimal(200)  # a factor in between is a unit error: pence for pounds
LITTLE_PCT = Decimal(90)  # a move that is no unit error
PENCE = {"GBX": "GBP", "GBp": "GBP", "ILA": "ILS", "ZAC": "ZAR"}


@dataclass
class Candidate:
    isin: str
    source: str
    price: Decimal
    currency: str
    place: Place
    reference: Decimal | None = None
    unchanged_days: int = 0
    early_minutes: int = 0
    bid: Decimal | None = None
    ask: Decimal | None = None
    notes: list[str] = field(default_factory=list)
    rejected: str = ""  # code of the finding that rejects it
    spike: bool = False

    @cached_property
    def move_pct(self) -> Decimal | None:
        return (self.price / self.reference - 1) * 100 if self.reference else None


def candidates(
    isin: str,
    rows: list[dict[str, Any]],
    day: date,
    currency: str,
    actions: list[Split | Dividend],
    tolerances: Tolerances,
    snapshot: datetime | None,
) -> dict[str, Candidate]:
    """The day's candidates by source, each with its reference and the checks that need no other source."""
    earlier = [r for r in rows if r["price_date"] < day and r["price"] > 0]
    dates = sorted({r["price_date"] for r in earlier})[-REFERENCE_DAYS:]
    recent = [r for r in earlier if r["price_date"] in dates]
    before = round_to(median([_in_major(r)[0] for r in recent]), 12) if recent else None
    restated = [_restated(_in_major(r)[0], actions, r["price_date"]) for r in recent] if actions else []
    reference = round_to(median(restated), 12) if restated else before
    found: dict[str, Candidate] = {}
    for row in (r for r in rows if r["price_date"] == day):
        price, ccy = _in_major(row)
        ccy = ccy or currency or NO_CURRENCY
        c = Candidate(isin, row["source"], price, ccy, Place(sha256=row["file"] or "", at=row["at"] or ""), reference)
        c.unchanged_days, c.early_minutes = _unchanged(c, earlier, day), early_minutes(row, snapshot)
        c.bid, c.ask = (_pounds(row[name], row["currency"]) if (row.get(name) or 0) > 0 else None for name in ("bid", "ask"))
        _judge(c, currency, before, actions, tolerances)
        found[c.source] = c
    return found


def early_minutes(row: Mapping[str, Any], snapshot: datetime | None) -> int:
    """How long before ``snapshot`` a price or rate was quoted; 0 where either is not known."""
    try:
        quoted = datetime.fromisoformat(row.get("quoted_at") or "")
    except ValueError:
        return 0
    return max(int((snapshot - quoted).total_seconds() // 60), 0) if snapshot and quoted.tzinfo else 0


def _in_major(row: Mapping[str, Any]) -> tuple[Decimal, str]:
    """Price and currency with pence turned into pounds."""
    return _pounds(row["price"], row["currency"]), PENCE.get(row["currency"], row["currency"])


def _pounds(amount: Decimal, currency: str) -> Decimal:
    return amount / 100 if currency in PENCE else amount


def _restated(price: Decimal, actions: Sequence[Split | Dividend], price_date: date) -> Decimal:
    """An earlier price after the splits and dividends since; a dividend that would leave nothing of it is not believed."""
    for a in sorted(actions, key=lambda a: a.effective_date):
        if price_date < a.effective_date:
            after = price * a.old / a.new if isinstance(a, Split) else price - a.rate_per_share
            price = after if after > 0 else price
    return price


def _unchanged(c: Candidate, earlier: list[dict[str, Any]], day: date) -> int:
    since, own = day, sorted((r for r in earlier if r["source"] == c.source), key=lambda r: r["price_date"], reverse=True)
    for row in own:
        if _in_major(row)[0] != c.price:
            break
        since = row["price_date"]
    if since == day:
        return 0
    return sum((since + timedelta(days=n)).weekday() < 5 for n in range(1, (day - since).days + 1))


def _judge(
    c: Candidate, currency: str, before: Decimal | None, actions: Sequence[Split | Dividend], tolerances: Tolerances
) -> None:
    """Checks on one candidate alone: value, currency, unit, split or dividend, spike. ``before``: the reference as quoted."""
    if c.price <= 0:
        c.rejected = "price-not-positive"
    elif currency and c.currency != currency:
        c.rejected = "price-currency"
    elif c.reference:
        move = abs(c.move_pct or ZERO)
        ratio = max(c.price / c.reference, c.reference / c.price) if move > LITTLE_PCT else Decimal(1)
        if HUNDRED_LOW <= ratio <= HUNDRED_HIGH:
            c.rejected = "price-unit"
        elif move > tolerances.price_move_pct:
            at_old = before not in (None, c.reference) and abs(c.price / (before or c.price) - 1) * 100 <= tolerances.price_move_pct
            kind = "split" if any(isinstance(a, Split) for a in actions) else "dividend"
            c.spike, c.rejected = not at_old, f"price-{kind}-not-applied" if at_old else ""
    if c.rejected:
        c.notes.append(SAYS[c.rejected])


def quote_doubts(c: Candidate, tolerances: Tolerances) -> list[tuple[str, str]]:
    """What the bid and the ask that came with a price say against it: codes, each in words."""
    doubts, bid, ask = [], c.bid, c.ask
    said = f"bid {plain(bid) if bid else 'none'}, ask {plain(ask) if ask else 'none'}"
    if bid and ask and bid > ask:
        return [("price-crossed", f"{said}: the bid is above the ask")]
    if bid and ask and (apart := (ask - bid) / (ask + bid) * 200) > tolerances.price_spread_pct:
        doubts.append(("price-spread", f"{said}: {round_to(apart, 2)}% apart"))
    if (bid and c.price < bid) or (ask and c.price > ask):
        doubts.append(("price-outside-quote", f"{said}: the price {plain(c.price)} is outside"))
    return doubts


SAYS = {
    "price-not-positive": "zero or negative",
    "price-currency": "not in the instrument's currency",
    "price-unit": "about a hundred times off the price before",
    "price-split-not-applied": "still at the price before the split",
    "price-dividend-not-applied": "still at the price with the dividend",
    "price-spike": "a move beyond tolerance that no other source confirms",
}


def apart_pct(a: Candidate, b: Candidate) -> Decimal:
    return abs(a.price / b.price - 1) * 100


def plain(number: Decimal) -> str:
    text = f"{round_to(number, 6):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
