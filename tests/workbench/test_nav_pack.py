"""The NAV pack: PDF, XLSX, Parquet and JSON say the same; the workbook computes itself; equal content is equal bytes."""

import hashlib
import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from bo_lib.run.release import freeze
from bo_lib.views import nav_pack
from bo_lib.workbench import Workbench
from bo_lib.workbench.office import Office
from tests.conftest import Month
from tests.views.workbook_formulas import Workbook

DAY, KNOWN = "2026-06-30", "2026-06-30T23:00:00Z"


def desk(root: Path, fund: str) -> Workbench:
    return Workbench.open(fund, DAY, KNOWN, root=root)


@pytest.mark.parametrize("fund", ["EURO-UCITS", "GLOBAL-EQ-LS", "GLOBAL-BOND", "HARBOUR-PE"])
def test_the_workbook_computes_the_nav_from_quantity_price_and_rate(month: Month, tmp_path: Path, fund: str) -> None:
    pack = desk(month.root, fund).pack()
    (xlsx,) = (p for p in nav_pack.write(pack, tmp_path) if p.suffix == ".xlsx")
    book = Workbook(xlsx)
    assert len(book.formulas) > 10
    wrong = [key for key in book.formulas if abs(book.value(*key) - float(book.cells[key])) > 1e-6 * max(1, abs(book.value(*key)))]
    assert wrong == [], "every formula comes to the figure that stands beside it"
    labels = {book.cells[s, c, n]: n for (s, c, n) in book.cells if s == "NAV" and c == "A"}
    net_assets = Decimal(f"{book.value('NAV', 'B', labels['Net assets']):.2f}")
    assert net_assets == pack.struck.net_assets and book.value("NAV", "B", labels["Difference (must be zero)"]) == pytest.approx(
        0, abs=1e-6
    )
    for name, row in pack.struck.rows.items():
        if row["nav_per_unit"] is not None:
            said = book.value("NAV", "B", labels[f"NAV per unit, {name} ({row['currency']})"])
            assert said == pytest.approx(float(row["nav_per_unit"]), abs=1e-9)
    valued = [key for key in book.formulas if key[0] == "Holdings" and key[1] in "FJ"]
    assert len(valued) == 2 * len([r for r in pack.struck.components.to_pylist() if r["component"] == "holding"]), (
        "none is typed in"
    )


def test_every_rendering_says_the_same_and_equal_content_is_equal_bytes(month: Month, tmp_path: Path) -> None:
    pack = desk(month.root, "EURO-UCITS").pack()
    made = {p.name: p for p in nav_pack.write(pack, tmp_path / "one")}
    again = {p.name: p for p in nav_pack.write(desk(month.root, "EURO-UCITS").pack(), tmp_path / "two")}
    assert {n: p.read_bytes() for n, p in made.items()} == {n: p.read_bytes() for n, p in again.items()}
    said = json.loads(next(p for n, p in made.items() if n.endswith(".json")).read_text("utf-8"))
    classes = pq.read_table(next(p for n, p in made.items() if n.endswith("_classes.parquet")))
    assert Decimal(said["net_assets"]) == sum(classes["net_assets"].to_pylist()) == pack.struck.net_assets
    assert said["status"] == "released" and said["released"]["reviewer"] == "demo.reviewer"
    assert next(p for n, p in made.items() if n.endswith(".pdf")).read_bytes().startswith(b"%PDF")


def test_a_blocked_nav_still_has_its_pack(month_copy: Path, tmp_path: Path) -> None:
    for vendor in ("VENDOR-A", "VENDOR-B"):
        path = month_copy / "outputs/inbox" / DAY / vendor / "prices_20260630.csv"
        lines = path.read_text("utf-8").splitlines(keepends=True)
        path.write_text("".join(lines[:20]), "utf-8")  # the file ends early: most prices are missing
    pack = Workbench.open("EURO-UCITS", DAY, root=month_copy).pack()
    files = nav_pack.write(pack, tmp_path / "pack")
    assert pack.verdict == "blocked" and pack.state.candidate.errors and len(files) >= 8
    assert "released; the NAV was struck again" in pack.state.says, "what was released stays released"


def test_a_released_pack_is_frozen_under_its_hash(month_copy: Path) -> None:
    office = Office(month_copy)
    bench = Workbench(office, "EURO-UCITS", date.fromisoformat(DAY))
    folder = freeze(bench)
    (fact,) = office.store.facts("nav.frozen")
    assert fact.payload["sha256"].startswith(folder.name)
    assert {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()} == fact.payload["files"]
    assert not any(p.stat().st_mode & 0o222 for p in folder.iterdir())
    assert Workbench(office, "EURO-UCITS", date.fromisoformat(DAY)).struck().ok
