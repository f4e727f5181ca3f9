"""Scoreboard of real SWIFT files: what a few lines count in the raw text against what the readers say (``-s`` prints it)."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest

from bo_lib import feeds

CORPUS = Path(__file__).parents[3] / "shared" / "corpora" / "swift"
pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="no folder of real SWIFT files beside the project")
# blocks, or messages where there is none, that are a row each
ROWS = {"mt535": ":16R:FIN", "mt536": ":16R:TRAN", "mt537": ":16R:PENDET", "mt54x": "", "mt564": "", "mt300": "", "mt304": ""}
NOT_READ = {
    "MT320",
    "MT360",
    "MT361",
    "MT380",
    "MT502",
    "MT515",
    "MT527",
    "MT569",
    "special-cases",
}  # no reader; the last is no statement
QUARANTINED = {  # each with its reason
    "MT300_SwiftParserNestedMessageTest_h02.fin": "amount-missing",
    "MT300_SwiftParserParseBlockTest_02.fin": "amount-missing",
    "MT535_SwiftParserConsumeTagTest_01.fin": "security-missing",
    "MT535_SwiftParserConsumeTagTest_02.fin": "security-missing",
}


@dataclass
class Score:
    files: int = 0
    entries: int = 0
    exact: int = 0  # files whose entries are all there
    proven: int = 0
    disproven: int = 0
    quarantined: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


@dataclass
class Counted:
    """A cash statement as counted from the raw text alone."""

    opening: Decimal | None = None
    closing: Decimal | None = None
    currencies: set[str] = field(default_factory=set)
    amounts: list[Decimal] = field(default_factory=list)

    @property
    def proven(self) -> bool | None:
        if self.opening is None or self.closing is None:
            return None if self.opening is self.closing else False
        return len(self.currencies) == 1 and self.opening + sum(self.amounts) == self.closing


def raw(path: Path) -> str:
    return re.sub(r"\r\n?", "\n", path.read_bytes().decode("latin-1"))


def amount_of(text: str) -> Decimal:
    return Decimal("0" + text.replace(",", ".").strip())


def counted(text: str) -> Iterator[Counted]:
    """One per closing balance, or per :20: where there is none; sign, amount and balances by their first letters alone."""
    for message in re.split(r"^(?=:20:)", text, flags=re.MULTILINE)[1:]:
        one = Counted()
        for tag, value in re.findall(r"^\x01?:(60[FM]|61|62[FM]):(.*)", message, re.MULTILINE):
            if tag == "61":
                mark, amount = re.match(r"\d{6}(?:\d{4})?(R?[CD])[A-Z]?([\d,]+)", value).groups()  # type: ignore[union-attr]
                one.amounts.append(amount_of(amount) * (1 if mark in ("C", "RD") else -1))
            else:
                stated = amount_of(value[10:]) * (1 if value[0] == "C" else -1)
                one.currencies.add(value[7:10])
                one.opening, one.closing = (stated, one.closing) if tag < "61" else (one.opening, stated)
        yield one


def summaries() -> Iterator[tuple[Path, dict[str, object], int]]:
    for path in sorted(p for p in CORPUS.rglob("*") if p.is_file()):
        outcome = feeds.read(path)
        yield path, feeds.summary(outcome), outcome.value.quarantined


def plain(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else Decimal(amount)


def test_every_cash_statement_is_exact_and_proven_as_its_raw_text_counts() -> None:
    """Number of entries, signed sum, both balances and the proof, statement by statement, against the raw text."""
    compared = 0
    for folder in ("mt940", "mt942"):
        for path in sorted((CORPUS / folder).iterdir()):
            said = feeds.summary(feeds.read(path))["statements"]
            expected = list(counted(raw(path)))
            if path.name == "special-cases__invalid_statement.sta":
                assert said == expected == []
                continue
            assert len(said) == len(expected), path.name
            for mine, theirs in zip(said, expected, strict=True):
                assert (mine["entries"], Decimal(mine["sum"])) == (len(theirs.amounts), sum(theirs.amounts)), path.name
                assert mine["proven"] == theirs.proven, path.name
                assert plain(mine["opening"]) == theirs.opening, path.name
                if len(theirs.currencies) < 2:
                    assert plain(mine["closing"]) == theirs.closing, path.name
                compared += 1
    assert compared == 84


def test_published_facts() -> None:
    """What the makers of the files say of them: references, dates, balances, words."""

    def entries(name: str) -> list[tuple[object, ...]]:
        table = feeds.read(CORPUS / "mt940" / name).value.tables["cash_movements"]
        return [
            (str(e["booking_date"]), str(e["value_date"]), str(e["amount"].normalize()), e["reference"]) for e in table.to_pylist()
        ]

    assert entries("spec__year-rollover.sta") == [
        ("2025-12-31", "2026-01-02", "-3E+2", "NONREF"), ("2026-01-02", "2026-01-02", "5E+1", "NONREF"),
        ("2026-01-02", "2025-12-31", "25", "NONREF")]  # fmt: skip
    assert entries("spec__ing-repeat-86.sta") == [("2014-02-20", "2014-02-20", "5E+2", "E2E-42")]
    assert entries("special-cases__february_30.sta") == [("2016-03-01", "2016-02-29", "-6", "NONREF")]
    [wrapped] = feeds.read(CORPUS / "mt940" / "spec__wrapped-61.sta").value.tables["cash_movements"].to_pylist()
    assert (wrapped["reference"], wrapped["bank_reference"]) == ("VERYLONGCUSTREF1", "BANKREF999")
    broken = feeds.summary(feeds.read(CORPUS / "mt940" / "spec__balance-mismatch.sta"))
    assert broken["statements"][0]["proven"] is False
    assert [f["code"] for f in broken["findings"]] == ["balance-not-proven"]


def test_the_scoreboard() -> None:
    scores: dict[str, Score] = {}
    unread: list[str] = []
    for path, said, quarantined in summaries():
        name = str(said["format"])
        if not name:
            unread.append(path.name)
            continue
        score = scores.setdefault(name, Score())
        rows: dict[str, int] = said["rows"]  # type: ignore[assignment]
        text = raw(path)
        pattern = "^:61:" if name in ("mt940", "mt942", "mt950") else "^" + ROWS[name] if ROWS[name] else r"\{4:"
        entries, kept = len(re.findall(pattern, text, re.MULTILINE)), sum(n for table, n in rows.items() if table != "statements")
        score.files += 1
        score.entries += entries
        score.exact += kept + quarantined == entries
        proofs = [s["proven"] for s in said["statements"]]  # type: ignore[attr-defined]
        score.proven += proofs.count(True)
        score.disproven += proofs.count(False)
        score.quarantined += quarantined
        if quarantined:
            assert QUARANTINED[path.name] in {f["code"] for f in said["findings"]}  # type: ignore[attr-defined]
            score.reasons[QUARANTINED[path.name]] += quarantined
    show(scores, unread)
    assert all(score.exact == score.files for score in scores.values())
    assert {re.match(r"MT\d{3}|special-cases", name)[0] for name in unread} == NOT_READ  # type: ignore[index]
    assert len(unread) == 11
    assert sum(score.files for score in scores.values()) == 76
    assert sum(score.quarantined for score in scores.values()) == len(QUARANTINED)


def show(scores: dict[str, Score], unread: list[str]) -> None:
    lines = [f"{'format':8} {'files':>5} {'entries':>7} {'exact':>5} {'proven':>6} {'not':>4} {'quarantined':>11}  reasons"]
    for name, one in sorted(scores.items()):
        reasons = ", ".join(f"{count} {why}" for why, count in one.reasons.items())
        counts = f"{one.files:5} {one.entries:7} {one.exact:5} {one.proven:6} {one.disproven:4} {one.quarantined:11}"
        lines.append(f"{name:8} {counts}  {reasons}")
    sys.stdout.write("\n".join(["", *lines, f"without a reader or no statement at all: {', '.join(unread)}", ""]))
