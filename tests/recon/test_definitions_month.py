"""Every definition on the demonstration firm: what was seeded shows with its cause, and nothing else does."""

from __future__ import annotations

from pathlib import Path

import pytest

from bo_lib.workbench import Workbench
from tests.conftest import Month

LATER = "2027-01-01T00:00:00Z"
NAMES = ("trades", "income", "prices", "nav_components", "units", "positions_three_way")
Breaks = set[tuple[str, str, str, str]]  # definition, what differs, kind, cause

PRICED_WRONG: Breaks = {  # the administrator's price of one bond, 2 percent too high
    ("prices", "US990014AB86", "price", "priced otherwise"),
    ("nav_components", "holding US990014AB86 price", "amount", "price differs"),
    ("nav_components", "holding US990014AB86 amount", "amount", "price"),
    ("nav_components", "net_assets amount", "amount", "follows from its components"),
    ("nav_components", "net_assets ACC amount", "amount", "follows from its components"),
    ("nav_components", "nav_per_unit ACC price", "amount", "follows from its components"),
}
PAID_SHORT: Breaks = {("income", "B-IN2606130156", "amount", "charge taken off by the bank")}
ONE_HUNDRED_MORE: Breaks = {("positions_three_way", "US9900081046", "custodian_alone", "quantity of custodian differs")}


@pytest.mark.parametrize(
    ("fund", "day", "seeded"),
    [
        ("EURO-UCITS", "2026-06-16", set()),
        ("GLOBAL-EQ-LS", "2026-06-12", ONE_HUNDRED_MORE),
        ("GLOBAL-EQ-LS", "2026-06-16", set()),
        ("GLOBAL-BOND", "2026-06-16", PRICED_WRONG | PAID_SHORT),
        ("HARBOUR-PE", "2026-06-16", set()),
    ],
)
def test_what_was_seeded_is_found_and_nothing_else(month: Month, fund: str, day: str, seeded: Breaks) -> None:
    desk = Workbench.open(fund, day, LATER, month.root)
    results = {name: desk.reconciled(name).value for name in NAMES}
    found = {(name, item.subject, item.kind, item.cause) for name, result in results.items() for item in result.items}
    assert found == seeded
    assert all(result.proven and not result.findings for result in results.values())


def test_they_become_reports_and_breaks_that_live(month_copy: Path) -> None:
    desk = Workbench.open("GLOBAL-BOND", "2026-06-16", root=month_copy)
    for name in NAMES:
        report = desk.reconcile(name)
        assert report.name == f"recon_{name}" and "Proof" in report.to_html()
    kept = {(b.item.recon, b.item.subject) for b in desk.open_breaks() if b.item.recon in NAMES}
    assert kept == {(name, subject) for name, subject, _, _ in PRICED_WRONG | PAID_SHORT}
    assert {b.item.recon for b in Workbench.open("GLOBAL-BOND", "2026-06-16", root=month_copy).open_breaks()} >= {
        "prices",
        "income",
    }


def test_a_pack_that_is_not_there_is_said_and_nothing_is_compared(month: Month) -> None:
    desk = Workbench.open("HARBOUR-PE", "2026-06-29", LATER, month.root)  # its columns cannot be read
    for name in ("prices", "nav_components", "units", "positions_three_way"):
        result = desk.reconciled(name).value
        assert not result.compared and result.items == () and result.findings
