"""Published worked examples of lots; each names its source."""

from decimal import Decimal

import pytest

from tests.books.desk import balances, keep, trade

# Portfolio Performance test suite, CostCalculation / CapitalGains, security transactions 2: buys 109 for 3,149.20 and 52 for
# 1,684.92, sale of 15 for 531.50, price 100. The totals are what is published: they enter as charges on a price of zero.
PURCHASES = [
    trade("b1", 1, "BUY", 109, "EURO-SHARE", "0", taxes="3149.20"),
    trade("b2", 2, "BUY", 52, "EURO-SHARE", "0", taxes="1684.92"),
]
SALE = trade("s1", 3, "SELL", 15, "EURO-SHARE", "0", taxes="-531.50")


@pytest.mark.parametrize(
    ("method", "cost", "realised", "unrealised"),
    [("FIFO", "4400.74", "98.12", "10199.26"), ("AVERAGE", "4383.74", "81.12", "10216.26")],
)
def test_fifo_and_average_cost(method: str, cost: str, realised: str, unrealised: str) -> None:
    book = keep(*PURCHASES, SALE, lot_method=method).value
    assert balances(book)["investments", "EUR"][0] == Decimal(cost)
    assert -balances(book)["realised_gain", "EUR"][0] == Decimal(realised)
    assert book.positions().to_pylist()[0]["quantity"] * 100 - Decimal(cost) == Decimal(unrealised)


def test_hifo_takes_the_dearest_first() -> None:
    """beancount booking tests: 50 at 115, 50 at 116, 50 at 114; sales of 40, 35 and 30."""
    buys = [trade(f"b{n}", n, "BUY", 50, "EURO-SHARE", price) for n, price in ((1, "115"), (2, "116"), (3, "114"))]
    sales = [trade(f"s{n}", 3 + n, "SELL", quantity, "EURO-SHARE", "120") for n, quantity in ((1, 40), (2, 35), (3, 30))]
    book = keep(*buys, *sales, lot_method="HIFO").value
    relieved: dict[str, list[tuple[int, int]]] = {"s1": [], "s2": [], "s3": []}
    for row in book.realised.to_pylist():
        relieved[row["event_id"]].append((int(row["quantity"]), int(row["cost_local"] / row["quantity"])))
    assert {sale: sorted(pieces, key=lambda p: -p[1]) for sale, pieces in relieved.items()} == {
        "s1": [(40, 116)], "s2": [(10, 116), (25, 115)], "s3": [(25, 115), (5, 114)],
    }  # fmt: skip
    assert [(x["quantity"], x["cost_local"]) for x in book.lots().to_pylist()] == [(45, 45 * 114)]


@pytest.mark.parametrize(("method", "gain"), [("AVERAGE", 25), ("FIFO", 75), ("LIFO", -25), ("LOFO", 75)])
def test_gain_by_method(method: str, gain: int) -> None:
    """hledger lot-method tests: 10 at 40, 10 at 60, 5 sold at 55: 25 on average cost, 75 by FIFO (LIFO and LOFO derived)."""
    buys = [trade("b1", 1, "BUY", 10, "EURO-SHARE", "40"), trade("b2", 2, "BUY", 10, "EURO-SHARE", "60")]
    book = keep(*buys, trade("s1", 3, "SELL", 5, "EURO-SHARE", "55"), lot_method=method).value
    assert -balances(book)["realised_gain", "EUR"][0] == gain


def test_an_unknown_method_is_a_programmers_mistake() -> None:
    with pytest.raises(KeyError, match="known: FIFO"):
        keep(lot_method="FEFO")
