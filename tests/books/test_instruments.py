"""Every kind of instrument: what it is worth on a day, what has accrued on it, and what its events leave in income."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from bo_lib.model import events as ev
from bo_lib.model.tables import INSTRUMENTS
from bo_lib.nav import Priced
from bo_lib.nav.tables import CANDIDATES
from bo_lib.nav.valuation import value
from tests.books.desk import CHART, action, deal, june, keep, payment, rates, settled, table, text, trade

D = Decimal
X, Y = "X-ITSELF", "Y-UNDERLYING"


class Case(NamedTuple):
    """``held`` and ``accrued``: in euro on 5 June, at ``price``; ``income``: what June leaves in income, debit positive."""

    name: str
    kind: str
    terms: dict[str, Any]
    events: list[ev.Event]
    price: str
    held: str
    accrued: str
    income: str


def bond(coupon: str, per_year: int, day_count: str, maturity: date) -> dict[str, Any]:
    return {"coupon_pct": D(coupon), "coupons_per_year": per_year, "day_count": day_count, "maturity": maturity}


def bought(quantity: str, price: str, **more: Any) -> ev.Event:
    return trade("b1", 1, "BUY", quantity, X, price, **more)


def money(style: str) -> list[ev.Event]:
    terms = {"principal": "360000", "rate_pct_annual": "3", "maturity_date": june(11)}
    return [action("money_deal", "m1", 1, "", style=style, **terms)]


CASES = [
    Case("share", "equity", {}, [bought("100", "10", commission="5"), action("dividend", "d", 3, X, rate_per_share="0.5", pay=5,
         withholding_pct="15"), trade("s1", 9, "SELL", 100, X, "12")], "11", "1100", "0",
         "dividend_income -50, realised_gain -195, withholding_tax 7.5"),
    Case("fund", "fund", {}, [bought("12.3456", "100")], "101", "1246.91", "0", ""),
    Case("right that lapses", "right", {}, [bought("10", "2"), action("redemption", "x", 9, X, price="0")],
         "1.5", "15", "0", "realised_gain 20"),
    Case("government bond", "government_bond", bond("4", 2, "ACT/ACT ICMA", date(2031, 6, 15)), [
        bought("100000", "99", accrued_interest="1868.13"), settled("x", 3, "b1", "100000", "100868.13"),
        action("coupon", "c", 15, X, rate_pct_of_nominal="2")],
        "99.5", "99500", "1890.11", "interest_income -131.87"),  # bought to 3 June; 172 of 182 days on the 5th
    Case("corporate bond", "corporate_bond", bond("3", 1, "30/360 US", date(2030, 3, 1)), [bought("100000", "99")],
         "98", "98000", "783.33", ""),  # 94 days
    Case("municipal bond", "municipal_bond", bond("5", 2, "30/360 US", date(2036, 1, 1)), [bought("100000", "99")],
         "98", "98000", "2138.89", ""),  # 154 days
    Case("zero-coupon bond", "zero_coupon_bond", bond("0", 1, "ACT/ACT ICMA", date(2031, 6, 15)), [
        bought("1000", "80"), action("amortisation", "a", 30, X, lot_id="b1/1", amount="2.98")],
        "80.5", "805", "0", "interest_income -2.98"),
    Case("inflation-linked bond", "inflation_linked_bond", bond("1", 1, "ACT/ACT ICMA", date(2031, 6, 15)), [
        bought("10000", "99", index_ratio="1.01"), settled("x", 3, "b1", "10000", "9999"),
        action("index_fixing", "i", 3, X, index_ratio="1.03"),
        action("coupon", "c", 15, X, rate_pct_of_nominal="1")], "99", "10197", "100.18", "interest_income -303"),  # 355 of 365 days
    Case("floating-rate note", "floating_rate_bond", bond("3.65", 4, "ACT/360", date(2028, 6, 10)), [
        bought("100000", "100", accrued_interest="861.81"), settled("x", 3, "b1", "100000", "100861.81"),
        action("coupon", "c", 10, X, rate_pct_of_nominal="0.932777777778")],
        "100.1", "100100", "882.08", "interest_income -70.97"),  # bought to 3 June: 85 days; 87; 92 in the period
    Case("bill", "bill", {"maturity": june(20)}, [bought("5000", "98"), action("redemption", "x", 20, X, price="100")],
         "98.5", "4925", "0", "realised_gain -100"),
    Case("future", "future", {"multiplier": D(10)}, [
        bought("2", "120", commission="3"), action("variation_margin", "v", 4, X, price="121", pay=5),
        action("redemption", "x", 18, X, price="119")], "122", "20", "0", "futures_gain -17, realised_gain 40"),
    Case("listed option", "option", {"multiplier": D(100)}, [bought("1", "1.5"), action("redemption", "x", 19, X, price="0")],
         "2.2", "220", "0", "realised_gain 150"),
    Case("option written and exercised", "option", {"multiplier": D(100)}, [
        trade("o1", 1, "SHORT", 1, X, "1.5"),
        action("option_exercise", "x", 8, X, underlying=Y, style="PUT", quantity=1, strike="30", pay=10),
        trade("s1", 9, "SELL", 100, Y, "31")], "2.2", "-220", "0", "realised_gain -250"),
    Case("interest rate swap", "swap", {}, [bought("1000000", "0"), action("swap_payment", "p", 15, X, amount="-1234.56")],
         "-0.35", "-3500", "0", "swap_income 1234.56"),
    Case("total return swap", "swap", {}, [
        bought("500000", "0"), action("swap_payment", "p", 15, X, amount="8100"), action("redemption", "x", 16, X, price="0")],
        "1.62", "8100", "0", "swap_income -8100"),
    Case("credit default swap", "swap", {}, [  # one per cent paid at the start, a premium paid, then the protection sold
        bought("1000000", "1"), action("swap_payment", "p", 20, X, amount="-2500"), trade("s1", 22, "SELL", 1000000, X, "1.3")],
        "1.2", "12000", "0", "realised_gain -3000, swap_income 2500"),
    Case("private company", "private_equity", {}, [bought("1000", "50")], "55.25", "55250", "0", ""),
    Case("crypto-like units", "crypto", {}, [
        bought("0.0031415926", "61234.56"), trade("s1", 9, "SELL", "0.0031415926", X, "70000")],
        "65000", "204.20", "0", "realised_gain -27.54"),
    Case("deposit", "", {}, money("DEPOSIT"), "", "0", "120", "interest_income -300"),  # four days; ten
    Case("reverse repo", "", {}, money("REVERSE_REPO"), "", "0", "120", "interest_income -300"),
    Case("repo", "", {}, money("REPO"), "", "0", "-120", "interest_expense 300"),
    Case("loan", "", {}, money("BORROWING"), "", "0", "-120", "interest_expense 300"),
    Case("securities lent", "equity", {}, [
        bought("100", "10"), *money("LENDING"), payment("p", 11, "lending_income", "410")],  # collateral costs, the fee earns
        "11", "1100", "-120", "interest_expense 300, lending_income -410"),
    Case("cash", "", {}, [payment("p", 3, "interest_income", "12.34")], "", "0", "0", "interest_income -12.34"),
    Case("currency forward", "", {}, [deal("f1", 1, "FORWARD", "USD 11400", "EUR 10000", 20)], "", "0", "0",
         "realised_currency_gain 1162.79"),  # worth 0 at 1.14 on 5 June, settled at 1.29
    Case("currency spot", "", {}, [deal("f1", 4, "SPOT", "USD 11400", "EUR 10000", 8)], "", "0", "0",
         ""),  # what the dollars cost; their value is a mark
]  # fmt: skip


def _master(case: Case) -> Any:
    rows = [{"isin": X, "name": X, "kind": case.kind or "equity", "currency": "EUR", **case.terms}]
    return INSTRUMENTS.build([*rows, {"isin": Y, "name": Y, "kind": "equity", "currency": "EUR"}]).value


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_an_instrument_is_valued_accrued_and_posted(case: Case) -> None:
    day = june(5)
    book = keep(*case.events, until=day, instruments=_master(case)).value
    priced = Priced(day, {X: D(case.price)} if case.price else {}, CANDIDATES.empty())
    outcome = value(book, priced, rates(day), _master(case), "EUR", day)
    assert not outcome.findings
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in outcome.value.rows:
        sums[row["component"]] += row["base"]
    assert (sums["holding"] + sums["forward"], sums["accrual"]) == (D(case.held), D(case.accrued))
    assert income(case) == text(case.income.replace(", ", "\n"))


def income(case: Case) -> str:
    month = keep(*case.events, instruments=_master(case))
    assert not month.findings
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in month.value.trial_balance().to_pylist():
        if CHART.type_of(row["ledger"]) in ("income", "expense"):
            sums[row["ledger"]] += row["base"]
    return table(sorted((ledger, amount) for ledger, amount in sums.items() if amount))
