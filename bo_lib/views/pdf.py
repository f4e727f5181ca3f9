"""Reports as one PDF for people, by typst: no network, no system fonts, and the same bytes for the same reports."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from bo_lib.views.findings import findings_table
from bo_lib.views.report import Chart, Report, Section
from bo_lib.views.wording import columns_as_text, in_words, is_number, label, text_of

ROWS = 30  # of a table, where the section asks for no other number
_HASH = re.compile(r"\b([0-9a-f]{16})[0-9a-f]{48}\b")
TEMPLATE = Path(__file__).parent / "document.typ"


@dataclass(frozen=True)
class Document:
    """``status`` and ``verdict`` stand beside the title, ``cover`` are the sections of the first page, ``reports`` the parts."""

    title: str
    subtitle: str
    day: date
    verdict: str
    status: str
    summary: str
    cover: tuple[Section, ...]
    reports: tuple[Report, ...]
    author: str = ""
    footer: str = ""
    left_out: frozenset[str] = field(default=frozenset())  # titles of sections that people need not read on paper


def render(document: Document) -> bytes:
    """The PDF. Raises ``RuntimeError`` of typst when the template is broken: a programmer's mistake."""
    import typst

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "document.json").write_text(json.dumps(_data(document)), "utf-8")
        source = Path(folder) / "document.typ"
        source.write_bytes(TEMPLATE.read_bytes())
        return bytes(typst.compile(str(source), root=folder, ignore_system_fonts=True, timestamp=0))


def _data(document: Document) -> dict[str, Any]:
    day = document.day
    return {
        "title": document.title, "subtitle": document.subtitle, "date": [day.year, day.month, day.day], "author": document.author,
        "verdict": document.verdict, "status": document.status, "summary": document.summary, "footer": document.footer,
        "cover": [_section(s) for s in document.cover],
        "reports": [_report(r, document.left_out) for r in document.reports],
    }  # fmt: skip


def _report(report: Report, left_out: frozenset[str]) -> dict[str, Any]:
    sections = [_section(s) for s in report.sections if s.title not in left_out]
    if report.findings:
        sections.append(_section(Section("Findings", table=findings_table(report.findings), rows=15)))
    return {
        "title": report.title, "verdict": report.verdict.value, "summary": in_words(report.summary), "sections": sections,
        "figures": [
            {"label": in_words(f.label), "value": text_of(f.value), "note": f.note, "alarm": f.alarm} for f in report.figures
        ],
    }  # fmt: skip


def _section(section: Section) -> dict[str, Any]:
    chart = section.chart
    data = None if chart is None else chart.data if chart.data is not None else section.table
    drawn = _drawn(chart, data) if chart is not None and data is not None and data.num_rows else None
    shown = None if section.table is None else _table(section.table, section.rows or ROWS)
    return {"title": section.title, "says": section.says, "chart": drawn, "table": shown}


def _table(table: pa.Table, rows: int) -> dict[str, Any]:
    texts = columns_as_text(table, rows)
    used = [n for n, cells in enumerate(texts) if any(cells)] or list(range(table.num_columns))  # an empty column is only width
    cells = [[_HASH.sub(r"\1…", text) for text in texts[n]] for n in used]
    names, kinds = table.column_names, table.schema.types
    widest = sum(max([len(label(names[n])), *(min(len(c), 40) for c in column)]) for n, column in zip(used, cells, strict=True))
    return {
        "head": [label(names[n]) for n in used], "right": [is_number(kinds[n]) for n in used],
        "rows": [list(row) for row in zip(*cells, strict=True)], "more": max(0, table.num_rows - rows),
        "size": 9 if widest < 130 else 8 if widest < 160 else 7 if widest < 190 else 6,
    }  # fmt: skip


def _drawn(chart: Chart, data: pa.Table) -> dict[str, Any] | None:
    """A waterfall or lines as numbers to draw; other charts repeat their table and are left to the screen."""
    title = " ".join(filter(None, (chart.title, f"({chart.unit})" if chart.unit else "")))
    if chart.kind == "waterfall":
        return {"kind": "waterfall", "title": title, **_waterfall(chart, data)}
    return {"kind": "line", "title": title, **_lines(chart, data)} if chart.kind == "line" else None


def _waterfall(chart: Chart, data: pa.Table) -> dict[str, Any]:
    bars: list[dict[str, Any]] = []
    at, ends = Decimal(0), [0.0]
    for row in data.to_pylist():
        amount, is_level = row[chart.y] or Decimal(0), row[chart.x] in chart.totals
        start, at = (Decimal(0) if is_level else at), (amount if is_level else at + amount)
        bars.append(
            {"label": str(row[chart.x]), "from": float(start), "to": float(at), "level": is_level, "text": f"{amount:,.0f}"}
        )
        ends += [float(start), float(at)]
    low, high = min(ends), max(ends)
    room = (high - low) * 0.12 or 1.0
    return {"bars": bars, "low": low - (room if low < 0 else 0), "high": high + room}


def _lines(chart: Chart, data: pa.Table) -> dict[str, Any]:
    rows = data.to_pylist()
    labels = sorted({row[chart.x] for row in rows})
    names = list(dict.fromkeys(row[chart.color] if chart.color else "" for row in rows))
    found = {
        (row[chart.color] if chart.color else "", row[chart.x]): float(row[chart.y]) for row in rows if row[chart.y] is not None
    }
    low, high = min(found.values(), default=0.0), max(found.values(), default=1.0)
    room = (high - low) * 0.08 or 1.0
    low, high = low - room, high + room
    ticks = [{"value": v, "text": f"{v:,.2f}"} for v in (low + (high - low) * part for part in (0.1, 0.5, 0.9))]
    series: Sequence[dict[str, Any]] = [{"name": text_of(n), "values": [found.get((n, x)) for x in labels]} for n in names]
    return {"labels": [text_of(x) for x in labels], "series": series, "low": low, "high": high, "ticks": ticks}
