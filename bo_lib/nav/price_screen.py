"""The instruments about whose prices nothing is to be said, found in whole columns: most of a fund, on most days.

An instrument passes when every check of ``price_checks`` and ``pricing`` would be silent about it. What could need a word (a move
as large as the tolerance, a price that has not changed, too few dates in sight) is doubted and left to those checks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bo_lib.config import Tolerances
from bo_lib.model.tables import PRICE, RATE
from bo_lib.nav.price_checks import LITTLE_PCT, PENCE, REFERENCE_DAYS, early_minutes
from bo_lib.nav.tables import CANDIDATES

_AWAY = "half_towards_infinity"  # as money is rounded: away from zero at the half
_WANTED = pa.schema([("isin", pa.string()), ("currency", pa.string()), ("first", pa.string())])
_WIDE = pa.decimal256(28, 12)  # products and quotients of such prices fit into 76 digits
_HUGE = pa.scalar(Decimal(10) ** 16, PRICE)
_HALF, _HUNDRED, _HUNDREDTH = (pa.scalar(Decimal(n), pa.decimal256(5, 2)) for n in ("0.5", "100", "0.01"))


def undoubted(
    prices: pa.Table, usual: Sequence[tuple[str, str, str]], day: date, tolerances: Tolerances, snapshot: datetime | None
) -> pa.Table:
    """Rows of CANDIDATES, by ISIN, of the instruments that pass; the price of the first source is chosen.

    ``prices``: table PRICES. ``usual``: ISIN (ascending), its currency (empty: not known) and its first source.
    """
    wanted = pa.table([pa.array(values, pa.string()) for values in zip(*usual, strict=True)] or [[]] * 3, _WANTED)
    near, complete = _near(prices, day)
    near = _of(near, wanted)
    doubted = _doubted(near, wanted, day, tolerances, snapshot) | _unlike_before(near, wanted, day, complete)
    near = near.filter(pa.array(~doubted[near["who"].to_numpy()]))
    today = pc.equal(near["price_date"], day)
    references = _references(near.filter(pc.invert(today)), wanted.num_rows)
    return _told(near.filter(today), references, wanted, tolerances)


def _near(prices: pa.Table, day: date) -> tuple[pa.Table, bool]:
    """Rows of ``day`` and of the dates before it that tell the reference of most; and whether there are no earlier ones."""
    dated = prices["price_date"]
    found = pc.value_counts(dated.filter(pc.less_equal(dated, day))).to_pylist()
    counts = {row["values"]: row["counts"] for row in found}
    many = max(counts.values(), default=0) / 2
    usual = sorted(d for d, count in counts.items() if d < day and count >= many)[-REFERENCE_DAYS:]  # not those of few markets
    first = min(counts, default=day)
    start = usual[0] if len(usual) == REFERENCE_DAYS else first
    return prices.filter(pc.and_(pc.greater_equal(dated, start), pc.less_equal(dated, day))), start == first


def _of(near: pa.Table, wanted: pa.Table) -> pa.Table:
    """Rows of what is wanted, with its position ``who``; pence are pounds."""
    who = pc.index_in(near["isin"], value_set=wanted["isin"].combine_chunks()).cast(pa.int64())
    near = near.select(["isin", "source", "price_date", "price", "currency", "quoted_at", "bid", "ask"]).append_column("who", who)
    near = near.filter(near["who"].is_valid()).combine_chunks()
    pence = pc.index_in(near["currency"], value_set=pa.array(PENCE))
    if pence.null_count < len(pence):
        columns = {name: near[name] for name in near.column_names}
        for name in ("price", "bid", "ask"):
            pounds = pc.round(pc.multiply(near[name].cast(pa.decimal256(38, 12)), _HUNDREDTH), 12, _AWAY).cast(PRICE)
            columns[name] = pc.if_else(pence.is_valid(), pounds, near[name])
        near = pa.table({**columns, "currency": pc.coalesce(pa.array(PENCE.values()).take(pence), near["currency"])})
    return near


def _doubted(near: pa.Table, wanted: pa.Table, day: date, tolerances: Tolerances, snapshot: datetime | None) -> Any:
    """By position: no price of the first source today, or one that is wrong by itself or quoted too early."""
    who, price, known = near["who"].to_numpy(), near["price"], wanted["currency"].take(near["who"])
    today, first = _true(pc.equal(near["price_date"], day)), pc.equal(near["source"], wanted["first"].take(near["who"]))
    own = pc.or_(pc.equal(known, ""), pc.equal(near["currency"], known))
    said = pc.unique(near["quoted_at"]).to_pylist() if snapshot else []
    early = [s for s in said if early_minutes({"quoted_at": s}, snapshot) > tolerances.price_early_minutes]
    odd = _true(pc.greater_equal(price, _HUGE)) | today & _quoted_otherwise(near, tolerances)
    sound = _true(pc.and_(pc.greater(price, 0), own)) & ~_true(pc.is_in(near["quoted_at"], value_set=pa.array(early, pa.string())))
    doubted = np.ones(wanted.num_rows, bool)
    doubted[who[today & _true(first)]] = False
    doubted[who[today & ~sound | odd]] = True
    return doubted


def _quoted_otherwise(near: pa.Table, tolerances: Tolerances) -> Any:
    """Rows whose bid and ask could say something against the price."""
    bid, ask = (pc.if_else(pc.greater(near[name], 0), near[name], None) for name in ("bid", "ask"))
    odd = pc.less(near["price"], bid), pc.greater(near["price"], ask), pc.greater(bid, ask), pc.greater_equal(ask, _HUGE)
    far = pc.greater_equal(_pct(ask.cast(_WIDE, safe=False), bid.cast(_WIDE, safe=False)), tolerances.price_spread_pct)
    return np.any([_true(mask) for mask in (*odd, far)], axis=0)


def _unlike_before(near: pa.Table, wanted: pa.Table, day: date, complete: bool) -> Any:
    """By position: other than ``REFERENCE_DAYS`` dates before, a price sent twice, or one that its source sent before."""
    who, days = near["who"].to_numpy(), near["price_date"].cast(pa.int32()).to_numpy()
    source, at = (near[name].combine_chunks().dictionary_encode().indices.to_numpy() for name in ("source", "price_date"))
    of = who * (1 + source.max(initial=0)) + source  # the instrument at its source
    sent = of * (1 + at.max(initial=0)) + at
    today = _true(pc.equal(near["price_date"], day))
    earlier = np.flatnonzero(~today & _true(pc.greater(near["price"], 0)))
    earlier = earlier[np.argsort(days[earlier], kind="stable")]

    doubted = np.zeros(wanted.num_rows, bool)
    doubted[who[np.bincount(sent)[sent] > 1]] = True
    dates = np.zeros((wanted.num_rows, 1 + at.max(initial=0)), bool)
    dates[who[earlier], at[earlier]] = True
    count = dates.sum(axis=1)
    doubted |= (count > REFERENCE_DAYS) | ((count < REFERENCE_DAYS) & (not complete))

    last = np.full(of.max(initial=0) + 1, -1)
    last[of[earlier]] = earlier  # the latest stays
    now, before = np.flatnonzero(today), last[of[today]]
    doubted[who[now[before < 0]]] |= not complete
    now, before = now[before >= 0], before[before >= 0]
    doubted[who[now[_true(pc.equal(near["price"].take(pa.array(now)), near["price"].take(pa.array(before))))]]] = True
    return doubted


def _references(earlier: pa.Table, many: int) -> pa.Array:
    """By position: the median price, null without one; of an even number the middle between the two in the middle."""
    earlier = earlier.filter(pc.greater(earlier["price"], 0)).sort_by([("who", "ascending"), ("price", "ascending")])
    count = np.bincount(earlier["who"].to_numpy(), minlength=many)
    start = np.cumsum(count) - count
    low, high = (earlier["price"].take(pa.array(start + (count - odd) // 2, mask=count == 0)).cast(_WIDE) for odd in (1, 0))
    return pc.round(pc.multiply(pc.add(low, high), _HALF), 12, _AWAY).cast(_WIDE)


def _told(now: pa.Table, references: pa.Array, wanted: pa.Table, tolerances: Tolerances) -> pa.Table:
    """Candidates of the instruments whose move, and whose distance between sources, is within tolerance."""
    who, price, first = now["who"].to_numpy(), now["price"].cast(_WIDE), pc.equal(now["source"], wanted["first"].take(now["who"]))
    reference, at_first = references.take(pa.array(who)), np.zeros(wanted.num_rows, int)
    at_first[who[_true(first)]] = np.flatnonzero(_true(first))
    move, apart = _pct(price, reference), _pct(price.take(pa.array(at_first[who])), price)
    moved = pc.greater_equal(pc.abs(move), min(tolerances.price_move_pct, LITTLE_PCT))
    doubted = np.zeros(wanted.num_rows, bool)
    doubted[who[_true(moved) | _true(pc.greater_equal(pc.abs(apart), tolerances.price_source_pct))]] = True
    zeros = np.zeros(len(who), int)
    made = {
        "isin": now["isin"], "source": now["source"], "price": now["price"], "currency": now["currency"],
        "price_date": now["price_date"], "reference": reference.cast(PRICE), "move_pct": pc.round(move, 6, _AWAY).cast(RATE),
        "unchanged_days": pa.array(zeros), "chosen": first, "reason": pa.array([""]).take(pa.array(zeros)),
    }  # fmt: skip
    order = np.argsort(who, kind="stable")
    table = pa.Table.from_arrays([made[name] for name in CANDIDATES.names], schema=CANDIDATES.schema)
    return table.take(pa.array(order[~doubted[who[order]]]))


def _pct(price: pa.Array, other: pa.Array) -> pa.Array:
    """By how many percent of ``other`` a price is above it, cut off far behind the digits that are kept."""
    return pc.divide(pc.multiply(pc.subtract(price, other), _HUNDRED), other)


def _true(mask: pa.Array) -> Any:
    """A mask for numpy; null is false."""
    return mask.fill_null(False).to_numpy(zero_copy_only=False)
