"""SWIFT files however broken: every reader answers with findings, loses no row, and stays linear in the size of the file."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bo_lib import feeds
from bo_lib.feeds.reading import decode, lines_of
from tests.feeds.samples import read
from tests.feeds.swift_samples import SWIFT

CORPUS = Path(__file__).parents[3] / "shared" / "corpora" / "swift"
CASH = ("mt940", "mt942", "mt950")
TAGS = (":61:", ":86:", ":62F:", ":60M:", ":20:", ":25:", ":16R:FIN", ":16S:FIN", ":16R:GENL", ":35B:", ":93B::AGGR//", "-}",
        "{1:", "{4:", ":16R:TRAN", ":16R:STAT", ":19A::SETT//", ":98A::SETT//", ":32B:", "{2:I940X}", "-")  # fmt: skip


def mutated(data: bytes, draw: random.Random) -> bytes:
    """A file as bad lines, cuts and pastes leave it."""
    for _ in range(draw.randint(1, 6)):
        lines = data.split(b"\n")
        place = draw.randrange(len(lines))
        match draw.randrange(9):
            case 0 if data:
                at = draw.randrange(len(data))
                data = data[:at] + bytes([draw.randrange(256)]) + data[at + 1 :]
            case 1 if data:
                data = data[: draw.randrange(len(data))]
            case 2:
                other = draw.randrange(len(lines))
                lines[place], lines[other] = lines[other], lines[place]
                data = b"\n".join(lines)
            case 3:
                data = b"\n".join(lines[:place] + lines[place : place + 12] * draw.randint(2, 5) + lines[place + 12 :])
            case 4:
                data = b"\n".join(lines[:place] + lines[place + 1 :])
            case 5:
                lines[place] += draw.choice([b"9" * 3000, b"," * 50, "²٣".encode(), b"\x00\x1a", b"/" * 2000, b"A" * 3000])
                data = b"\n".join(lines)
            case 6:
                lines.insert(place, draw.choice(TAGS).encode() + bytes(draw.choices(b"0129,.CDREN/ABC:-{}", k=draw.randint(0, 40))))
                data = b"\n".join(lines)
            case 7:
                data = data.replace(b"\n", draw.choice([b"\r\n", b"\r", b"\n\n"]))
            case _:
                data = data[:40] + data[draw.randrange(len(data) + 1) :]
    return data


def entries_in(data: bytes) -> int:
    return sum(bool(re.match(r"\s*:61:", line.strip("\x00\x01\x02\x03\x04\x1a\ufeff"))) for line in lines_of(decode(data)))


def answers(data: bytes) -> None:
    """Reads without an exception; of a cash statement every :61: is a row or quarantined."""
    outcome = read(data)
    said = feeds.summary(outcome)
    assert said["format"] or not outcome.ok
    if said["format"] in CASH:
        pending = said["rows"].get("transactions", 0)
        kept = said["rows"].get("cash_movements", 0) + pending
        assert kept + outcome.value.quarantined >= entries_in(data)
        if "statements" not in outcome.value.tables:  # a header that no message follows
            assert not outcome.ok
            return
        cash = [row["kind"] == "cash" for row in outcome.value.tables["statements"].to_pylist()]
        entries = [s["entries"] for s, is_cash in zip(said["statements"], cash, strict=True) if is_cash]
        assert sum(entries) == said["rows"].get("cash_movements", 0)


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(sorted(SWIFT)), st.randoms(use_true_random=False))
def test_mutated_samples_answer_and_lose_nothing(name: str, draw: random.Random) -> None:
    answers(mutated(SWIFT[name].encode(), draw))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(TAGS).flatmap(lambda tag: st.text(max_size=30).map(lambda text: tag + text)), max_size=30))
def test_any_fields_in_any_order_answer(lines: list[str]) -> None:
    answers("\n".join(lines).encode("utf-8", "replace"))


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=400),
    st.sampled_from(["{1:F01X}{2:I940Y}{4:\n", "{2:I535Y}{4:\n:16R:GENL\n", ":20:X\n:25:A\n:61:", "{2:I300X}{4:"]),
)
def test_random_bytes_after_a_header_answer(data: bytes, head: str) -> None:
    answers(head.encode() + data)


@pytest.mark.skipif(not CORPUS.is_dir(), reason="no folder of real files beside the project")
@pytest.mark.parametrize("seed", range(4))
def test_mutated_real_files_answer_and_lose_nothing(seed: int) -> None:
    draw = random.Random(seed)
    for path in sorted(CORPUS.rglob("*.*")):
        answers(mutated(path.read_bytes(), draw))


WRAPPED = "{{1:F01ALPNLULLAXXX0000000000}}{{2:I{}HARBLULLXXXXN}}{{4:\n"
GENERAL = ":16R:GENL\n:20C::CORP//C\n:20C::RELA//R\n:20C::SEME//S\n:22F::CAEV//DVCA\n:97A::SAFE//A\n:16S:GENL\n"
SECURITIES = {kind: WRAPPED.format(kind) + GENERAL for kind in (535, 536, 537, 541, 548, 564, 566)}
CASH_HEAD = ":20:A\n:25:B\n:60F:C260601EUR1,\n"


def times(text: str, size: int) -> str:
    return text * (size // len(text))


REPEATED: dict[str, Callable[[int], str]] = {
    "one letter": lambda n: CASH_HEAD + ":61:" + "9" * n,
    "a number": lambda n: SECURITIES[536] + ":16R:FIN\n:93B::FIOP//UNIT/" + "1" * n,
    "an amount": lambda n: WRAPPED.format(300) + ":20:A\n:30T:20260601\n:30V:20260603\n:32B:EUR" + "1" * n + "\n:33B:USD1,",
    "a narrative": lambda n: CASH_HEAD + ":61:260601C1,NTRFEREF\n:86:/EREF/" + "/" * n,
    "subfields": lambda n: CASH_HEAD + ":61:260601C1,NTRFEREF\n:86:?20EREF+" + times("?21EREF+", n),
    "braces": lambda n: "{1:F01X}{2:I940Y}{4:\n" + times("{1:", n),
    "lines of one field": lambda n: CASH_HEAD + ":61:260601C1,NTRFX\n:86:x" + times("\nx", n),
    "entries": lambda n: CASH_HEAD + times(":61:260601C1,NTRFREF\n", n),
    "narratives": lambda n: CASH_HEAD + ":61:260601C1,NTRFX\n" + times(":86:words\n", n),
    "statements": lambda n: times(":20:A\n:25:B\n:28C:1/1\n:60F:C260601EUR1,\n:62F:C260601EUR1,\n", n),
    "messages": lambda n: "{2:I535X}{4:\n" + times(":16R:GENL\n", n // 2),
    "blocks": lambda n: SECURITIES[535] + times(":16R:FIN\n", n),
    "blocks of other names": lambda n: SECURITIES[535] + "".join(f":16R:B{k}\n" for k in range(n // 10)),
    "ends of blocks": lambda n: SECURITIES[535] + times(":16S:FIN\n", n),
    "transactions": lambda n: SECURITIES[536] + ":16R:FIN\n"
    + times(":16R:TRAN\n:36B::PSTA//UNIT/1,\n:22H::REDE//RECE\n:16S:TRAN\n", n),
    "pending": lambda n: SECURITIES[537] + ":16R:STAT\n"
    + times(":16R:TRAN\n:36B::SETT//UNIT/1,\n:22H::REDE//RECE\n:16S:TRAN\n", n),
    "statuses": lambda n: SECURITIES[548] + times(":16R:STAT\n:25D::SETT//PEND\n:16S:STAT\n", n),
    "penalties": lambda n: SECURITIES[537] + ":16R:PENACOUNT\n" + times(":16R:PENDET\n:19A::AMCO//EUR1,\n:16S:PENDET\n", n),
    "options": lambda n: SECURITIES[564] + ":16R:USECU\n:35B:ISIN NL0010273215\n" + times(":16R:ACCTINFO\n:16S:ACCTINFO\n", n // 2)
    + ":16S:USECU\n" + times(":16R:CAOPTN\n:16S:CAOPTN\n", n // 2),
    "movements": lambda n: SECURITIES[566] + times(":16R:CASHMOVE\n:22H::CRDB//CRED\n:19B::PSTA//EUR1,\n:16S:CASHMOVE\n", n),
    "parties": lambda n: SECURITIES[541] + ":36B::SETT//UNIT/1,\n" + times(":16R:SETPRTY\n:95P::SELL//X\n:16S:SETPRTY\n", n),
}  # fmt: skip


def seconds(text: str) -> float:
    start = time.process_time()
    read(text)
    return time.process_time() - start


@pytest.mark.parametrize("name", sorted(REPEATED))
def test_the_work_grows_with_the_file_and_not_with_its_square(name: str) -> None:
    """Ten times the file takes at most thirty times the work of the smaller one (a square would take a hundred)."""
    small, large = (max(seconds(REPEATED[name](size)), 0.02) for size in (30_000, 300_000))
    assert large / small < 30


def test_a_million_of_one_letter_and_a_hundred_thousand_lines_are_read() -> None:
    lines = (CASH_HEAD + ":61:\n" * 100_000, "{2:I535X}{4:\n" + ":16R:\n" * 100_000)
    for text in (REPEATED["one letter"](10**6), *lines):
        assert not read(text).ok


def test_a_message_of_accounts_times_options_is_bounded() -> None:
    outcome = read(REPEATED["options"](10**6))
    assert {f.code for f in outcome.findings} >= {"message-too-large"}
    assert outcome.value.quarantined >= 10**6 // 60
