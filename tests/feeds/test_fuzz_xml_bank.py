"""Damaged XML and bank files: whatever is broken, an answer comes and no row is lost."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from bo_lib import feeds
from bo_lib.model.findings import Severity
from bo_lib.model.tables import TABLES
from tests.feeds.samples import CAMT, NPORT, SEMT
from tests.feeds.samples_more import MORE

CORPORA = Path(__file__).parents[3] / "shared" / "corpora"
SAMPLES = {name: text.encode() for name, text in {"camt.053": CAMT, "semt.002": SEMT, "nport": NPORT, **MORE}.items()}
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
INSERTS = [
    b"\n",
    b"9" * 60,
    b"\x00",
    b"<",
    b"&",
    b'"',
    b",",
    b"1e9999",
    b"-0",
    b"NaN",
    b"1,5",
    b"2026-02-30",
    "²٣".encode(),
    b"/",
    b"88,",
]
_PENDING = re.compile(r"(\d+) entries are not booked")


def answered(data: bytes) -> feeds.FileRead:
    """Whatever the content: canonical tables, findings that say what and where, a summary."""
    outcome = feeds.read_bytes("fuzz", data)
    one = outcome.value
    for name, table in one.tables.items():
        TABLES[name].check(table)
    assert all(f.code and f.message and isinstance(f.severity, Severity) for f in outcome.findings)
    assert one.quarantined == 0 or not outcome.ok
    feeds.summary(outcome)
    if one.format.startswith("camt") and (entries := booked_and_not(data)) is not None:
        pending = sum(int(m[1]) for f in outcome.findings if (m := _PENDING.match(f.message)))
        statements = one.tables["statements"].num_rows
        lost = entries - one.tables["cash_movements"].num_rows - pending
        assert 0 <= lost <= one.quarantined <= lost + 1 + 2 * abs(statements - 1), (entries, one.quarantined, pending)
    if one.format == "bai2":
        assert one.tables["cash_movements"].num_rows + one.quarantined >= len(re.findall(rb"(?:^|\n)16,", data)) or b"\r" in data
    return one


def booked_and_not(data: bytes) -> int | None:
    """Entries of every statement, counted without the reader; None where the file is no XML."""
    try:
        root = etree.fromstring(data.lstrip(), etree.XMLParser(resolve_entities=False, no_network=True))
    except (etree.XMLSyntaxError, ValueError):
        return None
    if root.getroottree().docinfo.doctype:
        return None
    named = etree.XPath(
        "count(//*[starts-with(local-name(), 'BkToCstmr')]"
        "/*[local-name()='Stmt' or local-name()='Rpt' or local-name()='Ntfctn']/*[local-name()='Ntry'])"
    )
    return int(named(root))  # type: ignore[arg-type]


def damaged(content: bytes, draw: random.Random) -> bytes:
    """One harm: cut, flip, insert, drop, double, swap; in lines or in elements; or a wrong number."""
    made = bytearray(content)
    at = draw.randrange(max(1, len(made)))
    match draw.choice(["cut", "flip", "insert", "lines", "elements", "number", "random"]):
        case "cut":
            del made[at:]
        case "flip" if made:
            made[at] = draw.randrange(256)
        case "insert":
            made[at:at] = draw.choice(INSERTS)
        case "random":
            made[at : at + 4] = draw.randbytes(draw.randrange(12))
        case "lines":
            lines = bytes(made).splitlines(keepends=True) or [b""]
            line = draw.randrange(len(lines))
            lines[line : line + 1] = draw.choice([[], [lines[line]] * 2, [lines[line - 1], lines[line]]])
            made = bytearray(b"".join(lines))
        case "number":
            found = list(re.finditer(rb"\d+\.?\d*", bytes(made)))
            if found:
                one = draw.choice(found)
                made[one.start() : one.end()] = draw.choice([b"1,5", b"1.123456789012", b"-7", b"x", b"", b"9" * 40, b"0"])
        case _:
            return moved(bytes(made), draw)
    return bytes(made)


def moved(content: bytes, draw: random.Random) -> bytes:
    """An element removed, doubled or emptied, the rest of the XML whole."""
    try:
        root = etree.fromstring(content.lstrip())
    except (etree.XMLSyntaxError, ValueError):
        return content
    below = [e for e in root.iter() if e.getparent() is not None and isinstance(e.tag, str)]
    if not below:
        return content
    one = draw.choice(below)
    parent = one.getparent()
    assert parent is not None
    match draw.choice(["remove", "double", "empty"]):
        case "remove":
            parent.remove(one)
        case "double":
            parent.insert(parent.index(one), etree.fromstring(etree.tostring(one, with_tail=False)))
        case _:
            one.clear()
    return etree.tostring(root)


@FUZZ
@given(st.sampled_from(sorted(SAMPLES)), st.integers(0, 2**32), st.integers(1, 4))
def test_a_damaged_sample_is_answered_and_keeps_its_rows(name: str, seed: int, harms: int) -> None:
    content, draw = SAMPLES[name], random.Random(seed)
    for _ in range(harms):
        content = damaged(content, draw)
    answered(content)


@FUZZ
@given(st.binary(max_size=400), st.sampled_from(sorted(SAMPLES)), st.integers(0, 400))
def test_any_bytes_after_the_head_of_a_format_are_answered(tail: bytes, name: str, kept: int) -> None:
    answered(SAMPLES[name][:kept] + tail)


@pytest.mark.skipif(not CORPORA.is_dir(), reason="no folder of real files beside the project")
@pytest.mark.parametrize("folder", ["iso20022/camt", "iso20022/seev", "iso20022/other", "bank/bai2", "brokers/ibflex"])
def test_damaged_real_files_are_answered(folder: str) -> None:
    draw = random.Random(folder)
    files = sorted(p for p in (CORPORA / folder).iterdir() if p.stat().st_size < 30_000)
    assert files
    for _ in range(120):
        content = damaged(draw.choice(files).read_bytes(), draw)
        answered(damaged(content, draw) if draw.random() < 0.5 else content)
