"""Transactions of two sides with the truth known, for the benchmark of the matcher.

``truth`` names the transaction a row belongs to; ``twin`` is the same for transactions that are identical but for their
reference; ``kind`` is what was done to it. Rows of both sides are shuffled.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

SEED = 7
SHARES = {
    "clean": 0.722, "no reference": 0.19, "left only": 0.02, "right only": 0.02, "a cent off": 0.01, "days off": 0.01,
    "cent, no reference": 0.003, "days, no reference": 0.003, "split on the right": 0.004, "split on the left": 0.004,
    "many to many": 0.002, "reversed on the left": 0.002, "reversed on the right": 0.002, "reference mistyped": 0.002,
    "security empty": 0.002, "ambiguous date": 0.001, "ambiguous sum": 0.001, "dense": 0.002,
}  # fmt: skip
KINDS = tuple(SHARES)
NOTHING_DUE = ("left only", "right only", "reference mistyped", "security empty", "ambiguous date", "ambiguous sum")
DAYS = np.busday_offset("2026-01-05", np.arange(80), roll="forward")
DENSE_ROWS = 30  # transactions that share one account, security and days
Array = np.ndarray[Any, np.dtype[Any]]


@dataclass
class Rows:
    """Rows of one side: the transaction of each, its money in cents, its quantity, its days, whether it has a reference."""

    of: Array
    cents: Array
    quantity: Array
    traded: Array
    named: Array


def generate(count: int, folder: Path) -> None:
    """``left.parquet`` and ``right.parquet`` of some ``count`` rows each."""
    draw = np.random.default_rng(SEED)
    kind = draw.choice(len(KINDS), count, p=list(SHARES.values()))
    security = np.minimum((draw.pareto(1.2, count) * 60).astype(int), 4999)
    account, traded = draw.integers(0, 200, count), draw.integers(0, 63, count)
    quantity = np.where(draw.random(count) < 0.3, draw.integers(100, 20000, count), draw.choice([100, 200, 500, 1000, 5000], count))
    quantity *= draw.choice([-1, 1], count)
    price = draw.uniform(5, 400, 5000)[security] * (1 + draw.normal(0, 0.004, count))
    cents = np.rint(-quantity * price * 100).astype(np.int64)
    twin = np.arange(count)
    plain = kind < 2
    for n in np.flatnonzero((draw.random(count) < 0.005) & plain & np.roll(plain, 1))[1:]:
        for column in (account, security, traded, quantity, cents, twin):
            column[n] = column[n - 1]
    dense = np.flatnonzero(kind == KINDS.index("dense"))
    account[dense], security[dense], traded[dense] = (
        900 + np.arange(len(dense)) // DENSE_ROWS // 60,
        1,
        np.arange(len(dense)) // DENSE_ROWS % 60,
    )
    own = np.flatnonzero(np.isin(kind, [KINDS.index(k) for k in ("many to many", "ambiguous date", "ambiguous sum")]))
    account[own], security[own], traded[own] = (
        1000 + np.arange(len(own)) // 3000,
        np.arange(len(own)) % 3000,
        5 * (traded[own] // 5),
    )
    every = Rows(np.arange(count), cents, quantity, traded, np.ones(count, bool))
    facts = account, security, twin, kind
    for side, name in enumerate(("left", "right")):
        rows = _side(side, every, kind, np.random.default_rng(SEED + 1), draw)
        pq.write_table(_table(rows, facts, draw, side), folder / f"{name}.parquet", row_group_size=131072)


def _side(side: int, every: Rows, kind: Array, shared: np.random.Generator, draw: np.random.Generator) -> Rows:
    """The rows of one side. ``shared`` draws alike on both of them."""

    def these(*names: str) -> Array:
        return np.flatnonzero(np.isin(kind, [KINDS.index(name) for name in names]))

    here = "right" if side else "left"
    alone = these("clean", "no reference", "a cent off", "days off", "cent, no reference", "days, no reference", f"{here} only",
                  "reference mistyped", "security empty", f"split on the {'left' if side else 'right'}")  # fmt: skip
    rows = _take(every, alone)
    if side:
        rows.cents = rows.cents + np.where(
            np.isin(rows.of, these("a cent off", "cent, no reference")), draw.choice([-1, 1], len(alone)), 0
        )
        rows.cents = rows.cents + np.where(np.isin(rows.of, these("reference mistyped")), 500, 0)
        rows.traded = rows.traded + np.where(
            np.isin(rows.of, these("days off", "days, no reference")), draw.integers(1, 3, len(alone)), 0
        )
        rows.named = ~np.isin(rows.of, these("no reference", "cent, no reference", "days, no reference"))
    parts = [
        rows,
        _split(_take(every, these(f"split on the {here}")), shared, 5),
        _split(_take(every, these("many to many")), draw, 3, 2),
    ]
    back = _take(every, these(f"reversed on the {here}"))
    parts += [back, Rows(back.of, -back.cents, -back.quantity, back.traded + 1, back.named)]
    parts.append(_ambiguous_dates(_take(every, these("ambiguous date")), side))
    parts.append(_ambiguous_sums(_take(every, these("ambiguous sum")), side))
    parts.append(_dense(_take(every, these("dense")), side))
    again = _take(every, draw.choice(these("clean"), len(alone) // 1000, replace=False))
    return Rows(*(np.concatenate([getattr(part, name) for part in (*parts, again)]) for name in Rows.__annotations__))


def _take(rows: Rows, chosen: Array) -> Rows:
    return Rows(*(getattr(rows, name)[chosen] for name in Rows.__annotations__))


def _split(rows: Rows, draw: np.random.Generator, most: int, least: int = 2) -> Rows:
    """Each row as ``least`` to ``most`` rows with its sum, without references."""
    into = draw.integers(least, most + 1, len(rows.of))
    weight = draw.uniform(0.2, 1, (len(into), most)) * (np.arange(most) < into[:, None])
    weight /= weight.sum(axis=1, keepdims=True)
    pieces = []
    for whole in (rows.cents, rows.quantity):
        piece = (whole[:, None] * weight).astype(np.int64)
        piece[:, 0] += whole - piece.sum(axis=1)
        pieces.append(piece[weight > 0])
    of, traded = rows.of.repeat(into), rows.traded.repeat(into)
    return Rows(of, *pieces, traded, np.zeros(len(of), bool))


def _ambiguous_dates(rows: Rows, side: int) -> Rows:
    """Two on the left, two days apart; one without a reference on the right, between them."""
    if side:
        return Rows(rows.of, rows.cents, rows.quantity, rows.traded + 1, np.zeros(len(rows.of), bool))
    twice = _take(rows, np.arange(len(rows.of)).repeat(2))
    twice.traded = twice.traded + np.tile([0, 2], len(rows.of))
    return twice


def _ambiguous_sums(rows: Rows, side: int) -> Rows:
    """One on the left; on the right two pairs that both add up to it."""
    if not side:
        return rows
    shares = np.array([0.3, 0.4])
    few, cents = ((whole[:, None] * shares).astype(np.int64) for whole in (rows.quantity, rows.cents))
    pieces = [
        np.stack([part, whole[:, None] - part], axis=2).reshape(-1) for part, whole in ((cents, rows.cents), (few, rows.quantity))
    ]
    of, traded = rows.of.repeat(4), rows.traded.repeat(4)
    return Rows(of, *pieces, traded, np.zeros(len(of), bool))


def _dense(rows: Rows, side: int) -> Rows:
    """Of ten in a bucket two are split on the right, two on the left, three stand on either side alone; no references."""
    place = np.arange(len(rows.of)) % 10
    split = _split(_take(rows, np.flatnonzero(place // 2 == side)), np.random.default_rng(SEED + 2 + side), 4)
    whole = _take(rows, np.flatnonzero((place // 2 == 1 - side) | (place == 4 + side) | (place == 6 + side) | (place == 8 + side)))
    whole.named = np.zeros(len(whole.of), bool)
    return Rows(*(np.concatenate([getattr(part, name) for part in (split, whole)]) for name in Rows.__annotations__))


def _table(rows: Rows, facts: tuple[Array, ...], draw: np.random.Generator, side: int) -> pa.Table:
    rows = _take(rows, draw.permutation(len(rows.of)))
    account, security, twin, kind = (fact[rows.of] for fact in facts)
    number = rows.of + 10_000_000
    typed = np.char.add("TRX", np.where((kind == KINDS.index("reference mistyped")) & bool(side), 10 * number, number).astype(str))
    unknown = kind == KINDS.index("security empty")
    money = pc.multiply(pa.array(rows.cents).cast(pa.decimal128(19, 0)), pa.scalar("0.01").cast(pa.decimal128(3, 2)))
    return pa.table({
        "reference": pa.array(typed, mask=~rows.named | (draw.random(len(typed)) < 0.01 * side * (kind < 2))),
        "account": np.char.add("ACC", np.char.zfill(account.astype(str), 5)),
        "security": pa.array(np.char.add("US", np.char.zfill(security.astype(str), 10)), mask=unknown),
        "quantity": pa.array(rows.quantity).cast(pa.decimal128(19, 0)).cast(pa.decimal128(28, 4)),
        "amount": money.cast(pa.decimal128(24, 2)),
        "trade_date": pa.array(DAYS[rows.traded]), "settlement_date": pa.array(DAYS[rows.traded + 2]),
        "truth": pa.array(rows.of), "twin": pa.array(twin), "kind": pa.array(kind),
    })  # fmt: skip
