"""Reports as a PDF: whatever stands in them, the same bytes for the same reports."""

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest

from bo_lib.model.findings import Verdict, warning
from bo_lib.views.pdf import Document, render
from bo_lib.views.report import Chart, Figure, Report, Section

AMOUNTS = pa.array([Decimal("100.00"), Decimal("-12.50"), Decimal("87.50")], pa.decimal128(38, 6))
STEPS = pa.table({"cause": ["before", 'price "#evil[]"', "after"], "amount": AMOUNTS})
DAYS = pa.table({"day": [date(2026, 6, 1), date(2026, 6, 2)], "index": [100.0, 101.0], "share_class": ["A", "A"]})
REPORT = Report(
    "move", "The move #panic()", Verdict.ATTENTION, "Net assets moved.", (Figure("Move", Decimal("-12.50"), alarm=True),),
    (
        Section("By cause", table=STEPS, chart=Chart("waterfall", "cause", "amount", totals=("before", "after"))),
        Section("So far", chart=Chart("line", "day", "index", "share_class", data=DAYS)),
        Section("Nothing", table=pa.table({"a": pa.array([], pa.string())})),
    ),
    (warning("price-stale", "<b>no move</b>"),),
)  # fmt: skip


def document(*reports: Report, status: str = "Draft") -> Document:
    return Document(
        "NAV", "30 June 2026", date(2026, 6, 30), "attention", status, "All of it.", (Section("C", table=STEPS),), reports
    )


def test_the_same_reports_give_the_same_bytes() -> None:
    made = render(document(REPORT))
    assert made.startswith(b"%PDF") and made == render(document(REPORT)) != render(document(REPORT, status="Released"))


def test_text_is_text_whatever_it_looks_like() -> None:
    longer = Report(REPORT.name, "The move", REPORT.verdict, "#pagebreak() $x$ *b* _i_ \\ `raw` @ref <label>")
    assert render(document(longer)).startswith(b"%PDF")


@pytest.mark.parametrize("values", [[], [None], [Decimal(0)], [Decimal(5), Decimal(5)]])
def test_charts_of_nothing_or_of_one_value_are_drawn(values: list[Decimal | None]) -> None:
    data = pa.table({"x": [str(n) for n in range(len(values))], "y": pa.array(values, pa.decimal128(38, 6))})
    sections = tuple(Section(kind, table=data, chart=Chart(kind, "x", "y")) for kind in ("waterfall", "line"))  # type: ignore[arg-type]
    assert render(document(Report("r", "R", Verdict.PASS, "", (), sections))).startswith(b"%PDF")
