"""Posting rules of bonds over time and of contracts: amortisation, index ratios, futures, options, swaps, money deals."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from bo_lib.books.lots import Lot, add, apportion, position, relieve
from bo_lib.books.post_closing import closed
from bo_lib.books.state import Claim, Line, Refused, Setting, State, said
from bo_lib.model.events import Amortisation, IndexFixing, MoneyDeal, OptionExercise, SwapPayment, VariationMargin
from bo_lib.model.money import ZERO, plain, round_money

# style -> ledger of the principal, True where money is placed (an asset)
MONEY_LEDGERS = {
    "DEPOSIT": ("deposits_receivable", True), "REVERSE_REPO": ("reverse_repo_receivable", True),
    "BORROWING": ("borrowing_payable", False), "REPO": ("repo_payable", False), "LENDING": ("lending_collateral_payable", False),
}  # fmt: skip


def amortisation(event: Amortisation, state: State, setting: Setting, day: date) -> list[Line]:
    """Discount: Dr investments, Cr interest income; premium the other way round. The lot's cost moves. Not on every basis."""
    if not setting.basis.amortisation:
        return []
    setting.expect_currency(event.isin, event.currency)
    lots = state.lots_of(event.account, event.isin)
    lot = next((lot for lot in lots if lot.lot_id == event.lot_id), None)
    if lot is None:
        there = ", ".join(lot.lot_id for lot in lots) or "no lot"
        raise Refused("lot-unknown", f"amortisation of {event.isin}", "lot_id", event.lot_id, f"an open lot: {there}")
    base = setting.convert(event.amount, event.currency, day)
    lot.cost_local, lot.cost_base = lot.cost_local + event.amount, lot.cost_base + base
    return said(_interest_into_cost(event.currency, event.amount, base, event.account, event.isin), "", f"{event.lot_id} amortised")


def _interest_into_cost(currency: str, amount: Decimal, base: Decimal, account: str, isin: str) -> list[Line]:
    return [
        Line("investments", currency, amount, base, account, isin),
        Line("interest_income", currency, -amount, -base, account, isin),
    ]


def index_fixing(event: IndexFixing, state: State, setting: Setting, day: date) -> list[Line]:
    """Inflation since the last fixing, or since the purchase, on the nominal of every lot: interest, added to cost."""
    currency = setting.expect_instrument(event.isin)
    if event.index_ratio <= 0:
        raise Refused("index-ratio", f"index ratio of {event.isin}", "index_ratio", plain(event.index_ratio), "a number above 0")
    setting.expect_rate(currency, day)
    state.index_ratios[event.isin] = event.index_ratio
    lines: list[Line] = []
    for account, _ in state.positions_of(event.isin):
        for lot in state.lots_of(account, event.isin):
            uplift = round_money(lot.quantity * (event.index_ratio - lot.index_ratio), currency)
            base = setting.convert(uplift, currency, day)
            lot.cost_local, lot.cost_base, lot.index_ratio = lot.cost_local + uplift, lot.cost_base + base, event.index_ratio
            lines += said(_interest_into_cost(currency, uplift, base, account, event.isin), "", f"inflation on {lot.lot_id}")
    return lines


def variation_margin(event: VariationMargin, state: State, setting: Setting, day: date) -> list[Line]:
    """Contracts at the day's settlement price less what they were carried at: Dr margin receivable, Cr futures gain."""
    currency = setting.expect_instrument(event.isin)
    if not setting.is_future(event.isin):
        kind = setting.instruments[event.isin].kind
        raise Refused("not-a-future", f"variation margin of {event.isin}", "isin", kind, "an instrument of kind future")
    setting.expect_rate(currency, day)
    lines, claims = [], []
    for (account, isin), carried in sorted(state.carried.items()):
        if isin != event.isin:
            continue
        value = setting.worth(isin, position(state.lots_of(account, isin)), event.price)
        state.carried[account, isin] = value
        if moved := value - carried:
            base = setting.convert(moved, currency, day)
            claims.append(Claim("variation_margin_receivable", account, currency, moved, base, isin))
            lines += [claims[-1].line(), Line("futures_gain", currency, -moved, -base, account, isin)]
    state.claims[event.event_id] = claims
    return said(lines, "", f"{event.isin} settled at {plain(event.price)}")


def option_exercise(event: OptionExercise, state: State, setting: Setting, day: date) -> list[Line]:
    """The option's lots leave at cost; the underlying is bought or sold at the strike with the premium in its cost."""
    setting.expect_currency(event.isin, event.currency)
    setting.expect_currency(event.underlying, event.currency)
    setting.expect_another(event.isin, event.underlying, "underlying")
    setting.expect_rate(event.currency, day)
    options, base, ccy = state.lots_of(event.account, event.isin), setting.base_currency, event.currency
    held = position(options)
    if not 0 < event.quantity <= abs(held):
        told, allowed = f"exercise of {event.isin}", f"at most the {plain(abs(held))} contracts in {event.account}"
        raise Refused("contracts-too-few", told, "quantity", plain(event.quantity), allowed)
    contracts = event.quantity.copy_sign(held)
    units = contracts * setting.instruments[event.isin].worth * (1 if event.style == "CALL" else -1)
    shares = state.lots_of(event.account, event.underlying)
    if not setting.shorts_allowed and position(shares) + units < 0:
        told = f"delivery of {plain(-units)} {event.underlying}"
        raise Refused("position-too-small", told, "quantity", plain(position(shares)), "the shares to deliver")
    pieces, _ = relieve(options, -contracts, setting.lot_method(day), base)
    premium, premium_base = sum((p.cost_local for p in pieces), ZERO), sum((p.cost_base for p in pieces), ZERO)
    money = round_money(-units * event.strike, ccy)
    money_base = setting.convert(money, ccy, day)
    lines = _into_underlying(event, units, premium - money, premium_base - money_base, state, setting, day)
    lines.append(Line("investments", ccy, -premium, -premium_base, event.account, event.isin, quantity=-contracts))
    ledger = "receivable_for_investments_sold" if money > 0 else "payable_for_investments_purchased"
    owed = Claim(ledger, event.account, ccy, money, money_base, event.underlying, "", event.event_ref)
    state.claims[event.event_id] = [owed]
    return said([*lines, owed.line()], event.event_ref, f"{plain(event.quantity)} {event.isin} exercised at {plain(event.strike)}")


def _into_underlying(
    event: OptionExercise, units: Decimal, cost: Decimal, cost_base: Decimal, state: State, setting: Setting, day: date
) -> list[Line]:
    lots, ccy, who = state.lots_of(event.account, event.underlying), event.currency, (event.account, event.underlying)
    pieces, rest = relieve(lots, units, setting.lot_method(day), setting.base_currency)
    weights = [abs(piece.quantity) for piece in pieces] + ([abs(rest)] if rest else [])
    costs, bases = apportion(cost, weights, ccy), apportion(cost_base, weights, setting.base_currency)
    opened, opened_base = (costs.pop(), bases.pop()) if rest else (ZERO, ZERO)
    lines = closed(event, *who, pieces, costs, bases, state, setting, day)
    if rest:
        add(lots, Lot(f"{event.event_id}/1", *who, day, rest, ccy, opened, opened_base))
    first = lines[0]
    return [first._replace(local=first.local + opened, base=first.base + opened_base, quantity=units), *lines[1:]]


def swap_payment(event: SwapPayment, state: State, setting: Setting, day: date) -> list[Line]:
    """Dr receivable, Cr swap income; paid the other way round."""
    setting.expect_currency(event.isin, event.currency)
    base = setting.convert(event.amount, event.currency, day)
    claim = Claim("swap_receivable", event.account, event.currency, event.amount, base, event.isin, "", event.event_ref)
    state.claims[event.event_id] = [claim]
    lines = [claim.line(), Line("swap_income", event.currency, -event.amount, -base, event.account, event.isin)]
    return said(lines, event.event_ref, f"payment under {event.isin}")


def interest_to(deal: MoneyDeal, day: date) -> Decimal:
    """Simple interest of a money deal from its start to ``day`` (at most its maturity): earned positive, owed negative."""
    days = (min(day, deal.maturity_date) - deal.effective_date).days
    year = 365 if deal.day_count == "ACT/365F" else 360
    interest = round_money(deal.principal * deal.rate_pct_annual / 100 * days / year, deal.currency)
    return interest if MONEY_LEDGERS[deal.style][1] else -interest


def money_placed(event: MoneyDeal, state: State, setting: Setting, day: date) -> list[Line]:
    """Placed: Dr the principal's ledger, Cr cash; taken: Dr cash, Cr the principal's ledger. Collateral is not booked."""
    if event.principal <= 0 or event.maturity_date <= event.effective_date:
        found = f"{plain(event.principal)} to {event.maturity_date}"
        raise Refused("money-deal-terms", f"money deal {event.deal_id}", "principal", found, "above 0, to a day after its start")
    if event.deal_id in state.money_deals:
        raise Refused("deal-twice", f"deal {event.deal_id} is booked already", "deal_id", event.deal_id, "each deal once")
    ledger, placed = MONEY_LEDGERS[event.style]
    amount = event.principal if placed else -event.principal
    base = setting.convert(amount, event.currency, day)
    state.money_deals[event.deal_id] = event
    state.claims[event.event_id] = [Claim(ledger, event.account, event.currency, amount, base, "", "", event.deal_id)]
    lines = [
        Line(ledger, event.currency, amount, base, event.account),
        Line("cash", event.currency, -amount, -base, event.account),
    ]
    return said(lines, event.deal_id, f"{event.style.lower().replace('_', ' ')} until {event.maturity_date}")


def money_repaid(event: MoneyDeal, state: State, setting: Setting, day: date) -> list[Line]:
    """Principal and interest move; interest accrued until then was a mark, so all of it is booked here.

    A deposit brings its money back at the rate it was placed at: that is no disposal of the currency.
    """
    if state.money_deals.get(event.deal_id) != event:
        return []  # refused when it was agreed
    (principal,) = state.claims[event.event_id]
    interest, ccy = interest_to(event, day), event.currency
    interest_base = setting.convert(interest, ccy, day)
    back = principal.base if event.style == "DEPOSIT" else setting.convert(principal.local, ccy, day)
    del state.money_deals[event.deal_id], state.claims[event.event_id]
    income = "interest_income" if MONEY_LEDGERS[event.style][1] else "interest_expense"
    lines = [
        Line("cash", ccy, principal.local + interest, back + interest_base, event.account),
        Line(principal.ledger, ccy, -principal.local, -principal.base, event.account),
        Line(income, ccy, -interest, -interest_base, event.account),
        Line("realised_currency_gain", ccy, ZERO, principal.base - back, event.account),
    ]
    return said(lines, event.deal_id, f"{event.style.lower().replace('_', ' ')} repaid")
