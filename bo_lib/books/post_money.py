"""Posting rules of money: balances taken over, currency deals, capital, expenses, payments, manual journals."""

from __future__ import annotations

from datetime import date
from typing import Any

from bo_lib.books.state import Claim, Line, Refused, Setting, State, said
from bo_lib.model.events import Accrual, Capital, FxDeal, ManualJournal, OpeningBalance, Payment
from bo_lib.model.identifiers import same_person
from bo_lib.model.money import ZERO, plain


def opening_balance(event: OpeningBalance, state: State, setting: Setting, day: date) -> list[Line]:
    """Dr the ledger, Cr opening equity. ``investments`` come with their lots: that balance is a control total only."""
    setting.expect_ledger(event.ledger)
    if event.ledger == "investments":
        return []
    who = (event.account, "", event.share_class)
    lines = [
        Line(event.ledger, event.currency, event.local, event.base, *who),
        Line("opening_equity", event.currency, -event.local, -event.base, *who),
    ]
    return said(lines, "", f"balance of {event.ledger} taken over")


def paid(event: Any, state: State, setting: Setting, day: date) -> list[Line]:
    """Cash against what the event's first posting left to receive or pay; the difference in base is a currency gain.

    A deal against base currency is paid at its contract rate.
    """
    claims = state.claims.get(event.event_id, [])
    agreed = any(claim.currency == setting.base_currency for claim in claims) and isinstance(event, FxDeal)
    cash = [claim.base if agreed else setting.convert(claim.local, claim.currency, day) for claim in claims]
    state.claims.pop(event.event_id, None)
    lines: list[Line] = []
    for claim, base in zip(claims, cash, strict=True):
        who, ccy = (claim.account, claim.isin), claim.currency
        settled = [
            Line("cash", ccy, claim.local, base, *who),
            Line(claim.ledger, ccy, -claim.local, -claim.base, *who, claim.share_class),
            Line("realised_currency_gain", ccy, ZERO, claim.base - base, claim.account),
        ]
        lines += said(settled, claim.reference, f"{claim.ledger.replace('_', ' ')} settled")
    return lines


def deal_agreed(event: FxDeal, state: State, setting: Setting, day: date) -> list[Line]:
    """A spot: Dr receivable of the bought, Cr payable of the sold currency, at its contract rate when one of them is the base.

    A forward is valued, not booked, until it settles.
    """
    if event.deal_id in state.deals:
        raise Refused("deal-twice", f"deal {event.deal_id} is booked already", "deal_id", event.deal_id, "each deal once")
    if min(event.buy_amount, event.sell_amount) <= 0 or event.buy_currency == event.sell_currency:
        found = f"{event.buy_currency} {plain(event.buy_amount)} against {event.sell_currency} {plain(event.sell_amount)}"
        raise Refused("deal-terms", f"deal {event.deal_id}", "buy_amount", found, "two currencies, two amounts above 0")
    if event.style == "FORWARD":
        state.deals[event.deal_id] = event
        return []
    home = {event.buy_currency: event.buy_amount, event.sell_currency: event.sell_amount}.get(setting.base_currency)
    bought_base = home or setting.convert(event.buy_amount, event.buy_currency, day)
    sold_base = -(home or setting.convert(event.sell_amount, event.sell_currency, day))
    bought = Claim("fx_receivable", event.account, event.buy_currency, event.buy_amount, bought_base, reference=event.deal_id)
    sold = Claim("fx_payable", event.account, event.sell_currency, -event.sell_amount, sold_base, reference=event.deal_id)
    state.deals[event.deal_id], state.claims[event.event_id] = event, [bought, sold]
    return _bridged(event, bought.line(), sold.line(), "realised_currency_gain")


def deal_settled(event: FxDeal, state: State, setting: Setting, day: date) -> list[Line]:
    """Both legs move; the gain of a forward that hedges a class is hedge gain."""
    if state.deals.get(event.deal_id) != event:
        return []  # refused when it was agreed
    if event.style == "SPOT":
        lines = paid(event, state, setting, day)
    else:
        bought_base = setting.convert(event.buy_amount, event.buy_currency, day)
        sold_base = setting.convert(-event.sell_amount, event.sell_currency, day)
        bought = Line("cash", event.buy_currency, event.buy_amount, bought_base, event.account)
        sold = Line("cash", event.sell_currency, -event.sell_amount, sold_base, event.account)
        lines = _bridged(event, bought, sold, "hedge_gain" if event.share_class else "realised_currency_gain")
    state.settled.add(event.deal_id)
    return lines


def _bridged(event: FxDeal, bought: Line, sold: Line, gain: str) -> list[Line]:
    """Two legs in two currencies, joined by ``currency_exchange`` (zero in base), their difference a gain."""
    share_class = event.share_class if gain == "hedge_gain" else ""
    lines = [
        bought,
        Line("currency_exchange", bought.currency, -bought.local, -bought.base, event.account),
        sold,
        Line("currency_exchange", sold.currency, -sold.local, bought.base, event.account),
        Line(gain, sold.currency, ZERO, -(bought.base + sold.base), event.account, "", share_class),
    ]
    text = f"{event.buy_currency} {plain(event.buy_amount)} against {event.sell_currency} {plain(event.sell_amount)}"
    return said(lines, event.deal_id, f"{event.style.lower()} {text}")


def _units_claim(event: Capital) -> Claim:
    sign = 1 if event.action in ("SUBSCRIBE", "CALL", "EXCHANGE_IN") else -1
    issue = sign > 0 or event.action == "EXCHANGE_OUT"  # both legs of an exchange stand on one ledger and cancel
    ledger = "receivable_for_units_issued" if issue else "payable_for_units_redeemed"
    local, base = sign * event.amount, sign * event.amount_base
    return Claim(ledger, event.account, event.currency, local, base, "", event.share_class, event.order_id)


def capital(event: Capital, state: State, setting: Setting, day: date) -> list[Line]:
    """Issue: Dr receivable, Cr capital of the class. Redemption: Dr capital, Cr payable. Units on the capital line."""
    claim = _units_claim(event)
    units = event.units if event.action in ("SUBSCRIBE", "CALL", "EXCHANGE_IN") else -event.units
    equity = Line("capital", event.currency, -claim.local, -claim.base, "", "", event.share_class, units)
    return said([claim.line(), equity], event.order_id, f"{event.action.lower()} {event.share_class} by {event.investor}")


def capital_paid(event: Capital, state: State, setting: Setting, day: date) -> list[Line]:
    """Cash on the contractual date, which may come before the units are in the books; none for an exchange or in kind."""
    if event.in_kind or event.action.startswith("EXCHANGE"):
        return []
    state.claims[event.event_id] = [_units_claim(event)]
    return paid(event, state, setting, day)


def accrual(event: Accrual, state: State, setting: Setting, day: date) -> list[Line]:
    """Dr the expense, Cr its payable; both belong to no account."""
    base = setting.convert(event.amount, event.currency, day)
    lines = [
        Line(event.name, event.currency, event.amount, base, "", "", event.share_class),
        Line(f"{event.name}_payable", event.currency, -event.amount, -base, "", "", event.share_class),
    ]
    return said(lines, "", f"{event.name.replace('_', ' ')} accrued")


def payment(event: Payment, state: State, setting: Setting, day: date) -> list[Line]:
    """Dr cash, Cr the ledger named; the other way round for money out."""
    setting.expect_ledger(event.ledger)
    base = setting.convert(event.amount, event.currency, day)
    account = "" if setting.is_fee(event.ledger) else event.account
    lines = [
        Line("cash", event.currency, event.amount, base, event.account),
        Line(event.ledger, event.currency, -event.amount, -base, account, "", event.share_class),
    ]
    return said(lines, event.reference, event.text or event.ledger.replace("_", " "))


def manual_journal(event: ManualJournal, state: State, setting: Setting, day: date) -> list[Line]:
    """The lines as booked, when two people stand behind them and they balance."""
    name = f"manual journal {event.event_id}"
    if not event.maker.strip() or not event.checker.strip() or same_person(event.maker, event.checker):
        raise Refused("maker-is-checker", f"{name} needs two people", "checker", event.checker, f"somebody else than {event.maker}")
    if not event.lines:
        raise Refused("journal-empty", f"{name} has no lines", "lines", "none", "lines that balance")
    for line in event.lines:
        setting.expect_ledger(line.ledger)
    currencies = sorted({line.currency for line in event.lines})
    off = {c: sum((line.local for line in event.lines if line.currency == c), ZERO) for c in currencies}
    off["base"] = sum((line.base for line in event.lines), ZERO)
    if wrong := ", ".join(f"{key} {plain(amount)}" for key, amount in off.items() if amount):
        raise Refused("journal-unbalanced", f"{name} is not balanced", "lines", wrong, "zero per currency and in base")
    lines = [Line(x.ledger, x.currency, x.local, x.base, x.account, "", x.share_class) for x in event.lines]
    return said(lines, "", f"{event.reason} ({event.maker}, checked by {event.checker})")
