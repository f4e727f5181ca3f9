"""How values read on a page: labels for columns, numbers with thousands separators, ISO dates, nothing for null."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

PLACES_MAX = 10  # of a table cell; the full value stays in the results

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


def column_places(values: Iterable[Any], kind: pa.DataType) -> int:
    """Decimal places of a column, one for all its rows so that they align; money (scale 6) has at least two."""
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
        return f"{number:,.{_own_places(number) if places is None else places}f}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return ", ".join(map(text_of, value))
    return str(value)


def columns_as_text(table: pa.Table, rows: int) -> list[list[str]]:
    """The first ``rows`` of every column as text, numbers of a column with equal decimal places."""
    head = table.slice(0, rows)
    texts = []
    for column, field in zip(head.columns, head.schema, strict=True):
        values = column.to_pylist()
        places = column_places(values, field.type) if is_number(field.type) else None
        texts.append([text_of(value, places) for value in values])
    return texts


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
