"""Trades and income: what the books hold against what the custodian says."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from bo_lib.config import ParameterError, load
from bo_lib.model.events import Coupon, Dividend, Trade
from bo_lib.model.findings import Verdict
from bo_lib.model.tables import ANNOUNCEMENTS, CASH_MOVEMENTS, JOURNAL, SETTLEMENTS, TRANSACTIONS
from bo_lib.recon import Reconciliation, Rules
from bo_lib.recon.income import reconcile_income
from bo_lib.recon.trades import reconcile_trades
from tests.recon.scenario import june

SHIPPED = Path(__file__).parents[2] / "parameters" / "recon"
Said = list[tuple[str, str]]


def shipped(name: str) -> Rules:
    return load(SHIPPED / f"{name}.yaml", Rules)


def said(result: Reconciliation) -> Said:
    return [(item.kind, item.cause) for item in result.items]


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_definition_loads_and_a_typo_is_refused_with_the_nearest_name(path: Path, tmp_path: Path) -> None:
    assert load(path, Rules).name == path.stem
    wrong = tmp_path / path.name
    wrong.write_text(path.read_text().replace("sla_business_days", "sla_busines_days"))
    with pytest.raises(ParameterError, match="sla_business_days"):
        load(wrong, Rules)


# Trades --------------------------------------------------------------------------------------------------------------


def bought(name: str, quantity: str = "100", price: str = "50", day: int = 1, **more: Any) -> Trade:
    given = {"isin": "DE1", "side": "BUY", "currency": "EUR", "account": "ALPINE"} | more
    return Trade(
        event_id=name, fund="EURO", effective_date=june(day), trade_id=name, quantity=Decimal(quantity), price=Decimal(price),
        settlement_date=june(day + 2), **given,
    )  # fmt: skip


def answer(name: str, quantity: str = "100", amount: str = "5000", status: str = "matched", **more: Any) -> dict[str, Any]:
    given = {
        "reference": name, "account": "ALPINE", "status": status, "isin": "DE1", "side": "RECEIVE", "quantity": Decimal(quantity),
        "currency": "EUR", "amount": Decimal(amount), "trade_date": june(1), "intended_date": june(3), "effective_date": june(2),
    }  # fmt: skip
    return given | more


def trades(ours: list[Trade], theirs: list[dict[str, Any]], day: int = 3, **more: Any) -> Reconciliation:
    return reconcile_trades(
        ours, pa.Table.from_pylist(theirs, SETTLEMENTS.schema), shipped("trades"), june(day), fund="EURO",
        value=lambda _, amount: amount, scopes=[("ALPINE", "EUR")], **more,
    )  # fmt: skip


def test_trades_that_agree_are_proven() -> None:
    sold = bought("T2", side="SELL", commission=Decimal(5))
    result = trades([bought("T1"), sold], [answer("T1"), answer("T2", amount="4995", side="DELIVER")])
    assert said(result) == [] and result.proven and result.verdict is Verdict.PASS and result.matched_pct == 100
    (proof,) = result.proof.to_pylist()
    assert (proof["sum_here"], proof["sum_there"], proof["unexplained"]) == (9995, 9995, 0)


def test_nothing_on_either_side_is_proven_too() -> None:
    result = trades([], [])
    assert result.proven and result.proof["account"].to_pylist() == ["ALPINE"]


def test_a_bond_is_traded_in_percent_with_its_interest() -> None:
    result = trades(
        [bought("T1", "10000", "98.5", accrued_interest=Decimal("12.34"))], [answer("T1", "10000", "9862.34")], bonds=["DE1"]
    )
    assert said(result) == []


@pytest.mark.parametrize(
    ("theirs", "kind", "cause"),
    [
        ({"quantity": "90"}, "quantity", "quantity differs"),
        ({"amount": "5001"}, "amount", "price or charges differ"),
        ({"isin": "FR1"}, "isin", "another security"),
        ({"side": "DELIVER"}, "side", "the other direction"),
        ({"intended_date": june(4)}, "date", "settlement date differs"),
        ({"quantity": "60", "amount": "3000", "status": "partially_settled"}, "quantity", "settled in part"),
    ],
)
def test_a_difference_of_a_trade_is_named(theirs: dict[str, Any], kind: str, cause: str) -> None:
    result = trades([bought("T1")], [answer("T1", **theirs)])
    assert said(result) == [(kind, cause)] and result.proven
    (item,) = result.items
    assert item.reference == "T1" and item.value_base == (abs(item.amount) or 5000)
    assert "books" in item.evidence and "custodian" in item.evidence


def test_a_trade_of_one_side_only() -> None:
    result = trades([bought("T1")], [answer("T2"), answer("T3")], held_back=["T2"])
    assert said(result) == [
        ("missing_there", "trade not known to the custodian"),
        ("missing_here", "trade held back by us"),
        ("missing_here", "trade not booked by us"),
    ]
    assert [item.amount for item in result.items] == [5000, -5000, -5000] and result.proven


def test_a_trade_of_today_waits_for_its_answer_and_no_longer() -> None:
    assert said(trades([bought("T1", day=3)], [], day=3)) == []
    assert said(trades([bought("T1", day=3)], [], day=4)) == [("missing_there", "trade not known to the custodian")]
    answered = answer("T1", amount="4000", trade_date=june(3), intended_date=june(5))
    assert said(trades([bought("T1", day=3)], [answered], day=3)) == [("amount", "price or charges differ")]


def test_the_latest_word_counts_parts_add_up_and_what_is_not_stated_is_not_compared() -> None:
    first = answer("T1", "70", "3500", "partially_settled", effective_date=june(3))
    rest = answer("T1", "30", "1500", "settled", effective_date=june(4))
    assert said(trades([bought("T1")], [answer("T1", "1", "1"), first, rest, rest], day=4)) == []
    assert said(trades([bought("T1")], [answer("T1", trade_date=None, amount="5000", side=None)])) == []


def test_a_trade_cancelled_at_the_custodian_is_excluded_there_and_missing() -> None:
    result = trades([bought("T1")], [answer("T1", status="cancelled")])
    assert said(result) == [("missing_there", "trade not known to the custodian")]
    assert "cancelled" in result.items[0].evidence and result.proven


def test_a_statement_of_transactions_answers_as_a_confirmation_does() -> None:
    row = {
        "account": "ALPINE", "kind": "trade", "reference": "T1", "isin": "DE1", "side": "BUY", "quantity": Decimal(100),
        "currency": "EUR", "amount": Decimal(-5000), "trade_date": june(1), "settlement_date": june(3),
    }  # fmt: skip
    assert said(trades([bought("T1")], [], transactions=pa.Table.from_pylist([row], TRANSACTIONS.schema))) == []


# Income --------------------------------------------------------------------------------------------------------------


def dividend(ref: str = "DV1", ex: int = 2, pay: int = 5) -> Dividend:
    return Dividend(
        event_id=f"E-{ref}", fund="EURO", effective_date=june(ex), event_ref=ref, isin="DE1", currency="EUR",
        rate_per_share=Decimal("0.5"), withholding_pct=Decimal(25), payment_date=june(pay),
    )  # fmt: skip


def booked(e: Dividend | Coupon, day: int, gross: str = "500", tax: str = "125") -> list[dict[str, Any]]:
    """The journal of income on 1,000 shares: due from the ex date, paid on the payment date."""
    net = Decimal(gross) - Decimal(tax)
    lines = [("dividends_receivable", net), ("withholding_tax", Decimal(tax)), ("dividend_income", -Decimal(gross))]
    if e.payment_date <= june(day):
        lines += [("cash", net), ("dividends_receivable", -net)]
    return [
        {"event_id": e.event_id, "line": n, "fund": "EURO", "effective_date": e.effective_date, "ledger": ledger,
         "account": "ALPINE", "isin": e.isin, "currency": e.currency, "local": local, "base": local, "reference": e.event_ref}
        for n, (ledger, local) in enumerate(lines, 1)
    ]  # fmt: skip


def entry(amount: str, day: int = 5, reference: str | None = "DV1", text: str = "DIVIDEND DE1") -> dict[str, Any]:
    return {
        "statement_id": "S1", "account": "ALPINE", "currency": "EUR", "amount": Decimal(amount), "booking_date": june(day),
        "value_date": june(day), "reference": reference, "code": "NDIV", "text": text,
    }  # fmt: skip


def notice(rate: str = "0.5", pay: int = 5, **more: Any) -> dict[str, Any]:
    return {
        "event_ref": "DV1", "function": "NEWM", "account": "ALPINE", "caev": "DVCA", "isin": "DE1", "announced": june(1),
        "ex_date": june(2), "payment_date": june(pay), "movement": "cash-1", "direction": "CRED", "currency": "EUR",
        "rate": Decimal(rate), "withholding_pct": Decimal(25),
    } | more  # fmt: skip


def income(
    events: list[Dividend | Coupon], day: int, entries: list[dict[str, Any]], notices: list[dict[str, Any]], **more: Any
) -> Reconciliation:
    journal = [line for e in events if e.effective_date <= june(day) for line in booked(e, day)]
    covered = more.pop("covered", [("ALPINE", "EUR")])
    return reconcile_income(
        events, pa.Table.from_pylist(journal, JOURNAL.schema), pa.Table.from_pylist(entries, CASH_MOVEMENTS.schema),
        pa.Table.from_pylist(notices, ANNOUNCEMENTS.schema), shipped("income"), june(day), fund="EURO",
        value=lambda _, amount: amount, covered=covered, **more,
    )  # fmt: skip


def test_a_dividend_agrees_while_it_is_due_and_when_it_is_paid() -> None:
    for day, entries in ((2, []), (4, []), (5, [entry("375")])):
        result = income([dividend()], day, entries, [notice()])
        assert said(result) == [] and result.proven and result.matched_pct == 100, day
    (proof,) = income([dividend()], 3, [], [notice()]).proof.to_pylist()
    assert proof["sum_here"] == proof["sum_there"] == 375


@pytest.mark.parametrize("announced_ex", [None, june(1)])
def test_interest_of_an_ex_dividend_period_is_awaited_from_the_day_we_book_it(announced_ex: Any) -> None:
    """Its notice gives no ex date, or that of trading, a day before the bond settles without it."""
    given = dividend(pay=12).model_dump(exclude={"kind", "rate_per_share", "reclaim_pct"})
    coupon = Coupon(**given, rate_pct_of_nominal=Decimal(50))
    theirs = notice("50", pay=12, caev="INTR", ex_date=announced_ex)
    assert income([coupon], 1, [], [theirs]).rates.num_rows == 0
    for day, entries in ((2, []), (11, []), (12, [entry("375", day=12, text="COUPON")])):
        result = income([coupon], day, entries, [theirs])
        assert said(result) == [] and result.matched_pct == 100, day


def test_before_the_ex_date_nothing_is_due() -> None:
    assert income([dividend(ex=3)], 2, [], [notice(ex_date=june(3))]).rates.num_rows == 0


@pytest.mark.parametrize(
    ("theirs", "kind", "cause"),
    [
        (notice("0.6"), "amount", "rate differs"),
        (notice(withholding_pct=Decimal(15)), "amount", "withholding tax differs"),
        (notice(pay=8), "date", "payment date differs"),
        (notice(announced=june(3), eligible=Decimal(1200)), "amount", "position differs"),
    ],
)
def test_an_announcement_that_differs_before_payment(theirs: dict[str, Any], kind: str, cause: str) -> None:
    result = income([dividend()], 3, [], [theirs])
    assert said(result) == [(kind, cause)] and result.proven


@pytest.mark.parametrize(
    ("amount", "cause"),
    [
        ("500", "no tax withheld"),
        ("425", "withholding tax differs"),
        ("412.5", "position differs"),
        ("374.83", "charge taken off by the bank"),
        ("200.17", "amount differs"),
    ],
)
def test_a_payment_of_another_amount_says_why(amount: str, cause: str) -> None:
    result = income([dividend()], 5, [entry(amount)], [notice()])
    assert said(result) == [("amount", cause)]
    assert result.items[0].amount == 375 - Decimal(amount) and result.items[0].isin == "DE1"


def test_a_payment_that_is_late_early_or_reversed() -> None:
    late = income([dividend()], 5, [], [notice()])
    assert said(late) == [("stage", "payment late")] and late.items[0].value_base == 375
    early = income([dividend(pay=8)], 5, [entry("375")], [notice(pay=8)])
    assert said(early) == [("stage", "paid early")]
    back = income([dividend()], 5, [entry("375"), entry("-375")], [])
    assert said(back) == [("missing_here", "reversed by the custodian")] and back.items[0].amount == 375


def test_income_of_one_side_only() -> None:
    assert said(income([dividend()], 3, [], [])) == [("missing_there", "not announced by the custodian")]
    assert said(income([], 5, [entry("80", reference="DV9", text="DIVIDEND FR0000000001")], [])) == [
        ("missing_here", "income not booked by us")
    ]


def test_a_payment_a_day_later_matches_and_one_without_reference_is_a_suggestion() -> None:
    assert said(income([dividend()], 8, [entry("375", day=8)], [notice()])) == []
    unnamed = income([dividend()], 5, [entry("375", reference=None, text="DIVIDEND DE0000000001")], [])
    assert {kind for kind, _ in said(unnamed)} == {"missing_here", "missing_there"}


def test_without_a_statement_of_the_day_income_waits() -> None:
    result = income([dividend()], 5, [], [], covered=[])
    assert said(result) == [] and ("ALPINE", "EUR") not in result.compared


def test_a_confirmation_stands_for_an_entry_that_is_not_shown() -> None:
    row = {"account": "ALPINE", "kind": "corporate_action", "servicer_reference": "DV1", "isin": "DE1", "currency": "EUR",
           "amount": Decimal(375), "effective_date": june(5)}  # fmt: skip
    confirmed = pa.Table.from_pylist([row], TRANSACTIONS.schema)
    assert said(income([dividend()], 5, [], [notice()], transactions=confirmed)) == []
    assert said(income([dividend()], 5, [entry("375")], [notice()], transactions=confirmed)) == []
