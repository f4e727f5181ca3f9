"""Files of custodians, brokers, vendors and filers, read into canonical tables with findings.

``read`` tells a file by its content, never by its name. Bad content never raises: what cannot be read is a finding with its
place and is counted as quarantined, and the good rows go on. Each format is one module with ``read(data, reading)``.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from bo_lib.feeds import (
    bai2,
    camt053,
    fin,
    guess,
    ibflex,
    mt54x,
    nport,
    ofx,
    packed,
    parquet,
    seev,
    semt002,
    semt017,
    sese,
    tabular,
)
from bo_lib.feeds.checks import statement_checks
from bo_lib.feeds.mapping import Mapping, load_mappings
from bo_lib.feeds.reading import Reading, decode
from bo_lib.model.findings import Outcome
from bo_lib.model.money import ZERO

__all__ = ["FileRead", "Mapping", "formats", "load_mappings", "read", "read_bytes", "statement_checks", "summary"]

BYTES_MAX = 512 * 2**20
_HEAD_BYTES = 2**16
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


@dataclass(frozen=True)
class FileRead:
    """One file: what it is, and its rows as canonical tables. ``quarantined`` counts the rows that are in none of them."""

    name: str
    sha256: str
    format: str
    bytes: int
    tables: dict[str, pa.Table] = field(default_factory=dict)
    quarantined: int = 0


@dataclass(frozen=True)
class Format:
    name: str
    says: str
    identify: Callable[[str], bool]
    read: Callable[[bytes, Reading], None]


def _fin(*kinds: str) -> Callable[[str], bool]:
    return lambda head: guess.kind_of(head) in kinds


def _xml(pattern: str) -> Callable[[str], bool]:
    known = re.compile(pattern)
    return lambda head: head.lstrip().startswith("<") and known.search(_COMMENT.sub("", head)) is not None


FORMATS = (
    Format("mt940", "SWIFT MT940 cash statement", _fin("940"), fin.read),
    Format("mt942", "SWIFT MT942 intraday cash report", _fin("942"), fin.read),
    Format("mt950", "SWIFT MT950 cash statement", _fin("950"), fin.read),
    Format("mt535", "SWIFT MT535 statement of holdings", _fin("535"), fin.read),
    Format("mt536", "SWIFT MT536 statement of transactions", _fin("536"), fin.read),
    Format("mt537", "SWIFT MT537 statement of pending transactions", _fin("537"), fin.read),
    Format("mt54x", "SWIFT MT540-548 settlement instructions, confirmations and statuses", _fin(*mt54x.KINDS), fin.read),
    Format("mt564", "SWIFT MT564 corporate action notification", _fin("564"), fin.read),
    Format("mt565", "SWIFT MT565 corporate action instruction", _fin("565"), fin.read),
    Format("mt566", "SWIFT MT566 corporate action confirmation", _fin("566"), fin.read),
    Format("mt567", "SWIFT MT567 corporate action status", _fin("567"), fin.read),
    Format("mt568", "SWIFT MT568 corporate action narrative", _fin("568"), fin.read),
    Format("mt300", "SWIFT MT300 confirmation of a currency deal", _fin("300"), fin.read),
    Format("mt304", "SWIFT MT304 instruction of a currency deal", _fin("304"), fin.read),
    Format("camt.053", "ISO 20022 cash statement", _xml(r"camt\.053\.|<(\w+:)?BkToCstmrStmt"), camt053.read),
    Format("camt.052", "ISO 20022 cash report", _xml(r"camt\.052\.|<(\w+:)?BkToCstmrAcctRpt"), camt053.read),
    Format("camt.054", "ISO 20022 cash notification", _xml(r"camt\.054\.|<(\w+:)?BkToCstmrDbtCdtNtfctn"), camt053.read),
    Format("semt.002", "ISO 20022 statement of holdings", _xml(r"semt\.002\.|<(\w+:)?SctiesBalCtdyRpt"), semt002.read),
    Format("semt.017", "ISO 20022 statement of transactions", _xml(r"semt\.017\.|<(\w+:)?SctiesTxPstngRpt"), semt017.read),
    Format("sese.023", "ISO 20022 settlement instruction", _xml(r"sese\.023\.|<(\w+:)?SctiesSttlmTxInstr\b"), sese.read),
    Format("sese.024", "ISO 20022 settlement status advice", _xml(r"sese\.024\.|<(\w+:)?SctiesSttlmTxStsAdvc\b"), sese.read),
    Format("sese.025", "ISO 20022 settlement confirmation", _xml(r"sese\.025\.|<(\w+:)?SctiesSttlmTxConf\b"), sese.read),
    Format("seev.031", "ISO 20022 corporate action notification", _xml(r"seev\.031\.|<(\w+:)?CorpActnNtfctn\b"), seev.read),
    Format("seev.035", "ISO 20022 movement preliminary advice", _xml(r"seev\.035\.|<(\w+:)?CorpActnMvmntPrlimryAdvc"), seev.read),
    Format("seev.036", "ISO 20022 corporate action confirmation", _xml(r"seev\.036\.|<(\w+:)?CorpActnMvmntConf\b"), seev.read),
    Format("seev.037", "ISO 20022 movement reversal advice", _xml(r"seev\.037\.|<(\w+:)?CorpActnMvmntRvslAdvc"), seev.read),
    Format(
        "ibflex",
        "Interactive Brokers Flex statement",
        _xml(r"<(FlexQueryResponse|FlexStatements?|FlexStatementResponse)\b"),
        ibflex.read,
    ),
    Format("bai2", "BAI2 cash balances and transactions", bai2.looks_like, bai2.read),
    Format("ofx", "OFX bank, card and investment statement", ofx.looks_like, ofx.read),
    Format("nport", "SEC Form N-PORT", _xml(r"<(\w+:)?edgarSubmission\b[^>]*sec\.gov/edgar/nport\b"), nport.read),
)


def formats() -> dict[str, str]:
    """Name and description of every format that needs no mapping."""
    return {one.name: one.says for one in FORMATS}


def read(
    path: Path, mappings: Sequence[Mapping] = (), bytes_max: int = BYTES_MAX, schemas: Path | None = None
) -> Outcome[FileRead]:
    """One file from disk; ``schemas``: folder of official XSDs that XML is validated against.

    Raises ``FileNotFoundError`` or ``IsADirectoryError`` for a path that is no file.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; expected a file in it")
    if not path.exists():
        if path.is_symlink():
            raise FileNotFoundError(f"{path}: a link that leads nowhere")
        near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*")], 1)
        raise FileNotFoundError(f"{path}: no such file" + (f"; is it {near[0]}?" if near else ""))
    if (size := path.stat().st_size) > bytes_max:
        reading = Reading(path.name, "")
        reading.error(
            "file-too-large",
            "the file is larger than is read",
            found=f"{size} bytes",
            expected=f"at most {bytes_max} bytes",
            todo="ask the sender to split it",
        )
        return Outcome(FileRead(path.name, "", "", size), tuple(reading.findings))
    return read_bytes(path.name, path.read_bytes(), mappings, schemas)


def read_bytes(name: str, data: bytes, mappings: Sequence[Mapping] = (), schemas: Path | None = None) -> Outcome[FileRead]:
    """The content of one file. ``format`` is empty where nobody recognises it; the findings then say what it looks like."""
    reading = Reading(name, hashlib.sha256(data).hexdigest(), schemas)
    format_name = _read_known(data, mappings, reading)
    tables, findings, quarantined = reading.finish()
    return Outcome(FileRead(name, reading.sha256, format_name, len(data), tables, quarantined), findings)


def _read_known(data: bytes, mappings: Sequence[Mapping], reading: Reading) -> str:
    if not data.strip():
        reading.error("file-empty", "the file is empty", todo="ask the sender for it")
        return ""
    if packed.is_packed(data):
        inner = packed.unpacked(data, reading)
        if inner is None:
            return ""
        reading.member, data = inner
        return _read_known(data, mappings, reading)
    if tabular.is_workbook(data) or parquet.is_parquet(data):
        return tabular.read(data, mappings, reading)
    head = decode(data[:_HEAD_BYTES])
    for one in FORMATS:
        if one.identify(head):
            one.read(data, reading)
            return one.name
    if said := _not_read(head, data):
        reading.error("format-unknown", said, found=head[:60], expected=", ".join((*formats(), *(m.format for m in mappings))))
        return ""
    return tabular.read(data, mappings, reading)


def _not_read(head: str, data: bytes) -> str:
    """What a file is that is neither of a known format nor a table; empty when it may be a table."""
    if data.startswith((b"\xd0\xcf\x11\xe0", b"%PDF", b"7z\xbc\xaf", b"BZh", b"\xfd7zXZ", b"Rar!")):
        return "a compressed file, an old spreadsheet or a PDF is not read; unpack it or save it as .xlsx or .csv"
    if found := re.search(r"\{2:[IO](\d{3})", head):
        return f"an MT{found[1]} is not read"
    if head.lstrip().startswith("<"):
        found = re.search(r"\b((?!head)[a-z]{4}\.\d{3}\.\d{3}\.\d{2})\b", head)
        return f"XML of {found[1]} is not read" if found else "XML of an unknown kind is not read"
    controls = sum(c < " " and c not in "\t\r\n\f" for c in head)
    return "binary content, no text" if controls * 50 > len(head) else ""


def summary(outcome: Outcome[FileRead]) -> dict[str, Any]:
    """What `bo read` prints: format, statements with their proof, rows by table, findings; amounts as text, ready for JSON."""
    one = outcome.value
    statements = one.tables["statements"].to_pylist() if "statements" in one.tables else []
    amounts: dict[str, list[Any]] = {}
    if "cash_movements" in one.tables:
        for row in one.tables["cash_movements"].select(["statement_id", "amount"]).to_pylist():
            amounts.setdefault(row["statement_id"], []).append(row["amount"])
    held = Counter(
        i for name in ("holdings", "transactions") if name in one.tables for i in one.tables[name]["statement_id"].to_pylist()
    )
    return {
        "format": one.format,
        "statements": [_statement_summary(row, amounts.get(row["statement_id"], []), held) for row in statements],
        "rows": {name: table.num_rows for name, table in one.tables.items()},
        "findings": [
            {"severity": f.severity.value, "code": f.code, "place": str(f.place), "message": str(f)} for f in outcome.findings
        ],
    }  # fmt: skip


def _statement_summary(row: dict[str, Any], amounts: list[Any], held: Counter[str]) -> dict[str, Any]:
    cash = row["kind"] == "cash"
    return {
        "account": row["account"],
        "number": row["number"],
        "currency": row["currency"],
        "opening": _plain(row["opening"]),
        "closing": _plain(row["closing"]),
        "entries": len(amounts) if cash else held[row["statement_id"]],
        "sum": _plain(sum(amounts, ZERO)) if cash else None,
        "proven": row["proven"],
    }


def _plain(amount: Any) -> str | None:
    """An amount as text: no exponent, no needless zeros beyond two decimals."""
    if amount is None:
        return None
    whole, _, part = f"{amount:f}".partition(".")
    return f"{whole}.{part.rstrip('0').ljust(2, '0')}"
