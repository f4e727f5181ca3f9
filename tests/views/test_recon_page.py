"""The page of a reconciliation: its sentence, who agrees, and what changed."""

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest

from bo_lib.config import load
from bo_lib.model.findings import info, warning
from bo_lib.model.tables import QUANTITY, TEXT
from bo_lib.recon import BreakState, Rules, breaks_on, carry, not_compared, open_breaks
from bo_lib.recon.three_way import reconcile_three
from bo_lib.views.pages.recon import reconciliation_report
from bo_lib.views.report import Report
from tests.conftest import PROJECT

RULES = load(PROJECT / "parameters/recon/units.yaml", Rules)
UNITS = pa.schema([("share_class", TEXT), ("units", QUANTITY)])


def compared(day: int, **units: str):
    """Units of class A: register, administrator, nav."""
    tables = {party: pa.Table.from_pylist([{"share_class": "A", "units": Decimal(n)}], UNITS) for party, n in units.items()}
    return reconcile_three(tables, RULES, date(2026, 6, day), fund="F", value=lambda row, amount: abs(amount) * 100)


def page(payloads: list[dict], result, day: int) -> Report:
    today = date(2026, 6, day)
    payloads += carry(open_breaks(payloads, today), result, today, "TARGET").payloads
    states: list[BreakState] = list(breaks_on(payloads, today).values())
    return reconciliation_report(result, states, today, "TARGET")


def test_who_is_alone_is_shown_and_what_changed_is_said() -> None:
    payloads: list[dict] = []
    first = page(payloads, compared(2, register="10", administrator="12", nav="10"), 2)
    assert first.summary == "0.0% matched, 1 break open (1 new today); every party is proven."
    tables = {s.title: s.table for s in first.sections}
    assert tables["Who agrees"].to_pylist() == [
        {"share_class": "A", "register": 10, "administrator": 12, "nav": 10, "agreement": "administrator alone"}
    ]
    assert "administrator is alone" in tables["Breaks"]["explanation"][0].as_py()
    second = page(payloads, compared(3, register="10", administrator="13", nav="10"), 3)
    assert "1 break open (1 of another amount)" in second.summary
    (change,) = next(s.table for s in second.sections if s.title == "Changed since yesterday").to_pylist()
    assert (change["change"], change["why"]) == ("amount", "was -2")
    third = page(payloads, compared(4, register="10", administrator="10", nav="10"), 4)
    assert third.summary == "100.0% matched, no breaks open (1 closed); every party is proven."
    (change,) = next(s.table for s in third.sections if s.title == "Changed since yesterday").to_pylist()
    assert (change["change"], change["why"]) == ("closed", "matched by units with 10")


@pytest.mark.parametrize(("say", "verdict"), [(warning, "attention"), (info, "pass")])
def test_when_nothing_was_compared_nothing_is_proven(say, verdict: str) -> None:
    payloads: list[dict] = []
    page(payloads, compared(2, register="10", administrator="12", nav="10"), 2)
    nothing = not_compared(RULES, date(2026, 6, 3), "F", [say("administrator-missing", "no NAV pack for 2026-06-03")]).value
    report = page(payloads, nothing, 3)
    assert report.summary == "Nothing was compared: no NAV pack for 2026-06-03. 1 break open as before."
    assert report.verdict.value == verdict and "proven" not in report.summary
    assert {f.label: f.value for f in report.figures}["Matched"] == "nothing"
