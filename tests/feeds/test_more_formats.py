"""Securities messages of ISO 20022, Interactive Brokers Flex, BAI2, OFX and Parquet, in the desk's words."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bo_lib import feeds
from bo_lib.model.tables import TABLES
from tests.feeds.samples import CAMT, POSITIONS_MAPPING, codes, mapping, read, rows
from tests.feeds.samples_more import BAI2, FLEX, MORE, OFX, SEEV_031, SEEV_036, SEMT_017, SESE_023, SESE_024, SESE_025

SCHEMAS = Path(__file__).parents[3] / "shared" / "corpora" / "schemas" / "iso20022"


@pytest.mark.parametrize("name", sorted(MORE))
def test_a_file_is_told_by_its_content(name: str) -> None:
    outcome = read(MORE[name])
    assert outcome.value.format == name
    assert read(MORE[name].encode("utf-8-sig")).value.format == name
    assert name == "ibflex" or outcome.findings == ()


def test_a_confirmation_in_part_keeps_our_reference_and_the_actual_date() -> None:
    [one] = rows(SESE_025, "settlements")
    assert (one["reference"], one["status"], one["side"]) == ("BD-1", "partially_settled", "RECEIVE")
    assert (one["quantity"], one["amount"], one["effective_date"]) == (Decimal(100), Decimal("19050.5"), date(2026, 6, 2))
    whole = SESE_025.replace("<RmngToBeSttldQty><Unit>50</Unit></RmngToBeSttldQty>", "")
    assert rows(whole, "settlements")[0]["status"] == "settled"


def test_a_failing_status_wins_over_a_match_and_says_why() -> None:
    [one] = rows(SESE_024, "settlements")
    assert (one["reference"], one["status"], one["reason"], one["text"]) == ("BD-2", "failing", "LACK", "short of securities")
    unsaid = SESE_024.replace("SttlmSts", "OthrSts").replace("MtchgSts", "OthrSts")
    assert codes(unsaid) == {"status-unknown"}
    assert read(unsaid).value.quarantined == 1


def test_an_instruction_is_instructed() -> None:
    [one] = rows(SESE_023, "transactions")
    assert (one["status"], one["side"], one["quantity"], one["amount"]) == (
        "instructed",
        "DELIVER",
        Decimal(-250000),
        Decimal(251000),
    )


def test_transactions_lead_from_the_opening_to_the_closing_holding() -> None:
    out, back = rows(SEMT_017, "transactions")
    assert (out["quantity"], out["amount"], out["kind"]) == (Decimal(-50), Decimal(500), "delivery")
    assert (back["quantity"], back["kind"]) == (Decimal(20), "corporate_action")
    assert rows(SEMT_017, "statements")[0]["proven"] is True
    wrong = SEMT_017.replace("<Unit>70</Unit>", "<Unit>71</Unit>")
    assert rows(wrong, "statements")[0]["proven"] is False
    assert codes(wrong) == {"holding-not-proven"}


def test_an_announcement_has_a_row_for_each_option() -> None:
    cash, shares = rows(SEEV_031, "announcements")
    assert (cash["option_type"], cash["rate"], cash["currency"], cash["withholding_pct"]) == ("CASH", Decimal("0.24"), "USD", 15)
    assert (cash["default_option"], cash["deadline"], cash["payment_date"]) == (True, date(2026, 6, 20), date(2026, 6, 25))
    assert (shares["new_isin"], shares["ratio_new"], shares["ratio_old"]) == ("NL0010273215", Decimal(1), Decimal(40))
    assert (shares["ex_date"], shares["payment_date"], shares["eligible"]) == (date(2026, 6, 10), None, Decimal(-800))


def test_a_reversal_turns_the_confirmed_movement() -> None:
    [paid] = rows(SEEV_036, "transactions")
    taken = SEEV_036.replace("seev.036", "seev.037").replace("CorpActnMvmntConf", "CorpActnMvmntRvslAdvc")
    [back] = rows(taken.replace("CorpActnConfDtls", "CorpActnRvslDtls"), "transactions")
    assert (paid["amount"], paid["status"], back["amount"], back["status"]) == (
        Decimal("163.2"),
        "settled",
        Decimal("-163.2"),
        "cancelled",
    )


def test_a_flex_statement_is_proven_by_the_flows_of_its_cash_report() -> None:
    cash, held = rows(FLEX, "statements")
    assert (cash["opening"], cash["closing"], cash["proven"], held["kind"]) == (1000, Decimal("522.5"), True, "securities")
    assert rows(FLEX.replace('dividends="24"', 'dividends="25"'), "statements")[0]["proven"] is False


def test_flex_rows_are_counted_once_whatever_columns_tomorrow_brings() -> None:
    outcome = read(FLEX)
    [trade] = rows(FLEX, "transactions")
    [deal] = rows(FLEX, "fx_deals")
    assert (trade["quantity"], trade["amount"], trade["commission"]) == (Decimal(10), Decimal("-501.5"), Decimal("1.5"))
    assert (deal["buy_currency"], deal["buy_amount"], deal["sell_currency"], deal["sell_amount"]) == ("EUR", 1000, "USD", 1100)
    assert (len(rows(FLEX, "cash_movements")), len(rows(FLEX, "holdings")), outcome.value.quarantined) == (1, 1, 1)
    [wrong] = [f for f in outcome.findings if f.severity == "error"]
    assert (wrong.code, wrong.place.at, wrong.place.field, wrong.found) == ("number-invalid", "line 16 Trade[4]", "quantity", "ten")


def test_bai2_continuations_are_joined_and_every_total_holds() -> None:
    check, wire = rows(BAI2, "cash_movements")
    assert (check["amount"], check["value_date"], check["text"]) == (Decimal("0.5"), date(2026, 6, 3), "CHECK DEPOSIT, TWO LINES")
    assert (wire["amount"], wire["reference"], wire["bank_reference"]) == (Decimal(-25), "OUR-2", "B-2")
    [statement] = rows(BAI2, "statements")
    assert (statement["opening"], statement["closing"], statement["proven"]) == (Decimal(1000), Decimal("975.5"), True)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("49,202650,6/", "49,202651,6/", {"control-total"}),
        ("49,202650,6/", "49,202650,7/", {"record-count"}),
        ("98,202650,1,8/", "98,202650,2,8/", {"part-count"}),
        ("99,202650,1,10/", "99,1,1,10/", {"control-total"}),
        ("16,475,2500,", "16,475,2x00,", {"number-invalid", "control-total", "balance-not-proven"}),
        ("99,202650,1,10/\n", "", {"file-truncated"}),
    ],
)
def test_a_total_that_does_not_hold_is_said_and_the_rows_stay(old: str, new: str, expected: set[str]) -> None:
    outcome = read(BAI2.replace(old, new))
    assert {f.code for f in outcome.findings} == expected
    assert outcome.value.tables["cash_movements"].num_rows + outcome.value.quarantined == 2


def test_bai2_agrees_with_the_library() -> None:
    from bai2 import bai2  # type: ignore[import-untyped]

    [account] = bai2.parse_from_string(BAI2).children[0].children
    signs = {"credit": 1, "debit": -1}
    theirs = [signs[t.type_code.transaction.value] * Decimal(t.amount) / 100 for t in account.children]
    assert [r["amount"] for r in rows(BAI2, "cash_movements")] == theirs


def test_ofx_agrees_with_the_library() -> None:
    from ofxparse import OfxParser  # type: ignore[import-untyped]

    bank, broker = OfxParser.parse(io.BytesIO(OFX.encode())).accounts
    ours = [(r["bank_reference"], r["amount"], r["booking_date"]) for r in rows(OFX, "cash_movements")]
    assert ours == [(t.id, t.amount, t.date.date()) for t in bank.statement.transactions]
    assert rows(OFX, "statements")[0]["closing"] == bank.statement.balance
    [bought], [theirs] = rows(OFX, "transactions"), broker.statement.transactions
    assert (bought["quantity"], bought["amount"], bought["price"]) == (theirs.units, theirs.total, theirs.unit_price)
    [held], [position] = rows(OFX, "holdings"), broker.statement.positions
    assert (held["quantity"], held["market_value"], held["name"]) == (position.units, position.market_value, "APPLE")


def test_ofx_of_version_two_is_the_same() -> None:
    """XML closes every element."""
    import re

    body = re.sub(r"<([A-Z0-9]+)>([^<\n]+)", r"<\1>\2</\1>", OFX[OFX.index("<OFX>") :])
    two = '<?xml version="1.0" encoding="UTF-8"?>\n<?OFX OFXHEADER="200" VERSION="220"?>\n' + body
    assert [r["amount"] for r in rows(two, "cash_movements")] == [r["amount"] for r in rows(OFX, "cash_movements")]
    assert read(two).value.format == "ofx"
    assert "file-truncated" in codes(two[:-300])


FLEX_DAY = """<FlexQueryResponse queryName="q" type="AF"><FlexStatements count="1">
<FlexStatement accountId="U1" fromDate="20260601" toDate="20260601"><CashReport>
<CashReportCurrency currency="USD" startingCash="100.123456789" endingCash="149.923456789" {flows}/></CashReport>{rows}
</FlexStatement></FlexStatements></FlexQueryResponse>"""
FLEX_ROWS = """<Trades><Trade currency="USD" symbol="A" assetCategory="STK" tradeID="1" buySell="SELL" quantity="5" netCash="40"/>
<Trade currency="USD" symbol="EUR.USD" assetCategory="CASH" tradeID="2" buySell="BUY" quantity="10" proceeds="-11" ibCommission="-1"
 ibCommissionCurrency="EUR"/></Trades><CashTransactions><CashTransaction currency="USD" amount="20.8" type="Dividends"/>
</CashTransactions>"""


@pytest.mark.parametrize(
    ("flows", "body", "proven", "code"),
    [
        ('netTradesSales="29" dividends="20.8"', "", True, set()),
        ('excessFundSweep="49.8"', "", True, set()),
        ("", FLEX_ROWS, True, set()),
        ('dividends="20.8"', FLEX_ROWS, True, set()),
        ("", FLEX_ROWS.replace("20.8", "20.9"), False, {"balance-not-proven"}),
        ("", "", None, {"flows-missing"}),
    ],
)
def test_the_cash_of_a_broker_is_proven_by_flows_or_by_what_was_traded_and_paid(
    flows: str, body: str, proven: bool | None, code: set[str]
) -> None:
    text = FLEX_DAY.format(flows=flows, rows=body)
    assert (rows(text, "statements")[0]["proven"], codes(text)) == (proven, code)


def test_the_answer_of_a_flex_query_that_failed_is_handed_on() -> None:
    answer = "<FlexStatementResponse><Status>Warn</Status><ErrorCode>1019</ErrorCode><ErrorMessage>Try again</ErrorMessage>"
    [said] = read(f"{answer}</FlexStatementResponse>").findings
    assert (said.code, said.found) == ("statement-missing", "Warn 1019 Try again")


def test_rows_of_any_full_detail_are_kept_and_lots_are_no_trades() -> None:
    conversion = '<FxTransaction fxCurrency="EUR" functionalCurrency="USD" quantity="5" proceeds="-6" levelOfDetail="TRANSACTION"/>'
    lot = '<Trade currency="USD" symbol="A" quantity="5" buySell="BUY" levelOfDetail="CLOSED_LOT"/>'
    text = FLEX_DAY.format(flows="", rows=f"<FxTransactions>{conversion}</FxTransactions><Trades>{lot}</Trades>")
    assert [(t["kind"], t["quantity"]) for t in rows(text, "transactions")] == [("transfer", 5)]
    assert "summaries-skipped" in codes(text)


def test_what_is_sold_is_negative_whatever_the_sign_of_its_quantity() -> None:
    sold = rows(FLEX_DAY.format(flows="", rows=FLEX_ROWS), "transactions")[0]
    assert (sold["side"], sold["quantity"]) == ("SELL", -5)


def test_a_bai_file_of_version_three_is_read_as_one_of_two() -> None:
    assert codes(BAI2.replace(",2/", ",3/", 1)) == set()
    assert codes(BAI2.replace(",2/", ",4/", 1)) == {"version-unknown"}


def test_what_stands_in_a_comment_of_ofx_is_not_said() -> None:
    commented = OFX.replace("<CURDEF>USD\n<BANK", "<!-- <CURDEF>USD -->\n<BANK", 1).replace(
        "<MEMO>Phone", "<MEMO><![CDATA[P&L <1>]]>"
    )
    assert {f.code for f in read(commented).findings} >= {"currency-missing"}
    assert {m["currency"] for m in rows(commented, "cash_movements")} == {"XXX"}
    assert rows(OFX.replace("<MEMO>Phone", "<MEMO><![CDATA[P&L <1>]]>"), "cash_movements")[0]["text"] == "AT&T\nP&L <1>"


def test_ofx_rows_without_their_end_are_rows_of_their_own() -> None:
    text = OFX.replace("<MEMO>Phone</STMTTRN>", "").replace("<NAME>AT&amp;T", "")
    assert codes(text) == {"element-unclosed"}
    assert [(m["bank_reference"], m["text"]) for m in rows(text, "cash_movements")] == [("A1", None), ("A2", "Interest")]


def test_ofx_rows_of_no_account_are_kept_and_belong_to_nobody() -> None:
    text = OFX.replace("<ACCTID>ACC-1", "")
    assert codes(text) == {"account-missing"}
    assert [m["account"] for m in rows(text, "cash_movements")] == ["NONREF", "NONREF"]


def test_a_flex_statement_without_an_account_takes_that_of_its_rows_or_none() -> None:
    text = FLEX_DAY.format(flows="", rows=FLEX_ROWS).replace(' accountId="U1"', "")
    assert (codes(text), {t["account"] for t in rows(text, "transactions")}) == ({"account-missing"}, {"NONREF"})
    named = text.replace("<Trade ", '<Trade accountId="U7" ')
    assert (codes(named), {t["account"] for t in rows(named, "transactions")}) == (set(), {"U7"})


def test_a_bai_record_of_words_alone_moves_no_money() -> None:
    text = BAI2.replace("16,475,2500,", "16,890,2500,")
    assert "entry-non-monetary" in codes(text) and "control-total" not in codes(text)
    assert len(rows(text, "cash_movements")) == len(rows(BAI2, "cash_movements")) - 1


def test_an_amount_that_cannot_be_kept_still_counts_in_the_control_totals() -> None:
    assert codes(BAI2.replace("16,475,2500,", "16,71A,2500,")) == {"code-unknown", "balance-not-proven"}


def test_the_cash_that_an_investment_account_states_is_its_closing_balance() -> None:
    balance = "</INVTRANLIST><INVBAL><AVAILCASH>5000.25<MARGINBALANCE>0</INVBAL>"
    cash = feeds.summary(read(OFX.replace("</INVTRANLIST>", balance)))["statements"][2]
    assert (cash["account"], cash["currency"], cash["closing"], cash["entries"]) == ("INV-1", "USD", "5000.25", 0)


def test_what_is_transferred_out_is_negative() -> None:
    moved = "<TRANSFER><INVTRAN><FITID>T1<DTTRADE>20260528</INVTRAN><UNITS>10<TFERACTION>OUT<POSTYPE>LONG</TRANSFER></INVTRANLIST>"
    found = rows(OFX.replace("</INVTRANLIST>", moved), "transactions")[1]
    assert (found["kind"], found["side"], found["quantity"]) == ("transfer", "DELIVER", -10)


def test_an_ofx_row_in_another_currency_is_in_no_balance_of_the_statement() -> None:
    dollars = OFX.replace("10,25<FITID>A2", "10,25<FITID>A2<CURRENCY><CURRATE>1.1<CURSYM>EUR</CURRENCY>")
    bank, euro = [s for s in feeds.summary(read(dollars))["statements"] if s["account"] == "ACC-1"]
    assert (bank["currency"], bank["closing"], bank["entries"], bank["sum"]) == ("USD", "50.00", 1, "-1234.50")
    assert (euro["currency"], euro["closing"], euro["entries"], euro["sum"]) == ("EUR", None, 1, "10.25")
    original = dollars.replace("CURRENCY>", "ORIGCURRENCY>")
    assert {m["currency"] for m in rows(original, "cash_movements")} == {"USD"}, "already converted"


def test_an_ofx_statement_without_currency_date_or_balance_says_so() -> None:
    stated = OFX.replace("<CURDEF>USD\n<BANK", "<CURDEF>\n<BANK").replace("<MEMO>Phone", "<CURRENCY><CURSYM>AUD</CURRENCY>")
    bare = stated.replace("10,25<FITID>A2", "10,25<FITID>A2<CURRENCY><CURSYM>AUD</CURRENCY>").replace("<DTPOSTED>20260601", "")
    outcome = read(bare.replace("<BALAMT>50.00", "<BALAMT>"))
    assert [(f.code, f.severity) for f in outcome.findings] == [
        ("currency-missing", "warning"), ("balance-missing", "warning"), ("date-missing", "error")]  # fmt: skip
    assert [(m["currency"], m["booking_date"]) for m in outcome.value.tables["cash_movements"].to_pylist()] == [
        ("AUD", date(2026, 5, 31)), ("AUD", None)]  # fmt: skip


def test_an_ofx_row_that_cannot_be_read_is_refused_and_the_next_goes_on() -> None:
    outcome = read(OFX.replace("10,25", "1o,25").replace("20260531120000", "20261331"))
    assert (outcome.value.tables["cash_movements"].num_rows, outcome.value.quarantined) == (0, 2)
    assert {f.code for f in outcome.findings} == {"number-invalid", "date-invalid"}


def parquet(table: pa.Table) -> bytes:
    made = io.BytesIO()
    pq.write_table(table, made)
    return made.getvalue()


def test_a_parquet_file_of_canonical_columns_is_that_table() -> None:
    price: dict[str, Any] = {
        "source": "A",
        "isin": "US0378331005",
        "price_date": date(2026, 6, 1),
        "price": Decimal("1.5"),
        "currency": "USD",
    }
    data = parquet(TABLES["prices"].build([price, {**price, "isin": "US5949181045"}]).value)
    assert read(data).value.format == "parquet.prices"
    assert [r["isin"] for r in rows(data, "prices")] == ["US0378331005", "US5949181045"]
    loose = parquet(pa.table({**{k: [v, v] for k, v in price.items()}, "price": ["1.5", "x"]}))
    assert (read(loose).value.tables["prices"].num_rows, read(loose).value.quarantined) == (1, 1)
    assert codes(data[:-20]) == {"parquet-unreadable"}


def test_a_parquet_file_is_read_by_a_mapping_like_a_sheet() -> None:
    columns = {"Account": ["NG-1"], "As Of": ["06/01/2026"], "ISIN": ["US0378331005"], "Description": ["APPLE"], "Quantity": [1250],
               "Market Value": [Decimal("12.50")], "Ccy": ["USD"]}  # fmt: skip
    [held] = rows(parquet(pa.table(columns)), "holdings", mapping())
    assert (held["quantity"], held["market_value"], held["business_date"]) == (1250, Decimal("12.5"), date(2026, 6, 1))
    unknown = read(parquet(pa.table({"Foo": ["a"], "Bar": [1]})), mapping())
    assert unknown.findings[0].found == "header cells Foo, Bar"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])
def test_a_table_in_the_encoding_of_its_mapping(encoding: str) -> None:
    text = (
        "Zürich, Säule 3\nAccount;As Of;ISIN;Description;Quantity;Market Value;Ccy\nNG-1;06/01/2026;US0378331005;Müller;1;2,5;EUR\n"
    )
    one = mapping(encoding=encoding.replace("-sig", ""), decimal=",", thousands="")
    [held] = rows(text.encode(encoding), "holdings", one)
    assert (held["name"], held["market_value"]) == ("Müller", Decimal("2.5"))


def test_a_table_that_no_mapping_knows_says_its_header_and_how_to_go_on() -> None:
    [one] = read("Daily report\n\nFund;Units;Price\nA;1;2\n", mapping()).findings
    assert (one.code, one.place.at, one.found) == ("format-unknown", "line 3", "header cells Fund, Units, Price")
    assert 'match: ["Fund", "Units", "Price"]' in one.todo
    assert POSITIONS_MAPPING["format"] in one.expected


def test_pages_without_interim_balances_are_proven_together() -> None:
    first = CAMT[: CAMT.rindex("  <Bal>")] + CAMT[CAMT.index("  <Ntry>") :]
    first = first.replace("<ElctrncSeqNb>", "<StmtPgntn><PgNb>1</PgNb><LastPgInd>false</LastPgInd></StmtPgntn><ElctrncSeqNb>")
    body = CAMT[CAMT.index(" <Stmt>") : CAMT.index("</BkToCstmrStmt>")]
    second = body[: body.index("  <Bal>")] + body[body.rindex("  <Bal>") : body.index("  <Ntry>")] + " </Stmt>"
    second = second.replace("<ElctrncSeqNb>", "<StmtPgntn><PgNb>2</PgNb><LastPgInd>true</LastPgInd></StmtPgntn><ElctrncSeqNb>")
    both = first.replace("</BkToCstmrStmt>", second + "</BkToCstmrStmt>")
    assert [s["proven"] for s in rows(both, "statements")] == [True, True]
    assert "page-missing" in codes(first)


@pytest.mark.parametrize(("net", "code"), [("120.12345", ""), ("1", "summary-differs")])
def test_totals_that_a_statement_states_are_compared_with_its_entries(net: str, code: str) -> None:
    total = f"<TxsSummry><TtlNtries><NbOfNtries>1</NbOfNtries><Sum>{net}</Sum></TtlNtries></TxsSummry>"
    assert ("summary-differs" in codes(CAMT.replace("  <Ntry>", total + "  <Ntry>", 1))) == bool(code)


def test_an_ampersand_that_nobody_escaped_is_read() -> None:
    outcome = read(CAMT.replace("Bond bought", "AT&T bond"))
    assert outcome.value.tables["cash_movements"]["text"].to_pylist() == ["AT&T bond"]
    assert "xml-ampersand" in {f.code for f in outcome.findings}


@pytest.mark.skipif(not SCHEMAS.is_dir(), reason="no folder of official schemas beside the project")
def test_what_departs_from_the_official_schema_is_said_with_line_and_element() -> None:
    outcome = feeds.read_bytes("f", CAMT.encode(), schemas=SCHEMAS.parent)
    told = [f for f in outcome.findings if f.code == "schema-invalid"]
    assert told and all(f.place.at.startswith("line ") and f.place.field for f in told)
    assert outcome.value.tables["cash_movements"].num_rows == 1
    unknown = feeds.read_bytes("f", CAMT.replace("001.08", "001.99").encode(), schemas=SCHEMAS)
    assert "schema-missing" in {f.code for f in unknown.findings}


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_ofx_in_utf_8_is_read_as_that_whatever_its_header_says(encoding: str) -> None:
    text = OFX.replace("<MEMO>Phone", "<MEMO>Café €")
    assert "CHARSET:1252" in text
    assert rows(text.encode(encoding), "cash_movements")[0]["text"].endswith("Café €")
