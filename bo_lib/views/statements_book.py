"""Financial statements as a workbook an auditor can follow: each figure is a formula over the trial balance, each balance one over
the general ledger, and each tick-mark a link to the lines it adds up. The same statements give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from bo_lib.close import Financials, Layout
from bo_lib.close.financials import capital
from bo_lib.close.layouts import takers
from bo_lib.views.excel import BORN, Sheets
from bo_lib.views.wording import plain

LEDGER, BALANCES = "General ledger", "Trial balance"
_TB = {"type": "A", "ledger": "B", "part": "C", "share_class": "D", "currency": "E", "opening": "F", "movement": "G", "mark": "H",
       "closing": "I", "local": "J", "position": "K", "operations": "L", "lines": "M"}  # fmt: skip
_GL = ("n", "section", "effective_date", "ledger", "part", "share_class", "currency", "local", "base", "flow", "event_id", "line",
       "kind", "account", "isin", "quantity", "reference", "text", "file", "at")  # fmt: skip
_BASE, _FLOW = "I", "J"  # columns of the general ledger


def write(made: Financials, layout: Layout, path: Path) -> Path:
    """Write ``made`` to ``path``. Values stand beside the formulas, so that readers that do not calculate show them too."""
    import xlsxwriter

    safe = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(path), safe) as book:
        book.set_properties({"title": f"{made.of.fund} {made.of.day}", "created": BORN})
        _Book(Sheets(book), made, layout).all()
    return path


def sheet_name(title: str) -> str:
    """What the sheet of a statement is called: short enough for a tab."""
    short = title.removeprefix("Statement of ").partition(" attributable")[0]
    return short[:1].upper() + short[1:31]


class _Book:
    def __init__(self, sheets: Sheets, made: Financials, layout: Layout) -> None:
        self.sheets, self.made, self.layout = sheets, made, layout
        book = sheets.book
        number = {"num_format": '#,##0.00;[Red]-#,##0.00;"-"'}
        self.plain, self.bold = book.add_format(number), book.add_format({**number, "bold": True, "top": 1})
        self.word, self.total = book.add_format({"indent": 1}), book.add_format({"bold": True})
        self.link = book.add_format({"font_color": "#1a5fb4", "underline": 1, "align": "center"})
        self.cells: dict[tuple[str, str], str] = {}  # (statement, part or code) -> cell of its amount

    def all(self) -> None:
        names = {key: self.sheets.name(sheet_name(s.title)) for key, s in self.made.statements.items()}
        for key, name in names.items():
            self._statement(key, name)
        for title, table in (
            (self.made.titles.get("condensed", "Condensed schedule"), self.made.condensed),
            (self.made.titles.get("investments", "Schedule of investments"), self.made.investments),
            (self.made.titles.get("highlights", "Financial highlights"), self.made.highlights),
            ("Notes", self.made.notes), ("Roll-forwards", self.made.rolled), ("Realised gains", self.made.realised),
        ):  # fmt: skip
            self.sheets.table(title, table)
        self._ties()
        self._balances()
        self._ledger()

    # Statements: every line adds up balances or flows, every total adds up its lines

    def _statement(self, key: str, name: str) -> None:
        statement, sheet = self.made.statements[key], self.sheets.add(name)
        of = self.made.of
        sheet.set_column(0, 0, 66)
        sheet.set_column(1, 2, 19)
        sheet.set_column(3, 3, 8)
        sheet.write_string(0, 0, f"{of.fund}: {statement.title}", self.sheets.bold)
        sheet.write_string(1, 0, f"{of.opened} to {of.day}, in {of.base_currency}; {self.made.framework}. {statement.clause}")
        for column, head in enumerate(("", "Amount", "Comparative", "Ref")):
            sheet.write_string(3, column, head, self.sheets.head)
        rows = statement.table.to_pylist()
        for n, row in enumerate(rows, start=5):
            self._line(sheet, key, name, n, row, rows)
        sheet.freeze_panes(4, 1)

    def _line(self, sheet: Any, key: str, name: str, n: int, row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
        heading, total = row["kind"] == "heading", row["kind"] == "total"
        sheet.write_string(n - 1, 0, row["item"], self.total if heading or total else self.word)
        if heading:
            return
        cell = f"'{name}'!$B${n}"
        self.cells.setdefault((key, row["code"] or row["part"]), cell)
        formula = self._total(key, row, rows) if total else self._sum(key, row)
        sheet.write_formula(n - 1, 1, f"={formula}", self.bold if total else self.plain, float(row["amount"]))
        if row["comparative"] is not None:
            sheet.write_number(n - 1, 2, float(row["comparative"]), self.bold if total else self.plain)
        if row["code"]:
            sheet.write_url(n - 1, 3, self._target(key, row["code"]), self.link, row["code"])

    def _sum(self, key: str, row: Mapping[str, Any]) -> str:
        code = row["code"]
        if key == "changes":
            return self._change(row)
        if key == "cash_flows":
            flows = self.made.of.flows
            terms = [(f, times) for f in sorted(flows) for c, times in takers(self.layout.cash_flows, "F", f) if c == code]
            last = self.made.of.lines.num_rows + 1
            ranges = f"'{LEDGER}'!${_FLOW}$2:${_FLOW}${last}", f"'{LEDGER}'!${_BASE}$2:${_BASE}${last}"
            return "+".join(f'{times}*SUMIFS({ranges[1]},{ranges[0]},"{flow}")' for flow, times in terms) or "0"
        column = _TB["closing"] if key == "position" else None
        part = next(p for p in self._parts(key) if p.id == row["part"])
        added = self._balance(key, code, column) if column else f"{self._balance(key, code, 'G')}+{self._balance(key, code, 'H')}"
        return f"{part.sign}*({added})"

    def _balance(self, key: str, code: str, column: str) -> str:
        last = self.made.of.balances.num_rows + 1
        codes = f"'{BALANCES}'!${_TB[key]}$2:${_TB[key]}${last}"
        return f"SUMIFS('{BALANCES}'!${column}$2:${column}${last},{codes},\"{code}\")"

    def _change(self, row: Mapping[str, Any]) -> str:
        """A line of the statement of changes: a total of operations, or equity by what moved it and class."""
        last = self.made.of.lines.num_rows + 1
        if row["part"] == "operations":
            added = next(p for p in self._parts("operations") if p.id == "result").adds
            for part, sign in added.items():
                if self._title(part) == row["item"]:
                    return f"{sign}*{self.cells['operations', part]}" if ("operations", part) in self.cells else "0"
        moved = (key for key in capital(self.made.of) if " ".join(filter(None, key)) == row["item"])
        key = next(moved, None)
        if key is None:
            return "0"  # of the period before only
        flow, share_class = capital(self.made.of)[key][0], key[1]
        columns = [f"'{LEDGER}'!${c}$2:${c}${last}" for c in (_BASE, _FLOW, "F")]
        return f'-SUMIFS({columns[0]},{columns[1]},"{flow}",{columns[2]},"{share_class or "="}")'

    def _title(self, part: str) -> str:
        return next(str(p.total) for p in self._parts("operations") if p.id == part)

    def _parts(self, key: str) -> Any:
        return getattr(self.layout, key).parts

    def _total(self, key: str, row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
        part = row["part"]
        if part in ("opening", "closing"):
            column = _TB[part]
            last = self.made.of.balances.num_rows + 1
            kinds = ("asset", "liability") if key == "changes" else ("cash",)
            where = f"'{BALANCES}'!${'A' if key == 'changes' else 'B'}$2:${'A' if key == 'changes' else 'B'}${last}"
            return "+".join(f"SUMIFS('{BALANCES}'!${column}$2:${column}${last},{where},\"{kind}\")" for kind in kinds)
        if key == "changes":
            return "+".join(self.cells[key, r["code"]] for r in rows if r["part"] == part and r["code"]) or "0"
        terms = next(p for p in self._parts(key) if p.id == part)
        lines = [self.cells[key, r["code"]] for r in rows if r["part"] == part and r["code"]]
        added = [f"{times}*{self._part(key, name, rows)}" for name, times in terms.adds.items()]
        return "+".join([*lines, *added]) or "0"

    def _part(self, key: str, part: str, rows: Sequence[Mapping[str, Any]]) -> str:
        if (key, part) in self.cells:
            return self.cells[key, part]
        lines = [self.cells[key, r["code"]] for r in rows if r["part"] == part and r["code"]]
        return f"({'+'.join(lines)})" if lines else "0"

    def _target(self, key: str, code: str) -> str:
        """Where the figures behind a tick-mark begin: the first balance of the code, or the first line of the ledger that flows."""
        if key in ("position", "operations"):
            codes = self.made.statements[key].codes
            return f"internal:'{BALANCES}'!A{codes.index(code) + 2}" if code in codes else f"internal:'{BALANCES}'!A1"
        return f"internal:'{LEDGER}'!A1"

    # Behind them

    def _ties(self) -> None:
        sheet = self.sheets.table("Tie-out", self.made.ties)
        for n, row in enumerate(self.made.ties.to_pylist(), start=1):
            sheet.write_formula(n, 5, f"=D{n + 1}-E{n + 1}", self.plain, float(row["difference"]))

    def _balances(self) -> None:
        """Opening, movement and mark add up their lines of the general ledger; the closing balance adds up the three."""
        sheet, of = self.sheets.add(BALANCES), self.made.of
        for column, name in enumerate(_TB):
            head = {"mark": "change of marks", "local": "closing, local"}.get(name, name.replace("_", " "))
            sheet.write_string(0, column, head.capitalize(), self.sheets.head)
        codes = [self.made.statements[key].codes for key in ("position", "operations")]
        sections = of.lines["section"].to_pylist()
        for n, row in enumerate(of.rows, start=2):
            for column, name in enumerate(("type", "ledger", "part", "share_class", "currency")):
                sheet.write_string(n - 1, column, row[name] or "")
            own = sections[row["first"] - 1 : row["last"]]
            at = row["first"] + 1  # the row of its first line, below the headings
            for column, name in enumerate(("opening", "movement", "mark"), start=5):
                count = own.count(name)
                formula = f"=SUM('{LEDGER}'!{_BASE}{at}:{_BASE}{at + count - 1})" if count else "=0"
                sheet.write_formula(n - 1, column, formula, self.plain, float(row[name]))
                at += count
            sheet.write_formula(n - 1, 8, f"=F{n}+G{n}+H{n}", self.plain, float(row["closing"]))
            sheet.write_number(n - 1, 9, float(row["local"]), self.plain)
            for column, said in enumerate(codes, start=10):
                sheet.write_string(n - 1, column, said[n - 2])
            sheet.write_url(n - 1, 12, f"internal:'{LEDGER}'!A{row['first'] + 1}", self.link, f"{row['first']}-{row['last']}")
        last = of.balances.num_rows + 1
        sheet.write_string(last + 1, 1, "Debits less credits", self.total)
        for column, name in enumerate(("opening", "movement", "mark", "closing"), start=5):
            letter = _TB[name]
            sheet.write_formula(last + 1, column, f"=SUM({letter}2:{letter}{last})", self.bold, 0.0)
        sheet.set_column(0, 4, 16)
        sheet.set_column(5, 9, 18)
        sheet.freeze_panes(1, 2)

    def _ledger(self) -> None:
        of = self.made.of
        flow = dict(zip(of.flowing["n"].to_pylist(), of.flowing["flow"].to_pylist(), strict=True))
        column = pa.array([flow.get(n, "") for n in of.lines["n"].to_pylist()], pa.string())
        self.sheets.table(LEDGER, of.lines.append_column("flow", column).select(_GL))


def as_data(made: Financials) -> dict[str, Any]:
    """The statements as plain JSON, without the general ledger: statement by statement, with the ties."""
    return {
        "fund": made.of.fund, "framework": made.framework, "base_currency": made.of.base_currency,
        "from": made.of.opened.isoformat(), "to": made.of.day.isoformat(), "turnover_pct": plain(made.turnover_pct),
        "statements": {key: {"title": s.title, "clause": s.clause, "lines": _rows(s.table)} for key, s in made.statements.items()},
        **{key: _rows(table) for key, table in made.tables.items() if key not in made.statements},
    }  # fmt: skip


def _rows(table: pa.Table) -> list[Any]:
    return [plain(row) for row in table.to_pylist()]
