"""Likely causes that lie outside the two sides: announcements, messages of the custodian, trades and the books of the day before.

A reconciliation explains its breaks by its own rows first; what it left without a cause, or with one that only says what is
seen, is held against this further evidence. A cause is named only where one thing fits; where several would, none is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bo_lib.model import dates
from bo_lib.model.money import round_to
from bo_lib.recon.result import Break, Reconciliation, plain

Rows = Sequence[Mapping[str, Any]]
PAID_AROUND_DAYS = 5  # business days between the announced payment and the item
SETTLED_BACK_DAYS = 10  # business days
WEAK = frozenset([
    "", "timing", "not booked by us", "position not booked by us", "amount differs", "income not booked",
    "rate or withholding tax differs", "charge taken off by the bank",
])  # fmt: skip
CENT = Decimal("0.01")
INCOME_WORDS = ("dividend", "coupon", "interest")


@dataclass(frozen=True)
class Background:
    """What is known beside the two sides at the close of ``day``.

    announcements
        rows of ANNOUNCEMENTS. statuses: rows of SETTLEMENTS.
    trades
        standing trades of the books: trade_id, account, isin, side, quantity, trade_date, settlement_date.
    before
        (account, isin) -> quantity in the books at the close of the business day before, on the account's basis.
    """

    day: date
    calendar: str
    announcements: Rows = ()
    statuses: Rows = ()
    trades: Rows = ()
    before: Callable[[str, str], Decimal | None] = lambda account, isin: None


Found = tuple[str, str] | None


def explained(result: Reconciliation, known: Background) -> Reconciliation:
    """``result`` with a cause and its evidence for breaks that had none, or a weak one."""
    items = tuple(_explained(item, known) for item in result.items)
    return replace(result, items=items, comparison=_with_causes(result.comparison, items))


def _with_causes(comparison: pa.Table | None, items: Sequence[Break]) -> pa.Table | None:
    if comparison is None or not {"account", "isin", "cause"} <= set(comparison.column_names):
        return comparison
    causes = {(item.account, item.subject): item.cause or None for item in items}
    rows = [{**row, "cause": causes.get((row["account"], row["isin"]), row["cause"])} for row in comparison.to_pylist()]
    return pa.Table.from_pylist(rows, schema=comparison.schema)


def _explained(item: Break, known: Background) -> Break:
    if item.cause not in WEAK:
        return item
    found = next((f for test in (CASH if item.currency else POSITIONS) if (f := test(item, known))), None)
    if not found:
        return item
    cause, said = found
    evidence = f"{item.evidence}; {said}" if item.evidence else said
    return replace(item, cause=cause or item.cause, evidence=evidence)


# Cash ----------------------------------------------------------------------------------------------------------------


def income_announced(item: Break, known: Background) -> Found:
    """A dividend or coupon: whether it was announced, what it should be, and whose amount agrees."""
    action = _announced(item, known)
    if action is None:
        return None
    said, expected = _income(action), _expected(action)
    if item.kind == "missing_here":
        return "income not booked", said
    if item.kind == "missing_there":
        late = item.item_date is not None and dates.business_days_after(item.item_date, known.day, known.calendar) > 1
        return "income not paid by the custodian" if late else "", said
    if item.kind != "amount":
        return None
    traded = _traded_around(item, action, known)
    if traded:
        return "traded around the ex date", f"{said}; {traded}"
    return "", said + (f", net {plain(expected)}" if expected is not None else "")


def _announced(item: Break, known: Background) -> Mapping[str, Any] | None:
    """The one event with money that the item refers to, or that pays on its security about then."""
    paying = [a for a in known.announcements if a["rate"] is not None and a["payment_date"]]
    named = [a for a in paying if item.reference and a["event_ref"] == item.reference]
    income = any(word in item.text.lower() for word in INCOME_WORDS)
    about = [
        a for a in paying if income and item.isin and a["isin"] == item.isin and _near(a["payment_date"], item.item_date, known)
    ]
    found = {(a["isin"], a["payment_date"]): a for a in named or about}
    return next(iter(found.values())) if len(found) == 1 else None


def _near(paid: date, day: date | None, known: Background) -> bool:
    if day is None:
        return False
    first, last = sorted((paid, day))
    return dates.business_days_after(first, last, known.calendar) <= PAID_AROUND_DAYS


def _income(action: Mapping[str, Any]) -> str:
    when = f"ex {action['ex_date']}" if action["ex_date"] else f"record {action['record_date']}"
    on = f" on {plain(action['eligible'])}" if action["eligible"] is not None else ""
    tax = f" less {plain(action['withholding_pct'])}%" if action["withholding_pct"] else ""
    rate = f"{plain(action['rate'])} {action['currency'] or ''}".strip()
    return f"{action['caev']} {action['event_ref']} announced: {rate}{on}{tax}, {when}, paid {action['payment_date']}"


def _expected(action: Mapping[str, Any]) -> Decimal | None:
    """Net income on what the sender sees as eligible; of a coupon, whose rate is of a year, nothing is said."""
    if action["eligible"] is None or action["caev"] == "INTR":
        return None
    return _net(action, action["eligible"])


def _net(action: Mapping[str, Any], quantity: Decimal) -> Decimal:
    gross = round_to(quantity * action["rate"], 2)
    return gross - round_to(gross * (action["withholding_pct"] or 0) / 100, 2)


def _traded_around(item: Break, action: Mapping[str, Any], known: Background) -> str:
    """The one trade before the ex date that settles on it or after, and whose income is the difference."""
    ex, record = action["ex_date"], action["record_date"]
    if not ex:
        return ""
    last = record or ex
    across = [
        t for t in known.trades
        if t["isin"] == action["isin"] and t["trade_date"] < ex and t["settlement_date"] >= last
        and abs(abs(item.amount) - abs(_net(action, t["quantity"]))) <= CENT
    ]  # fmt: skip
    if len(across) != 1:
        return ""
    t = across[0]
    return f"{t['side']} {plain(t['quantity'])} under {t['trade_id']} of {t['trade_date']} settled {t['settlement_date']}"


def trade_not_booked(item: Break, known: Background) -> Found:
    """The bank moved money for a trade that the custodian confirms and the books do not have."""
    if item.kind != "missing_here" or not item.reference:
        return None
    booked = {t["trade_id"] for t in known.trades}
    told = [s for s in known.statuses if s["reference"] == item.reference and s["reference"] not in booked]
    return ("trade not booked by us", _message(told[-1])) if told else None


def exchange_rate(item: Break, known: Background) -> Found:
    if item.kind == "amount" and item.cause == "amount differs" and item.text.lower().startswith("fx "):
        return "exchange rate differs", "a currency deal"
    return None


# Positions -----------------------------------------------------------------------------------------------------------


def message_for_no_trade(item: Break, known: Background) -> Found:
    """Securities that the custodian settled under a reference that is no trade of ours make up the difference."""
    booked = {t["trade_id"] for t in known.trades}
    settled = [
        s for s in known.statuses
        if s["status"] == "settled" and s["account"] == item.account and s["isin"] == item.isin
        and s["reference"] not in booked and _received(s) == -item.amount
    ]  # fmt: skip
    return ("trade not booked by us", _message(settled[0])) if len({s["reference"] for s in settled}) == 1 else None


def stale_statement(item: Break, known: Background) -> Found:
    """The custodian shows what the books held on the business day before."""
    if item.kind == "missing_here":
        return None
    before = known.before(item.account, item.isin)
    there = _there(item)
    if before is None or there is None or there != before:
        return None
    return "stale statement", f"the custodian shows {plain(there)}, what the books held the business day before"


def _there(item: Break) -> Decimal | None:
    """The custodian's quantity, as the evidence of the break says it."""
    _, _, said = item.evidence.partition("custodian ")
    text = said.split(";")[0].strip()
    try:
        return Decimal(text) if text else None
    except ArithmeticError:
        return None


def trade_counted_otherwise(item: Break, known: Background) -> Found:
    """One trade that has settled of late and is as large as the difference: not shown there, or shown twice."""
    back = dates.add_business_days(known.day, -SETTLED_BACK_DAYS, known.calendar)
    settled = {s["reference"] for s in known.statuses if s["status"] == "settled"}
    mine = [
        t for t in known.trades
        if (t["account"], t["isin"]) == (item.account, item.isin) and t["trade_id"] in settled and t["settlement_date"] >= back
    ]  # fmt: skip
    for sign, cause in ((1, "settled trade not shown by the custodian"), (-1, "trade counted twice by the custodian")):
        fitting = [t for t in mine if _signed(t) == sign * item.amount]
        if len(fitting) == 1:
            t = fitting[0]
            return cause, f"{t['side']} {plain(t['quantity'])} under {t['trade_id']}, settled {t['settlement_date']}"
    return None


CASH = (income_announced, trade_not_booked, exchange_rate)
POSITIONS = (message_for_no_trade, stale_statement, trade_counted_otherwise)


def _signed(trade: Mapping[str, Any]) -> Decimal:
    quantity: Decimal = trade["quantity"]
    return quantity if trade["side"] in ("BUY", "COVER") else -quantity


def _received(status: Mapping[str, Any]) -> Decimal | None:
    quantity: Decimal | None = status["quantity"]
    return quantity if quantity is None or status["side"] == "RECEIVE" else -quantity


def _message(s: Mapping[str, Any]) -> str:
    what = " ".join(str(part) for part in (s["side"], plain(s["quantity"]) if s["quantity"] is not None else "", s["isin"]) if part)
    return f"the custodian says {s['status']} for {s['reference']}: {what}, {s['effective_date']}; the books have no such trade"
