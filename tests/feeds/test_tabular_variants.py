"""Tables as people write them: sums, headers again and twice, hidden sheets, dates that are numbers, blanks between thousands."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from bo_lib.feeds.mapping import Mapping
from tests.feeds.samples import codes, read

CASH = {
    "format": "cash", "match": ("Account", "Ccy", "Amount"), "dates": ("%Y-%m-%d", "%d.%m.%Y"),
    "tables": [{
        "table": "cash_movements", "formulas": {"statement_id": "{Account}"},
        "columns": {"account": "Account", "currency": "Ccy", "amount": "Amount", "booking_date": "Date"},
    }],
}  # fmt: skip
HEADER = "Account;Ccy;Amount;Date\n"
ROW = "A;EUR;1.5;2026-06-01\n"


def cash(**changes: Any) -> Mapping:
    return Mapping.model_validate({**CASH, **changes})


def amounts(content: str | bytes, **changes: Any) -> list[Decimal]:
    return [r["amount"] for r in read(content, cash(**changes)).value.tables["cash_movements"].to_pylist()]


@pytest.mark.parametrize(
    "footer", ["Total;EUR;1.5;\n", "Grand total:;EUR;1.5\n", "Sum;;1.5;\n", ";;1.5;\n", ";;1.5", "Subtotal;;;\n"]
)
def test_sums_are_no_rows(footer: str) -> None:
    outcome = read(HEADER + ROW + footer, cash())
    assert (outcome.value.tables["cash_movements"].num_rows, outcome.value.quarantined) == (1, 0) or footer == ";;1.5"
    assert outcome.ok or footer == ";;1.5", "a last line without its end may be cut"


def test_a_security_called_total_is_a_row() -> None:
    assert amounts(HEADER + "Total;EUR;1.5;2026-06-01\n") == [Decimal("1.5")]


def test_sums_amid_the_rows_without_a_word_are_refused_and_said() -> None:
    outcome = read(HEADER + ";;1.5;\n" + ROW, cash())
    assert (outcome.value.quarantined, [f.code for f in outcome.findings]) == (1, ["value-missing"])


def test_a_header_that_stands_again_is_no_row() -> None:
    text = HEADER + ROW + "\n\n" + HEADER.upper() + ROW
    assert amounts(text) == [Decimal("1.5")] * 2 and codes(text, cash()) == {"header-repeated"}


def test_a_cell_that_the_header_has_twice_is_said() -> None:
    text = HEADER.replace("Date", "Date;Amount") + ROW.replace("\n", ";9\n")
    assert amounts(text) == [Decimal("1.5")] and codes(text, cash()) == {"column-twice"}


@pytest.mark.parametrize("said", ["1\u00a0234,50", "1\u202f234,50", "1.234,50", "1'234,50", "1’234,50"])
def test_hard_blanks_and_apostrophes_part_thousands_where_thousands_are_parted(said: str) -> None:
    assert amounts(HEADER + f"A;EUR;{said};2026-06-01\n", decimal=",", thousands=".") == [Decimal("1234.5")]


@pytest.mark.parametrize("said", ["2026-06-01", "2026-06-01 00:00:00", "2026-06-01T23:00:00Z", "01.06.2026", "1.6.2026 7:15"])
def test_a_time_of_day_after_a_date_is_left_out(said: str) -> None:
    [row] = read(HEADER + f"A;EUR;1;{said}\n", cash()).value.tables["cash_movements"].to_pylist()
    assert row["booking_date"] == date(2026, 6, 1)


def test_text_that_excel_must_not_turn_into_a_number_keeps_its_zeros() -> None:
    [row] = read(HEADER + '="00123";EUR;1;2026-06-01\n', cash()).value.tables["cash_movements"].to_pylist()
    assert row["account"] == "00123"


def workbook(sheets: dict[str, list[list[Any]]], hidden: str = "", merged: str = "") -> bytes:
    import xlsxwriter

    made = io.BytesIO()
    with xlsxwriter.Workbook(made) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for place, row in enumerate(rows):
                sheet.write_row(place, 0, row)
            if merged:
                sheet.merge_range(0, 0, 0, 3, merged)
            if name == hidden:
                sheet.hide()
            elif hidden:
                sheet.activate()
    return made.getvalue()


TABLE = [["Account", "Ccy", "Amount", "Date"], ["A", "EUR", 1.5, "2026-06-01"]]


def test_a_hidden_sheet_gives_way_to_one_that_people_see() -> None:
    data = workbook({"old": [*TABLE, TABLE[1]], "now": TABLE}, hidden="old")
    assert amounts(data) == [Decimal("1.5")] and codes(data, cash()) == {"sheets-unread"}


def test_a_day_that_a_spreadsheet_counts_is_that_day() -> None:
    data = workbook(
        {"x": [["", "", "", ""], [], TABLE[0], ["A", "EUR", 2, 46174], [], ["A", "EUR", 3, 9]]}, merged="Cash of the day"
    )
    outcome = read(data, cash())
    [row] = outcome.value.tables["cash_movements"].to_pylist()
    assert (row["amount"], row["booking_date"]) == (2, date(2026, 6, 1))
    assert (outcome.value.quarantined, [f.code for f in outcome.findings]) == (1, ["date-invalid"])
