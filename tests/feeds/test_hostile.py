"""Files that mean harm, or are far too large: each ends in one clear error, within small declared limits."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from bo_lib import feeds
from bo_lib.feeds import parquet, workbook
from tests.feeds.samples import CAMT, MT940, codes, mapping, read, rows
from tests.feeds.samples_more import BAI2, FLEX, MORE, OFX, SEEV_031
from tests.feeds.swift_samples import SWIFT
from tests.feeds.test_more_formats import parquet as parquet_bytes

SMALL = {**MORE, **SWIFT, "bai2": BAI2, "camt": CAMT}
LAUGHS = "<!DOCTYPE lolz [" + '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12)) + "]>"
OUTSIDE = '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize("harm", [LAUGHS, OUTSIDE])
@pytest.mark.parametrize("text", [CAMT, SEEV_031, FLEX])
def test_entities_are_never_expanded(text: str, harm: str) -> None:
    start = text.index("<Document") if "<Document" in text else 0
    outcome = read(text[:start] + harm + text[start:].replace("US0378331005", "&x;&a11;"))
    assert [f.code for f in outcome.findings] == ["xml-dtd"]
    assert all(table.num_rows == 0 for table in outcome.value.tables.values())


def test_entities_after_a_long_comment_are_refused_too() -> None:
    text = CAMT.replace("<Document", "<!--" + "x" * 2**17 + "-->" + LAUGHS + "<Document", 1).replace("Bond bought", "&a11;")
    assert codes(text) <= {"xml-dtd", "xml-malformed", "format-unknown"} and not read(text).ok


def test_ofx_takes_no_document_type() -> None:
    assert codes(OFX.replace("<OFX>", OUTSIDE + "<OFX>")) == {"xml-dtd"}


@pytest.mark.parametrize("levels", [1000, 100_000])
def test_deep_nesting_is_refused(levels: int) -> None:
    assert codes(CAMT.replace("<Stmt>", "<Stmt>" + "<a>" * levels + "</a>" * levels, 1)) == {"xml-malformed"}
    assert codes(OFX.replace("<STMTRS>", "<A>" * levels + "<STMTRS>")) == {"nested-too-deep"}


def zipped(sheet: bytes, times: int = 1) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as member:
            for _ in range(times):
                member.write(sheet)
    return made.getvalue()


def test_a_workbook_that_unpacks_to_far_more_than_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert codes(zipped(b" " * 2**20, 8)) == {"archive-too-large"}
    monkeypatch.setattr(workbook, "BYTES_MAX", 2**20)
    assert codes(zipped(bytes(range(256)) * 8192)) == {"archive-too-large"}


def test_a_sheet_of_a_few_cells_far_apart_is_not_laid_out() -> None:
    corner = b'<worksheet><sheetData><row r="1"><c r="A1"/></row><row r="1048576"><c r="XFD1048576"/></row></sheetData></worksheet>'
    assert codes(zipped(corner)) == {"sheet-too-large"}


def test_a_parquet_file_that_unpacks_to_more_than_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow as pa

    data = parquet_bytes(pa.table({"isin": ["x" * 100] * 1000}))
    monkeypatch.setattr(parquet, "BYTES_MAX", 100)
    assert codes(data) == {"file-too-large"}


def test_an_endless_line_is_no_table_and_no_statement() -> None:
    outcome = read("Account,ISIN,Market Value" + "," * 2**21, mapping())
    assert [f.code for f in outcome.findings] == ["line-too-long"]
    for line in (b"16,175,1,,,," + b"x" * 2**21, b":20:" + b"x" * 2**21, b"A" * 2**22):
        outcome = feeds.read_bytes("f", line)
        assert sum(len(str(f)) for f in outcome.findings) < 4000, "a letter stays short whatever the line"
        assert not outcome.ok


def test_a_file_larger_than_is_read_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "large.xml"
    with path.open("wb") as file:
        file.truncate(2**31)  # 2 GB that take no room
    [one] = feeds.read(path).findings
    assert (one.code, one.found) == ("file-too-large", "2147483648 bytes")


# Long lines and many messages on one


def test_messages_on_one_line_are_read_one_by_one_in_a_time_that_grows_with_their_number() -> None:
    statements = feeds.summary(read(MT940.replace("-}\n", "-}$") * 1500))["statements"]
    assert len(statements) == 1500 and all(s["proven"] for s in statements)
    assert read(MT940.replace("\n", " ") * 3000).value.format == "mt940", "nothing but ends, far deeper than calls may nest"


@pytest.mark.parametrize("head", ["{1:F01X}{2:I540", "{1:F01X}{2:I940X}{4:\n:20:", "{1:", "OFXHEADER:100\n<OFX><STMTRS><MEMO>"])
def test_a_line_without_an_end_is_an_error_within_bounds(head: str) -> None:
    outcome = read(head + "A" * 5_000_000)
    assert not outcome.ok and sum(len(str(f)) for f in outcome.findings) < 4000


@pytest.mark.parametrize("number", ["0" * 5000, "x" + "f" * 5000, "9" * 9])
def test_a_character_number_that_is_none_stays_as_written(number: str) -> None:
    kept = rows(OFX.replace("Phone", f"Phone &#{number};"), "cash_movements")[0]
    assert kept["text"].endswith(f"Phone &#{number};")


@pytest.mark.parametrize("name", sorted(SMALL))
def test_a_sample_cut_anywhere_is_answered(name: str) -> None:
    """Again and again; each cut is said, or the file is read as far as it goes."""
    data = SMALL[name].encode()
    for end in range(1, len(data), 17):
        outcome = feeds.read_bytes(name, data[:end])
        assert outcome.value.format or not outcome.ok
        feeds.summary(outcome)
