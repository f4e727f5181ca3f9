"""Cells of CSV and XLSX files as exact values: text, dates, decimals, flags. Never through a float of our own making."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

import pyarrow as pa

from bo_lib.feeds.mapping import Mapping
from bo_lib.feeds.reading import UnreadableError

Cell = str | int | float | bool | Decimal | date | datetime | time | timedelta | None
_NOTHING = {"", "-", "–", "n/a", "#n/a", "null"}
_FLAGS = {"y": True, "yes": True, "true": True, "1": True, "n": False, "no": False, "false": False, "0": False}
_SPACES = " \u00a0\u202f\u2009"
_FIRST_DAY, _SERIALS = date(1899, 12, 30), range(20_000, 80_000)  # dates as spreadsheets count them: 1954 to 2119
EXACT_MAX = 10**15  # a spreadsheet keeps 15 digits


def text(cell: Cell) -> str:
    """The cell as text: whole numbers without a point, dates as ISO 8601."""
    if isinstance(cell, str):
        said = cell.strip()
        return said[2:-1] if said.startswith('="') and said.endswith('"') and len(said) > 2 else said  # what Excel must not turn
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time(0) else cell.isoformat()
    return cell.isoformat() if isinstance(cell, date | time) else str(cell)


def converter(kind: pa.DataType, mapping: Mapping) -> Callable[[Cell], Any]:
    """A function from cell to the value of a column of type ``kind``; it raises ``UnreadableError`` and gives None for nothing."""
    if pa.types.is_decimal(kind):
        return number_reader(mapping)
    if pa.types.is_date(kind):
        return lambda cell: _day(cell, mapping.date_formats)
    if pa.types.is_boolean(kind):
        return _flag
    if pa.types.is_integer(kind):
        numbers = number_reader(mapping)
        return lambda cell: _whole(numbers(cell))
    return lambda cell: text(cell) or None


def number_reader(mapping: Mapping) -> Callable[[Cell], Decimal | None]:
    """Reads numbers as the mapping says they are written.

    ``(1,234.50)``, ``1,234.50-`` and ``-1,234.50`` are the same. Groups must be of three digits: ``1,23`` is no thousand.
    """
    point = re.escape(mapping.decimal)
    apart = _SPACES if mapping.thousands in _SPACES else "\u00a0\u202f\u2009" + mapping.thousands
    group = rf"[{re.escape(apart)}'’]"  # hard blanks and apostrophes are never a decimal point
    whole = rf"\d+|\d{{1,3}}(?:{group}\d{{3}})+" if mapping.thousands else r"\d+"
    pattern = re.compile(rf"(?P<whole>{whole})?(?:{point}(?P<part>\d*))?(?P<small>[eE]-\d{{1,2}})?")
    expected = f"digits with {mapping.decimal!r} before decimals" + (
        f" and {mapping.thousands!r} between thousands" if mapping.thousands else ""
    )

    def read(cell: Cell) -> Decimal | None:
        if isinstance(cell, str):
            return plain(cell)
        if cell is None:
            return None
        if isinstance(cell, Decimal):
            return cell
        if isinstance(cell, bool) or not isinstance(cell, int | float):
            raise UnreadableError("number-invalid", "not a number", text(cell), expected)
        if abs(cell) >= EXACT_MAX:
            raise UnreadableError(
                "number-imprecise", "a spreadsheet keeps 15 digits of a number; this one has more", repr(cell), "text"
            )
        return Decimal(repr(cell))

    def plain(said: str) -> Decimal | None:
        said = said.strip(_SPACES + "\t")
        if said.lower() in _NOTHING:
            return None
        body, negative = _sign(said)
        found = pattern.fullmatch(body)
        if found is None or not (found["whole"] or found["part"]):
            raise _not_a_number(said, expected)
        digits = found["whole"] or "0"
        digits = digits if digits.isdecimal() else re.sub(r"\D", "", digits)
        if len(digits) > 40:
            raise _not_a_number(said, "at most 40 digits")
        value = Decimal(f"{digits}.{found['part'] or '0'}{found['small'] or ''}" if found["part"] or found["small"] else digits)
        return -value if negative else value

    return read


def _sign(said: str) -> tuple[str, bool]:
    if said[0] == "(" and said[-1] == ")":
        return said[1:-1].strip(), True
    if said[0] in "-−+":
        return said[1:].strip(), said[0] != "+"
    return (said[:-1].strip(), True) if said[-1] in "-−" else (said, False)


def _not_a_number(said: str, expected: str) -> UnreadableError:
    if "%" in said:
        return UnreadableError(
            "number-percent",
            "a number with a percent sign: whether 5% is 5 or 0.05 is not said",
            said,
            expected,
            "have the sender leave the sign out",
        )
    if re.fullmatch(r"[\d.,]+[eE]\+?\d+", said):
        return UnreadableError("number-rounded", "a number in scientific notation has lost digits", said, expected,
                          "have the sender write all digits")  # fmt: skip
    return UnreadableError("number-invalid", "not a number as the mapping says numbers are written", said, expected,
                      "correct the file, or decimal and thousands in the mapping")  # fmt: skip


def _whole(number: Decimal | None) -> int | None:
    if number is not None and number != number.to_integral_value():
        raise UnreadableError("number-invalid", "not a whole number", str(number), "a whole number")
    return None if number is None else int(number)


def _flag(cell: Cell) -> bool | None:
    said = text(cell).lower()
    if said in _NOTHING:
        return None
    if said not in _FLAGS:
        raise UnreadableError("flag-invalid", "neither yes nor no", said, "Y, N, true, false, 1 or 0")
    return _FLAGS[said]


def _day(cell: Cell, formats: tuple[str, ...]) -> date | None:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    try:
        return _day_of(text(cell), formats)
    except UnreadableError:
        if isinstance(cell, int | float) and cell in _SERIALS:
            return _FIRST_DAY + timedelta(int(cell))
        raise


@lru_cache(4096)
def _day_of(said: str, formats: tuple[str, ...]) -> date | None:
    if said.lower() in _NOTHING:
        return None
    for form in formats:
        try:
            return datetime.strptime(said, form).date()  # noqa: DTZ007 (a date has no time zone)
        except ValueError:
            continue
    if found := re.fullmatch(r"(\S{6,}?)[T ]\s*\d{1,2}:\d{2}.*", said):  # a time of day after it
        return _day_of(found[1], formats)
    raise UnreadableError(
        "date-invalid", "no such date", said, f"a date written {' or '.join(formats)}", "correct the file, or dates in the mapping"
    )
