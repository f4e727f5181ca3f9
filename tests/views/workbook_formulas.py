"""A workbook computed anew from its formulas: only what Excel is told, none of the results that stand beside them."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

_NS = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
_REL = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_CELL = re.compile(r"(?:(?:'([^']+)'|([A-Z][a-z]+|NAV))!)?\$?([A-Z]{1,2})\$?(\d+)(?::\$?([A-Z]{1,2})\$?(\d+))?(?![\w(])")


class Workbook:
    """``written``: cells with their formula and the result beside it; ``value``: what a cell comes to."""

    def __init__(self, path: Path) -> None:
        self.cells: dict[tuple[str, str, int], Any] = {}
        self.formulas: dict[tuple[str, str, int], str] = {}
        self.done: dict[tuple[str, str, int], Any] = {}
        with zipfile.ZipFile(path) as book:
            texts = self._texts(book)
            for name, part in self._sheets(book):
                for c in ElementTree.fromstring(book.read(part)).iter(f"{{{_NS['m']}}}c"):
                    self._read(name, c, texts)

    def _texts(self, book: zipfile.ZipFile) -> list[str]:
        root = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
        return ["".join(t.text or "" for t in si.iter(f"{{{_NS['m']}}}t")) for si in root.findall("m:si", _NS)]

    def _sheets(self, book: zipfile.ZipFile) -> list[tuple[str, str]]:
        targets = {r.get("Id"): r.get("Target") for r in ElementTree.fromstring(book.read("xl/_rels/workbook.xml.rels"))}
        sheets = ElementTree.fromstring(book.read("xl/workbook.xml")).find("m:sheets", _NS)
        assert sheets is not None
        return [(str(s.get("name")), f"xl/{targets[s.get(_REL)]}") for s in sheets]

    def _read(self, sheet: str, c: Any, texts: list[str]) -> None:
        column, row = re.fullmatch(r"([A-Z]+)(\d+)", c.get("r")).groups()  # type: ignore[union-attr]
        formula, value = c.find("m:f", _NS), c.find("m:v", _NS)
        key = (sheet, column, int(row))
        if value is not None:
            self.cells[key] = (
                texts[int(value.text)] if c.get("t") == "s" else value.text if c.get("t") == "str" else float(value.text)
            )
        if formula is not None:
            self.formulas[key] = formula.text

    def value(self, sheet: str, column: str, row: int) -> Any:
        key = (sheet, column, row)
        if key not in self.done:
            self.done[key] = self._compute(sheet, self.formulas[key]) if key in self.formulas else self.cells.get(key)
        return self.done[key]

    def _compute(self, sheet: str, formula: str) -> Any:
        def cell(found: re.Match[str]) -> str:
            name, column, first, last_column, last = found[1] or found[2] or sheet, found[3], int(found[4]), found[5], found[6]
            if not last:
                value = self.value(name, column, first)
                return repr(0.0 if value is None else value)
            columns = [chr(c) for c in range(ord(column), ord(last_column) + 1)]
            return repr([self.value(name, c, r) for r in range(first, int(last) + 1) for c in columns])

        said = re.sub(r'("[^"]*")|' + _CELL.pattern, lambda m: m[1] or cell(_CELL.fullmatch(m[0])), formula.removeprefix("="))  # type: ignore[arg-type]
        return eval(said, {"__builtins__": {}}, {"SUM": _sum, "SUMIFS": _sumifs, "ROUND": _round, "N": _n, "nan": None})


def _sum(*parts: Any) -> float:
    return sum(v for p in parts for v in (p if isinstance(p, list) else [p]) if isinstance(v, float))


def _sumifs(amounts: list[Any], keys: list[Any], wanted: Any) -> float:
    return sum(a for a, k in zip(amounts, keys, strict=True) if k == wanted and isinstance(a, float))


def _n(value: Any) -> float:
    return value if isinstance(value, float) else 0.0


def _round(value: float, places: int) -> float:
    """As Excel: half away from zero, on 15 digits."""
    from decimal import ROUND_HALF_UP, Decimal

    number = Decimal(f"{value:.15g}")
    return float(number.quantize(Decimal(1).scaleb(-int(places)), ROUND_HALF_UP))
