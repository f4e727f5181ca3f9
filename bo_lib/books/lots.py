"""Tax lots: opened, relieved, split; long and short alike.

A lot is signed: a short lot has negative quantity and negative cost (the proceeds of the opening sale). Quantities and
costs conserve exactly: the last piece of a lot, and the last part of a sum, takes what is left.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from bo_lib.model.money import ZERO, round_money, round_to

QUANTITY_DIGITS = 10


@dataclass(slots=True)
class Lot:
    """An open lot; quantity and both costs carry the sign of the position."""

    lot_id: str
    account: str
    isin: str
    acquired: date
    quantity: Decimal
    currency: str
    cost_local: Decimal
    cost_base: Decimal
    index_ratio: Decimal = Decimal(1)  # up to which inflation is in the cost of an inflation-linked bond


class Lots(list[Lot]):
    """Open lots of one account and instrument in FIFO order. ``mixed`` once long and short ones stood side by side."""

    mixed = False

    def copied(self) -> Lots:
        """Lots of their own with the same figures."""
        made = Lots(replace(lot) for lot in self)
        made.mixed = self.mixed
        return made


class Piece(NamedTuple):
    """What a closing trade took out of one lot; signed as the lot was."""

    lot_id: str
    acquired: date
    quantity: Decimal
    cost_local: Decimal
    cost_base: Decimal


def first_in(lot: Lot) -> tuple[date, str]:
    """FIFO order, and the tie-break of every other method: acquisition date, then lot id."""
    return lot.acquired, lot.lot_id


def _unit_cost(lot: Lot) -> Decimal:
    return lot.cost_local / lot.quantity


# Method -> which lot goes first. AVERAGE spreads the cost evenly before it relieves.
METHODS: dict[str, Callable[[Lot], Any]] = {
    "FIFO": first_in,
    "LIFO": lambda lot: (-lot.acquired.toordinal(), lot.lot_id),
    "HIFO": lambda lot: (-_unit_cost(lot), first_in(lot)),
    "LOFO": lambda lot: (_unit_cost(lot), first_in(lot)),
    "AVERAGE": first_in,
}


def apportion(total: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """``total`` in proportion to ``weights``, in whole minor units; the last part takes what rounding left."""
    whole = sum(weights, ZERO)
    parts = [round_money(total * weight / whole, currency) for weight in weights[:-1]]
    return [*parts, total - sum(parts, ZERO)] if weights else []


def add(lots: Lots, lot: Lot) -> None:
    """Put ``lot`` into ``lots``, which stay in FIFO order."""
    if lots and (lots[0].quantity > ZERO) != (lot.quantity > ZERO):
        lots.mixed = True
    if not lots or lots[-1].acquired < lot.acquired or first_in(lots[-1]) <= first_in(lot):
        lots.append(lot)  # as most come
    else:
        insort(lots, lot, key=first_in)


def relieve(lots: Lots, quantity: Decimal, method: str, base_currency: str) -> tuple[list[Piece], Decimal]:
    """Close lots of the other sign with a signed ``quantity``; returns the pieces and the quantity that met no lot.

    ``lots`` (one account and instrument, FIFO order) change in place. Cost of a part of a lot is pro rata to the minor
    unit; closing a lot takes all its remaining cost, so that cost relieved and cost left always add up.
    """
    bought = quantity > ZERO
    if not lots or (not lots.mixed and (lots[0].quantity > ZERO) == bought):
        return [], quantity  # nothing of the other sign
    if method == "AVERAGE":
        _spread(lots, base_currency)
    pieces: list[Piece] = []
    closed = 0
    for lot in lots if METHODS[method] is first_in else sorted(lots, key=METHODS[method]):
        if not quantity:
            break
        if (lot.quantity > ZERO) != bought:
            whole = (quantity + lot.quantity > ZERO) == bought or quantity == -lot.quantity
            pieces.append(part_of(lot, lot.quantity if whole else -quantity, base_currency))
            quantity += pieces[-1].quantity
            closed += whole
    if closed:
        _drop_closed(lots, closed)
    return pieces, quantity


def relieve_named(lots: list[Lot], picks: Mapping[str, Decimal], base_currency: str) -> list[Piece]:
    """Close the lots named in ``picks`` (lot id -> positive quantity, at most what the lot holds), in FIFO order."""
    named = [lot for lot in lots if picks.get(lot.lot_id)]
    pieces = [part_of(lot, picks[lot.lot_id].copy_sign(lot.quantity), base_currency) for lot in named]
    lots[:] = [lot for lot in lots if lot.quantity]
    return pieces


def part_of(lot: Lot, signed: Decimal, base_currency: str) -> Piece:
    """Take ``signed`` of the lot's quantity, and its part of both costs."""
    if signed == lot.quantity:
        piece = Piece(lot.lot_id, lot.acquired, signed, lot.cost_local, lot.cost_base)
        lot.quantity = lot.cost_local = lot.cost_base = ZERO
        return piece
    local = base = round_money(lot.cost_local * signed / lot.quantity, lot.currency)
    if lot.currency != base_currency or lot.cost_base != lot.cost_local:
        base = round_money(lot.cost_base * signed / lot.quantity, base_currency)
    lot.quantity -= signed
    lot.cost_local -= local
    lot.cost_base -= base
    return Piece(lot.lot_id, lot.acquired, signed, local, base)


def _drop_closed(lots: list[Lot], closed: int) -> None:
    if all(not lot.quantity for lot in lots[:closed]):
        del lots[:closed]  # FIFO: the oldest
    else:
        lots[:] = [lot for lot in lots if lot.quantity]


def _spread(lots: list[Lot], base_currency: str) -> None:
    """Average cost: every lot of one sign gets the same cost per unit, dates stay."""
    for side in ([lot for lot in lots if lot.quantity > 0], [lot for lot in lots if lot.quantity < 0]):
        weights = [lot.quantity for lot in side]
        locals_ = apportion(sum((lot.cost_local for lot in side), ZERO), weights, side[0].currency if side else "")
        bases = apportion(sum((lot.cost_base for lot in side), ZERO), weights, base_currency)
        for lot, local, base in zip(side, locals_, bases, strict=True):
            lot.cost_local, lot.cost_base = local, base


def split(lots: list[Lot], new: Decimal, old: Decimal) -> Decimal:
    """``new`` for every ``old``: quantities change, cost and acquisition date stay. Returns the change of position."""
    before = position(lots)
    for lot, quantity in zip(lots, exchanged(lots, new, old), strict=True):
        lot.quantity = quantity
    return position(lots) - before


def exchanged(lots: Sequence[Lot], new: Decimal, old: Decimal) -> list[Decimal]:
    """What each lot becomes, ``new`` for every ``old``. Sums are rounded, not lots: the position is that of one lot as large."""
    sums = [round_to(total * new / old, QUANTITY_DIGITS) for total in accumulate((lot.quantity for lot in lots), initial=ZERO)]
    return [after - before for before, after in pairwise(sums)]


def position(lots: Sequence[Lot]) -> Decimal:
    return sum([lot.quantity for lot in lots], ZERO)
