"""BAI2 cash management balance reports: accounts with balances and transactions; every control total is checked.

Source: BAI Cash Management Balance Reporting Specifications, version 2, and its successor, version 3 (ANSI X9.121, BTRS), whose
records are the same. Records are joined over their continuations (88) before
they are read, also where they do not begin a line. The library ``bai2`` knows the type codes: whether one is a credit or a
debit, and what it means. A total that does not fit is a finding and the rows stay: the library itself would keep nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from bo_lib.feeds.reading import Reading, UnreadableError, decode, lines_of
from bo_lib.model.money import ZERO, minor_unit_digits
from bo_lib.model.tables import CASH_MOVEMENTS, STATEMENTS, TRANSACTIONS

_RECORD = re.compile(r"(01|02|03|16|49|88|98|99)(?:,|$|/)")
_INLINE = re.compile(r"/\s+(?=(?:01|02|03|16|49|88|98|99),)")  # several records on one line
_LEDGER = {"opening": ("010",), "closing": ("015",)}
_DEFAULT_CURRENCY = "USD"
_NON_MONETARY = "890"
_WHOLE = re.compile(r"[+-]?\d{1,28}")


@dataclass
class _Record:
    code: str
    text: str
    line: int
    physical: int = 1


@dataclass
class _Account:
    row: dict[str, Any]
    record: _Record
    total: int = 0  # of every amount in 03 and 16 records, as the control total wants it
    amounts: list[Decimal] = field(default_factory=list)
    refused: int = 0
    records: int = 0


@dataclass
class _Section:
    """A group or the file: what its trailer must state."""

    record: _Record
    total: int = 0
    parts: int = 0
    records: int = 0
    currency: str = ""
    day: date | None = None


def read(data: bytes, reading: Reading) -> None:
    """Every account of the file into ``statements`` and ``cash_movements``."""
    reading.expect(STATEMENTS, CASH_MOVEMENTS)
    _Report(reading).read(list(_records(decode(data, reading), reading)))


def looks_like(head: str) -> bool:
    """A file header, or its first record, of BAI version 2."""
    first = next((line for line in lines_of(head) if line.strip()), "")
    return (
        re.match(r"\s*01,[^,\n]*,[^,\n]*,\d{6},", first) is not None
        or re.match(r"\s*02,[^,\n]*,[^,\n]*,[1-4],\d{6},", first) is not None
    )


def _records(text: str, reading: Reading) -> Iterator[_Record]:
    """Logical records with their continuations; a line that begins no record continues the text before it."""
    current: _Record | None = None
    for number, line in enumerate(lines_of(text), 1):
        for piece in _INLINE.split(line):
            said = piece.strip()
            found = _RECORD.match(said)
            if not said:
                continue
            if found and found[1] != "88":
                if current:
                    yield current
                current = _Record(found[1], said[3:], number)
            elif current is None:
                reading.refuse(
                    UnreadableError("record-unknown", "a line before the first record", said[:60], "01,…"), f"line {number}"
                )
            elif found:
                current.text = _joined(current, said[3:])
                current.physical += 1
            elif current.code in ("16", "03"):
                current.text += " " + said  # a text that was folded without an 88
            else:
                reading.refuse(UnreadableError("record-unknown", "a line that begins no known record", said[:60],
                                               "01, 02, 03, 16, 49, 88, 98 or 99"), f"line {number}")  # fmt: skip
    if current:
        yield current


def _joined(record: _Record, more: str) -> str:
    """A continuation goes on with the next field where the record ended with a slash, else with the text."""
    said = record.text.rstrip()
    if not said.endswith("/"):
        return f"{said} {more}" if record.code == "16" else f"{said}{more}"
    said = said[:-1]
    if record.code == "03" and said.endswith(",") and not _fits(f"{said},{more}"):
        return said + more  # the comma that some banks put before the slash already begins the next field
    return f"{said},{more}"


def _fits(said: str) -> bool:
    """Whether every summary of an account record has a type code where one must stand."""
    rest = said.rstrip().rstrip("/").split(",")[2:]
    while any(rest):
        code, amount = rest.pop(0).strip(), (rest.pop(0) if rest else "").strip()
        if not (re.fullmatch(r"\d{3}", code) or not code + amount) or not (amount == "" or _WHOLE.fullmatch(amount)):
            return False
        funds = (rest.pop(1) if len(rest) > 1 else "").strip()
        del rest[:1]
        _skip_availability(funds, rest)
    return True


class _Report:
    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.file: _Section | None = None
        self.group: _Section | None = None
        self.account: _Account | None = None

    def read(self, records: list[_Record]) -> None:
        takes = {"01": self._file, "02": self._group, "03": self._open, "16": self._transaction, "49": self._close,
                 "98": self._group_end, "99": self._file_end}  # fmt: skip
        for record in records:
            for section in (self.file, self.group):
                if section and record.code not in ("01", "02"):
                    section.records += record.physical
            takes[record.code](record)
        last = records[-1] if records else None
        if last is not None and (self.account or self.group or self.file):
            self._settle()
            self.reading.error("file-truncated", "the file ends before its trailer", f"line {last.line}", expected="49, 98 and 99",
                               todo="the file is cut: ask the sender for it again")  # fmt: skip

    def _file(self, record: _Record) -> None:
        self.file = _Section(record, records=record.physical)
        version = _fields(record)[7:8]
        if version and version[0].strip() not in ("2", "3", ""):
            said = "not version 2 or 3 of the format; read as if it were"
            self.reading.error("version-unknown", said, f"line {record.line}", "version", found=version[0], expected="2 or 3")

    def _group(self, record: _Record) -> None:
        self._settle()
        fields = [*_fields(record), *[""] * 7]
        self.group = _Section(record, records=record.physical, currency=fields[5])
        if self.file:
            self.file.records += record.physical
        self.group.day = self.reading.tried(_day, fields[3] or None, f"line {record.line}", "as-of date")

    def _open(self, record: _Record) -> None:
        self._settle()
        place, fields = f"line {record.line}", [*_fields(record), "", ""]
        currency = fields[1] or (self.group.currency if self.group else "") or _DEFAULT_CURRENCY
        day = self.group.day if self.group else None
        row: dict[str, Any] = {"account": fields[0], "kind": "cash", "currency": currency, "statement_date": day,
                               "number": day.isoformat() if day else None, "opening": None, "closing": None}  # fmt: skip
        self.account = _Account(row, record, records=record.physical)
        try:
            if not fields[0]:
                raise UnreadableError("account-missing", "the record names no account", expected="03,account,…")
            balances = self._summaries(fields[2:])
        except UnreadableError as why:
            self.reading.error(why.code, why.message, place, why.field, **why.said)
            balances = {}
        for name, codes in _LEDGER.items():
            row[name] = next((_major(balances[c], currency) for c in codes if c in balances), None)
        row["account"] = row["account"] or "UNKNOWN"
        row["statement_id"] = self.reading.statement_id(row["account"], row["number"] or str(record.line))
        self.reading.add(STATEMENTS, place, row)

    def _summaries(self, fields: list[str]) -> dict[str, int]:
        """Type code -> amount of the account's balances and totals; their sum goes into the control total."""
        found: dict[str, int] = {}
        rest = list(fields)
        assert self.account is not None
        while any(rest):
            code, amount = rest.pop(0).strip(), (rest.pop(0) if rest else "").strip()
            _count, funds = (rest.pop(0) if rest else ""), (rest.pop(0) if rest else "").strip()
            _skip_availability(funds, rest)
            if amount:
                value = _whole(amount)
                self.account.total += value
                if code:
                    found.setdefault(code, value)
        return found

    def _transaction(self, record: _Record) -> None:
        place = f"line {record.line}"
        if self.account is None:
            self.reading.refuse(
                UnreadableError("account-missing", "a transaction outside any account", expected="03 before 16"), place
            )
            return
        self.account.records += record.physical
        code, amount = [*_fields(record), "", ""][:2]
        self.account.total += int(amount) if _WHOLE.fullmatch(amount.strip()) else 0  # also of what cannot be kept
        if code.strip() == _NON_MONETARY:
            self.reading.info("entry-non-monetary", "a record of words alone moves no money and is left out", place, found=code)
            return
        try:
            row = self._movement(record)
        except UnreadableError as why:
            self.account.refused += 1
            self.reading.refuse(why, place)
            return
        if row is None:
            return
        self.account.amounts.append(row["amount"])
        self.reading.add(CASH_MOVEMENTS, place, row)

    def _movement(self, record: _Record) -> dict[str, Any] | None:
        """The row of a transaction; None for one of unknown direction, which is kept among the transactions, without an amount."""
        assert self.account is not None
        rest = _fields(record)
        code, amount = (rest.pop(0).strip() if rest else ""), (rest.pop(0) if rest else "").strip()
        funds = rest.pop(0).strip() if rest else ""
        sign, meaning = _direction(code)
        value = _whole(amount) if amount else 0
        valued = _skip_availability(funds, rest)
        bank, customer = (rest.pop(0).strip() if rest else ""), (rest.pop(0).strip() if rest else "")
        shared, currency = self.account.row, self.account.row["currency"]
        if not sign:
            self._undirected(record, code, _major(value, currency), customer, bank, rest)
            return None
        return {
            "statement_id": shared["statement_id"], "account": shared["account"], "currency": currency,
            "amount": sign * _major(value, currency), "booking_date": shared["statement_date"],
            "value_date": self.reading.tried(_day, valued, f"line {record.line}", "value date") or shared["statement_date"],
            "reference": customer or None, "bank_reference": bank or None, "code": code,
            "text": " ".join(",".join(rest).rstrip("/ ").split()) or meaning, "reversal": False,
        }  # fmt: skip

    def _undirected(self, record: _Record, code: str, value: Decimal, ours: str, theirs: str, words: list[str]) -> None:
        assert self.account is not None
        shared, place = self.account.row, f"line {record.line}"
        said = " ".join(",".join(words).rstrip("/ ").split())
        self.reading.warning(
            "direction-unknown", "a type code that is neither credit nor debit; kept among the transactions, in no sum", place,
            "type", found=f"{code} {value}", expected="100 to 699, or 920 to 999", todo="ask the bank what the code means",
        )  # fmt: skip
        self.reading.add(TRANSACTIONS, place, {
            "statement_id": shared["statement_id"], "account": shared["account"], "kind": "transfer",
            "currency": shared["currency"], "reference": ours or None, "servicer_reference": theirs or None,
            "effective_date": shared["statement_date"],
            "text": f"type {code}, {value} of unknown direction" + (f": {said}" if said else ""),
        })  # fmt: skip

    def _close(self, record: _Record) -> None:
        if self.account is None:
            self._misplaced(record, "03")
            return
        self.account.records += record.physical
        self._compare(record, "account", self.account.total, None, self.account.records)
        if self.group:
            self.group.total += _stated(record, self.account.total)
            self.group.parts += 1
        self._settle(closed=True)

    def _settle(self, closed: bool = False) -> None:
        """The account is read: proves it, and says so where its trailer is missing."""
        account, self.account = self.account, None
        if account is None:
            return
        if not closed:
            self.reading.error("trailer-missing", "the account has no trailer, no control total", account.row["at"], "49",
                               todo="ask the sender for the file again")  # fmt: skip
            if self.group:
                self.group.total += account.total
                self.group.parts += 1
        if account.row["opening"] is None or account.row["closing"] is None:
            account.row["proven"] = None
            return
        self.reading.prove(account.row, account.amounts, account.refused)

    def _group_end(self, record: _Record) -> None:
        self._settle()
        if self.group is None:
            self._misplaced(record, "02")
            return
        self._compare(record, "group", self.group.total, self.group.parts, self.group.records)
        if self.file:
            self.file.total += _stated(record, self.group.total)
            self.file.parts += 1
        self.group = None

    def _file_end(self, record: _Record) -> None:
        self._settle()
        if self.group is not None:
            self.reading.error("trailer-missing", "the group has no trailer", f"line {self.group.record.line}", "98",
                               todo="ask the sender for the file again")  # fmt: skip
            if self.file:
                self.file.total += self.group.total
                self.file.parts += 1
            self.group = None
        if self.file is None:
            self._misplaced(record, "01")
            return
        self._compare(record, "file", self.file.total, self.file.parts, self.file.records)
        self.file = None

    def _misplaced(self, record: _Record, opening: str) -> None:
        self.reading.error("record-misplaced", f"a trailer without its header {opening}", f"line {record.line}", record.code,
                           todo="ask the sender for the file again")  # fmt: skip

    def _compare(self, record: _Record, of: str, total: int, parts: int | None, records: int) -> None:
        """The control total, the number of parts and the number of records that a trailer states against those found."""
        fields = [f.strip() for f in _fields(record)]
        names = ["control total", *(["parts"] if parts is not None else []), "records"]
        counted = [total, *([parts] if parts is not None else []), records]
        codes = {"control total": "control-total", "parts": "part-count", "records": "record-count"}
        for name, is_, said in zip(names, counted, [*fields, "", "", ""], strict=False):
            if not said and name == "control total" and not is_:
                continue
            if not _WHOLE.fullmatch(said) or int(said) != is_:
                self.reading.error(
                    codes[name], f"the {of}'s trailer does not state the {name} of the records before it", f"line {record.line}",
                    f"{of} {name}", found=said or "nothing", expected=str(is_),
                    todo="a record may be missing, doubled or changed: ask the sender for the file again",
                )  # fmt: skip


def _fields(record: _Record) -> list[str]:
    said = record.text.rstrip()
    return (said[:-1] if said.endswith("/") else said).split(",")


def _stated(record: _Record, counted: int) -> int:
    """The total that a trailer states, so that the level above is checked by itself."""
    said = _fields(record)[0].strip()
    return int(said) if _WHOLE.fullmatch(said) else counted


def _whole(said: str) -> int:
    """An amount in minor units. Raises ``UnreadableError``."""
    if not _WHOLE.fullmatch(said):
        raise UnreadableError("number-invalid", "not an amount in minor units", said, "digits, with a sign at most", field="amount")
    return int(said)


def _major(value: int, currency: str) -> Decimal:
    """Minor units as an amount; the specification gives every amount the decimals of its currency."""
    return Decimal(value).scaleb(-minor_unit_digits(currency)) + ZERO


def _skip_availability(funds: str, rest: list[str]) -> str | None:
    """Takes the fields that a funds type brings off the list; the value date where it states one."""
    match funds.upper():
        case "S":
            del rest[:3]
        case "V":
            day = rest.pop(0).strip() if rest else ""
            del rest[:1]
            return day or None
        case "D":
            count = rest.pop(0).strip() if rest else ""
            del rest[: 2 * int(count) if count.isascii() and count.isdigit() and len(count) < 4 else 0]
    return None


def _direction(code: str) -> tuple[int, str | None]:
    """+1 for a credit, -1 for a debit, 0 where the code does not say, with what it means. Raises ``UnreadableError``."""
    from bai2.constants import TypeCodes  # type: ignore[import-untyped]

    known = TypeCodes.get(code)
    if known is not None and known.transaction is not None:
        return (1 if known.transaction.name == "credit" else -1), str(known.description)
    if re.fullmatch(r"[1-3]\d\d|72\d|9[2-5]\d", code):
        return 1, None  # 100-399 credits; 720-729 loan payments; 920-959 the bank's own credits
    if re.fullmatch(r"[4-6]\d\d|76\d|9[6-9]\d", code):
        return -1, None  # 400-699 debits; 760-769 loan disbursements; 960-999 the bank's own debits
    if re.fullmatch(r"\d{3}", code):
        return 0, None
    raise UnreadableError("code-unknown", "not a type code", code, "three digits", field="type")


def _day(said: str) -> date:
    """YYMMDD. Raises ``UnreadableError``."""
    try:
        return datetime.strptime(said.strip(), "%y%m%d" if len(said.strip()) == 6 else "%Y%m%d").date()  # noqa: DTZ007
    except ValueError:
        raise UnreadableError("date-invalid", "no such date", said, "YYMMDD") from None
