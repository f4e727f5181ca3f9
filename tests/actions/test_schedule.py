"""Dates ahead, and coupons that nobody announced."""

from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from bo_lib.actions import coupons_due, unannounced_coupons, upcoming
from bo_lib.model.tables import INSTRUMENTS
from tests.actions.desk import dividend, heard, holding, june, said

EXERCISE = said(
    "ALPINE", "X", "EXRI", "RIGHT", payment_date=12, deadline=10, price="70", camv="CHOS", currency="EUR", new_isin="SHARE",
    option_type="LAPS", default_option=True,
)  # fmt: skip


def test_the_nearest_comes_first_and_on_one_day_the_deadline() -> None:
    rows = upcoming(heard(dividend("ALPINE", rate=None), EXERCISE).value, june(9), 7).to_pylist()
    assert [(r["day"].day, r["what"], r["caev"], r["days_left"], r["to_decide"], r["default"]) for r in rows] == [
        (10, "deadline", "EXRI", 1, True, "LAPS"),
        (10, "ex", "DVCA", 1, False, None),
        (12, "payment", "EXRI", 3, False, "LAPS"),
        (16, "payment", "DVCA", 7, False, None),
    ]
    assert [r["open_questions"] for r in rows] == [0, 1, 0, 1]


def test_only_what_is_held_when_positions_are_given_and_nothing_cancelled() -> None:
    golden = heard(dividend("ALPINE"), EXERCISE).value
    assert {r["isin"] for r in upcoming(golden, june(9), positions=holding(SHARE=7)).to_pylist()} == {"SHARE"}
    assert upcoming(heard(dividend("ALPINE"), dividend("ALPINE", function="CANC")).value, june(9)).num_rows == 0


def _bond(**terms: Any) -> pa.Table:
    row = {"isin": "BOND", "name": "B", "kind": "corporate_bond", "currency": "EUR", "coupon_pct": Decimal("4.5"),
           "coupons_per_year": 2, "maturity": date(2030, 8, 31), "issued": date(2020, 8, 31)}  # fmt: skip
    return INSTRUMENTS.build([{**row, **terms}]).value


def test_coupons_run_back_from_maturity_and_are_paid_on_business_days() -> None:
    rows = coupons_due(_bond(), date(2026, 1, 1), date(2027, 12, 31)).to_pylist()
    assert [(r["due"], r["payment_date"], r["rate_pct_of_nominal"]) for r in rows] == [
        (date(2026, 2, 28), date(2026, 3, 2), Decimal("2.25")),  # a Saturday
        (date(2026, 8, 31), date(2026, 8, 31), Decimal("2.25")),
        (date(2027, 2, 28), date(2027, 3, 1), Decimal("2.25")),
        (date(2027, 8, 31), date(2027, 8, 31), Decimal("2.25")),
    ]


@pytest.mark.parametrize(("per_year", "maturity"), [(1, date(2031, 6, 15)), (2, date(2029, 3, 31)), (4, date(2030, 1, 31))])
def test_the_schedule_agrees_with_quantlib(per_year: int, maturity: date) -> None:
    import QuantLib as ql

    issued = date(maturity.year - 8, maturity.month, maturity.day)
    dates = ql.Schedule(
        ql.Date(issued.day, issued.month, issued.year), ql.Date(maturity.day, maturity.month, maturity.year),
        ql.Period(12 // per_year, ql.Months), ql.NullCalendar(), ql.Unadjusted, ql.Unadjusted, ql.DateGeneration.Backward, False,
    )  # fmt: skip
    theirs = [date(d.year(), d.month(), d.dayOfMonth()) for d in dates][1:]
    ours = coupons_due(_bond(maturity=maturity, issued=issued, coupons_per_year=per_year), issued, maturity)["due"].to_pylist()
    assert ours == theirs


def test_a_coupon_goes_ex_on_its_date_or_so_many_business_days_before() -> None:
    """The gilt of 22 October 2063 last settled with its coupon of October 2023 on the 12th: seven business days before a Sunday."""
    gilt = _bond(currency="GBP", maturity=date(2063, 10, 22), ex_dividend_days=7)
    (row,) = coupons_due(gilt, date(2023, 10, 1), date(2023, 10, 31)).to_pylist()
    assert (row["due"], row["ex_date"], row["payment_date"]) == (date(2023, 10, 22), date(2023, 10, 13), date(2023, 10, 23))
    (plain,) = coupons_due(_bond(), date(2026, 2, 1), date(2026, 2, 28)).to_pylist()
    assert plain["ex_date"] == plain["due"]


def test_an_odd_first_coupon_is_marked() -> None:
    rows = coupons_due(_bond(issued=date(2026, 1, 15)), date(2026, 1, 1), date(2026, 12, 31)).to_pylist()
    assert [(r["due"], r["regular"]) for r in rows] == [(date(2026, 2, 28), False), (date(2026, 8, 31), True)]


def test_a_coupon_that_nobody_announces_is_noticed() -> None:
    due = coupons_due(_bond(maturity=date(2030, 6, 15), issued=None), june(1), june(30))
    announced = said("BOREAL", "C", "INTR", "BOND", payment_date=16, rate="2.25")
    held = holding(BOND=1000)
    (finding,) = unannounced_coupons(due, [], held)
    assert (finding.code, finding.place.file) == ("coupon-not-announced", "INTR:BOND:2026-06-15")
    assert unannounced_coupons(due, heard(announced).value, held) == []
    assert unannounced_coupons(due, [], holding(OTHER=1)) == []
    (wrong,) = unannounced_coupons(due, heard({**announced, "rate": Decimal("4.5")}).value, held)
    assert (wrong.code, wrong.expected) == ("coupon-rate-differs", "2.25")
