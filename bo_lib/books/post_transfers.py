"""Posting rules of securities that move without a price agreed: between accounts of the fund, and in kind against units."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from bo_lib.books.lots import Lot, add, apportion, position, relieve
from bo_lib.books.post_closing import closed
from bo_lib.books.state import Line, Refused, Setting, State, said
from bo_lib.model.events import InKind, Transfer
from bo_lib.model.money import ZERO, plain, round_money


def transfer(event: Transfer, state: State, setting: Setting, day: date) -> list[Line]:
    """Lots leave one account and enter another with cost and acquisition date, in the order of the fund's method."""
    currency = setting.expect_instrument(event.isin)
    lots = state.lots_of(event.account, event.isin)
    held = position(lots)
    if not 0 < event.quantity <= abs(held) or event.account == event.to_account:
        expected = f"at most the {plain(abs(held))} held in {event.account}, to another account"
        raise Refused("transfer-too-large", f"transfer of {event.isin}", "quantity", plain(event.quantity), expected)
    ratios = {lot.lot_id: lot.index_ratio for lot in lots}
    pieces, _ = relieve(lots, -event.quantity.copy_sign(held), setting.lot_method(day), setting.base_currency)
    there = state.lots_of(event.to_account, event.isin)
    for number, piece in enumerate(pieces, 1):
        opened = Lot(f"{event.event_id}/{number}", event.to_account, event.isin, piece.acquired, piece.quantity, currency,
                     piece.cost_local, piece.cost_base)  # fmt: skip
        add(there, replace(opened, index_ratio=ratios[piece.lot_id]))
    cost, base = sum((p.cost_local for p in pieces), ZERO), sum((p.cost_base for p in pieces), ZERO)
    moved = event.quantity.copy_sign(held)
    _move_carried(event, state, held, moved, currency)
    lines = [
        Line("investments", currency, -cost, -base, event.account, event.isin, quantity=-moved),
        Line("investments", currency, cost, base, event.to_account, event.isin, quantity=moved),
    ]
    return said(lines, event.reference, f"{plain(event.quantity)} {event.isin} from {event.account} to {event.to_account}")


def _move_carried(event: Transfer, state: State, held: Decimal, moved: Decimal, currency: str) -> None:
    """A future takes its last settlement value along."""
    whole = state.carried.get((event.account, event.isin))
    if whole is not None:
        part = whole if moved == held else round_money(whole * moved / held, currency)
        state.carried[event.account, event.isin] = whole - part
        state.carried[event.to_account, event.isin] = state.carried.get((event.to_account, event.isin), ZERO) + part


def in_kind(event: InKind, state: State, setting: Setting, day: date) -> list[Line]:
    """In: Dr investments at value, Cr what the order was to bring. Out: lots relieved at value, Dr what the order was to pay."""
    ccy, who, name = setting.expect_instrument(event.isin), (event.account, event.isin), f"{event.isin} of order {event.order_id}"
    lots, out = state.lots_of(*who), event.direction == "OUT"
    held = position(lots)
    if event.quantity <= 0 or event.value < 0 or event.amount < 0:
        found = f"{plain(event.quantity)} for {plain(event.value)} and {plain(event.amount)}"
        raise Refused("in-kind-terms", name, "quantity", found, "quantity above 0, amounts 0 or more")
    if out and event.quantity > held:
        raise Refused("position-too-small", name, "quantity", plain(event.quantity), f"at most the {plain(max(held, ZERO))} held")
    if event.currency == ccy and event.amount != event.value:
        raise Refused(
            "in-kind-amount", name, "amount", plain(event.amount), f"{plain(event.value)}, the value in the same currency"
        )
    setting.expect_rate(event.currency, day)
    value_base = setting.convert(event.value, ccy, day)
    if out:
        pieces, _ = relieve(lots, -event.quantity, setting.lot_method(day), setting.base_currency)
        weights = [piece.quantity for piece in pieces]
        costs, bases = apportion(-event.value, weights, ccy), apportion(-value_base, weights, setting.base_currency)
        lines = closed(event, *who, pieces, costs, bases, state, setting, day)
    else:
        add(lots, Lot(f"{event.event_id}/1", *who, day, event.quantity, ccy, event.value, value_base))
        lines = [Line("investments", ccy, event.value, value_base, *who, quantity=event.quantity)]
    ledger, sign = ("payable_for_units_redeemed", 1) if out else ("receivable_for_units_issued", -1)
    cleared = Line(ledger, event.currency, sign * event.amount, sign * value_base, event.account, "", event.share_class)
    if event.currency != ccy:
        lines.append(Line("currency_exchange", ccy, sign * event.value, sign * value_base, event.account))
        lines.append(cleared._replace(ledger="currency_exchange", local=-cleared.local, base=-cleared.base, share_class=""))
    text = f"{plain(event.quantity)} {event.isin} {'delivered' if out else 'received'} in kind"
    return said([*lines, cleared], event.order_id, text)
