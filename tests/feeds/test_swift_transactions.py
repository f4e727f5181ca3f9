"""Statements of transactions and of pending ones, instructions, corporate actions after the notice, currency deals."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from bo_lib import feeds
from bo_lib.feeds import fin
from tests.feeds.samples import MT54X, codes, read, rows
from tests.feeds.swift_samples import MT300, MT536, MT537, MT541, MT565, MT566, MT567, MT568, SWIFT


@pytest.mark.parametrize("name", sorted(SWIFT))
def test_every_sample_is_told_by_its_content_and_read_clean(name: str) -> None:
    outcome = read(SWIFT[name])
    assert (outcome.value.format, outcome.findings, outcome.value.quarantined) == (name.replace("541", "54x"), (), 0)


@pytest.mark.parametrize("name", sorted(set(SWIFT) - {"mt568"}))
def test_every_sample_is_told_without_its_header(name: str) -> None:
    bare = "\n".join(line for line in SWIFT[name].splitlines() if not line.startswith(("{", "-}")))
    assert read(bare).value.format == name.replace("541", "54x")


def test_a_statement_of_transactions_moves_securities_and_money_in_opposite_directions() -> None:
    bought, given = rows(MT536, "transactions")
    assert (bought["reference"], bought["kind"], bought["status"]) == ("UC260528-0001", "trade", "settled")
    assert (bought["side"], bought["quantity"], bought["amount"]) == ("RECEIVE", Decimal(200), Decimal("-162600.5"))
    assert (bought["isin"], bought["currency"], bought["counterparty"]) == ("NL0010273215", "EUR", "MGTCDE55")
    assert (bought["trade_date"], bought["effective_date"]) == (date(2026, 5, 28), date(2026, 6, 1))
    assert (given["kind"], given["quantity"], given["amount"]) == ("corporate_action", Decimal(-50), None)
    assert given["servicer_reference"] == "ALP-9"


def test_opening_and_transactions_make_closing_per_security() -> None:
    [statement] = feeds.summary(read(MT536))["statements"]
    assert (statement["number"], statement["entries"], statement["proven"]) == ("101/1", 2, True)
    wrong = read(MT536.replace("FICL//UNIT/1150,", "FICL//UNIT/1151,"))
    [finding] = wrong.findings
    assert (finding.code, finding.found, finding.expected) == ("balance-not-proven", "1151", "1150")
    assert feeds.summary(wrong)["statements"][0]["proven"] is False


def test_balances_are_needed_on_both_sides_and_proven_only_where_carried() -> None:
    assert codes(MT536.replace(":93B::FICL//UNIT/1150,\n", "")) == {"balance-missing"}
    neither = MT536.replace(":93B::FICL//UNIT/1150,\n", "").replace(":93B::FIOP//UNIT/1000,\n", "")
    assert (feeds.summary(read(neither))["statements"][0]["proven"], codes(neither)) == (None, set())


@pytest.mark.parametrize(
    ("change", "code"),
    [((":36B::PSTA//UNIT/50,\n", ""), "quantity-missing"), ((":36B::PSTA//UNIT/50,", ":36B::PSTA//UNIT/50.5"), "number-invalid"),
     ((":22H::REDE//DELI\n", ""), "side-missing")],
)  # fmt: skip
def test_a_transaction_that_cannot_be_read_is_quarantined_and_the_proof_says_so(change: tuple[str, str], code: str) -> None:
    outcome = read(MT536.replace(*change))
    assert outcome.value.quarantined == 1
    assert [f.code for f in outcome.findings] == [code, "balance-not-proven"]
    assert len(rows(MT536.replace(*change), "transactions")) == 1


def test_quantities_are_face_amount_or_units_before_amortised_value() -> None:
    both = MT536.replace(":36B::PSTA//UNIT/200,", ":36B::PSTA//AMOR/150,\n:36B::PSTA//FAMT/200,")
    assert (rows(both, "transactions")[0]["quantity"], rows(both, "transactions")[0]["quantity_type"]) == (Decimal(200), "FAMT")
    only = MT536.replace(":36B::PSTA//UNIT/200,", ":36B::PSTA//AMOR/150,")
    assert rows(only, "transactions")[0]["quantity_type"] == "AMOR"


def test_pages_missing_or_twice_are_said() -> None:
    assert codes(MT536.replace("28E:1/ONLY", "28E:1/MORE")) == {"page-missing"}
    assert codes(MT536.replace("28E:1/ONLY", "28E:1/MORE") + MT536.replace("28E:1/ONLY", "28E:2/LAST")) == set()
    assert "page-missing" in codes(MT536.replace("28E:1/ONLY", "28E:1/MORE") + MT536.replace("28E:1/ONLY", "28E:3/LAST"))


def test_pending_transactions_under_their_status_and_statuses_under_their_transaction() -> None:
    failing, pending, *_ = rows(MT537, "transactions")
    assert (failing["status"], failing["quantity"], failing["amount"]) == ("failing", Decimal(-50), Decimal(9000))
    assert failing["text"] == "PENF LACK; LACK OF SECURITIES"
    assert (pending["status"], pending["quantity"], pending["amount"]) == ("pending", Decimal(10), Decimal(-8130))
    assert pending["settlement_date"] == date(2026, 6, 2)


def test_penalties_are_fees_and_the_transactions_behind_them_do_not_move() -> None:
    late, matched = rows(MT537, "transactions")[2:]
    assert (late["kind"], late["amount"], late["reference"], late["quantity"]) == ("fee", Decimal(-4), "UC260520-0009", None)
    assert (matched["servicer_reference"], matched["amount"]) == ("PEN-2", Decimal("0.5"))
    assert codes(MT537.replace("AGNT//NEUR3,5", "AGNT//NEUR3,6")) == {"totals-differ"}


def test_an_instruction_is_not_settled() -> None:
    [made] = rows(MT541, "transactions")
    assert (made["status"], made["reference"], made["side"]) == ("instructed", "UC260601-0001", "RECEIVE")
    assert (made["quantity"], made["quantity_type"], made["price"]) == (Decimal(100000), "FAMT", Decimal("98.25"))
    assert (made["amount"], made["accrued_interest"], made["currency"]) == (Decimal("-98370.5"), Decimal("120.5"), "USD")


@pytest.mark.parametrize(
    ("kind", "quantity", "amount"),
    [("540", 100000, None), ("541", 100000, "-98370.5"), ("542", -100000, None), ("543", -100000, "98370.5")],
)
def test_instructions_to_receive_and_deliver_free_and_against_payment(kind: str, quantity: int, amount: str | None) -> None:
    [made] = rows(MT541.replace("I541", f"I{kind}"), "transactions")
    assert (made["quantity"], made["amount"]) == (quantity, amount and Decimal(amount))


def test_a_cancellation_names_the_instruction_it_cancels() -> None:
    text = MT541.replace(":23G:NEWM", ":23G:CANC\n:16R:LINK\n:20C::PREV//UC260529-0007\n:16S:LINK")
    [made] = rows(text, "transactions")
    assert (made["status"], made["reference"]) == ("cancelled", "UC260529-0007")


def test_a_corporate_action_confirmation_is_a_row_per_movement() -> None:
    shares, cash = rows(MT566, "transactions")
    assert {(r["servicer_reference"], r["kind"], r["account"]) for r in (shares, cash)} == {
        ("CA2026-77", "corporate_action", "ALP-100200")}  # fmt: skip
    assert (shares["isin"], shares["quantity"], shares["effective_date"]) == ("US0378331005", Decimal(30), date(2026, 6, 25))
    assert (cash["isin"], cash["amount"], cash["taxes"]) == ("NL0010273215", Decimal("244.8"), Decimal("43.2"))
    assert cash["text"] == "DVOP option 001 CASE"


def test_a_reversed_confirmation_turns_the_signs() -> None:
    shares, cash = rows(MT566.replace(":23G:NEWM", ":23G:REVR"), "transactions")
    assert (shares["quantity"], cash["amount"]) == (Decimal(-30), Decimal("-244.8"))


def test_a_corporate_action_instruction_its_status_and_a_narrative() -> None:
    [told] = rows(MT565, "transactions")
    assert (told["status"], told["reference"], told["quantity"]) == ("instructed", "HARB-1", Decimal(800))
    [answer] = rows(MT567, "transactions")
    assert (answer["status"], answer["reference"]) == ("cancelled", "HARB-1")
    assert answer["text"] == "REJT LATE; RECEIVED AFTER THE DEADLINE; RHDI"
    [words] = rows(MT568, "transactions")
    assert words["text"] == "RHDI; THE OFFER IS EXTENDED"


def test_a_currency_deal_is_read_as_its_receiver() -> None:
    """What the bank (party A) buys, we sell; the account is where we receive."""
    [deal] = rows(MT300, "fx_deals")
    assert (deal["buy_currency"], deal["buy_amount"]) == ("USD", Decimal(1085000))
    assert (deal["sell_currency"], deal["sell_amount"]) == ("EUR", Decimal(1000000))
    assert (deal["kind"], deal["account"], deal["counterparty"]) == ("FORWARD", "ALP-100200-840", "ALPNLULL")


def test_a_rate_that_does_not_make_the_amounts_is_an_error() -> None:
    assert codes(MT300.replace(":36:1,085", ":36:1,095")) == {"rate-differs"}
    assert codes(MT300.replace(":36:1,085", ":36:0,92165899")) == set()
    assert codes(MT300.replace("30V:20260901", "30V:20260231")) == {"date-invalid"}


def test_a_header_in_two_lines_and_an_end_behind_the_last_field() -> None:
    text = MT541.replace("}{2:", "}\n{2:").replace("}{4:", "}\n{4:\n").replace(":16S:SETDET\n-}", ":16S:SETDET-}{5:{CHK:0}}")
    assert (read(text).findings, len(rows(text, "transactions"))) == ((), 1)


def test_a_block_that_opens_again_before_its_end_loses_no_row() -> None:
    cut = MT536.replace(":16S:TRANSDET\n:16S:TRAN\n:16R:TRAN\n", ":16R:TRAN\n")
    outcome = read(cut)
    assert outcome.value.tables["transactions"].num_rows == 2
    assert {f.code for f in outcome.findings} == {"block-cut"}


def test_many_statuses_of_one_instruction_are_a_row_each() -> None:
    status = ":16R:STAT\n:25D::MTCH//MACH\n:16S:STAT\n"
    text = MT54X.replace(":16R:STAT\n", status + ":16R:STAT\n")
    assert [r["status"] for r in rows(text, "settlements")] == ["settled", "matched", "failing"]


@pytest.mark.parametrize("name", sorted(set(SWIFT) - {"mt942"}))
def test_a_message_cut_at_any_line_is_not_read_clean(name: str) -> None:
    lines = SWIFT[name].splitlines(keepends=True)
    end = min(n for n, line in enumerate(lines) if line.startswith("-}"))
    for cut in range(1, end):
        assert not read("".join(lines[:cut])).ok, lines[cut]


def test_an_unknown_field_is_said_and_the_row_kept() -> None:
    outcome = read(MT541.replace(":16R:FIAC\n", ":16R:FIAC\n:77Z:PROPRIETARY\n"))
    assert [(f.code, f.severity.value, f.found) for f in outcome.findings] == [("tag-unknown", "info", "PROPRIETARY")]
    assert outcome.value.tables["transactions"].num_rows == 1


def test_a_file_too_large_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fin, "BYTES_MAX", 100)
    assert codes(MT541) == {"file-too-large"}
