"""One report object, several renderings: notebook, HTML, JSON, text; Excel is in ``excel``.

A report is computed once and shown many times. It is frozen; everything in it may come from a file somebody sent, so
every rendering escapes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from bo_lib.model.findings import Finding, Verdict
from bo_lib.views.wording import columns_as_text, is_number, label, plain, text_of, text_table

ROWS_SHOWN = 40


@dataclass(frozen=True)
class Figure:
    """One number that matters: ``value`` is a decimal, a count, a date or text; ``alarm`` marks a breach."""

    label: str
    value: Any
    note: str = ""
    alarm: bool = False


@dataclass(frozen=True)
class Chart:
    """What to draw, not how. Columns are named; ``data`` is the table to draw from (default: the section's own).

    ``color``: the column that splits bars or lines into series; of a heatmap, the column of the values; of a treemap, the groups.
    ``breach``: a flag column; rows where it is true are red. ``totals``: of a waterfall, the x values that are levels, not steps.
    """

    kind: Literal["bar", "stacked_bar", "line", "waterfall", "heatmap", "treemap"]
    x: str
    y: str
    color: str = ""
    title: str = ""
    unit: str = ""
    breach: str = ""
    totals: tuple[str, ...] = ()
    data: pa.Table | None = None


@dataclass(frozen=True)
class Section:
    """``rows``: how many of the table a page shows, if not as many as usual; the others are in the results.

    ``folded``: a page shows the title and how many rows there are, and the table when it is asked for.
    """

    title: str
    says: str = ""
    table: pa.Table | None = None
    chart: Chart | None = None
    rows: int = 0
    folded: bool = False


@dataclass(frozen=True)
class Report:
    """``name`` is for machines (a file's name), ``summary`` is one sentence."""

    name: str
    title: str
    verdict: Verdict
    summary: str
    figures: tuple[Figure, ...] = ()
    sections: tuple[Section, ...] = ()
    findings: tuple[Finding, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON: decimals and dates as text, rows as mappings."""
        return {
            "name": self.name, "title": self.title, "verdict": self.verdict.value, "summary": self.summary,
            "figures": [plain({"label": f.label, "value": f.value, "note": f.note, "alarm": f.alarm}) for f in self.figures],
            "sections": [{"title": s.title, "says": s.says, "rows": _rows(s.table)} for s in self.sections],
            "findings": [finding_as_dict(f) for f in self.findings],
        }  # fmt: skip

    def to_text(self, rows: int = ROWS_SHOWN) -> str:
        """For terminals: the same words and tables in plain characters."""
        return "\n\n".join(part for part in self._texts(rows) if part)

    def _texts(self, rows: int) -> Iterator[str]:
        from bo_lib.views.findings import findings_table

        yield f"{self.title}: {self.verdict.value}\n{self.summary}"
        yield "\n".join(
            f"{'!' if f.alarm else ' '} {f.label}: {text_of(f.value)}" + (f" ({f.note})" if f.note else "") for f in self.figures
        )
        for section in self.sections:
            table = table_as_text(section.table, min(rows, section.rows or rows)) if section.table is not None else ""
            yield "\n".join(part for part in (section.title, section.says, table) if part)
        if self.findings:
            yield "Findings\n" + table_as_text(findings_table(self.findings), rows)

    def to_html(self, rows: int = ROWS_SHOWN) -> str:
        """One HTML fragment with its style. Charts are pictures of tables and need plotly: they are named, not drawn."""
        from bo_lib.views import html

        return html.fragment(self, rows)

    def outputs(self, rows: int = ROWS_SHOWN) -> list[dict[str, Any]]:
        """Notebook outputs in order, as MIME bundles: HTML for words and tables, a plotly figure for each chart.

        JupyterLab and Voila draw the figures with the extension that plotly installs, an exported page with one local
        plotly.js: nothing is fetched.
        """
        from bo_lib.views import html

        return html.outputs(self, rows)

    def to_excel(self, path: Path) -> Path:
        """Write an XLSX workbook (see ``excel.write``); returns its path."""
        from bo_lib.views import excel

        return excel.write(self, path)

    def _repr_html_(self) -> str:
        return self.to_html()

    def _ipython_display_(self) -> None:
        from IPython.display import display

        for bundle in self.outputs():
            display(bundle, raw=True)  # type: ignore[no-untyped-call]

    def __repr__(self) -> str:
        return f"<Report {self.name}: {self.verdict.value}: {self.summary}>"


def _rows(table: pa.Table | None) -> list[Any] | None:
    return None if table is None else [plain(row) for row in table.to_pylist()]


def finding_as_dict(finding: Finding) -> dict[str, Any]:
    place = finding.place
    return {
        "severity": finding.severity.value, "code": finding.code, "message": finding.message, "file": place.file, "at": place.at,
        "field": place.field, "sha256": place.sha256, "expected": finding.expected, "found": finding.found, "todo": finding.todo,
    }  # fmt: skip


def table_as_text(table: pa.Table, rows: int = ROWS_SHOWN) -> str:
    """A table in plain characters, cut after ``rows``."""
    if not table.num_rows:
        return "(no rows)"
    right = [is_number(kind) for kind in table.schema.types]
    text = text_table([label(name) for name in table.column_names], columns_as_text(table, rows), right)
    more = table.num_rows - rows
    return text + (f"\nand {more:,} more" if more > 0 else "")
