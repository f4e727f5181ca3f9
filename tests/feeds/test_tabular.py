"""CSV and XLSX by mapping: header found by name, numbers exact, bad rows quarantined."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from bo_lib.config import ParameterError
from bo_lib.feeds import load_mappings
from bo_lib.feeds.cells import number_reader
from bo_lib.feeds.mapping import Mapping
from bo_lib.feeds.reading import UnreadableError
from tests.feeds.samples import POSITIONS, POSITIONS_MAPPING, codes, mapping, read, rows

PRICES = Mapping.model_validate(
    {
        "format": "prices",
        "match": ["ISIN", "Price"],
        "decimal": ",",
        "thousands": ".",
        "tables": [
            {"table": "prices", "columns": {"isin": "ISIN", "price_date": "Date", "price": "Price"}, "constants": {"source": "V"}}
        ],
    }
)
CASH = Mapping.model_validate(
    {
        "format": "pb_cash",
        "match": ["Account", "Closing"],
        "tables": [
            {"table": "statements", "sheet": "Balances", "constants": {"kind": "cash"},
             "formulas": {"statement_id": "{Account}/{As Of}"},
             "columns": {"account": "Account", "currency": "Ccy", "statement_date": "As Of", "opening": "Opening",
                         "closing": "Closing"}},
            {"table": "cash_movements", "sheet": "Activity", "formulas": {"statement_id": "{Account}/{As Of}"},
             "columns": {"account": "Account", "currency": "Ccy", "amount": "Amount", "text": "Narrative"}},
        ],
    }
)  # fmt: skip


def workbook(**sheets: Sequence[Sequence[Any]]) -> bytes:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"default_date_format": "yyyy-mm-dd"}) as book:
        for name, lines in sheets.items():
            sheet = book.add_worksheet(name)
            for row, line in enumerate(lines):
                sheet.write_row(row, 0, line)
    return made.getvalue()


def test_titles_and_totals_are_no_data_and_parentheses_are_short() -> None:
    long, short = rows(POSITIONS, "holdings", mapping())
    assert (long["quantity"], long["market_value"], long["name"]) == (Decimal(1250), Decimal(238125), "APPLE, INC")
    assert (short["quantity"], short["market_value"]) == (Decimal(-300), Decimal("-126000.50"))
    assert (short["business_date"], short["basis"], short["statement_id"]) == (date(2026, 6, 1), "trade", "NG-1/06/01/2026")
    assert (short["at"], short["file"]) == ("line 6", read(POSITIONS).value.sha256)
    outcome = read(POSITIONS, mapping())
    assert (outcome.value.format, outcome.value.quarantined, [f.code for f in outcome.findings]) == (
        "pb_positions",
        0,
        ["footer-skipped"],
    )


def test_semicolons_decimal_commas_and_points_between_thousands() -> None:
    text = "ISIN;Date;Price\nUS0378331005;2026-06-01;1.234,5\nUS5949181045;2026-06-01;0,125\n"
    assert [r["price"] for r in rows(text, "prices", PRICES)] == [Decimal("1234.5"), Decimal("0.125")]


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("1,2", "number-invalid"),
        ("12.34", "number-invalid"),
        ("5%", "number-percent"),
        ("1,2E+11", "number-rounded"),
        ("EUR 5", "number-invalid"),
        ("--5", "number-invalid"),
        ("1 234", "number-invalid"),
    ],
)
def test_a_number_written_otherwise_is_refused_with_its_line(cell: str, code: str) -> None:
    """With a decimal comma, 1,2 is fine and 12.34 is neither a thousand nor a decimal."""
    text = f"ISIN;Date;Price\nUS0378331005;2026-06-01;{cell}\nUS5949181045;2026-06-01;5\n"
    outcome = read(text, PRICES)
    if cell == "1,2":
        assert outcome.ok
        return
    assert (outcome.value.quarantined, outcome.value.tables["prices"].num_rows) == (1, 1)
    [finding] = outcome.findings
    assert (finding.code, finding.place.at, finding.place.field, finding.found) == (code, "line 2", "prices Price", cell)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,234.50", "1234.50"),
        ("(1,234.50)", "-1234.50"),
        ("1,234.50-", "-1234.50"),
        ("-12", "-12"),
        ("−12", "-12"),
        ("+.5", "0.5"),
        ("1e-7", "1E-7"),
        ("-", None),
        ("", None),
        ("n/a", None),
        ("12345678901234567.89", "12345678901234567.89"),
    ],
)
def test_the_ways_to_write_a_number(text: str, number: str | None) -> None:
    assert number_reader(mapping())(text) == (Decimal(number) if number else None)


def test_spreadsheet_numbers_are_the_digits_that_are_shown() -> None:
    exact = number_reader(mapping())
    assert [exact(c) for c in (0.1, 1234567.89, 5.0, 3)] == [Decimal("0.1"), Decimal("1234567.89"), Decimal("5.0"), Decimal(3)]
    with pytest.raises(UnreadableError, match="15 digits"):
        exact(12345678901234567.0)
    with pytest.raises(UnreadableError):
        exact(True)


def test_a_workbook_of_balances_and_activity_is_proven() -> None:
    head = ["NORTHGATE CASH"], []
    balances = [
        *head,
        ["Account", "Ccy", "As Of", "Opening", "Closing"],
        ["NG-1", "USD", date(2026, 6, 1), 100.1, 90.2],
        [7001, "EUR", date(2026, 6, 1), 5, 6],
    ]
    activity = [["Account", "Ccy", "As Of", "Amount", "Narrative"], ["NG-1", "USD", date(2026, 6, 1), -9.9, "Fee"]]
    data = workbook(Balances=balances, Activity=activity)
    first, second = rows(data, "statements", CASH)
    assert (first["opening"], first["proven"], first["at"]) == (Decimal("100.1"), True, "Balances row 4")
    assert (second["account"], second["proven"]) == ("7001", False)
    assert codes(data, CASH) == {"balance-not-proven"}
    [made] = rows(data, "cash_movements", CASH)
    assert (made["amount"], made["statement_id"]) == (Decimal("-9.9"), "NG-1/2026-06-01")


def test_a_day_without_activity_is_proven_too() -> None:
    balances = [["Account", "Ccy", "As Of", "Opening", "Closing"], ["NG-1", "USD", date(2026, 6, 1), 5, 5]]
    data = workbook(Balances=balances, Activity=[["Account", "Ccy", "As Of", "Amount", "Narrative"]])
    assert rows(data, "statements", CASH)[0]["proven"] is True
    assert rows(data, "cash_movements", CASH) == []


def test_a_missing_column_is_named_with_the_nearest_and_nothing_is_read_askew() -> None:
    outcome = read(POSITIONS.replace(",Quantity,", ",Quantities,"), mapping())
    [finding] = outcome.findings
    assert (finding.code, finding.place.field) == ("column-missing", "Quantity")
    assert "'quantities'" in finding.message
    assert outcome.value.quarantined == 3


def test_a_value_with_an_unquoted_delimiter_does_not_shift_the_columns() -> None:
    outcome = read(POSITIONS.replace('"1,250"', "1,250"), mapping())
    assert [f.code for f in outcome.findings] == ["row-width", "footer-skipped"]
    assert (outcome.value.quarantined, outcome.value.tables["holdings"].num_rows) == (1, 1)


def test_a_file_cut_within_a_row_does_not_hand_on_half_a_number() -> None:
    text = (
        POSITIONS[: POSITIONS.index("(126,000") + 4]
        .replace('"(', "(")
        .replace("US5949181045,MICROSOFT,S,(300),", "US5949181045,MICROSOFT,S,(300),")
    )
    outcome = read(text, mapping())
    assert outcome.value.tables["holdings"].num_rows == 1
    assert outcome.value.quarantined == 1


def test_an_open_quote_takes_nothing_else_with_it_silently() -> None:
    outcome = read(POSITIONS.replace("238125.00,USD", '238125.00,"USD'), mapping())
    assert "csv-broken" in {f.code for f in outcome.findings}
    assert (outcome.value.quarantined, outcome.value.tables["holdings"].num_rows) == (2, 0)


def test_codes_are_translated_and_unknown_ones_refused() -> None:
    table = {**POSITIONS_MAPPING["tables"][0], "values": {"asset_kind": {"L": "long", "S": "short"}}}
    table["columns"] = {**table["columns"], "asset_kind": "L/S"}
    known = mapping(tables=[table])
    assert [r["asset_kind"] for r in rows(POSITIONS, "holdings", known)] == ["long", "short"]
    assert "code-unknown" in codes(POSITIONS.replace(",S,", ",X,"), known)


def test_a_sign_may_stand_in_another_column() -> None:
    table = {**POSITIONS_MAPPING["tables"][0], "negate_when": {"column": "quantity", "header": "L/S", "equals": "s"}}
    found = rows(POSITIONS.replace("(300)", "300"), "holdings", mapping(tables=[table]))
    assert [r["quantity"] for r in found] == [Decimal(1250), Decimal(-300)]


def test_a_wrong_date_is_quarantined() -> None:
    outcome = read(POSITIONS.replace("NG-1,06/01/2026,US5", "NG-1,13/01/2026,US5"), mapping())
    assert (outcome.value.quarantined, outcome.findings[0].code) == (1, "date-invalid")


def test_an_encoding_other_than_the_mappings_is_said() -> None:
    text = POSITIONS.replace("MICROSOFT", "MÜLLER").encode("cp1252")
    assert rows(text, "holdings", mapping())[1]["name"] == "MÜLLER"
    assert "encoding" in codes(text, mapping())
    assert rows(POSITIONS.encode("utf-16"), "holdings", mapping())[0]["isin"] == "US0378331005"


def test_the_mapping_with_the_most_cells_in_common_wins() -> None:
    loose = mapping(format="loose", match=["Account"])
    assert read(POSITIONS, loose, mapping()).value.format == "pb_positions"


def test_a_file_that_no_mapping_knows_says_what_it_looks_like() -> None:
    outcome = read("Account,ISIN,Worth\n1,2,3\n", mapping())
    assert outcome.value.format == ""
    assert "lacks Market Value" in outcome.findings[0].message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tables": [{**POSITIONS_MAPPING["tables"][0], "table": "holding"}]}, "did you mean 'holdings'"),
        ({"tables": [{"table": "prices", "columns": {"isinn": "ISIN"}}]}, "did you mean 'isin'"),
        ({"tables": [{"table": "prices", "columns": {"isin": "ISIN"}}]}, "every row needs source"),
        ({"thousands": "."}, "cannot be told from"),
        ({"encoding": "utf-99"}, "no encoding"),
        ({"decimals": ","}, "did you mean 'decimal'"),
    ],
)
def test_a_wrong_mapping_is_refused_with_what_to_do(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    import yaml

    (tmp_path / "m.yaml").write_text(yaml.safe_dump({**POSITIONS_MAPPING, **change}))
    with pytest.raises(ParameterError, match=said):
        load_mappings(tmp_path)


def test_the_mappings_of_the_demonstration_firm_load() -> None:
    found = load_mappings(Path(__file__).parents[2] / "parameters" / "mappings")
    assert {"trades", "prices", "pb_cash", "nav_pack"} <= {m.format for m in found}


def test_a_bomb_in_an_archive_is_refused_unopened() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * 50_000_000)
    assert codes(made.getvalue(), CASH) == {"archive-too-large"}


def changed(data: bytes, old: bytes, new: bytes) -> bytes:
    """A workbook with bytes replaced in every member."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as book, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in book.infolist():
            assert member.filename
            archive.writestr(member.filename, book.read(member).replace(old, new))
    return made.getvalue()


@pytest.mark.parametrize("reference", [b"XFD1048576", b"A4294967295", b"zzz9"])
def test_a_sheet_that_spans_a_billion_cells_is_refused(reference: bytes) -> None:
    data = workbook(Balances=[[f"{row}"] for row in range(2000)])
    wide = changed(data, b'r="A2000"', b'r="' + reference + b'"')
    assert codes(wide, CASH) == {"sheet-too-large"}


def test_announced_sizes_are_not_believed() -> None:
    data = workbook(Balances=[["Account", "Ccy", "As Of", "Opening", "Closing"], ["NG-1", "USD", date(2026, 6, 1), 5, 5]])
    liar = changed(changed(data, b"uniqueCount=", b'uniqueCount="99999999999999" was='), b'ref="A1:E2"', b'ref="A1:XFD1048576"')
    assert rows(liar, "statements", CASH)[0]["closing"] == Decimal(5)


def test_another_kind_of_archive_is_no_workbook() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("content.xml", "<office/>")
    [said] = read(made.getvalue(), CASH).findings
    assert (said.code, said.found) == ("archive-not-read", "content.xml")


def test_an_archive_that_lies_about_its_size_is_no_workbook() -> None:
    data = bytearray(workbook(Balances=[["Account"]]))
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = (5).to_bytes(4, "little")
    outcome = read(bytes(data), CASH)
    assert (outcome.value.format, [f.code for f in outcome.findings]) == ("", ["workbook-unreadable"])


def test_a_line_without_end_is_refused() -> None:
    assert codes("Account,ISIN,Market Value\n" + "x" * 2_000_000, mapping()) == {"line-too-long"}
