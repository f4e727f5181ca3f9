"""Files as bytes, the same for the same content, and the day's outbox."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

Row = Mapping[str, Any]


@dataclass
class Outbox:
    """Files of one business day: ``SENDER/name`` -> bytes."""

    day: date
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def ymd(self) -> str:
        return f"{self.day:%Y%m%d}"

    def put(self, path: str, content: str | bytes) -> None:
        self.files[path] = content.encode() if isinstance(content, str) else content

    def find(self, sender: str, start: str) -> str:
        """The path of the sender's file whose name starts so; empty when there is none today."""
        return next((path for path in sorted(self.files) if path.startswith(f"{sender}/{start}")), "")


def text_of(value: Any, decimal_mark: str = ".", dates: str = "%Y-%m-%d") -> str:
    """A cell of a text file: decimals without exponent or needless zeros, dates in the sender's style."""
    if isinstance(value, Decimal):
        return plain(value).replace(".", decimal_mark)
    if isinstance(value, date):
        return value.strftime(dates)
    return "" if value is None else str(value)


def plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def csv_text(
    header: Sequence[str],
    rows: Iterable[Sequence[Any]],
    delimiter: str = ",",
    decimal_mark: str = ".",
    dates: str = "%Y-%m-%d",
    titles: Sequence[str] = (),
) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    writer.writerows([title] for title in titles)
    writer.writerow(header)
    writer.writerows([text_of(value, decimal_mark, dates) for value in row] for row in rows)
    return out.getvalue()


def xlsx_bytes(sheets: Mapping[str, tuple[Sequence[str], Iterable[Sequence[Any]]]], dates: str = "%Y-%m-%d") -> bytes:
    """A workbook of sheets (header, rows); numbers as numbers, dates as text in the sender's style. Same content, same bytes."""
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    book.set_properties({"created": datetime(2026, 1, 1)})  # noqa: DTZ001 - a fixed stamp, so that bytes repeat
    for name, (header, rows) in sheets.items():
        sheet = book.add_worksheet(name)
        for number, row in enumerate((header, *rows)):
            for column, value in enumerate(row):
                if isinstance(value, Decimal):
                    sheet.write_number(number, column, value)
                elif value not in (None, ""):
                    sheet.write_string(number, column, text_of(value, dates=dates))
    book.close()
    return out.getvalue()
