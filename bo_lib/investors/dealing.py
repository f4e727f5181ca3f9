"""Dealing: accepted orders at the day's prices become contract notes and capital; closed-end funds call by commitment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bo_lib.config import Fund, ShareClass
from bo_lib.investors.orders import settlement_date
from bo_lib.investors.split import split_exactly
from bo_lib.investors.tables import CONTRACT_NOTES
from bo_lib.model.dates import add_business_days
from bo_lib.model.events import Capital
from bo_lib.model.findings import Finding, Outcome, Place, error
from bo_lib.model.money import ZERO, Rates, Rounding, minor_unit_digits, round_money, round_to
from bo_lib.model.tables import built


@dataclass(frozen=True)
class Dealt:
    """``notes`` (table CONTRACT_NOTES) for the investors, ``capital`` for the books and the register."""

    notes: pa.Table
    capital: tuple[Capital, ...]


def deal(accepted: pa.Table, prices: Mapping[Any, Decimal], rates: Rates, fund: Fund, day: date) -> Outcome[Dealt]:
    """Deals ``accepted`` (table ACCEPTED) at ``prices`` of ``day``: by class, before that by (class, order kind), and first of all
    by (investor, class, order kind), where a levy or equalisation makes them differ.

    Subscription: units = amount / price rounded down, the remainder shown. Redemption: money = units x price rounded half up.
    Units join the fund on the next business day; money moves after the settlement days. Where every dealing day opens a
    series, subscriptions buy next month's. A class without a price, or a series without terms, is an error and deals nothing.
    """
    notes: list[dict[str, Any]] = []
    capital: list[Capital] = []
    findings: list[Finding] = []
    for order in accepted.to_pylist():
        share_class = series_of(order, fund, day)
        terms = next((c for c in fund.on(day).classes if c.id == share_class), None)
        price = _price(order, share_class, prices, fund, day)
        if terms is None or (price is None and order["kind"] != "CALL"):
            findings.append(_undealt(order, share_class, terms, day))
            continue
        note = _note(order, terms, price, fund, day)
        notes.append(note)
        capital.append(_capital(note, rates, fund))
    return Outcome(Dealt(built(CONTRACT_NOTES, notes), tuple(capital)), tuple(findings))


def series_of(order: Mapping[str, Any], fund: Fund, day: date) -> str:
    """The class an order deals in: for subscriptions of a fund in series, the series of the next month."""
    if order["kind"] == "SUBSCRIBE" and fund.on(day).dealing.new_series:
        return f"S-{add_business_days(day, 1, fund.calendar):%Y-%m}"
    return str(order["share_class"])


def _price(order: Mapping[str, Any], share_class: str, prices: Mapping[Any, Decimal], fund: Fund, day: date) -> Decimal | None:
    dealing, kind = fund.on(day).dealing, order["kind"]
    if kind == "SUBSCRIBE" and dealing.new_series:
        return dealing.series_price
    keys = ((order["investor"], share_class, kind), (share_class, kind), share_class)
    return next((prices[key] for key in keys if key in prices), None)


def _undealt(order: dict[str, Any], share_class: str, terms: ShareClass | None, day: date) -> Finding:
    what = f"class {share_class} has no terms on {day}" if terms is None else f"class {share_class} has no price of {day}"
    todo = "add the series to the fund's terms" if terms is None else "strike the NAV first"
    return error(
        "order-not-dealt",
        f"order {order['order_id']}: {what}",
        Place(file=f"order {order['order_id']}", at=order["at"] or ""),
        todo=todo,
    )


def _note(order: dict[str, Any], terms: ShareClass, price: Decimal | None, fund: Fund, day: date) -> dict[str, Any]:
    amount, units = order["amount"] or ZERO, order["units"] or ZERO
    effective, settles = add_business_days(day, 1, fund.calendar), settlement_date(fund, day)
    if order["kind"] == "CALL" or price is None:
        effective = settles = order["dealing_date"] or day
        paid = amount
    elif units:
        paid = round_money(units * price, terms.currency)
    else:
        units = round_to(amount / price, terms.unit_decimals, Rounding.DOWN)
        paid = amount if order["kind"] == "SUBSCRIBE" else round_money(units * price, terms.currency)
    remainder = amount - round_money(units * price, terms.currency) if price is not None and amount else ZERO
    return {
        "order_id": order["order_id"], "investor": order["investor"], "share_class": terms.id, "kind": order["kind"],
        "dealing_date": day, "price": price, "units": units, "amount": paid, "remainder": remainder, "currency": terms.currency,
        "effective_date": effective, "settlement_date": settles,
    }  # fmt: skip


def _capital(note: Mapping[str, Any], rates: Rates, fund: Fund) -> Capital:
    return Capital(
        event_id=f"{fund.id}:capital:{note['order_id']}", fund=fund.id, effective_date=note["effective_date"],
        order_id=note["order_id"], investor=note["investor"], share_class=note["share_class"], action=note["kind"],
        units=note["units"], amount=note["amount"],
        amount_base=rates.convert(note["amount"], note["currency"], fund.base_currency), currency=note["currency"],
        account=fund.on(note["dealing_date"]).dealing.account or fund.accounts[0].id, settlement_date=note["settlement_date"],
    )  # fmt: skip


def capital_call(fund: Fund, amount: Decimal, notice: date, due: date, rates: Rates, reference: str) -> tuple[Capital, ...]:
    """A call of ``amount`` (class currency) split by commitment to the last cent; capital and cash on ``due``.

    Raises ``ValueError`` when no investor has a commitment.
    """
    terms = fund.on(notice)
    c = terms.classes[0]
    parts = split_exactly(amount, {i.id: i.commitment for i in fund.investors}, minor_unit_digits(c.currency))
    return tuple(
        Capital(
            event_id=f"{fund.id}:capital:{reference}:{investor}", fund=fund.id, effective_date=due,
            order_id=f"{reference}:{investor}", investor=investor, share_class=c.id, action="CALL", units=ZERO, amount=part,
            amount_base=rates.convert(part, c.currency, fund.base_currency), currency=c.currency,
            account=terms.dealing.account or fund.accounts[0].id, settlement_date=due,
        )
        for investor, part in parts.items() if part
    )  # fmt: skip
