"""Prices of a strike: the hierarchy of sources, the checks, and every rejected candidate with its reason.

A candidate that is zero, negative, off by a hundred, in the wrong currency, before a split or an unconfirmed spike
gives way to the next source. What no source can answer blocks the NAV.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from statistics import median
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bo_lib.config import Tolerances
from bo_lib.model.events import Dividend, Split
from bo_lib.model.findings import Finding, Outcome, Place, error, info, warning
from bo_lib.model.money import ZERO, round_to
from bo_lib.model.tables import built
from bo_lib.nav.tables import CANDIDATES

REFERENCE_DAYS = 3  # the price before is the median over all sources of the last three price dates: one bad day cannot move it
HUNDRED_LOW, HUNDRED_HIGH = Decimal(50), Decimal(200)  # a factor in between is a unit error: pence for pounds
LITTLE_PCT = Decimal(90)  # a move that is no unit error
_PENCE = {"GBX": "GBP", "GBp": "GBP", "ILA": "ILS", "ZAC": "ZAR"}
OVERRIDE = "OVERRIDE"


@dataclass(frozen=True)
class PriceOverride:
    """A price two people stand behind; it expires on its own after ``until``."""

    isin: str
    price: Decimal
    currency: str
    start: date
    until: date
    reason: str
    maker: str
    checker: str


@dataclass(frozen=True)
class Priced:
    """Prices of a day: ``prices`` by ISIN in the instrument's currency, ``table`` (CANDIDATES) with all that was looked at."""

    day: date
    prices: Mapping[str, Decimal]
    table: pa.Table


@dataclass
class _Candidate:
    isin: str
    source: str
    price: Decimal
    currency: str
    place: Place
    reference: Decimal | None = None
    unchanged_days: int = 0
    early_minutes: int = 0
    notes: list[str] = field(default_factory=list)
    rejected: str = ""  # code of the finding that rejects it
    spike: bool = False

    @cached_property
    def move_pct(self) -> Decimal | None:
        return (self.price / self.reference - 1) * 100 if self.reference else None


def select_prices(
    prices: pa.Table,
    needed: Iterable[str],
    sources: Sequence[str],
    day: date,
    *,
    tolerances: Tolerances,
    instruments: pa.Table,
    splits: Sequence[Split] = (),
    dividends: Sequence[Dividend] = (),
    overrides: Sequence[PriceOverride] = (),
    by_kind: Mapping[str, Sequence[str]] = MappingProxyType({}),
    closed: Callable[[str], bool] = lambda isin: False,
    snapshot: datetime | None = None,
) -> Outcome[Priced]:
    """The price of each needed ISIN on ``day``, from the first of ``sources`` (``by_kind``: of its kind of instrument) that stands.

    ``prices``: table PRICES with the day's prices of every source and, for the checks, earlier ones. ``instruments``: table
    INSTRUMENTS. ``splits`` and ``dividends``: with ex date up to ``day``; earlier prices are restated for them. ``closed``: does
    the market of an ISIN not trade on ``day``? Then the last price before it stands. ``snapshot``: the moment prices should be
    of; one quoted much earlier is a warning. A missing price is an error, a fallback or a challenge a warning. The cross source
    is every other one in ``prices``.
    """
    wanted = sorted(set(needed))
    master = {row["isin"]: row for row in instruments.select(["isin", "currency", "kind"]).to_pylist()}
    by_isin = _rows_by_isin(prices, wanted, day)
    actions_of: dict[str, list[Split | Dividend]] = defaultdict(list)
    for s in splits:
        actions_of[s.isin] += [s] if s.effective_date <= day else []
    for d in dividends:
        actions_of[d.isin] += [d] if d.effective_date <= day else []
    valid, findings = _valid_overrides(overrides, day)
    chosen: dict[str, Decimal] = {}
    table: list[dict[str, Any]] = []
    for isin in wanted:
        known = master.get(isin, {"currency": "", "kind": ""})
        actions = actions_of[isin]
        rows, its_sources = by_isin[isin], by_kind.get(known["kind"], sources)
        if not any(r["price_date"] == day for r in rows) and rows and closed(isin):
            rows, said = _carried(rows, day)
            findings += said
        candidates = _candidates(isin, rows, day, known["currency"], actions, tolerances, snapshot)
        if isin in valid:
            o = valid[isin]
            candidates[OVERRIDE] = _Candidate(
                isin, OVERRIDE, o.price, o.currency, Place(), notes=[f"{o.reason} ({o.maker}, checked by {o.checker})"]
            )
        pick, said = _choose(isin, candidates, (OVERRIDE, *its_sources), day, tolerances)
        findings += said
        if pick:
            chosen[isin] = pick.price
        table += [_row(c, day, c is pick) for c in candidates.values()]
    return Outcome(Priced(day, MappingProxyType(chosen), built(CANDIDATES, table)), tuple(findings))


def _rows_by_isin(prices: pa.Table, wanted: Sequence[str], day: date) -> dict[str, list[dict[str, Any]]]:
    """Rows of each instrument up to ``day``. Of most the last price dates tell all that is asked; only of one that has too few
    of them, or whose price has not changed in them, the whole history is looked at."""
    of_wanted = pc.is_in(prices["isin"], pa.array(wanted, pa.string()))
    known = prices.filter(pc.and_(pc.less_equal(prices["price_date"], day), of_wanted))
    days = sorted(pc.unique(known["price_date"]).to_pylist())
    if len(days) <= REFERENCE_DAYS + 1:
        return _grouped(known)
    found = _grouped(known.filter(pc.greater_equal(known["price_date"], days[-REFERENCE_DAYS - 1])))
    short = [isin for isin in wanted if isin not in found or not _tells_all(found[isin], day)]
    return found | _grouped(known.filter(pc.is_in(known["isin"], pa.array(short, pa.string())))) if short else found


def _grouped(prices: pa.Table) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    names = prices.column_names
    for values in zip(*(column.to_pylist() for column in prices.columns), strict=True):
        row = dict(zip(names, values, strict=True))
        found[row["isin"]].append(row)
    return found


def _tells_all(rows: list[dict[str, Any]], day: date) -> bool:
    """True when there are enough dates for the reference, and no source has sent the same price on all of them."""
    prices: dict[str, set[Decimal]] = defaultdict(set)
    for r in rows:
        prices[r["source"]].add(r["price"])
    dates = {r["price_date"] for r in rows if r["price"] > 0}
    return len(dates - {day}) >= REFERENCE_DAYS and day in dates and all(len(p) > 1 for p in prices.values())


def _valid_overrides(overrides: Sequence[PriceOverride], day: date) -> tuple[dict[str, PriceOverride], list[Finding]]:
    valid: dict[str, PriceOverride] = {}
    findings: list[Finding] = []
    for o in overrides:
        if not o.start <= day <= o.until:
            continue
        if not o.maker or not o.checker or o.maker == o.checker:
            findings.append(
                error(
                    "override-needs-two",
                    f"the price override of {o.isin} has no second person",
                    found=f"maker {o.maker}, checker {o.checker}",
                    expected="two people",
                    todo="have it checked by somebody else",
                )
            )
        elif o.price > 0:
            valid[o.isin] = o
            findings.append(
                info("price-override", f"{o.isin} is overridden until {o.until}: {o.reason} ({o.maker}, checked by {o.checker})")
            )
    return valid, findings


def _candidates(
    isin: str,
    rows: list[dict[str, Any]],
    day: date,
    currency: str,
    actions: list[Split | Dividend],
    tolerances: Tolerances,
    snapshot: datetime | None,
) -> dict[str, _Candidate]:
    """The day's candidates by source, each with its reference and the checks that need no other source."""
    earlier = [r for r in rows if r["price_date"] < day and r["price"] > 0]
    dates = sorted({r["price_date"] for r in earlier})[-REFERENCE_DAYS:]
    recent = [r for r in earlier if r["price_date"] in dates]
    before = round_to(median([_in_major(r)[0] for r in recent]), 12) if recent else None
    restated = [_restated(_in_major(r)[0], actions, r["price_date"]) for r in recent] if actions else []
    reference = round_to(median(restated), 12) if restated else before
    found: dict[str, _Candidate] = {}
    for row in (r for r in rows if r["price_date"] == day):
        price, ccy = _in_major(row)
        c = _Candidate(isin, row["source"], price, ccy, Place(sha256=row["file"] or "", at=row["at"] or ""), reference)
        c.unchanged_days, c.early_minutes = _unchanged(c, earlier, day), early_minutes(row, snapshot)
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
    ccy = _PENCE.get(row["currency"])
    return (row["price"] / 100, ccy) if ccy else (row["price"], row["currency"])


def _restated(price: Decimal, actions: Sequence[Split | Dividend], price_date: date) -> Decimal:
    """An earlier price after the splits and dividends since; a dividend that would leave nothing of it is not believed."""
    for a in sorted(actions, key=lambda a: a.effective_date):
        if price_date < a.effective_date:
            after = price * a.old / a.new if isinstance(a, Split) else price - a.rate_per_share
            price = after if after > 0 else price
    return price


def _carried(rows: list[dict[str, Any]], day: date) -> tuple[list[dict[str, Any]], list[Finding]]:
    """Where the market is closed: the last price of each source as that of the day."""
    last = max(r["price_date"] for r in rows)
    carried = [{**r, "price_date": day} for r in rows if r["price_date"] == last]
    said = f"{rows[0]['isin']}: its market is closed on {day}; the price of {last} stands"
    return [*rows, *carried], [info("price-holiday", said, found=str(last))]


def _unchanged(c: _Candidate, earlier: list[dict[str, Any]], day: date) -> int:
    since, own = day, sorted((r for r in earlier if r["source"] == c.source), key=lambda r: r["price_date"], reverse=True)
    for row in own:
        if _in_major(row)[0] != c.price:
            break
        since = row["price_date"]
    if since == day:
        return 0
    return sum((since + timedelta(days=n)).weekday() < 5 for n in range(1, (day - since).days + 1))


def _judge(
    c: _Candidate, currency: str, before: Decimal | None, actions: Sequence[Split | Dividend], tolerances: Tolerances
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
        c.notes.append(_SAYS[c.rejected])


_SAYS = {
    "price-not-positive": "zero or negative",
    "price-currency": "not in the instrument's currency",
    "price-unit": "about a hundred times off the price before",
    "price-split-not-applied": "still at the price before the split",
    "price-dividend-not-applied": "still at the price with the dividend",
    "price-spike": "a move beyond tolerance that no other source confirms",
}


def _choose(
    isin: str, candidates: dict[str, _Candidate], sources: Sequence[str], day: date, tolerances: Tolerances
) -> tuple[_Candidate | None, list[Finding]]:
    findings: list[Finding] = []
    sound = [c for c in candidates.values() if not c.rejected]
    for c in (c for c in sound if c.spike):
        others = [o for o in sound if o is not c]
        if any(_apart_pct(c, o) <= tolerances.price_source_pct for o in others):
            c.notes.append("the move is confirmed by another source")
            findings.append(
                info(
                    "price-moved",
                    f"{isin} moved {_pct(c.move_pct)} on {day}; another source confirms it",
                    c.place,
                    found=plain(c.price),
                )
            )
        elif others:
            c.rejected = "price-spike"
            c.notes.append(_SAYS["price-spike"])
        else:
            c.notes.append("a move beyond tolerance with no other source to confirm it")
            findings.append(
                _challenge(c, "price-spike", "no other source confirms or denies it", "challenge the price with its vendor")
            )
    findings += [
        _challenge(c, c.rejected, _SAYS[c.rejected], "challenge the price with its vendor")
        for c in candidates.values()
        if c.rejected
    ]
    pick = next((candidates[s] for s in sources if s in candidates and not candidates[s].rejected), None)
    if pick is None:
        why = ", ".join(f"{c.source} {plain(c.price)} ({'; '.join(c.notes)})" for c in candidates.values()) or "no source sent one"
        todo = "get the price, or record an override that two people approve"
        return None, [
            *findings,
            error(
                "price-missing",
                f"{isin} has no price that stands on {day}",
                found=why,
                expected=f"a price of {day} from {' or '.join(s for s in sources if s != OVERRIDE)}",
                todo=todo,
            ),
        ]
    return pick, [*findings, *_about(pick, candidates, sources, day, tolerances)]


def _about(
    pick: _Candidate, candidates: dict[str, _Candidate], sources: Sequence[str], day: date, tolerances: Tolerances
) -> list[Finding]:
    """What is to be said about a price although it is used."""
    findings = []
    first = next(s for s in sources if s != OVERRIDE)
    if pick.source not in (OVERRIDE, first) and first not in candidates:
        findings.append(
            warning(
                "price-fallback",
                f"{pick.isin}: no price of {first} on {day}; {pick.source} is used",
                pick.place,
                found=pick.source,
                expected=first,
                todo=f"ask {first}",
            )
        )
    if pick.unchanged_days >= tolerances.price_stale_days:
        pick.notes.append(f"unchanged for {pick.unchanged_days} days")
        findings.append(
            warning(
                "price-stale",
                f"{pick.isin}: {pick.source} has sent {plain(pick.price)} for {pick.unchanged_days} days",
                pick.place,
                found=f"{pick.unchanged_days} days",
                expected=f"fewer than {tolerances.price_stale_days}",
                todo="ask whether it traded",
            )
        )
    if pick.early_minutes > tolerances.price_early_minutes:
        pick.notes.append(f"quoted {pick.early_minutes} minutes before the snapshot")
        said = f"{pick.isin}: {pick.source} quotes {plain(pick.price)} {pick.early_minutes} minutes before the snapshot"
        todo = f"ask {pick.source} for its price of the snapshot"
        findings.append(warning("price-early", said, pick.place, found=f"{pick.early_minutes} minutes", todo=todo))
    for other in candidates.values():
        if other is not pick and not other.rejected and _apart_pct(pick, other) > tolerances.price_source_pct:
            pick.notes.append(f"{other.source} says {plain(other.price)}")
            findings.append(
                warning(
                    "price-variance",
                    f"{pick.isin}: {pick.source} and {other.source} are {_pct(_apart_pct(pick, other))} apart",
                    pick.place,
                    expected=f"at most {tolerances.price_source_pct}%",
                    todo="find out which is right",
                )
            )
    return findings


def _apart_pct(a: _Candidate, b: _Candidate) -> Decimal:
    return abs(a.price / b.price - 1) * 100


def _challenge(c: _Candidate, code: str, why: str, todo: str) -> Finding:
    before = f"{plain(c.reference)} before" if c.reference else "a positive price"
    return warning(
        code,
        f"{c.isin}: {c.source} sends {plain(c.price)} {c.currency}: {why}",
        c.place,
        found=plain(c.price),
        expected=before,
        todo=todo,
    )


def _row(c: _Candidate, day: date, chosen: bool) -> dict[str, Any]:
    move = round_to(c.move_pct, 6) if c.move_pct is not None else None
    return {
        "isin": c.isin, "source": c.source, "price": round_to(c.price, 12), "currency": c.currency, "price_date": day,
        "chosen": chosen, "reference": c.reference, "move_pct": move, "unchanged_days": c.unchanged_days,
        "reason": "; ".join(c.notes),
    }  # fmt: skip


def plain(number: Decimal) -> str:
    text = f"{round_to(number, 6):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _pct(number: Decimal | None) -> str:
    return f"{round_to(number or ZERO, 2)}%"
