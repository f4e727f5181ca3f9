"""What closing lots has in common: gains by lot, price apart from currency."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from bo_lib.books.lots import Piece
from bo_lib.books.state import Line, Setting, State
from bo_lib.model.events import Event
from bo_lib.model.money import ZERO


def closed(
    event: Event, account: str, isin: str, pieces: Sequence[Piece], costs: Sequence[Decimal], bases: Sequence[Decimal],
    state: State, setting: Setting, day: date,
) -> list[Line]:  # fmt: skip
    """Investments out at cost and the gains; what is missing to balance is ``costs`` in money (a sale's are negative).

    ``costs`` and ``bases``: what closes each piece, local and base. Price gain at today's rate, the rest of the gain in base
    is currency (ASC 946-830). The first line is that of investments.
    """
    ccy, who = setting.instruments[isin].currency, (account, isin)
    price_gain = price_gain_base = currency_gain = ZERO
    for piece, closing, closing_base in zip(pieces, costs, bases, strict=True):
        at_rate = setting.convert(piece.cost_local, ccy, day)
        gain_base, gain_currency = -(at_rate + closing_base), at_rate - piece.cost_base
        proceeds, cost = (-closing, piece.cost_local) if piece.quantity > 0 else (-piece.cost_local, closing)
        state.realised.append({
            "event_id": event.event_id, "lot_id": piece.lot_id, "isin": isin, "effective_date": day, "acquired": piece.acquired,
            "quantity": abs(piece.quantity), "currency": ccy, "proceeds_local": proceeds, "cost_local": cost,
            "price_gain_base": gain_base, "currency_gain_base": gain_currency,
        })  # fmt: skip
        price_gain -= piece.cost_local + closing
        price_gain_base += gain_base
        currency_gain += gain_currency
    out, out_base, quantity = ZERO, ZERO, ZERO
    for piece in pieces:
        out, out_base, quantity = out - piece.cost_local, out_base - piece.cost_base, quantity - piece.quantity
    return [
        Line("investments", ccy, out, out_base, *who, quantity=quantity),
        Line("realised_gain", ccy, -price_gain, -price_gain_base, *who),
        Line("realised_currency_gain", ccy, ZERO, -currency_gain, *who),
    ]
