"""What is declared is drawn: every kind of chart, in the house style, with red for breaches only."""

import json
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest

from bo_lib.model.tables import AMOUNT
from bo_lib.views import charts
from bo_lib.views.report import Chart

BREAKS = pa.table(
    {
        "band": ["0-1", "2-5", "0-1", "2-5"],
        "fund": ["A", "A", "B", "B"],
        "amount": pa.array([Decimal("3.10"), Decimal(4), None, Decimal(-2)], AMOUNT),
        "count": [1, 2, 3, 4],
        "late": [False, True, False, False],
    }
)


def test_stacked_bars_have_a_trace_per_series_and_red_for_breaches_only() -> None:
    figure = charts.figure(Chart("stacked_bar", "band", "amount", "fund", breach="late", unit="EUR"), BREAKS)
    first, second = figure.data
    assert (first.name, list(first.x), list(first.y)) == ("A", ["0-1", "2-5"], [3.1, 4.0])
    assert list(second.y) == [None, -2.0]
    assert list(first.marker.color) == [charts.COLORS[0], charts.BREACH] and second.marker.color == charts.COLORS[1]
    assert figure.layout.barmode == "relative" and figure.layout.yaxis.title.text == "Amount (EUR)"
    assert charts.BREACH not in charts.COLORS


def test_counts_have_whole_ticks() -> None:
    assert charts.figure(Chart("bar", "band", "count", "fund"), BREAKS).layout.yaxis.dtick == 1
    assert charts.figure(Chart("bar", "band", "amount", "fund"), BREAKS).layout.yaxis.dtick is None


def test_lines_share_a_colour_per_fund_and_a_dash_per_class() -> None:
    days = [date(2026, 6, 29), date(2026, 6, 30)] * 3
    series = ["F / A"] * 2 + ["F / B"] * 2 + ["G / X"] * 2
    figure = charts.figure(Chart("line", "day", "nav", "series"), pa.table({"day": days, "series": series, "nav": [1.0] * 6}))
    assert [(t.line.color, t.line.dash) for t in figure.data] == [
        (charts.COLORS[0], "solid"), (charts.COLORS[0], "dash"), (charts.COLORS[1], "solid")
    ]  # fmt: skip
    assert figure.layout.xaxis.type == "date" and list(figure.layout.xaxis.tickvals) == ["2026-06-29", "2026-06-30"]


def test_ticks_stand_on_days_there_are_and_are_not_crowded() -> None:
    days = [date(2026, 6, day) for day in range(1, 27)]
    figure = charts.figure(Chart("line", "day", "nav"), pa.table({"day": days, "nav": [1.0] * 26}))
    ticks = figure.layout.xaxis.tickvals
    assert len(ticks) <= charts.TICKS and set(ticks) <= {day.isoformat() for day in days}


def test_a_waterfall_knows_levels_from_steps() -> None:
    moves = pa.table({"item": ["opening", "income", "fees", "closing"], "amount": [100.0, 20.0, -10.0, 110.0]})
    drawn = charts.figure(Chart("waterfall", "item", "amount", totals=("opening", "closing")), moves).data[0]
    assert list(drawn.measure) == ["absolute", "relative", "relative", "absolute"]


def test_a_heatmap_is_a_grid_with_gaps_for_what_is_missing() -> None:
    drawn = charts.figure(Chart("heatmap", "band", "fund", "amount"), BREAKS).data[0]
    assert list(drawn.y) == ["A", "B"] and [list(row) for row in drawn.z] == [[3.1, 4.0], [None, -2.0]]


@pytest.mark.parametrize("kind", ["bar", "stacked_bar", "line", "waterfall", "heatmap"])
def test_every_kind_is_json_and_names_no_other_machine(kind: str) -> None:
    color = "amount" if kind == "heatmap" else ""
    bundle = charts.bundle(Chart(kind, "band", "fund" if kind == "heatmap" else "amount", color, "A title"), BREAKS)  # type: ignore[arg-type]
    text = json.dumps(bundle)
    assert "http" not in text and bundle["text/plain"] == "Chart: A title"
    assert bundle[charts.PLOTLY]["config"]["responsive"] is True


def test_an_unknown_column_is_a_programmers_mistake() -> None:
    with pytest.raises(KeyError):
        charts.figure(Chart("bar", "nowhere", "amount"), BREAKS)


def test_the_axis_of_a_waterfall_shows_steps_that_are_small_beside_the_levels() -> None:
    moves = pa.table({"item": ["opening", "price", "closing"], "amount": [1_000_000.0, 5_000.0, 1_005_000.0]})
    low, high = charts.figure(Chart("waterfall", "item", "amount", totals=("opening", "closing")), moves).layout.yaxis.range
    assert 990_000 < low < 1_000_000 and 1_005_000 < high < 1_010_000
