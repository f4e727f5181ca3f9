"""Posting rules of lots taken over, trades and their settlement."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from math import prod

from bo_lib.books.lots import QUANTITY_DIGITS, Lot, add, apportion, position, relieve, relieve_named
from bo_lib.books.post_closing import closed
from bo_lib.books.post_wash_sales import defer_losses, remember_losses
from bo_lib.books.state import Line, OpenTrade, Refused, Setting, State, said
from bo_lib.model.events import OpeningLot, Settlement, Split, Trade
from bo_lib.model.money import ZERO, plain, round_money, round_to


def opening_lot(event: OpeningLot, state: State, setting: Setting, day: date) -> list[Line]:
    """Dr investments at cost, Cr opening equity."""
    setting.expect_currency(event.isin, event.currency)
    if not event.quantity:
        raise Refused("quantity-zero", f"a lot of {event.isin} without quantity", "quantity", "0", "a signed quantity")
    account, isin, ccy, local, base = event.account, event.isin, event.currency, event.cost_local, event.cost_base
    lot = Lot(f"{event.event_id}/1", account, isin, event.acquired, event.quantity, ccy, local, base, event.index_ratio)
    if event.index_ratio != 1:
        state.index_ratios[isin] = event.index_ratio
    add(state.lots_of(account, isin), lot)
    lines = [
        Line("investments", ccy, local, base, account, isin, quantity=event.quantity),
        Line("opening_equity", ccy, -local, -base, account, isin),
    ]
    return said(lines, "", f"lot of {event.acquired} taken over")


def trade(event: Trade, state: State, setting: Setting, day: date) -> list[Line]:
    """Purchase: Dr investments (cost with charges), Dr interest purchased, Cr payable. Sale: Dr receivable, Cr the cost of
    the lots relieved, Cr gains: price at today's rate, the rest currency (ASC 946-830). A future moves no money but its charges.
    Charges are an expense where the basis says so."""
    late = _in_shares_of_today(event, state)
    _check(late, state, setting)
    sign = 1 if event.side in ("BUY", "COVER") else -1
    ccy, who, signed = event.currency, (event.account, event.isin), sign * late.quantity
    gross = sign * setting.worth(event.isin, event.quantity, event.price * event.index_ratio)
    charges, interest = event.commission + event.taxes, sign * event.accrued_interest
    future, expensed = setting.is_future(event.isin), setting.basis.transaction_costs == "expense"
    expense = charges if future or expensed else ZERO
    cost = ZERO if future else gross + charges - expense
    interest_base, expense_base = setting.convert(interest, ccy, day), setting.convert(expense, ccy, day)
    cost_base = setting.convert(cost + expense, ccy, day) - expense_base  # so that the money is alike on every basis
    money, money_base = -(cost + interest + expense), -(cost_base + interest_base + expense_base)
    ledger = "payable_for_investments_purchased" if sign > 0 or (future and expense) else "receivable_for_investments_sold"
    state.trades[event.trade_id] = OpenTrade(
        event, sign * event.quantity, ledger, money, money_base, money or -signed, late.quantity / event.quantity
    )
    if future:
        state.carried[who] = state.carried.get(who, ZERO) + gross
    lines = _into_lots(late, state, setting, day, signed, cost, cost_base)
    lines.append(Line("interest_income", ccy, interest, interest_base, *who))
    lines.append(Line("transaction_costs" if expensed else "futures_gain", ccy, expense, expense_base, *who))
    lines.append(Line(ledger, ccy, money, money_base, *who))
    if event.index_ratio != 1:
        state.index_ratios.setdefault(event.isin, event.index_ratio)
    return said(lines, event.trade_id, f"{event.side} {plain(event.quantity)} {event.isin}")


def _in_shares_of_today(event: Trade, state: State) -> Trade:
    """A trade that came after its period was closed, in the shares that splits since its own date have made of its quantity."""
    splits = [done for done in state.applied_since(event) if isinstance(done, Split)] if event.belongs_to else []
    if not splits:
        return event
    new, old = (prod((getattr(done, name) for done in splits), start=Decimal(1)) for name in ("new", "old"))
    quantity = round_to(event.quantity * new / old, QUANTITY_DIGITS)
    return event.model_copy(update={"quantity": quantity})


def _check(event: Trade, state: State, setting: Setting) -> None:
    setting.expect_currency(event.isin, event.currency)
    setting.expect_rate(event.currency, event.effective_date)
    if event.quantity <= 0 or event.price < 0:
        found = f"{plain(event.quantity)} at {plain(event.price)}"
        raise Refused("trade-not-positive", "a trade's side gives the sign", "quantity", found, "quantity above 0, price 0 or more")
    if event.trade_id in state.trades:
        todo = "reverse the earlier event first if this one replaces it"
        raise Refused(
            "trade-twice", f"trade {event.trade_id} is booked already", "trade_id", event.trade_id, "each trade once", todo
        )
    _check_position(event, state, setting)
    _check_picks(event, state)


def _check_picks(event: Trade, state: State) -> None:
    """Lots named are open, hold enough, and add up to the trade."""
    if not event.lots:
        return
    closes = -1 if event.side in ("BUY", "COVER") else 1
    there = {lot.lot_id: closes * lot.quantity for lot in state.lots_of(event.account, event.isin)}
    told, named = f"lots named by {event.side} of {event.isin}", {pick.lot_id: pick.quantity for pick in event.lots}
    for lot_id, quantity in named.items():
        if not 0 < quantity <= there.get(lot_id, ZERO):
            raise Refused(
                "lot-too-small", told, "lots", f"{plain(quantity)} of {lot_id}", f"at most {plain(there.get(lot_id, ZERO))}"
            )
    if len(named) < len(event.lots) or sum(named.values(), ZERO) != event.quantity:
        raise Refused("lots-differ", told, "lots", plain(sum(named.values(), ZERO)), f"{plain(event.quantity)}, each lot once")


def _check_position(event: Trade, state: State, setting: Setting) -> None:
    if setting.shorts_allowed and (event.side in ("BUY", "SHORT") or _enough(event, state)):
        return
    held = position(state.lots_of(event.account, event.isin))
    closable = {"SELL": max(held, ZERO), "COVER": max(-held, ZERO)}.get(event.side, event.quantity)
    told = f"{event.side} of {plain(event.quantity)} {event.isin} in {event.account}, which holds {plain(held)}"
    too_small = event.side == "SHORT" or (event.side == "SELL" and event.quantity > max(held, ZERO))
    if too_small and not setting.shorts_allowed:
        todo = "check side and account, or look for an earlier purchase that is missing"
        raise Refused("position-too-small", told, "quantity", plain(event.quantity), f"at most {plain(max(held, ZERO))}", todo)
    if closable < event.quantity:
        state.warn(event, "position-flipped", f"{told}: the rest opens a position on the other side", "check side and quantity")


def _enough(event: Trade, state: State) -> bool:
    """Whether what is held, counted no further than needed, can be closed by a sale or cover."""
    lots, left = state.lots_of(event.account, event.isin), event.quantity
    if not lots or lots.mixed or (lots[0].quantity > 0) != (event.side == "SELL"):
        return False
    for lot in lots:
        left -= abs(lot.quantity)
        if left <= 0:
            return True
    return False


def _into_lots(
    event: Trade, state: State, setting: Setting, day: date, signed: Decimal, cost: Decimal, cost_base: Decimal
) -> list[Line]:
    """Relieve lots of the other side and open a lot with the rest; the lines for investments and gains."""
    lots, base = state.lots_of(event.account, event.isin), setting.base_currency
    if event.lots:
        pieces, rest = relieve_named(lots, {pick.lot_id: pick.quantity for pick in event.lots}, base), ZERO
    else:
        pieces, rest = relieve(lots, signed, setting.lot_method(day), base)
    weights = [abs(piece.quantity) for piece in pieces] + ([abs(rest)] if rest else [])
    costs, bases = apportion(cost, weights, event.currency), apportion(cost_base, weights, base)
    opened, opened_base = (costs.pop(), bases.pop()) if rest else (ZERO, ZERO)
    lines = closed(event, event.account, event.isin, pieces, costs, bases, state, setting, day)
    if rest:
        lot_id, who = f"{event.event_id}/1", (event.account, event.isin)
        add(lots, Lot(lot_id, *who, day, rest, event.currency, opened, opened_base, event.index_ratio))
    first = lines[0]
    lines[0] = first._replace(local=first.local + opened, base=first.base + opened_base, quantity=signed)
    if setting.basis.wash_sales:
        remember_losses(event.isin, pieces, costs, bases, state, day)
        lines += defer_losses(event.isin, state, setting, day)
    return lines


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
    cash = event.amount.copy_sign(found.agreed)
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
