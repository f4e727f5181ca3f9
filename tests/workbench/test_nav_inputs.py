"""The inputs of a strike: locked under their hashes, read again as they were, and what is missing named with who owes it."""

import json
from datetime import date
from pathlib import Path

from bo_lib.workbench import Workbench
from bo_lib.workbench.nav_inputs import due_at

FUND, DAY = "EURO-UCITS", "2026-06-30"


def desk(root: Path) -> Workbench:
    return Workbench.open(FUND, DAY, root=root)


def test_every_file_term_event_and_figure_is_locked_under_its_hash(month_copy: Path) -> None:
    report, inputs = desk(month_copy).inputs(), desk(month_copy).locked_inputs()
    rows = inputs.table.to_pylist()
    assert report.verdict == "pass" and "nothing is missing or late" in report.summary
    assert {r["kind"] for r in rows} == {"file", "earlier files", "terms", "events", "NAV before", "prices", "rates", "chain"}
    assert all(len(r["sha256"]) == 64 for r in rows)
    assert [r["owed_by"] for r in rows if r["name"] == f"MERIDIAN/nav_{FUND}_20260630.xlsx"] == ["MERIDIAN"]
    assert inputs.heads[FUND] == desk(month_copy).office.store.heads()[FUND]


def test_what_is_missing_is_listed_with_who_owes_it(month_copy: Path) -> None:
    root = month_copy
    for day in ("2026-07-01",):  # a day without a single file
        report = Workbench.open(FUND, day, root=root).inputs()
    owed = next(s.table for s in report.sections if s.title == "Missing or late").to_pylist()
    assert report.verdict == "attention"
    assert {(r["owed_by"], r["state"]) for r in owed} >= {("VENDOR-A", "missing"), ("ALPINE", "missing"), ("MERIDIAN", "missing")}
    assert all(r["due"] for r in owed)


def test_the_same_is_read_again_from_the_pinned_chains_whatever_became_known_since(month_copy: Path) -> None:
    before = desk(month_copy)
    said = [json.dumps(r.to_dict()) for r in (before.inputs(), before.prices(), before.strike(), before.nav_controls())]
    heads, locked = before.evidence()["heads"], before.locked_inputs().sha256
    prices = month_copy / "outputs/inbox" / DAY / "VENDOR-A/prices_20260630.csv"
    prices.write_text(prices.read_text("utf-8").replace("1,", "2,", 40), "utf-8")  # the vendor sends other prices
    now = desk(month_copy)
    assert now.locked_inputs().sha256 != locked
    late = [r for r in now.locked_inputs().table.to_pylist() if r["state"] == "late"]
    assert [r["name"] for r in late] == ["VENDOR-A/prices_20260630.csv"], "sent again after the day was struck"
    then = Workbench(now.office, FUND, date.fromisoformat(DAY), heads=heads)
    assert [json.dumps(r.to_dict()) for r in (then.inputs(), then.prices(), then.strike(), then.nav_controls())] == said


def test_what_is_due_in_the_morning_comes_on_the_day_after(month_copy: Path) -> None:
    fund = desk(month_copy).fund
    due = {d.format: f"{due_at(date(2026, 6, 30), d):%Y-%m-%d %H:%M}" for d in fund.deliveries}
    assert due["mt940"] == "2026-07-01 07:00" and due["nav_pack"] == "2026-06-30 21:00"
