"""The control tower as a page of widgets: choose a date, see every fund and process, and what needs attention first."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from html import escape
from pathlib import Path
from typing import Any

from bo_lib.config import Firm, ParameterError
from bo_lib.store import Store, StoreError
from bo_lib.store.locks import is_held
from bo_lib.views import charts, html
from bo_lib.views.report import Chart
from bo_lib.views.tower import FIRM, PROCESSES, Cell, Item, Tower
from bo_lib.views.tower_data import business_dates, fund_rows, tower_data
from bo_lib.views.wording import day_words, in_words

ITEMS_SHOWN = 5
CHART_PX = 256  # so that the whole page stands on a screen of 1400 x 900
NOTHING_YET = "Nothing has run yet: `bo demo` runs a first business day."
_SHORT = {
    "corporate_actions": "Corporate actions",
    "daily_recon": "Reconciliation",
    "nav_strike": "NAV",
    "month_end_close": "Month-end",
}
_AGES = Chart("stacked_bar", "band", "breaks", "fund", "Open breaks by age in business days")
_LINES = Chart("line", "business_date", "index", "series", "NAV per unit of each class; first day shown = 100")


def control_tower(root: Path, firm: Firm, store: Store) -> Any:
    """The page as one ipywidgets box: date selector, figures, matrix of funds and processes, attention list, charts.

    Shows the latest business date first; choosing another, or Refresh, reads the store anew. A store that cannot be read
    is said on the page.
    """
    import ipywidgets as widgets

    head, body = widgets.HTML(), widgets.HTML()
    drawings = [widgets.Output(), widgets.Output()]
    chosen = widgets.Dropdown(description="Business date", style={"description_width": "auto"}, layout={"width": "230px"})
    refresh = widgets.Button(description="Refresh", tooltip="Read the books again", layout={"width": "90px"})
    top, shown = widgets.HBox([head, chosen, refresh]), widgets.Box(drawings)
    box = widgets.VBox([top, body, shown])
    for widget, name in ((box, "bo-page"), (head, "bo-first"), (top, "bo-controls"), (shown, "bo-charts")):
        widget.add_class(name)
    funds = fund_rows(root, firm)

    def going_on(key: str) -> bool:
        return is_held(root / firm.outputs, key)

    def draw(day: date | None) -> None:
        page = tower_data(store, day, firm.deliveries, going_on).tower(day, funds) if day else None
        head.value = html.style() + html.wrapped(_head(page) if page else f'<div class="bo-summary">{escape(NOTHING_YET)}</div>')
        body.value = html.wrapped(_body(page, _links(root, firm))) if page else ""
        for output, bundle in zip(drawings, _drawings(page), strict=True):
            output.outputs = [{"output_type": "display_data", "data": bundle, "metadata": {}}] if bundle else []
            output.layout.display = "" if bundle else "none"

    def pick(change: Any) -> None:
        _saying(head, lambda: draw(change["new"]))

    def reread(_: Any = None) -> None:
        days = business_dates(store)
        keep = chosen.value if chosen.value in days else (days[0] if days else None)
        chosen.unobserve(pick, names="value")
        chosen.options = [(day_words(day), day) for day in days]
        chosen.value = keep
        chosen.observe(pick, names="value")
        draw(keep)

    chosen.observe(pick, names="value")
    refresh.on_click(lambda _: _saying(head, reread))
    _saying(head, reread)
    return box


def _saying(place: Any, do: Callable[[], None]) -> None:
    """Do it; what is wrong with parameters or store is said on the page, with its remedy."""
    try:
        do()
    except (ParameterError, StoreError) as reason:
        place.value = html.style() + html.wrapped(f"{html.badge('failed')} {escape(str(reason))}")


def _links(root: Path, firm: Firm) -> Callable[[str], str]:
    """From a run's folder to the address of its page: on the dashboard server, or beside the notebook."""
    served = os.environ.get("VOILA_BASE_URL", "")

    def link(folder: str) -> str:
        if not folder or not Path(folder).is_relative_to(firm.outputs):
            return ""
        within = Path(folder).relative_to(firm.outputs).as_posix()
        return f"{served.rstrip('/')}/runs/{within}/executed.html" if served else f"{os.path.relpath(root / folder)}/executed.html"

    return link


def _head(page: Tower) -> str:
    badge, day = html.badge(page.verdict), day_words(page.business_date)
    return f'<div class="bo-head"><span class="bo-title">{day}</span>{badge}<span>{escape(page.summary)}</span></div>'


def _body(page: Tower, link: Callable[[str], str]) -> str:
    rows = html.figures(page.nav_figures, "bo-roomy") + html.figures(page.control_figures, "bo-wide")
    return f'{rows}<div class="bo-grid">{_matrix(page, link)}{_attention(page.attention, link)}</div>'


def _matrix(page: Tower, link: Callable[[str], str]) -> str:
    head = "".join(f"<th>{escape(_SHORT.get(p, p.capitalize()))}</th>" for p in PROCESSES)
    body = "".join(
        f'<tr><td title="{escape(name)}">{escape(fund)}</td>{"".join(_cell(page.cell(fund, p), link) for p in PROCESSES)}</tr>'
        for fund, name in page.funds
    )
    says = "the last run's verdict and end (UTC); a click opens its page"
    title = f'<div class="bo-section">Processes <span class="bo-quiet">{says}</span></div>'
    rows = f"<thead><tr><th>Fund</th>{head}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="bo-panel">{title}<div class="bo-scroll"><table class="bo-table bo-matrix">{rows}</table></div></div>'


def _cell(cell: Cell, link: Callable[[str], str]) -> str:
    if not cell.said:
        return '<td title="This process has not run for this date"><span class="bo-quiet">–</span></td>'
    when = f'<div class="bo-when">{escape(cell.at)}</div>' if cell.at else ""
    return f'<td title="{escape(in_words(cell.summary))}">{html.badge(cell.said, link(cell.folder))}{when}</td>'


def _attention(items: tuple[Item, ...], link: Callable[[str], str]) -> str:
    rows = "".join(_item(item, link) for item in items[:ITEMS_SHOWN])
    more = len(items) - ITEMS_SHOWN
    rest = f'<tr><td class="bo-more" colspan="2">and {more:,} more</td></tr>' if more > 0 else ""
    body = (
        f'<table class="bo-table"><tbody>{rows}{rest}</tbody></table>'
        if items
        else '<div class="bo-empty">Nothing needs attention.</div>'
    )
    return f'<div class="bo-panel"><div class="bo-section">Needs attention first</div>{body}</div>'


def _item(item: Item, link: Callable[[str], str]) -> str:
    href = link(item.folder)
    what = (
        f'<a href="{escape(href)}" target="_blank" rel="noopener">{escape(in_words(item.what))}</a>'
        if href
        else escape(in_words(item.what))
    )
    said = escape(in_words(item.why))
    why = f'<div class="bo-quiet bo-brief" title="{said}">{said}</div>' if said else ""
    fund = "All funds" if item.fund == FIRM else item.fund
    return f'<tr><td class="bo-d"><b>{escape(fund)}</b></td><td>{what}{why}</td></tr>'


def _drawings(page: Tower | None) -> list[dict[str, Any] | None]:
    """The two charts as MIME bundles; None where there is nothing to draw."""
    if page is None:
        return [None, None]
    return [
        charts.bundle(chart, data, CHART_PX) if data.num_rows else None
        for chart, data in ((_AGES, page.ages), (_LINES, page.lines))
    ]
