"""What the counterparties send: the same bytes every time, statements that prove, valid messages, real holidays."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from lxml import etree
from python_calamine import CalamineWorkbook

from bo_lib import feeds
from bo_lib.demo import simulate
from bo_lib.feeds.mapping import load_mappings
from bo_lib.model.findings import Severity
from bo_lib.model.identifiers import is_valid

from .conftest import REPOSITORY, month

Chain = list[tuple[int, Decimal, Decimal, Decimal]]  # statement number, opening, sum of entries, closing


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def csv_rows(path: Path, header_starts: str, delimiter: str = ",") -> list[dict[str, str]]:
    lines = path.read_text("utf-8").splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(header_starts))
    return list(csv.DictReader(lines[start:], delimiter=delimiter))


def swift_amount(text: str) -> Decimal:
    return Decimal(text.replace(",", "."))


def mt940_chain(inbox: Path, account: str) -> Chain:
    chain = []
    for path in sorted(inbox.glob(f"*/ALPINE/mt940_{account}_*")):
        text = path.read_bytes().decode()
        (number,) = re.findall(r":28C:(\d+)/1", text)
        balances = {tag: swift_amount(amount) * (-1 if mark == "D" else 1)
                    for tag, mark, amount in re.findall(r":(60F|62F):([CD])\d{6}[A-Z]{3}([\d,]+)", text)}  # fmt: skip
        entries = re.findall(r":61:\d{10}(R?[CD])([\d,]+)N", text)
        total = sum((swift_amount(a) * (1 if mark in ("C", "RD") else -1) for mark, a in entries), Decimal(0))
        chain.append((int(number), balances["60F"], total, balances["62F"]))
    return chain


def camt_chain(inbox: Path, fund: str, account: str) -> Chain:
    chain = []
    for path in sorted(inbox.glob(f"*/BOREAL/camt053_{fund}_*")):
        root = etree.parse(path).getroot()
        name = {"c": root.nsmap[None]}
        (statement,) = root.xpath(f"//c:Stmt[c:Acct/c:Id/c:IBAN='{account}']", namespaces=name)

        def amount(node: etree._Element, name: dict[str, str] = name) -> Decimal:
            sign = -1 if node.findtext("c:CdtDbtInd", namespaces=name) == "DBIT" else 1
            return sign * Decimal(node.findtext("c:Amt", namespaces=name))

        opening, closing = (amount(b) for b in statement.findall("c:Bal", name))
        total = sum((amount(n) for n in statement.findall("c:Ntry", name)), Decimal(0))
        chain.append((int(statement.findtext("c:ElctrncSeqNb", namespaces=name)), opening, total, closing))
    return chain


def broker_chain(inbox: Path, account: str) -> Chain:
    chain = []
    for path in sorted(inbox.glob("*/NORTHGATE/cash_*")):
        book = CalamineWorkbook.from_path(path)
        (row,) = (r for r in book.get_sheet_by_name("Balances").to_python() if r[0] == account)
        amounts = [Decimal(repr(r[5])) for r in book.get_sheet_by_name("Activity").to_python() if r[0] == account]
        chain.append((int(row[3]), Decimal(repr(row[4])), sum(amounts, Decimal(0)), Decimal(repr(row[5]))))
    return chain


def test_same_arguments_give_the_same_bytes(seeded: Path, tmp_path: Path) -> None:
    assert contents(month(tmp_path)) == contents(seeded)


def test_a_days_files_do_not_depend_on_the_window(seeded: Path, tmp_path: Path) -> None:
    (tmp_path / "parameters").symlink_to(REPOSITORY / "parameters")
    day = date(2026, 6, 10)
    simulate(tmp_path, day, day)
    assert contents(tmp_path / f"outputs/inbox/{day}") == contents(seeded / f"inbox/{day}")
    assert sorted(p.name for p in (tmp_path / "outputs/inbox").iterdir()) == ["2026-05-29", str(day)]


def test_another_seed_gives_another_month_and_size_more_of_it(clean: Path, tmp_path: Path) -> None:
    (tmp_path / "parameters").symlink_to(REPOSITORY / "parameters")
    day = date(2026, 6, 2)
    simulate(tmp_path, day, day, seed=8, size=3, funds=["GLOBAL-EQ-LS"])
    trades = f"inbox/{day}/ORDERS/trades_GLOBAL-EQ-LS_20260602.csv"
    larger, usual = (csv_rows(root / trades, "Trade Ref") for root in (tmp_path / "outputs", clean))
    assert len(larger) > 2 * len(usual)
    assert larger[0]["Price"] != usual[0]["Price"]


def test_last_day_before_first_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="2026-06-01 is before the first day 2026-06-02"):
        simulate(tmp_path, date(2026, 6, 2), date(2026, 6, 1))


@pytest.mark.parametrize(
    ("sender", "account"),
    [
        *(("ALPINE", f"ALP-100200-{number}") for number in (978, 840, 826, 756, 392)),
        ("GLOBAL-BOND", "SE4550000000058398257466"), ("GLOBAL-BOND", "SE3550000000054910000003"),
        ("HARBOUR-PE", "SE7280000810340009783242"),
        *(("NORTHGATE", f"NG-77100-{currency}") for currency in ("USD", "EUR", "GBP", "JPY", "CHF")),
    ],
)  # fmt: skip
def test_every_statement_proves_and_follows_the_one_before(clean: Path, sender: str, account: str) -> None:
    inbox = clean / "inbox"
    if sender == "ALPINE":
        chain = mt940_chain(inbox, account)
    else:
        chain = broker_chain(inbox, account) if sender == "NORTHGATE" else camt_chain(inbox, sender, account)
    assert len(chain) == (21 if sender == "NORTHGATE" else 22)
    assert any(total for _, _, total, _ in chain)
    for number, opening, total, closing in chain:
        assert opening + total == closing, number
    for before, after in pairwise(chain):
        assert (after[0], after[1]) == (before[0] + 1, before[3])


@pytest.mark.parametrize(("pattern", "schema"), [("camt053_*", "camt.053.001.08.xsd"), ("semt002_*", "semt.002.001.11.xsd")])
def test_iso_20022_messages_are_valid(clean: Path, schemas: Path, pattern: str, schema: str) -> None:
    valid = etree.XMLSchema(etree.parse(schemas / schema))
    paths = sorted((clean / "inbox").glob(f"*/BOREAL/{pattern}"))
    assert len(paths) == 44
    for path in paths:
        assert valid.validate(etree.parse(path)), f"{path.name}: {valid.error_log.last_error}"


def test_every_clean_file_is_read_in_full(clean: Path) -> None:
    mappings = load_mappings(REPOSITORY / "parameters" / "mappings")
    formats = defaultdict(int)
    for path in sorted(p for p in (clean / "inbox").rglob("*") if p.is_file()):
        read = feeds.read(path, mappings)
        assert read.value.format, path
        assert not read.value.quarantined and not [f for f in read.findings if f.severity is not Severity.INFO], (
            path,
            read.findings,
        )
        formats[read.value.format] += 1
    assert {"mt940", "mt535", "mt54x", "mt564", "camt.053", "semt.002", "pb_positions", "pb_cash", "pb_settlements",
            "pb_corporate_actions", "trades", "fx_deals", "orders", "prices", "fx_rates",
            "instruments", "valuations", "nav_pack", "opening"} == set(formats)  # fmt: skip


def test_no_two_files_of_different_days_are_the_same(clean: Path) -> None:
    seen: dict[bytes, str] = {}
    for name, content in contents(clean / "inbox").items():
        assert content not in seen, f"{name} repeats {seen[content]}"
        seen[content] = name


def test_the_security_master_has_valid_isins_of_fictional_issuers(clean: Path) -> None:
    rows = csv_rows(clean / "inbox/2026-06-30/VENDOR-A/instruments_20260630.csv", "ISIN", ";")
    isins = [row["ISIN"] for row in rows]
    assert len(set(isins)) == len(isins) == 87 and all(is_valid("isin", isin) for isin in isins)
    assert all(is_valid("cusip", isin[2:11]) and isin[2:4] == "99" for isin in isins if isin.startswith("US"))
    assert {row["Kind"] for row in rows} == {"equity", "government_bond", "corporate_bond", "private_equity", "right"}


def test_nothing_american_trades_on_juneteenth(clean: Path) -> None:
    day = clean / "inbox/2026-06-19"
    assert not (day / "NORTHGATE").exists() and not list(day.glob("*/nav_GLOBAL-EQ-LS*"))
    traded = [row["ISIN"] for path in day.glob("ORDERS/trades_*") for row in csv_rows(path, "Trade Ref")]
    assert traded and not [isin for isin in traded if isin.startswith("US")]
    prices = {
        d: {r["ISIN"]: r["Price"] for r in csv_rows(clean / f"inbox/2026-06-{d}/VENDOR-A/prices_202606{d}.csv", "ISIN", ";")}
        for d in (18, 19)
    }
    american = [isin for isin in prices[18] if isin.startswith("US")]
    assert all(prices[18][isin] == prices[19][isin] for isin in american)
    assert any(prices[18][isin] != prices[19][isin] for isin in prices[18] if isin.startswith("DE"))


def test_american_trades_settle_the_next_day_and_european_ones_after_two(clean: Path) -> None:
    rows = csv_rows(clean / "inbox/2026-06-18/ORDERS/trades_GLOBAL-EQ-LS_20260618.csv", "Trade Ref")
    due = {row["ISIN"][:2]: row["Settle Date"] for row in rows}
    assert due["US"] == "2026-06-22"  # Friday is a holiday
    assert {day for country, day in due.items() if country in ("DE", "FR", "NL", "GB", "CH", "JP")} == {"2026-06-22"}
