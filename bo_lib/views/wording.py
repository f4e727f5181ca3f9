"""How values read on a page: labels for columns, numbers with thousands separators, ISO dates, nothing for null."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bo_lib.model.money import minor_unit_digits

PLACES_MAX = 6  # of a table cell; the full value stays in the results
SHARE_PLACES = 2  # of percentages and basis points
_AS_WRITTEN = frozenset(
    ["file", "where", "at", "field", "code", "expected", "found", "todo", "sha256", "format"]
)  # quoted, or names
_NAME = re.compile(r"(?<![\w./`])[a-z]+(?:_[a-z]+)+(?![\w/`]|\.\w)")
_LONG = re.compile(r"(?<![\w.,:/])-?\d+\.\d{2,}(?!\w|[.,]\d)")

_SPELLED = {
    "isin": "ISIN", "nav": "NAV", "gav": "GAV", "fx": "FX", "id": "ID", "mic": "MIC", "lei": "LEI", "bic": "BIC", "lp": "LP",
    "iban": "IBAN", "pct": "(%)", "bps": "(bp)", "sha256": "SHA-256", "caev": "CAEV", "pnl": "P&L", "ccy": "currency",
}  # fmt: skip


def label(name: str) -> str:
    """``settlement_date`` as people write it: ``Settlement date``; ``nav_move_pct`` is ``NAV move (%)``."""
    words = [_SPELLED.get(word.lower(), word) for word in name.replace("_", " ").split()]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_decimal(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind))


def places_of(number: Decimal) -> int:
    """Decimal places that ``number`` needs: 2 for 1.250."""
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _own_places(number: Decimal) -> int:
    given = number.as_tuple().exponent
    return max(places_of(number), min(2, -given) if isinstance(given, int) else 0)


def day_words(day: date) -> str:
    """``30 June 2026``, in every locale."""
    months = "January February March April May June July August September October November December".split()
    return f"{day.day} {months[day.month - 1]} {day.year}"


def in_words(text: str) -> str:
    """Prose with ledger names as words and amounts with separators: ``fx_payable 1234.500000`` is ``fx payable 1,234.50``."""
    said = _NAME.sub(lambda found: found[0].replace("_", " "), text)
    return _LONG.sub(lambda found: text_of(Decimal(found[0])), said)


def column_places(values: Iterable[Any], kind: pa.DataType, name: str = "") -> int:
    """Decimal places of a column, one for all its rows so that they align; money (scale 6) has at least two."""
    if name.endswith(("_pct", "_bps")) and not name.startswith(("coupon", "withholding", "rate")):
        return SHARE_PLACES
    if pa.types.is_integer(kind):
        return 0
    numbers = [Decimal(str(value)) for value in values if value is not None]
    least = 2 if pa.types.is_decimal(kind) and kind.scale == 6 else 0
    return min(PLACES_MAX, max([least, *map(places_of, numbers)]))


def text_of(value: Any, places: int | None = None) -> str:
    """One value for people. ``places``: decimal places of a number; default as many as it needs, cents kept where it has them."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | Decimal | float):
        number = Decimal(str(value))
        if not number.is_finite():
            return str(value)
        shown = f"{number:,.{_own_places(number) if places is None else places}f}"
        return shown.removeprefix("-") if not shown.strip("-0.") else shown
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return ", ".join(map(text_of, value))
    return str(value)


def columns_as_text(table: pa.Table, rows: int) -> list[list[str]]:
    """The first ``rows`` of every column as text, numbers of a column with equal decimal places."""
    head = table.slice(0, rows)
    named = {name: head[name].to_pylist() for name in ("field", "currency") if name in head.column_names}
    yen = [bool(c) and _whole(c) for c in named.get("currency", [None] * head.num_rows)]
    texts = []
    for column, field in zip(head.columns, head.schema, strict=True):
        values = column.to_pylist()
        if not is_number(field.type):
            said = [text_of(value) for value in values]
            texts.append(said if field.name in _AS_WRITTEN else [in_words(text) for text in said])
            continue
        places = column_places(values, field.type, field.name)
        if field.name in ("ours", "theirs", "difference") and "field" in named:  # amounts, prices and units in one column
            texts.append([text_of(v, 2 if f == "amount" else None) for v, f in zip(values, named["field"], strict=True)])
        else:
            money = pa.types.is_decimal(field.type) and field.type.scale == 6
            texts.append([text_of(v, 0 if money and y and v == v.to_integral_value() else places)
                          if v is not None else "" for v, y in zip(values, yen, strict=True)])  # fmt: skip
    return texts


def _whole(currency: str) -> bool:
    """A currency without cents."""
    try:
        return minor_unit_digits(currency) == 0
    except (KeyError, ValueError):
        return False


def plain(value: Any) -> Any:
    """A value as JSON has it: decimals and dates as text, lists and mappings inside out."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def text_table(header: Sequence[str], columns: Sequence[Sequence[str]], right: Sequence[bool]) -> str:
    """A table in plain characters; columns flagged in ``right`` are right-aligned."""
    widths = [max(map(len, [name, *cells])) for name, cells in zip(header, columns, strict=True)]
    lines = [list(header), ["-" * width for width in widths], *map(list, zip(*columns, strict=True))]
    return "\n".join(
        "  ".join(cell.rjust(w) if r else cell.ljust(w) for cell, w, r in zip(line, widths, right, strict=True)).rstrip()
        for line in lines
    )
