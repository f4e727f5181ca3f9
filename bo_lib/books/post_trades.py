"""Posting rules of lots taken over, trades and their settlement."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from bo_lib.books.lots import Lot, Piece, add, apportion, position, relieve
from bo_lib.books.state import Line, OpenTrade, Refused, Setting, State, said
from bo_lib.model.events import OpeningLot, Settlement, Trade
from bo_lib.model.money import ZERO, plain, round_money


def opening_lot(event: OpeningLot, state: State, setting: Setting, day: date) -> list[Line]:
    """Dr investments at cost, Cr opening equity."""
    setting.expect_currency(event.isin, event.currency)
    if not event.quantity:
        raise Refused("quantity-zero", f"a lot of {event.isin} without quantity", "quantity", "0", "a signed quantity")
    account, isin, ccy, local, base = event.account, event.isin, event.currency, event.cost_local, event.cost_base
    lot = Lot(f"{event.event_id}/1", account, isin, event.acquired, event.quantity, ccy, local, base)
    add(state.lots_of(account, isin), lot)
    lines = [
        Line("investments", ccy, local, base, account, isin, quantity=event.quantity),
        Line("opening_equity", ccy, -local, -base, account, isin),
    ]
    return said(lines, "", f"lot of {event.acquired} taken over")


def trade(event: Trade, state: State, setting: Setting, day: date) -> list[Line]:
    """Purchase: Dr investments (cost with charges), Dr interest purchased, Cr payable. Sale: Dr receivable, Cr the cost of
    the lots relieved, Cr gains: price at today's rate, the rest currency (ASC 946-830)."""
    _check(event, state, setting)
    sign = 1 if event.side in ("BUY", "COVER") else -1
    ccy, who, signed = event.currency, (event.account, event.isin), sign * event.quantity
    gross = round_money(event.quantity * event.price / setting.price_divisor(event.isin), ccy)
    cost, interest = sign * gross + event.commission + event.taxes, sign * event.accrued_interest
    cost_base, interest_base = setting.convert(cost, ccy, day), setting.convert(interest, ccy, day)
    money, money_base = -(cost + interest), -(cost_base + interest_base)
    ledger = "payable_for_investments_purchased" if sign > 0 else "receivable_for_investments_sold"
    state.trades[event.trade_id] = OpenTrade(event, signed, ledger, money, money_base)
    lines = _into_lots(event, state, setting, day, signed, cost, cost_base)
    lines.append(Line("interest_income", ccy, interest, interest_base, *who))
    lines.append(Line(ledger, ccy, money, money_base, *who))
    return said(lines, event.trade_id, f"{event.side} {plain(event.quantity)} {event.isin}")


def _check(event: Trade, state: State, setting: Setting) -> None:
    setting.expect_currency(event.isin, event.currency)
    setting.convert(Decimal(1), event.currency, event.effective_date)  # a missing rate is found before anything changes
    if event.quantity <= 0 or event.price < 0:
        found = f"{plain(event.quantity)} at {plain(event.price)}"
        raise Refused("trade-not-positive", "a trade's side gives the sign", "quantity", found, "quantity above 0, price 0 or more")
    if event.trade_id in state.trades:
        todo = "reverse the earlier event first if this one replaces it"
        raise Refused(
            "trade-twice", f"trade {event.trade_id} is booked already", "trade_id", event.trade_id, "each trade once", todo
        )
    _check_position(event, state, setting)


def _check_position(event: Trade, state: State, setting: Setting) -> None:
    held = position(state.lots_of(event.account, event.isin))
    closable = {"SELL": max(held, ZERO), "COVER": max(-held, ZERO)}.get(event.side, event.quantity)
    told = f"{event.side} of {plain(event.quantity)} {event.isin} in {event.account}, which holds {plain(held)}"
    too_small = event.side == "SHORT" or (event.side == "SELL" and event.quantity > max(held, ZERO))
    if too_small and not setting.shorts_allowed:
        todo = "check side and account, or look for an earlier purchase that is missing"
        raise Refused("position-too-small", told, "quantity", plain(event.quantity), f"at most {plain(max(held, ZERO))}", todo)
    if closable < event.quantity:
        state.warn(event, "position-flipped", f"{told}: the rest opens a position on the other side", "check side and quantity")


def _into_lots(
    event: Trade, state: State, setting: Setting, day: date, signed: Decimal, cost: Decimal, cost_base: Decimal
) -> list[Line]:
    """Relieve lots of the other side and open a lot with the rest; the lines for investments and gains."""
    lots, base, ccy = state.lots_of(event.account, event.isin), setting.base_currency, event.currency
    pieces, rest = relieve(lots, signed, setting.lot_method, base)
    weights = [abs(piece.quantity) for piece in pieces] + ([abs(rest)] if rest else [])
    costs, bases = apportion(cost, weights, ccy), apportion(cost_base, weights, base)
    price_gain = price_gain_base = currency_gain = ZERO
    for piece, closing, closing_base in zip(pieces, costs, bases, strict=False):
        at_rate = setting.convert(piece.cost_local, ccy, day)
        gain_base, gain_currency = -(at_rate + closing_base), at_rate - piece.cost_base
        state.realised.append(_realised(event, day, piece, closing, gain_base, gain_currency))
        price_gain -= piece.cost_local + closing
        price_gain_base += gain_base
        currency_gain += gain_currency
    opened, opened_base = (costs[-1], bases[-1]) if rest else (ZERO, ZERO)
    if rest:
        add(lots, Lot(f"{event.event_id}/1", event.account, event.isin, day, rest, ccy, opened, opened_base))
    moved = opened - sum((piece.cost_local for piece in pieces), ZERO)
    moved_base = opened_base - sum((piece.cost_base for piece in pieces), ZERO)
    who = (event.account, event.isin)
    return [
        Line("investments", ccy, moved, moved_base, *who, quantity=signed),
        Line("realised_gain", ccy, -price_gain, -price_gain_base, *who),
        Line("realised_currency_gain", ccy, ZERO, -currency_gain, *who),
    ]


def _realised(
    event: Trade, day: date, piece: Piece, closing: Decimal, gain_base: Decimal, gain_currency: Decimal
) -> dict[str, object]:
    """A row of REALISED: ``closing`` is the signed cost of the closing trade (a sale's is negative)."""
    proceeds, cost = (-closing, piece.cost_local) if piece.quantity > 0 else (-piece.cost_local, closing)
    return {
        "event_id": event.event_id, "lot_id": piece.lot_id, "isin": event.isin, "effective_date": day, "acquired": piece.acquired,
        "quantity": abs(piece.quantity), "currency": event.currency, "proceeds_local": proceeds, "cost_local": cost,
        "price_gain_base": gain_base, "currency_gain_base": gain_currency,
    }  # fmt: skip


def settlement(event: Settlement, state: State, setting: Setting, day: date) -> list[Line]:
    """Cash against the receivable or payable of the trade; what full settlement leaves over is suspense."""
    found = state.trades.get(event.trade_id)
    if found is None:
        told = f"settlement of {event.trade_id}, which is not in the books on {day}"
        todo = "book the trade, or ask the custodian what it settled"
        raise Refused("trade-unknown", told, "trade_id", event.trade_id, "a booked trade", todo)
    if not 0 < event.quantity <= abs(found.open):
        allowed = f"more than 0, at most the {plain(abs(found.open))} still open"
        raise Refused("settles-too-much", f"settlement of {event.trade_id}", "quantity", plain(event.quantity), allowed)
    order, base = found.event, setting.base_currency
    full = event.quantity == abs(found.open)
    cash = event.amount.copy_sign(found.money)
    cleared = found.money if full else cash
    cleared_base = found.money_base if full else round_money(found.money_base * cash / found.money, base) if found.money else ZERO
    cash_base = setting.convert(cash, order.currency, day)
    over, over_base = cleared - cash, setting.convert(cleared - cash, order.currency, day)
    if over:
        amounts = f"settled for {plain(abs(cash))} {order.currency}, booked {plain(abs(cleared))}"
        told = f"{event.trade_id} {amounts}: {plain(over)} is in suspense"
        state.warn(event, "settled-for-another-amount", told, "agree the amount with the counterparty")
    found.settle(event.quantity, cleared, cleared_base)
    who = (order.account, order.isin)
    lines = [
        Line("cash", order.currency, cash, cash_base, *who),
        Line(found.ledger, order.currency, -cleared, -cleared_base, *who),
        Line("suspense", order.currency, over, over_base, *who),
        Line("realised_currency_gain", order.currency, ZERO, cleared_base - cash_base - over_base, *who),
    ]
    return said(lines, event.trade_id, f"settlement of {event.trade_id}")
