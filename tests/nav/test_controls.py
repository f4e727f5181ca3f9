"""Each control with what it must catch, and the shadow with what differs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from bo_lib.config import Tolerances
from bo_lib.model.findings import Verdict, warning
from bo_lib.model.tables import NAV_PACK
from bo_lib.nav import CONTROLS, Approval, Evidence, Strike, attribute, control, shadow, value, verdict
from tests.nav.desk import FRIDAY, MASTER, MONDAY, at, book, capital, forward, fund, priced, struck

D = Decimal
EVENTS = [capital("O-1", "B", "SUBSCRIBE", "500", "50000", "50000"), forward("FWD-1", "USD 5000", "EUR 4000", date(2026, 6, 30))]
OPENING = D("291813.19")


def pack(strike: Strike, change: Callable[[dict[str, Any]], Any] = lambda row: None) -> Any:
    """Our own strike as an administrator's pack, with one change: only to see that the change is found."""
    common = {"fund": "TEST", "nav_date": strike.day}
    rows = [
        {
            **common,
            **{k: r[k] for k in ("component", "share_class", "item", "quantity", "price")},
            "currency": "EUR",
            "amount": r["base"],
        }
        for r in strike.components.to_pylist()
    ]
    rows.append({**common, "component": "net_assets", "currency": "EUR", "amount": strike.net_assets})
    for name, c in strike.rows.items():
        of_class = {**common, "share_class": name, "currency": c["currency"]}
        rows.append({**of_class, "component": "net_assets", "currency": "EUR", "amount": c["net_assets"]})
        rows.append({**of_class, "component": "units", "quantity": c["units"]})
        rows.append({**of_class, "component": "nav_per_unit", "price": c["nav_per_unit"]})
    rows += [{**common, "component": "rate", "item": c, "currency": c, "price": rate} for c, rate in strike.rates.per_pivot.items()]
    for row in rows:
        change(row)
    return NAV_PACK.build(rows).value


def sound() -> Evidence:
    strike = struck(EVENTS, share="101", usd="1.24").value
    before = value(book(EVENTS, FRIDAY), priced(FRIDAY), at(FRIDAY), MASTER, "EUR", FRIDAY).value
    journal = book(EVENTS, MONDAY, lambda on: at(on, "1.24") if on > FRIDAY else at(on)).journal
    roll = attribute(before, strike, journal, struck_before=OPENING)
    units = {name: row["units"] for name, row in strike.rows.items()}
    return Evidence(strike, Tolerances(), roll, units, shadow(strike, pack(strike), D("0.5")).value, terms=fund().on(MONDAY))


def answer(evidence: Evidence, name: str) -> Verdict:
    return next(c.verdict for c in control(evidence) if c.name == name)


def test_a_sound_strike_passes_every_control() -> None:
    answers = control(sound())
    assert len(answers) == len(CONTROLS)
    assert [(c.name, c.says) for c in answers if c.verdict is not Verdict.PASS] == []
    assert verdict(answers) is Verdict.PASS


def test_every_control_has_a_page_that_an_auditor_can_read() -> None:
    assert all(len((each.__doc__ or "").split()) > 25 for each in CONTROLS)


def broken() -> dict[str, Evidence]:
    e = sound()
    strike, roll = e.struck, e.attribution
    assert roll
    rows = strike.classes.to_pylist()
    rows[0]["net_assets"] += D("0.01")
    lost = [r for r in strike.components.to_pylist() if r["component"] != "cash"]
    bare = [{**r, "price": None} for r in strike.components.to_pylist()]
    unpaid = [{**r, "base": r["base"] * 500} if r["item"] == "administration_fee" else r for r in strike.components.to_pylist()]
    stuck = [
        *strike.components.to_pylist(),
        {**strike.components.to_pylist()[0], "component": "suspense", "item": "suspense", "local": D(5)},
    ]

    def table(of: Any, rows: Any) -> Any:
        return type(of).from_pylist(rows, schema=of.schema)

    late = table(roll.table, [*roll.table.to_pylist(), {"cause": "late items", "item": "x", "amount": D(3)}])
    gap = table(roll.table, [{"cause": "residual", "item": "x", "amount": D("0.01")}])
    return {
        "expected_nav": replace(e, attribution=replace(roll, table=gap)),
        "expected_nav late": replace(e, attribution=replace(roll, table=late)),
        "units_agree": replace(e, register_units={**(e.register_units or {}), "A": D(1499)}),
        "two_computations_agree": replace(e, struck=replace(strike, components=table(strike.components, lost))),
        "classes_sum_to_fund": replace(e, struck=replace(strike, classes=table(strike.classes, rows))),
        "every_holding_priced": replace(e, struck=replace(strike, components=table(strike.components, bare))),
        "every_holding_priced doubt": replace(e, findings=[warning("price-stale", "SHARE stands still")]),
        "movement_within_tolerance": replace(e, tolerances=Tolerances(nav_move_pct=D("0.1"))),
        "suspense_empty": replace(e, struck=replace(strike, components=table(strike.components, stuck))),
        "accruals_cover_every_day": replace(e, struck=replace(strike, previous_day=strike.day)),
        "accruals_cover_every_day none": replace(e, struck=replace(strike, accruals=())),
        "accruals_cover_every_day doubled": replace(e, struck=replace(strike, accruals=(*strike.accruals, strike.accruals[0]))),
        "accruals_are_paid": replace(e, struck=replace(strike, components=table(strike.components, unpaid))),
        "every_event_posted": replace(e, refused=(warning("position-too-small", "SELL 9 of 8"),)),
        "administrator_agrees": replace(e, shadow=None),
    }  # fmt: skip


ATTENTION = {
    "expected_nav late",
    "every_holding_priced doubt",
    "movement_within_tolerance",
    "suspense_empty",
    "accruals_are_paid",
    "administrator_agrees",
}


@pytest.mark.parametrize("what", list(broken()))
def test_each_control_catches_what_it_is_for(what: str) -> None:
    expected = Verdict.ATTENTION if what in ATTENTION else Verdict.BLOCKED
    assert answer(broken()[what], what.split()[0]) is expected


def test_two_people_release_a_blocked_nav_and_one_does_not() -> None:
    answers = control(broken()["units_agree"])
    assert verdict(answers) is Verdict.BLOCKED
    assert verdict(answers, [Approval("units_agree", "ana", "ben", "transfer in flight", MONDAY)]) is Verdict.ATTENTION
    assert verdict(answers, [Approval("units_agree", "ana", " Ana", "transfer in flight", MONDAY)]) is Verdict.BLOCKED
    assert verdict(answers, [Approval("units_agree", "ana", "ben", "", MONDAY)]) is Verdict.BLOCKED


def changed(component: str, item: str | None, **to: Any) -> Callable[[dict[str, Any]], Any]:
    def change(row: dict[str, Any]) -> None:
        if (row["component"], row.get("item")) == (component, item) and row.get("share_class") not in ("B", "H"):
            row.update({k: v(row[k]) for k, v in to.items()})

    return change


def _plus_2_pct(number: Decimal) -> Decimal:
    return number * D("1.02")


@pytest.mark.parametrize(
    ("change", "off", "why"),
    [
        (changed("holding", "SHARE", price=_plus_2_pct, amount=_plus_2_pct), ("holding", "SHARE", "amount"), "price"),
        (changed("holding", "SHARE", quantity=_plus_2_pct, amount=_plus_2_pct), ("holding", "SHARE", "amount"), "quantity"),
        (changed("accrual", "management_fee", amount=lambda a: a - D("0.06")), ("accrual", "management_fee", "amount"), "accrual"),
        (changed("cash", "USD", amount=lambda a: a - 500), ("cash", "USD", "amount"), "amount differs"),
        (changed("rate", "USD", price=lambda p: p * D("1.01")), ("rate", "USD", "price"), "exchange rate"),
        (changed("units", None, quantity=lambda q: q + 1000), ("units", None, "quantity"), "units in issue"),
    ],
)  # fmt: skip
def test_the_shadow_names_the_component_that_differs(change: Any, off: tuple[str, str, str], why: str) -> None:
    strike = sound().struck
    result = shadow(strike, pack(strike, change), D("0.5"))
    found = {(r["component"], r["item"], r["field"]): r["explanation"] for r in result.value.differences.to_pylist()}
    assert found[off] == why
    assert result.value.verdict is Verdict.ATTENTION
    assert result.findings and all(f.code == "shadow-difference" for f in result.findings)


def test_an_accrual_off_by_days_says_how_many() -> None:
    """Class A: 150,000 x 1% / 365 = 4.11 a day; the administrator accrued five days over the weekend."""
    strike = sound().struck
    daily = strike.rows["A"]["management_fee"] / 3
    table = pack(strike, changed("accrual", "management_fee", amount=lambda a: round(a - 2 * daily, 2)))
    found = [r for r in shadow(strike, table, D("0.5")).value.differences.to_pylist() if r["item"] == "management_fee"]
    assert [(r["share_class"], r["explanation"]) for r in found] == [("A", "accrual: the administrator has 2 days more")]


def test_a_balance_that_only_the_administrator_has_is_said() -> None:
    strike = sound().struck
    extra = {
        "fund": "TEST",
        "nav_date": MONDAY,
        "component": "receivable",
        "item": "dividends_receivable",
        "currency": "EUR",
        "amount": D(900),
    }
    table = NAV_PACK.build([*pack(strike).to_pylist(), extra]).value
    (row,) = shadow(strike, table, D("0.5")).value.differences.to_pylist()
    assert (row["item"], row["ours"], row["difference"], row["explanation"]) == (
        "dividends_receivable",
        None,
        -900,
        "only the administrator has it",
    )


def test_a_class_that_differs_while_no_component_does_blocks() -> None:
    strike = sound().struck

    def swap(row: dict[str, Any]) -> None:
        if row["component"] == "net_assets" and row.get("share_class") in ("A", "B"):
            row["amount"] += 100 if row["share_class"] == "A" else -100

    assert shadow(strike, pack(strike, swap), D("0.5")).value.verdict is Verdict.BLOCKED


def test_within_tolerance_is_a_pass_that_still_shows_the_difference() -> None:
    strike = sound().struck
    result = shadow(strike, pack(strike, changed("cash", "EUR", amount=lambda a: a + 1)), D("0.5")).value
    assert result.verdict is Verdict.PASS
    assert [r["item"] for r in result.table.to_pylist() if r["difference"]] == ["EUR"]


def test_no_pack_is_a_warning_and_no_pass() -> None:
    result = shadow(sound().struck, NAV_PACK.empty(), D("0.5"))
    assert (result.value.verdict, [f.code for f in result.findings]) == (Verdict.ATTENTION, ["shadow-missing"])


def test_a_move_with_the_benchmark_is_no_move() -> None:
    e = replace(sound(), tolerances=Tolerances(nav_move_pct=D("0.1")))
    moves = next(c.figures for c in control(e) if c.name == "movement_within_tolerance")
    assert answer(replace(e, benchmark_move_pct=moves["A"]), "movement_within_tolerance") is Verdict.ATTENTION  # H moved otherwise
    wide = replace(e, tolerances=Tolerances(nav_move_pct=D(2)), benchmark_move_pct=moves["A"] + 3)
    assert answer(wide, "movement_within_tolerance") is Verdict.ATTENTION  # the market rose by three percent more
