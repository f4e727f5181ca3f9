"""A fund that holds units of another fund of the firm: price and units are what that fund says."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from bo_lib.model.findings import Outcome
from bo_lib.store import Fact
from bo_lib.workbench import Workbench
from bo_lib.workbench.opening import OPENING_NAV

MASTER, DAY = "GLOBAL-BOND", date(2026, 6, 2)


def related(desk: Workbench, price: str, units: str) -> list[tuple[Decimal, Decimal | None]]:
    """(ours, theirs) of price and units, for a feeder that holds the first class of the master."""
    (held, *_) = (c for c in desk.office.fund(MASTER).on(DAY).classes if c.isin)
    holding = {held.isin: {"price": Decimal(price), "quantity": Decimal(units)}}
    struck: Any = SimpleNamespace(valuation=SimpleNamespace(holdings=lambda: holding))
    desk.done[("struck",)] = Outcome(struck)
    assert all(r.item.startswith(f"{MASTER} {held.id}, ") for r in desk._related())
    return [(r.ours, r.theirs) for r in desk._related()]


def masters_books(desk: Workbench, investor: str) -> None:
    (held, *_) = (c for c in desk.office.fund(MASTER).on(DAY).classes if c.isin)
    opening = {"state": {}, "register": [{"investor": investor, "share_class": held.id, "units": "250"}]}
    struck = {"state": {held.id: {"nav_per_unit": "101.5"}}}
    desk.office.append([
        Fact(f"{OPENING_NAV}:{MASTER}", MASTER, OPENING_NAV, MASTER, date(2026, 5, 29), opening),
        Fact(f"nav:{MASTER}", MASTER, "nav.struck", MASTER, DAY, struck),
    ])  # fmt: skip


def test_a_feeder_agrees_with_its_master_on_price_and_units(desk: Workbench) -> None:
    masters_books(desk, desk.fund.id)
    assert all(ours == theirs for ours, theirs in related(desk, "101.5", "250"))
    assert [theirs for _, theirs in related(desk, "101.6", "249")] == [Decimal("101.5"), Decimal(250)]


def test_a_master_that_has_no_nav_or_does_not_know_the_feeder_says_nothing(desk: Workbench) -> None:
    assert [theirs for _, theirs in related(desk, "101.5", "250")] == [None, None]
    masters_books(desk, "INV-9")
    assert [theirs for _, theirs in related(desk, "101.5", "250")] == [Decimal("101.5"), None]
