"""The NAV as a workbook that computes itself: from the NAV per unit down to quantity, price and rate, every step a formula.

Where a figure is no plain product (interest accrued, fees booked over days, a variation margin already paid) the cell holds the
figure. Every formula carries its result, so that a viewer that computes nothing shows the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from bo_lib.model.money import ZERO, minor_unit_digits, round_money, round_to
from bo_lib.nav import Attribution, Shadow, Strike
from bo_lib.views.excel import Sheets, workbook
from bo_lib.views.report import Report

CLASSES, HOLDINGS, BALANCES, RATES, MOVE, SHADOW = "Classes", "Holdings", "Balances", "Rates", "Move", "Shadow"
_SUMS = ("opening", "capital", "share", "hedge")


def write(path: Path, title: str, struck: Strike, roll: Attribution | None, shadow: Shadow, reports: Sequence[Report]) -> Path:
    """Write the workbook to ``path`` and return it: the NAV live, then the tables of ``reports``. Equal content, equal bytes."""
    with workbook(path, title) as book:
        made = _Nav(Sheets(book), struck)
        made.nav(title)
        made.classes()
        made.holdings()
        made.balances()
        made.rates()
        if roll is not None:
            made.move(roll)
        made.shadow(shadow)
        for report in reports:
            for section in report.sections:
                if section.table is not None:
                    made.sheets.table(f"{report.title}, {section.title}", section.table)
    return path


class _Sheet:
    """One sheet: a header row, then rows whose cells are values or (formula, result)."""

    def __init__(self, sheets: Sheets, name: str, columns: Sequence[str], widths: Sequence[int]) -> None:
        self.sheets = sheets
        self.sheet = sheets.add(sheets.name(name))
        self.sheet.freeze_panes(1, 0)
        for n, (column, width) in enumerate(zip(columns, widths, strict=True)):
            self.sheet.write_string(0, n, column, sheets.head)
            self.sheet.set_column(n, n, width)
        self.row = 0

    def add(self, cells: Iterable[Any], bold: bool = False) -> int:
        """Adds a row; returns its number as Excel counts it."""
        self.row += 1
        for n, cell in enumerate(cells):
            if isinstance(cell, tuple):
                formula, result = cell
                style = self.sheets.number(_places(result), bold=bold) if isinstance(result, Decimal) else None
                self.sheet.write_formula(self.row, n, formula, style, float(result) if isinstance(result, Decimal) else result)
            else:
                self.sheets.cell(self.sheet, self.row, n, cell, None)
        return self.row + 1


class _Nav:
    def __init__(self, sheets: Sheets, struck: Strike) -> None:
        self.sheets, self.struck, self.base = sheets, struck, struck.base_currency
        rows = struck.components.to_pylist()
        self.held = [r for r in rows if r["component"] == "holding"]
        self.others = [r for r in rows if r["component"] != "holding"]
        used = {r["currency"] for r in rows} | {r["currency"] for r in struck.rows.values()} | {self.base}
        self.currencies = sorted(c for c in used if c in struck.rates)
        self.factors = {r["item"]: self._factor(r) for r in self.held}
        held, others, classes = len(self.held) + 1, len(self.others) + 1, len(struck.rows) + 1
        self.held_sum = f"SUM({HOLDINGS}!J2:J{held})" if self.held else "0"
        self.others_range = (f"{BALANCES}!A2:A{others}", f"{BALANCES}!F2:F{others}")
        self.class_sum = f"SUM({CLASSES}!J2:J{classes})"

    def _rate(self, currency: str) -> str:
        """The cell with the units of ``currency`` per unit of the pivot."""
        return f"{RATES}!B{self.currencies.index(currency) + 2}"

    def _in_base(self, cell: str, row: dict[str, Any]) -> Any:
        """The conversion as a formula, when it gives the figure of the strike; else the figure."""
        rates, local, currency = self.struck.rates, row["local"], row["currency"]
        if currency == self.base:
            return (f"={cell}", row["base"]) if local == row["base"] else row["base"]
        if currency not in rates or self.base not in rates or rates.convert(local, currency, self.base) != row["base"]:
            return row["base"]
        places = minor_unit_digits(self.base)
        return f"=ROUND({cell}*{self._rate(self.base)}/{self._rate(currency)},{places})", row["base"]

    def _factor(self, row: dict[str, Any]) -> Decimal | None:
        """Value of one unit at a price of one: 1, or 0.01 in percent of par; None where value is no plain product."""
        product = row["quantity"] * (row["price"] or ZERO)
        known = (Decimal(1), Decimal("0.01"))
        return next((f for f in known if round_money(product * f, row["currency"]) == row["local"]), None)

    def nav(self, title: str) -> None:
        sheet = _Sheet(self.sheets, "NAV", ["", self.base, "where it comes from"], [44, 22, 40])
        sheet.sheet.write_string(0, 0, f"{title}, {self.struck.day}", self.sheets.bold)
        total = self.struck.net_assets
        parts = [("holding", (f"={self.held_sum}", sum((r["base"] for r in self.held), ZERO)), HOLDINGS)]
        for kind in dict.fromkeys(r["component"] for r in self.others):
            names, amounts = self.others_range
            worth = sum((r["base"] for r in self.others if r["component"] == kind), ZERO)
            parts.append((kind, (f'=SUMIFS({amounts},{names},"{kind}")', worth), BALANCES))
        for name, cell, where in parts:
            line = sheet.add([f"{name[:1].upper()}{name[1:]}s" if name in ("holding", "accrual") else name.capitalize(), cell])
            self._link(sheet, line, 2, where)
        last = sheet.add(["Net assets", (f"=SUM(B2:B{sheet.row + 1})", total)], bold=True)
        line = sheet.add(["Net assets of all classes", (f"={self.class_sum}", total)])
        self._link(sheet, line, 2, CLASSES)
        sheet.add(["Difference (must be zero)", (f"=B{last}-B{line}", ZERO)])
        sheet.row += 1
        for n, (name, row) in enumerate(self.struck.rows.items(), start=2):
            if row["nav_per_unit"] is not None:
                line = sheet.add(
                    [f"NAV per unit, {name} ({row['currency']})", (f"={CLASSES}!M{n}", row["nav_per_unit"])], bold=True
                )
                self._link(sheet, line, 2, CLASSES, n)

    def _link(self, sheet: _Sheet, line: int, column: int, where: str, row: int = 1) -> None:
        sheet.sheet.write_url(
            line - 1, column, f"internal:'{where}'!A{row}", self.sheets.link, f"{where}, row {row}" if row > 1 else where
        )

    def classes(self) -> None:
        fees = [n for n in ("management_fee", "other_fees", "performance_fee") if n in self.struck.classes.column_names]
        names = [
            "Class",
            "Currency",
            "Opening",
            "Capital",
            "Share of result",
            "Hedge",
            "Management fee",
            "Other fees",
            "Performance fee",
        ]
        sheet = _Sheet(
            self.sheets, CLASSES, [*names, "Net assets", "Units", "Rate", "NAV per unit"], [10, 9, *[17] * 8, 16, 14, 16]
        )
        for name, row in self.struck.rows.items():
            n = sheet.row + 2
            fee = [row[f] if f in fees else ZERO for f in ("management_fee", "other_fees", "performance_fee")]
            net = (f"=SUM(C{n}:F{n})-SUM(G{n}:I{n})", row["net_assets"])
            if sum((row[s] for s in _SUMS), ZERO) - sum(fee, ZERO) != row["net_assets"]:
                net = row["net_assets"]
            sheet.add([name, row["currency"], *(row[s] for s in _SUMS), *fee, net, row["units"], *self._per_unit(n, row)])

    def _per_unit(self, n: int, row: dict[str, Any]) -> tuple[Any, Any]:
        rates, value = self.struck.rates, row["nav_per_unit"]
        if value is None or not row["units"] or row["currency"] not in rates or self.base not in rates:
            return None, value
        rate = rates.per_pivot[row["currency"]] / rates.per_pivot[self.base]
        places = max(0, -value.as_tuple().exponent)
        shown = f"={self._rate(row['currency'])}/{self._rate(self.base)}", round_to(rate, 10)
        if round_to(row["net_assets"] * rate / row["units"], places) != value:
            return shown, value
        return shown, (f"=ROUND(J{n}*L{n}/K{n},{places})", value)

    def holdings(self) -> None:
        columns = ["ISIN", "Quantity", "Price", "Currency", "Per unit", "Value", "Rate", "Rate of base", "Cost in base",
                   "Value in base", "Unrealised in base", "% of net assets"]  # fmt: skip
        sheet = _Sheet(self.sheets, HOLDINGS, columns, [16, 16, 14, 9, 9, 18, 14, 14, 18, 18, 18, 14])
        for row in self.held:
            n, factor, currency = sheet.row + 2, self.factors[row["item"]], row["currency"]
            places = minor_unit_digits(currency)
            value = row["local"] if factor is None else (f"=ROUND(B{n}*C{n}*E{n},{places})", row["local"])
            rated = currency in self.struck.rates and self.base in self.struck.rates
            rates = [
                (f"={self._rate(c)}", round_to(self.struck.rates.per_pivot[c], 10)) if rated else None
                for c in (currency, self.base)
            ]
            share = row["base"] / self.struck.net_assets * 100 if self.struck.net_assets else ZERO
            sheet.add([row["item"], row["quantity"], row["price"], currency, factor, value, *rates, row["cost_base"],
                       self._in_base(f"F{n}", row), (f"=J{n}-I{n}", row["unrealised_base"]),
                       (f"=ROUND(J{n}/NAV!B{self._net_assets_line()}*100,4)", round_to(share, 4)) if share else ZERO])  # fmt: skip

    def _net_assets_line(self) -> int:
        return 3 + len({r["component"] for r in self.others})

    def balances(self) -> None:
        sheet = _Sheet(
            self.sheets, BALANCES, ["Component", "Class", "Item", "Currency", "Amount", "Amount in base"], [14, 10, 40, 9, 20, 20]
        )
        for row in self.others:
            n = sheet.row + 2
            sheet.add(
                [row["component"], row["share_class"], row["item"], row["currency"], row["local"], self._in_base(f"E{n}", row)]
            )

    def rates(self) -> None:
        sheet = _Sheet(self.sheets, RATES, ["Currency", f"For one {self.struck.rates.pivot}"], [12, 20])
        for currency in self.currencies:
            sheet.add([currency, self.struck.rates.per_pivot[currency]])

    def move(self, roll: Attribution) -> None:
        sheet = _Sheet(self.sheets, MOVE, ["Cause", "Item", "Amount", "", "By cause", "Amount"], [14, 40, 20, 3, 22, 20])
        rows = roll.table.to_pylist()
        for row in rows:
            sheet.add([row["cause"], row["item"], row["amount"]])
        last, causes = len(rows) + 1, [c for c, amount in roll.by_cause.items() if amount and c != "residual"]
        lines: list[tuple[str, Any]] = [("Net assets before", roll.opening)]
        lines += [(c, (f'=SUMIFS(C2:C{last},A2:A{last},"{c}")', roll.by_cause[c])) for c in causes]
        lines += [("Net assets explained", (f"=SUM(F2:F{len(causes) + 2})", roll.expected))]
        lines += [("Net assets struck", (f"=NAV!B{self._net_assets_line()}", self.struck.net_assets))]
        lines += [("Unexplained (must be zero)", (f"=F{len(lines) + 1}-F{len(lines)}", roll.residual))]
        for n, (name, cell) in enumerate(lines, start=1):
            sheet.sheet.write_string(n, 4, name)
            sheet.row = n - 1
            sheet.add([None, None, None, None, None, cell]) if isinstance(cell, tuple) else self.sheets.cell(
                sheet.sheet, n, 5, cell, None
            )

    def shadow(self, shadow: Shadow) -> None:
        columns = ["Component", "Class", "Item", "Field", "Ours", "Administrator", "Difference", "Basis points", "Within", "Cause"]
        sheet = _Sheet(self.sheets, SHADOW, columns, [14, 10, 38, 10, 20, 20, 18, 13, 8, 60])
        for row in shadow.table.to_pylist():
            n, both = sheet.row + 2, row["difference"] == (row["ours"] or ZERO) - (row["theirs"] or ZERO)
            difference = (f"=N(E{n})-N(F{n})", row["difference"]) if both else row["difference"]
            sheet.add([row["component"], row["share_class"], row["item"], row["field"], row["ours"], row["theirs"], difference,
                       row["difference_bps"], row["within"], row["explanation"]])  # fmt: skip


def _places(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return min(10, max(2, -exponent)) if isinstance(exponent, int) else 2
