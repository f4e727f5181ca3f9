"""Entitlements and events for the books."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from bo_lib.actions import by_terms, entitlements, to_events
from bo_lib.model import events as ev
from bo_lib.model.tables import INSTRUMENTS
from tests.actions.desk import codes, dividend, heard, holding, june, said


def test_a_dividend_entitles_longs_net_of_tax_and_charges_shorts_the_gross() -> None:
    golden = heard(dividend("ALPINE", account="A-1", eligible=95)).value
    rows = entitlements(golden, holding(SHARE=101, BROKER_SHARE=-10), june(10), numbers={"BANK": "A-1"}).to_pylist()
    assert [(r["account"], r["eligible"], r["eligible_at_custodian"], r["gross"], r["withholding"], r["net"]) for r in rows] == [
        ("BANK", 101, 95, Decimal("126.25"), Decimal("18.94"), Decimal("107.31")),
        ("BROKER", -10, None, Decimal("-12.50"), 0, Decimal("-12.50")),
    ]
    assert entitlements(golden, holding(SHARE=101), june(11)).num_rows == 0


def test_a_split_and_rights_entitle_to_securities() -> None:
    golden = heard(
        said("ALPINE", "S", "SPLF", "SHARE", ex_date=10, ratio_new=3, ratio_old=1),
        said("ALPINE", "R", "RHDI", "OTHER", ex_date=10, ratio_new=1, ratio_old=4, new_isin="RIGHT"),
    ).value
    rows = entitlements(golden, holding(SHARE=100, OTHER=103), june(10)).to_pylist()
    assert {(r["caev"], r["new_isin"], r["new_quantity"]) for r in rows} == {("RHDI", "RIGHT", 25), ("SPLF", "SHARE", 200)}


def _events(*rows: dict[str, Any], day: int = 10, held: Any = None, **more: Any) -> Any:
    return to_events(heard(*rows).value, "FUND", june(day), holding(SHARE=100) if held is None else held, **more)


def test_a_dividend_held_becomes_an_event_with_the_custodians_reference() -> None:
    outcome = _events(
        dividend("VENDOR-B", "V-1"), dividend("NORTHGATE", "N-1"), dividend("ALPINE", "A-1", file="f00d", at="line 3"),
        numbers={"BANK": "ALPINE-1"},
    )  # fmt: skip
    (event,) = outcome.value
    assert event == ev.Dividend(
        event_id="FUND:DVCA:SHARE:2026-06-10", fund="FUND", effective_date=june(10), source=event.source, event_ref="A-1",
        isin="SHARE", currency="EUR", rate_per_share=Decimal("1.25"), withholding_pct=Decimal(15), payment_date=june(16),
    )  # fmt: skip


def test_the_source_of_an_event_is_the_custodians_line() -> None:
    (event,) = _events(dividend("VENDOR-B", file="beef", at="1"), dividend("ALPINE", file="f00d", at="line 3")).value
    assert event.source == "f00d#line 3"


def test_what_the_fund_does_not_hold_or_what_counts_on_another_day_is_nothing() -> None:
    assert _events(dividend("ALPINE"), held=holding(OTHER=5)).value == []
    assert _events(dividend("ALPINE"), day=11).value == []


def test_events_of_a_weekend_are_not_lost() -> None:
    outcome = _events(dividend("ALPINE"), day=12, previous=june(9))
    assert [event.effective_date for event in outcome.value] == [june(10)]


INTEREST = said("BOREAL", "C", "INTR", "BOND", payment_date=15, rate="2.25", currency="EUR")


def test_a_coupon_that_no_terms_explain_counts_from_its_payment_date_and_that_is_said() -> None:
    (event,) = _events({**INTEREST, "currency": None}, day=15, held=holding(BOND=100000), currencies={"BOND": "USD"}).value
    assert isinstance(event, ev.Coupon)
    assert (event.event_id, event.currency, event.rate_pct_of_nominal) == ("FUND:INTR:BOND:2026-06-15", "USD", Decimal("2.25"))
    assert codes(by_terms(heard(INTEREST).value, bond(maturity=date(2030, 8, 31)))) == ["coupon-not-in-terms"]
    assert not by_terms(heard(INTEREST).value, bond()).findings


@pytest.mark.parametrize(("due", "ex_days", "ex"), [(15, None, 15), (13, None, 13), (15, 7, 5)])
def test_a_coupon_counts_from_the_ex_date_of_the_bonds_terms(due: int, ex_days: int | None, ex: int) -> None:
    """On its date, also when that is a Saturday, or from the first day on which the bond settles without it; paid on the 15th."""
    (event,) = _coupon(day=15, due=due, ex_dividend_days=ex_days)
    assert (event.event_id, event.effective_date, event.payment_date) == ("FUND:INTR:BOND:2026-06-15", june(ex), june(15))


def test_an_announced_ex_date_far_from_that_of_the_terms_is_said() -> None:
    """A gilt goes ex for trading on 4 June, to settle on the 5th; without its ex-dividend days it would on the 15th."""
    announced = heard({**INTEREST, "ex_date": june(4)}).value
    assert codes(by_terms(announced, bond())) == ["coupon-ex-date-differs"]
    assert codes(by_terms(announced, bond(ex_dividend_days=7))) == []


def test_a_coupon_announced_in_its_ex_dividend_period_is_made_until_it_is_paid() -> None:
    made = {day: len(_coupon(day=day, ex_dividend_days=7)) for day in (4, 5, 8, 9, 12, 15, 16)}
    assert made == {4: 0, 5: 1, 8: 1, 9: 1, 12: 1, 15: 1, 16: 0}


@pytest.mark.parametrize(("side", "settles", "eligible"), [
    ("BUY", 12, 100), ("BUY", 15, 60), ("BUY", 16, 60), ("SELL", 12, 100), ("SELL", 15, 140), ("SELL", 16, 140),
])  # fmt: skip
def test_interest_is_due_on_what_settles_before_its_ex_date(side: str, settles: int, eligible: int) -> None:
    golden = by_terms(heard(INTEREST).value, bond()).value
    (row,) = entitlements(golden, holding(BOND=100), june(15), pending=pending(side, 40, settles)).to_pylist()
    assert (row["eligible"], row["gross"]) == (eligible, eligible * Decimal("0.0225"))


def test_a_bond_wholly_sold_to_settle_after_its_ex_date_still_pays() -> None:
    assert len(_coupon(day=15, held=holding(), pending=pending("SELL", 100, 16))) == 1
    assert _coupon(day=15, held=holding(), pending=pending("SELL", 100, 12)) == []
    assert _coupon(day=15, held=holding(BOND=100), pending=pending("BUY", 100, 16)) == []


def _coupon(*, day: int, due: int = 15, held: Any = None, pending: Any = None, **terms: Any) -> list[ev.Event]:
    golden = by_terms(heard(INTEREST).value, bond(maturity=date(2030, 6, due), **terms)).value
    positions = holding(BOND=100) if held is None else held
    before = june(day) - timedelta(days=3 if june(day).weekday() == 0 else 1)
    return to_events(golden, "FUND", june(day), positions, previous=before, pending=pending).value


def bond(**terms: Any) -> pa.Table:
    row = {"isin": "BOND", "name": "Bond", "kind": "government_bond", "currency": "EUR", "coupon_pct": Decimal("4.5"),
           "coupons_per_year": 2, "maturity": date(2030, 6, 15)}  # fmt: skip
    return INSTRUMENTS.build([{**row, **terms}]).value


def pending(side: str, quantity: int, settles: int) -> pa.Table:
    return pa.Table.from_pylist([
        {"trade_id": "T1", "account": "BANK", "isin": "BOND", "side": side, "quantity_open": Decimal(quantity),
         "settlement_date": june(settles)}
    ])  # fmt: skip


def test_a_split_into_another_isin_is_for_a_person() -> None:
    terms = {"ex_date": 10, "ratio_new": 1, "ratio_old": 10}
    assert isinstance(_events(said("ALPINE", "S", "SPLR", "SHARE", **terms)).value[0], ev.Split)
    assert codes(_events(said("ALPINE", "S", "SPLR", "SHARE", new_isin="NEWER", **terms))) == ["action-by-hand"]


RIGHTS = said("ALPINE", "R", "RHDI", "SHARE", ex_date=10, ratio_new=1, ratio_old=4, new_isin="RIGHT")
EXERCISE = said(
    "ALPINE", "X", "EXRI", "RIGHT", payment_date=22, price="70", currency="EUR", new_isin="SHARE", ratio_new=1, ratio_old=1
)


def test_rights_are_valued_by_the_prices_of_the_ex_date() -> None:
    (event,) = _events(RIGHTS, prices={"SHARE": Decimal(95), "RIGHT": Decimal("24.50")}).value
    assert isinstance(event, ev.RightsIssue)
    assert (event.value_share, event.value_right, event.rights_isin, event.new, event.old) == (95, Decimal("24.50"), "RIGHT", 1, 4)


def test_a_right_without_price_is_valued_in_theory_and_a_share_without_price_waits() -> None:
    outcome = _events(RIGHTS, EXERCISE, prices={"SHARE": Decimal(95)})
    assert (outcome.value[0].value_right, codes(outcome)) == (25, ["right-valued-in-theory"])
    assert codes(_events(RIGHTS, EXERCISE)) == ["value-missing"]


def test_rights_are_exercised_as_instructed_else_by_default() -> None:
    held = holding(RIGHT=25)
    default = _events(EXERCISE, day=22, held=held)
    assert [(e.event_id, e.quantity, e.subscription_price) for e in default.value] == [("FUND:EXRI:RIGHT:2026-06-22:BANK", 25, 70)]
    assert codes(default) == ["exercise-by-default"]
    told = _events(EXERCISE, day=22, held=held, instructions={("EXRI:RIGHT:2026-06-22", "BANK"): Decimal(10)})
    assert ([e.quantity for e in told.value], codes(told)) == ([10], ["rights-lapse"])
    none = _events(EXERCISE, day=22, held=held, take_up=Decimal(0))
    assert (none.value, codes(none)) == ([], ["exercise-by-default", "rights-lapse"])


def test_a_type_that_is_not_automatic_is_never_silent() -> None:
    outcome = _events(said("ALPINE", "M", "MRGR", "SHARE", ex_date=10))
    assert (outcome.value, codes(outcome)) == ([], ["action-by-hand"])


def test_an_incomplete_event_is_an_error_on_its_day() -> None:
    outcome = _events(dividend("ALPINE", rate=None))
    assert (outcome.value, codes(outcome), outcome.ok) == ([], ["action-incomplete"], False)


def test_an_event_cancelled_after_booking_is_reversed() -> None:
    rows = (dividend("ALPINE"), dividend("ALPINE", function="CANC"))
    assert _events(*rows).value == []
    (event,) = _events(*rows, day=12, booked={"FUND:DVCA:SHARE:2026-06-10"}).value
    assert isinstance(event, ev.Reversal)
    assert (event.reverses, event.effective_date) == ("FUND:DVCA:SHARE:2026-06-10", june(12))
