"""The store's facts as rows of the control tower."""

from collections.abc import Iterator
from datetime import date, time
from pathlib import Path

import pytest

from bo_lib.config import Delivery, load_firm
from bo_lib.store import Fact, Store
from bo_lib.views.tower_data import business_dates, fund_rows, tower_data
from tests.browser import small_firm

TODAY = date(2026, 6, 30)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path}/books.sqlite") as opened:
        yield opened


def put(store: Store, kind: str, entity: str, day: date, payload: dict[str, object], stream: str = "EURO-UCITS") -> None:
    number = sum(head.n for head in store.heads().values())
    store.append([Fact(f"{kind}-{entity}-{number}", stream, kind, entity, day, payload)], "tests", "2026-06-30T18:04:00Z")


def test_a_break_opens_once_and_closes_and_may_open_again(store: Store) -> None:
    put(store, "break.opened", "b1", date(2026, 6, 26), {"value_base": "5", "text": "first"})
    put(store, "break.opened", "b2", date(2026, 6, 26), {"opened": "2026-06-24", "value_base": "7"})
    put(store, "break.closed", "b1", date(2026, 6, 29), {"reason": "gone"})
    put(store, "break.accepted", "b2", TODAY, {})
    monday = {row["break_id"]: row for row in tower_data(store, date(2026, 6, 29)).breaks}
    assert monday["b1"]["closed"] == "2026-06-29" and monday["b1"]["text"] == "first" and monday["b2"]["closed"] == ""
    assert monday["b1"]["opened"] == "2026-06-26" and monday["b2"]["opened"] == "2026-06-24"
    assert {row["break_id"]: row["closed"] for row in tower_data(store, TODAY).breaks} == {"b1": "2026-06-29", "b2": "2026-06-30"}
    put(store, "break.opened", "b1", TODAY, {"opened": "2026-06-30", "value_base": "6"})
    again = next(row for row in tower_data(store, TODAY).breaks if row["break_id"] == "b1")
    assert (again["closed"], again["opened"], again["value_base"]) == ("", "2026-06-30", "6")


def test_runs_and_arrivals_are_of_the_day_and_the_last_word_counts(store: Store) -> None:
    put(store, "run.started", "EURO-UCITS/dealing", TODAY, {"fund": "EURO-UCITS", "notebook": "dealing"}, "runs")
    assert [(r["state"], r["finished_at"]) for r in tower_data(store, TODAY).runs] == [("started", "")]
    (given_up,) = tower_data(store, TODAY, going_on=lambda key: False).runs
    assert (given_up["state"], given_up["error"]) == ("failed", "interrupted; start it again")
    put(
        store, "run.finished", "EURO-UCITS/dealing", TODAY, {"fund": "EURO-UCITS", "notebook": "dealing", "state": "failed"}, "runs"
    )
    assert tower_data(store, TODAY).runs[-1]["state"] == "failed"
    for state in ("late", "arrived"):
        put(store, "arrival", f"mt940-{state}", TODAY, {"sender": "ALPINE", "format": "mt940", "state": state})
    assert [a["state"] for a in tower_data(store, TODAY).arrivals] == ["arrived"]
    assert tower_data(store, date(2026, 7, 1)).runs == []
    assert business_dates(store) == [TODAY]


def test_what_waits_for_a_second_person_is_counted_and_said(store: Store) -> None:
    for name in ("MJ1", "MJ2"):
        said = {"id": f"p-{name}", "action": "journal", "about": name, "content": {}, "text": "rent", "day": "2026-06-30"}
        put(store, "proposal.made", f"p-{name}", TODAY, {**said, "value_base": None})
    made = {f.payload["about"]: f.hash for f in store.facts("proposal.made")}
    answer = Fact("answer", "EURO-UCITS", "proposal.rejected", "p-MJ2", TODAY, {"id": "p-MJ2", "sha256": made["MJ2"], "text": "no"})
    store.append([answer], "ben", "2026-06-30T18:04:00Z")
    page = tower_data(store, TODAY).tower(TODAY, [{"id": "EURO-UCITS", "name": "", "base_currency": "EUR", "calendar": "TARGET"}])
    (figure,) = (f for f in page.control_figures if f.label == "For a second person")
    assert (figure.value, figure.note, figure.alarm) == (1, "journal MJ1", True)
    (item,) = page.attention
    assert item.what == "Journal MJ1" and "proposed by tests, waits for a second person: rent" in item.why


def test_a_small_firm_adds_up(tmp_path: Path) -> None:
    root = small_firm.build(tmp_path)
    funds = fund_rows(root, load_firm(root))
    assert [(f["id"], f["base_currency"], f["nav_move_pct"]) for f in funds] == [
        ("EURO-UCITS", "EUR", "3"),
        ("GLOBAL-EQ-LS", "USD", "4"),
    ]
    with Store.open(f"sqlite:///{root}/outputs/books.sqlite") as store:
        assert business_dates(store) == sorted(small_firm.DAYS, reverse=True)
        page = tower_data(store, TODAY).tower(TODAY, funds)
    assert [figure.value for figure in page.control_figures][:2] == [4, 11]


def test_a_fund_without_a_readable_file_keeps_its_place(tmp_path: Path) -> None:
    root = small_firm.build(tmp_path)
    (root / "parameters/funds/EURO-UCITS.yaml").write_text("id: [")
    assert [f["name"] for f in fund_rows(root, load_firm(root))] == ["EURO-UCITS", small_firm.HOSTILE]


def test_a_delivery_that_every_fund_waits_for_counts_once(store: Store) -> None:
    prices = Delivery(sender="VENDOR-A", format="prices", due=time(19))
    for fund in ("EURO-UCITS", "GLOBAL-BOND"):
        for sender in ("VENDOR-A", "ORDERS"):
            put(store, "arrival", sender, TODAY, {"sender": sender, "format": "prices", "state": "missing"}, fund)
    rows = tower_data(store, TODAY, [prices]).arrivals
    assert [(row["sender"], row["fund"]) for row in rows] == [("VENDOR-A", ""), ("ORDERS", "EURO-UCITS"), ("ORDERS", "GLOBAL-BOND")]
