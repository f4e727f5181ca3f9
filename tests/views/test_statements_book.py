"""The workbook of the statements: every formula gives the figure that stands beside it, and every tick-mark leads to its lines."""

from __future__ import annotations

import re
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from bo_lib.close import Financials, financials
from bo_lib.views import statements_book
from tests.close.books import LAYOUTS
from tests.close.demonstrated import month

NS = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
_REF = re.compile(r"(?:'([^']+)'!)?\$?([A-Z]+)\$?(\d+)(?::\$?([A-Z]+)\$?(\d+))?")


class Workbook:
    """Cells of an XLSX file, and the few functions its formulas use, calculated anew."""

    def __init__(self, path: Path) -> None:
        with zipfile.ZipFile(path) as z:
            shared = [
                "".join(t.text or "" for t in si.iter(f"{{{NS['m']}}}t"))
                for si in ElementTree.fromstring(z.read("xl/sharedStrings.xml")).findall("m:si", NS)
            ]
            names = [s.attrib["name"] for s in ElementTree.fromstring(z.read("xl/workbook.xml")).iter(f"{{{NS['m']}}}sheet")]
            self.sheets = {name: self._cells(z.read(f"xl/worksheets/sheet{n}.xml"), shared) for n, name in enumerate(names, 1)}
        self.known: dict[tuple[str, str], Decimal] = {}

    @staticmethod
    def _cells(xml: bytes, shared: list[str]) -> dict[str, tuple[str, Any]]:
        found: dict[str, tuple[str, Any]] = {}
        for c in ElementTree.fromstring(xml).iter(f"{{{NS['m']}}}c"):
            formula, value = c.find("m:f", NS), c.find("m:v", NS)
            text = value.text if value is not None else None
            shown = shared[int(text)] if c.attrib.get("t") == "s" and text else text
            found[c.attrib["r"]] = (formula.text or "" if formula is not None else "", shown)
        return found

    def formulas(self, sheet: str) -> list[str]:
        return [ref for ref, (formula, _) in self.sheets[sheet].items() if formula]

    def shown(self, sheet: str, ref: str) -> Decimal:
        return Decimal(self.sheets[sheet][ref][1])

    def value(self, sheet: str, ref: str) -> Decimal:
        if (sheet, ref) not in self.known:
            formula, text = self.sheets[sheet].get(ref, ("", "0"))
            self.known[sheet, ref] = self.calculate(sheet, formula) if formula else Decimal(text or 0)
        return self.known[sheet, ref]

    def calculate(self, sheet: str, formula: str) -> Decimal:
        text = re.sub(r"SUMIFS\(([^()]*)\)", lambda m: f"({self._sumifs(sheet, m.group(1))})", formula)
        text = re.sub(r"SUM\(([^()]*)\)", lambda m: f"({sum(self._range(sheet, m.group(1)), Decimal(0))})", text)
        text = _REF.sub(lambda m: f"({self.value(m.group(1) or sheet, m.group(2) + m.group(3))})", text)
        assert re.fullmatch(r"[-+*(). 0-9E]*", text), text
        numbers = re.sub(r"(\d+(?:\.\d+)?(?:E[-+]?\d+)?)", r"Decimal('\1')", text)
        return Decimal(eval(numbers, {"Decimal": Decimal}))

    def _refs(self, sheet: str, area: str) -> tuple[str, list[str]]:
        m = _REF.fullmatch(area)
        assert m, area
        return m.group(1) or sheet, [f"{m.group(2)}{n}" for n in range(int(m.group(3)), int(m.group(5)) + 1)]

    def _range(self, sheet: str, area: str) -> list[Decimal]:
        of, refs = self._refs(sheet, area)
        return [self.value(of, ref) for ref in refs]

    def _sumifs(self, sheet: str, given: str) -> Decimal:
        parts = re.findall(r"(?:'[^']*'![^,]+|\"[^\"]*\"|[^,]+)", given)
        of, refs = self._refs(sheet, parts[0])
        kept = set(range(len(refs)))
        for area, criterion in zip(parts[1::2], parts[2::2], strict=True):
            where, cells = self._refs(sheet, area)
            wanted = criterion.strip('"')
            wanted = "" if wanted == "=" else wanted
            kept &= {n for n, ref in enumerate(cells) if (self.sheets[where].get(ref, ("", ""))[1] or "") == wanted}
        return sum((self.value(of, refs[n]) for n in sorted(kept)), Decimal(0))


@pytest.fixture(scope="module", params=["us_gaap", "ifrs"])
def made(request: pytest.FixtureRequest) -> tuple[str, Financials]:
    return request.param, financials(month("EURO-UCITS").sources, LAYOUTS[request.param])


@pytest.fixture(scope="module")
def book(made: tuple[str, Financials], tmp_path_factory: pytest.TempPathFactory) -> Workbook:
    path = tmp_path_factory.mktemp("book") / "statements.xlsx"
    return Workbook(statements_book.write(made[1], LAYOUTS[made[0]], path))


def test_every_formula_gives_the_figure_beside_it(book: Workbook) -> None:
    count = 0
    for sheet in book.sheets:
        for ref in book.formulas(sheet):
            assert abs(book.value(sheet, ref) - book.shown(sheet, ref)) < Decimal("0.005"), (sheet, ref, book.sheets[sheet][ref])
            count += 1
    assert count > 300


def test_net_assets_of_the_workbook_are_the_nav(book: Workbook, made: tuple[str, Financials]) -> None:
    title = statements_book.sheet_name(made[1].statements["position"].title)
    last = max((r for r in book.formulas(title) if r.startswith("B")), key=lambda r: int(r[1:]))
    assert round(book.value(title, last), 2) == month("EURO-UCITS").sources.struck.net_assets


def test_every_statement_line_has_a_tick_mark_that_is_a_link(book: Workbook, made: tuple[str, Financials]) -> None:
    for statement in made[1].statements.values():
        rows = [r for r in statement.table.to_pylist() if r["kind"] == "line"]
        shown = [v for _, v in book.sheets[statements_book.sheet_name(statement.title)].values()]
        assert all(row["code"] in shown for row in rows)


def test_the_same_statements_are_the_same_file(made: tuple[str, Financials], tmp_path: Path) -> None:
    one, two = (statements_book.write(made[1], LAYOUTS[made[0]], tmp_path / f"{n}.xlsx").read_bytes() for n in (1, 2))
    assert one == two


def test_as_data_every_amount_is_text(made: tuple[str, Financials]) -> None:
    said = statements_book.as_data(made[1])
    assert said["statements"]["position"]["lines"][-1]["amount"] == f"{made[1].net_assets:f}"
    assert said["ties"] and all(Decimal(t["difference"]) == 0 for t in said["ties"])
