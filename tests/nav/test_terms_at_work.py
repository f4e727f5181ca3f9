"""Terms of a prospectus at work over several days: leap day, weekends, month end, year end, crystallisation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bo_lib.config import Fund, ParameterError, PerformanceFee, Terms
from bo_lib.model.money import ZERO, Rounding, round_money, round_to
from bo_lib.nav import ClassState, Strike, distributed, equalised_prices, rolled_up
from bo_lib.nav.incentive import worth
from tests.nav.carried import carry, fund, moved, opened, redeems, subscribes

D = Decimal
FLAT: Callable[[date], str] = lambda day: "100"  # noqa: E731
FEB, MARCH = date(2028, 2, 25), date(2028, 3, 3)  # a Friday; the 29th is a Tuesday
LEAP = """
  - from: 2028-01-01
    days_in_year: actual
    classes:
      - {id: A, currency: EUR, management_fee_bps_annual: 150, nav_decimals: 6, clause: "Prospectus 12.1"}
      - id: T
        currency: EUR
        nav_decimals: 6
        management_fee_tiers: [{bps_annual: 100}, {above: 50000, bps_annual: 50}]
        waiver_bps_annual: 20
        clause: "Prospectus 12.2"
    expenses:
      - {name: administration_fee, tiers: [{bps_annual: 10}], minimum_annual: 3660, clause: "Prospectus 12.4"}
      - {name: paying_agent_fee, amount_annual: 366, share_class: A, clause: "Prospectus 12.5"}
      - {name: audit_fee, amount_annual: 310, budget_from: 2028-02-01, budget_to: 2028-03-02, clause: "Prospectus 12.6"}
"""


def test_four_strikes_over_a_weekend_and_the_leap_day_charge_every_calendar_day_once() -> None:
    nights = carry(LEAP, opened(FEB, A=("1000", "100"), T=("1000", "100")), MARCH, FLAT)
    assert [n.day.day for n in nights] == [28, 29, 1, 2, 3]
    before = {"A": D(100000), "T": D(100000)}
    for n in nights:
        days = (n.day - n.struck.previous_day).days
        assert n.accruals["management_fee", "A"] == round_money(before["A"] * D("0.015") * days / 366, "EUR")
        tiered = D(50000) * D("0.01") + (before["T"] - 50000) * D("0.005")
        assert n.accruals["management_fee", "T"] == round_money(tiered * days / 366, "EUR")
        assert n.accruals["fee_waiver", "T"] == -round_money(before["T"] * D("0.002") * days / 366, "EUR")
        assert n.accruals["administration_fee", ""] == days * 10  # the minimum: 10 bps of 200,000 would be 200 a year
        assert n.accruals["paying_agent_fee", "A"] == days
        before = {c: row["net_assets"] for c, row in n.struck.rows.items()}
    budget = [n.accruals.get(("audit_fee", ""), ZERO) for n in nights]
    assert budget == [D("155.00"), D("51.67"), D("51.67"), D("51.66"), ZERO]  # nothing was accrued before the take-over


def test_days_after_new_year_are_days_of_the_new_year() -> None:
    start = date(2028, 12, 29)
    terms = LEAP.replace("2028-02-01", "2029-02-01").replace("2028-03-02", "2029-03-02")
    (night,) = carry(terms, opened(start, A=("1000", "100")), date(2029, 1, 2), FLAT)
    assert night.accruals["management_fee", "A"] == round_money(D(1500) * 2 / 366 + D(1500) * 2 / 365, "EUR")


CAPPED = """
  - from: 2026-01-01
    days_in_year: "365"
    classes:
      - id: A
        currency: EUR
        management_fee_bps_annual: 73
        expense_cap: {bps_annual: 100, contract_bps_annual: 110, recoup_years: 3, clause: "Expense limitation agreement 2"}
    expenses:
      - {name: administration_fee, amount_annual: 36500, clause: "Prospectus 5"}
  - from: 2026-06-03
    days_in_year: "365"
    classes:
      - id: A
        currency: EUR
        management_fee_bps_annual: 73
        expense_cap: {bps_annual: 100, contract_bps_annual: 110, recoup_years: 3, clause: "Expense limitation agreement 2"}
    expenses:
      - {name: administration_fee, amount_annual: 3650, clause: "Prospectus 5, as amended"}
"""


def test_what_the_adviser_bore_above_the_cap_is_recouped_while_there_is_room() -> None:
    """5 million: a day costs 100 + 100, the cap is 136.99 and the contract's 150.68; from Wednesday a day costs 100 + 10."""
    nights = carry(CAPPED, opened(date(2026, 6, 1), A=("50000", "100")), date(2026, 6, 4), FLAT, shares="50000")
    (tuesday, wednesday, thursday) = nights
    assert tuesday.accruals["fee_waiver", "A"] == -(D("200.00") - D("136.99"))
    assert tuesday.struck.state["A"].claims[0].amount == D("200.00") - D("150.68")
    assert wednesday.accruals["fee_recoupment", "A"] == D("136.98") - D("110.00")  # what the cap leaves
    assert thursday.accruals["fee_recoupment", "A"] == D("49.32") - D("26.98")  # the rest of the claim
    assert thursday.struck.state["A"].claims == ()


def performance(more: str = "", c: str = "", rate: int = 20) -> str:
    return f"""
  - from: 2026-01-01
    classes:
      - {{id: A, currency: EUR, high_water_mark: 100, nav_decimals: 6, unit_decimals: 6, {c}}}
    performance_fee: {{rate_pct: {rate}, method: class, {more} clause: "Prospectus 9"}}
"""


def steps(**levels: str) -> Callable[[date], Decimal]:
    """``d2806="110"``: from 28 June the price is 110; 100 before."""
    known = sorted((int(k[3:5] + k[1:3]), D(v)) for k, v in levels.items())
    return lambda day: next((level for start, level in reversed(known) if start <= day.month * 100 + day.day), D(100))


def test_a_fee_accrues_crystallises_with_the_quarter_and_is_not_given_back() -> None:
    june = opened(date(2026, 6, 25), A=("1000", "100"))
    path = steps(d2906="120", d0207="90")
    nights = {n.day: n for n in carry(performance("crystallisation: quarterly,"), june, date(2026, 7, 3), path)}
    monday, tuesday, fall = nights[date(2026, 6, 29)], nights[date(2026, 6, 30)], nights[date(2026, 7, 2)]
    assert (monday.accruals["performance_fee", "A"], monday.row("A")["nav_per_unit"]) == (4000, 116)
    assert ("performance_fee", "A") not in tuesday.accruals
    state = tuesday.struck.state["A"]
    assert (state.high_water_mark, state.performance_fee_accrued, state.period_start) == (116, 0, date(2026, 6, 30))
    assert ("performance_fee", "A") not in fall.accruals and fall.row("A")["nav_per_unit"] == 86  # 90 less the 4 due for good


def test_without_crystallisation_a_fall_gives_the_fee_back() -> None:
    june = opened(date(2026, 6, 25), A=("1000", "100"))
    nights = carry(performance(), june, date(2026, 7, 3), steps(d2906="120", d0207="90"))
    assert sum((n.accruals.get(("performance_fee", "A"), ZERO) for n in nights), ZERO) == 0
    assert nights[-1].row("A")["nav_per_unit"] == 90


def test_who_leaves_takes_its_part_of_the_fee_along() -> None:
    """At 120 the fee is 4 a unit. Half the units leave at 116: their 2,000 are due for good, and the rest stand at 116 still."""

    def dealing(day: date, _: object) -> list[object]:
        return [redeems(day, "Ada", "A", "500", "58000")] if day == date(2026, 6, 30) else []

    june = opened(date(2026, 6, 25), A=("1000", "100"))
    nights = carry(performance(), june, date(2026, 7, 2), steps(d2906="120", d0207="90"), dealing=dealing)  # type: ignore[arg-type]
    after, fall = (next(n for n in nights if n.day == d) for d in (date(2026, 6, 30), date(2026, 7, 2)))
    assert after.row("A")["nav_per_unit"] == 116 and after.struck.state["A"].performance_fee_accrued == 2000
    assert fall.accruals["performance_fee", "A"] == -2000  # theirs alone comes back


def test_who_comes_later_pays_for_its_own_gain_and_nobody_elses() -> None:
    """1,000 units came at 100, 1,000 more at the NAV of 116. Nothing moves for that; then both earn 10%."""

    def dealing(day: date, _: object) -> list[object]:
        return [subscribes(day, "Ben", "A", "116000", "116")] if day == date(2026, 6, 30) else []

    june = opened(date(2026, 6, 25), A=("1000", "100"))
    nights = carry(performance(), june, date(2026, 7, 1), steps(d2906="120"), dealing=dealing)  # type: ignore[arg-type]
    night = nights[-1]
    assert night.row("A")["nav_per_unit"] == 116 and ("performance_fee", "A") not in night.accruals
    assert night.struck.state["A"].high_water_mark == 108


@pytest.mark.parametrize(("kind", "fee"), [("none", 1600), ("soft", 1600), ("hard", "1595.62")])
def test_a_hurdle_of_five_per_cent_a_year(kind: str, fee: str | int) -> None:
    """8% in eight days: the hurdle has grown to 8 x 5 / 365 per cent."""
    terms = performance(f"hurdle: {kind}, hurdle_pct_annual: 5," if kind != "none" else "")
    nights = carry(terms, opened(date(2026, 6, 25), A=("1000", "100")), date(2026, 7, 3), steps(d0307="108"))
    expected = round_money((D(8000) - D(100000) * D("0.05") * 8 / 365) * D("0.2"), "EUR") if kind == "hard" else D(fee)
    assert nights[-1].accruals["performance_fee", "A"] == expected


def test_a_soft_hurdle_not_reached_charges_nothing() -> None:
    terms = performance("hurdle: soft, hurdle_pct_annual: 50,")
    nights = carry(terms, opened(date(2026, 6, 25), A=("1000", "100")), date(2026, 7, 3), steps(d0307="101"))
    assert ("performance_fee", "A") not in nights[-1].accruals


def test_a_benchmark_is_the_hurdle() -> None:
    """The fund makes 10%, the index 6%: a fifth of 4,000."""
    terms, index = performance("hurdle: hard, benchmark: INDEX,"), steps(d0207="106")
    june = opened(date(2026, 6, 25), A=("1000", "100"))
    nights = carry(terms, june, date(2026, 7, 3), steps(d0207="110"), index=index)  # type: ignore[arg-type]
    assert sum((n.accruals.get(("performance_fee", "A"), ZERO) for n in nights), ZERO) == 800


def test_a_benchmark_without_a_level_blocks() -> None:
    with pytest.raises(AssertionError, match="no level of 2026-06-26"):
        carry(performance("hurdle: hard, benchmark: INDEX,"), opened(date(2026, 6, 25), A=("1000", "100")), date(2026, 7, 3), FLAT)


def test_a_shortfall_against_the_benchmark_is_made_up_first() -> None:
    """2026 ends five points behind the index. In 2027 the fund is eight ahead: a fee on three, though the year began at 95."""
    terms = performance("benchmark: INDEX, reference_years: 5,")
    start = date(2026, 12, 28)
    nights = carry(
        terms, opened(start, A=("1000", "100")), date(2027, 1, 5),
        lambda d: "100" if d == start else "95" if d.year == 2026 else "102.6", index=lambda d: "100",
    )  # fmt: skip
    ended = next(n for n in nights if n.day == date(2026, 12, 31)).struck.state["A"]
    assert (dict(ended.shortfalls), ended.high_water_mark) == ({2026: D(5)}, 95)
    assert nights[-1].struck.state["A"].performance_fee_accrued == round_money(95000 * D("0.03") * D("0.2"), "EUR")


# One history, three methods ------------------------------------------------------------------------------------------

METHODS = {
    "equalisation": "      - {id: A, currency: EUR, high_water_mark: 100, nav_decimals: 8, unit_decimals: 8}",
    "partnership": "      - {id: A, currency: EUR, nav_decimals: 8}",
    "series": "".join(
        f"      - {{id: {s}, currency: EUR, high_water_mark: 100, nav_decimals: 8, unit_decimals: 8}}\n"
        for s in ("A", "S-1", "S-2")
    ),
}
START, JOINS, LEAVES, END = date(2026, 9, 24), date(2026, 9, 28), date(2026, 10, 5), date(2026, 10, 8)
PATH = {
    date(2026, 9, 25): "110",
    date(2026, 9, 28): "90",
    date(2026, 9, 30): "130",
    date(2026, 10, 2): "140",
    date(2026, 10, 6): "150",
}


MOVES = tuple(PATH)
BROUGHT = (110000, 90000)  # by Ben and by Cleo


def history(method: str, path: Mapping[date, str] = PATH, brought: tuple[int, int] = BROUGHT) -> Iterator[tuple[str, Decimal]]:
    """Ben joins after a rise, Cleo after a fall; the quarter ends; Ben takes half his money; who has what in the end."""
    terms = f"""
  - from: 2026-01-01
    classes:
{METHODS[method]}
    allocate_by: gross_assets
    performance_fee:
      {{rate_pct: 20, method: {method}, crystallisation: quarterly, general_partner: GP, clause: "Offering memorandum 4.3"}}
"""
    paid: dict[str, Decimal] = {}

    def price(day: date) -> str:
        return next((p for start, p in sorted(path.items(), reverse=True) if start <= day), "100")

    def dealing(day: date, before: Mapping[str, ClassState]) -> list[Any]:
        return list(_deals(method, day, before, paid, brought))

    nights = carry(terms, opened(START, A=("1000", "100")), END, price, dealing=dealing)
    for investor, c in (("", "A"), ("Ben", "S-1"), ("Cleo", "S-2")):
        yield investor, worth_of(nights[-1].struck.state, method, investor, c) + paid.get(investor, ZERO)


def _deals(
    method: str, day: date, before: Mapping[str, ClassState], paid: dict[str, Decimal], brought: tuple[int, int]
) -> Iterator[Any]:
    ben, cleo = map(str, brought)
    for joins, who, c, amount in ((JOINS, "Ben", "S-1", ben), (date(2026, 9, 29), "Cleo", "S-2", cleo)):
        if day == joins and method == "series":
            yield subscribes(day, who, c, amount, "100")
        elif day == joins and method == "equalisation":
            yield subscribes(day, who, "A", amount, _quoted(before)["A", "SUBSCRIBE"])
        elif day == joins:
            yield subscribes(day, who, "A", amount, "1", action="CALL")
    if day == LEAVES:
        c = "S-1" if method == "series" else "A"
        units = round(before["S-1"].units / 2, 8) if method == "series" else ZERO
        half = round_money(worth_of(before, method, "Ben", c) / 2, "EUR")
        if method == "equalisation":
            units = round(sum((x.shares for x in before["A"].lots if x.investor == "Ben"), ZERO) / 2, 8)
            half = round_money(units * _quoted(before)["Ben", "A", "REDEEM"], "EUR")
        paid["Ben"] = half
        yield redeems(day, "Ben", c, units, half)
    if method == "partnership":  # as a fee would, the incentive stops earning when it is due for good
        p = before["A"].partnership
        taken = p.general_partner if p else ZERO
        if p and day == LEAVES:
            taken += sum((a.incentive(p.rate) for a in p.accounts if a.partner == "Ben"), ZERO) / 2
        if taken:
            yield moved(day, "GP", "A", "REDEEM", ZERO, round_money(taken, "EUR"))


def _quoted(before: Mapping[str, ClassState]) -> Mapping[Any, Decimal]:
    return equalised_prices(before, Terms.model_validate({
        "from": START, "classes": [{"id": "A", "currency": "EUR"}], "performance_fee": {"rate_pct": 20, "method": "equalisation"},
    }))  # fmt: skip


def worth_of(state: Mapping[str, ClassState], method: str, investor: str, c: str) -> Decimal:
    if method == "series":
        return state[c].units * (state[c].nav_per_unit or ZERO)
    fee = PerformanceFee.model_validate({"rate_pct": 20, "method": method, "general_partner": "GP"})
    return worth(state["A"], fee, investor) or ZERO


def test_equalisation_series_and_partnership_pay_every_investor_alike_through_the_strike() -> None:
    found = _alike(PATH, BROUGHT)
    assert found["Ben"] > 110000 and found["Cleo"] > 90000


@settings(max_examples=6, deadline=None)
@given(st.tuples(*(st.integers(60, 180) for _ in MOVES)), st.tuples(st.integers(1000, 400000), st.integers(1000, 400000)))
def test_whatever_prices_do_and_investors_bring(prices: tuple[int, ...], brought: tuple[int, int]) -> None:
    _alike(dict(zip(MOVES, map(str, prices), strict=True)), brought)


def _alike(path: Mapping[date, str], brought: tuple[int, int]) -> dict[str, Decimal]:
    """To some cents: money is rounded on every strike, each method at other places."""
    found = {method: dict(history(method, path, brought)) for method in METHODS}
    for investor, money in found["series"].items():
        others = [found[m][investor] for m in ("equalisation", "partnership")]
        assert all(abs(other - money) < D("0.10") for other in others), (investor, money, others)
    return found["series"]


def test_series_at_their_marks_roll_up_when_the_quarter_ends_and_no_money_moves() -> None:
    """Ben's series opened at 100 when the first stood at 110; both end at their marks."""
    terms = f"""
  - from: 2026-01-01
    classes:
{METHODS["series"]}
    performance_fee: {{rate_pct: 20, method: series, crystallisation: quarterly, roll_up: true, clause: "Offering memorandum 4.3"}}
"""

    def joins(day: date, before: object) -> list[Any]:
        return [subscribes(day, "Ben", "S-1", "5000", "100")] if day == JOINS else []

    def roll(struck: Strike, of: Fund) -> Sequence[Any]:
        return rolled_up(struck, of, {("Ada", "A"): D(1000), ("Ben", "S-1"): D(50)})

    up, first = steps(d2509="110", d2909="120"), opened(START, A=("1000", "100"))
    nights = {n.day: n.struck for n in carry(terms, first, date(2026, 10, 2), up, dealing=joins, nightly=roll)}
    end, after = nights[date(2026, 9, 30)], nights[date(2026, 10, 1)]
    assert end.rows["S-1"]["nav_per_unit"] == end.state["S-1"].high_water_mark > 100
    assert set(after.rows) == {"A"} and after.net_assets == end.net_assets
    assert after.rows["A"]["capital"] == end.rows["S-1"]["net_assets"]
    taken = end.rows["S-1"]["net_assets"] / end.rows["A"]["nav_per_unit"]
    assert after.rows["A"]["units"] - 1000 == round_to(taken, 8, Rounding.DOWN)
    assert not [r for r in after.components.to_pylist() if r["component"] in ("receivable", "payable")]


def test_a_side_pocket_is_shared_by_the_partners_of_its_day_alone() -> None:
    """The share is set aside at 100,000 of 200,000. Ben pays in 100,000; the share rises by half: nothing of it is his."""
    terms = """
  - from: 2026-01-01
    side_pockets: [SHARE]
    classes:
      - {id: A, currency: EUR, clause: "LPA 3"}
    performance_fee: {rate_pct: 20, method: partnership, crystallisation: yearly, general_partner: GP, clause: "LPA 9"}
"""

    def dealing(day: date, before: object) -> list[Any]:
        return [subscribes(day, "Ben", "A", "100000", "1", action="CALL")] if day == date(2026, 9, 28) else []

    nights = carry(terms, opened(START, A=("1", "200000")), date(2026, 9, 30), steps(d2809="150"), dealing=dealing)
    state = nights[-1].struck.state
    p = state["A"].partnership
    assert p and [pocket.name for pocket in p.pockets] == ["SHARE"]
    assert (p.value("Ben"), p.value("")) == (100000, 100000)
    assert nights[-1].struck.net_assets == 350000
    assert p.realised("SHARE", D(150000)).value("") == 100000 + 150000 - 10000  # a fifth of the gain is the general partner's


def test_the_nav_falls_by_a_distribution_on_its_ex_date_and_the_money_leaves_later() -> None:
    """1.25 a unit on 1,000 units: capital of the class on the ex date, a payable until it is paid."""
    terms = """
  - from: 2026-01-01
    classes:
      - id: A
        currency: EUR
        policy: distributing
        distributions: [{record: 2026-09-25, payable: 2026-09-30, rate_per_unit: 1.25, clause: "Resolution of the board"}]
        clause: "Prospectus 16"
"""

    def nightly(struck: Strike, of: Fund) -> Sequence[Any]:
        return distributed(struck, of, {("Ada", "A"): D("333.333"), ("Ben", "A"): D("666.667")})

    first = opened(START, A=("1000", "100"))
    nights = {n.day.day: n for n in carry(terms, first, date(2026, 9, 30), FLAT, shares="900", nightly=nightly)}
    assert [nights[d].row("A")["nav_per_unit"] for d in (25, 28, 29, 30)] == [100, D("98.75"), D("98.75"), D("98.75")]
    owed = [r["base"] for r in nights[28].struck.components.to_pylist() if r["component"] == "payable"]
    assert owed == [D("-1250")] and not [r for r in nights[30].struck.components.to_pylist() if r["component"] == "payable"]
    assert nights[28].roll.by_cause["capital"] == -1250


def test_a_distribution_of_a_class_that_accumulates_is_refused() -> None:
    terms = """
  - from: 2026-01-01
    classes:
      - {id: A, currency: EUR, distributions: [{record: 2026-09-25, payable: 2026-09-30, rate_per_unit: 1.25}]}
"""
    with pytest.raises(ParameterError, match="is accumulating and has distributions"):
        fund(terms, START)
