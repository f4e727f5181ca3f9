"""The seeded errors: every kind, each in one file, none of them in the simulator's own truth."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from bo_lib.demo.errors import HEADER, KINDS, PLAN

from .test_books import FUNDS, figure, packs
from .test_files import contents, csv_rows

Truth = list[dict[str, str]]


@pytest.fixture(scope="module")
def truth(seeded: Path) -> Truth:
    with (seeded / "demo" / "truth.csv").open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        assert tuple(reader.fieldnames or ()) == HEADER
        return list(reader)


def test_a_clean_month_has_no_truth_to_tell(clean: Path) -> None:
    assert (clean / "demo" / "truth.csv").read_text("utf-8").splitlines() == [",".join(HEADER)]


def test_every_kind_of_error_occurs_in_the_last_week(truth: Truth) -> None:
    last_week = {row["kind"] for row in truth if row["date"] >= "2026-06-24"}
    assert last_week == set(KINDS)
    assert 60 <= len(truth) <= 75
    assert min(row["date"] for row in truth) >= "2026-06-02"


def test_the_whole_plan_is_carried_out(truth: Truth) -> None:
    planned = Counter(kind for _, kind, _, _ in PLAN)
    done = Counter(row["kind"] for row in truth)
    assert {kind: done[kind] for kind in planned} == dict(planned)
    assert set(done) - set(planned) == {"fail", "order_late"}  # part of life


def test_each_row_names_a_file_that_came_or_is_missing(truth: Truth, seeded: Path) -> None:
    for row in truth:
        path = seeded / "inbox" / row["date"] / row["file"]
        lost = row["kind"] == "file_missing" or (row["kind"] in ("action_missing", "confirmation_missing") and not path.exists())
        assert path.exists() != lost, row
        assert row["file"].startswith(f"{row['sender']}/") and row["found_by"] == KINDS[row["kind"]] and row["key"] and row["field"]


def test_a_file_that_is_lost_or_cut_hides_no_other_error(truth: Truth) -> None:
    kinds = defaultdict(set)
    for row in truth:
        kinds[row["date"], row["file"]].add(row["kind"])
    for (day, file), found in kinds.items():
        assert not any(kind.startswith("file_") for kind in found) or len(found) == 1, (day, file, found)


def test_errors_are_made_in_the_files_and_nowhere_else(truth: Truth, clean: Path, seeded: Path) -> None:
    wrong_packs = {(row["date"], row["fund"]) for row in truth if row["kind"].startswith("nav_")}
    assert len(wrong_packs) >= 7
    for fund in FUNDS:
        right, shown = packs(clean, fund), packs(seeded, fund)
        for day in right:
            if (day, fund) in wrong_packs:
                assert right[day] != shown[day]
            else:
                assert right[day] == shown[day], (day, fund)


def test_only_files_named_in_the_truth_or_later_ones_of_the_same_sender_differ(truth: Truth, clean: Path, seeded: Path) -> None:
    right, shown = contents(clean / "inbox"), contents(seeded / "inbox")
    first: dict[str, str] = {}
    for row in truth:
        first[row["sender"]] = min(first.get(row["sender"], row["date"]), row["date"])
    for name in right.keys() | shown.keys():
        day, sender = name.split("/")[:2]
        if right.get(name) != shown.get(name):
            assert day >= first[sender], name


def test_a_wrong_trade_is_amended_later(truth: Truth, seeded: Path) -> None:
    for row in (r for r in truth if r["kind"] in ("trade_price", "trade_quantity", "trade_unknown_isin")):
        amended = row["note"].split()[-1]
        path = seeded / "inbox" / amended / row["file"].replace(row["date"].replace("-", ""), amended.replace("-", ""))
        if date.fromisoformat(amended) > date(2026, 6, 30):
            continue
        (found,) = (r for r in csv_rows(path, "Trade Ref") if r["Trade Ref"] == row["key"])
        column = {"price": "Price", "quantity": "Quantity", "isin": "ISIN"}[row["field"]]
        assert (found["Version"], found["Status"], found[column]) == ("2", "AMEND", row["right"])


def test_the_administrators_wrong_price_is_in_that_days_pack_only(truth: Truth, seeded: Path) -> None:
    for row in (r for r in truth if r["kind"] == "nav_price"):
        pack = packs(seeded, row["fund"])[row["date"]]
        assert figure(pack, "holding", item=row["key"], name="Price") == Decimal(row["wrong"]) != Decimal(row["right"])
