"""The morning meeting's page: what ran, what is open and how old, how far NAVs moved, and what comes first."""

from datetime import date
from decimal import Decimal
from typing import Any

from bo_lib.model.findings import Verdict
from bo_lib.views.tower import Tower, tower

TODAY = date(2026, 6, 30)
FUNDS = [
    {"id": "EURO-UCITS", "name": "Euro Equity", "base_currency": "EUR", "calendar": "TARGET", "nav_move_pct": "3"},
    {"id": "BOND", "name": "Bonds", "base_currency": "USD", "calendar": "TARGET", "nav_move_pct": "3"},
]


def run(notebook: str, verdict: str, fund: str = "EURO-UCITS", **more: Any) -> dict[str, Any]:
    row = {"fund": fund, "notebook": notebook, "business_date": "2026-06-30", "state": "finished", "verdict": verdict}
    return {
        **row,
        "summary": f"{notebook}: {verdict}",
        "seconds": "4.2",
        "finished_at": "2026-06-30T18:04:05Z",
        "folder": "outputs/x",
        **more,
    }


def a_break(opened: str, value: str | None = "10", fund: str = "EURO-UCITS", **more: Any) -> dict[str, Any]:
    return {"break_id": opened, "fund": fund, "opened": opened, "closed": "", "kind": "amount", "value_base": value, **more}


def nav(day: str, net_assets: str, per_unit: dict[str, str], fund: str = "EURO-UCITS") -> dict[str, Any]:
    classes = [{"id": c, "net_assets": "100", "units": "1", "nav_per_unit": price} for c, price in per_unit.items()]
    return {"fund": fund, "business_date": day, "net_assets": net_assets, "currency": "EUR", "classes": classes}


def page(runs: Any = (), breaks: Any = (), navs: Any = (), arrivals: Any = ()) -> Tower:
    return tower(runs, breaks, navs, arrivals, TODAY, FUNDS)


def figures(made: Tower) -> dict[str, Any]:
    return {f.label: f for f in (*made.nav_figures, *made.control_figures)}


def test_every_fund_and_process_has_a_cell_and_the_last_run_counts() -> None:
    made = page(
        [
            run("nav_strike", "blocked"),
            run("nav_strike", "pass", folder="outputs/second"),
            run("dealing", "", state="failed", error="died"),
        ]
    )
    assert made.cell("EURO-UCITS", "nav_strike").said == "pass" and made.cell("EURO-UCITS", "nav_strike").folder == "outputs/second"
    assert made.cell("EURO-UCITS", "nav_strike").at == "18:04"
    assert made.cell("EURO-UCITS", "dealing").said == "failed" and made.cell("BOND", "dealing").said == ""
    assert len(made.cells) == 2 * 6


def test_the_administrators_navs_are_counted_and_the_widest_difference_is_named() -> None:
    agreed = {"compared": 40, "net_assets_bps": "0.01", "beyond": {}}
    one, two = (nav("2026-06-30", "100", {"A": "1"}, fund) for fund in ("EURO-UCITS", "BOND"))
    both = figures(page(navs=[one | {"shadow": agreed}, two | {"shadow": agreed}]))["Administrator agrees"]
    assert (both.value, both.note, both.alarm) == ("2 of 2", "every figure within tolerance", False)
    apart = figures(
        page(navs=[one | {"shadow": agreed}, two | {"shadow": {**agreed, "net_assets_bps": "-12.3", "beyond": {"cash": 1}}}])
    )
    assert (apart["Administrator agrees"].value, apart["Administrator agrees"].alarm) == ("1 of 2", True)
    assert apart["Administrator agrees"].note == "BOND is 12.30 bp apart"
    missing = figures(page(navs=[one | {"shadow": {**agreed, "compared": 0}}, two]))["Administrator agrees"]
    assert (missing.value, missing.note, missing.alarm) == ("0 of 1", "no pack for EURO-UCITS", True)
    assert "Administrator agrees" not in figures(page(navs=[one, two]))


def test_a_run_that_began_and_did_not_end_is_running() -> None:
    assert page([run("dealing", "", state="started", finished_at="")]).cell("EURO-UCITS", "dealing").said == "running"


def test_runs_of_other_days_are_not_shown() -> None:
    assert page([run("dealing", "pass", business_date="2026-06-29")]).summary == "Nothing has run for 30 June 2026 yet."


def test_breaks_are_aged_in_business_days_and_counted_per_fund() -> None:
    made = page(
        breaks=[
            a_break("2026-06-30"),
            a_break("2026-06-26", kind="missing_here"),  # a Friday: two business days before Tuesday
            a_break("2026-06-10", "2500.50"),
            a_break("2026-06-01", "7", "BOND"),
            a_break("2026-06-20", closed="2026-06-29"),
            a_break("2026-07-01"),
        ]
    )
    counted = {(row["fund"], row["band"]): row["breaks"] for row in made.ages.to_pylist() if row["breaks"]}
    assert counted == {("EURO-UCITS", "0-1"): 1, ("EURO-UCITS", "2-5"): 1, ("EURO-UCITS", "6-30"): 1, ("BOND", "6-30"): 1}
    said = figures(made)
    assert said["Open breaks"].value == 4 and said["Open breaks"].note == "differences still open, 1 new today"
    assert said["Oldest break"].value == 21 and said["Oldest break"].alarm
    assert said["Value in breaks"].value == Decimal("2520.50") and said["Value in breaks"].note == "EUR, and USD 7.00"
    assert said["Unmatched"].value == 1


def test_a_break_closed_after_the_day_is_still_open_on_the_day() -> None:
    assert figures(page(breaks=[a_break("2026-06-29", closed="2026-07-01")]))["Open breaks"].value == 1
    assert figures(page(breaks=[a_break("2026-06-29", closed="2026-06-30")]))["Open breaks"].value == 0


def test_a_break_that_cannot_be_valued_is_said_so() -> None:
    assert figures(page(breaks=[a_break("2026-06-29", None)]))["Value in breaks"].note == "EUR, and 1 of unknown value"


def test_nav_moves_per_unit_so_that_flows_do_not_count() -> None:
    made = page(
        navs=[nav("2026-06-29", "200", {"A": "100", "I": "50"}), nav("2026-06-30", "900", {"A": "101", "I": "50.25", "NEW": "100"})]
    )
    figure = figures(made)["EURO-UCITS"]
    assert figure.value == Decimal(900) and figure.note == "EUR, +0.75% per unit since 29 June 2026" and not figure.alarm
    assert figures(made)["BOND"].value == "not struck" and figures(made)["BOND"].note == "never yet"
    lines = {(row["series"], str(row["business_date"])): row["index"] for row in made.lines.to_pylist()}
    assert lines["EURO-UCITS / A", "2026-06-29"] == 100 and lines["EURO-UCITS / I", "2026-06-30"] == Decimal("100.5")
    assert lines["EURO-UCITS / NEW", "2026-06-30"] == 100


def test_a_nav_struck_again_replaces_the_first_and_an_old_one_is_not_todays() -> None:
    twice = page(navs=[nav("2026-06-30", "1", {"A": "1"}), nav("2026-06-30", "2", {"A": "1"})])
    assert figures(twice)["EURO-UCITS"].value == 2
    old = figures(page(navs=[nav("2026-06-26", "1", {"A": "1"})]))["EURO-UCITS"]
    assert old.value == "not struck" and old.note == "last on 26 June 2026"


def test_what_needs_attention_comes_worst_first() -> None:
    made = page(
        runs=[
            run("daily_recon", "attention"),
            run("dealing", "blocked"),
            run("nav_strike", "", state="failed", error="price missing", fund="BOND"),
        ],
        breaks=[a_break("2026-06-01", "5"), a_break("2026-06-02", "500", cause="late dividend", recon="cash")],
        navs=[nav("2026-06-29", "1", {"A": "100"}), nav("2026-06-30", "1", {"A": "95"})],
        arrivals=[
            {"fund": "BOND", "sender": "BOREAL", "format": "camt.053", "business_date": "2026-06-30", "state": "refused",
             "findings": [{"message": "it is for 2026-06-29"}]},
            {"fund": "BOND", "sender": "BOREAL", "format": "semt.002", "business_date": "2026-06-30", "state": "arrived"},
        ],
    )  # fmt: skip
    assert [(item.fund, item.what) for item in made.attention] == [
        ("BOND", "NAV strike failed"),
        ("EURO-UCITS", "Dealing blocked"),
        ("BOND", "BOREAL camt.053 refused"),
        ("EURO-UCITS", "NAV per unit moved -5.00%"),
        ("EURO-UCITS", "Break open for 20 business days"),
        ("EURO-UCITS", "Break open for 21 business days"),
        ("EURO-UCITS", "Reconciliation needs attention"),
    ]
    assert made.attention[0].why == "price missing" and made.attention[2].why == "it is for 2026-06-29"
    assert made.attention[4].why == "EUR 500.00, cash, amount, late dividend"
    assert made.verdict is Verdict.BLOCKED and figures(made)["Files late or refused"].value == 1
    assert made.summary == "0 of 3 runs passed; 7 things need attention, first: BOND, NAV strike failed."


def test_a_quiet_day_passes() -> None:
    made = page(runs=[run("daily_recon", "pass"), run("nav_strike", "pass")])
    assert made.verdict is Verdict.PASS and made.summary == "2 of 2 runs passed; nothing needs attention."
    assert not any(figure.alarm for figure in made.control_figures)


def test_a_fund_that_only_the_rows_know_is_shown_last() -> None:
    made = page(runs=[run("nav_strike", "pass", fund="GONE"), run("filings", "pass", fund="")])
    assert [fund for fund, _ in made.funds] == ["EURO-UCITS", "BOND", "GONE", "FIRM"]


def test_a_capital_call_is_no_performance() -> None:
    funds = [{**FUNDS[0], "kind": "closed_end"}]
    navs = [nav("2026-06-29", "100", {"LP": "100"}), nav("2026-06-30", "180", {"LP": "180"})]
    made = tower([], [], navs, [], TODAY, funds)
    assert made.nav_figures[0].note == "EUR, +80.00% with capital calls since 29 June 2026" and not made.nav_figures[0].alarm
    assert made.lines.num_rows == 0 and made.attention == ()
