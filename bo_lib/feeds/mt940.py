"""MT940 and MT950 statements, MT942 intraday reports: entries of :61:, balances of :60:/:62:, the proof between them.

Source: SWIFT Standards MT Category 9. A statement is a message, or a page of one: ``:28C:212/2`` is number 212, page 2. Each
page is proven by its own balances (:60M:, :62M:), and opens where the page before it closed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from bo_lib.feeds.iso15022 import Field, Message
from bo_lib.feeds.mt940_entry import Entry, amount, day, entry
from bo_lib.feeds.reading import Reading, UnreadableError
from bo_lib.model.findings import Severity
from bo_lib.model.money import NO_CURRENCY
from bo_lib.model.tables import CASH_MOVEMENTS, STATEMENTS, TRANSACTIONS

KINDS = ("940", "942", "950")
_BALANCE = re.compile(r"(?P<sign>[CD])(?P<date>[0-9]{6})(?P<currency>[A-Z]{3})? {0,15}(?P<amount>[0-9.,]{1,40})")
_SUM = re.compile(r"([0-9]{1,9})([A-Z]{3})([0-9.,]{1,30})\s*")
_KNOWN = {"20", "21", "13", "13D", "34F", "64", "65", "940", "942", "950", "NS"}
_LIMIT = re.compile(r"[A-Z]{3}([CD]?)([0-9.,]{1,30})\s*")
_WRAPPED_TIME = re.compile(r"[0-5][0-9](?![0-9])")  # after ``12-09-2014T16``: the line ``:26:37``
Balance = tuple[date | None, str, Decimal]
_OPENING, _CLOSING = ("60F", "60M", "60"), ("62F", "62M", "62")
_STARTS = {"25", "25P", "28", "28C", *_OPENING}


@dataclass(slots=True)
class _Entries:
    booked: list[Entry] = field(default_factory=list)
    expected: list[Entry] = field(default_factory=list)
    refused: int = 0


@dataclass(slots=True)
class _Page:
    """What the next page of an account must follow."""

    number: str
    at: str
    last: bool


def read(messages: list[Message], reading: Reading) -> None:
    """Every statement into ``statements`` and ``cash_movements``; expected entries (EC, ED) into ``transactions``, pending."""
    reading.expect(STATEMENTS, CASH_MOVEMENTS)
    pages: dict[str, _Page] = {}
    for message in messages:
        for part in _parts(message):
            _statement(message, part, pages, reading)
    for page in pages.values():
        if not page.last:
            reading.warning("page-missing", f"more pages of statement {page.number} follow, and none is in the file",
                            page.at, "62M", todo="wait for the next page, or ask the sender")  # fmt: skip


def _parts(message: Message) -> Iterator[list[Field]]:
    """The fields of each statement: some files put several into one message, without a :20: of their own."""
    part: list[Field] = []
    closed, account = False, None
    for one in message.fields:
        if closed and one.tag in _STARTS:
            yield part
            part, closed = ([account] if account and one.tag not in ("25", "25P") else []), False
        if one.tag in ("25", "25P"):
            account = one
        closed = closed or one.tag in _CLOSING
        part.append(one)
    yield part


def _statement(message: Message, part: list[Field], pages: dict[str, _Page], reading: Reading) -> None:
    fields = {f.tag: f for f in reversed(part)}  # the first of each tag
    at = part[0].at if part[0] is not message.fields[0] else message.at
    entries = _entries(part, reading)
    account, number = _account(fields, at, reading), _line(fields.get("28C") or fields.get("28"))
    first, last = _first(part, *_OPENING), _first(part[::-1], *_CLOSING)
    for one in part:
        if one.tag in (*_OPENING, *_CLOSING) and one not in (first, last):
            reading.warning("balance-repeated", "the statement carries more than one such balance; this one is left out", one.at,
                            one.tag, found=_line(one)[:80], todo="ask the sender which one holds")  # fmt: skip
    opening, closing = _balance(first, reading), _balance(last, reading)
    opening, closing = _in_currency_of(opening, closing, first, reading), _in_currency_of(closing, opening, last, reading)
    is_report = _is_report(message.kind, fields)
    currency = _currency(opening, closing, fields, account)
    row: dict[str, Any] = {"account": account, "kind": "cash", "number": number or None, "currency": currency}
    row["statement_date"] = closing[0] if closing else _report_date(fields, reading)
    row["statement_id"] = reading.statement_id(account, number or str(row["statement_date"] or at))
    row["opening"] = opening[2] if opening else None
    row["closing"] = closing[2] if closing else None
    if opening and closing and opening[1] != closing[1]:
        row["closing"] = None
        reading.error("currency-differs", "opening and closing balance are in different currencies", at, "62",
                      found=f"{closing[1]} {closing[2]}", expected=opening[1])  # fmt: skip
    statement = reading.add(STATEMENTS, at, row)
    _add(entries, statement, reading)
    if not is_report:
        if opening is None and closing is None:
            reading.error("balance-missing", "the statement carries neither opening nor closing balance", at,
                          expected=":60F: and :62F:")  # fmt: skip
        reading.prove(statement, [one.row["amount"] for one in entries.booked], entries.refused)
        _follow(pages, statement, first, last, reading)
    _check_available(part, reading)
    _check_sums(part, entries, currency, reading)


def _line(one: Field | None) -> str:
    return one.value.split("\n")[0].strip() if one else ""


def _account(fields: dict[str, Field], at: str, reading: Reading) -> str:
    """Field 25; NONREF, with an error, where the statement names none: its entries are kept and belong to nobody yet."""
    stated = _line(fields.get("25") or fields.get("25P"))
    if not stated:
        reading.error("account-missing", "the statement names no account; its entries belong to nobody", at, "25",
                      expected=":25:account", todo="ask the sender whose statement it is")  # fmt: skip
    return stated or "NONREF"


def _first(fields: list[Field], *tags: str) -> Field | None:
    return next((f for f in fields if f.tag in tags), None)


def _is_report(kind: str, fields: dict[str, Field]) -> bool:
    """An MT942 carries no balances: there is nothing to prove."""
    known = kind == "942" or bool(fields.keys() & {"34F", "90C", "90D", "13D"})
    return known and not fields.keys() & {*_OPENING, *_CLOSING}


def _add(entries: _Entries, statement: dict[str, Any], reading: Reading) -> None:
    shared = {"statement_id": statement["statement_id"], "account": statement["account"], "currency": statement["currency"]}
    if shared["currency"] is None and (entries.booked or entries.expected):
        reading.error("currency-missing", "no balance says the currency; the entries are kept without one", statement["at"], "60F",
                      found=NO_CURRENCY, todo="ask the sender for the statement again")  # fmt: skip
        shared["currency"] = NO_CURRENCY  # keeps entries whose statement lost its balances
    for one in entries.booked:
        reading.add(CASH_MOVEMENTS, f"line {one.line}", {**shared, **one.finished()})
    for one in entries.expected:
        row = one.finished()
        reading.add(TRANSACTIONS, f"line {one.line}", {
            **shared, "kind": "transfer", "status": "pending", "reference": row["reference"], "amount": row["amount"],
            "servicer_reference": row["bank_reference"], "settlement_date": row["value_date"], "text": row["text"],
        })  # fmt: skip
    if entries.expected:
        reading.info("entries-pending", f"{len(entries.expected)} expected entries (EC, ED) are not booked; kept as pending "
                     "transactions", statement["at"], "61")  # fmt: skip


def _entries(part: list[Field], reading: Reading) -> _Entries:
    """The entries of a statement, each with the narratives that follow it."""
    found = _Entries()
    current: Entry | None = None
    leading: list[str] = []
    seen_entry = False
    for one in part:
        if one.tag == "61":
            seen_entry, current = True, None
            try:
                current = entry(one, reading)
                (found.expected if current.expected else found.booked).append(current)
            except UnreadableError as why:
                found.refused += 1
                reading.refuse(why, one.at, "61")
        elif one.tag == "86" and current is not None:
            current.words.append(one.value.strip())
        elif one.tag == "86" and not seen_entry:
            leading.append(one.value.strip())
        elif one.tag.isdigit() and one.tag not in _KNOWN and current and _WRAPPED_TIME.match(one.value) and current.words:
            current.words[-1] += f"\n:{one.tag}:{one.value.strip()}"  # a time of day that a line end fell into
        elif one.tag.startswith(("60", "62")):
            current = None
        elif one.tag not in _KNOWN and not one.tag.startswith(("25", "28", "86", "90")):
            reading.info("tag-unknown", "a field that is no part of the format is left out", one.at, one.tag, found=one.value[:80])
    if len(leading) == 1 and found.booked and not found.booked[0].words:
        found.booked[0].words.append(leading[0])  # some banks write the narrative before its entry
        reading.info("narrative-before-entry", "the narrative stands before its entry; taken as the first entry's",
                     f"line {found.booked[0].line}")  # fmt: skip
    return found


def _balance(one: Field | None, reading: Reading) -> Balance | None:
    """Date, currency (empty where it names none) and signed amount; None, with a finding, when it cannot be read.

    A wrong date alone is said.
    """
    if one is None:
        return None
    text = one.value.split("\n")[0].strip()
    found = _BALANCE.fullmatch(text) if len(text) <= 200 else None
    try:
        if not found:
            raise UnreadableError(
                "balance-unreadable", "not a balance", text, "C or D, date, currency, amount, such as C260601EUR1000,00"
            )
        value = amount(found["amount"])
    except UnreadableError as why:
        reading.error(why.code, why.message, one.at, one.tag, **why.said)
        return None
    of = None
    if found["date"] == "000000" and one.tag.startswith("60"):  # of an account that had no statement before
        reading.warning("date-missing", "the opening balance has no date", one.at, one.tag, found=text, expected="YYMMDD")
    else:
        of = reading.tried(lambda text: day(text, one, reading), found["date"], one.at, one.tag)
    return of, found["currency"] or "", value if found["sign"] == "C" else -value


def _in_currency_of(balance: Balance | None, other: Balance | None, one: Field | None, reading: Reading) -> Balance | None:
    """A balance that names no currency, in that of the statement's other balance; none where neither says one."""
    if balance is None or one is None or balance[1]:
        return balance
    found = other[1] if other else ""
    reading.note(Severity.WARNING if found else Severity.ERROR, "balance-currency", "the balance names no currency; taken from the "
                 "other balance of the statement" if found else "no balance of the statement names a currency", one.at, one.tag,
                 found=one.value.split("\n")[0][:80], expected="C260601EUR1000,00")  # fmt: skip
    return (balance[0], found, balance[2]) if found else None


def _check_available(part: list[Field], reading: Reading) -> None:
    """:64: and :65: (available balances) must be balances; they are in no sum."""
    for one in part:
        if one.tag in ("64", "65"):
            _balance(one, reading)


def _follow(pages: dict[str, _Page], row: dict[str, Any], first: Field | None, last: Field | None, reading: Reading) -> None:
    """A page with an intermediate opening balance continues a page before it."""
    name = f"{row['account']}/{row['currency']}"
    before = pages.get(name)
    if first and first.tag == "60M" and (before is None or before.last):
        reading.warning("page-missing", f"the pages of statement {row['number']} before this one are not in the file",
                        first.at, "60M", todo="see whether another file holds them")  # fmt: skip
    elif first and first.tag == "60F" and before and not before.last:
        reading.warning("page-missing", f"more pages of statement {before.number} should follow; here another opens",
                            first.at, "60F", expected=":60M:", todo="ask the sender for the pages between")  # fmt: skip
    pages[name] = _Page(row["number"] or "", row["at"], last is None or last.tag == "62F")


def _currency(opening: Balance | None, closing: Balance | None, fields: dict[str, Field], account: str) -> str | None:
    """Of a balance, of a limit or total, or at the end of the account (``…1234EUR``)."""
    if balance := opening or closing:
        return balance[1]
    for tag in ("34F", "90C", "90D"):
        if tag in fields and (found := re.match(r"[0-9]{0,9}([A-Z]{3})", fields[tag].value)):
            return found[1]
    found = re.search(r"[0-9 /]([A-Z]{3})$", account[-40:])
    return found[1] if found else None


def _report_date(fields: dict[str, Field], reading: Reading) -> date | None:
    """The date of an MT942 (:13D: date and time of the report)."""
    one = fields.get("13D") or fields.get("13")
    if one is None or not re.match("[0-9]{6}", one.value):
        return None
    return reading.tried(lambda text: day(text, one, reading), one.value[:6], one.at, one.tag)


def _check_sums(part: list[Field], entries: _Entries, currency: str | None, reading: Reading) -> None:
    """:90D: and :90C: state number and sum of the debit and credit entries: control totals, with or without expected ones.

    They also count the entries below the floor limit (:34F:), which the report leaves out.
    """
    limits = [found for f in part if f.tag == "34F" and (found := _LIMIT.fullmatch(f.value[:60]))]
    floors = [(m[1], value) for m in limits if (value := reading.tried(amount, m[2], part[0].at, "34F"))]
    for one in part:
        if one.tag not in ("90C", "90D"):
            continue
        found = _SUM.fullmatch(one.value.split("\n")[0]) if len(one.value) <= 200 else None
        total = reading.tried(amount, found[3] if found else one.value[:40], one.at, one.tag)
        if found is None or total is None:
            if total is not None:
                reading.error(
                    "totals-unreadable", "not a control total", one.at, one.tag, found=one.value[:40], expected="1EUR200,50"
                )
            continue
        stated = int(found[1]), total
        possible = [_total(group, one.tag == "90D") for group in (entries.booked, [*entries.booked, *entries.expected])]
        floor = max((f for f in floors if f[0] in ("", one.tag[-1])), default=None, key=lambda f: f[1])
        if floor and currency in (None, found[2]) and any(_below(stated, mine, floor[1]) for mine in possible):
            reading.info("entries-below-floor", f"entries below the floor limit of {found[2]} {floor[1]} are in the total alone",
                         one.at, one.tag, found=f"{possible[0][0]} of {stated[0]} entries")  # fmt: skip
        elif stated not in possible or (currency and found[2] != currency):
            mine = possible[0]
            reading.error("totals-differ", "the entries do not add up to the stated totals", one.at, one.tag,
                          found=f"{mine[0]} entries, {currency} {mine[1]}", expected=f"{stated[0]} entries, {found[2]} {stated[1]}",
                          todo="ask the sender for a corrected report")  # fmt: skip


def _below(stated: tuple[int, Decimal], mine: tuple[int, Decimal], floor: Decimal) -> bool:
    """Whether what is stated beyond the entries given can be entries below the floor limit."""
    count, more = stated[0] - mine[0], stated[1] - mine[1]
    return count > 0 and 0 < more < count * floor


def _total(entries: list[Entry], debit: bool) -> tuple[int, Decimal]:
    chosen = [one.row["amount"] for one in entries if one.debit == debit]
    return len(chosen), abs(sum(chosen, Decimal(0)))
