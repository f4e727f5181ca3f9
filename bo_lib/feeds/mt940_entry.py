"""Field 61 of cash statements: one entry, as banks really write it; and what its narrative (:86:) says of references.

Source: SWIFT Standards MT Category 9, field 61; the structured narratives of German banks (?20…) and of SEPA (/EREF/…).
RC takes back a credit, so it is money out; RD takes back a debit. EC and ED are only expected.
"""

from __future__ import annotations

import re
from calendar import isleap
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from bo_lib.feeds.iso15022 import Field
from bo_lib.feeds.reading import Reading, UnreadableError

LINE_MAX = 2000  # a field 61 has at most 66 characters in its first line; banks that put the narrative there write more
_ENTRY = re.compile(
    r"(?P<value>[0-9]{6})(?:(?P<entry>[0-9]{4})| {1,4})?(?P<mark>R?[CD]|E[CD])(?P<funds>[A-Z])? {0,15}(?P<amount>[0-9.,]{1,30})"
    r"(?: ?(?P<code>[A-Z][A-Z0-9 ]{3})(?P<rest>.*)|(?P<untyped>//.*|(?<=[,.][0-9]{2})))"
)
_PLAIN = re.compile(r"[0-9]{1,20}[.,]?[0-9]{0,10}|[.,][0-9]{1,10}")
_GROUPED = re.compile(r"[0-9]{1,3}(\.[0-9]{3}){1,6},[0-9]{0,10}|[0-9]{1,3}(,[0-9]{3}){1,6}\.[0-9]{0,10}")
_AMBIGUOUS = re.compile(r"[1-9][0-9]{0,2}\.[0-9]{3}")
_NONE = ("", "NONREF", "EREF")  # what stands in field 61 when the reference is in the narrative or nowhere
_TAGGED = re.compile(r"/EREF/(.{1,80}?)(?=/[A-Z]{3,4}/|//|/?$)")
_GERMAN = re.compile(r"EREF[+:] ?(.{1,80}?)\s*(?=(?:KREF|MREF|CRED|DEBT|SVWZ|ABWA|ABWE|COAM|OAMT|IBAN|BIC)[+:]|$)")
NARRATIVE_MAX = 4000


@dataclass(slots=True)
class Entry:
    """An entry with its line; ``words`` are the lines of its narrative. ``expected`` is announced and not booked."""

    line: int
    row: dict[str, Any]
    words: list[str]
    expected: bool
    debit: bool

    def finished(self) -> dict[str, Any]:
        """The row with its narrative; a reference that field 61 does not say is taken from there."""
        row = self.row
        if (row["reference"] or "") in _NONE and (found := end_to_end(self.words[-1:] or self.words) or end_to_end(self.words)):
            row["reference"] = found
        row["text"] = "\n".join(filter(None, self.words)) or None
        return row


def entry(one: Field, reading: Reading) -> Entry:
    """Field 61. Raises ``UnreadableError`` when date, sign or amount cannot be read."""
    first, *more = one.value.split("\n")
    found = _ENTRY.fullmatch(first.strip()) if len(first) <= LINE_MAX else None
    if more and (not found or (found["untyped"] == "" and more[0][:1] in "NSF")) and len(first) + len(more[0]) <= LINE_MAX:
        joined = _ENTRY.fullmatch(first.strip() + more[0].strip())  # a line end within the entry
        found, more = (joined, more[1:]) if joined else (found, more)
    if not found:
        raise UnreadableError("entry-unreadable", "the entry is incomplete or not an entry", first,
                         "value date, C/D/RC/RD, amount, type and reference, such as 2606010601D100,00NTRFREF1",
                         "its amount is in no figure: ask the sender for a corrected statement")  # fmt: skip
    value = amount(found["amount"])
    if "," not in found["amount"] or "." in found["amount"]:
        reading.warning("amount-format", f"the amount is not written with one decimal comma; read as {value}", one.at, "61",
                        found=found["amount"], expected="1234,56")  # fmt: skip
    value_date = day(found["value"], one, reading)
    ours, theirs, words = _references(found["rest"] or found["untyped"] or "", more)
    if found["code"] is None:
        reading.warning("entry-incomplete", "the entry has no transaction type", one.at, "61", found=first[:80], expected="NTRF")
    elif not ours:
        reading.warning(
            "entry-incomplete", "the entry has no reference", one.at, "61", found=first[:80], expected="a reference or NONREF"
        )
    mark = found["mark"]
    return Entry(one.line, {
        "amount": value if mark in ("C", "RD", "EC") else -value,
        "booking_date": _booking_date(found["entry"], value_date, one, reading),
        "value_date": value_date,
        "reference": ours or None,
        "bank_reference": theirs or None,
        "code": (found["code"] or "").strip() or None,
        "reversal": mark.startswith("R"),
    }, words, expected=mark.startswith("E"), debit=mark in ("D", "RC", "ED"))  # fmt: skip


def _references(rest: str, more: list[str]) -> tuple[str, str, list[str]]:
    """Our reference, the bank's, and supplementary details; the bank's may stand in a line of its own."""
    if more and more[0].startswith("//") and "//" not in rest:
        rest, more = rest + more[0], more[1:]
    ours, _, theirs = rest.partition("//")
    ours, _, trailing = (ours + "   ").partition("  ")
    return ours.strip(), theirs.strip(), [word for line in (trailing, *more) if (word := line.strip())]


def amount(text: str) -> Decimal:
    """``1234,56``, ``1234,``, ``1234``, ``,50``, ``1.234,56`` -> Decimal. Raises ``UnreadableError``, also where two are meant."""
    if _AMBIGUOUS.fullmatch(text):
        raise UnreadableError("amount-ambiguous", "a point before three digits: thousands or decimals", text, "1234,56",
                              "ask the sender for decimal commas")  # fmt: skip
    if _GROUPED.fullmatch(text):
        thousands = "." if text.rfind(".") < text.rfind(",") else ","
        text = text.replace(thousands, "")
    elif not _PLAIN.fullmatch(text):
        raise UnreadableError("amount-invalid", "not an amount", text, "digits with one decimal comma, such as 1234,56")
    return Decimal("0" + text.replace(",", ".").rstrip("."))


def day(text: str, one: Field, reading: Reading) -> date:
    """YYMMDD; years 80 to 99 are of the last century. Raises ``UnreadableError``.

    29 and 30 February of banks that count thirty days in every month are the last day of February, which is said.
    """
    year = int(text[:2])
    return _date(year + (1900 if year >= 80 else 2000), text[2:4], text[4:6], text, one, reading)


def _date(year: int, month: str, of_month: str, text: str, one: Field, reading: Reading) -> date:
    if month == "02" and of_month in ("29", "30") and (of_month == "30" or not isleap(year)):
        last = date(year, 2, 29 if isleap(year) else 28)
        reading.warning("date-moved", f"there is no {int(of_month)} February {year}; read as its last day", one.at, one.tag,
                        found=text, expected=f"{last:%y%m%d}")  # fmt: skip
        return last
    try:
        return date(year, int(month), int(of_month))
    except ValueError:
        raise UnreadableError("date-invalid", "no such date", text, "YYMMDD", "ask the sender for a corrected statement") from None


def _booking_date(text: str | None, value_date: date, one: Field, reading: Reading) -> date | None:
    """MMDD in the year that lies nearest the value date; the value date itself where none is given."""
    if text is None:
        return value_date
    if text in ("0230", "0229") and not (text == "0229" and isleap(value_date.year)):
        return _date(value_date.year, text[:2], text[2:], text, one, reading)
    near = []
    for year in (value_date.year - 1, value_date.year, value_date.year + 1):
        try:
            near.append(date(year, int(text[:2]), int(text[2:])))
        except ValueError:
            continue
    if not near:
        raise UnreadableError("date-invalid", "no such entry date", text, "MMDD", "ask the sender for a corrected statement")
    return min(near, key=lambda one: abs(one - value_date) + timedelta(0))


def end_to_end(lines: list[str]) -> str | None:
    """The end-to-end reference of a structured narrative: ``/EREF/E2E-42/…`` or ``?20EREF+E2E-42?21…``; lines run on."""
    text = "".join(line for part in lines for line in part.split("\n"))[:NARRATIVE_MAX]
    german = "?20" in text
    if german:
        text = "".join(part[2:] for part in text.split("?")[1:] if part[:2].isdigit() and part[:1] in "26")
    found = (_GERMAN if german else _TAGGED).search(text)
    said = found[1].strip(" /") if found else ""
    return said if said and said not in ("NOTPROVIDED", "NONREF") else None
