"""The strike: what happened over the weekend, and what each class is worth on Monday."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from bo_lib.model import events as ev
from bo_lib.model.money import ZERO
from bo_lib.model.tables import NAV_PACK, TRIAL_BALANCE
from bo_lib.nav import attribute, opening_state, state_from_payload, value
from bo_lib.nav.accrued import accrued_interest
from tests.nav.desk import FRIDAY, MASTER, MONDAY, OPENING_NET_ASSETS, at, book, capital, forward, opening_classes, priced, struck

D = Decimal
TUESDAY = date(2026, 6, 2)


def test_a_quiet_weekend_accrues_three_days() -> None:
    strike = struck().value
    interest = accrued_interest(D(100000), MASTER.to_pylist()[1], MONDAY).value - D("1813.19")
    assert interest == D("32.96")  # 2,000 x 3 / 182 days of the coupon period
    fees = {(a.name, a.share_class): a.amount for a in strike.accruals}
    assert fees["administration_fee", ""] == D("300.00")
    assert fees["management_fee", "A"] == D("12.33")  # 150,000 x 1% x 3 / 365
    assert fees["management_fee", "B"] == D("4.11")
    assert strike.net_assets == sum(OPENING_NET_ASSETS.values()) + interest - sum(fees.values())
    assert strike.previous_day == FRIDAY
    assert strike.accruals[0].event_id == "TEST:accrual:2026-06-01:administration_fee:"


def test_the_common_result_is_shared_by_opening_and_the_cent_goes_to_the_largest() -> None:
    rows = struck(share="103.37").value.rows
    gain = sum((r["share"] for r in rows.values()), ZERO)
    assert gain == D("32.96") + D("2696.00") - D("300.00")
    whole = sum(OPENING_NET_ASSETS.values())
    for name in ("B", "H"):
        assert rows[name]["share"] == round(gain * OPENING_NET_ASSETS[name] / whole, 2)
    assert rows["A"]["share"] == gain - rows["B"]["share"] - rows["H"]["share"]


def test_a_hedged_class_alone_carries_its_forward() -> None:
    """50,000 dollars bought for 40,000 euro; the dollar rises from 1.25 to 1.20: 1,666.67 euro for H and nobody else."""
    hedge = forward("FWD-1", "USD 50000", "EUR 40000", date(2026, 6, 30))
    rows = struck([hedge], usd="1.20").value.rows
    assert {name: row["hedge"] for name, row in rows.items()} == {"A": 0, "B": 0, "H": D("1666.67")}
    plain = struck(usd="1.20").value.rows
    assert rows["A"]["net_assets"] == plain["A"]["net_assets"]


def test_a_forward_that_settles_turns_into_realised_gain_without_a_jump() -> None:
    hedge = forward("FWD-1", "USD 50000", "EUR 40000", TUESDAY)
    monday = struck([hedge], usd="1.20").value
    tuesday = struck([hedge, *monday.accruals], day=TUESDAY, usd="1.20", previous=monday.state).value
    assert tuesday.rows["H"]["hedge"] == 0
    assert tuesday.state["H"].hedge_cumulative == monday.state["H"].hedge_cumulative == D("1666.67")


def test_capital_dated_today_shares_in_todays_result_and_adds_its_units() -> None:
    subscription = capital("O-1", "B", "SUBSCRIBE", "500", "50000", "50000")
    rows = struck([subscription], share="110").value.rows
    assert (rows["B"]["capital"], rows["B"]["units"]) == (50000, 1500)
    assert abs(rows["B"]["share"] - rows["A"]["share"]) <= D("0.01")  # 150,000 each
    assert rows["A"]["units"] == 1500


def test_a_redemption_leaves_with_its_units() -> None:
    rows = struck([capital("O-1", "A", "REDEEM", "500", "50000", "50000")]).value.rows
    assert (rows["A"]["capital"], rows["A"]["units"]) == (-50000, 1000)


def test_capital_that_comes_late_joins_the_next_strike() -> None:
    monday = struck().value
    late = capital("O-1", "B", "SUBSCRIBE", "500", "50000", "50000")  # effective Monday, known on Tuesday
    tuesday = struck([late, *monday.accruals], day=TUESDAY, previous=monday.state).value
    assert (tuesday.rows["B"]["capital"], tuesday.rows["B"]["units"]) == (50000, 1500)
    wednesday = date(2026, 6, 3)
    after = struck([late, *monday.accruals, *tuesday.accruals], day=wednesday, previous=tuesday.state).value
    assert (after.rows["B"]["capital"], after.rows["B"]["units"]) == (0, 1500)


def test_nav_per_unit_is_in_the_currency_of_the_class() -> None:
    row = struck().value.rows["H"]
    assert row["nav_per_unit"] == round(row["net_assets"] * D("1.25") / 500, 4)


def test_a_performance_fee_is_taken_above_the_mark_and_given_back_below() -> None:
    classes = [{"id": c, "currency": "EUR", "high_water_mark": "100"} for c in "AB"]
    without = {"id": "H", "currency": "USD", "performance_fee": {"rate_pct": 0}}
    terms = {"classes": [*classes, without], "performance_fee": {"rate_pct": 20}, "expenses": []}
    assert struck(share="120", **terms).ok
    up = struck(share="120", **terms).value
    gain = up.rows["A"]["share"]
    assert up.rows["A"]["performance_fee"] == round(gain * D("0.2"), 2)
    down = struck(list(up.accruals), day=TUESDAY, share="90", previous=up.state, **terms).value
    assert down.rows["A"]["performance_fee"] == -up.rows["A"]["performance_fee"]
    assert down.state["A"].performance_fee_accrued == 0


def test_a_strike_can_be_repeated_and_its_state_survives_json() -> None:
    first, second = struck(share="99").value, struck(share="99").value
    assert first.classes == second.classes
    assert state_from_payload(first.state_payload()) == first.state


def test_what_blocks_a_strike() -> None:
    again = struck(day=FRIDAY)
    assert "strike-not-after" in {f.code for f in again.findings}
    empty = struck(previous={})
    assert "nothing-to-share-by" in {f.code for f in empty.findings}
    stray = struck([capital("O-1", "Z", "SUBSCRIBE", "1", "100", "100")])
    assert "class-unknown" in {f.code for f in stray.findings}
    assert not (again.ok or empty.ok or stray.ok)


def test_a_performance_fee_without_a_mark_blocks() -> None:
    outcome = struck(performance_fee={"rate_pct": 20}, classes=[{"id": c, "currency": "EUR"} for c in "ABH"])
    assert [f.code for f in outcome.findings] == ["fee-without-mark"] * 3 and not outcome.ok


def test_an_opening_that_lacks_units_is_a_letter() -> None:
    row = {"fund": "TEST", "nav_date": FRIDAY, "component": "net_assets", "share_class": "A", "currency": "EUR", "amount": D(1)}
    outcome = opening_state(NAV_PACK.build([row]).value, TRIAL_BALANCE.empty())
    assert [f.code for f in outcome.findings] == ["opening-incomplete", "opening-missing"]


def test_a_holding_without_a_price_counts_zero_and_is_an_error() -> None:
    bare = value(
        book([], MONDAY), type(priced(MONDAY))(MONDAY, {"BOND": D(100)}, priced(MONDAY).table), at(MONDAY), MASTER, "EUR", MONDAY
    )
    assert [f.code for f in bare.findings] == ["holding-unpriced"]
    assert bare.value.holdings()["SHARE"]["base"] == 0


amounts = st.decimals("1", "90000", places=2)
prices = st.decimals("1", "500", places=4)


@settings(max_examples=40, deadline=None)
@given(prices, st.decimals("80", "120", places=3), st.decimals("0.5", "2.5", places=5), amounts, st.integers(1, 9))
def test_classes_sum_to_the_fund_and_the_move_is_explained_to_zero(
    share: Decimal, bond: Decimal, usd: Decimal, paid: Decimal, days: int
) -> None:
    """Whatever prices, rates and flows: no cent is lost between components, classes, ledger and attribution."""
    day = FRIDAY + timedelta(days=days)
    events = [
        capital("O-1", "H", "SUBSCRIBE", "10", str(paid), str(paid), "USD"),
        forward("FWD-1", "USD 50000", f"EUR {paid}", date(2026, 6, 4)),
    ]
    strike = struck(events, day=day, share=str(share), bond=str(bond), usd=str(usd)).value
    assert sum((r["net_assets"] for r in strike.rows.values()), ZERO) == strike.net_assets == strike.net_assets_ledger
    assert sum((r["base"] for r in strike.components.to_pylist()), ZERO) == strike.net_assets
    before = value(book(events, FRIDAY), priced(FRIDAY), at(FRIDAY), MASTER, "EUR", FRIDAY).value
    roll = attribute(before, strike, book(events, day, lambda on: at(on, str(usd)) if on > FRIDAY else at(on)).journal)
    assert roll.opening + sum(roll.by_cause.values(), ZERO) == roll.closing
    assert roll.residual == 0


dollars = st.lists(st.tuples(st.integers(1, 9), amounts, st.sampled_from([1, -1])), max_size=6)


@settings(max_examples=40, deadline=None)
@given(dollars, st.decimals("0.5", "2.5", places=5))
def test_what_cash_realises_is_explained_as_currency_and_leaves_net_assets_alone(
    paid: list[tuple[int, Decimal, int]], usd: Decimal
) -> None:
    """Dollars in and out, into an overdraft and out of it, and shares repaid into them on the same day."""
    day = MONDAY + timedelta(days=1)
    common = {"fund": "TEST", "account": "BANK", "currency": "USD", "ledger": "suspense"}
    events: list[ev.Event] = [
        ev.Payment(event_id=f"P-{n}", reference="P", effective_date=FRIDAY + timedelta(days=d % 5), amount=sign * amount, **common)
        for n, (d, amount, sign) in enumerate(paid)
    ]
    events.append(ev.Redemption(event_id="R", event_ref="R", isin="SHARE", price=D(99), payment_date=day, effective_date=day,
                                fund="TEST", currency="USD", portion_pct=D(40)))  # fmt: skip
    strike = struck(events, day=day, usd=str(usd)).value
    assert strike.net_assets == strike.net_assets_ledger
    before = value(book(events, FRIDAY), priced(FRIDAY), at(FRIDAY), MASTER, "EUR", FRIDAY).value
    roll = attribute(before, strike, book(events, day, lambda on: at(on, str(usd)) if on > FRIDAY else at(on)).journal)
    assert roll.residual == 0
    others = {"price": ZERO, "trading": -400 / usd, "other": ZERO}  # 400 shares worth 100 are repaid at 99
    assert all(abs(roll.by_cause[cause] - amount) < D("0.05") for cause, amount in others.items()), roll.by_cause


def test_opening_classes_are_the_books() -> None:
    assert value(book([], FRIDAY), priced(FRIDAY), at(FRIDAY), MASTER, "EUR", FRIDAY).value.net_assets == sum(
        OPENING_NET_ASSETS.values()
    )
    assert {c: s.net_assets for c, s in opening_classes().items()} == OPENING_NET_ASSETS


def test_items_of_a_closed_period_and_items_known_late_are_told_apart() -> None:
    """100 shares bought in April at 90 and booked on Monday; interest of Friday that became known on Monday."""
    late_trade = ev.Trade(
        event_id="T-1", fund="TEST", trade_id="T-1", effective_date=MONDAY, belongs_to=date(2026, 4, 29), account="BANK",
        isin="SHARE", side="BUY", quantity=D(100), price=D(90), currency="USD", settlement_date=date(2026, 6, 3),
    )  # fmt: skip
    interest = ev.Payment(
        event_id="P-1", fund="TEST", effective_date=FRIDAY, reference="P", account="BANK", ledger="interest_income",
        currency="USD", amount=D(500),
    )  # fmt: skip
    events: list[ev.Event] = [late_trade, interest]
    strike = struck(events).value
    before = value(book([interest], FRIDAY), priced(FRIDAY), at(FRIDAY), MASTER, "EUR", FRIDAY).value
    opening = sum(OPENING_NET_ASSETS.values())
    roll = attribute(before, strike, book(events, MONDAY).journal, struck_before=opening, prior={"T-1"})
    assert roll.by_cause["prior-period items"] == D("800.00")  # bought for 7,200 euro, worth 8,000
    assert roll.by_cause["late items"] == before.net_assets - opening == D("400.00")
    assert roll.by_cause["trading"] == 0 and roll.residual == 0
    assert roll.opening + sum(roll.by_cause.values()) == roll.closing
