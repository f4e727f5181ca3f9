"""Real files by format: entries exact against a count made here without the readers, balances proven, the rest with a reason.

Run with ``-s`` for the table.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from bo_lib import feeds

CORPORA = Path(__file__).parents[3] / "shared" / "corpora"
pytestmark = pytest.mark.skipif(not CORPORA.is_dir(), reason="no folder of real files beside the project")
SKIPPED = re.compile(r"(\d+) (?:SUMMARY|ORDER|entries are|lots of)")


def tree(data: bytes) -> Any:
    return etree.fromstring(data.lstrip(), etree.XMLParser(resolve_entities=False, no_network=True))


def xpath(data: bytes, what: str) -> int:
    return int(tree(data).xpath(what))


def camt(data: bytes) -> int:
    return xpath(data, "count(//*[local-name()='Ntry'][*[local-name()='Amt']])")


def seev(data: bytes) -> int:
    """A row for each movement, and for each option (or notification) that moves nothing."""
    movements = "count(//*[local-name()='SctiesMvmntDtls' or local-name()='CshMvmntDtls'])"
    still = "count(//*[local-name()='CorpActnOptnDtls'][not(*[local-name()='SctiesMvmntDtls' or local-name()='CshMvmntDtls'])])"
    bare = "count(//*[local-name()='CorpActnNtfctn'][not(*[local-name()='CorpActnOptnDtls'])])"
    return sum(xpath(data, one) for one in (movements, still, bare))


def flex(data: bytes) -> int:
    """Rows in full detail, or where a section has only coarser ones, those; a position that stands in total once."""
    count = 0
    for section, name in (("Trades", "Trade"), ("TradeConfirms", "TradeConfirm"), ("FxTransactions", "FxTransaction"),
                          ("CorporateActions", "CorporateAction"), ("Transfers", "Transfer"),
                          ("CashTransactions", "CashTransaction"), ("OpenPositions", "OpenPosition")):  # fmt: skip
        for group in tree(data).iter(section):
            levels = Counter(e.get("levelOfDetail") or "" for e in group.iter(name))
            full = sum(levels[level] for level in ("", "EXECUTION", "DETAIL"))
            if section == "OpenPositions":
                totals = {e.get("conid") for e in group.iter(name) if e.get("levelOfDetail") != "LOT"}
                alone = sum(e.get("levelOfDetail") == "LOT" and e.get("conid") not in totals for e in group.iter(name))
                count += levels.total() - levels["LOT"] + alone
            else:
                count += full or sum(levels.values())
    return count


def bai2(data: bytes) -> int:
    return len(re.findall(rb"(?:^|\n|/ +)16,", data))


@dataclass
class Kind:
    folder: str
    count: Callable[[bytes], int]
    tables: tuple[str, ...]
    unread: int  # files that are of another kind, or no file of their kind at all
    proven: int  # statements
    not_proven: int  # whose own figures do not add up, looked at one by one
    quarantined: int


KINDS = {
    "camt": Kind("iso20022/camt", camt, ("cash_movements",), 2, 4, 13, 0),
    "seev.031": Kind("iso20022/seev", seev, ("announcements",), 0, 0, 0, 1),
    "ibflex": Kind("brokers/ibflex", flex, ("cash_movements", "transactions", "fx_deals", "holdings"), 1, 4, 2, 0),
    "bai2": Kind("bank/bai2", bai2, ("cash_movements",), 1, 18, 2, 0),
    "nport": Kind("sec/nport", lambda d: xpath(d, "count(//*[local-name()='invstOrSec'])"), ("holdings",), 0, 0, 0, 0),
}


@dataclass
class Score:
    files: int = 0
    exact: int = 0
    unread: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    entries: int = 0
    quarantined: int = 0
    proofs: Counter[bool | None] = field(default_factory=Counter)


def score(kind: Kind) -> Score:
    made = Score()
    for path in sorted((CORPORA / kind.folder).iterdir()):
        outcome = feeds.read(path)
        one, codes = outcome.value, {f.code for f in outcome.findings}
        if codes & {"format-unknown", "xml-malformed", "xml-cut"}:
            made.unread.append(path.name)
            continue
        kept = sum(one.tables[name].num_rows for name in kind.tables if name in one.tables)
        pending = sum(int(m[1]) for f in outcome.findings if f.code == "entries-pending" and (m := SKIPPED.match(f.message)))
        counted = kind.count(path.read_bytes())
        made.files, made.entries, made.quarantined = made.files + 1, made.entries + kept, made.quarantined + one.quarantined
        refused = counted if kind.folder.endswith("seev") and one.quarantined else one.quarantined
        if kept + pending + refused == counted:
            made.exact += 1
        else:
            made.wrong.append(f"{path.name}: {kept} kept, {pending} pending, {one.quarantined} refused of {counted}")
        assert not one.quarantined or any(f.severity == "error" and f.place.at and f.todo for f in outcome.findings), path
        made.proofs.update(s["proven"] for s in feeds.summary(outcome)["statements"])
        false = sum(s["proven"] is False for s in feeds.summary(outcome)["statements"])
        assert not false or codes & {"balance-not-proven", "balance-missing"}, path
    return made


@pytest.mark.parametrize("name", KINDS)
def test_every_entry_of_every_real_file_is_kept_or_refused_with_a_reason(name: str) -> None:
    kind = KINDS[name]
    if not (CORPORA / kind.folder).is_dir():
        pytest.skip(f"no {kind.folder} among the real files")
    made = score(kind)
    said = (f"files {made.files}", f"entries exact in {made.exact} ({made.entries} rows)", f"proven {made.proofs[True]}",
            f"not proven {made.proofs[False]}", f"without balances {made.proofs[None]}", f"quarantined {made.quarantined}",
            f"not read {len(made.unread)}")  # fmt: skip
    sys.stdout.write(f"\n{name:9} " + "  ".join(said) + "\n")
    assert made.wrong == [] and made.exact == made.files > 0
    assert (len(made.unread), made.proofs[True], made.proofs[False], made.quarantined) == (
        kind.unread, kind.proven, kind.not_proven, kind.quarantined)  # fmt: skip


def statements(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = feeds.summary(feeds.read(CORPORA / name))["statements"]
    return found


def test_the_control_totals_of_banks_hold_where_the_file_is_whole() -> None:
    totals = {"control-total", "record-count", "part-count"}
    broken = {
        path.name for path in sorted((CORPORA / "bank" / "bai2").iterdir()) if totals & {f.code for f in feeds.read(path).findings}
    }
    assert broken == {"sample5-issue113.txt"}, "its records were shortened after it was sent"
    [westminster] = statements("bank/bai2/nwb_example.bai2")
    assert (westminster["opening"], westminster["closing"], westminster["sum"], westminster["proven"]) == (
        "365.21",
        "338.45",
        "-26.76",
        True,
    )
    assert [s["sum"] for s in statements("bank/bai2/svb_us_example.bai2")] == ["4901.96", "9058.00"]


def test_the_cash_of_a_broker_is_proven_from_day_to_day() -> None:
    cash = [s for s in statements("brokers/ibflex/activity_backfill.xml") if s["currency"]]
    assert [(s["opening"], s["closing"], s["proven"]) for s in cash] == [
        ("100050.00", "100000.00", True), ("100000.00", "98000.00", True), ("98000.00", "95000.00", True)]  # fmt: skip
    data = (CORPORA / "brokers/ibflex/activity_cash.xml").read_bytes()
    total = sum(Decimal(e.get("amount")) for e in tree(data).iter("CashTransaction"))
    assert [Decimal(s["sum"]) for s in statements("brokers/ibflex/activity_cash.xml")] == [total]


def test_the_holdings_of_a_broker_are_worth_what_the_file_says() -> None:
    outcome = feeds.read(CORPORA / "brokers/ibflex/options_future_2025.xml")
    data = (CORPORA / "brokers/ibflex/options_future_2025.xml").read_bytes()
    said = sum(Decimal(e.get("positionValue")) for e in tree(data).iter("OpenPosition"))
    assert sum(outcome.value.tables["holdings"]["market_value"].to_pylist()) == said


def test_a_broken_statement_is_reported_as_broken() -> None:
    [bank] = statements("iso20022/camt/camt.053_P_CH2909000000250094239_1110092698_0_2020112503071366.xml")
    assert (bank["opening"], bank["closing"], bank["sum"], bank["proven"]) == ("211993.19", "215112.21", "4656.02", False)
    [first, second] = statements("iso20022/camt/camt053.v2.multi.statement.xml")
    assert first["proven"] and second["proven"] and first["closing"] == second["opening"]
