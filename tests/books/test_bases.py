"""One event on each basis of accounting: what differs, by which paragraph, and what must not."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bo_lib.books import Book, wash_sales
from bo_lib.model import events as ev
from tests.books.desk import BASES, action, balances, booked, capital, june, keep, lot, text, trade
from tests.properties.test_books_laws import months

D = Decimal
IFRS, TAX = BASES.of("IFRS"), BASES.of("TAX")
LAST_YEAR = date(2025, 3, 3)


def test_commission_and_taxes_are_cost_or_expense() -> None:
    """ASC 946-320-30-1 against IFRS 9.5.1.1."""
    bought = trade("b1", 1, "BUY", 100, "EURO-SHARE", "10", commission="5", taxes="6")
    assert booked(keep(bought).value, "b1") == text("""
        1 investments                         1011 EUR  1011
        1 payable_for_investments_purchased  -1011 EUR -1011
    """)
    assert booked(keep(bought, basis=IFRS).value, "b1") == text("""
        1 investments                         1000 EUR  1000
        1 transaction_costs                     11 EUR    11
        1 payable_for_investments_purchased  -1011 EUR -1011
    """)


def test_a_sale_shows_its_whole_price_as_proceeds_under_ifrs() -> None:
    sold = [trade("b1", 1, "BUY", 100, "EURO-SHARE", "10"), trade("s1", 2, "SELL", 100, "EURO-SHARE", "12", commission="5")]
    assert booked(keep(*sold, basis=IFRS).value, "s1") == text("""
        2 investments                      -1000 EUR -1000
        2 realised_gain                     -200 EUR  -200
        2 transaction_costs                    5 EUR     5
        2 receivable_for_investments_sold   1195 EUR  1195
    """)
    assert balances(keep(*sold).value)["realised_gain", "EUR"][0] == -195


def test_redeemable_units_are_a_liability_under_ifrs() -> None:
    """IAS 32.18(b): what the holder may hand back for cash."""
    issued = capital("o1", 2, "SUBSCRIBE", "10", "1000", "1000", "EUR", 4)
    assert ("capital", "EUR") in balances(keep(issued).value)
    assert balances(keep(issued, basis=IFRS).value) == {("redeemable_units", "EUR"): (-1000, -1000), ("cash", "EUR"): (1000, 1000)}


def test_discount_is_amortised_under_us_gaap_only() -> None:
    """ASC 946-320-35-20; IAS 1.82(a) keeps effective interest for amortised cost, 26 USC 171 and 1278 ask for an election."""
    events = [lot("l1", "US-BOND", LAST_YEAR, "10000", "9800", "8900"),
              action("amortisation", "a1", 8, "US-BOND", lot_id="l1/1", amount="12.34")]  # fmt: skip
    costs = {b.name: [x["cost_local"] for x in keep(*events, basis=b).value.lots().to_pylist()] for b in BASES.bases}
    assert costs == {"US_GAAP": [D("9812.34")], "IFRS": [9800], "TAX": [9800]}


def test_a_basis_nobody_knows_is_said_with_those_there_are() -> None:
    with pytest.raises(Exception, match="US_GAAP, IFRS, TAX"):
        BASES.of("HGB")


AS_COST_IS = {"investments", "realised_gain", "realised_currency_gain", "transaction_costs", "futures_gain", "interest_income",
              "capital", "redeemable_units", "losses_disallowed"}  # fmt: skip


def _money(book: Book) -> dict[tuple[str, str], Any]:
    return {key: both for key, both in balances(book).items() if key[0] not in AS_COST_IS}


@settings(max_examples=25, deadline=None)
@given(months())
def test_what_is_owed_and_held_is_the_same_on_every_basis(events: list[ev.Event]) -> None:
    """Only cost, and where gains, costs and units stand, may differ: so do net assets at market not."""
    ours, *others = (keep(*events, basis=basis).value for basis in BASES.bases)
    for other in others:
        assert _money(other) == _money(ours)
        assert other.cash().equals(ours.cash())
        held = ours.positions().select(["account", "isin", "quantity"])
        assert other.positions().select(["account", "isin", "quantity"]).equals(held)


# Tax lots


def test_a_loss_on_shares_bought_back_is_in_their_cost_with_the_time_held() -> None:
    """26 CFR 1.1091-2(a), examples 1 and 2: bought at 100, sold at 80, bought back at 90 (cost 110) or 70 (cost 90)."""
    for price, cost in (("90", 110), ("70", 90)):
        sold = [lot("l1", "EURO-SHARE", LAST_YEAR, "1", "100", "100"), trade("s1", 5, "SELL", 1, "EURO-SHARE", "80")]
        back = trade("b1", 22, "BUY", 1, "EURO-SHARE", price)
        book = keep(*sold, back, basis=TAX).value
        (row,) = book.lots().to_pylist()
        assert (row["cost_local"], row["acquired"]) == (cost, june(22) - (june(5) - LAST_YEAR))
        assert balances(book)["losses_disallowed", "EUR"] == (-20, -20)
        assert keep(*sold, back).value.lots().to_pylist()[0]["cost_local"] == D(price), "the fund's own books keep the loss"


def test_shares_bought_before_the_sale_replace_too_and_only_as_many_as_were_bought() -> None:
    """26 CFR 1.1091-1(h), example 2: 100 for 5,000 sold for 4,000; 50 for 2,750 and 25 for 1,125 bought in the days before."""
    book = keep(
        lot("l1", "EURO-SHARE", LAST_YEAR, "100", "5000", "5000"), trade("b1", 2, "BUY", 50, "EURO-SHARE", "55"),
        trade("b2", 8, "BUY", 25, "EURO-SHARE", "45"), trade("s1", 15, "SELL", 100, "EURO-SHARE", "40"), basis=TAX,
    ).value  # fmt: skip
    assert sorted((x["quantity"], x["cost_local"]) for x in book.lots().to_pylist()) == [(25, 1375), (50, 3250)]
    found = balances(book)
    assert found["realised_gain", "EUR"][0] + found["losses_disallowed", "EUR"][0] == 250, "the loss that counts"


def test_the_first_shares_bought_back_take_the_loss() -> None:
    """26 CFR 1.1091-1(h), example 3: 100 sold at a loss, 50 bought on each of four days: the first two days replace."""
    sold = [lot("l1", "EURO-SHARE", LAST_YEAR, "100", "5000", "5000"), trade("s1", 1, "SELL", 100, "EURO-SHARE", "40")]
    book = keep(*sold, *(trade(f"b{n}", 15 + n, "BUY", 50, "EURO-SHARE", "40") for n in range(4)), basis=TAX).value
    costs = {x["lot_id"]: x["cost_local"] for x in book.lots().to_pylist()}
    assert costs == {"b0/1": 2500, "b1/1": 2500, "b2/1": 2000, "b3/1": 2000}


def test_part_of_a_purchase_that_replaces_becomes_a_lot_of_its_own() -> None:
    sold = [lot("l1", "EURO-SHARE", LAST_YEAR, "10", "100", "100"), trade("s1", 1, "SELL", 10, "EURO-SHARE", "7")]
    book = keep(*sold, trade("b1", 9, "BUY", 25, "EURO-SHARE", "8"), basis=TAX).value
    assert sorted((x["quantity"], x["cost_local"]) for x in book.lots().to_pylist()) == [(10, 110), (15, 120)]


def test_selling_part_of_one_purchase_is_no_wash_sale_and_neither_is_buying_after_thirty_days() -> None:
    part = [trade("b1", 1, "BUY", 10, "EURO-SHARE", "9"), trade("s1", 5, "SELL", 4, "EURO-SHARE", "7")]
    late = trade("b2", 5, "BUY", 4, "EURO-SHARE", "7").model_copy(update={"effective_date": june(5) + timedelta(days=31)})
    book = keep(*part, late, basis=TAX, until=None).value
    assert ("losses_disallowed", "EUR") not in balances(book)


purchases = st.lists(st.tuples(st.integers(0, 75), st.integers(1, 60), st.integers(1, 9999)), max_size=6)


@settings(max_examples=40, deadline=None)
@given(purchases, st.integers(1, 100), st.integers(1, 2000))
def test_the_tax_books_defer_what_the_list_of_wash_sales_disallows(
    bought: list[tuple[int, int, int]], quantity: int, cents: int
) -> None:
    """One sale at a loss on day 38 and purchases around it, all of them kept: by lots, and by the list of sales and purchases."""
    start = date(2026, 4, 1)
    sold = trade("s", 1, "SELL", quantity, "EURO-SHARE", str(D(cents) / 100)).model_copy(
        update={"effective_date": start + timedelta(38)}
    )
    buys = [trade(f"b{n}", 1, "BUY", size, "EURO-SHARE", str(D(price) / 100)).model_copy(
        update={"effective_date": start + timedelta(day)}) for n, (day, size, price) in enumerate(bought) if day != 38]  # fmt: skip
    opened = lot("l1", "EURO-SHARE", LAST_YEAR, "100", "9999", "9999").model_copy(update={"effective_date": start})
    listed = keep(opened, sold, *buys).value
    rows = wash_sales(listed.realised, listed.purchases).to_pylist()
    book = keep(opened, sold, *buys, basis=TAX).value
    disallowed = sum((row["disallowed_local"] for row in rows), D(0))
    assert -balances(book).get(("losses_disallowed", "EUR"), (D(0),))[0] == disallowed
    held = {x["lot_id"]: x["cost_local"] for x in listed.lots().to_pylist()}
    assert sum(x["cost_local"] for x in book.lots().to_pylist()) == sum(held.values()) + disallowed


# The method, from a date on


def test_a_lot_method_holds_from_its_day() -> None:
    buys = [trade("b1", 1, "BUY", 10, "EURO-SHARE", "5"), trade("b2", 2, "BUY", 10, "EURO-SHARE", "9")]
    sales = [trade("s1", 4, "SELL", 2, "EURO-SHARE", "10"), trade("s2", 5, "SELL", 2, "EURO-SHARE", "10")]
    book = keep(*buys, *sales, lot_method={june(1): "FIFO", june(5): "HIFO"}).value
    assert [(r["event_id"], r["lot_id"]) for r in book.realised.to_pylist()] == [("s1", "b1/1"), ("s2", "b2/1")]


@pytest.mark.parametrize("method", ["FIFO", "LIFO", "HIFO", "LOFO"])
def test_lots_alike_go_in_the_order_of_their_ids(method: str) -> None:
    alike = [trade(name, 1, "BUY", 10, "EURO-SHARE", "5") for name in ("b2", "b3", "b1")]
    book = keep(*alike, trade("s1", 4, "SELL", 12, "EURO-SHARE", "10"), lot_method=method).value
    assert [(r["lot_id"], r["quantity"]) for r in book.realised.to_pylist()] == [("b1/1", 10), ("b2/1", 2)]
