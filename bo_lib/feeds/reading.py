"""What a reader gathers from one file: rows for the canonical tables, findings with their place, rows refused."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from bo_lib.model.findings import Finding, Place, Severity
from bo_lib.model.money import ZERO
from bo_lib.model.tables import CASH_MOVEMENTS, STATEMENTS, TABLES, Table

FINDINGS_PER_CODE_MAX = 100  # then they are only counted: a broken file of a million rows stays readable
T = TypeVar("T")


class UnreadableError(ValueError):
    """A value that is not what its field must hold; becomes a finding at the place of its row."""

    def __init__(self, code: str, message: str, found: str = "", expected: str = "", todo: str = "", field: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.field = code, message, field
        self.said = {"found": found[:200], "expected": expected, "todo": todo}


@dataclass
class Reading:
    """Gathers one file. Readers call ``add``, ``refuse`` and ``note``; ``finish`` makes the tables."""

    name: str
    sha256: str
    schemas: Path | None = None  # folder of official XSDs, where one is configured
    member: str = ""  # the file inside a packed one: places then begin with its name
    refused: int = 0
    findings: list[Finding] = field(default_factory=list)
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _said: Counter[tuple[Severity, str]] = field(default_factory=Counter)
    _ids: Counter[str] = field(default_factory=Counter)

    def note(self, severity: Severity, code: str, message: str, at: str = "", field: str = "", **said: str) -> None:
        self._keep(Finding(severity, code, message, Place(self.name, at, field, self.sha256), **said))

    def error(self, code: str, message: str, at: str = "", field: str = "", **said: str) -> None:
        self.note(Severity.ERROR, code, message, at, field, **said)

    def warning(self, code: str, message: str, at: str = "", field: str = "", **said: str) -> None:
        self.note(Severity.WARNING, code, message, at, field, **said)

    def info(self, code: str, message: str, at: str = "", field: str = "", **said: str) -> None:
        self.note(Severity.INFO, code, message, at, field, **said)

    def refuse(self, why: UnreadableError, at: str, field: str = "", rows: int = 1) -> None:
        """A row that cannot be kept: an error at its place, counted as quarantined."""
        self.refused += rows
        self.error(why.code, why.message, at, field or why.field, **why.said)

    def tried(self, read: Callable[[str], T], text: str | None, at: str, field: str) -> T | None:
        """``read(text)``, or None and an error when the value cannot be read; the row itself goes on."""
        if text is None:
            return None
        try:
            return read(text)
        except UnreadableError as why:
            self.error(why.code, why.message, at, field, **why.said)
            return None

    def expect(self, *tables: Table) -> None:
        """Names tables that the file carries, so that they are handed on even when they have no row."""
        for table in tables:
            self.rows.setdefault(table.name, [])

    def add(self, table: Table, at: str, row: dict[str, Any]) -> dict[str, Any]:
        if "file" in table.names:  # tables that only files of our own books fill carry no place
            row["file"], row["at"] = self.sha256, at
        self.rows.setdefault(table.name, []).append(row)
        return row

    def statement_id(self, account: str, number: str) -> str:
        """``account/number``, with ``#2`` for the second of that name in the file."""
        name = f"{account}/{number}"
        self._ids[name] += 1
        return name if self._ids[name] == 1 else f"{name}#{self._ids[name]}"

    def prove(self, statement: dict[str, Any], amounts: list[Decimal], refused: int = 0) -> None:
        """Sets ``proven``: opening + movements = closing. Null, without a finding, where neither balance is carried."""
        opening, closing, at = statement.get("opening"), statement.get("closing"), statement["at"]
        statement["proven"] = None
        if opening is None and closing is None:
            return
        statement["proven"] = False
        if opening is None or closing is None:
            side = "opening" if opening is None else "closing"
            self.error("balance-missing", f"the {side} balance is missing, the statement cannot be proven", at, side,
                       todo="the file may be cut: ask the sender for it again")  # fmt: skip
            return
        total = sum(amounts, ZERO)
        statement["proven"] = closing == opening + total
        if not statement["proven"]:
            without = f", without {refused} that could not be read" if refused else ""
            self.error(
                "balance-not-proven",
                f"opening {opening} + entries {total} ({len(amounts)}) = {opening + total}{without}, not {closing}: "
                f"difference {closing - opening - total}",
                at, "closing", found=str(closing), expected=str(opening + total),
                todo="find the missing, doubled or misread entry, or ask the sender for a corrected statement",
            )  # fmt: skip

    def finish(self) -> tuple[dict[str, pa.Table], tuple[Finding, ...], int]:
        """Tables by canonical name, findings, and the number of rows that are in none of the tables."""
        tables = {}
        if self.member:
            self._place_in_member()
        for name, rows in self.rows.items():
            built = TABLES[name].build(rows)
            tables[name] = built.value
            self.refused += len(rows) - built.value.num_rows
            for finding in built.findings:
                self._keep(replace(finding, place=replace(finding.place, file=self.name)))
        self._check_isins(tables)
        for (severity, code), count in self._said.items():
            if (more := count - FINDINGS_PER_CODE_MAX) > 0:
                self.findings.append(Finding(severity, code, f"and {more} more of the same", Place(self.name, sha256=self.sha256)))
        return tables, tuple(self.findings), self.refused

    def _place_in_member(self) -> None:
        for row in (row for rows in self.rows.values() for row in rows if "at" in row):
            row["at"] = f"{self.member}:{row['at']}"
        self.findings = [
            replace(f, place=replace(f.place, at=f"{self.member}:{f.place.at}".removesuffix(":"))) for f in self.findings
        ]

    def _keep(self, finding: Finding) -> None:
        key = (finding.severity, finding.code)
        self._said[key] += 1
        if self._said[key] <= FINDINGS_PER_CODE_MAX:
            self.findings.append(finding)

    def _check_isins(self, tables: dict[str, pa.Table]) -> None:
        """A warning for every ISIN whose form or check digit is wrong: a key that will match nothing."""
        from stdnum import isin

        seen: set[str] = set()
        for name, table in tables.items():
            if not {"isin", "at"} <= set(table.column_names):
                continue
            for code, at in zip(table["isin"].to_pylist(), table["at"].to_pylist(), strict=True):
                if code and code not in seen and not isin.is_valid(code):
                    self.warning("isin-invalid", "the ISIN's form or check digit is wrong", at, f"{name}.isin", found=code,
                                 expected="two letters, nine characters, a check digit (ISO 6166)")  # fmt: skip
                seen.add(code)


def named_by_isin(
    isin: str | None, local: str | None, name: str | None, expected: str, at: str, field: str, reading: Reading
) -> None:
    """A notification is kept under another code of its security (a warning); ``UnreadableError`` where it has none at all."""
    if not (isin or local):
        raise UnreadableError("security-missing", "the notification names no security", name or "", expected,
                              "ask the sender which security it is about", field)  # fmt: skip
    if not isin:
        reading.warning("isin-missing", "the notification names its security by no ISIN; kept under the code it gives", at, field,
                        found=local or "", expected=expected, todo="see that the security master has the security")  # fmt: skip


def prove_tables(reading: Reading) -> None:
    """Proves every cash statement of a file that carries statements and movements as tables (CSV, XLSX)."""
    if CASH_MOVEMENTS.name not in reading.rows:
        return
    movements: dict[str, list[Decimal]] = {}
    for row in reading.rows[CASH_MOVEMENTS.name]:
        movements.setdefault(row["statement_id"], []).append(row["amount"])
    for statement in reading.rows.get(STATEMENTS.name, ()):
        if statement.get("kind") == "cash":
            reading.prove(statement, movements.get(statement["statement_id"], []), reading.refused)


_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


_WIDE = ((b"\0", 1, "utf-16-le"), (b"\0", 0, "utf-16-be"))  # two letters without a mark: where their zero bytes stand
_EBCDIC = (b"\x7a\xf2\xf0\x7a", b"\xc0\xf1\x7a", b"\xf0\xf1\x6b")  # ``:20:``, ``{1:`` and ``01,`` as mainframes write them


def decode(data: bytes, reading: Reading | None = None, encoding: str = "utf-8") -> str:
    """Bytes as text: by byte order mark, then ``encoding``, then Windows Latin-1, which fits every byte (said in a finding)."""
    for mark, name in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace")
    for zero, start, name in _WIDE:
        if len(data) > 4 and data[start:4:2] == zero * 2 and zero not in data[1 - start : 4 : 2]:
            return data.decode(name, "replace")
    if data.startswith(_EBCDIC):
        return data.decode("cp1140").replace("\x85", "\n")
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError) as reason:
        if reading:
            start = getattr(reason, "start", 0)
            line = len(re.findall(rb"\r\n|\r|\n", data[:start])) + 1
            reading.info("encoding", f"not {encoding}; read as Latin-1, so accents may be wrong", f"line {line}",
                         found=data[max(0, start - 10) : start + 10].decode("latin-1"), expected=encoding)  # fmt: skip
        return data.decode("cp1252", "replace") if encoding == "utf-8" else data.decode("latin-1")


def lines_of(text: str) -> list[str]:
    """Lines by CR, CRLF or LF and by nothing else (``str.splitlines`` also breaks at form feeds and NEL)."""
    return re.split(r"\r\n|\r|\n", text)
