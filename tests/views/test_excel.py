"""The workbook holds numbers as numbers, formulas as text, and is the same file for the same report."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
from python_calamine import CalamineWorkbook

from bo_lib.model.findings import Verdict, error
from bo_lib.model.tables import AMOUNT
from bo_lib.views.report import Figure, Report, Section

TABLE = pa.table(
    {
        "name": ['=HYPERLINK("x")', "http://example.test", "007"],
        "settlement_date": pa.array([date(2026, 6, 1), None, date(2026, 6, 3)]),
        "amount": pa.array([Decimal("1234567.50"), Decimal("-12.25"), None], AMOUNT),
        "wide": pa.array([Decimal("12345678901234567.123456"), Decimal(1), Decimal(2)], AMOUNT),
        "open": [True, False, None],
    }
)
REPORT = Report(
    "r", "A report", Verdict.BLOCKED, "One sentence.", (Figure("Breaks", 3), Figure("Net assets", Decimal("104.25"))),
    (Section("Breaks [a/b]", "", TABLE), Section("breaks [a?b]", "", TABLE), Section("No table")), (error("x", "bad"),),
)  # fmt: skip


def test_numbers_dates_and_text_keep_their_kind(tmp_path: Path) -> None:
    book = CalamineWorkbook.from_path(REPORT.to_excel(tmp_path / "r.xlsx"))
    rows = book.get_sheet_by_name("Breaks  a b").to_python()
    assert rows[0] == ["Name", "Settlement date", "Amount", "Wide", "Open"]
    assert rows[1] == ['=HYPERLINK("x")', date(2026, 6, 1), 1234567.5, "12,345,678,901,234,567.123456", True]
    assert rows[2][0] == "http://example.test" and rows[2][2] == -12.25 and rows[2][1] == ""
    assert rows[3][0] == "007" and rows[3][2] == ""


def test_sheets_have_legal_and_different_names(tmp_path: Path) -> None:
    names = CalamineWorkbook.from_path(REPORT.to_excel(tmp_path / "r.xlsx")).sheet_names
    assert names == ["Summary", "Breaks  a b", "breaks  a b (2)", "Findings"]


def test_the_same_report_is_the_same_file(tmp_path: Path) -> None:
    first, second = (REPORT.to_excel(tmp_path / name).read_bytes() for name in ("a.xlsx", "b.xlsx"))
    assert first == second
