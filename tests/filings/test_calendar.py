"""The filing calendar of the demonstration firm's funds."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bo_lib.config import Filing, Filings, load, load_fund
from bo_lib.filings import due_date, obligations

ROOT = Path(__file__).parents[2]
FILINGS = load(ROOT / "parameters/filings.yaml", Filings)


def owed(
    fund: str, first: str, last: str, today: str = "2026-07-01", done: tuple[tuple[str, date], ...] = ()
) -> list[dict[str, Any]]:
    table = obligations(
        load_fund(ROOT, fund),
        FILINGS,
        date.fromisoformat(first),
        date.fromisoformat(last),
        today=date.fromisoformat(today),
        done=done,
    )
    return table.to_pylist()


def test_a_hedge_fund_owes_after_its_second_quarter() -> None:
    rows = owed("GLOBAL-EQ-LS", "2026-07-01", "2026-09-30")
    assert [(r["form"], r["period_start"], r["period_end"], r["due"]) for r in rows] == [
        ("AIFMD Annex IV", date(2026, 4, 1), date(2026, 6, 30), date(2026, 7, 30)),
        ("13F-HR", date(2026, 4, 1), date(2026, 6, 30), date(2026, 8, 14)),
        ("Form PF", date(2026, 4, 1), date(2026, 6, 30), date(2026, 8, 31)),  # 29 August is a Saturday
    ]


def test_states_follow_the_day_and_what_was_filed() -> None:
    def state(today: str, *done: tuple[str, date]) -> str:
        return next(
            r["state"] for r in owed("GLOBAL-EQ-LS", "2026-07-01", "2026-09-30", today, done) if r["form"] == "AIFMD Annex IV"
        )

    assert [state(d) for d in ("2026-06-30", "2026-07-01", "2026-07-16", "2026-07-30", "2026-07-31")] == [
        "later",
        "open",
        "due_soon",
        "due_soon",
        "overdue",
    ]
    assert state("2026-07-31", ("AIFMD Annex IV", date(2026, 6, 30))) == "done"


def test_a_bond_fund_owes_its_yearly_return() -> None:
    (row,) = owed("GLOBAL-BOND", "2026-06-01", "2027-12-31")
    assert (row["form"], row["period_start"], row["period_end"], row["due"]) == (
        "CRS",
        date(2026, 1, 1),
        date(2026, 12, 31),
        date(2027, 6, 30),
    )


def test_periods_before_inception_owe_nothing() -> None:
    assert owed("GLOBAL-EQ-LS", "2026-01-01", "2026-06-30") == []


@pytest.mark.parametrize(("kind", "days", "due"), [("calendar", 5, "2026-07-06"), ("business", 5, "2026-07-08")])
def test_deadlines_count_calendar_or_business_days(kind: str, days: int, due: str) -> None:
    """US calendar: Friday 3 July 2026 is Independence Day observed, 5 July a Sunday."""
    filing = Filing.model_validate({
        "form": "N-MFP3", "title": "t", "from": date(2020, 1, 1), "applies_to": ["fund"], "frequency": "monthly", "due_days": days,
        "day_kind": kind, "source": "s",
    })  # fmt: skip
    assert due_date(filing, date(2026, 6, 30), "US") == date.fromisoformat(due)
