"""Wash sales where a basis defers them (26 USC 1091, 26 CFR 1.1091-1 and 2): the loss goes into the cost of what replaced the
shares sold, and so does the time they were held. Sales and purchases by trade of long positions; losses in base currency count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from bo_lib.books.lots import Lot, Lots, Piece, first_in, part_of
from bo_lib.books.state import Line, Loss, Setting, State
from bo_lib.books.wash_sales import DAYS
from bo_lib.model.money import round_money


def remember_losses(
    isin: str, pieces: Sequence[Piece], costs: Sequence[Decimal], bases: Sequence[Decimal], state: State, day: date
) -> None:
    """Keep the losses of a sale; ``costs`` and ``bases`` close each piece (a sale's are negative)."""
    apart = frozenset(piece.lot_id for piece in pieces)  # what is left of a lot sold replaces nothing
    for piece, closing, closing_base in zip(pieces, costs, bases, strict=True):
        local, base = piece.cost_local + closing, piece.cost_base + closing_base
        if piece.quantity > 0 and base > 0:
            state.losses.append(Loss(isin, day, piece.quantity, local, base, day - piece.acquired, apart))


def defer_losses(isin: str, state: State, setting: Setting, day: date) -> list[Line]:
    """Dr investments, Cr losses disallowed: each loss into shares bought within 30 days of it, earliest first, each share once."""
    lines: list[Line] = []
    kept: list[Loss] = []
    for loss in state.losses:
        if loss.isin == isin:
            for lot, lots in _replacements(loss, state):
                if loss.quantity:
                    loss, line = _into_cost(loss, lot, lots, state, setting)
                    lines += [line, line._replace(ledger="losses_disallowed", local=-line.local, base=-line.base)]
        if loss.quantity and (day - loss.sold).days <= DAYS:
            kept.append(loss)
    state.losses = kept
    return lines


def _replacements(loss: Loss, state: State) -> list[tuple[Lot, Lots]]:
    there = [(lot, lots) for (_, isin), lots in state.lots.items() if isin == loss.isin for lot in lots if lot.quantity > 0]
    fresh = [(lot, lots) for lot, lots in there if lot.lot_id not in state.washed and lot.lot_id not in loss.apart]
    return sorted(
        ((lot, lots) for lot, lots in fresh if abs((lot.acquired - loss.sold).days) <= DAYS), key=lambda x: first_in(x[0])
    )


def _into_cost(loss: Loss, lot: Lot, lots: Lots, state: State, setting: Setting) -> tuple[Loss, Line]:
    """What is left of the loss, and the line of cost. Shares that replace become a lot of their own when not all of it does."""
    quantity = min(loss.quantity, lot.quantity)
    if quantity < lot.quantity:
        piece, rest = part_of(lot, quantity, setting.base_currency), lot
        name = f"{rest.lot_id}~{len(state.washed) + 1}"
        lot = replace(rest, lot_id=name, quantity=quantity, cost_local=piece.cost_local, cost_base=piece.cost_base)
        lots.insert(lots.index(rest), lot)
    local, base = loss.local, loss.base
    if quantity < loss.quantity:
        local = round_money(loss.local * quantity / loss.quantity, lot.currency)
        base = round_money(loss.base * quantity / loss.quantity, setting.base_currency)
    lot.cost_local, lot.cost_base, lot.acquired = lot.cost_local + local, lot.cost_base + base, lot.acquired - loss.held
    state.washed.add(lot.lot_id)
    line = Line("investments", lot.currency, local, base, lot.account, lot.isin)
    return loss._replace(quantity=loss.quantity - quantity, local=loss.local - local, base=loss.base - base), line
