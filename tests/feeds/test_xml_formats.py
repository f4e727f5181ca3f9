"""ISO 20022 statements and N-PORT filings, and XML that means harm."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from bo_lib.feeds.reading import Reading
from bo_lib.feeds.xml import parse
from tests.feeds.samples import CAMT, NPORT, SEMT, codes, read, rows


def test_a_camt_statement_is_proven_by_its_booked_entries() -> None:
    [one] = rows(CAMT, "statements")
    assert (one["account"], one["number"], one["opening"], one["closing"]) == ("BOR-1", "101", Decimal(100), Decimal("-20.12345"))
    assert (one["proven"], one["statement_date"]) == (True, date(2026, 6, 1))
    [finding] = read(CAMT).findings
    assert (finding.code, finding.severity.value) == ("entries-pending", "info")


def test_a_camt_entry_keeps_the_direction_it_states_also_when_it_reverses() -> None:
    [made] = rows(CAMT, "cash_movements")
    assert (made["amount"], made["reversal"]) == (Decimal("-120.12345"), True)
    assert (made["reference"], made["bank_reference"], made["code"]) == ("BD260601-0001", "B-9", "SECU/SETT/TRAD")
    assert (made["booking_date"], made["value_date"], made["text"]) == (date(2026, 6, 1), date(2026, 6, 2), "Bond bought")


@pytest.mark.parametrize("version", ["001.01", "001.02", "001.04", "001.14"])
def test_every_version_by_local_names_with_or_without_a_prefix(version: str) -> None:
    old = CAMT.replace("camt.053.001.08", f"camt.053.{version}").replace("<Sts><Cd>BOOK</Cd></Sts>", "<Sts>BOOK</Sts>")
    assert rows(old, "statements")[0]["proven"] is True
    prefixed = old.replace("<Document xmlns=", "<Document xmlns:d=").replace("<BkTo", "<d:BkTo").replace("</BkTo", "</d:BkTo")
    assert rows(prefixed, "statements")[0]["proven"] is True


def test_a_batch_of_transactions_stays_one_movement_under_its_own_reference() -> None:
    more = "<TxDtls><Refs><EndToEndId>B</EndToEndId></Refs></TxDtls></NtryDtls>"
    [made] = rows(CAMT.replace("</NtryDtls>", more), "cash_movements")
    assert made["reference"] == "N1"


def test_an_entry_without_direction_is_quarantined_and_the_statement_not_proven() -> None:
    text = CAMT.replace("<CdtDbtInd>DBIT</CdtDbtInd><RvslInd>", "<RvslInd>")
    outcome = read(text)
    assert outcome.value.quarantined == 1
    assert {"direction-missing", "balance-not-proven"} <= {f.code for f in outcome.findings}
    assert next(f for f in outcome.findings if f.code == "direction-missing").place.at == "line 8 Stmt[1]/Ntry[1]"


def test_a_camt_report_over_several_days_runs_from_the_first_balance_to_the_last() -> None:
    balance = (
        '<Bal><Tp><CdOrPrtry><Cd>{}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">5.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
        "<Dt><Dt>2026-05-31</Dt></Dt></Bal>"
    )
    day_two = balance.format("CLBD") + balance.format("OPBD")
    [one] = rows(CAMT.replace("  <Bal>", f"{day_two}  <Bal>", 1), "statements")
    assert (one["opening"], one["closing"], one["proven"]) == (Decimal(100), Decimal("-20.12345"), True)


def test_a_camt_statement_of_available_balances_alone_is_proven_by_them_or_says_it_has_none() -> None:
    text = CAMT.replace("OPBD", "OPAV").replace("CLBD", "CLAV")
    assert (codes(text), rows(text, "statements")[0]["proven"]) == ({"balance-available", "entries-pending"}, True)
    other = text.replace('"EUR">100.00', '"EUR">100.01')
    assert (codes(other), rows(other, "statements")[0]["proven"]) == ({"balance-missing", "entries-pending"}, None)


def test_the_entries_of_a_camt_statement_without_an_account_are_kept_and_belong_to_nobody() -> None:
    text = CAMT.replace("<Acct><Id><Othr><Id>BOR-1</Id></Othr></Id><Ccy>EUR</Ccy></Acct>", "")
    assert codes(text) == {"account-missing", "entries-pending"}
    assert [(m["account"], m["currency"]) for m in rows(text, "cash_movements")] == [("NONREF", "EUR")]


def test_a_camt_message_without_a_statement_is_an_error() -> None:
    assert codes('<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt/></Document>') == {
        "statement-missing"
    }


def test_camt_reports_and_notifications_have_no_balance_to_prove() -> None:
    text = CAMT.replace("camt.053", "camt.054").replace("BkToCstmrStmt", "BkToCstmrDbtCdtNtfctn").replace("Stmt>", "Ntfctn>")
    start, end = text.index("<Bal>"), text.rindex("</Bal>") + 6
    text = text[:start] + text[end:]
    assert read(text).value.format == "camt.054"
    assert rows(text, "statements")[0]["proven"] is None
    assert len(rows(text, "cash_movements")) == 1


def test_semt_holdings_short_and_long() -> None:
    share, bond = rows(SEMT, "holdings")
    assert (share["quantity"], share["quantity_type"], share["market_value"]) == (Decimal(-500), "UNIT", Decimal(-95250))
    assert (share["price"], share["price_currency"]) == (Decimal("190.5"), "USD")
    assert (bond["local_id"], bond["quantity"], bond["quantity_type"]) == ("cusip:912828YY0", Decimal(100000), "FAMT")
    assert (bond["price"], bond["accrued_interest"]) == (Decimal("98.25"), Decimal("120.5"))
    assert (share["account"], share["basis"], share["business_date"]) == ("BOR-1", "settlement", date(2026, 6, 1))
    assert read(SEMT).findings == ()


def test_the_semt_sample_is_valid(schemas: Path) -> None:
    from lxml import etree

    schema = etree.XMLSchema(etree.parse(schemas / "iso20022" / "semt.002.001.11.xsd"))
    assert schema.validate(etree.fromstring(SEMT.encode())), schema.error_log


@pytest.fixture
def schemas() -> Path:
    folder = Path(__file__).parents[3] / "shared" / "corpora" / "schemas"
    if not folder.is_dir():
        pytest.skip("no folder of official schemas beside the project")
    return folder


def test_a_holding_of_a_filing_that_states_no_balance_is_one_unit_at_its_value() -> None:
    text = NPORT.replace("<balance>1</balance>", "<balance>N/A</balance>")
    assert codes(text) == {"quantity-missing"}
    forward = rows(text, "holdings")[1]
    assert (forward["quantity"], forward["quantity_type"], forward["market_value"]) == (-1, "OTHR", Decimal("-26488.91"))
    assert read(text.replace("-26488.91", "N/A")).value.quarantined == 1


def test_nport_keeps_every_holding_and_every_amount() -> None:
    share, forward = rows(NPORT, "holdings")
    assert (share["isin"], share["local_id"], share["quantity"], share["market_value"]) == (
        "US0378331005", "cusip:037833100", Decimal(10), Decimal("1900.12"))  # fmt: skip
    assert (forward["local_id"], forward["price_currency"], forward["market_value"], forward["asset_kind"]) == (
        "other:T77", "JPY", Decimal("-26488.91"), "DFE")  # fmt: skip
    totals = {t["item"]: t["amount"] for t in rows(NPORT, "filing_totals")}
    assert totals == {
        "totAssets": Decimal("1000.5"),
        "totLiabs": Decimal("0.5"),
        "netAssets": Decimal(1000),
        "cshNotRptdInCorD": None,
        "mon1Flow.redemption": Decimal("1.5"),
        "mon1Flow.reinvestment": None,
        "mon1Flow.sales": Decimal(2),
    }
    assert read(NPORT).findings == ()


def test_a_document_type_is_refused_before_it_is_parsed() -> None:
    bomb = '<!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    text = CAMT.replace("<Document", bomb + "<Document", 1).replace("Bond bought", "&b;")
    outcome = read(text)
    assert [f.code for f in outcome.findings] == ["xml-dtd"]
    assert outcome.value.tables["cash_movements"].num_rows == 0


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_document_type_is_refused_in_any_encoding(encoding: str) -> None:
    text = CAMT.replace('encoding="UTF-8"', 'encoding="UTF-16"') if encoding == "utf-16" else CAMT
    assert rows(text.encode(encoding), "statements")[0]["proven"] is True
    hidden = text.replace("<Document", '<!DOCTYPE d SYSTEM "file:///etc/hostname"><Document', 1).encode(encoding)
    assert codes(hidden) == {"xml-dtd"}


@pytest.mark.parametrize("place", ["<Amt", "<ValDt", "</Ntry>"])
def test_a_cut_statement_keeps_its_whole_entries_and_is_not_proven(place: str) -> None:
    """Cut inside the second entry: it is quarantined, the one before is kept, and the balance says what is missing."""
    entry = CAMT[CAMT.index("<Ntry>") : CAMT.index("</Ntry>") + 7]
    twice = CAMT.replace("100.00</Amt>", "220.12345</Amt>", 1).replace(entry, entry + entry)
    assert rows(twice, "statements")[0]["proven"] is True and len(rows(twice, "cash_movements")) == 2
    cut = twice[: twice.index(place, twice.index(entry) + len(entry)) + 3]
    assert [row["amount"] for row in rows(cut, "cash_movements")] == [Decimal("-120.12345")]
    assert read(cut).value.quarantined == 1 and rows(cut, "statements")[0]["proven"] is False
    assert codes(cut) == {"xml-cut", "balance-not-proven"}


def test_cut_deep_and_large_xml_are_findings() -> None:
    assert codes(CAMT[:900]) == {"xml-malformed"}
    deep = CAMT.replace("<Stmt>", "<Stmt>" + "<a>" * 5000 + "</a>" * 5000, 1)
    assert codes(deep) == {"xml-malformed"}
    reading = Reading("f", "h")
    assert parse(CAMT.encode(), reading, bytes_max=10) is None
    assert reading.findings[0].code == "file-too-large"


def test_places_stay_apart_when_the_file_is_one_line() -> None:
    line = CAMT.replace("\n", "").replace("PDNG", "BOOK")
    assert len({m["at"] for m in rows(line, "cash_movements")}) == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_blanks_before_the_declaration_do_no_harm(encoding: str) -> None:
    text = "\n  " + CAMT.replace("UTF-8", encoding.removesuffix("-sig"))
    assert rows(text.encode(encoding), "statements")[0]["proven"] is True
