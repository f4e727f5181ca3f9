"""Holdings, confirmations, statuses and corporate actions in SWIFT messages."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from bo_lib.feeds import iso15022
from bo_lib.feeds.reading import Reading, UnreadableError
from tests.feeds.samples import MT54X, MT535, MT564, codes, read, rows


def test_a_holding_is_the_aggregate_balance_not_its_parts() -> None:
    share, bond = rows(MT535, "holdings")
    assert (share["isin"], share["quantity"], share["quantity_type"]) == ("NL0010273215", Decimal(1200), "UNIT")
    assert (share["price"], share["price_currency"], share["market_value"]) == (Decimal("812.5"), "EUR", Decimal(975000))
    assert (bond["local_id"], bond["name"]) == ("cusip:912828YY0", "UST 1.75 2029")
    assert (bond["quantity"], bond["price"], bond["market_value"]) == (Decimal(-100000), Decimal("98.25"), Decimal(-98250))
    assert (bond["accrued_interest"], bond["price_currency"]) == (Decimal("-120.5"), "USD")
    assert {(h["account"], h["basis"], h["business_date"]) for h in (share, bond)} == {
        ("ALP-100200", "settlement", date(2026, 6, 1))
    }
    assert read(MT535).findings == ()


def test_a_statement_of_holdings_is_a_statement_too() -> None:
    [one] = rows(MT535, "statements")
    assert (one["kind"], one["number"], one["proven"]) == ("securities", "101/1", None)


def test_a_holding_without_a_balance_is_quarantined_and_the_other_goes_on() -> None:
    text = MT535.replace(":93B::AGGR//FAMT/N100000,\n", "")
    outcome = read(text)
    assert (outcome.value.quarantined, outcome.value.tables["holdings"].num_rows) == (1, 1)
    [finding] = outcome.findings
    assert (finding.code, finding.place.at) == ("quantity-missing", "line 23")


def test_where_only_sub_balances_are_given_their_sum_is_the_holding() -> None:
    text = MT535.replace(":93B::AGGR//UNIT/1200,\n", "")
    assert rows(text, "holdings")[0]["quantity"] == Decimal(999)


def test_a_cut_message_keeps_the_holdings_before_the_cut() -> None:
    text = MT535[: MT535.index(":16S:FIN") + 8]
    assert {"message-cut", "block-cut"} == codes(text)
    assert len(rows(text, "holdings")) == 1


def test_a_wrong_check_digit_of_an_isin_is_a_warning() -> None:
    outcome = read(MT535.replace("NL0010273215", "NL0010273214"))
    assert [(f.code, f.severity.value) for f in outcome.findings] == [("isin-invalid", "warning")]


def test_a_confirmation_settles_our_instruction() -> None:
    settled, failing = rows(MT54X, "settlements")
    assert (settled["reference"], settled["status"], settled["side"]) == ("UC260528-0001", "settled", "RECEIVE")
    assert (settled["quantity"], settled["currency"], settled["amount"]) == (Decimal(100), "EUR", Decimal("81300.5"))
    assert (settled["trade_date"], settled["intended_date"], settled["effective_date"]) == (
        date(2026, 5, 28),
        date(2026, 6, 1),
        date(2026, 6, 1),
    )
    assert (failing["status"], failing["reason"], failing["text"]) == ("failing", "LACK", "LACK OF SECURITIES")
    assert (failing["side"], failing["isin"], failing["amount"]) == ("DELIVER", "US0378331005", Decimal(9000))
    assert read(MT54X).findings == ()


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (("SETT//PENF", "SETT//PEND"), "pending"),
        (("SETT//PENF", "MTCH//NMAT"), "unmatched"),
        (("SETT//PENF", "MTCH//MACH"), "matched"),
        (("SETT//PENF", "IPRC//REJT"), "rejected"),
        (("SETT//PENF", "IPRC//CAND"), "cancelled"),
        (("SETT//PENF", "CPRC//REJT"), "pending"),
    ],
)
def test_statuses(change: tuple[str, str], status: str) -> None:
    assert rows(MT54X.replace(*change), "settlements")[1]["status"] == status


def test_an_unknown_status_is_quarantined() -> None:
    outcome = read(MT54X.replace("SETT//PENF", "SETT//WHAT"))
    assert (outcome.value.quarantined, [f.code for f in outcome.findings]) == (1, ["status-unknown"])


def test_a_partial_and_a_cancelled_confirmation() -> None:
    partial = MT54X.replace(":97A::SAFE//ALP-100200\n:16S:FIAC", ":36B::RSTT//UNIT/40,\n:97A::SAFE//ALP-100200\n:16S:FIAC", 1)
    assert rows(partial, "settlements")[0]["status"] == "partially_settled"
    assert rows(MT54X.replace(":23G:NEWM", ":23G:CANC"), "settlements")[0]["status"] == "cancelled"


def test_a_message_without_our_reference_is_quarantined() -> None:
    assert "reference-missing" in codes(MT54X.replace(":20C::RELA//UC260528-0001\n", ""))


def test_an_announcement_is_a_row_per_option_and_movement() -> None:
    securities, payment, cash = rows(MT564, "announcements")
    assert [(r["option"], r["movement"], r["direction"]) for r in (securities, payment, cash)] == [
        ("001", "securities-1", "CRED"), ("001", "cash-1", "DEBT"), ("002", "cash-1", "CRED")]  # fmt: skip
    assert (securities["new_isin"], securities["ratio_new"], securities["ratio_old"]) == ("US0378331005", Decimal(1), Decimal(4))
    assert (payment["price"], payment["currency"], payment["payment_date"]) == (Decimal(40), "EUR", date(2026, 6, 26))
    assert (cash["rate"], cash["withholding_pct"], cash["default_option"]) == (Decimal("0.24"), Decimal(15), True)
    assert cash["payment_date"] is None
    assert (securities["deadline"], securities["ex_date"], securities["eligible"]) == (
        date(2026, 6, 20),
        date(2026, 6, 10),
        Decimal(1200),
    )
    assert {r["sender"] for r in (securities, payment, cash)} == {"VENBUS33"}
    assert read(MT564).findings == ()


def test_a_split_stated_as_additional_shares_becomes_shares_after_for_shares_before() -> None:
    [first, *_] = rows(MT564.replace("CAEV//RHDI", "CAEV//SPLF"), "announcements")
    assert (first["ratio_new"], first["ratio_old"]) == (Decimal(5), Decimal(4))


def test_interest_takes_the_rate_of_the_payment_before_the_yearly_one() -> None:
    both = MT564.replace(":92F::GRSS//EUR0,24\n", ":92A::INTR//5,\n:92A::INTP//2,5\n").replace(":90B::PRPP//ACTU/EUR40,\n", "")
    assert rows(both, "announcements")[2]["rate"] == Decimal("2.5")
    assert codes(both.replace(":92A::INTP//2,5\n", "")) == {"rate-annual"}


def test_an_announcement_for_two_accounts_is_for_each() -> None:
    second = ":16R:ACCTINFO\n:97A::SAFE//ALP-2\n:93B::ELIG//UNIT/7,\n:16S:ACCTINFO\n:16S:USECU"
    found = rows(MT564.replace(":16S:USECU", second), "announcements")
    assert {(r["account"], r["eligible"]) for r in found} == {("ALP-100200", Decimal(1200)), ("ALP-2", Decimal(7))}
    assert len(found) == 6


def test_a_message_of_another_kind_in_the_file_is_said() -> None:
    outcome = read(MT535 + MT515)
    assert ([f.code for f in outcome.findings], outcome.value.quarantined) == (["message-not-read"], 1)


def test_messages_of_several_kinds_in_a_file_go_each_to_their_reader() -> None:
    outcome = read(MT535 + MT54X + MT564)
    assert (outcome.value.format, outcome.findings) == ("mt535", ())
    assert {name: table.num_rows for name, table in outcome.value.tables.items()} == {
        "statements": 1, "holdings": 2, "settlements": 2, "announcements": 3}  # fmt: skip


MT515 = "{1:F01X}{2:I515Y}{4:\n:16R:GENL\n:20C::SEME//B\n:16S:GENL\n-}\n"


def test_the_tokeniser_keeps_lines_qualifiers_and_nesting() -> None:
    reading = Reading("f", "h")
    [message] = iso15022.messages(MT564.encode(), reading)
    root = iso15022.tree(message, reading)
    assert [b.name for b in root.blocks] == ["GENL", "USECU", "CADETL", "CAOPTN", "CAOPTN"]
    field = root.part("GENL").get("22F", "CAEV")
    assert field and (field.line, field.qualifier, field.data) == (6, "CAEV", "RHDI")
    assert (message.kind, message.sender, message.closed) == ("564", "VENBUS33", True)


def test_a_block_that_ends_under_another_name_still_ends() -> None:
    assert codes(MT54X.replace(":16S:TRADDET", ":16S:TRADFOO")) == {"block-end-unexpected"}
    assert len(rows(MT54X.replace(":16S:TRADDET", ":16S:TRADFOO"), "settlements")) == 2


def test_messages_without_wrappers() -> None:
    bare = "\n".join(line for line in MT54X.splitlines() if not line.startswith(("{", "-}")))
    assert [r["status"] for r in rows(bare, "settlements")] == ["settled", "failing"]


@pytest.mark.parametrize(("text", "number"), [("1234,5", "1234.5"), ("N1234,", "-1234"), (",5", "0.5"), ("N0,", "0")])
def test_numbers(text: str, number: str) -> None:
    assert iso15022.number(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "N", ",", "1.5", "1,2,3", "abc"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(UnreadableError):
        iso15022.number(text)


def test_holdings_without_an_account_are_kept_and_belong_to_nobody() -> None:
    text = ":16R:GENL\n:16S:GENL\n:16R:FIN\n:35B:ISIN NL0010273215|/DE/A1J4U4|ASML\n:93B::AGGR//UNIT/5,\n:16S:FIN\n-"
    assert codes(text) == {"account-missing"}
    [held] = rows(text, "holdings")
    assert (held["account"], held["isin"], held["local_id"], held["name"]) == ("NONREF", "NL0010273215", "wkn:A1J4U4", "ASML")


def test_the_basis_in_another_letter_and_a_price_in_a_block_of_its_own_are_read() -> None:
    text = MT535.replace(":22F::STBA//SETT", ":22H::STBA//TRAD").replace(
        ":90B::MRKT//ACTU/EUR812,5", ":16R:PRIC\n:90B::MRKT//ACTU/EUR811,5\n:16S:PRIC"
    )
    held = rows(text, "holdings")[0]
    assert (held["basis"], held["price"], held["price_currency"]) == ("trade", Decimal("811.5"), "EUR")
