"""Published settlement dates."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from bo_lib.config import Cycles, load
from bo_lib.model.dates import is_trading_day
from bo_lib.settlement import UnknownCycleError, settlement_date, spot_date

CYCLES = load(Path(__file__).parents[2] / "parameters/rules/settlement_cycles.yaml", Cycles)


@pytest.mark.parametrize(
    ("traded", "market", "kind", "settles"),
    [
        ("2026-10-09", "US", "equity", "2026-10-13"),  # Columbus Day is no settlement day …
        ("2026-10-12", "US", "equity", "2026-10-13"),  # … though the exchange trades
        ("2024-05-24", "US", "equity", "2024-05-29"),  # the last T+2, over Memorial Day
        ("2024-05-28", "US", "equity", "2024-05-29"),  # the first T+1
        ("2024-05-24", "US", "government_bond", "2024-05-28"),
        ("2024-05-24", "CA", "equity", "2024-05-28"),
        ("2024-05-27", "CA", "equity", "2024-05-28"),
        ("2027-10-08", "EU", "equity", "2027-10-12"),  # Friday at T+2 and …
        ("2027-10-11", "EU", "equity", "2027-10-12"),  # … Monday at T+1
        ("2027-10-08", "GB", "equity", "2027-10-12"),
        ("2027-10-11", "CH", "equity", "2027-10-12"),
        ("2026-06-02", "JP", "equity", "2026-06-04"),
    ],
)
def test_trades_settle_when_the_market_says(traded: str, market: str, kind: str, settles: str) -> None:
    assert settlement_date(date.fromisoformat(traded), market, kind, CYCLES) == date.fromisoformat(settles)


def test_the_exchange_trades_on_a_day_that_settles_nothing() -> None:
    assert is_trading_day(date(2026, 10, 12), "XNYS")


@pytest.mark.parametrize(
    ("traded", "one", "other", "value"),
    [
        ("2026-06-02", "EUR", "USD", "2026-06-04"),
        ("2026-06-02", "USD", "CAD", "2026-06-03"),
        ("2026-07-01", "EUR", "USD", "2026-07-06"),  # 3 July 2026: Independence Day observed, a Friday
        ("2026-07-02", "EUR", "USD", "2026-07-06"),  # a US holiday between does not count against the dollar
    ],
)
def test_spot_deals_settle_on_a_day_of_both_currencies(traded: str, one: str, other: str, value: str) -> None:
    assert spot_date(date.fromisoformat(traded), one, other, CYCLES) == date.fromisoformat(value)


def test_a_market_without_a_cycle_is_named() -> None:
    with pytest.raises(UnknownCycleError, match=r"no settlement cycle of 'XX'.*known markets: AU, CA"):
        settlement_date(date(2026, 6, 1), "XX", "equity", CYCLES)
