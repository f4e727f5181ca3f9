"""Published worked examples through the real code, each with its source; ``scoreboard`` counts them by topic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from bo_lib.actions import cash_in_lieu, exchange_with_boot, nil_paid_value, rights_basis, theoretical_ex_rights_price
from bo_lib.actions import withholding_reclaim as reclaim
from bo_lib.books import wash_sales
from bo_lib.books.amortise import Flow, effective_rate, schedule
from bo_lib.books.bonds import accrued_interest, days_between, year_fraction
from bo_lib.model.money import round_to
from tests.books.desk import action, balances, exercise, june, keep, lot, rates, rights, trade

D = Decimal
CASES: list[tuple[str, str, Callable[[], None]]] = []
EXPECTED = {"lots": 5, "wash sales": 4, "accruals": 5, "amortisation": 1, "corporate actions": 9}


def case(topic: str, source: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    def keep_it(check: Callable[[], None]) -> Callable[[], None]:
        CASES.append((topic, source, check))
        return check

    return keep_it


def _published(method: str, cost: str, realised: str, unrealised: str) -> None:
    """Totals are what is published: they enter as charges on a price of zero."""
    book = keep(
        trade("b1", 1, "BUY", 109, "EURO-SHARE", "0", taxes="3149.20"),
        trade("b2", 2, "BUY", 52, "EURO-SHARE", "0", taxes="1684.92"),
        trade("s1", 3, "SELL", 15, "EURO-SHARE", "0", taxes="-531.50"),
        lot_method=method,
    ).value
    assert balances(book)["investments", "EUR"][0] == D(cost)
    assert -balances(book)["realised_gain", "EUR"][0] == D(realised)
    assert book.worth("EURO-SHARE", D(146), D(100)) - D(cost) == D(unrealised)


@case("lots", "Portfolio Performance, CostCalculation/CapitalGains, security transactions 2: FIFO")
def fifo_cost() -> None:
    _published("FIFO", "4400.74", "98.12", "10199.26")


@case("lots", "Portfolio Performance, CostCalculation/CapitalGains, security transactions 2: average")
def average_cost() -> None:
    _published("AVERAGE", "4383.74", "81.12", "10216.26")


@case("lots", "beancount booking tests: HIFO, 50 at 115, 116 and 114; sales of 40, 35 and 30")
def hifo() -> None:
    buys = [trade(f"b{n}", n, "BUY", 50, "EURO-SHARE", price) for n, price in ((1, "115"), (2, "116"), (3, "114"))]
    sales = [trade(f"s{n}", 3 + n, "SELL", q, "EURO-SHARE", "120") for n, q in ((1, 40), (2, 35), (3, 30))]
    book = keep(*buys, *sales, lot_method="HIFO").value
    relieved = [(r["event_id"], r["quantity"], r["cost_local"] / r["quantity"]) for r in book.realised.to_pylist()]
    assert sorted(relieved) == [("s1", 40, 116), ("s2", 10, 116), ("s2", 25, 115), ("s3", 5, 114), ("s3", 25, 115)]
    assert [(x["quantity"], x["cost_local"]) for x in book.lots().to_pylist()] == [(45, 45 * 114)]


def _gain(method: str) -> Decimal:
    buys = [trade("b1", 1, "BUY", 10, "EURO-SHARE", "40"), trade("b2", 2, "BUY", 10, "EURO-SHARE", "60")]
    book = keep(*buys, trade("s1", 3, "SELL", 5, "EURO-SHARE", "55"), lot_method=method).value
    return -balances(book)["realised_gain", "EUR"][0]


@case("lots", "hledger lot-method tests: 10 at 40, 10 at 60, 5 sold at 55, average cost")
def average_gain() -> None:
    assert _gain("AVERAGE") == 25


@case("lots", "hledger lot-method tests: the same by FIFO")
def fifo_gain() -> None:
    assert _gain("FIFO") == 75


@pytest.mark.parametrize(("method", "gain"), [("LIFO", -25), ("LOFO", 75)])
def test_gain_by_the_other_methods(method: str, gain: int) -> None:
    """Derived from the same purchases and sale."""
    assert _gain(method) == gain


def test_an_unknown_method_is_a_programmers_mistake() -> None:
    with pytest.raises(KeyError, match="known: FIFO"):
        keep(lot_method="FEFO")


@case("wash sales", "IRS Publication 550, Wash Sales, example 1: 100 for $1,000 sold for $750, 100 bought back for $800")
def wash_sale_of_all() -> None:
    book = keep(lot("l1", "US-SHARE", date(2025, 1, 2), "100", "1000", "1000"), trade("s1", 5, "SELL", 100, "US-SHARE", "7.50"),
                trade("b1", 9, "BUY", 100, "US-SHARE", "8")).value  # fmt: skip
    (row,) = wash_sales(book.realised, book.purchases).to_pylist()
    assert (row["disallowed_local"], row["replacement_basis_local"]) == (250, 1050)


@case("wash sales", "26 CFR 1.1091-1(h), example 2: 50 and 25 bought before a sale of 100")
def wash_sale_of_a_part() -> None:
    """100 for $5,000 sold on 4 January for $4,000; 50 for $2,750 on 14 and 25 for $1,125 on 21 December: $250 of loss counts."""
    book = keep(
        lot("l1", "US-SHARE", date(2026, 1, 21), "100", "5000", "5000"), trade("b1", 1, "BUY", 50, "US-SHARE", "55"),
        trade("b2", 8, "BUY", 25, "US-SHARE", "45"), trade("s1", 22, "SELL", 100, "US-SHARE", "40"),
    ).value  # fmt: skip
    rows = wash_sales(book.realised, book.purchases).to_pylist()
    assert [(r["replacement_lot_id"], r["disallowed_local"], r["replacement_basis_local"]) for r in rows] == [
        ("b1/1", 500, 3250), ("b2/1", 250, 1375),
    ]  # fmt: skip


@case("wash sales", "26 CFR 1.1091-2(a), examples 1 and 2: bought at 100, sold at 80, bought back at 90 or at 70")
def wash_sale_of_one() -> None:
    for price, basis in (("90", 110), ("70", 90)):
        sold = [lot("l1", "US-SHARE", date(2025, 1, 2), "1", "100", "100"), trade("s1", 5, "SELL", 1, "US-SHARE", "80")]
        book = keep(*sold, trade("b1", 22, "BUY", 1, "US-SHARE", price)).value
        (row,) = wash_sales(book.realised, book.purchases).to_pylist()
        assert (row["disallowed_local"], row["replacement_basis_local"]) == (20, basis)


@case("wash sales", "26 CFR 1.1091-1(a): 31 days after is outside the period")
def no_wash_sale_after_thirty_days() -> None:
    late = trade("b1", 1, "BUY", 100, "US-SHARE", "8").model_copy(update={"effective_date": date(2026, 6, 30)})
    sold = trade("s1", 1, "SELL", 100, "US-SHARE", "7.50").model_copy(update={"effective_date": date(2026, 5, 30)})
    opened = lot("l1", "US-SHARE", date(2025, 1, 2), "100", "1000", "1000").model_copy(update={"effective_date": date(2026, 5, 1)})
    fixed = {"rates": lambda day: rates(june(1))}
    book = keep(opened, sold, late, **fixed).value
    assert wash_sales(book.realised, book.purchases).num_rows == 0


@case("accruals", "QuantLib day-counter tests, Actual/Actual: 1 November 2003 to 1 May 2004")
def actual_actual() -> None:
    start, end = date(2003, 11, 1), date(2004, 5, 1)
    found = [round_to(year_fraction(f"ACT/ACT {name}", start, end, per_year=2), 12) for name in ("ISDA", "ICMA", "AFB")]
    assert found == [D("0.497724380567"), D("0.500000000000"), D("0.497267759563")]


@case("accruals", "QuantLib day-counter tests, 30/360 Bond Basis (ISDA 2006 4.16(f)): 31 August 2006 to 28 February 2007")
def thirty_360() -> None:
    assert days_between("30/360 US", date(2006, 8, 31), date(2007, 2, 28)) == 178


@case("accruals", "QuantLib bond tests, checked there against Bloomberg: UKT 8% 7 June 2021 around its ex-dividend date")
def gilt() -> None:
    bond = {"isin": "UKT", "coupon_pct": D(8), "coupons_per_year": 2, "day_count": "ACT/ACT ICMA", "maturity": date(2021, 6, 7),
            "issued": None, "currency": "GBP"}  # fmt: skip
    found = [accrued_interest(D(10**9), bond, date(2013, 5, day), ex_dividend_days=7).value / 10**7 for day in (29, 30, 31)]
    assert [round_to(each, 7) for each in found] == [D("3.8021978"), D("-0.1758242"), D("-0.1538462")]


@case("accruals", "OpenGamma Strata, DayCountTest, data_ACT365L: days over 366 by the period's leap day, or its last year")
def actual_365l() -> None:
    for start, end, period_end, per_year, days, year in (
        ("2011-12-28", "2012-02-28", "2012-02-28", 1, 62, 365), ("2011-12-28", "2012-02-28", "2012-02-29", 1, 62, 366),
        ("2011-12-28", "2012-02-28", "2012-03-01", 1, 62, 366), ("2011-12-28", "2012-02-29", "2012-02-29", 1, 63, 366),
        ("2011-12-28", "2012-02-29", "2012-03-01", 1, 63, 366), ("2011-12-28", "2012-02-28", "2012-02-28", 2, 62, 366),
        ("2011-12-28", "2012-02-28", "2012-02-29", 2, 62, 366), ("2011-12-28", "2012-02-28", "2012-03-01", 2, 62, 366),
        ("2011-12-28", "2012-02-29", "2012-02-29", 2, 63, 366), ("2011-12-28", "2012-02-29", "2012-03-01", 2, 63, 366),
        ("2010-12-28", "2011-02-28", "2011-02-28", 2, 62, 365), ("2010-12-28", "2011-02-28", "2011-03-01", 2, 62, 365),
    ):  # fmt: skip
        first, last, whole = date.fromisoformat(start), date.fromisoformat(end), date.fromisoformat(period_end)
        assert year_fraction("ACT/365L", first, last, per_year=per_year, period=(first, whole)) == D(days) / year


@case("accruals", "ISDA, EMU and market conventions (1999), as in OpenGamma Strata: long and short first and last periods")
def actual_actual_of_stubs() -> None:
    for start, end, isda, afb in (
        ("1999-02-01", "1999-07-01", [(150, 365)], (150, 365)), ("1999-07-01", "2000-07-01", [(184, 365), (182, 366)], (366, 366)),
        ("2002-08-15", "2003-07-15", [(334, 365)], (334, 365)), ("2003-07-15", "2004-01-15", [(170, 365), (14, 366)], (184, 365)),
        ("1999-07-30", "2000-01-30", [(155, 365), (29, 366)], (184, 365)), ("2000-01-30", "2000-06-30", [(152, 366)], (152, 366)),
        ("1999-11-30", "2000-04-30", [(32, 365), (120, 366)], (152, 366)),
    ):  # fmt: skip
        days = date.fromisoformat(start), date.fromisoformat(end)
        found = [round_to(year_fraction(f"ACT/ACT {name}", *days), 12) for name in ("ISDA", "AFB")]
        assert found == [round_to(sum(D(n) / of for n, of in isda), 12), round_to(D(afb[0]) / afb[1], 12)]


@case("amortisation", "ifrscommunity.com, effective interest: 1,000 at 5% bought on 1 May for 910")
def effective_interest() -> None:
    flows = [Flow(D(8) / 12 + year, D(1050 if year == 4 else 50)) for year in range(5)]
    assert round_to(effective_rate(D(910), flows) * 100, 1) == D("7.8")
    rows = schedule(D(910), flows, "EUR")
    assert [round_to(row.interest, 0) for row in rows] == [47, 71, 72, 74, 76]
    assert [round_to(row.closing, 0) for row in rows] == [907, 928, 950, 974, 0]


@case("corporate actions", "26 CFR 1.307-1: rights, by the formula")
def rights_formula() -> None:
    found = rights_basis(D(10000), D(100), D(110), D(100), D(19))
    assert (found.shares, found.rights) == (D("8527.13"), D("1472.87"))


@case("corporate actions", "26 CFR 1.307-1: rights, through the books and exercised at 90")
def rights_booked() -> None:
    book = keep(lot("l1", "EURO-SHARE", date(2025, 1, 2), "100", "10000", "10000"), rights(3), exercise(5, 100, 8)).value
    old, new = book.lots().to_pylist()
    assert (old["cost_local"] / 100, new["cost_local"] / 100) == (D("85.2713"), D("104.7287"))
    assert (old["acquired"], new["acquired"]) == (date(2025, 1, 2), june(5))


@case("corporate actions", "26 CFR 1.356-1: merger for stock, cash and other property, by the formula")
def boot_formula() -> None:
    assert exchange_with_boot(D(100), D(75), D(85), D(30)) == (90, 75, 30, 45, 85)


@case("corporate actions", "26 CFR 1.356-1: the same through the books, the boot as cash")
def boot_booked() -> None:
    start = date(2025, 1, 2)
    merged = action("merger", "m1", 3, "EURO-SHARE", new_isin="EURO-NEW", new=1, old=1, value_new=100, cash_per_share=75)
    book = keep(lot("l1", "EURO-SHARE", start, "1", "85", "85"), merged).value
    assert -balances(book)["realised_gain", "EUR"][0] == 75
    assert [(x["isin"], x["cost_local"], x["acquired"]) for x in book.lots().to_pylist()] == [("EURO-NEW", 85, start)]


@case("corporate actions", "ActEd notes: theoretical ex-rights price, 2 for 5 at 50, market 100")
def ex_rights_price() -> None:
    price = theoretical_ex_rights_price(D(100), D(50), D(2), D(5))
    assert (round_to(price, 1), round_to(nil_paid_value(D(100), D(50), D(2), D(5)), 1)) == (D("85.7"), D("35.7"))


@case("corporate actions", "GlobeTax: 100 at 35%, treaty 15%, by the formula")
def reclaim_formula() -> None:
    assert reclaim(D(100), D(35), D(15)) == (65, 85, 20)


@case("corporate actions", "GlobeTax: the same dividend through the books")
def reclaim_booked() -> None:
    paid = action("dividend", "d1", 3, "EURO-SHARE", rate_per_share="1", withholding_pct=35, reclaim_pct=20, pay=5)
    book = keep(lot("l1", "EURO-SHARE", date(2025, 1, 2), "100", "10000", "10000"), paid).value
    found = {ledger: local for (ledger, _), (local, _) in balances(book).items()}
    assert (found["cash"], found["tax_reclaims_receivable"], found["withholding_tax"]) == (65, 20, 15)


@case("corporate actions", "1-for-5 spin-off of a forum post (its 2.34 drops the fraction): 227 shares at 28, by the formula")
def fraction_formula() -> None:
    found = cash_in_lieu(D("266.952"), D("45.4"), D("8.18"))
    assert (found.basis_of_fraction, found.gain) == (D("2.352"), D("5.828"))


@case("corporate actions", "the same spin-off through the books, to the cent")
def fraction_booked() -> None:
    book = keep(
        lot("l1", "EURO-SHARE", date(2025, 1, 2), "227", "6356", "6356"),
        action("spin_off", "e1", 3, "EURO-SHARE", new_isin="EURO-NEW", new=1, old=5, cost_pct="4.2"),
        action("cash_in_lieu", "e2", 4, "EURO-NEW", quantity="0.4", amount="8.18", pay=6),
    ).value
    (row,) = book.realised.to_pylist()
    assert (row["cost_local"], -balances(book)["realised_gain", "EUR"][0]) == (D("2.35"), D("5.83"))
    spun = next(x for x in book.lots().to_pylist() if x["isin"] == "EURO-NEW")
    assert (spun["quantity"], spun["cost_local"], spun["acquired"]) == (45, D("264.60"), date(2025, 1, 2))


@pytest.mark.parametrize("check", [pytest.param(check, id=check.__name__) for _, _, check in CASES])
def test_published_figure(check: Callable[[], None]) -> None:
    check()


def scoreboard() -> dict[str, tuple[int, int]]:
    """topic -> cases met, cases there are."""
    met: Counter[str] = Counter()
    for topic, _, check in CASES:
        try:
            check()
        except AssertionError:
            continue
        met[topic] += 1
    return {topic: (met[topic], count) for topic, count in Counter(topic for topic, _, _ in CASES).items()}


def test_the_scoreboard_is_full() -> None:
    assert scoreboard() == {topic: (count, count) for topic, count in EXPECTED.items()}


if __name__ == "__main__":
    import sys

    for topic, (met, count) in scoreboard().items():
        sys.stdout.write(f"{topic}: {met} of {count}\n")
