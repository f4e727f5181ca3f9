"""A NAV error at the desk: found after the fact, sized, and owed; what was published stays what it was."""

from datetime import date
from decimal import Decimal

import pytest

from bo_lib.config import ParameterError
from bo_lib.model.findings import Verdict
from bo_lib.nav.errors import THE_FUND
from bo_lib.nav.release import RELEASED
from bo_lib.store import Fact
from bo_lib.workbench import Workbench
from bo_lib.workbench.nav_errors import nav_error, restruck
from bo_lib.workbench.office import release_stream

MONDAY, TUESDAY = date(2026, 6, 1), date(2026, 6, 2)


def correct(desk: Workbench, isin: str, price: Decimal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two people find that the price of the day was another."""
    monkeypatch.setenv("BO_ACTOR", "ana")
    desk.override_price(isin, price, desk.day, "wrong line of the exchange")
    monkeypatch.setenv("BO_ACTOR", "ben")
    desk.approve_price(isin)


def test_days_struck_again_from_the_same_facts_are_the_same(desk: Workbench) -> None:
    error, report = nav_error(desk.office, desk.fund.id, MONDAY, TUESDAY)
    assert error.worst_pct == 0 and not error.deals.num_rows and report.verdict is Verdict.PASS
    assert {row["day"] for row in error.days.to_pylist()} == {MONDAY, TUESDAY}


def test_a_wrong_price_is_found_sized_and_compensated(desk: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    held = {r["item"]: r for r in desk.struck().value.components.to_pylist() if r["component"] == "holding"}
    isin = max(held, key=lambda i: held[i]["base"])
    before = desk.office.store.heads()
    correct(desk, isin, held[isin]["price"] / 2, monkeypatch)
    error, report = nav_error(desk.office, desk.fund.id, MONDAY, TUESDAY)
    right = next(d for d in restruck(desk.office, desk.fund.id, MONDAY, TUESDAY).value if d.day == TUESDAY)
    lost = held[isin]["base"] / 2
    assert abs(desk.struck().value.net_assets - right.struck.net_assets - lost) < 1
    assert error.material_days == [TUESDAY] and report.verdict is Verdict.BLOCKED
    dealt = error.deals.to_pylist()
    assert dealt and all((r["investor_gain"] > 0) == (r["action"] == "REDEEM") for r in dealt)  # overstated
    owed = {r["payee"] for r in error.compensation.to_pylist()}
    assert owed == {THE_FUND if r["investor_gain"] > 0 else r["investor"] for r in dealt}
    assert any("Material on 2026-06-02" in s.says for s in report.sections)
    written = {s for s, head in desk.office.store.heads().items() if head != before[s]}
    assert written == {desk.fund.id}  # the two decisions, and nothing of the sizing


def test_a_period_without_a_nav_is_a_letter(desk: Workbench) -> None:
    with pytest.raises(ParameterError, match="no NAV of 2026-06-03"):
        nav_error(desk.office, desk.fund.id, date(2026, 6, 3), date(2026, 6, 3))
    with pytest.raises(ParameterError, match="no business day"):
        nav_error(desk.office, desk.fund.id, date(2026, 6, 6), date(2026, 6, 7))


def test_what_was_released_is_what_people_dealt_at(desk: Workbench) -> None:
    """A release says another figure than the strike of the day: the error is held against the release."""
    (struck,) = [f for f in desk.office.store.facts("nav.struck", stream=desk.fund.id) if f.effective_date == TUESDAY]
    classes = [
        {**c, "nav_per_unit": str(Decimal(c["nav_per_unit"]) * 2), "net_assets": str(Decimal(c["net_assets"]) * 2)}
        for c in struck.payload["classes"]
    ]
    fact = Fact("r", release_stream(desk.fund.id), RELEASED, desk.fund.id, TUESDAY, {**struck.payload, "classes": classes})
    desk.office.store.append([fact], "ana", desk.office.now())
    error, _ = nav_error(desk.office, desk.fund.id, TUESDAY, TUESDAY)
    assert error.worst_pct > 99 and error.material_days == [TUESDAY]
