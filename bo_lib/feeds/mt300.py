"""MT300 confirmations of currency deals, and MT304 instructions of a manager: a row per deal, its rate checked.

Source: SWIFT Standards MT Category 3. An MT300 speaks as its sender, party A: field 32B is what party A buys. It is read as its
receiver, so what party A buys we sell. An MT304 speaks for the fund itself.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from bo_lib.feeds.iso15022 import Field, Message, day, money
from bo_lib.feeds.reading import Reading, UnreadableError
from bo_lib.model.tables import FX_DEALS

KINDS = ("300", "304")
SPOT_DAYS_MAX = 2  # business days from trade to value date; later is a forward
_RATE = re.compile(r"\d{1,12}(,\d{0,12})?")
_RATE_TOLERANCE = Decimal("0.0001")  # of the amount: rates are stated with a few decimals only


def read(messages: list[Message], reading: Reading) -> None:
    """Every confirmation into ``fx_deals``."""
    reading.expect(FX_DEALS)
    for message in messages:
        try:
            _deal(message, reading)
        except UnreadableError as why:
            reading.refuse(why, message.at)


def _deal(message: Message, reading: Reading) -> None:
    fields = message.fields
    bought, sold = _amount(fields, "32B"), _amount(fields, "33B")
    if None in (bought[1], sold[1]) or bought[0] == sold[0]:
        raise UnreadableError(
            "currency-repeated", "both sides of the deal are of one currency", bought[0], "two currencies", field="33B"
        )
    traded, value = _date(fields, "30T"), _date(fields, "30V")
    deal_id = _text(fields, "20")
    if not deal_id:
        raise UnreadableError("reference-missing", "the confirmation has no reference", expected=":20:", field="20")
    _check_rate(fields, bought[1], sold[1], reading)
    operation = (_text(fields, "22A") or "NEWT").split("\n")[0]
    if operation in ("AMND", "DUPL"):
        what = "amends an earlier one" if operation == "AMND" else "is a duplicate"
        reading.warning("deal-repeated", f"the confirmation {what}", message.at, "22A", found=operation,
                        todo="let it replace the deal it names, not add to it")  # fmt: skip
    ours = {"buy": bought, "sell": sold} if message.kind == "304" else {"buy": sold, "sell": bought}
    receiving = "32B" if message.kind == "304" else "33B"
    reading.add(FX_DEALS, message.at, {
        "deal_id": deal_id, "status": "CANCEL" if operation == "CANC" else "NEW",
        "kind": "SPOT" if _weekdays(traded, value) <= SPOT_DAYS_MAX else "FORWARD",
        "account": _account(fields, receiving) or _party(fields, "83", "87") or "NONREF",
        "buy_currency": ours["buy"][0], "buy_amount": ours["buy"][1], 
        "sell_currency": ours["sell"][0], "sell_amount": ours["sell"][1],
        "trade_date": traded, "settlement_date": value,
        "counterparty": (_party(fields, "82") if message.kind == "300" else _party(fields, "87")) or message.sender or None,
    })  # fmt: skip


def _first(fields: list[Field], *tags: str) -> Field | None:
    return next((f for f in fields if f.tag in tags), None)


def _text(fields: list[Field], tag: str) -> str | None:
    one = _first(fields, tag)
    return one.value.strip() or None if one else None


def _amount(fields: list[Field], tag: str) -> tuple[str, Decimal]:
    one = _first(fields, tag)
    if one is None:
        raise UnreadableError("amount-missing", "the confirmation lacks one of its amounts", expected=f":{tag}:EUR1000,", field=tag)
    try:
        currency, value = money(one.value)
    except UnreadableError as why:
        why.field = tag
        raise
    return currency, abs(value)


def _date(fields: list[Field], tag: str) -> date:
    one = _first(fields, tag)
    found = day(one.value) if one else None
    if found is None:
        raise UnreadableError(
            "date-missing", "the confirmation lacks a date", one.value if one else "", f":{tag}:YYYYMMDD", field=tag
        )
    return found


def _check_rate(fields: list[Field], bought: Decimal, sold: Decimal, reading: Reading) -> None:
    """The amounts must follow from the rate, stated either way round."""
    one = _first(fields, "36")
    if one is None or not (bought and sold):
        return
    if not _RATE.fullmatch(one.value.strip()):
        reading.error("rate-unreadable", "not a rate", one.at, "36", found=one.value[:40], expected="digits with one decimal comma")
        return
    rate = Decimal(one.value.strip().replace(",", ".").rstrip("."))
    if not any(abs(a * rate - b) <= b * _RATE_TOLERANCE for a, b in ((bought, sold), (sold, bought))):
        reading.error("rate-differs", "the amounts do not follow from the rate", one.at, "36", found=one.value[:40],
                      expected=f"{sold / bought:.6f} or {bought / sold:.6f}", todo="ask the counterparty")  # fmt: skip


def _weekdays(start: date, end: date) -> int:
    """Weekdays after ``start`` up to ``end``, counted no further than needed: holidays are the calendar's business."""
    near = min((end - start).days, 7)
    return sum((start + timedelta(n)).weekday() < 5 for n in range(1, near + 1))


def _account(fields: list[Field], after: str) -> str | None:
    """The account of field 57 (receiving agent) that follows the amount received."""
    start = next((n for n, f in enumerate(fields) if f.tag == after), len(fields))
    for one in fields[start + 1 :]:
        if one.tag in ("32B", "33B") or one.tag.startswith("15"):
            break
        if one.tag.startswith("57") and (found := re.match(r"(?:/[CD])?/([^/\n]{1,34})$", one.value.split("\n")[0].strip())):
            return found[1]
    return None


def _party(fields: list[Field], *numbers: str) -> str | None:
    """BIC, or the name of option J, of a party field."""
    found: list[Any] = [f for n in numbers for f in fields if f.tag[:2] == n and len(f.tag) == 3]
    if not found:
        return None
    lines = [line for line in found[0].value.split("\n") if line.strip()]
    named = re.search(r"/NAME/([^\n]+)", found[0].value)
    return (named[1] if found[0].tag.endswith("J") and named else lines[-1] if lines else "").strip() or None
