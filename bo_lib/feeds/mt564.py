"""MT564 corporate action notifications: a row per option and movement, with the terms of event, option and movement joined.

Source: SWIFT Standards MT Category 5. A term stated for the movement wins over the option's, the option's over the event's.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bo_lib.feeds.iso15022 import Block, Field, Message, balance, day, money, number, security, tree
from bo_lib.feeds.reading import Reading, UnreadableError, named_by_isin
from bo_lib.model.tables import ANNOUNCEMENTS

KINDS = ("564",)
ROWS_MAX = 100_000  # of one message: accounts times options
_RATES = ("GRSS", "INTP", "INTR")  # INTR is the yearly rate: only when nothing is said of the payment
_WITHHOLDING = ("TAXR", "WITF", "WITL")
_PRICES = ("PRPP", "EXER", "OFFR", "REDM", "TDMT")


def read(messages: list[Message], reading: Reading) -> None:
    """Every MT564 into ``announcements``."""
    reading.expect(ANNOUNCEMENTS)
    for message in messages:
        root = tree(message, reading)
        try:
            _announcement(root, message.sender, reading)
        except UnreadableError as why:
            reading.refuse(why, root.at, rows=max(1, sum(1 for _ in root.inside("CAOPTN"))))


def _announcement(root: Block, sender: str, reading: Reading) -> None:
    general, underlying, event = root.part("GENL"), root.part("USECU"), root.part("CADETL")
    isin, local, name = security(underlying.get("35B"))
    reference, caev = general.text("20C", "CORP"), general.code("22F", "CAEV")
    for found, code, expected in ((reference, "reference-missing", "20C::CORP"), (caev, "event-type-missing", "22F::CAEV")):
        if not found:
            raise UnreadableError(code, "the notification lacks what identifies it", expected=f":{expected}//…", field=expected)
    named_by_isin(isin, local, name, ":35B:ISIN …", root.at, "35B", reading)
    shared = {
        "event_ref": reference, "function": (general.text("23G") or "").split("/")[0] or None, "sender": sender or None,
        "caev": caev, "camv": general.code("22F", "CAMV"), "isin": isin, "local_id": local,
        "announced": _date([event], reading, "ANOU"),
    }  # fmt: skip
    accounts, options = _accounts(underlying, reading), list(root.inside("CAOPTN"))
    rows = len(accounts) * sum(1 for _ in root.inside("CAOPTN", "SECMOVE", "CASHMOVE"))
    if rows > ROWS_MAX:
        raise UnreadableError("message-too-large", "the notification has more accounts times options than are kept", str(rows),
                              f"at most {ROWS_MAX}", "ask the sender to split it", "USECU")  # fmt: skip
    for account, eligible in accounts:
        held = {**shared, "account": account, "eligible": eligible}
        if not options:
            reading.add(ANNOUNCEMENTS, root.at, {**held, **_terms([event], caev, reading)})
        for option in options:
            _option(option, event, held, reading)


def _accounts(underlying: Block, reading: Reading) -> list[tuple[str | None, Decimal | None]]:
    """Accounts with their eligible balance; a notification may be for several."""
    found = []
    for block in underlying.inside("ACCTINFO"):
        stated = block.get("93", "ELIG")
        eligible = reading.tried(balance, stated.data, stated.at, "93B::ELIG") if stated else None
        found.append((block.code("97", "SAFE"), eligible[1] if eligible else None))
    return found or [(underlying.code("97", "SAFE"), None)]


def _option(option: Block, event: Block, held: dict[str, Any], reading: Reading) -> None:
    row = {**held, "option": option.text("13A", "CAON"), "option_type": option.code("22F", "CAOP"),
           "default_option": {"Y": True, "N": False}.get(option.code("17B", "DFLT") or "")}  # fmt: skip
    movements = [(b, "cash" if b.name == "CASHMOVE" else "securities") for b in option.inside("CASHMOVE", "SECMOVE")]
    if not movements:
        reading.add(ANNOUNCEMENTS, option.at, {**row, **_terms([option, event], held["caev"], reading)})
    ordinals = {"cash": 0, "securities": 0}
    for block, kind in movements:
        ordinals[kind] += 1
        terms = _terms([block, option, event], held["caev"], reading)
        direction = block.code("22H", "CRDB")
        reading.add(ANNOUNCEMENTS, block.at, {**row, **terms, "movement": f"{kind}-{ordinals[kind]}", "direction": direction})


def _terms(blocks: list[Block], caev: str | None, reading: Reading) -> dict[str, Any]:
    """Dates, rates, prices and ratios, each from the innermost block that states it."""
    currency, rate = _rate(blocks, reading)
    price_currency, price = _price(blocks, reading)
    new, old = _ratio(blocks, caev, reading)
    taxes = _first(blocks, "92A", _WITHHOLDING)
    return {
        "ex_date": _date(blocks, reading, "XDTE"), "record_date": _date(blocks, reading, "RDTE"),
        "payment_date": _date(blocks, reading, "PAYD"), "deadline": _date(blocks, reading, "RDDT", "MKDT"),
        "currency": currency or price_currency or next((t for b in blocks if (t := b.code("11A", "OPTN"))), None),
        "rate": rate, "price": price, "ratio_new": new, "ratio_old": old,
        "withholding_pct": reading.tried(number, taxes.code, taxes.at, taxes.tag) if taxes else None,
        "new_isin": next((isin for b in blocks if b.name != "CADETL" and (isin := security(b.get("35B"))[0])), None),
    }  # fmt: skip


def _first(blocks: list[Block], tag: str, qualifiers: tuple[str, ...]) -> Field | None:
    """The first stated field: by qualifier in order of preference, innermost block first; codes such as UKWN state nothing."""
    found = (f for q in qualifiers for b in blocks for f in b.all(tag, q))
    return next((f for f in found if f.tag[-1] not in "K" and f.code not in ("UKWN", "OPEN", "NILP")), None)


def _rate(blocks: list[Block], reading: Reading) -> tuple[str | None, Decimal | None]:
    """Gross rate of the payment: an amount per unit with its currency (92F, 92H, 92J), or percent (92A)."""
    one = _first(blocks, "92", _RATES)
    if one is None:
        return None, None
    if one.qualifier == "INTR":
        reading.info(
            "rate-annual", "only the yearly interest rate is stated, not that of the payment", one.at, one.tag, found=one.data
        )
    if one.tag == "92A" and not one.code[:3].isalpha():
        return None, reading.tried(number, one.code, one.at, one.tag)
    parts = one.data.split("/")
    stated = parts[1] if one.tag == "92J" and len(parts) > 1 else parts[0]
    return reading.tried(money, stated, one.at, one.tag) or (None, None)


def _price(blocks: list[Block], reading: Reading) -> tuple[str | None, Decimal | None]:
    one = _first(blocks, "90", _PRICES)
    if one is None:
        return None, None
    if one.tag == "90A":
        return None, reading.tried(number, one.code, one.at, one.tag)
    return reading.tried(money, one.code, one.at, one.tag) or (None, None)


def _ratio(blocks: list[Block], caev: str | None, reading: Reading) -> tuple[Decimal | None, Decimal | None]:
    """Units received for units held. A split stated as additional units (ADEX) is turned into units after for units before."""
    one = _first(blocks, "92D", ("NEWO", "ADEX"))
    if one is None:
        return None, None
    new, _, old = one.data.partition("/")
    pair = reading.tried(number, new, one.at, one.tag), reading.tried(number, old, one.at, one.tag)
    if one.qualifier == "ADEX" and caev in ("SPLF", "SPLR") and pair[0] is not None and pair[1] is not None:
        return pair[0] + pair[1], pair[1]
    return pair


def _date(blocks: list[Block], reading: Reading, *qualifiers: str) -> Any:
    one = _first(blocks, "98", qualifiers)
    return reading.tried(day, one.data, one.at, f"{one.tag}::{one.qualifier}") if one else None
