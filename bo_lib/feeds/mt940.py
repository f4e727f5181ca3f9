"""MT940 and MT950 statements, MT942 intraday reports: entries of :61:, balances of :60:/:62:, the proof between them.

Source: SWIFT Standards MT Category 9. A statement is a message (or page of one): ``:28C:212/2`` is number 212, page 2.
RC takes back a credit, so it is money out; RD takes back a debit. The year of an entry date is the one nearest the value date.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from bo_lib.feeds.iso15022 import Field, Message, messages
from bo_lib.feeds.reading import Reading, UnreadableError
from bo_lib.model.tables import CASH_MOVEMENTS, STATEMENTS

KINDS = ("940", "942", "950")
_ENTRY = re.compile(
    r"(?P<value>\d{6})(?P<entry>\d{4})?(?P<mark>R?[CD]|E[CD])(?P<funds>[A-Z])?(?P<amount>\d+[.,]?\d*|[.,]\d+)"
    r"(?P<code>[A-Z][A-Z0-9 ]{3})(?P<rest>.*)"
)
_BALANCE = re.compile(r"([CD])(\d{6})([A-Z]{3})(\d+[.,]?\d*|[.,]\d+)\s*")
_SUM = re.compile(r"(\d+)([A-Z]{3})(\d+[.,]?\d*|[.,]\d+)\s*")
_IGNORED = {"20", "21", "13", "13D", "34F", "64", "65", "940", "942", "NS"}


def read(data: bytes, reading: Reading) -> None:
    """Every statement of the file into ``statements`` and ``cash_movements``."""
    reading.expect(STATEMENTS, CASH_MOVEMENTS)
    for message in messages(data, reading):
        if message.kind and message.kind not in KINDS:
            reading.error("message-not-read", f"an MT{message.kind} among cash statements is not read", message.at,
                          todo="put it in a file of its own")  # fmt: skip
            reading.refused += 1
        elif any(f.tag in ("25", "25P", "60F", "60M", "61", "62F", "62M", "90C", "90D") for f in message.fields):
            _statement(message, reading)


def _statement(message: Message, reading: Reading) -> None:
    fields = {f.tag: f for f in reversed(message.fields)}  # the first of each tag
    entries, refused, pending = _entries(message, reading)
    account_field = fields.get("25") or fields.get("25P")
    account = account_field.value.split("\n")[0].strip() if account_field else ""
    if not account:
        why = UnreadableError(
            "account-missing", "the statement names no account; its entries belong to nobody", expected=":25:account"
        )
        reading.refuse(why, message.at, "25", rows=1 + len(entries))
        return
    opening = _balance(fields.get("60F") or fields.get("60M"), reading)
    closing = _balance(_last(message, "62F", "62M"), reading)
    number_field = fields.get("28C") or fields.get("28")
    number = number_field.value.split("\n")[0].strip() if number_field else ""
    currency = _currency(opening, closing, fields)
    row: dict[str, Any] = {"account": account, "kind": "cash", "number": number or None, "currency": currency}
    row["statement_date"] = closing[0] if closing else _report_date(fields, reading)
    row["statement_id"] = reading.statement_id(account, number or str(row["statement_date"] or message.at))
    row["opening"] = opening[2] if opening else None
    row["closing"] = closing[2] if closing else None
    if opening and closing and opening[1] != closing[1]:
        row["closing"] = None
        reading.error("currency-differs", "opening and closing balance are in different currencies", message.at, "62",
                      found=closing[1], expected=opening[1])  # fmt: skip
    statement = reading.add(STATEMENTS, message.at, row)
    for line, entry in entries:
        shared = {"statement_id": row["statement_id"], "account": account, "currency": currency}
        reading.add(CASH_MOVEMENTS, f"line {line}", {**shared, **entry})
    if pending:
        reading.info("entries-pending", f"{pending} expected entries (EC, ED) are not booked and not kept", message.at)
    if not _is_report(message, fields):
        if opening is None and closing is None:
            reading.error(
                "balance-missing",
                "the statement carries neither opening nor closing balance",
                message.at,
                expected=":60F: and :62F:",
            )
        reading.prove(statement, [entry["amount"] for _, entry in entries], refused)
    _check_sums(message, [entry["amount"] for _, entry in entries], reading)


def _is_report(message: Message, fields: dict[str, Field]) -> bool:
    """An MT942 carries no balances: there is nothing to prove."""
    known = message.kind == "942" or bool(fields.keys() & {"34F", "90C", "90D", "13D"})
    return known and not fields.keys() & {"60F", "60M", "62F", "62M"}


def _last(message: Message, *tags: str) -> Field | None:
    return next((f for f in reversed(message.fields) if f.tag in tags), None)


def _entries(message: Message, reading: Reading) -> tuple[list[tuple[int, dict[str, Any]]], int, int]:
    """Entries with their lines, how many lines could not be read, how many are only expected (EC, ED)."""
    entries: list[tuple[int, dict[str, Any]]] = []
    current: dict[str, Any] | None = None
    leading: list[str] = []
    seen_entry, refused, pending = False, 0, 0
    for one in message.fields:
        if one.tag == "61":
            seen_entry, current = True, None
            try:
                current = _entry(one, reading)
            except UnreadableError as why:
                refused += 1
                reading.refuse(why, one.at, "61")
            if current and current.pop("_expected"):
                pending, current = pending + 1, None
            if current:
                entries.append((one.line, current))
        elif one.tag == "86" and current is not None:
            current["text"] = "\n".join(filter(None, [current["text"], one.value.strip()])) or None
        elif one.tag == "86" and not seen_entry:
            leading.append(one.value.strip())
        elif one.tag.startswith(("60", "62")):
            current = None
        elif one.tag not in _IGNORED and not one.tag.startswith(("25", "28", "86", "90")):
            reading.info("tag-unknown", "a field that is no part of the format is left out", one.at, one.tag, found=one.value[:80])
    if len(leading) == 1 and entries and entries[0][1]["text"] is None:
        entries[0][1]["text"] = leading[0]  # some banks write the narrative before its entry
        reading.info(
            "narrative-before-entry", "the narrative stands before its entry; taken as the first entry's", f"line {entries[0][0]}"
        )
    return entries, refused, pending


def _entry(one: Field, reading: Reading) -> dict[str, Any]:
    first, *more = one.value.split("\n")
    found = _ENTRY.fullmatch(first.rstrip())
    if not found:
        raise UnreadableError("entry-unreadable", "the entry is incomplete or not an entry", first,
                         "value date, C/D/RC/RD, amount, type and reference, such as 2606010601D100,00NTRFREF1",
                         "its amount is in no figure: ask the sender for a corrected statement")  # fmt: skip
    value_date = _day(found["value"])
    amount, reference = _amount(found["amount"]), found["rest"]
    if more and more[0].startswith("//") and "//" not in reference:
        reference, more = reference + more[0], more[1:]
    ours, _, theirs = reference.partition("//")
    ours, _, trailing = (ours + "   ").partition("  ")
    if not ours.strip():
        reading.warning(
            "entry-incomplete", "the entry has no reference", one.at, "61", found=first[:80], expected="a reference or NONREF"
        )
    if "." in found["amount"]:
        reading.warning("amount-format", "the amount has a decimal point; read as a comma", one.at, "61", found=found["amount"])
    return {
        "amount": amount if found["mark"] in ("C", "RD", "EC") else -amount,
        "booking_date": _booking_date(found["entry"], value_date),
        "value_date": value_date,
        "reference": ours.strip() or None,
        "bank_reference": theirs.strip() or None,
        "code": found["code"].strip(),
        "text": "\n".join(filter(None, [trailing.strip(), *(line.strip() for line in more)])) or None,
        "reversal": found["mark"].startswith("R"),
        "_expected": found["mark"].startswith("E"),
    }


def _amount(text: str) -> Decimal:
    return Decimal((text.replace(",", ".").rstrip(".") or "0") if text[0] not in ",." else "0." + text[1:])


def _day(text: str) -> date:
    """YYMMDD; years 80 to 99 are of the last century. Raises ``UnreadableError``."""
    try:
        year = int(text[:2])
        return date(year + (1900 if year >= 80 else 2000), int(text[2:4]), int(text[4:6]))
    except ValueError:
        raise UnreadableError("date-invalid", "no such date", text, "YYMMDD", "ask the sender for a corrected statement") from None


def _booking_date(text: str | None, value_date: date) -> date:
    """MMDD in the year that lies nearest the value date; the value date itself where none is given."""
    if text is None:
        return value_date
    near = []
    for year in (value_date.year - 1, value_date.year, value_date.year + 1):
        try:
            near.append(date(year, int(text[:2]), int(text[2:])))
        except ValueError:
            continue
    if not near:
        raise UnreadableError("date-invalid", "no such entry date", text, "MMDD", "ask the sender for a corrected statement")
    return min(near, key=lambda day: abs(day - value_date) + timedelta(0))


def _balance(one: Field | None, reading: Reading) -> tuple[date, str, Decimal] | None:
    """Date, currency and signed amount of a balance; None (with a finding) when it cannot be read."""
    if one is None:
        return None
    first = one.value.split("\n")[0]
    found = _BALANCE.fullmatch(first)
    try:
        if not found:
            raise UnreadableError(
                "balance-unreadable", "not a balance", first, "C or D, date, currency, amount, such as C260601EUR1000,00"
            )
        amount = _amount(found[4])
        return _day(found[2]), found[3], amount if found[1] == "C" else -amount
    except UnreadableError as why:
        reading.error(why.code, why.message, one.at, one.tag, **why.said)
        return None


def _currency(
    opening: tuple[date, str, Decimal] | None, closing: tuple[date, str, Decimal] | None, fields: dict[str, Field]
) -> str | None:
    if balance := opening or closing:
        return balance[1]
    for tag in ("34F", "90C", "90D"):
        if tag in fields and (found := re.search(r"[A-Z]{3}", fields[tag].value)):
            return found[0]
    return None


def _report_date(fields: dict[str, Field], reading: Reading) -> date | None:
    """The date of an MT942 (:13D: date and time of the report)."""
    one = fields.get("13D") or fields.get("13")
    return reading.tried(_day, one.value[:6], one.at, one.tag) if one and one.value[:6].isdigit() and len(one.value) >= 6 else None


def _check_sums(message: Message, amounts: list[Decimal], reading: Reading) -> None:
    """:90D: and :90C: state number and sum of the entries: a control total."""
    for one in message.fields:
        if one.tag not in ("90C", "90D") or not (found := _SUM.match(one.value)):
            continue
        mine = [a for a in amounts if (a > 0) == (one.tag == "90C") and a]
        stated, total = _amount(found[3]), abs(sum(mine, Decimal(0)))
        if (int(found[1]), stated) != (len(mine), total):
            reading.error("totals-differ", "the entries do not add up to the stated totals", one.at, one.tag,
                          found=f"{len(mine)} entries, {total}", expected=f"{int(found[1])} entries, {stated}",
                          todo="ask the sender for a corrected report")  # fmt: skip
