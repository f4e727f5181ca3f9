"""A report says the same everywhere: in a notebook, as JSON, as text, and never runs what a file says."""

import json
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bo_lib.model.findings import Finding, Place, Severity, Verdict
from bo_lib.model.tables import AMOUNT, QUANTITY
from bo_lib.views import charts, html
from bo_lib.views.findings import findings_table
from bo_lib.views.report import Chart, Figure, Report, Section, table_as_text
from bo_lib.views.wording import columns_as_text, in_words, label, text_of

HOSTILE = '<script>alert(1)</script>"onload="x'
BREAKS = pa.table(
    {
        "isin": ["LU0000100017", HOSTILE, None],
        "settlement_date": pa.array([date(2026, 6, 1), None, date(2026, 6, 3)]),
        "amount": pa.array([Decimal("1234567.5"), Decimal("-12.25"), None], AMOUNT),
        "quantity": pa.array([Decimal(100), Decimal("1.5"), Decimal(-1000000)], QUANTITY),
        "verdict": ["pass", "attention", "blocked"],
    }
)
FINDINGS = (
    Finding(Severity.INFO, "note", "a word"),
    Finding(
        Severity.ERROR, "bad-row", f"not a date {HOSTILE}", Place("cash.csv", "line 3", "Booked"), "a date", "x", "ask the sender"
    ),
    Finding(Severity.WARNING, "late", "came late"),
)


def report(**changes: object) -> Report:
    parts = {
        "name": "daily_recon",
        "title": "Daily reconciliation",
        "verdict": Verdict.ATTENTION,
        "summary": "Three breaks are open.",
        "figures": (Figure("Open breaks", 3, "1 new", True), Figure("Net assets", Decimal("104566778.12"), "EUR")),
        "sections": (Section("Breaks", "The largest first.", BREAKS, Chart("bar", "isin", "amount", title="Breaks")),),
        "findings": FINDINGS,
    }
    return Report(**{**parts, **changes})  # type: ignore[arg-type]


def test_json_has_decimals_and_dates_as_text() -> None:
    said = json.loads(json.dumps(report().to_dict()))
    assert said["verdict"] == "attention"
    assert said["figures"][1] == {"label": "Net assets", "value": "104566778.12", "note": "EUR", "alarm": False}
    first = {
        "isin": "LU0000100017",
        "settlement_date": "2026-06-01",
        "amount": "1234567.500000",
        "quantity": "100.0000000000",
        "verdict": "pass",
    }
    assert said["sections"][0]["rows"][0] == first
    assert said["findings"][1]["file"] == "cash.csv"


def test_text_shows_figures_tables_and_findings() -> None:
    said = report().to_text()
    assert "Daily reconciliation: attention\nThree breaks are open." in said
    assert "! Open breaks: 3 (1 new)" in said and "  Net assets: 104,566,778.12 (EUR)" in said
    assert "1,234,567.50" in said and "-12.25" in said and "2026-06-01" in said
    assert said.index("error") < said.index("warning") < said.index("info")


def test_html_aligns_numbers_and_leaves_nulls_empty() -> None:
    said = html.table(BREAKS)
    assert '<td class="bo-n">1,234,567.50</td>' in said and '<td class="bo-n">-1,000,000.0</td>' in said
    assert '<td class="bo-n"></td>' in said and "None" not in said and "null" not in said
    assert "<th" in said and "Settlement date" in said and "ISIN" in said


def test_long_tables_say_how_many_rows_are_left_out() -> None:
    many = pa.table({"n": list(range(87))})
    assert "and 37 more" in html.table(many, 50) and "and 37 more" in table_as_text(many, 50)
    assert "more" not in html.table(many.slice(0, 50), 50)
    assert "no rows" in html.table(many.slice(0, 0))


@settings(deadline=None, max_examples=20)
@given(st.text())
def test_nothing_from_a_file_becomes_markup(text: str) -> None:
    hostile = text + HOSTILE
    table = pa.table({"name": [hostile], "verdict": [hostile]})
    chart = Chart("bar", "name", "n", title=hostile, data=pa.table({"name": [hostile], "n": [1]}))
    said = report(
        title=hostile,
        summary=hostile,
        figures=(Figure(hostile, hostile, hostile),),
        sections=(Section(hostile, hostile, table, chart),),
    )
    shown = said.to_html() + "".join(bundle.get("text/html", "") for bundle in said.outputs())
    assert "<script" not in shown and '"onload' not in shown
    drawn = json.dumps([b[charts.PLOTLY] for b in said.outputs() if charts.PLOTLY in b])
    assert "<script" not in drawn


def test_a_notebook_gets_words_then_picture_then_words() -> None:
    kinds = [next(iter(bundle)) for bundle in report().outputs()]
    assert kinds == ["text/html", charts.PLOTLY, "text/html"]
    first = report().outputs()[0]
    assert first["text/html"].startswith("<style>") and "Daily reconciliation" in first["text/plain"]
    json.dumps(report().outputs())


def test_a_chart_without_rows_is_left_out() -> None:
    empty = report(sections=(Section("Breaks", "", BREAKS.slice(0, 0), Chart("bar", "isin", "amount")),))
    assert all(charts.PLOTLY not in bundle for bundle in empty.outputs())


def test_findings_are_sorted_worst_first_and_keep_their_place() -> None:
    table = findings_table(FINDINGS).to_pylist()
    assert [row["severity"] for row in table] == ["error", "warning", "info"]
    assert table[0]["where"] == "cash.csv, line 3, Booked" and table[0]["todo"] == "ask the sender"


def test_labels_and_values_are_for_people() -> None:
    assert label("nav_per_unit") == "NAV per unit" and label("nav_move_pct") == "NAV move (%)" and label("isin") == "ISIN"
    assert label("fee_bps_annual") == "Fee (bp) annual"
    assert [text_of(v) for v in (None, True, 1234567, Decimal("-0.50"), date(2026, 6, 30))] == [
        "",
        "yes",
        "1,234,567",
        "-0.50",
        "2026-06-30",
    ]
    assert text_of(Decimal("1E+3")) == "1,000" and text_of(Decimal("100.500000")) == "100.50"


def test_a_page_says_ledger_names_as_words_and_yen_without_cents() -> None:
    rows = pa.table(
        {
            "item": ["fx_payable", "cash"],
            "currency": ["EUR", "JPY"],
            "local": pa.array([Decimal("-1234.5"), Decimal("219960607")], pa.decimal128(38, 6)),
            "quantity": pa.array([Decimal("10.0"), Decimal("3.25")], pa.decimal128(38, 10)),
            "move_pct": pa.array([Decimal("3.932405"), Decimal("-0.000747")], pa.decimal128(38, 10)),
        }
    )
    assert columns_as_text(rows, 9) == [
        ["fx payable", "cash"], ["EUR", "JPY"], ["-1,234.50", "219,960,607"], ["10.00", "3.25"], ["3.93", "0.00"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "reads"),
    [
        ("struck 130467774.770000 EUR; residual 0", "struck 130,467,774.77 EUR; residual 0"),
        ("fx_payable -482159.24 in cash_20260630.xlsx on 30.06.2026", "fx payable -482,159.24 in cash_20260630.xlsx on 30.06.2026"),
    ],
)
def test_prose_has_words_and_separators_but_files_and_dates_as_they_are(said: str, reads: str) -> None:
    assert in_words(said) == reads


def test_a_long_table_says_where_the_rest_is() -> None:
    long = pa.table({"line": list(range(60))})
    page = Report("moves", "Moves", Verdict.PASS, "Long.", sections=(Section("All", table=long, rows=20),)).to_html()
    assert "and 40 more, in results/moves.json" in page


def test_a_folded_table_is_behind_its_title_on_a_page_and_whole_everywhere_else() -> None:
    folded = report(
        sections=(Section("Breaks", "The largest first.", BREAKS, folded=True), Section("None", table=BREAKS[:0], folded=True))
    )
    shown = folded.to_html()
    assert shown.count("<details") == 1, "nothing is folded where there is nothing"
    inside = shown.split("<details", 1)[1].split("</details>")[0]
    assert "3 rows" in inside and "LU0000100017" in inside and HOSTILE not in inside
    assert "LU0000100017" in folded.to_text() and len(folded.to_dict()["sections"][0]["rows"]) == 3
