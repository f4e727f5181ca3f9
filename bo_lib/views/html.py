"""Reports as HTML: fragments that look alike in JupyterLab, Voila and an exported page. Everything is escaped here.

JupyterLab takes ``<style>`` out of a notebook it does not trust, such as the executed notebook of somebody else's run; a few
inline styles keep figures and columns in order there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import pyarrow as pa

from bo_lib.model.findings import Severity, Verdict
from bo_lib.views.findings import findings_table
from bo_lib.views.report import ROWS_SHOWN, Chart, Figure, Report, Section
from bo_lib.views.wording import columns_as_text, in_words, is_number, label, text_of

HTML, TEXT = "text/html", "text/plain"
FINDINGS_SHOWN = 20
LONG = 11  # characters of a figure that still fit in large type
_LEFT, _SIDE_BY_SIDE = ' style="text-align: left"', ' style="display: inline-block; vertical-align: top; padding: 9px 12px 8px"'
_BADGES = frozenset([*Verdict, *Severity, "failed"])
_BADGED = frozenset(["verdict", "severity"])  # columns whose values are shown as badges


@cache
def style() -> str:
    """The house style as a ``<style>`` element; every rule is below the class ``bo``."""
    return f"<style>{(Path(__file__).parent / 'style.css').read_text('utf-8')}</style>"


def badge(said: str, href: str = "") -> str:
    kind = said if said in _BADGES else "none"
    if href:
        return f'<a class="bo-badge bo-{kind}" href="{escape(href)}" target="_blank" rel="noopener">{escape(said)}</a>'
    return f'<span class="bo-badge bo-{kind}">{escape(said)}</span>'


def figures(row: Iterable[Figure], kind: str = "") -> str:
    """A row of figures, wrapping where the page is narrow; ``kind`` bo-wide fills the page, bo-roomy has room for notes."""
    return f'<div class="bo-figures {kind}">{"".join(map(_figure, row))}</div>'


def _figure(figure: Figure) -> str:
    value = escape(text_of(figure.value))
    size = " bo-long" if len(value) > LONG else ""
    note = f'<div class="bo-note">{escape(figure.note)}</div>' if figure.note else ""
    alarm = " bo-alarm" if figure.alarm else ""
    return (
        f'<div class="bo-figure{alarm}"{_SIDE_BY_SIDE}><div class="bo-label">{escape(in_words(figure.label))}</div>'
        f'<div class="bo-value{size}" title="{value}"><b>{value}</b></div>{note}</div>'
    )


def table(data: pa.Table, rows: int = ROWS_SHOWN, kept_in: str = "") -> str:
    """An Arrow table as HTML, cut after ``rows`` with a word on how many more there are, and where."""
    if not data.num_rows:
        return '<div class="bo-empty">no rows</div>'
    kinds = [_cell_class(kind) for kind in data.schema.types]
    head = "".join(f"<th{kind}>{escape(label(name))}</th>" for name, kind in zip(data.column_names, kinds, strict=True))
    columns = [
        _cells(name, texts, kind) for name, texts, kind in zip(data.column_names, columns_as_text(data, rows), kinds, strict=True)
    ]
    body = "".join(f"<tr>{''.join(cells)}</tr>" for cells in zip(*columns, strict=True))
    more, kept = data.num_rows - rows, f", in {escape(kept_in)}" if kept_in else ""
    foot = f'<tr><td class="bo-more" colspan="{len(kinds)}">and {more:,} more{kept}</td></tr>' if more > 0 else ""
    return f'<div class="bo-scroll"><table class="bo-table"><thead><tr>{head}</tr></thead><tbody>{body}{foot}</tbody></table></div>'


def _cell_class(kind: pa.DataType) -> str:
    if is_number(kind):
        return ' class="bo-n"'
    return _LEFT + (' class="bo-d"' if pa.types.is_date(kind) else "")


def _cells(name: str, texts: list[str], kind: str) -> list[str]:
    if name in _BADGED:
        return [f"<td{kind}>{badge(text)}</td>" if text else "<td></td>" for text in texts]
    if name == "sha256":  # enough to tell two apart; the whole hash is in the results
        return [f'<td{kind} title="{escape(text)}">{escape(text[:16])}{"…" if text[16:] else ""}</td>' for text in texts]
    return [f"<td{kind}>{escape(text)}</td>" for text in texts]


def header(report: Report) -> str:
    return (
        f'<div class="bo-head"><b class="bo-title">{escape(report.title)}</b> {badge(report.verdict)}</div>'
        f'<div class="bo-summary">{escape(in_words(report.summary))}</div>'
    )


def section_head(section: Section) -> str:
    says = f'<div class="bo-says">{escape(section.says)}</div>' if section.says else ""
    return f'<div class="bo-section"><b>{escape(section.title)}</b></div>{says}'


def _folded(section: Section, rows: int, shown: str) -> str:
    """A table behind its title, which opens it."""
    title = "" if section.chart is not None else f"<b>{escape(section.title)}</b> "
    says = f'<div class="bo-says">{escape(section.says)}</div>' if section.says and title else ""
    many = f"{rows:,} row{'' if rows == 1 else 's'}"
    return f'<details class="bo-fold"><summary>{title}<span class="bo-more">{many}</span></summary>{says}{shown}</details>'


def wrapped(body: str) -> str:
    return f'<div class="bo">{body}</div>'


def _pieces(report: Report, rows: int) -> Iterator[str | tuple[Chart, pa.Table]]:
    """The report from top to bottom: HTML, and charts with their data where they stand."""
    kept_in = f"results/{report.name}.json"
    yield header(report)
    if report.figures:
        yield figures(report.figures)
    for section in report.sections:
        folds = section.folded and section.table is not None and section.table.num_rows > 0
        if not folds or section.chart is not None:
            yield section_head(section)
        if section.chart is not None:
            data = section.chart.data if section.chart.data is not None else section.table
            if data is not None and data.num_rows:
                yield section.chart, data
        if section.table is not None:
            shown = table(section.table, section.rows or rows, kept_in)
            yield _folded(section, section.table.num_rows, shown) if folds else shown
    if report.findings:
        yield section_head(Section("Findings")) + table(findings_table(report.findings), min(rows, FINDINGS_SHOWN), kept_in)


def fragment(report: Report, rows: int) -> str:
    parts = [
        piece if isinstance(piece, str) else f'<div class="bo-empty">Chart: {escape(piece[0].title or label(piece[0].y))}</div>'
        for piece in _pieces(report, rows)
    ]
    return style() + wrapped("".join(parts))


def outputs(report: Report, rows: int) -> list[dict[str, Any]]:
    from bo_lib.views import charts

    bundles: list[dict[str, Any]] = []
    words: list[str] = [style()]
    said = report.to_text(min(rows, 10))
    for piece in _pieces(report, rows):
        if isinstance(piece, str):
            words.append(piece)
            continue
        bundles.append(_html_bundle(words, said))
        bundles.append(charts.bundle(*piece))
        words, said = [], ""
    if words:
        bundles.append(_html_bundle(words, said))
    return bundles


def _html_bundle(words: list[str], said: str) -> dict[str, Any]:
    """Style stands before the frame; the text of the whole report goes with the first output only."""
    styles = "".join(w for w in words if w.startswith("<style>"))
    body = "".join(w for w in words if not w.startswith("<style>"))
    return {HTML: styles + wrapped(body), TEXT: said}
