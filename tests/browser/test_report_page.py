"""A report in an executed notebook, exported as the HTML page of its run: charts without a network."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import nbformat
import pyarrow as pa
import pytest

from bo_lib.model.findings import Verdict, error
from bo_lib.model.tables import AMOUNT
from bo_lib.run.page import keep_plotly_js, render
from bo_lib.views.report import Chart, Figure, Report, Section

pytestmark = pytest.mark.browser
HOSTILE = "<script>window.hacked = 1</script>"
BREAKS = pa.table({"fund": ["A", HOSTILE], "amount": pa.array([Decimal("-1234.50"), Decimal(7)], AMOUNT)})
REPORT = Report(
    "recon", "Reconciliation", Verdict.ATTENTION, f"Two breaks of {HOSTILE}.", (Figure("Breaks", 2, alarm=True),),
    (Section("By fund", "", BREAKS, Chart("bar", "fund", "amount", title=f"Breaks {HOSTILE}")),
     Section("Moves", "", None, Chart("waterfall", "fund", "amount", data=BREAKS))),
    (error("bad-row", HOSTILE),),
)  # fmt: skip


def test_an_exported_page_shows_words_and_charts(visit: Callable[..., Any], tmp_path: Path) -> None:
    outputs = [nbformat.v4.new_output("display_data", data=bundle) for bundle in REPORT.outputs()]
    cell = nbformat.v4.new_code_cell("desk.reconcile('cash')", outputs=outputs)
    script = keep_plotly_js(tmp_path).relative_to(tmp_path).as_posix()
    (tmp_path / "executed.html").write_text(
        render(nbformat.v4.new_notebook(cells=[cell]), "Reconciliation", "a run", script), "utf-8"
    )
    with visit(1200, 900) as v:
        v.page.goto((tmp_path / "executed.html").as_uri())
        v.page.wait_for_function("document.querySelectorAll('.main-svg').length >= 6", timeout=30_000)
        v.assert_drawn(2, 1200)
        v.page.screenshot(path=tmp_path / "page.png", full_page=True)
        assert v.page.inner_text(".bo-table tbody tr:first-child") == "A\t-1,234.50"
        assert v.page.evaluate("window.hacked") is None and HOSTILE in v.page.inner_text("body")
        assert v.refused == [] and v.errors == []
