"""Posting rules that move lots without a trade: spin-offs, mergers, fractions, capital returned, transfers, redemptions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from bo_lib.books.lots import QUANTITY_DIGITS, Lot, Piece, add, apportion, exchanged, position, relieve, relieve_named
from bo_lib.books.post_actions import expect_ratio
from bo_lib.books.post_closing import closed
from bo_lib.books.state import Claim, Line, Refused, Setting, State, said
from bo_lib.model.events import CashInLieu, Merger, Redemption, ReturnOfCapital, SpinOff
from bo_lib.model.money import ZERO, plain, round_money, round_to


def spin_off(event: SpinOff, state: State, setting: Setting, day: date) -> list[Line]:
    """New shares behind every lot, with their part of its cost and its acquisition date; no gain (26 CFR 1.358-2)."""
    currency = setting.expect_instrument(event.isin)
    setting.expect_currency(event.new_isin, currency)
    setting.expect_another(event.isin, event.new_isin, "new_isin")
    expect_ratio(event.new, event.old)
    if not 0 <= event.cost_pct <= 100:
        raise Refused("cost-pct", "cost that goes to the new security", "cost_pct", plain(event.cost_pct), "0 to 100 percent")
    lines: list[Line] = []
    for account, held in state.positions_of(event.isin):
        moved, moved_base, received = ZERO, ZERO, ZERO
        lots = state.lots_of(account, event.isin)
        for number, (lot, quantity) in enumerate(zip(lots, exchanged(lots, event.new, event.old), strict=True), 1):
            cost = round_money(lot.cost_local * event.cost_pct / 100, currency)
            cost_base = round_money(lot.cost_base * event.cost_pct / 100, setting.base_currency)
            lot.cost_local, lot.cost_base = lot.cost_local - cost, lot.cost_base - cost_base
            received, moved, moved_base = received + quantity, moved + cost, moved_base + cost_base
            lot_id = f"{event.event_id}/{account}/{number}"
            opened = Lot(lot_id, account, event.new_isin, lot.acquired, quantity, currency, cost, cost_base)
            add(state.lots_of(account, event.new_isin), opened)
        posted = [
            Line("investments", currency, moved, moved_base, account, event.new_isin, quantity=received),
            Line("investments", currency, -moved, -moved_base, account, event.isin),
        ]
        lines += said(posted, event.event_ref, f"{plain(received)} {event.new_isin} spun off {plain(held)} {event.isin}")
    return lines


class _Exchanged(NamedTuple):
    """What one lot turned into: cash, gain, and the lot of new shares."""

    cash: Decimal
    cash_base: Decimal
    gain: Decimal
    gain_base: Decimal
    lot: Lot


def merger(event: Merger, state: State, setting: Setting, day: date) -> list[Line]:
    """Old lots out, new lots in, cash to come; gain as far as it is recognised (26 CFR 1.356-1), base cost follows."""
    setting.expect_currency(event.isin, event.currency)
    setting.expect_currency(event.new_isin, event.currency)
    setting.expect_another(event.isin, event.new_isin, "new_isin")
    if event.new < 0 or event.old <= 0 or event.cash_per_share < 0 or event.value_new < 0:
        raise Refused("ratio-not-positive", "terms of a merger", "new", f"{event.new} for {event.old}", "numbers above 0")
    if event.new and not event.value_new and (event.cash_per_share or event.recognise == "FULL"):
        told, todo = f"the gain of {event.isin} is measured by what came", "give the market value of a new share"
        raise Refused("value-not-positive", told, "value_new", "0", "the value of a new share on the day", todo)
    setting.expect_rate(event.currency, day)
    lines: list[Line] = []
    for account, held in state.positions_of(event.isin):
        lots = state.lots_of(account, event.isin)
        made = [
            _exchange(event, lot, quantity, f"{event.event_id}/{account}/{number}", setting, day)
            for number, (lot, quantity) in enumerate(zip(lots, exchanged(lots, event.new, event.old), strict=True), 1)
        ]
        lines += _merged(event, account, held, made, state)
    return lines


def _exchange(event: Merger, lot: Lot, quantity: Decimal, lot_id: str, setting: Setting, day: date) -> _Exchanged:
    ccy, sign = lot.currency, 1 if lot.quantity > 0 else -1
    cash = round_money(lot.quantity * event.cash_per_share, ccy)
    value = round_money(quantity * event.value_new, ccy)
    realised = value + cash - lot.cost_local
    full = event.recognise == "FULL" or not event.new
    gain = realised if full else sign * max(ZERO, min(sign * realised, sign * cash))
    cash_base, gain_base = setting.convert(cash, ccy, day), setting.convert(gain, ccy, day)
    cost_base = lot.cost_base - cash_base + gain_base
    acquired = lot.acquired
    if full:
        cost_base, acquired = setting.convert(value, ccy, day), day
        gain_base = cost_base + cash_base - lot.cost_base
    opened = Lot(lot_id, lot.account, event.new_isin, acquired, quantity, ccy, lot.cost_local - cash + gain, cost_base)
    return _Exchanged(cash, cash_base, gain, gain_base, opened)


def _merged(event: Merger, account: str, held: Decimal, made: Sequence[_Exchanged], state: State) -> list[Line]:
    ccy, old = event.currency, state.lots_of(account, event.isin)
    cost, cost_base = sum((lot.cost_local for lot in old), ZERO), sum((lot.cost_base for lot in old), ZERO)
    for lot, new in zip(old, made, strict=True):
        if new.gain or new.gain_base:
            proceeds, given = (lot.cost_local + new.gain, lot.cost_local) if lot.quantity > 0 else (new.gain, ZERO)
            state.realised.append({
                "event_id": event.event_id, "lot_id": lot.lot_id, "isin": event.isin, "effective_date": event.effective_date,
                "acquired": lot.acquired, "quantity": abs(lot.quantity), "currency": ccy, "proceeds_local": proceeds,
                "cost_local": given, "price_gain_base": new.gain_base, "currency_gain_base": ZERO,
            })  # fmt: skip
        if new.lot.quantity:
            add(state.lots_of(account, event.new_isin), new.lot)
    old.clear()
    cash, cash_base = sum((x.cash for x in made), ZERO), sum((x.cash_base for x in made), ZERO)
    gain, gain_base = sum((x.gain for x in made), ZERO), sum((x.gain_base for x in made), ZERO)
    received = sum((x.lot.quantity for x in made), ZERO)
    into = [
        Line("investments", ccy, cost - cash + gain, cost_base - cash_base + gain_base, account, event.new_isin, quantity=received)
    ]
    owed = _owed(event, event.event_ref, account, event.isin, ccy, cash, cash_base, state)
    lines = [
        Line("investments", ccy, -cost, -cost_base, account, event.isin, quantity=-held),
        *into,
        owed.line(),
        Line("realised_gain", ccy, -gain, -gain_base, account, event.isin),
    ]
    return said(lines, event.event_ref, f"{plain(held)} {event.isin} became {plain(received)} {event.new_isin}")


def _owed(
    event: CashInLieu | Merger | Redemption | ReturnOfCapital, reference: str, account: str, isin: str, currency: str,
    amount: Decimal, base: Decimal, state: State,
) -> Claim:  # fmt: skip
    """Money to come on the payment date (a short position owes it)."""
    ledger = "receivable_for_investments_sold" if amount >= 0 else "payable_for_investments_purchased"
    claim = Claim(ledger, account, currency, amount, base, isin, "", reference)
    state.claims.setdefault(event.event_id, []).append(claim)
    return claim


def cash_in_lieu(event: CashInLieu, state: State, setting: Setting, day: date) -> list[Line]:
    """The fraction is sold for the cash: its part of the cost leaves, the difference is gain."""
    setting.expect_currency(event.isin, event.currency)
    setting.expect_rate(event.currency, day)
    lots = state.lots_of(event.account, event.isin)
    held = position(lots)
    if not 0 < event.quantity <= abs(held):
        raise Refused(
            "fraction-too-large", f"cash in lieu of {event.isin}", "quantity", plain(event.quantity), f"at most {plain(abs(held))}"
        )
    pieces, _ = relieve(lots, -event.quantity.copy_sign(held), setting.lot_method(day), setting.base_currency)
    text = f"{plain(event.quantity)} {event.isin} paid in cash"
    return said(_paid_out(event, event.account, pieces, event.amount.copy_sign(held), state, setting, day), event.event_ref, text)


def _paid_out(
    event: CashInLieu | Redemption,
    account: str,
    pieces: Sequence[Piece],
    amount: Decimal,
    state: State,
    setting: Setting,
    day: date,
) -> list[Line]:
    """Pieces closed for ``amount`` (positive: to receive), shared by quantity."""
    base = setting.convert(amount, event.currency, day)
    weights = [abs(piece.quantity) for piece in pieces]
    costs, bases = apportion(-amount, weights, event.currency), apportion(-base, weights, setting.base_currency)
    lines = closed(event, account, event.isin, pieces, costs, bases, state, setting, day)
    if amount:
        lines.append(_owed(event, event.event_ref, account, event.isin, event.currency, amount, base, state).line())
    return lines


def redemption(event: Redemption, state: State, setting: Setting, day: date) -> list[Line]:
    """Every lot, or the portion of it, ends at the price; a future at what its variation margin has left to pay."""
    setting.expect_currency(event.isin, event.currency)
    if not 0 < event.portion_pct <= 100 or event.price < 0:
        found = f"{plain(event.portion_pct)}% at {plain(event.price)}"
        raise Refused(
            "redemption-terms", f"redemption of {event.isin}", "portion_pct", found, "above 0 to 100 percent, price 0 or more"
        )
    setting.expect_rate(event.currency, day)
    lines: list[Line] = []
    state.claims[event.event_id] = []
    for account, held in state.positions_of(event.isin):
        lots = state.lots_of(account, event.isin)
        parts = {lot.lot_id: round_to(abs(lot.quantity) * event.portion_pct / 100, QUANTITY_DIGITS) for lot in lots}
        pieces = relieve_named(lots, parts, setting.base_currency)
        quantity = sum((piece.quantity for piece in pieces), ZERO)
        ratio = state.index_ratios.get(event.isin, Decimal(1))
        amount = setting.worth(event.isin, quantity, event.price * ratio)
        if setting.is_future(event.isin):
            carried = state.carried.get((account, event.isin), ZERO)
            left = ZERO if event.portion_pct == 100 else carried - round_money(carried * quantity / held, event.currency)
            state.carried[account, event.isin], amount = left, amount - (carried - left)
        text = f"{plain(quantity)} {event.isin} redeemed at {plain(event.price)}"
        lines += said(_paid_out(event, account, pieces, amount, state, setting, day), event.event_ref, text)
    if not lines:
        state.inform(event, "nothing-held", f"redemption {event.event_ref}: no {event.isin} held on {day}")
    return lines


def return_of_capital(event: ReturnOfCapital, state: State, setting: Setting, day: date) -> list[Line]:
    """Money lowers the cost of each lot, down to zero; the rest is gain. Cost in base leaves in proportion."""
    setting.expect_currency(event.isin, event.currency)
    setting.expect_rate(event.currency, day)
    ccy, lines = event.currency, []
    state.claims[event.event_id] = []
    for account, held in state.positions_of(event.isin):
        lots, who = state.lots_of(account, event.isin), (account, event.isin)
        paid = round_money(held * event.rate_per_share, ccy)
        reduced, reduced_base, gain_base = ZERO, ZERO, ZERO
        for lot, part in zip(lots, apportion(paid, [lot.quantity for lot in lots], ccy), strict=True):
            less, less_base = _lower(lot, part, setting.base_currency)
            over_base = setting.convert(part - less, ccy, day)
            if part != less:
                state.realised.append(_beyond_cost(event, lot, part - less, over_base))
            reduced, reduced_base, gain_base = reduced + less, reduced_base + less_base, gain_base + over_base
        paid_base = setting.convert(paid, ccy, day)
        posted = [
            _owed(event, event.event_ref, account, event.isin, ccy, paid, paid_base, state).line(),
            Line("investments", ccy, -reduced, -reduced_base, *who),
            Line("realised_gain", ccy, reduced - paid, -gain_base, *who),
            Line("realised_currency_gain", ccy, ZERO, -(paid_base - reduced_base - gain_base), *who),
        ]
        lines += said(posted, event.event_ref, f"capital returned on {plain(held)} {event.isin}")
    return lines


def _lower(lot: Lot, part: Decimal, base_currency: str) -> tuple[Decimal, Decimal]:
    """Take ``part`` off the lot's cost, at most all of it; what was taken, local and base."""
    if abs(part) < abs(lot.cost_local):
        less, less_base = part, round_money(lot.cost_base * part / lot.cost_local, base_currency)
    else:
        less, less_base = lot.cost_local, lot.cost_base
    lot.cost_local, lot.cost_base = lot.cost_local - less, lot.cost_base - less_base
    return less, less_base


def _beyond_cost(event: ReturnOfCapital, lot: Lot, over: Decimal, over_base: Decimal) -> dict[str, object]:
    """A row of REALISED: nothing was sold, but money came (a short position: went) beyond the cost."""
    return {
        "event_id": event.event_id, "lot_id": lot.lot_id, "isin": lot.isin, "effective_date": event.effective_date,
        "acquired": lot.acquired, "quantity": ZERO, "currency": lot.currency, "proceeds_local": max(over, ZERO),
        "cost_local": max(-over, ZERO), "price_gain_base": over_base, "currency_gain_base": ZERO,
    }  # fmt: skip
