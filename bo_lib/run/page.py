"""An executed notebook as one HTML page that opens without a network: small, with its own style.

Plotly figures are drawn from their data by one plotly.js kept once per outputs folder (``assets/``), addressed relatively.
"""

from __future__ import annotations

import html
import json
import os
import threading
from pathlib import Path
from typing import Any

PLOTLY = "application/vnd.plotly.v1+json"

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; color: #1c2530; background: #fff;
  max-width: 1120px; margin: 0 auto; padding: 24px 32px 64px; font-variant-numeric: tabular-nums; }
header { border: 1px solid #d8dee6; border-left: 8px solid #566373; border-radius: 5px; margin-bottom: 24px; padding: 12px 18px; }
header .verdict { font-size: 22px; font-weight: 700; letter-spacing: .04em; text-transform: uppercase; }
header .of { font-size: 16px; margin: 2px 0; }
header .quiet { color: #566373; font-size: 13px; }
header.failed, header.blocked { border-left-color: #b42318; background: #fdf0ee; }
header.attention { border-left-color: #9a6700; background: #fdf6e6; }
header.pass { border-left-color: #1a7f37; background: #eef7f1; }
.failed .verdict, .blocked .verdict { color: #b42318; }
.attention .verdict { color: #9a6700; }
.pass .verdict { color: #1a7f37; }
h1, h2, h3 { line-height: 1.25; font-weight: 600; }
h1 { font-size: 26px; }
h2 { font-size: 20px; margin-top: 32px; }
.prompt, .anchor-link { display: none; }
pre { font: 13px/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-x: auto; margin: 8px 0; }
.highlight pre { background: #f6f8fa; border-left: 3px solid #d8dee6; padding: 8px 12px; margin: 12px 0; }
table { border-collapse: collapse; font-size: 14px; margin: 8px 0; }
th, td { padding: 4px 12px; border-bottom: 1px solid #e6eaef; }
th { text-align: left; font-weight: 600; }
.output_stderr pre, .output_error pre { background: #fff4f2; padding: 8px 12px; }
.output { overflow-x: auto; }
img { max-width: 100%; }
.chart { min-height: 320px; }
.chart:empty::before { content: attr(data-needs); color: #b42318; }
@page { size: A4 landscape; margin: 12mm; }
@media print {
  body { max-width: none; padding: 0; font-size: 12px; }
  .highlight { display: none; }
  h2 { break-after: avoid; }
  tr, .chart { break-inside: avoid; }
  thead { display: table-header-group; }
  .output { overflow: visible; }
  header, .bo * { print-color-adjust: exact; }
}
"""


def render(notebook: Any, title: str, heading: str, plotly_js: str) -> str:
    """The page of an executed notebook; ``heading`` is its header as HTML, ``plotly_js`` the relative address of plotly.js."""
    from pygments.formatters.html import HtmlFormatter

    charts = _charts_as_html(notebook, plotly_js)
    _one_parameters_cell(notebook)
    body = _body(notebook)
    script = f'<script src="{html.escape(plotly_js)}" charset="utf-8"></script>' if charts else ""
    style = _STYLE + HtmlFormatter(style="default").get_style_defs(".highlight")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{html.escape(title)}</title><style>{style}</style>{script}</head>\n"
        f"<body>{heading}\n{body}</body></html>\n"
    )


def _one_parameters_cell(notebook: Any) -> None:
    """The parameters as they were, in one cell: papermill leaves the defaults and puts a second cell below them."""
    tagged = {tag: c for c in notebook.cells for tag in c.metadata.get("tags", []) if tag in ("parameters", "injected-parameters")}
    if len(tagged) == 2:
        defaults, injected = tagged["parameters"], tagged["injected-parameters"]
        given = {line.partition(" = ")[0]: line for line in injected.source.splitlines() if " = " in line}
        lines = [given.pop(line.partition(" = ")[0], line) for line in defaults.source.splitlines()]
        defaults.source = "\n".join([*lines, *given.values()])
        notebook.cells.remove(injected)


def _body(notebook: Any) -> str:
    """The cells as HTML. HTMLExporter's own last step is left out: it parses the whole page again, tables and all, for
    attributes that this page does not use."""
    from nbconvert.exporters.html import HTMLExporter
    from nbconvert.exporters.templateexporter import TemplateExporter
    from nbconvert.filters.highlight import Highlight2HTML

    exporter = HTMLExporter(template_name="basic", embed_images=True)  # type: ignore[no-untyped-call]
    exporter.register_filter("highlight_code", Highlight2HTML(pygments_lexer="python", parent=exporter))  # type: ignore[no-untyped-call]
    body, _ = TemplateExporter.from_notebook_node(exporter, notebook)
    return str(body)


def _charts_as_html(notebook: Any, plotly_js: str) -> int:
    """Replace plotly data by a drawing of it, in place; returns how many there were."""
    count = 0
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if figure := output.get("data", {}).get(PLOTLY):
                count += 1
                output["data"] = {"text/html": _chart(figure, count, plotly_js)}
    return count


def _chart(figure: Any, number: int, plotly_js: str) -> str:
    parts = [figure.get("data", []), figure.get("layout", {}), {**figure.get("config", {}), "responsive": True}]
    said = ", ".join(json.dumps(part).replace("<", "\\u003c") for part in parts)
    needs = html.escape(f"This chart needs {plotly_js}, which is kept beside the runs.")
    return (
        f'<div id="chart-{number}" class="chart" data-needs="{needs}"></div>'
        f"<script>if (window.Plotly) Plotly.newPlot('chart-{number}', {said});</script>"
    )


def keep_plotly_js(outputs: Path) -> Path:
    """plotly.js of the installed plotly, kept once under ``outputs/assets``; returns its path."""
    import plotly

    path = outputs / "assets" / f"plotly-{plotly.__version__}.min.js"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        aside.write_bytes((Path(plotly.__file__).parent / "package_data" / "plotly.min.js").read_bytes())
        aside.replace(path)
    return path
