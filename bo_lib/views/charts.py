"""Declared charts as plotly figures in the house style. Here, and only here, amounts become floats: pictures need no cents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bo_lib.views.report import Chart
from bo_lib.views.wording import label

PLOTLY = "application/vnd.plotly.v1+json"
# Told apart with every common colour vision (after Okabe and Ito, without its vermilion: red is for breaches).
COLORS = ("#0072b2", "#e69f00", "#009e73", "#56b4e9", "#cc79a7", "#6b7a90", "#8c6d46", "#b8a200")
BREACH = "#b3261e"
DASHES = ("solid", "dash", "dot", "dashdot")
FONT = 'Inter, "Segoe UI", system-ui, "Helvetica Neue", Arial, sans-serif'
HEIGHT_PX = 300
TICKS = 6
MANY = 4  # series: more have their legend beside the chart
BELOW = {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0, "xanchor": "left"}
BESIDE = {"orientation": "v", "y": 1, "yanchor": "top", "x": 1.01, "xanchor": "left"}
FEW = 8  # counts up to this have a tick each


def figure(chart: Chart, data: pa.Table) -> Any:
    """A ``plotly.graph_objects.Figure`` of ``chart`` over ``data``. Raises ``KeyError`` for a column that is not there."""
    import plotly.graph_objects as go

    draw = {
        "bar": _bars, "stacked_bar": _bars, "line": _lines, "waterfall": _waterfall, "heatmap": _heatmap, "treemap": _treemap,
    }[chart.kind]  # fmt: skip
    made = go.Figure(draw(chart, data))
    made.update_layout(_layout(chart, len(made.data)))
    if pa.types.is_integer(data.schema.field(chart.y).type) and _top(chart, data) <= FEW:
        made.update_yaxes(dtick=1)
    if chart.kind == "line" and pa.types.is_date(data.schema.field(chart.x).type):
        made.update_xaxes(_day_axis(data[chart.x].to_pylist()))
    if chart.kind == "waterfall" and (span := _span(chart, data)):
        made.update_yaxes(range=span)
    if chart.kind == "treemap":
        made.update_layout(height=HEIGHT_PX * 3 // 2)
    if chart.kind == "heatmap":
        made.update_layout(height=max(HEIGHT_PX, 60 + 28 * len(set(data[chart.y].to_pylist()))))
        made.update_yaxes(title_text="", automargin=True)
    return made


def bundle(chart: Chart, data: pa.Table, height_px: int = 0) -> dict[str, Any]:
    """The figure as a MIME bundle for a notebook; text says what it shows where it cannot be drawn."""
    made = figure(chart, data)
    drawn = (made.update_layout(height=height_px) if height_px else made).to_plotly_json()
    drawn["config"] = {"responsive": True, "displaylogo": False, "displayModeBar": False}
    return {PLOTLY: _as_json(drawn), "text/plain": f"Chart: {chart.title or label(chart.y)}"}


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_json(item) for key, item in value.items()}
    return [_as_json(item) for item in value] if isinstance(value, list | tuple) else value


def _layout(chart: Chart, traces: int) -> dict[str, Any]:
    unit = f" ({chart.unit})" if chart.unit else ""
    axis = {"gridcolor": "#e8ecf1", "linecolor": "#c3ccd6", "zerolinecolor": "#9aa6b2", "automargin": True}
    across = {**axis, "showgrid": False, "type": "category"}
    upward = {
        **axis,
        "title": {"text": _text(label(chart.y) + unit), "standoff": 8, "font": {"size": 12.5}},
        "tickformat": ",~f",
        "exponentformat": "none",
    }
    return {
        "template": "plotly_white",
        "height": HEIGHT_PX,
        "autosize": True,
        "margin": {"l": 8, "r": 12, "t": 40 if chart.title else 12, "b": 8},
        "font": {"family": FONT, "size": 12.5, "color": "#1b2733"},
        "title": {
            "text": _text(chart.title),
            "x": 0,
            "xanchor": "left",
            "y": 0.97,
            "yanchor": "top",
            "font": {"size": 15, "color": "#17324d"},
        },
        "barmode": "relative" if chart.kind == "stacked_bar" else "group",
        "bargap": 0.35,
        "hovermode": "x unified" if chart.kind == "line" else "closest",
        "showlegend": traces > 1,
        "legend": BESIDE if traces > MANY else BELOW,
        "xaxis": across,
        "yaxis": upward,
    }


def _day_axis(days: list[date]) -> dict[str, Any]:
    """An axis of dates with at most ``TICKS`` of the days there are: no tick stands on a day without a value."""
    there = sorted({day for day in days if day})
    ticks = there[:: -(-len(there) // TICKS) or 1]
    return {
        "type": "date",
        "tickangle": 0,
        "tickmode": "array",
        "tickvals": [d.isoformat() for d in ticks],
        "tickformat": "%-d %b",
        "hoverformat": "%Y-%m-%d",
    }


def _top(chart: Chart, data: pa.Table) -> int:
    """The height of the tallest stack of counts."""
    heights: dict[Any, int] = {}
    for row in data.to_pylist():
        heights[row[chart.x]] = heights.get(row[chart.x], 0) + abs(row[chart.y] or 0)
    return max(heights.values(), default=0)


def _text(said: Any) -> str:
    """Plotly reads a few tags in text: show them as they are written."""
    return str(said).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _float(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal | int | float) and not isinstance(value, bool) else None


def _label(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else _text("" if value is None else value)


def _series(chart: Chart, data: pa.Table) -> list[tuple[str, list[dict[str, Any]]]]:
    """Rows per series, in order of first appearance."""
    rows = data.to_pylist()
    if not chart.color:
        return [("", rows)]
    names = list(dict.fromkeys(row[chart.color] for row in rows))
    return [(_label(name), [row for row in rows if row[chart.color] == name]) for name in names]


def _xy(chart: Chart, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"x": [_label(row[chart.x]) for row in rows], "y": [_float(row[chart.y]) for row in rows]}


def _hover(chart: Chart) -> str:
    unit = f" {_text(chart.unit)}" if chart.unit else ""
    return "%{x}: %{y:,.2~f}" + unit + "<extra>%{fullData.name}</extra>"


def _bars(chart: Chart, data: pa.Table) -> list[Any]:
    import plotly.graph_objects as go

    made = []
    for number, (name, rows) in enumerate(_series(chart, data)):
        color = COLORS[number % len(COLORS)]
        colors = [BREACH if chart.breach and row[chart.breach] else color for row in rows]
        marker = {"color": colors if BREACH in colors else color}
        made.append(go.Bar(name=name, marker=marker, hovertemplate=_hover(chart), **_xy(chart, rows)))
    return made


def _lines(chart: Chart, data: pa.Table) -> list[Any]:
    """One line per series. A series named ``group / part`` has its group's colour and its part's dash."""
    import plotly.graph_objects as go

    series = _series(chart, data)
    groups: dict[str, list[str]] = {}
    for name, _ in series:
        groups.setdefault(name.partition(" / ")[0], []).append(name)
    made = []
    for name, rows in series:
        group = name.partition(" / ")[0]
        color, dash = list(groups).index(group) % len(COLORS), groups[group].index(name) % len(DASHES)
        line = {"color": COLORS[color], "dash": DASHES[dash], "width": 2}
        marks = {"size": [8 if chart.breach and row[chart.breach] else 5 for row in rows],
                 "color": [BREACH if chart.breach and row[chart.breach] else COLORS[color] for row in rows]}  # fmt: skip
        hover = "%{y:,.4~f}<extra>" + "%{fullData.name}</extra>"
        made.append(go.Scatter(name=name, mode="lines+markers", line=line, marker=marks, hovertemplate=hover, **_xy(chart, rows)))
    return made


def _waterfall(chart: Chart, data: pa.Table) -> list[Any]:
    import plotly.graph_objects as go

    rows = data.to_pylist()  # amounts stand on the bars: the axis need not start at zero
    measure = ["absolute" if row[chart.x] in chart.totals else "relative" for row in rows]
    colors = {kind: {"marker": {"color": COLORS[i]}} for kind, i in (("increasing", 2), ("decreasing", 1), ("totals", 0))}
    connector = {"line": {"color": "#9aa6b2", "width": 1}}
    said = {
        "text": ["" if row[chart.y] is None else f"{row[chart.y]:,.0f}" for row in rows],
        "textposition": "inside",
        "cliponaxis": False,
    }
    return [
        go.Waterfall(
            name="", measure=measure, **said, hovertemplate=_hover(chart), connector=connector, **colors, **_xy(chart, rows)
        )
    ]


def _span(chart: Chart, data: pa.Table) -> list[float] | None:
    """An axis around the levels of a waterfall when its steps are small beside them; from zero they could not be seen."""
    level, levels = 0.0, []
    for row in data.to_pylist():
        amount = float(row[chart.y] or 0)
        level = amount if row[chart.x] in chart.totals else level + amount
        levels.append(level)
    low, high = min(levels, default=0.0), max(levels, default=0.0)
    if data.num_rows < 2 or data[chart.x][0].as_py() not in chart.totals or low <= 0 or high - low > low / 2:
        return None
    room = (high - low) / 4 or high / 100
    return [low - room, high + room]


def _treemap(chart: Chart, data: pa.Table) -> list[Any]:
    """Areas by size without sign, in groups; what is negative stands in another colour, with its sign."""
    import plotly.graph_objects as go

    rows = [row for row in data.to_pylist() if row[chart.y]]
    groups = list(dict.fromkeys(row[chart.color] for row in rows))
    amounts = [*(sum(row[chart.y] for row in rows if row[chart.color] == group) for group in groups), *(r[chart.y] for r in rows)]
    sizes = [*(sum(abs(row[chart.y]) for row in rows if row[chart.color] == group) for group in groups),
             *(abs(row[chart.y]) for row in rows)]  # fmt: skip
    return [
        go.Treemap(
            ids=[*groups, *(f"{row[chart.color]}/{row[chart.x]}/{n}" for n, row in enumerate(rows))],
            labels=[_label(name) for name in (*groups, *(row[chart.x] for row in rows))],
            parents=["" for _ in groups] + [row[chart.color] for row in rows], values=[_float(size) for size in sizes],
            branchvalues="total", text=[f"{amount:,.0f}" for amount in amounts], textinfo="label+text", tiling={"pad": 1},
            marker={"colors": [COLORS[amount < 0] for amount in amounts], "line": {"width": 1, "color": "#fff"}},
            hovertemplate="%{label}: %{text} " + _text(chart.unit) + "<extra></extra>",
        )
    ]  # fmt: skip


def _heatmap(chart: Chart, data: pa.Table) -> list[Any]:
    import plotly.graph_objects as go

    rows = data.to_pylist()
    across, down = (list(dict.fromkeys(row[name] for row in rows)) for name in (chart.x, chart.y))
    values = {(row[chart.y], row[chart.x]): _float(row[chart.color]) for row in rows}
    return [
        go.Heatmap(
            x=[_label(x) for x in across], y=[_label(y) for y in down], z=[[values.get((y, x)) for x in across] for y in down],
            colorscale=[[0, "#f2f6fa"], [1, COLORS[0]]], hoverongaps=False, xgap=2, ygap=2,
            hovertemplate="%{y}, %{x}: %{z:,.2~f}<extra></extra>", colorbar={"thickness": 12, "outlinewidth": 0},
        )
    ]  # fmt: skip
