"""Posting rules of corporate actions: income on what was held (interest: settles) before, splits, rights."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from bo_lib.books.lots import QUANTITY_DIGITS, Lot, add, apportion, position, relieve, split
from bo_lib.books.state import Claim, Line, OpenTrade, Refused, Setting, State, said
from bo_lib.model.events import Coupon, Dividend, RightsExercise, RightsIssue, Split
from bo_lib.model.money import ZERO, Rounding, plain, round_money, round_to

Ledgers = tuple[str, str]  # what is owed, income or expense


def dividend(event: Dividend, state: State, setting: Setting, day: date) -> list[Line]:
    """Dr receivable (net), tax to reclaim and withholding tax, Cr income, per account held long; shorts owe the gross."""
    long, short = ("dividends_receivable", "dividend_income"), ("dividends_payable", "dividend_expense")
    return _income(event, state, setting, day, state.positions_of(event.isin), event.rate_per_share, long, short)


def coupon(event: Coupon, state: State, setting: Setting, day: date) -> list[Line]:
    """As a dividend, on the nominal that settles before the ex date by agreement, whenever it was traded and whenever it does.

    A trade's interest runs to the day agreed for its settlement, so that day says whose the coupon is. Of an inflation-linked
    bond on the inflated nominal.
    """
    ex, held = event.own_date, dict(state.positions_of(event.isin))
    rate = event.rate_pct_of_nominal / 100 * state.index_ratios.get(event.isin, Decimal(1))
    for trade in state.trades.values():
        order = trade.event
        if order.isin == event.isin and order.settlement_date >= ex:
            held[order.account] = held.get(order.account, ZERO) - trade.nominal
        elif order.isin == event.isin and trade.open:
            _market_claim(event, trade, rate, state)
    ledgers = ("interest_receivable", "interest_income")
    entitled = [(account, nominal) for account, nominal in sorted(held.items()) if nominal]
    return _income(event, state, setting, day, entitled, rate, ledgers, ledgers)


def _market_claim(event: Coupon, trade: OpenTrade, rate: Decimal, state: State) -> None:
    """A trade late in settling over the ex date: the issuer pays the one who delivers late, and he owes it to the other."""
    order = trade.event
    amount = f"{plain(round_money(abs(trade.open) * trade.factor * rate, event.currency))} {event.currency}"
    told = f"{order.side} {order.trade_id} was to settle {order.settlement_date}, before the ex date {event.own_date}, and has not"
    if trade.open > 0:
        told, todo = f"{told}: {amount} of the coupon come from the seller", f"claim them from {order.counterparty or 'the seller'}"
    else:
        told, todo = f"{told}: {amount} that the custodian pays are the buyer's", "expect his claim, and pay it over"
    state.warn(event, "coupon-market-claim", told, todo)


def _income(
    event: Dividend | Coupon, state: State, setting: Setting, day: date, held_by: Iterable[tuple[str, Decimal]], rate: Decimal,
    long: Ledgers, short: Ledgers,
) -> list[Line]:  # fmt: skip
    setting.expect_instrument(event.isin)
    ccy, lines, claims = event.currency, [], []
    for account, held in held_by:
        gross = round_money(held * rate, ccy)
        tax = round_money(gross * event.withholding_pct / 100, ccy) if held > 0 else ZERO
        reclaim = round_money(gross * getattr(event, "reclaim_pct", ZERO) / 100, ccy) if tax else ZERO
        gross_base, tax_base = setting.convert(gross, ccy, day), setting.convert(tax, ccy, day)
        reclaim_base = setting.convert(reclaim, ccy, day)
        owed, income = long if held > 0 else short
        claim = Claim(owed, account, ccy, gross - tax, gross_base - tax_base, event.isin, "", event.event_ref)
        posted = [
            claim.line(),
            Line("tax_reclaims_receivable", ccy, reclaim, reclaim_base, account, event.isin),
            Line("withholding_tax", ccy, tax - reclaim, tax_base - reclaim_base, account, event.isin),
            Line(income, ccy, -gross, -gross_base, account, event.isin),
        ]
        claims.append(claim)
        lines += said(posted, event.event_ref, f"{event.kind} on {plain(held)} {event.isin}")
    if not claims:
        state.inform(event, "nothing-held", f"{event.kind} {event.event_ref}: no {event.isin} is entitled on {event.own_date}")
    state.claims[event.event_id] = claims
    return lines


def stock_split(event: Split, state: State, setting: Setting, day: date) -> list[Line]:
    """Quantities change, cost and acquisition dates stay. A trade still open settles the quantity it was agreed for."""
    currency = setting.expect_instrument(event.isin)
    expect_ratio(event.new, event.old)
    for pending in state.trades.values():
        if pending.event.isin == event.isin and pending.open:
            pending.factor = pending.factor * event.new / event.old
    lines = [
        Line("investments", currency, ZERO, ZERO, account, isin, quantity=split(lots, event.new, event.old))
        for (account, isin), lots in sorted(state.lots.items())
        if isin == event.isin and lots
    ]
    return said(lines, event.event_ref, f"split {plain(event.new)} for {plain(event.old)}")


def expect_ratio(new: Decimal, old: Decimal) -> None:
    if new <= 0 or old <= 0:
        raise Refused("ratio-not-positive", "a ratio of shares", "new", f"{new} for {old}", "two positive numbers")


def rights_issue(event: RightsIssue, state: State, setting: Setting, day: date) -> list[Line]:
    """Rights enter with a part of each lot's cost by market value, and the lot's acquisition date (26 CFR 1.307-1)."""
    currency = setting.expect_instrument(event.isin)
    setting.expect_instrument(event.rights_isin, "rights_isin")
    setting.expect_another(event.isin, event.rights_isin, "rights_isin")
    expect_ratio(event.new, event.old)
    if event.value_share <= 0 or event.value_right < 0:
        found = f"share {plain(event.value_share)}, right {plain(event.value_right)}"
        raise Refused("value-not-positive", "cost follows market value", "value_share", found, "market values of the first day")
    lines: list[Line] = []
    for account, held in state.positions_of(event.isin):
        rights = round_to(held * event.new / event.old, 0, Rounding.DOWN)
        if rights:
            moved, moved_base = _grant(event, account, held, rights, state, setting)
            granted = [
                Line("investments", currency, moved, moved_base, account, event.rights_isin, quantity=rights),
                Line("investments", currency, -moved, -moved_base, account, event.isin),
            ]
            lines += said(granted, event.event_ref, f"{rights:f} rights on {plain(held)} {event.isin}")
    return lines


def _grant(
    event: RightsIssue, account: str, held: Decimal, rights: Decimal, state: State, setting: Setting
) -> tuple[Decimal, Decimal]:
    """Open a lot of rights behind every lot of shares; the cost moved, local and base."""
    worth = rights * event.value_right
    part = worth / (worth + held * event.value_share)
    left, moved, moved_base = rights, ZERO, ZERO
    lots = state.lots_of(account, event.isin)
    for number, lot in enumerate(lots, 1):
        quantity = left if number == len(lots) else round_to(rights * lot.quantity / held, QUANTITY_DIGITS)
        cost = round_money(lot.cost_local * part, lot.currency)
        cost_base = round_money(lot.cost_base * part, setting.base_currency)
        lot.cost_local, lot.cost_base = lot.cost_local - cost, lot.cost_base - cost_base
        left, moved, moved_base = left - quantity, moved + cost, moved_base + cost_base
        lot_id = f"{event.event_id}/{account}/{number}"
        opened = Lot(lot_id, account, event.rights_isin, lot.acquired, quantity, lot.currency, cost, cost_base)
        add(state.lots_of(account, event.rights_isin), opened)
    return moved, moved_base


def rights_exercise(event: RightsExercise, state: State, setting: Setting, day: date) -> list[Line]:
    """New shares at the cost of the rights used plus the subscription price, acquired on the day of exercise."""
    setting.expect_currency(event.isin, event.currency)
    setting.expect_currency(event.rights_isin, event.currency)
    setting.expect_another(event.isin, event.rights_isin, "rights_isin")
    rights, ccy, base = state.lots_of(event.account, event.rights_isin), event.currency, setting.base_currency
    if not 0 < event.quantity <= position(rights):
        allowed = f"more than 0, at most the {plain(position(rights))} held in {event.account}"
        raise Refused("rights-too-few", f"exercise of {event.rights_isin}", "quantity", plain(event.quantity), allowed)
    amount = round_money(event.quantity * event.subscription_price, ccy)
    amount_base = setting.convert(amount, ccy, day)
    pieces, _ = relieve(rights, -event.quantity, setting.lot_method(day), base)
    weights = [piece.quantity for piece in pieces]
    prices = zip(pieces, apportion(amount, weights, ccy), apportion(amount_base, weights, base), strict=True)
    shares = state.lots_of(event.account, event.isin)
    for number, (piece, price, price_base) in enumerate(prices, 1):
        cost, cost_base = piece.cost_local + price, piece.cost_base + price_base
        add(shares, Lot(f"{event.event_id}/{number}", event.account, event.isin, day, piece.quantity, ccy, cost, cost_base))
    used, used_base = sum((p.cost_local for p in pieces), ZERO), sum((p.cost_base for p in pieces), ZERO)
    ledger = "payable_for_investments_purchased"
    owed = Claim(ledger, event.account, ccy, -amount, -amount_base, event.isin, "", event.event_ref)
    state.claims[event.event_id] = [owed]
    lines = [
        Line("investments", ccy, used + amount, used_base + amount_base, event.account, event.isin, quantity=event.quantity),
        Line("investments", ccy, -used, -used_base, event.account, event.rights_isin, quantity=-event.quantity),
        owed.line(),
    ]
    return said(lines, event.event_ref, f"{plain(event.quantity)} rights {event.rights_isin} exercised")
