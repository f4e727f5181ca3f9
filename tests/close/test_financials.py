"""Financial statements of the demonstration funds: every figure ties, and each line leads to lines of the ledger."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from bo_lib.close import Financials, financials
from bo_lib.model.money import ZERO
from tests.close.books import DAY, LAYOUTS, ledger, lines
from tests.close.demonstrated import month

FUNDS = ("GLOBAL-EQ-LS", "GLOBAL-BOND", "EURO-UCITS")


@pytest.fixture(scope="module", params=FUNDS)
def both(request: pytest.FixtureRequest) -> dict[str, Financials]:
    return {name: financials(month(request.param).sources, layout) for name, layout in LAYOUTS.items()}


def test_every_figure_ties(both: dict[str, Financials]) -> None:
    for made in both.values():
        assert made.ties.num_rows >= 30
        assert made.broken == []


def test_two_frameworks_state_the_same_net_assets_result_and_change_in_cash(both: dict[str, Financials]) -> None:
    def said(made: Financials) -> tuple[Decimal, ...]:
        s = made.statements
        return made.net_assets, s["operations"].totals["result"], s["cash_flows"].totals["change"], s["changes"].totals["capital"]

    assert said(both["us_gaap"]) == said(both["ifrs"])


def test_a_line_is_the_sum_of_the_ledger_lines_of_its_tick_mark(both: dict[str, Financials]) -> None:
    made = both["us_gaap"]
    position = made.statements["position"]
    for code, amount in position.amounts.items():
        marked = [row for row, its in zip(made.of.rows, position.codes, strict=True) if its == code]
        held = sum((pc.sum(made.of.lines["base"].slice(r["first"] - 1, r["last"] - r["first"] + 1)).as_py() for r in marked), ZERO)
        assert abs(held) == abs(amount)


def test_shorts_are_liabilities_of_the_long_short_fund_alone(both: dict[str, Financials]) -> None:
    made = both["us_gaap"]
    items = made.statements["position"].table["item"].to_pylist()
    assert ("Securities sold short, at fair value" in items) == (made.of.fund == "GLOBAL-EQ-LS")
    sides = set(made.investments["side"].to_pylist())
    assert sides == ({"long", "short"} if made.of.fund == "GLOBAL-EQ-LS" else {"long"})


def test_bonds_are_of_level_two_and_shares_of_level_one(both: dict[str, Financials]) -> None:
    made = both["us_gaap"]
    expected = {2} if made.of.fund == "GLOBAL-BOND" else {1}
    assert set(made.investments["level"].to_pylist()) == expected


def test_highlights_of_a_class_add_up_and_are_the_nav(both: dict[str, Financials]) -> None:
    struck = month(both["ifrs"].of.fund).sources.struck
    for row in both["ifrs"].highlights.to_pylist():
        assert row["closing_nav"] == struck.rows[row["share_class"]]["nav_per_unit"]
        assert row["opening_nav"] + row["net_investment_income"] + row["gains"] - row["distributions"] == row["closing_nav"]


def test_a_lost_line_breaks_the_ties_that_depend_on_it() -> None:
    given = month("EURO-UCITS").sources
    rows = given.of.balances.to_pylist()
    lost = next(n for n, r in enumerate(rows) if r["ledger"] == "dividend_income")
    short = replace(given.of, balances=pa.Table.from_pylist(rows[:lost] + rows[lost + 1 :], schema=given.of.balances.schema))
    broken = {(r["statement"], r["against"]) for r in financials(replace(given, of=short), LAYOUTS["us_gaap"]).broken}
    assert ("trial balance", "nothing") in broken
    assert ("changes", "beginning, operations and capital") in broken
    assert ("position", "the NAV as struck") not in broken


# One booking, one line --------------------------------------------------------------------------------------------------


def flows(*events: tuple[str, tuple[tuple[str, str], ...]]) -> dict[str, Decimal]:
    rows: list[dict[str, Any]] = []
    for n, (kind, legs) in enumerate(events):
        rows += lines(f"e{n}", DAY, kind, *legs)
    return ledger(rows).flows


def test_a_sale_is_its_proceeds_whatever_the_gain() -> None:
    sold = (("receivable_for_investments_sold", "120"), ("investments", "-100"), ("realised_gain", "-20"))
    made = flows(("trade", sold))
    assert made["disposals"] + made["disposals:gain"] == -120 and "results" not in made


def test_a_cover_at_a_loss_is_a_purchase_for_what_it_cost() -> None:
    covered = (("payable_for_investments_purchased", "-130"), ("investments", "100"), ("realised_gain", "30"))
    made = flows(("trade", covered))
    assert made["purchases"] + made["purchases:gain"] == 130


def test_currency_gains_of_settlements_are_results_and_no_proceeds() -> None:
    made = flows(("settlement", (("cash", "99"), ("receivable_for_investments_sold", "-100"), ("realised_currency_gain", "1"))))
    assert made == {"cash:settlement:in": 99, "receivable_for_investments_sold": -100, "results": 1}


def test_cash_that_leaves_flows_at_the_rate_of_its_day_and_the_rest_of_its_cost_is_an_effect_of_rates() -> None:
    """An exercise paid with 150 that had cost 138.75: 150 for shares, 11.25 a result of currency and no proceeds."""
    rows = lines("e", DAY, "rights_exercise", ("investments", "150"), ("cash", "-150"))
    left = lines("e", DAY, "rights_exercise", ("cash", "11.25"), ("realised_currency_gain", "-11.25"))
    made = ledger([*rows, *({**row, "local": Decimal(0)} for row in left)]).flows
    assert made == {
        "purchases": 150,
        "cash:rights_exercise:out": -150,
        "cash:rates": Decimal("11.25"),
        "results": Decimal("-11.25"),
    }


def test_capital_is_told_apart_by_what_it_is() -> None:
    made = flows(
        ("subscribe", (("receivable_for_units_issued", "10"), ("capital", "-10"))),
        ("redeem", (("capital", "4"), ("payable_for_units_redeemed", "-4"))),
    )
    assert (made["capital:subscribe"], made["capital:redeem"]) == (-10, 4)
