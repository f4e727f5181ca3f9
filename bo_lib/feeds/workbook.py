"""XLSX opened safely: the archive is measured and unpacked within bounds before the spreadsheet reader sees it.

python-calamine trusts an archive's directory, reserves memory for as many entries as a tag announces (and ends the process
when there is none), and lays a sheet out as a full rectangle. So members are read here, at most as many bytes as the
directory says, announced sizes are left out, sheets are measured by their cell references, and a plain (stored) archive
is handed on.
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

from bo_lib.feeds.reading import Reading

BYTES_MAX = 256 * 2**20
RATIO_MAX = 200  # real sheets shrink 5 to 30 times
CELLS_MAX = 20_000_000
_CELL = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{0,9})(\d{1,20})["']""")
_SIZED = re.compile(rb"<(?:\w+:)?(?:sst|cellXfs|cellStyleXfs|numFmts|dimension)\b[^>]*>")
_SIZE = re.compile(rb"""\s(?:count|uniqueCount|ref)\s*=\s*(?:"[^"]*"|'[^']*')""")


def open_workbook(data: bytes, reading: Reading) -> Any:
    """A ``CalamineWorkbook``, or None with an error finding."""
    from python_calamine import CalamineWorkbook

    try:
        plain = _unpacked(data, reading)
        return CalamineWorkbook.from_filelike(io.BytesIO(plain)) if plain else None
    except (MemoryError, KeyboardInterrupt):
        raise
    except BaseException as reason:  # the reader's panics are no Exception
        if isinstance(reason, SystemExit | GeneratorExit):
            raise
        reading.error(
            "workbook-unreadable",
            f"not readable as a workbook: {str(reason)[:200]}",
            todo="save it again as .xlsx, or ask the sender",
        )
        return None


def sheet_names(workbook: Any) -> list[str]:
    """Names of the worksheets, those that people see before hidden ones."""
    from python_calamine import SheetVisibleEnum

    hidden = {s.name for s in workbook.sheets_metadata if s.visible != SheetVisibleEnum.Visible}
    return sorted(workbook.sheet_names, key=lambda name: name in hidden)


def sheet_rows(workbook: Any, name: str, reading: Reading) -> list[list[Any]]:
    """All rows of a sheet from row 1; an unreadable sheet is a finding and has none."""
    try:
        rows: list[list[Any]] = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
        return rows
    except (MemoryError, KeyboardInterrupt):
        raise
    except BaseException as reason:
        if isinstance(reason, SystemExit | GeneratorExit):
            raise
        reading.error(
            "sheet-unreadable", f"the sheet is not readable: {str(reason)[:200]}", name, todo="ask the sender for the file again"
        )
        return []


def _unpacked(data: bytes, reading: Reading) -> bytes | None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [m for m in archive.infolist() if not m.is_dir()]
        if "xl/workbook.xml" not in {m.filename for m in members}:
            reading.error("archive-not-read", "an archive of files is not read, nor is a workbook that is no .xlsx",
                          found=", ".join(m.filename for m in members)[:200], todo="unpack it, or save it as .xlsx")  # fmt: skip
            return None
        total = sum(m.file_size for m in members)
        if total > BYTES_MAX or total > RATIO_MAX * len(data) + 2**20:
            reading.error(
                "archive-too-large",
                "the workbook unpacks to far more than its size",
                found=f"{total} bytes from {len(data)}",
                expected=f"at most {BYTES_MAX} bytes and {RATIO_MAX} times its size",
                todo="do not open it; ask the sender",
            )
            return None
        if any(m.flag_bits & 1 for m in members):
            reading.error("workbook-locked", "the workbook is protected by a password", todo="ask the sender for an open one")
            return None
        stored = io.BytesIO()
        with zipfile.ZipFile(stored, "w", zipfile.ZIP_STORED) as plain:
            for member in members:
                content = archive.read(member)
                if member.filename.endswith((".xml", ".rels")) and b"\x00" in content:
                    raise ValueError(f"{member.filename} is not text in UTF-8")
                if (cells := _cells(content)) > CELLS_MAX:
                    reading.error("sheet-too-large", "a sheet spans far more cells than it can hold data", member.filename,
                                  found=f"{cells} cells", expected=f"at most {CELLS_MAX}")  # fmt: skip
                    return None
                plain.writestr(member.filename, _SIZED.sub(_unsized, content))
        return stored.getvalue()


def _unsized(tag: re.Match[bytes]) -> bytes:
    """A tag without the sizes it announces (a dimension must have one: the smallest)."""
    return _SIZE.sub(b' ref="A1"' if b"dimension" in tag[0] else b"", tag[0])


def _cells(content: bytes) -> int:
    """Cells of the rectangle that a worksheet's references span; 0 for other members."""
    if b"sheetData" not in content:
        return 0
    rows = columns = 0
    for found in _CELL.finditer(content):
        rows, column = max(rows, int(found[2])), 0
        for letter in found[1].upper():
            column = column * 26 + letter - 64
        columns = max(columns, column)
    return rows * max(columns, 1)
