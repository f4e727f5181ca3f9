"""Lots that move without a trade keep what they must: cost, dates, quantity."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from bo_lib.model import events as ev
from tests.books.desk import action, balances, booked, capital, codes, june, keep, lot, text, trade

D = Decimal
OLD, NEWER = date(2024, 2, 2), date(2025, 3, 3)
TWO_LOTS = [lot("l1", "EURO-SHARE", OLD, "100", "1000", "1000"), lot("l2", "EURO-SHARE", NEWER, "50", "900", "900")]


def lots_of(book: object) -> list[tuple[str, date, Decimal, Decimal]]:
    return [(x["isin"], x["acquired"], x["quantity"], x["cost_local"]) for x in book.lots().to_pylist()]  # type: ignore[attr-defined]


def test_a_spin_off_divides_the_cost_of_each_lot_and_keeps_its_date() -> None:
    book = keep(*TWO_LOTS, action("spin_off", "e1", 3, "EURO-SHARE", new_isin="EURO-NEW", new=1, old=10, cost_pct=20)).value
    assert lots_of(book) == [
        ("EURO-NEW", OLD, 10, 200), ("EURO-NEW", NEWER, 5, 180), ("EURO-SHARE", OLD, 100, 800), ("EURO-SHARE", NEWER, 50, 720),
    ]  # fmt: skip


def test_a_merger_for_stock_alone_realises_nothing() -> None:
    book = keep(*TWO_LOTS, action("merger", "e1", 3, "EURO-SHARE", new_isin="EURO-NEW", new=2, old=1, value_new=12)).value
    assert lots_of(book) == [("EURO-NEW", OLD, 200, 1000), ("EURO-NEW", NEWER, 100, 900)]
    assert book.realised.num_rows == 0


def test_a_merger_recognised_in_full_opens_lots_of_today_at_their_value() -> None:
    full = action(
        "merger", "e1", 3, "EURO-SHARE", new_isin="EURO-NEW", new=1, old=1, value_new=12, cash_per_share=1, recognise="FULL"
    )
    book = keep(*TWO_LOTS, full).value
    assert [(cost, acquired.day) for _, acquired, _, cost in lots_of(book)] == [(1200, 3), (600, 3)]
    assert -balances(book)["realised_gain", "EUR"][0] == 150 * 13 - 1900


def test_a_merger_for_cash_alone_is_a_sale() -> None:
    book = keep(
        *TWO_LOTS, action("merger", "e1", 3, "EURO-SHARE", new_isin="EURO-NEW", new=0, old=1, value_new=0, cash_per_share=20)
    ).value
    assert (book.lots().num_rows, -balances(book)["realised_gain", "EUR"][0]) == (0, 3000 - 1900)


def test_a_loss_in_a_merger_with_boot_stays_in_the_cost() -> None:
    boot = action("merger", "e1", 3, "EURO-SHARE", new_isin="EURO-NEW", new=1, old=1, value_new=5, cash_per_share=2)
    book = keep(TWO_LOTS[0], boot).value
    assert lots_of(book) == [("EURO-NEW", OLD, 100, 800)]


def test_capital_returned_lowers_cost_to_zero_and_the_rest_is_gain() -> None:
    book = keep(*TWO_LOTS, action("return_of_capital", "e1", 3, "EURO-SHARE", rate_per_share=12)).value
    assert lots_of(book) == [("EURO-SHARE", OLD, 100, 0), ("EURO-SHARE", NEWER, 50, 300)]
    assert -balances(book)["realised_gain", "EUR"][0] == 200


def test_a_transfer_takes_cost_and_date_along() -> None:
    book = keep(*TWO_LOTS, action("transfer", "e1", 3, "EURO-SHARE", to_account="BROKER", quantity=120)).value
    assert [(x["account"], x["acquired"], x["quantity"], x["cost_local"]) for x in book.lots().to_pylist()] == [
        ("BANK", NEWER, 30, 540), ("BROKER", OLD, 100, 1000), ("BROKER", NEWER, 20, 360),
    ]  # fmt: skip
    assert codes(keep(*TWO_LOTS, action("transfer", "e1", 3, "EURO-SHARE", to_account="BROKER", quantity=151))) == [
        "transfer-too-large"
    ]


def test_a_sale_names_its_lots() -> None:
    picks = (ev.LotPick(lot_id="l2/1", quantity=30), ev.LotPick(lot_id="l1/1", quantity=10))
    book = keep(*TWO_LOTS, trade("s1", 3, "SELL", 40, "EURO-SHARE", "20", lots=picks)).value
    assert [(r["lot_id"], r["quantity"], r["cost_local"]) for r in book.realised.to_pylist()] == [
        ("l1/1", 10, 100),
        ("l2/1", 30, 540),
    ]
    assert booked(book, "s1").splitlines()[0] == text("3 investments -640 EUR -640")


def test_lots_named_that_do_not_fit_are_refused() -> None:
    for picks, code in (([("l9/1", 40)], "lot-too-small"), ([("l2/1", 60)], "lot-too-small"), ([("l1/1", 30)], "lots-differ")):
        named = tuple(ev.LotPick(lot_id=name, quantity=quantity) for name, quantity in picks)
        assert codes(keep(*TWO_LOTS, trade("s1", 3, "SELL", 40, "EURO-SHARE", "20", lots=named))) == [code]


def test_the_currency_part_of_capital_returned_is_realised() -> None:
    """Cost 1,000 USD at 0.80 euro; 100 USD back at 1.12: cost 80 euro leaves, 89.29 euro come."""
    returned = action("return_of_capital", "e1", 3, "US-SHARE", rate_per_share=1)
    book = keep(lot("l1", "US-SHARE", OLD, "100", "1000", "800"), returned).value
    assert (
        booked(book, "e1").splitlines()[:3]
        == text("""
        3 receivable_for_investments_sold 100 USD 89.29
        3 investments -100 USD -80
        3 realised_currency_gain 0 USD -9.29
    """).splitlines()
    )


def in_kind(event_id: str, day: int, direction: str, isin: str, quantity: int, value: str, **more: str) -> ev.Event:
    given = {"order_id": "O1", "share_class": "A", "currency": "EUR", "amount": value, **more}
    return action("in_kind", event_id, day, isin, direction=direction, quantity=quantity, value=value, **given)


def test_securities_delivered_for_units_enter_at_value_and_clear_the_order() -> None:
    """1,120 dollars of shares at 1.12 for an order of 1,000 euro; no cash moves."""
    order = capital("o1", 3, "SUBSCRIBE", "10", "1000", "1000", "EUR", 5).model_copy(update={"in_kind": True})
    book = keep(order, in_kind("k1", 3, "IN", "US-SHARE", 20, "1120", amount="1000")).value
    assert booked(book, "k1") == text("""
        3 investments                  1120 USD  1000
        3 currency_exchange           -1120 USD -1000
        3 currency_exchange            1000 EUR  1000
        3 receivable_for_units_issued -1000 EUR -1000
    """)
    found = balances(book)
    assert ("receivable_for_units_issued", "EUR") not in found
    assert ("cash", "EUR") not in found
    assert [(x["quantity"], x["cost_local"], x["acquired"]) for x in book.lots().to_pylist()] == [(20, 1120, june(3))]


def test_securities_taken_for_units_leave_at_value_with_their_gain() -> None:
    order = capital("o1", 3, "REDEEM", "10", "500", "500", "EUR", 5).model_copy(update={"in_kind": True})
    held = lot("l1", "EURO-SHARE", OLD, "100", "900", "900")
    book = keep(held, order, in_kind("k1", 3, "OUT", "EURO-SHARE", 40, "500")).value
    assert booked(book, "k1") == text("""
        3 investments                 -360 EUR -360
        3 realised_gain               -140 EUR -140
        3 payable_for_units_redeemed   500 EUR  500
    """)
    assert ("payable_for_units_redeemed", "EUR") not in balances(book)


def test_more_in_kind_than_is_held_and_another_amount_than_the_value_are_refused() -> None:
    held = lot("l1", "EURO-SHARE", OLD, "10", "90", "90")
    outcome = keep(held, in_kind("k1", 3, "OUT", "EURO-SHARE", 40, "500"), in_kind("k2", 3, "IN", "EURO-SHARE", 1, "9", amount="8"))
    assert codes(outcome) == ["position-too-small", "in-kind-amount"]
    assert balances(outcome.value)["investments", "EUR"] == (90, 90)


def test_fractions_of_several_lots_add_up_to_the_position_as_a_whole() -> None:
    """Three lots of 100 at one for three are 100 shares, as the custodian has them, and all of them can be sold."""
    lots = [lot(f"l{n}", "EURO-SHARE", OLD, "100", "1000", "1000") for n in range(3)]
    split_ = action("split", "e1", 3, "EURO-SHARE", new=1, old=3)
    spun = action("spin_off", "e1", 3, "EURO-SHARE", new_isin="EURO-NEW", new=1, old=3, cost_pct=10)
    merged = action("merger", "e1", 3, "EURO-SHARE", new_isin="EURO-NEW", new=1, old=3, value_new=33)
    for event, isin in ((split_, "EURO-SHARE"), (spun, "EURO-NEW"), (merged, "EURO-NEW")):
        held = {p["isin"]: p["quantity"] for p in keep(*lots, event).value.positions().to_pylist()}
        assert held[isin] == 100, event.kind
    sold = keep(*lots, split_, trade("s1", 4, "SELL", 100, "EURO-SHARE", "30"), shorts_allowed=False)
    assert not codes(sold) and not sold.value.positions().num_rows


def test_a_merger_that_pays_cash_needs_the_value_of_what_came() -> None:
    terms = {"new_isin": "EURO-NEW", "new": 1, "old": 1, "value_new": 0}
    assert codes(keep(*TWO_LOTS, action("merger", "e1", 3, "EURO-SHARE", cash_per_share=2, **terms))) == ["value-not-positive"]
    assert codes(keep(*TWO_LOTS, action("merger", "e1", 3, "EURO-SHARE", recognise="FULL", **terms))) == ["value-not-positive"]
    assert not codes(keep(*TWO_LOTS, action("merger", "e1", 3, "EURO-SHARE", **terms))), "for stock alone nothing is measured"
