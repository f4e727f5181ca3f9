"""Investors' orders: who deals, when, at what price, and who is refused with which reason."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bo_lib.config import Fund
from bo_lib.investors import Orders, Register, capital_call, deal, register, split_exactly, validate
from bo_lib.model.events import Capital, Reversal
from bo_lib.model.findings import Outcome
from bo_lib.model.money import ZERO, Rates
from bo_lib.model.tables import ORDERS

D = Decimal
DAY = date(2026, 6, 10)  # a Wednesday
RATES = Rates({"USD": D("1.25")})


def fund(kind: str = "ucits", classes: tuple[str, ...] = ("A", "U"), **dealing: Any) -> Fund:
    how = {
        "frequency": "daily",
        "cut_off": "12:00",
        "timezone": "Europe/Luxembourg",
        "settlement_days": 3,
        "account": "BANK",
        "minimum_first": 1000,
    }
    terms = [{"id": c, "currency": "USD" if c == "U" else "EUR", "unit_decimals": 3} for c in classes]
    return Fund.model_validate({
        "id": "F", "name": "F", "kind": kind, "domicile": "LU", "base_currency": "EUR", "calendar": "TARGET",
        "inception": date(2026, 5, 29),
        "investors": [{"id": "ANNA", "name": "Anna", "commitment": 200}, {"id": "BERT", "name": "Bert", "commitment": 100},
                      {"id": "DARK", "name": "Dark", "cleared": False}],
        "terms": [{"from": date(2026, 1, 1), "classes": terms, "dealing": {**how, **dealing}}],
    })  # fmt: skip


def order(order_id: str = "O-1", kind: str = "SUBSCRIBE", size: str = "5000 EUR", **more: Any) -> dict[str, Any]:
    amount, currency = size.split()
    money = {"units": D(amount), "currency": "EUR"} if currency == "units" else {"amount": D(amount), "currency": currency}
    given = {
        "order_id": order_id,
        "fund": "F",
        "investor": "ANNA",
        "share_class": "A",
        "kind": kind,
        "received": "2026-06-10T11:00:00+02:00",
        "dealing_date": DAY,
    }
    return {**given, **money, **more}


HOLDERS = {("ANNA", "A"): D(100), ("BERT", "A"): D(50)}


def held(events: Any = (), opening: Any = HOLDERS) -> Register:
    outcome = register(fund(), opening, events)
    assert outcome.ok
    return outcome.value


def sort(*orders: dict[str, Any], day: date = DAY, terms: Fund | None = None, events: Any = (), dealt: Any = ()) -> Outcome[Orders]:
    table = ORDERS.build(orders)
    assert table.ok
    return validate(table.value, terms or fund(), held(events), day, dealt=dealt)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"fund": "G"}, "order-fund"),
        ({"investor": "NOBODY"}, "investor-unknown"),
        ({"investor": "DARK"}, "investor-uncleared"),
        ({"share_class": "Z"}, "class-unknown"),
        ({"kind": "CALL"}, "order-kind"),
        ({"amount": None}, "order-size"),
        ({"amount": D(-5)}, "order-size"),
        ({"units": D(3)}, "order-size"),
        ({"currency": "USD"}, "order-currency"),
        ({"share_class": "U", "currency": "USD", "amount": D(999)}, "order-below-minimum"),
        ({"kind": "REDEEM", "amount": None, "units": D("100.001")}, "order-beyond-holding"),
        ({"kind": "REDEEM", "share_class": "U", "currency": "USD", "amount": None, "units": D(1)}, "order-beyond-holding"),
        ({"received": "2026-06-10T11:00:00"}, "order-time"),
    ],
)
def test_an_order_is_refused_with_its_reason(change: dict[str, Any], reason: str) -> None:
    outcome = sort({**order(), **change})
    assert outcome.value.refused["reason"].to_pylist() == [reason]
    assert outcome.value.accepted.num_rows == 0
    assert [f.code for f in outcome.findings] == [reason]
    assert outcome.ok  # a refusal is no error: the other orders deal


def test_a_small_top_up_is_no_first_subscription() -> None:
    assert sort(order(size="10 EUR")).value.accepted.num_rows == 1


@pytest.mark.parametrize(
    ("received", "deals"),
    [
        ("2026-06-10T12:00:00+02:00", True),  # at the cut-off
        ("2026-06-10T12:00:01+02:00", False),
        ("2026-06-10T10:00:00+00:00", True),  # noon in Luxembourg
        ("2026-06-10T06:30:00-04:00", False),  # half past twelve there
        ("2026-06-09T23:00:00+02:00", True),
    ],
)
def test_the_cut_off_is_a_clock_in_the_funds_timezone(received: str, deals: bool) -> None:
    orders = sort(order(received=received)).value
    assert (orders.accepted.num_rows, orders.waiting.num_rows) == ((1, 0) if deals else (0, 1))
    if not deals:
        assert orders.waiting["deals_on"].to_pylist() == [date(2026, 6, 11)]


def test_a_late_order_on_friday_deals_on_monday() -> None:
    friday = date(2026, 6, 12)
    late = order(received="2026-06-12T15:00:00+02:00", dealing_date=friday)
    assert sort(late, day=friday).value.waiting["deals_on"].to_pylist() == [date(2026, 6, 15)]
    assert sort(late, day=date(2026, 6, 15)).value.accepted.num_rows == 1


def test_monthly_orders_wait_for_the_last_business_day() -> None:
    monthly = fund(frequency="monthly")
    assert sort(order(), terms=monthly).value.waiting["deals_on"].to_pylist() == [date(2026, 6, 30)]


def test_the_later_of_two_redemptions_that_together_pass_the_holding_is_refused() -> None:
    first, second = order("O-1", "REDEEM", "60 units", received="2026-06-10T10:00:00+02:00"), order("O-2", "REDEEM", "60 units")
    orders = sort(second, first).value
    assert orders.accepted["order_id"].to_pylist() == ["O-1"]
    assert orders.refused["order_id"].to_pylist() == ["O-2"]


def test_units_that_are_leaving_cannot_leave_again() -> None:
    leaving = capital("O-0", "REDEEM", "60", date(2026, 6, 11))
    assert sort(order(kind="REDEEM", size="41 units"), events=[leaving]).value.refused.num_rows == 1
    assert sort(order(kind="REDEEM", size="40 units"), events=[leaving]).value.accepted.num_rows == 1


def test_the_same_order_twice_counts_once_and_another_under_its_reference_is_refused() -> None:
    twice = sort(order(), {**order(), "at": "row 9"})
    assert (twice.value.accepted.num_rows, twice.value.refused.num_rows) == (1, 0)
    other = sort(order(), order(size="7000 EUR", received="2026-06-10T11:30:00+02:00"))
    assert (other.value.accepted.num_rows, other.value.refused["reason"].to_pylist()) == (1, ["order-duplicate"])


def test_an_order_of_yesterday_that_did_not_deal_is_an_error() -> None:
    outcome = sort(order(received="2026-06-09T11:00:00+02:00", dealing_date=date(2026, 6, 9)), day=date(2026, 6, 11))
    assert [f.code for f in outcome.findings] == ["order-missed"] and not outcome.ok
    assert sort(order(received="2026-06-09T11:00:00+02:00", dealing_date=date(2026, 6, 9)), day=date(2026, 6, 11), dealt={"O-1"}).ok


def accepted(*orders: dict[str, Any], terms: Fund | None = None) -> Any:
    found = sort(*orders, terms=terms).value.accepted
    assert found.num_rows == len(orders)
    return found


def test_a_subscription_rounds_units_down_and_shows_the_remainder() -> None:
    dealt = deal(accepted(order(size="1000 EUR")), {"A": D("30.03")}, RATES, fund(), DAY).value
    (note,), (capital_,) = dealt.notes.to_pylist(), dealt.capital
    assert (note["units"], note["amount"], note["remainder"]) == (D("33.300"), 1000, D("0.00"))
    assert (capital_.effective_date, capital_.settlement_date) == (date(2026, 6, 11), date(2026, 6, 15))
    assert (capital_.event_id, capital_.action, capital_.amount_base) == ("F:capital:O-1", "SUBSCRIBE", 1000)
    odd = deal(accepted(order(size="1000 EUR")), {"A": D("77.7777")}, RATES, fund(), DAY).value.notes.to_pylist()[0]
    assert (odd["units"], odd["remainder"]) == (D("12.857"), D("0.01"))


def test_a_redemption_pays_units_times_price() -> None:
    dealt = deal(accepted(order(kind="REDEEM", size="12.5 units")), {"A": D("29.97")}, RATES, fund(), DAY).value
    assert dealt.notes["amount"].to_pylist() == [D("374.63")]


def test_a_dollar_class_converts_at_the_dealing_days_rate() -> None:
    there = order(share_class="U", size="1250 USD")
    assert deal(accepted(there), {"U": D(10)}, RATES, fund(), DAY).value.capital[0].amount_base == 1000


def test_a_class_without_a_price_deals_nothing_and_says_so() -> None:
    outcome = deal(accepted(order()), {}, RATES, fund(), DAY)
    assert (outcome.value.capital, [f.code for f in outcome.findings]) == ((), ["order-not-dealt"])


def test_a_series_fund_sells_next_months_series_at_its_price() -> None:
    end = date(2026, 6, 30)
    series = fund(classes=("S-2026-01", "S-2026-07"), frequency="monthly", new_series=True, series_price=100)
    asked = order(share_class="S-2026-01", received="2026-06-30T09:00:00+02:00", dealing_date=end)
    holders = register(series, {("ANNA", "S-2026-01"): D(10)}, []).value
    table = validate(ORDERS.build([asked]).value, series, holders, end).value.accepted
    (note,) = deal(table, {"S-2026-01": D("123.45")}, RATES, series, end).value.notes.to_pylist()
    assert (note["share_class"], note["price"], note["units"]) == ("S-2026-07", 100, 50)


def capital(order_id: str, action: str, units: str, day: date, investor: str = "ANNA", **more: Any) -> Capital:
    given = {
        "event_id": order_id,
        "fund": "F",
        "effective_date": day,
        "order_id": order_id,
        "investor": investor,
        "share_class": "A",
    }
    money = {"amount": D(100), "amount_base": D(100), "currency": "EUR", "account": "BANK", "settlement_date": day}
    return Capital(**{**given, **money, "action": action, "units": D(units), **more})


def test_the_register_is_a_fold_and_its_statement_carries_balances() -> None:
    events = [
        capital("O-1", "SUBSCRIBE", "10", date(2026, 6, 5)),
        capital("O-2", "REDEEM", "30", date(2026, 6, 12)),
        capital("O-3", "SUBSCRIBE", "1", date(2026, 6, 8)),
        Reversal(event_id="R", fund="F", effective_date=date(2026, 6, 9), reverses="O-3", reason="wrong investor"),
    ]
    book = held(events)
    assert [book.units("ANNA", "A", date(2026, 6, d)) for d in (4, 5, 11, 12)] == [100, 110, 110, 80]
    assert book.by_class(date(2026, 6, 30)) == {"A": 130}
    rows = book.statement(date(2026, 6, 10), date(2026, 6, 30), "ANNA").to_pylist()
    assert [(r["action"], r["units"], r["balance"]) for r in rows] == [("OPENING", 110, 110), ("REDEEM", -30, 80)]
    assert [(r["investor"], r["units"]) for r in book.holders(date(2026, 6, 30)).to_pylist()] == [("ANNA", 80), ("BERT", 50)]


def test_a_holding_below_zero_is_an_error() -> None:
    outcome = register(fund(), HOLDERS, [capital("O-1", "REDEEM", "101", DAY)])
    assert [f.code for f in outcome.findings] == ["register-below-zero"]


def test_partners_share_the_one_unit_of_a_closed_end_fund_by_commitment() -> None:
    whole = register(fund("closed_end", frequency="none"), {}, []).value
    assert whole.by_class(DAY) == {"A": 1}
    assert whole.units("ANNA", "A", DAY) == D("0.6666666667")


def test_a_call_beyond_the_commitment_is_refused_and_short_notice_is_said() -> None:
    closed = fund("closed_end", frequency="none")
    call = order("C-1", "CALL", "150 EUR", dealing_date=date(2026, 6, 15))
    table = ORDERS.build([call, order("C-2", "CALL", "51 EUR", dealing_date=date(2026, 7, 15))]).value
    outcome = validate(table, closed, register(closed, {}, []).value, DAY)
    assert outcome.value.accepted["order_id"].to_pylist() == ["C-1"]
    assert [f.code for f in outcome.findings] == ["call-notice-short", "call-beyond-commitment"]
    (capital_,) = deal(outcome.value.accepted, {}, RATES, closed, DAY).value.capital
    assert (capital_.units, capital_.effective_date, capital_.settlement_date) == (0, date(2026, 6, 15), date(2026, 6, 15))


def test_a_capital_call_is_split_by_commitment_to_the_cent() -> None:
    parts = capital_call(fund("closed_end", frequency="none"), D("100.00"), DAY, date(2026, 7, 1), RATES, "CALL-2")
    assert {p.investor: p.amount for p in parts} == {"ANNA": D("66.67"), "BERT": D("33.33")}
    assert {p.order_id for p in parts} == {"CALL-2:ANNA", "CALL-2:BERT"}


@given(
    st.decimals("0", "1000000", places=2),
    st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(1, 10**6).map(Decimal), min_size=1, max_size=9),
)
def test_a_split_loses_nothing_and_is_fair_to_a_cent(total: Decimal, weights: dict[str, Decimal]) -> None:
    parts = split_exactly(total, weights, 2)
    assert sum(parts.values(), ZERO) == total
    whole = sum(weights.values(), ZERO)
    assert all(abs(parts[n] - total * w / whole) < D("0.01") for n, w in weights.items())


moves = st.lists(
    st.tuples(st.sampled_from(["ANNA", "BERT"]), st.sampled_from(["SUBSCRIBE", "REDEEM"]), st.integers(1, 60), st.integers(1, 28)),
    max_size=12,
)


@given(moves, st.integers(1, 28))
def test_units_conserve(made: list[tuple[str, str, int, int]], until: int) -> None:
    """Opening + issued - redeemed = closing, for the class and over all holders, on every day."""
    events = [capital(f"O-{n}", action, str(units), date(2026, 6, day), who) for n, (who, action, units, day) in enumerate(made)]
    on = date(2026, 6, until)
    book = register(fund(), HOLDERS, events).value
    net = sum(u if action == "SUBSCRIBE" else -u for _, action, u, day in made if day <= until)
    assert book.by_class(on)["A"] == 150 + net
    assert sum(book.holders(on)["units"].to_pylist(), ZERO) == 150 + net
