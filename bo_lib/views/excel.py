"""A report as an XLSX workbook: numbers as numbers, text as text whatever it looks like, the same bytes for the same report."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from bo_lib.views.findings import findings_table
from bo_lib.views.report import Report
from bo_lib.views.wording import column_places, is_number, label, text_of

_DIGITS = 15  # significant digits an Excel number holds
BORN = datetime(2000, 1, 1)  # noqa: DTZ001 a workbook's metadata has no zone; fixed, so that equal reports are equal files


def write(report: Report, path: Path) -> Path:
    """Write ``report`` to ``path``: a sheet Summary, one per table, Findings. Returns ``path``.

    A number with more than 15 significant digits is written as text: Excel would round it.
    """
    with workbook(path, report.title) as book:
        _write(Sheets(book), report)
    return path


def workbook(path: Path, title: str) -> Any:
    """A new workbook of XlsxWriter, to be closed; text in it stays text, and its metadata has no time."""
    import xlsxwriter

    safe = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(str(path), safe)
    book.set_properties({"title": title, "created": BORN})
    return book


def _write(sheets: Sheets, report: Report) -> None:
    _summary(sheets, report)
    for section in report.sections:
        if section.table is not None:
            sheets.table(section.title, section.table)
    if report.findings:
        sheets.table("Findings", findings_table(report.findings))


def _summary(sheets: Sheets, report: Report) -> None:
    sheet = sheets.add(sheets.name("Summary"))
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 2, 26)
    sheet.write_string(0, 0, report.title, sheets.bold)
    sheet.write_string(1, 0, "Verdict")
    sheet.write_string(1, 1, report.verdict.value)
    sheet.write_string(2, 0, report.summary)
    for row, figure in enumerate(report.figures, start=4):
        sheet.write_string(row, 0, figure.label)
        sheets.cell(sheet, row, 1, figure.value, None)
        sheet.write_string(row, 2, figure.note)


class Sheets:
    """The sheets of a workbook that look alike: names that are legal and unique, tables, cells that hold what Excel can hold."""

    def __init__(self, book: Any) -> None:
        self.book = book
        self.head = book.add_format({"bold": True, "bottom": 1, "font_color": "#17324d", "text_wrap": True, "valign": "bottom"})
        self.bold = book.add_format({"bold": True, "font_size": 14, "font_color": "#17324d"})
        self.wrap = book.add_format({"text_wrap": True, "valign": "top"})
        self.day = book.add_format({"num_format": "yyyy-mm-dd", "align": "left"})
        self.formats: dict[tuple[int, bool], Any] = {}
        self.link = book.add_format({"font_color": "#2f6690", "underline": 1})
        self.names: set[str] = set()

    def table(self, title: str, table: pa.Table) -> Any:
        """A sheet with all rows of ``table`` below their headings."""
        sheet = self.add(self.name(title))
        sheet.freeze_panes(1, 0)
        for column, (field, values) in enumerate(zip(table.schema, table.columns, strict=True)):
            cells = values.to_pylist()
            places = column_places(cells, field.type) if is_number(field.type) else None
            sheet.write_string(0, column, label(field.name), self.head)
            widest = max([len(label(field.name)), *(len(text_of(cell, places)) for cell in cells[:200])])
            sheet.set_column(column, column, min(60, widest + 2))
            for row, cell in enumerate(cells, start=1):
                self.cell(sheet, row, column, cell, places)
        if table.num_rows:
            sheet.autofilter(0, 0, table.num_rows, table.num_columns - 1)
        return sheet

    def cell(self, sheet: Any, row: int, column: int, value: Any, places: int | None) -> None:
        if value is None:
            return
        if isinstance(value, bool):
            sheet.write_boolean(row, column, value)
        elif isinstance(value, int | float | Decimal) and _fits(value):
            sheet.write_number(row, column, float(value), self.number(places if places is not None else _places(value)))
        elif isinstance(value, date):
            sheet.write_datetime(row, column, datetime(value.year, value.month, value.day), self.day)  # noqa: DTZ001
        else:
            sheet.write_string(row, column, text_of(value)[:32767], self.wrap if len(text_of(value)) > 60 else None)

    def number(self, places: int, *, bold: bool = False) -> Any:
        if (places, bold) not in self.formats:
            form = {"num_format": "#,##0" + ("." + "0" * places if places else ""), "bold": bold}
            self.formats[places, bold] = self.book.add_format(form)
        return self.formats[places, bold]

    def add(self, name: str) -> Any:
        return self.book.add_worksheet(name)

    def name(self, title: str) -> str:
        """A legal name for a sheet: 31 characters, none of ``[]:*?/\\``, unique regardless of case."""
        clean = "".join(" " if c in "[]:*?/\\" else c for c in title).strip(" '")[:31] or "Sheet"
        name, number = clean, 2
        while name.lower() in self.names or name.lower() == "history":
            name, number = f"{clean[:27]} ({number})", number + 1
        self.names.add(name.lower())
        return name


def _places(value: int | float | Decimal) -> int:
    return column_places([value], pa.float64()) if not isinstance(value, int) else 0


def _fits(value: int | float | Decimal) -> bool:
    number = Decimal(str(value))
    return number.is_finite() and len(number.normalize().as_tuple().digits) <= _DIGITS
