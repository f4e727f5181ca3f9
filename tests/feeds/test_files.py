"""Any file: told by its content, and whatever is in it, an answer with findings and never an exception."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bo_lib import feeds
from bo_lib.model.findings import Severity
from bo_lib.model.tables import TABLES
from tests.feeds.samples import MT940, TEXTS, mapping, read
from tests.feeds.test_tabular import CASH, workbook

WORKBOOK = workbook(
    Balances=[["Account", "Ccy", "As Of", "Opening", "Closing"], ["A", "EUR", "2026-06-01", 1, 2]], Activity=[["Account", "Amount"]]
)
SAMPLES = {**{name: text.encode() for name, text in TEXTS.items()}, "workbook": WORKBOOK}
MAPPINGS = (mapping(), CASH)


@pytest.mark.parametrize("name", TEXTS)
def test_a_file_is_told_by_its_content(name: str) -> None:
    assert read(TEXTS[name], *MAPPINGS).value.format == name


def test_formats_are_listed() -> None:
    assert set(TEXTS) - {"pb_positions"} <= set(feeds.formats())


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (b"", "file-empty", "empty"),
        (b" \r\n ", "file-empty", "empty"),
        (b"1\n2\n3\n", "format-unknown", "no mapping"),
        (bytes(range(256)) * 20, "format-unknown", "binary"),
        (b"\x1f\x8b\x08\x00garbage", "archive-unreadable", "cannot be unpacked"),
        (b"\xfd7zXZ\x00garbage", "format-unknown", "compressed"),
        (b"%PDF-1.7 ...", "format-unknown", "PDF"),
        (b"PK\x03\x04garbage", "archive-unreadable", "cannot be unpacked"),
        (b"{1:F01X}{2:I515FOOOFRPPXXXXN}{4:\n:16R:GENL\n-}", "format-unknown", "MT515"),
        (b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.055.001.09"/>', "format-unknown", "camt.055.001.09"),
        (b"<html></html>", "format-unknown", "XML of an unknown kind"),
    ],
)
def test_what_nobody_can_read_is_one_clear_error(content: bytes, code: str, says: str) -> None:
    outcome = read(content, *MAPPINGS)
    assert [f.code for f in outcome.findings] == [code]
    assert says in outcome.findings[0].message
    assert (outcome.value.format, outcome.value.tables, outcome.ok) == ("", {}, False)


def test_a_file_from_disk_and_paths_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "statement.txt"
    path.write_bytes(MT940.encode())
    outcome = feeds.read(path)
    assert (outcome.value.name, outcome.value.format, outcome.value.bytes) == ("statement.txt", "mt940", len(MT940))
    assert len(outcome.value.sha256) == 64
    with pytest.raises(FileNotFoundError, match=r"is it statement\.txt\?"):
        feeds.read(tmp_path / "statements.txt")
    with pytest.raises(IsADirectoryError, match="folder"):
        feeds.read(tmp_path)
    assert [f.code for f in feeds.read(path, bytes_max=10).findings] == ["file-too-large"]


def test_a_thousand_bad_rows_are_counted_and_a_hundred_told() -> None:
    text = MT940.replace(":62F:", ":61:bad\n" * 1000 + ":62F:")
    outcome = read(text)
    assert outcome.value.quarantined == 1000
    told = [f for f in outcome.findings if f.code == "entry-unreadable"]
    assert len(told) == 101
    assert told[-1].message == "and 900 more of the same"


def check(data: bytes) -> Any:
    """Whatever the content: canonical tables, findings with a severity and a code, a summary."""
    outcome = feeds.read_bytes("fuzz", data, MAPPINGS)
    for name, table in outcome.value.tables.items():
        TABLES[name].check(table)
    assert all(f.code and f.message and isinstance(f.severity, Severity) for f in outcome.findings)
    assert outcome.value.quarantined == 0 or not outcome.ok
    feeds.summary(outcome)
    return outcome


FUZZ = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@FUZZ
@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_a_damaged_file_is_read_without_an_exception(name: str, data: st.DataObject) -> None:
    """Cut, bytes flipped, lines dropped, doubled or swapped."""
    content = bytearray(SAMPLES[name])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(0, len(content) - 1)))
        match data.draw(st.sampled_from(["cut", "flip", "drop", "double", "insert"])):
            case "cut":
                del content[at:]
            case "flip" if content:
                content[at] = data.draw(st.integers(0, 255))
            case "insert":
                content[at:at] = data.draw(
                    st.sampled_from([b"\n", b"9" * 60, b":61:", b"\x00", b"<", b'"', b",", b"E9", "²٣".encode(), b"-"])
                )
            case action:
                lines = bytes(content).splitlines(keepends=True) or [b""]
                line = at % len(lines)
                lines[line : line + 1] = [] if action == "drop" else [lines[line]] * 2
                content = bytearray(b"".join(lines))
    check(bytes(content))


@FUZZ
@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b":20:A\n:25:B\n:61:", b"<?xml version='1.0'?>", b"PK\x03\x04", b"Account,ISIN,Market Value\n"]),
)
def test_any_bytes_are_read_without_an_exception(tail: bytes, head: bytes) -> None:
    check(head + tail)


@FUZZ
@given(
    st.lists(st.tuples(st.sampled_from(["C", "D", "RC", "RD"]), st.integers(0, 10**15)), max_size=12),
    st.integers(-(10**15), 10**15),
)
def test_whatever_the_entries_a_right_closing_balance_is_proven_and_any_other_is_not(
    entries: list[tuple[str, int]], opening: int
) -> None:
    def money(cents: int) -> str:
        return f"{abs(cents) // 100},{abs(cents) % 100:02}"

    def text(closing: int) -> str:
        lines = [f":61:2606010601{mark}{money(cents)}NTRFREF" for mark, cents in entries]
        ends = [f"{'C' if b >= 0 else 'D'}260601EUR{money(b)}" for b in (opening, closing)]
        return "\n".join([":20:X", ":25:A", ":28C:1", f":60F:{ends[0]}", *lines, f":62F:{ends[1]}", ""])

    right = opening + sum(cents if mark in ("C", "RD") else -cents for mark, cents in entries)
    [statement] = read(text(right)).value.tables["statements"].to_pylist()
    assert statement["proven"] is True
    assert statement["closing"] == Decimal(right) / 100
    assert read(text(right + 1)).value.tables["statements"].to_pylist()[0]["proven"] is False
