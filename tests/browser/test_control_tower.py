"""The control tower as a person sees it: numbers of the store, charts that are there, nothing fetched from elsewhere."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser import small_firm
from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser
WAIT_MS = 90_000
BARS = "document.querySelector('.js-plotly-plot')?.calcdata?.flat().reduce((sum, bar) => sum + bar.s, 0)"  # breaks drawn


def opened(visit: Visit, server: str) -> Any:
    visit.page.goto(server + "/", timeout=WAIT_MS)
    visit.page.wait_for_selector(".bo-page .bo-matrix", timeout=WAIT_MS)
    visit.page.wait_for_function("document.querySelectorAll('.js-plotly-plot .main-svg').length >= 6", timeout=WAIT_MS)
    visit.page.wait_for_timeout(500)  # a drawing settles once more after it has its size
    return visit.page


def figures(page: Any) -> dict[str, str]:
    script = "all => all.map(f => [f.querySelector('.bo-label').innerText, f.querySelector('.bo-value').innerText])"
    return dict(page.eval_on_selector_all(".bo-figure", script))


@pytest.mark.parametrize("width", [1400, 1000])
def test_figures_are_those_of_the_store_and_charts_are_drawn(
    visit: Callable[..., Any], server: str, width: int, tmp_path: Path
) -> None:
    with visit(width, 900, {"X-Forwarded-User": "a.keeper"}) as v:
        page = opened(v, server)
        said = figures(page)
        assert said["EURO-UCITS"] == "104,566,778.12" and said["GLOBAL-EQ-LS"] == "58,200,114.07"
        assert said["Open breaks"] == str(sum(closed is None for _, _, closed, *_ in small_firm.BREAKS))
        assert said["Value in breaks"] == "25,010.25" and said["Oldest break"] == "11" and said["Unmatched"] == "3"
        assert said["Files late or refused"] == "1" and said["Runs failed or blocked"] == "2"
        cells = page.eval_on_selector_all(
            ".bo-matrix tbody tr", "rows => rows.map(r => [...r.cells].map(c => c.innerText.split('\\n')[0]))"
        )
        for row in cells:
            expected = small_firm.PROCESSES[row[0]]
            assert [c.lower() for c in row[1:6]] == [*expected.values(), *["–"] * (5 - len(expected))]
        v.assert_drawn(2, width)
        page.screenshot(path=tmp_path / f"tower-{width}.png", full_page=True)
        assert "a.keeper" in page.inner_text(".bo-bar") and "Harbour Lane Asset Management" in page.inner_text(".bo-bar")
        assert v.refused == [] and v.errors == []


def test_another_date_redraws_everything(visit: Callable[..., Any], server: str) -> None:
    with visit() as v:
        page = opened(v, server)
        page.select_option(".bo-controls select", label="25 June 2026")
        page.wait_for_selector("text=Nothing has run for 25 June 2026 yet.", timeout=WAIT_MS)
        page.wait_for_function(f"() => {BARS} === 2", timeout=WAIT_MS)
        page.wait_for_function("() => document.body.innerText.includes('100,000,000.00')", timeout=WAIT_MS)
        assert figures(page)["EURO-UCITS"] == "100,000,000.00" and figures(page)["Open breaks"] == "2"
        v.assert_drawn(2, 1400)
        assert v.refused == []


def test_what_a_file_says_is_shown_and_not_run(visit: Callable[..., Any], server: str) -> None:
    with visit() as v:
        page = opened(v, server)
        assert page.evaluate("window.hacked") is None
        assert small_firm.HOSTILE in page.inner_text(".bo-page")
        assert page.get_attribute(".bo-matrix tbody tr:nth-child(2) td", "title") == small_firm.HOSTILE


def test_a_verdict_opens_the_page_of_its_run(visit: Callable[..., Any], server: str) -> None:
    with visit() as v:
        page = opened(v, server)
        with page.context.expect_page() as other:
            page.click(".bo-matrix tbody tr:first-child td:nth-child(4) a")
        other.value.wait_for_load_state()
        assert other.value.inner_text("h1") == "Daily reconciliation"
        assert other.value.evaluate("origin") == "null", "a run's page lives in a sandbox of its own"


def test_charts_follow_the_window(visit: Callable[..., Any], server: str) -> None:
    with visit(1400, 900) as v:
        page = opened(v, server)
        page.set_viewport_size({"width": 800, "height": 900})
        page.wait_for_function(
            "[...document.querySelectorAll('.main-svg')].every(e => e.getBoundingClientRect().width < 800)", timeout=WAIT_MS
        )
        page.wait_for_timeout(500)
        v.assert_drawn(2, 800)
