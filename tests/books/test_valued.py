"""Net assets of a portfolio of every kind, computed twice: from lots, prices and balances, and from the marked ledger."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bo_lib.books import Book
from bo_lib.model.tables import INSTRUMENTS
from bo_lib.nav import Priced
from bo_lib.nav.tables import CANDIDATES
from bo_lib.nav.valuation import marks, net_assets_by_ledger, unvalued, value
from tests.books.contracts import every_contract
from tests.books.desk import SECURITIES, action, june, keep, rates, trade

D = Decimal
PRICES = {"EURO-SHARE": "31", "US-SHARE": "88", "EURO-NEW": "6", "US-NEW": "207", "US-BOND": "97.5", "EURO-BILL": "99.1",
          "US-LINKER": "101.2", "US-FUTURE": "5001.5", "EURO-CALL": "2.2", "EURO-PUT": "0.7", "US-SWAP": "-0.35",
          "EURO-COIN": "70001.5", "EURO-FUTURE": "120"}  # fmt: skip
TERMS = {"coupon_pct": D(4), "coupons_per_year": 2, "day_count": "30/360 US", "maturity": june(30).replace(year=2031)}


def master() -> Any:
    rows = SECURITIES.to_pylist()
    return INSTRUMENTS.build({**row, **(TERMS if row["isin"] in ("US-BOND", "US-LINKER") else {})} for row in rows).value


def valued(book: Book, day: int) -> Any:
    priced = Priced(june(day), {isin: D(price) for isin, price in PRICES.items()}, CANDIDATES.empty())
    outcome = value(book, priced, rates(june(day)), master(), "EUR", june(day))
    assert outcome.ok, outcome.findings
    return outcome.value


@pytest.mark.parametrize("day", [1, 2, 3, 5, 8, 11, 14, 17, 20])
def test_two_computations_of_net_assets_agree(day: int) -> None:
    book = keep(*every_contract(), until=june(day)).value
    found = valued(book, day)
    assert found.net_assets == net_assets_by_ledger(book, marks(book, found, "TEST"))
    assert unvalued(book, found) == []


def test_a_future_counts_what_margin_has_not_paid_and_nothing_after() -> None:
    bought = trade("f1", 1, "BUY", 3, "EURO-FUTURE", "119")
    assert valued(keep(bought).value, 1).net_assets == 30
    paid = keep(bought, action("variation_margin", "v1", 1, "EURO-FUTURE", price="120", pay=2), until=june(1)).value
    assert [(r["component"], r["base"]) for r in valued(paid, 1).rows] == [("holding", 0), ("receivable", 30)]


def test_interest_on_a_deposit_accrues_day_by_day_and_turns_into_cash() -> None:
    deal = action("money_deal", "m1", 1, "", style="DEPOSIT", principal="360000", rate_pct_annual="3", maturity_date=june(11))
    assert [valued(keep(deal, until=june(day)).value, day).net_assets for day in (1, 2, 10, 11)] == [0, 30, 270, 300]


def test_an_inflation_linked_bond_is_worth_its_price_on_the_inflated_nominal_with_interest_on_it() -> None:
    bought = trade("b1", 1, "BUY", 10000, "US-LINKER", "101.2", index_ratio="1.02", settlement_date=june(1))
    rows = {r["component"]: r["local"] for r in valued(keep(bought).value, 1).rows if r["item"] == "US-LINKER"}
    assert rows == {"holding": D("10322.40"), "accrual": D("171.13")}, "151 days since 30 December"
