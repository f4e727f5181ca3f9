"""Files as senders vary them: packed, without an ISIN, an account or a header, with codes that few know."""

from __future__ import annotations

import gzip
import io
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

from bo_lib import feeds
from bo_lib.config import ParameterError
from bo_lib.feeds import packed
from bo_lib.model.identifiers import cross_referenced, cross_references
from tests.feeds.samples import CAMT, MT54X, MT535, MT564, MT940, codes, mapping, read, rows
from tests.feeds.samples_more import BAI2, FLEX, OFX, SEEV_031, SESE_023, SESE_025
from tests.feeds.swift_samples import MT536


def zipped(**files: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


# Packed files


@pytest.mark.parametrize("pack", [gzip.compress, lambda data: zipped(**{"out/day.sta": data, "__MACOSX/x": b"litter"})])
def test_the_one_file_in_an_archive_is_read_under_the_hash_of_the_archive(pack) -> None:  # type: ignore[no-untyped-def]
    data = pack(MT940.encode())
    packed_, plain = feeds.read_bytes("day.sta.gz", data), read(MT940)
    movements = packed_.value.tables["cash_movements"].to_pylist()
    assert packed_.value.format == "mt940" and feeds.summary(packed_)["statements"] == feeds.summary(plain)["statements"]
    assert {m["file"] for m in movements} == {packed_.value.sha256} != {plain.value.sha256}
    assert movements[0]["at"] in ("day.sta:line 6", "out/day.sta:line 6")


def test_findings_in_an_archive_name_its_file() -> None:
    [unproven] = feeds.read_bytes("day.sta.gz", gzip.compress(MT940.replace("945,25\n:64", "900,00\n:64").encode())).findings
    assert (unproven.code, str(unproven.place)) == ("balance-not-proven", "day.sta.gz, day.sta:line 1, closing")


def test_a_packed_table_is_read_by_its_mapping() -> None:
    from tests.feeds.samples import POSITIONS

    outcome = feeds.read_bytes("p.zip", zipped(**{"positions.csv": POSITIONS.encode()}), (mapping(),))
    assert outcome.value.format == "pb_positions" and outcome.value.tables["holdings"].num_rows


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (zipped(a=b"1", b=b"2"), "archive-not-read"),
        (zipped(**{"a.gz": gzip.compress(b"x")}), "archive-not-read"),
        (gzip.compress(b"x" * 257 + b"ustar" + b"x" * 300), "archive-not-read"),
        (gzip.compress(MT940.encode())[:-20], "archive-unreadable"),
        (zipped(a=MT940.encode())[:-40], "archive-unreadable"),
        (gzip.compress(b" " * 2**24), "archive-too-large"),
        (zipped(a=b" " * 2**24), "archive-too-large"),
    ],
    ids=["two files", "an archive", "a tar", "cut gzip", "cut zip", "a large gzip", "a large zip"],
)
def test_other_archives_are_one_clear_error(data: bytes, code: str) -> None:
    outcome = read(data)
    assert ([f.code for f in outcome.findings], outcome.value.format) == ([code], "")


def test_a_bomb_is_unpacked_no_further_than_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "BYTES_MAX", 1000)
    assert codes(gzip.compress(MT940.encode() * 10)) == {"archive-too-large"}


# Securities named by another code than the ISIN


def test_a_notification_without_an_isin_is_kept_under_the_code_it_gives() -> None:
    text = MT564.replace(":35B:ISIN NL0010273215\n:16R:ACCTINFO", ":35B:/US/037833100\nAPPLE INC\n:16R:ACCTINFO")
    assert {(r["isin"], r["local_id"]) for r in rows(text, "announcements")} == {(None, "cusip:037833100")}
    assert "isin-missing" in codes(text) and read(text).value.quarantined == 0
    nameless = text.replace(":35B:/US/037833100\nAPPLE INC\n", "")
    assert (read(nameless).value.quarantined, codes(nameless)) == (2, {"security-missing"})


def test_an_iso_20022_notification_by_sedol_is_kept() -> None:
    sedol = "<OthrId><Id>0263494</Id><Tp><Cd>SEDL</Cd></Tp></OthrId>"
    text = SEEV_031.replace("<FinInstrmId><ISIN>US0378331005</ISIN></FinInstrmId></UndrlygScty>",
                            f"<FinInstrmId>{sedol}</FinInstrmId></UndrlygScty>")  # fmt: skip
    assert {(r["isin"], r["local_id"]) for r in rows(text, "announcements")} == {(None, "sedol:0263494")}


def test_a_settlement_message_keeps_the_code_of_its_security() -> None:
    assert rows(MT54X.replace(":35B:ISIN NL0010273215", ":35B:/GB/0263494"), "settlements")[0]["local_id"] == "sedol:0263494"


def test_national_codes_lead_to_the_isin_that_carries_them() -> None:
    known = cross_references([
        ("US0378331005", "AAPL"), ("GB0002634946", "BAE"), ("CH0012032048", None), ("DE0007164600", None), ("KYG017191142", None),
        ("US5949181045", "AAPL"),
    ])  # fmt: skip
    given = {"cusip:037833100": "US0378331005", "sedol:0263494": "GB0002634946", "valor:1203204": "CH0012032048",
             "wkn:716460": "DE0007164600", "cusip:G01719114": "KYG017191142", "ticker:BAE": "GB0002634946",
             "ticker:AAPL": None, "cusip:000716460": None, "sedol:": None, "": None}  # fmt: skip
    assert {code: cross_referenced(code, known) for code in given} == given


# Messages that lack something


def test_messages_without_an_account_or_our_reference_are_kept_and_said() -> None:
    for text, table in ((SESE_025, "settlements"), (SESE_023, "transactions")):
        bare = text.replace("<SfkpgAcct><Id>BOR-1</Id></SfkpgAcct>", "")
        assert (rows(bare, table)[0]["account"], codes(bare)) == ("NONREF", {"account-missing"})
    bare = MT54X.replace(":20C::RELA//UC260528-0001\n", "")
    assert [r["reference"] for r in rows(bare, "settlements")] == ["NONREF", "UC260528-0002"]


def test_a_status_with_one_slash_and_no_issuer_is_understood() -> None:
    assert rows(MT54X.replace(":25D::SETT//PENF", ":25D::SETT/PENF"), "settlements")[1]["status"] == "failing"


def test_a_message_without_header_that_names_both_agents_is_sided_by_our_account() -> None:
    parties = (
        ":16R:SETPRTY\n:95P::DEAG//AAAADEFF\n:97A::SAFE//{}\n:16S:SETPRTY\n:16R:SETPRTY\n:95P::REAG//BBBBDEFF\n"
        ":97A::SAFE//{}\n:16S:SETPRTY\n:16R:AMT"
    )
    bare = MT54X[MT54X.index(":16R") : MT54X.index("-}")]
    for ours, expected in ((("X", "ALP-100200"), "RECEIVE"), (("ALP-100200", "X"), "DELIVER"), (("X", "Y"), None)):
        assert rows(bare.replace(":16R:AMT", parties.format(*ours)), "settlements")[0]["side"] == expected


def test_a_holding_whose_parts_alone_state_quantity_and_value() -> None:
    text = MT535.replace(
        ":93B::AGGR//UNIT/1200,\n:16R:SUBBAL\n:93B::AGGR//UNIT/999,\n:16S:SUBBAL\n:19A::HOLD//EUR975000,",
        ":16R:FINSUB\n:93B::AGGR//UNIT/10,5\n:16S:FINSUB\n:16R:SUBBAL\n:19A::HOLD//EUR1265,25\n:16S:SUBBAL",
    )
    first = rows(text, "holdings")[0]
    assert (first["quantity"], first["market_value"], first["value_currency"]) == (Decimal("10.5"), Decimal("1265.25"), "EUR")


def test_a_reversal_in_a_statement_of_transactions_is_said() -> None:
    text = MT536.replace(":22F::TRAN//SETT", ":25D::MOVE//REVE\n:22F::TRAN//SETT")
    assert "reversal" in codes(text) and rows(text, "transactions")[0]["text"] == "reversal"


def test_headless_messages_are_told_apart() -> None:
    general = ":16R:GENL\n:28E:1/ONLY\n:20C::SEME//A\n{}:22F::STBA//SETT\n:97A::SAFE//A\n:17B::ACTI//N\n:16S:GENL\n"
    assert read(general.format(":69A::STAT//20260601/20260602\n")).value.format == "mt536"
    assert read(general.format(":98A::STAT//20260601\n")).value.format == "mt535"
    words = ":16R:ADDINFO\n:70F::ADTX//THE MEETING APPROVED\n:16S:ADDINFO\n"
    notice = MT564[MT564.index(":16R") : MT564.index(":16R:CADETL")]
    assert read(notice + words).value.format == "mt568" and read(notice).value.format == "mt564"


@pytest.mark.parametrize("wrap", [lambda text: text, lambda text: text[text.index(":20:") :].replace("-}", "-")])
def test_a_line_of_a_dash_in_a_narrative_is_no_end(wrap) -> None:  # type: ignore[no-untyped-def]
    text = wrap(MT940.replace("ASML HOLDING", "ASML\n-\nHOLDING"))
    outcome = read(text)
    assert feeds.summary(outcome)["statements"][0]["proven"]
    assert outcome.value.tables["cash_movements"].to_pylist()[0]["text"].endswith("ASML\n-\nHOLDING")


# Banks and brokers


@pytest.mark.parametrize(("code", "sign"), [("721", 1), ("729", 1), ("760", -1), ("399", 1), ("699", -1)])
def test_loan_and_custom_type_codes_have_the_sign_of_their_range(code: str, sign: int) -> None:
    text = BAI2.replace("16,475,2500,", f"16,{code},2500,")
    assert rows(text, "cash_movements")[1]["amount"] == sign * Decimal(25)


@pytest.mark.parametrize("code", ["710", "010", "901"])
def test_a_type_code_of_no_direction_is_kept_in_no_sum(code: str) -> None:
    text = BAI2.replace("16,475,2500,,B-2,OUR-2,WIRE OUT/", f"16,{code},2500,,B-2,OUR-2,WIRE OUT/")
    outcome = read(text)
    [kept] = outcome.value.tables["transactions"].to_pylist()
    assert (kept["amount"], kept["reference"], kept["servicer_reference"]) == (None, "OUR-2", "B-2")
    assert kept["text"] == f"type {code}, 25.00 of unknown direction: WIRE OUT" and outcome.value.quarantined == 0
    assert {f.code for f in outcome.findings} == {"direction-unknown", "balance-not-proven"}


def test_ofx_behind_a_comment_or_a_header_of_its_transport() -> None:
    elements = OFX[OFX.index("<OFX>") :]
    for head in ("<!-- a note -->\n", "<START><OFXHEADER>100</OFXHEADER></START>\n", '<?xml version="1.0"?>\n<!-- x -->\n'):
        assert read(head + elements).value.format == "ofx"
    assert read("Content-Type: application/x-ofx\n\n" + OFX).value.format == "ofx"


FUNDS = """<FlexQueryResponse><FlexStatements count="1"><FlexStatement accountId="U1" fromDate="20260601" toDate="20260602">
<StmtFunds>
<StatementOfFundsLine currency="EUR" activityDescription="Starting Balance" balance="100.5" levelOfDetail="Currency"/>
<StatementOfFundsLine currency="EUR" reportDate="20260601" activityCode="CINT" activityDescription="Interest" credit="1.000001"
 debit="" amount="" balance="101.500001" levelOfDetail="Currency"/>
<StatementOfFundsLine currency="EUR" reportDate="20260602" settleDate="20260603" activityCode="BUY" tradeID="7" amount="-50"
 balance="51.500001" levelOfDetail="Currency"/>
<StatementOfFundsLine currency="USD" reportDate="20260602" activityCode="WITH" amount="-5" balance="7" levelOfDetail="Currency"/>
<StatementOfFundsLine currency="EUR" activityCode="CINT" amount="99" balance="99" levelOfDetail="BaseCurrency"/>
</StmtFunds></FlexStatement></FlexStatements></FlexQueryResponse>"""


def test_a_statement_of_funds_is_proven_from_balance_to_balance() -> None:
    euro, dollar = feeds.summary(read(FUNDS))["statements"]
    assert (euro["opening"], euro["closing"], euro["entries"], euro["proven"]) == ("100.50", "51.500001", 2, True)
    assert (dollar["opening"], dollar["closing"], dollar["sum"], dollar["proven"]) == ("12.00", "7.00", "-5.00", True)
    assert "balance-not-proven" in codes(FUNDS.replace('amount="-50"', 'amount="-51"'))
    bought = rows(FUNDS, "cash_movements")[1]
    assert (bought["code"], bought["bank_reference"], str(bought["value_date"])) == ("BUY", "7", "2026-06-03")


def test_a_statement_of_funds_beside_its_cash_transactions_counts_nothing_twice() -> None:
    funds = FUNDS[FUNDS.index("<StmtFunds>") : FUNDS.index("</FlexStatement>")]
    both = FLEX.replace("</CashTransactions>", "</CashTransactions>" + funds)
    assert rows(both, "cash_movements") == [{**m, "file": read(both).value.sha256} for m in rows(FLEX, "cash_movements")]


# Encodings, and what XML forbids


@pytest.mark.parametrize(
    "made",
    [
        lambda text: text.encode("cp1252"),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.replace("UTF-8", "utf-16").encode(),
        lambda text: text.replace("UTF-8", "UTF8-MARKED").encode(),
        lambda text: text.replace("Bä", "Bä\x1a").encode(),
    ],
)
def test_xml_in_another_encoding_than_it_declares_is_read(made) -> None:  # type: ignore[no-untyped-def]
    outcome = read(made(CAMT.replace("Bond bought", "Bär gekauft")))
    assert feeds.summary(outcome)["statements"][0]["proven"] and outcome.ok
    assert outcome.value.tables["cash_movements"].to_pylist()[0]["text"] == "Bär gekauft"


def test_files_of_a_mainframe_are_read() -> None:
    for text, encoded in ((MT940, MT940.replace("\n", "\x85").encode("cp1140")), (BAI2, BAI2.encode("cp1140"))):
        assert feeds.summary(read(encoded))["statements"] == feeds.summary(read(text))["statements"]


def test_pending_entries_of_a_camt_are_pending_transactions() -> None:
    [pending] = rows(CAMT, "transactions")
    assert (pending["status"], pending["kind"]) == ("pending", "transfer") and pending["amount"] is not None
    assert "transactions" not in read(CAMT.replace("PDNG", "INFO")).value.tables


def test_the_transactions_of_a_batch_are_held_against_its_entry() -> None:
    one = '<TxDtls><Amt Ccy="EUR">{}</Amt>{}</TxDtls>'
    entry = (
        '<Ntry><Amt Ccy="EUR">{}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-06-01</Dt></BookgDt><NtryDtls>'
        + one.format(10, "") + one.format(3, "<CdtDbtInd>DBIT</CdtDbtInd>") + "</NtryDtls></Ntry></Stmt>"
    )  # fmt: skip
    assert "batch-differs" not in codes(CAMT.replace("</Stmt>", entry.format(7)))
    assert "batch-differs" in codes(CAMT.replace("</Stmt>", entry.format(8)))


def test_a_wrong_mapping_is_said_in_words(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("format: x\nmatch: [A]\ntables:\n  - table: pricess\n    columns: {isin: A}\n")
    with pytest.raises(ParameterError, match=r"m.yaml: line 4: tables.0: no canonical table 'pricess'; did you mean 'prices'\?$"):
        feeds.load_mappings(tmp_path)


def test_documents_one_after_another_in_a_file_are_all_read() -> None:
    other = CAMT.replace("<Id>S1", "<Id>S2")
    outcome = read(CAMT + other + "\n\x1a")
    assert [s["proven"] for s in feeds.summary(outcome)["statements"]] == [True, True]
    assert "xml-several" in {f.code for f in outcome.findings} and outcome.value.tables["cash_movements"].num_rows == 2


def test_a_gross_rate_in_the_option_of_percents_that_names_a_currency_is_an_amount() -> None:
    dividend = MT564.replace(":92F::GRSS//EUR0,24", ":92A::GRSS//EUR0,24")
    assert (rows(dividend, "announcements")[2]["rate"], rows(dividend, "announcements")[2]["currency"]) == (Decimal("0.24"), "EUR")


def test_an_isin_that_is_written_under_its_country_is_the_isin() -> None:
    assert rows(MT535.replace(":35B:/US/912828YY0", ":35B:/US/US912828YY08"), "holdings")[1]["isin"] == "US912828YY08"


def test_a_statement_of_funds_proves_a_cash_report_that_states_no_flows() -> None:
    report = '<CashReport><CashReportCurrency accountId="U1" currency="USD" startingCash="12" endingCash="7"/></CashReport>'
    outcome = read(FUNDS.replace("<StmtFunds>", report + "<StmtFunds>"))
    assert {s["currency"]: (s["proven"], s["entries"]) for s in feeds.summary(outcome)["statements"]} == {
        "USD": (True, 1), "EUR": (True, 2)}  # fmt: skip


def test_an_entry_of_an_unknown_status_is_refused() -> None:
    outcome = read(CAMT.replace("PDNG", "WHAT"))
    assert (outcome.value.quarantined, "status-unknown" in {f.code for f in outcome.findings}) == (1, True)


def test_ofx_entries_that_carry_one_identifier_are_kept_and_said() -> None:
    text = OFX.replace("<FITID>A2", "<FITID>A1")
    assert len(rows(text, "cash_movements")) == len(rows(OFX, "cash_movements")) and "entries-repeated" in codes(text)


CASH = ":20:A\n:25:ACC\n:28C:1/1\n:60F:{}\n:61:{}\n:86:X\n:62F:C260601EUR11,00\n"


@pytest.mark.parametrize(
    ("balance", "entry", "code"),
    [(" C260601EUR 10,00", " 2606010601C1,00NTRFREF", "NTRF"), ("C260601EUR10,00", "2606010601C1,00", None),
     ("C260601EUR10,00", "2606010601C1,00\nNTRFREF", "NTRF")],
)  # fmt: skip
def test_blanks_a_missing_type_and_a_line_end_within_an_entry_leave_the_amounts_clear(balance: str, entry: str, code: str) -> None:
    outcome = read(CASH.format(balance, entry))
    [row] = outcome.value.tables["cash_movements"].to_pylist()
    assert (row["amount"], row["code"], row["text"]) == (1, code, "X") and feeds.summary(outcome)["statements"][0]["proven"]


def test_an_entry_cut_within_its_amount_is_no_entry() -> None:
    assert read(CASH.format("C260601EUR10,00", "2606010601C1")).value.quarantined == 1
