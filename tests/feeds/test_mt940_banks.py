"""What real banks do to cash statements, and how it is read."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from bo_lib import feeds
from tests.feeds.samples import MT940, MT942, codes, read, rows
from tests.feeds.test_mt940 import entry, statement

HEAD = ":20:A\n:25:ACC\n:28C:{}\n"


def page(number: str, opening: str, entries: str, closing: str) -> str:
    return f":20:A\n:25:ACC\n:28C:{number}\n:{opening}\n{entries}\n:{closing}\n-\n"


def test_pages_of_a_statement_are_proven_each_and_joined_by_their_balances() -> None:
    first = page("7/1", "60F:C260601EUR10,", ":61:260601D1,NTRFA", "62M:C260601EUR9,")
    second = page("7/2", "60M:C260601EUR9,", ":61:260601D2,NTRFB", "62F:C260601EUR7,")
    assert [s["proven"] for s in rows(first + second, "statements")] == [True, True]
    assert codes(first + second) == set()
    assert codes(first) == {"page-missing"}
    assert codes(second) == {"page-missing"}
    assert codes(
        first + second.replace("60M:C260601EUR9,", "60M:C260601EUR8,").replace("62F:C260601EUR7,", "62F:C260601EUR6,")
    ) == {"balance-chain-broken"}


def test_a_gap_a_repeat_and_a_broken_chain_within_a_file_are_warnings() -> None:
    first = page("7/1", "60F:C260601EUR10,", ":61:260601D1,NTRFA", "62F:C260601EUR9,")
    later = page("9/1", "60F:C260602EUR9,", ":61:260602D2,NTRFB", "62F:C260602EUR7,")
    assert codes(first + later) == {"statement-gap"}
    assert codes(first + first.replace("60F:C260601EUR10,", "60F:C260601EUR10,")) >= {"statement-repeated"}
    assert read(first + later).ok


def test_two_statements_in_one_message_are_two() -> None:
    text = (
        statement(":61:260601D1,NTRFA", closing="C260601EUR99,")
        + ":28C:2/1\n:60F:C260601EUR99,\n:61:260602D9,NTRFB\n:62F:C260602EUR90,\n"
    )
    found = rows(text, "statements")
    assert [(s["account"], s["number"], s["proven"]) for s in found] == [("ACC", "1/1", True), ("ACC", "2/1", True)]


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1.234,56", "1234.56"), ("1,234.56", "1234.56"), ("1.234.567,", "1234567"), ("12.5", "12.5"), ("0.125", "0.125")],
)
def test_amounts_with_points_are_read_where_they_have_one_meaning_and_said(text: str, amount: str) -> None:
    made = statement(f":61:260601C{text}NTRFREF")
    assert rows(made, "cash_movements")[0]["amount"] == Decimal(amount)
    assert "amount-format" in codes(made)


@pytest.mark.parametrize("text", ["1.234", "12.345", "1,2,3", "1..2", ",", "."])
def test_amounts_with_two_meanings_or_none_are_quarantined(text: str) -> None:
    outcome = read(statement(f":61:260601C{text}NTRFREF"))
    assert (outcome.value.quarantined, outcome.value.tables["cash_movements"].num_rows) == (1, 0)


@pytest.mark.parametrize(
    ("text", "value"), [("160230", date(2016, 2, 29)), ("150229", date(2015, 2, 28)), ("150230", date(2015, 2, 28))]
)
def test_a_thirtieth_of_february_is_its_last_day(text: str, value: date) -> None:
    assert entry(f"{text}D6,00NTRFREF")["value_date"] == value
    assert "date-moved" in codes(statement(f":61:{text}D6,00NTRFREF"))


def test_expected_entries_are_pending_and_in_no_sum() -> None:
    text = MT942.replace(":90D:", ":61:2606010601ED7,NTRFSOON\n:86:DIRECT DEBIT\n:61:260601EC9,NTRFLATER\n:90D:")
    outcome = read(text)
    pending = outcome.value.tables["transactions"].to_pylist()
    assert [(p["status"], p["amount"], p["reference"]) for p in pending] == [
        ("pending", Decimal(-7), "SOON"), ("pending", Decimal(9), "LATER")]  # fmt: skip
    assert outcome.value.tables["cash_movements"].num_rows == 2
    assert {f.code for f in outcome.findings} == {"entries-pending"}


def test_control_totals_may_count_expected_entries_and_are_in_the_currency_of_the_report() -> None:
    with_expected = MT942.replace(":90D:1EUR200,50", ":61:2606010601ED7,NTRFSOON\n:90D:2EUR207,50")
    assert codes(with_expected) == {"entries-pending"}
    assert codes(MT942.replace(":90C:1EUR1500,00", ":90C:1USD1500,00")) == {"totals-differ"}
    assert codes(MT942.replace(":90C:1EUR1500,00", ":90C:1EUR15.0.0")) == {"amount-invalid"}


def test_a_reversal_counts_on_the_side_it_moves_money() -> None:
    text = MT942.replace(":61:2606010601D200,50", ":61:2606010601RC200,50")
    assert (codes(text), rows(text, "cash_movements")[1]["amount"]) == (set(), Decimal("-200.5"))


@pytest.mark.parametrize(
    ("reference", "narrative", "found"),
    [
        ("NONREF", "/EREF/E2E-42/REMI/USTD//INVOICE", "E2E-42"),
        ("EREF", "/EREF/E2E/42//ORDP//NAME/ACME", "E2E/42"),
        ("NONREF", "166?00SEPA?20EREF+2026/06/01-7?21SVWZ+RENT?30BANKDEFF", "2026/06/01-7"),
        ("NONREF", "166?00SEPA?20EREF+2026/06/0\n1-7?21KREF+X", "2026/06/01-7"),
        ("NONREF", "166?00SEPA?20EREF+AB?21CD MREF+M", "ABCD"),
        ("NONREF", "/EREF/NOTPROVIDED/REMI/X", "NONREF"),
        ("NONREF", "PLAIN WORDS", "NONREF"),
        ("UC-1", "/EREF/E2E-42/", "UC-1"),
    ],
)
def test_the_reference_of_the_narrative_stands_in_for_none(reference: str, narrative: str, found: str) -> None:
    made = rows(statement(f":61:260601C1,NTRF{reference}\n:86:{narrative}"), "cash_movements")[0]
    assert (made["reference"], made["text"]) == (found, narrative)


def test_control_characters_byte_order_marks_and_an_end_with_its_own() -> None:
    text = (
        "\ufeff\x01"
        + statement(":61:260601D1,NTRFA", closing="C260601EUR99,")
        + "-\x03\n\x01"
        + HEAD.format("2/1").replace("\n", "\x00\n")
    )
    assert rows(text, "statements")[0]["proven"] is True
    utf16 = statement(":61:260601D1,NTRFA", closing="C260601EUR99,").encode("utf-16")
    assert rows(utf16, "statements")[0]["proven"] is True


def test_words_around_the_messages_are_counted_and_left_out() -> None:
    outcome = read("ABNANL2A\n940\n" + MT940 + "THE END\n")
    assert [(f.code, f.severity.value) for f in outcome.findings] == [("text-outside", "info")]
    assert outcome.findings[0].message.startswith("3 lines")
    assert rows("ABNANL2A\n940\n" + MT940, "statements")[0]["proven"] is True


def test_entries_whose_statement_lost_its_balances_are_kept_without_a_currency() -> None:
    text = ":20:A\n:25:ACC\n:61:260601C1,NTRFA\n"
    assert [m["currency"] for m in rows(text, "cash_movements")] == ["XXX"]
    assert codes(text) == {"currency-missing", "balance-missing"}
    assert [m["currency"] for m in rows(text.replace(":25:ACC", ":25:NL08INGB0000001234EUR"), "cash_movements")] == ["EUR"]


def test_a_balance_with_a_wrong_date_still_proves_the_amounts() -> None:
    outcome = read(statement("", "C260431EUR100,00"))
    assert [f.code for f in outcome.findings] == ["date-invalid"]
    assert feeds.summary(outcome)["statements"][0]["proven"] is True


def test_a_second_opening_balance_is_said_and_left_out() -> None:
    outcome = read(statement(":60F:C260529EUR999,99"))
    assert [(f.code, f.place.at) for f in outcome.findings] == [("balance-repeated", "line 5")]
    assert feeds.summary(outcome)["statements"][0]["opening"] == "100.00"
    assert rows(statement("").replace(":60F:", ":60:").replace(":62F:", ":62:"), "statements")[0]["proven"] is True


def test_a_balance_without_a_currency_is_in_that_of_the_other() -> None:
    outcome = read(statement(":61:260601C5,NTRFA", closing="C260601105,00"))
    assert [(f.code, f.severity) for f in outcome.findings] == [("balance-currency", "warning")]
    [found] = feeds.summary(outcome)["statements"]
    assert (found["currency"], found["closing"], found["proven"]) == ("EUR", "105.00", True)
    assert read(statement("", "C260529100,00", "C260601100,00")).findings[0].severity == "error"


@pytest.mark.parametrize("line", ["260601    C5,NTRFA", "260601 C5,NTRFA", "2606010601C\n5,NTRFA"])
def test_an_entry_with_blanks_for_its_date_or_a_line_end_inside_is_read(line: str) -> None:
    found = entry(line)
    assert (found["amount"], found["booking_date"], found["reference"]) == (Decimal(5), date(2026, 6, 1), "A")


def test_a_time_of_day_broken_by_a_line_end_stays_in_its_narrative() -> None:
    text = statement(":61:260601C5,NTRFA\n:86:CARD 12-05-2026T16\n:26:37 SHOP", closing="C260601EUR105,00")
    assert (rows(text, "cash_movements")[0]["text"], codes(text)) == ("CARD 12-05-2026T16\n:26:37 SHOP", set())


def test_the_totals_of_a_report_count_entries_below_the_floor_limit() -> None:
    limited = MT942.replace(":34F:EURD5,", ":34F:EURD100,\n:34F:EURC50,").replace(":90D:1EUR200,50", ":90D:3EUR350,50")
    assert [(f.code, f.severity) for f in read(limited).findings] == [("entries-below-floor", "info")]
    assert codes(limited.replace("3EUR350,50", "3EUR450,50")) == {"totals-differ"}, "two below 100 are not 250"
    assert codes(limited.replace("3EUR350,50", "1EUR199,50")) == {"totals-differ"}, "less than the entries given"
    assert codes(limited.replace(":90C:1EUR1500,00", ":90C:2EUR1560,00")) == {"entries-below-floor", "totals-differ"}


@pytest.mark.parametrize("rest", [":61:2606010601C5,NTRFA\n", ":62F:C260601EUR5,00\n-", ":60F:C260601EUR5,00"])
def test_a_piece_of_a_statement_is_told_for_what_it_is(rest: str) -> None:
    outcome = read(rest)
    assert (outcome.value.format, outcome.ok) == ("mt940", False)
    assert {"account-missing", "balance-missing"} <= {f.code for f in outcome.findings}


def test_an_available_balance_that_is_none_is_said() -> None:
    assert codes(MT940.replace(":64:C260601EUR945,25", ":64:EUR945,25")) == {"balance-unreadable"}


@pytest.mark.parametrize("cut", range(0, len(MT940) - 3, 7))
def test_a_file_cut_anywhere_is_said(cut: int) -> None:
    """Whatever is lost at the end, the file is not read clean."""
    outcome = read(MT940[: len(MT940) - 3 - cut])
    assert not outcome.ok or not outcome.value.format


def test_an_entry_may_have_a_blank_before_its_type_or_none_at_all() -> None:
    text = statement(":61:2606010601C50,00 NTRFREF1\n:61:2606010601D  20,00//B2", closing="C260601EUR130,00")
    first, second = rows(text, "cash_movements")
    assert (first["amount"], first["code"], first["reference"]) == (50, "NTRF", "REF1")
    assert (second["amount"], second["code"], second["bank_reference"]) == (-20, None, "B2")
    assert codes(text) == {"entry-incomplete"}


def test_a_line_of_a_narrative_between_colons_is_no_field() -> None:
    text = statement(":61:2606010601D10,00NTRFREF1\n:86:first\n:KO:NR:4014", closing="C260601EUR90,00")
    assert rows(text, "cash_movements")[0]["text"] == "first\n:KO:NR:4014"
    assert not codes(text)


def test_an_opening_balance_of_no_day_is_said_and_counts() -> None:
    text = statement(":61:2606010601D10,00NTRFREF1", opening="C000000EUR0,00", closing="D260601EUR10,00")
    assert codes(text) == {"date-missing"}
    assert rows(text, "statements")[0]["opening"] == 0
