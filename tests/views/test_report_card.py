"""The administrator's report card: what agreed, what differed and when it came."""

from typing import Any

from bo_lib.views.pages.report_card import report_card


def compared(day: str, bps: str, arrived: str = "in time", **beyond: int) -> dict[str, Any]:
    return {
        "fund": "F", "administrator": "MERIDIAN", "business_date": day, "compared": 50, "net_assets_bps": bps, "beyond": beyond,
        "arrived": arrived, "known_at": f"{day}T20:00:00Z" if arrived != "missing" else "",
    }  # fmt: skip


def test_days_that_agreed_differences_by_component_and_lateness() -> None:
    card = report_card([
        compared("2026-06-01", "0.00"), compared("2026-06-02", "-8.48", cash=1, holding=2), compared("2026-06-03", "0.10", "late"),
        compared("2026-06-04", "0", "missing"),
    ])  # fmt: skip
    assert card.summary == "2 of 4 NAVs agreed within tolerance; 2 late or missing."
    tables = {s.title: s.table.to_pylist() for s in card.sections if s.table is not None}
    (meridian,) = tables["By administrator"]
    assert (meridian["agreed"], meridian["late"], meridian["missing"], f"{meridian['largest_bps']}") == (2, 1, 1, "8.48")
    assert {r["component"]: r["differences"] for r in tables["By component"]} == {"holding": 2, "cash": 1}
    assert [str(r["business_date"])[-2:] for r in tables["Day by day"]] == ["04", "03", "02", "01"]


def test_a_fund_without_administrator_has_an_empty_card() -> None:
    assert report_card([]).summary == "No NAV to compare."
