"""Published worked examples of fees, performance fees, equalisation, swing, hedging and distributions.

``python -m tests.nav.test_oracles`` prints the scoreboard: by topic, the cases met and the cases there are.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from bo_lib.investors.closed_end import european_waterfall, late_close_interest, preferred_return
from bo_lib.investors.distributions import Holding, distribute, rate_per_unit
from bo_lib.model.money import round_to
from bo_lib.nav.equalisation import EqualisedClass
from bo_lib.nav.fees import accrued, bps, cap_expense, performance_fee_due
from bo_lib.nav.performance import hurdle_level, index_total_return_pct, reference_period
from bo_lib.nav.swing import swung
from tests.nav.desk import forward, struck

D = Decimal
FIFTH = D("0.20")
WORKED_EXAMPLES = Path(__file__).parents[3] / "shared" / "cases" / "worked-examples.yaml"
TOPICS = ("performance fee", "fees", "swing", "equalisation", "hedging", "closed-end", "investors", "performance")


class Case(NamedTuple):
    id: str
    topic: str
    source: str
    expected: Any
    found: Callable[[], Any]


CASES: list[Case] = []


def case(name: str, topic: str, source: str, expected: Any) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """``name``: of the worked example; a part of one adds ``: part``. ``expected``: as published; text stands for decimals."""

    def keep(found: Callable[[], Any]) -> Callable[[], Any]:
        CASES.append(Case(name, topic, source, _decimals(expected), found))
        return found

    return keep


def _decimals(value: Any) -> Any:
    if isinstance(value, str):
        numbers = [D(word) for word in value.split()]
        return numbers if len(numbers) > 1 else numbers[0]
    return {k: _decimals(v) for k, v in value.items()} if isinstance(value, dict) else value


def cents(number: Decimal, digits: int = 2) -> Decimal:
    return round_to(number, digits)


_ESMA = [D(r) for r in "5 0 -5 3 2 5 5 -10 2 2 2 0 2 -6 2 2 -4 0 5".split()]


@case("performance-reference-period", "performance fee", "ESMA Q&A 670",
      {"carried": "0 0 -5 -2 0 0 0 -10 -8 -6 -4 0 0 -6 -4 -2 -6 -4 0", "payable": [1, 6, 7, 13, 19]})  # fmt: skip
def five_years_of_losses() -> Any:
    years = reference_period(_ESMA)
    return {"carried": [y.carried_pct for y in years], "payable": [y.year for y in years if y.fee_payable]}


for _kind, _fees in (
    ("none", "600000 1000000 1600000 2400000 4000000"),
    ("soft", "0 0 1600000 2400000 4000000"),
    ("hard", "0 0 600000 1400000 3000000"),
):

    @case(f"hurdles: {_kind}, a million units of 100", "performance fee", "public fund-accounting tutorial", _fees)
    def by_the_unit(kind: Any = _kind) -> Any:
        level, units = hurdle_level(D(100), D(5), [(365, 365)]), D(10**6)
        values = [(100 + r) * units for r in (3, 5, 8, 12, 20)]
        return [performance_fee_due(v, units, D(100), D(20), D(1), "USD", level, kind) for v in values]


@case("equalisation-credit", "equalisation", "iTiger fund notes", {"fee": "8.00", "credit": "4.00", "shares_worth": "4.00"})
def a_credit_above_the_mark() -> Any:
    end = EqualisedClass(FIFTH, D("1.2"), D(1)).subscribed("A", D(120)).grown(D("1.4") / D("1.2"))
    after, (settled,) = end.crystallised()
    return {"fee": cents(end.fee_per_share * end.shares), "credit": cents(settled.credit),
            "shares_worth": cents(settled.shares * after.nav)}  # fmt: skip


@case("equalisation-credit-and-deficit", "equalisation", "Vauban; results of the investors derived",
      {"fee": "4.00", "nav": "116.00", "mark": "116.00", "A": "200.00 1.7241 800.00", "B": "200.00 1.7241 2400.00"})  # fmt: skip
def one_above_the_mark_and_one_below() -> Any:
    above = EqualisedClass(FIFTH, D(110), D(100)).subscribed("A", D(11000))
    both = above.grown(D(90) / D(110)).subscribed("B", D(9000))
    end = both.grown(D(120) / both.gav)
    after, (a, b) = end.crystallised()
    return {
        "fee": cents(end.fee_per_share), "nav": cents(after.nav), "mark": cents(after.high_water_mark),
        "A": [cents(a.credit), cents(a.shares, 4), cents(after.value("A") - 11000)],
        "B": [cents(b.contingent_fee), cents(-b.shares, 4), cents(after.value("B") - 9000)],
    }  # fmt: skip


@case("expense-cap-with-recoupment", "fees", "Eagle accounting documentation, assumption fee with recoupment",
      {"cap": "1229.51", "gross": "2866.12", "excess": "1636.61", "waived": "1366.12", "assumed": "270.49",
       "recoupable": "1363.39"})  # fmt: skip
def a_cap_with_recoupment() -> Any:
    cap, contract = (accrued(bps(D(10**8), D(rate)), [(1, 366)], "USD") for rate in (45, 55))
    day = cap_expense(cap, D("1366.12"), D("1500.00"), contract)
    return {name: getattr(day, name) for name in ("cap", "gross", "excess", "waived", "assumed", "recoupable")}


@case("class-expense-cap", "fees", "Eagle accounting documentation, fee waterfall", {"cap": "3367.93", "excess": "569.42"})
def a_cap_on_a_class() -> Any:
    day = cap_expense(accrued(bps(D("94820273.70"), D(130)), [(1, 366)], "USD"), D(0), D("3937.35"))
    return {"cap": day.cap, "excess": day.excess}


@case("swing-price", "swing", "Bogleheads wiki", "30.03 29.97 30.00 30.00 30.00")
def a_swung_price() -> Any:
    flows = ("0.10", "-0.10", "0.05", "-0.05", "0")
    return [swung(D("30.00"), D(flow), D("0.05"), D("0.001"), 2) for flow in flows]


@case("hedged class", "hedging", "derived: 50,000 dollars bought forward for 40,000 euro, valued at 1.20",
      {"A": "0", "B": "0", "H": "1666.67"})  # fmt: skip
def a_forward_of_one_class() -> Any:
    hedge = forward("FWD-1", "USD 50000", "EUR 40000", date(2026, 6, 30))
    return {name: row["hedge"] for name, row in struck([hedge], usd="1.20").value.rows.items()}


@case("income-equalisation", "investors", "HMRC manual CTM48430",
      {"pool": "60.00", "A": "20.00", "B": "20.00", "C": "20.00", "C_income": "10.00", "C_return_of_capital": "10.00"})  # fmt: skip
def income_equalised() -> Any:
    rate = rate_per_unit(D(50) + D(10), D(1500), 6)
    a, b, c = distribute(rate, [Holding("A", D(500)), Holding("B", D(500)), Holding("C", D(500), D(10))], "GBP")
    return {"pool": a.gross + b.gross + c.gross, "A": a.gross, "B": b.gross, "C": c.gross, "C_income": c.income,
            "C_return_of_capital": c.return_of_capital}  # fmt: skip


@case("european-waterfall", "closed-end", "Tentt",
      {"preferred": "23466403.84", "catch_up": "5866600.96", "residual_lp": "36533596.16", "residual_gp": "9133399.04",
       "lp_total": "110000000.00", "gp_total": "15000000.00"})  # fmt: skip
def a_waterfall() -> Any:
    w = european_waterfall(D(125_000_000), D(50_000_000), preferred_return(D(50_000_000), D("0.08"), 5, "USD"), FIFTH)
    return {name: getattr(w, name) for name in ("preferred", "catch_up", "residual_lp", "residual_gp", "lp_total", "gp_total")}


@case("late-close-interest", "closed-end", "FundOpsHQ", "78904.11")
def a_late_close() -> Any:
    return late_close_interest(D(4_000_000), D("0.08"), 90, 365, "USD")


@case("index-total-return", "performance", "17 CFR 275.205-1", {"change": "9.94", "dividends": "3.21", "pct": "14.27"})
def an_index_with_dividends() -> Any:
    start, end = D("92.15"), D("102.09")
    dividends = cents(end * D("0.0314"))
    return {"change": end - start, "dividends": dividends, "pct": cents(index_total_return_pct(start, end, dividends))}


@pytest.mark.parametrize("published", [pytest.param(c, id=c.id) for c in CASES])
def test_published_figure(published: Case) -> None:
    assert published.found() == published.expected, published.source


def scoreboard() -> dict[str, tuple[int, int]]:
    """topic -> cases met, cases there are."""
    met = Counter(c.topic for c in CASES if c.found() == c.expected)
    return {topic: (met[topic], count) for topic, count in sorted(Counter(c.topic for c in CASES).items())}


def test_the_scoreboard_is_full_and_can_fail() -> None:
    assert all(met == count for met, count in scoreboard().values())
    assert not [c for c in CASES if c.found() == _spoilt(c.expected)]


def _spoilt(value: Any) -> Any:
    """The same with every figure a hundredth larger."""
    if isinstance(value, dict):
        return {k: _spoilt(v) for k, v in value.items()}
    return [_spoilt(v) for v in value] if isinstance(value, list) else value + D("0.01")


def test_every_worked_example_of_these_topics_is_a_case() -> None:
    if not WORKED_EXAMPLES.exists():
        pytest.skip("the collection of worked examples is not there")
    examples = [e for e in yaml.safe_load(WORKED_EXAMPLES.read_text("utf-8")) if e["topic"].split(",")[0].split()[0] in _FIRST]
    assert len(examples) >= 10
    assert {e["id"] for e in examples} - {c.id.split(":")[0] for c in CASES} == set()


_FIRST = {topic.split()[0] for topic in TOPICS}

if __name__ == "__main__":
    board = scoreboard()
    for name, (hit, cases) in board.items():
        sys.stdout.write(f"{name}: {hit} of {cases}\n")
    total = sum(hit for hit, _ in board.values()), sum(cases for _, cases in board.values())
    sys.stdout.write(f"all: {total[0]} of {total[1]}\n")
