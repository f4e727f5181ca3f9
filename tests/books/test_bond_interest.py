"""Interest between trade and settlement, and coupons around it: whose it is, on every day, to the cent.

Accrued interest of the trades is QuantLib's; interest to settlement as practice has it: what was paid for interest stands as
bought until the trade settles, and the bond earns from then on.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

import pytest
import QuantLib as ql
from hypothesis import given, settings
from hypothesis import strategies as st

from bo_lib.actions import GoldenEvent, coupons_due, entitlements, to_events
from bo_lib.books import Book, replay
from bo_lib.model import events as ev
from bo_lib.model.dates import CURRENCY_CALENDAR, add_business_days
from bo_lib.model.findings import Outcome
from bo_lib.model.money import Rates, round_money
from bo_lib.model.tables import INSTRUMENTS
from bo_lib.nav import Priced
from bo_lib.nav.tables import CANDIDATES
from bo_lib.nav.valuation import Valuation, marks, net_assets_by_ledger, value
from tests.books.desk import table, text

D = Decimal
DAY = timedelta(days=1)


class Bond(NamedTuple):
    """Terms of a bond, as QuantLib and as the security master have them."""

    name: str
    currency: str
    coupon: str
    per_year: int
    maturity: date
    ex_days: int = 0
    day_count: str = "ACT/ACT ICMA"

    @property
    def master(self) -> Any:
        row = {"isin": self.name, "name": self.name, "kind": "government_bond", "currency": self.currency,
               "coupon_pct": D(self.coupon), "coupons_per_year": self.per_year, "day_count": self.day_count,
               "maturity": self.maturity, "ex_dividend_days": self.ex_days or None}  # fmt: skip
        return INSTRUMENTS.build([row]).value

    def accrued(self, nominal: Decimal, day: date) -> Decimal:
        """By QuantLib."""
        return round_money(D(_quantlib(self).accruedAmount(_there(day))) * nominal / 100, self.currency)


@cache
def _quantlib(bond: Bond) -> Any:
    """Coupon dates unadjusted. Its ex-coupon date is the first of settlement without, the master's days lead to the last with."""
    start = date(bond.maturity.year - 20, bond.maturity.month, bond.maturity.day)
    schedule = ql.Schedule(_there(start), _there(bond.maturity), ql.Period(12 // bond.per_year, ql.Months), ql.NullCalendar(),
                           ql.Unadjusted, ql.Unadjusted, ql.DateGeneration.Backward, False)  # fmt: skip
    counter = ql.Thirty360(ql.Thirty360.BondBasis) if "30" in bond.day_count else ql.ActualActual(ql.ActualActual.ISMA, schedule)
    uk = ql.UnitedKingdom()
    ex = (uk, ql.Period(bond.ex_days - 1, ql.Days), uk, ql.Unadjusted, False) if bond.ex_days else ()
    return ql.FixedRateBond(0, 100.0, schedule, [float(bond.coupon) / 100], counter, ql.Unadjusted, 100.0, ql.Date(), *ex)


def _there(day: date) -> Any:
    return ql.Date(day.day, day.month, day.year)


GILT = Bond("GILT", "GBP", "8", 2, date(2021, 6, 7), ex_days=7)
BUND = Bond("BUND", "EUR", "2.3", 1, date(2033, 6, 10))
NOTE = Bond("NOTE", "USD", "4.125", 2, date(2031, 6, 15))
CORPORATE = Bond("CORP", "USD", "9", 2, date(2025, 1, 15), day_count="30/360 US")


def trade(bond: Bond, side: str, nominal: int, traded: date, settles: date, number: int = 1, price: str = "100") -> ev.Trade:
    """At QuantLib's accrued interest to settlement."""
    return ev.Trade(
        event_id=f"t{number}", fund="TEST", effective_date=traded, trade_id=f"T{number}", account="BANK", isin=bond.name, side=side,
        quantity=nominal, price=price, currency=bond.currency, settlement_date=settles, counterparty="CALDER",
        accrued_interest=bond.accrued(D(nominal), settles),
    )  # fmt: skip


def delivered(order: ev.Trade, day: date) -> ev.Settlement:
    return ev.Settlement(event_id=f"{order.event_id} delivered", fund="TEST", effective_date=day, trade_id=order.trade_id,
                         quantity=order.quantity, amount=order.quantity * order.price / 100 + order.accrued_interest)  # fmt: skip


def held(bond: Bond, nominal: int, since: date) -> ev.OpeningLot:
    return ev.OpeningLot(event_id="held", fund="TEST", effective_date=since, account="BANK", isin=bond.name, quantity=nominal,
                         currency=bond.currency, cost_local=nominal, cost_base=nominal, acquired=since)  # fmt: skip


def coupons(bond: Bond, first: date, last: date) -> Iterable[ev.Coupon]:
    """By the bond's terms, as the corporate actions desk dates them."""
    for row in coupons_due(bond.master, first, last).to_pylist():
        yield ev.Coupon(event_id=f"coupon {row['due']}", fund="TEST", effective_date=row["ex_date"], event_ref=f"C-{row['due']}",
                        isin=bond.name, currency=bond.currency, rate_pct_of_nominal=row["rate_pct_of_nominal"],
                        payment_date=row["payment_date"])  # fmt: skip


def kept(bond: Bond, events: Iterable[ev.Event], until: date) -> Outcome[Book]:
    return replay(list(events), base_currency=bond.currency, instruments=bond.master, rates=lambda day: Rates({}), until=until)


class Stand(NamedTuple):
    """Interest at the close of a day: accrued by the NAV, coupons due, and income earned to date."""

    accrued: Decimal
    due: Decimal
    income: Decimal


def valued(bond: Bond, book: Book, day: date) -> Outcome[Valuation]:
    return value(book, Priced(day, {bond.name: D(100)}, CANDIDATES.empty()), Rates({}), bond.master, bond.currency, day)


def stand(bond: Bond, events: list[ev.Event], day: date) -> Stand:
    book = kept(bond, events, day).value
    found = valued(bond, book, day)
    assert not found.findings
    marked = marks(book, found.value, "TEST")
    assert found.value.net_assets == net_assets_by_ledger(book, marked), "lots and ledger agree"
    ledger = [*book.trial_balance().to_pylist(), *marked.to_pylist()]
    income = -sum((row["base"] for row in ledger if row["ledger"] == "interest_income"), D(0))
    accrued = found.value.interest().get(bond.name, {"local": D(0)})["local"]
    return Stand(accrued, sum((r["local"] for r in found.value.rows if r["item"] == "interest_receivable"), D(0)), income)


def over(bond: Bond, events: list[ev.Event], *days: date) -> str:
    return table((f"{day:%d-%m}", *stand(bond, events, day)) for day in days)


def test_interest_bought_stands_until_settlement_and_the_bond_earns_from_then_on() -> None:
    """4,000,000 of a 9% bond traded 17 February 2009 to settle on the 20th: 35,000 bought, then 1,000 a day (Eagle Accounting,
    Interest purchased and sold; it counts the day of valuation in, these books count up to it).
    """
    events: list[ev.Event] = [trade(CORPORATE, "BUY", 4_000_000, date(2009, 2, 17), date(2009, 2, 20))]
    days = [date(2009, 2, day) for day in (17, 18, 19, 20, 21, 24)]
    assert over(CORPORATE, events, *days) == text("""
        17-02 35000 0 0
        18-02 35000 0 0
        19-02 35000 0 0
        20-02 35000 0 0
        21-02 36000 0 1000
        24-02 39000 0 4000
    """)


def days(*texts: str) -> list[date]:
    return [date.fromisoformat(each) for each in texts]


MAY_2013 = days("2013-05-28", "2013-05-29", "2013-05-30", "2013-05-31", "2013-06-06", "2013-06-07", "2013-06-10")
GILT_COUPON = list(coupons(GILT, date(2013, 5, 1), date(2013, 6, 30)))


def test_a_gilt_that_settles_on_the_last_day_with_the_coupon() -> None:
    """173 of 182 days of 40,000 bought; the coupon is due from the ex date on, and interest is what is not yet earned of it."""
    bought = trade(GILT, "BUY", 1_000_000, *MAY_2013[:2])
    assert bought.accrued_interest == D("38021.98")
    events = [bought, delivered(bought, MAY_2013[1]), *GILT_COUPON]
    assert over(GILT, events, *MAY_2013) == text("""
        28-05 38021.98     0       0
        29-05 38021.98     0       0
        30-05 -1758.24 40000  219.78
        31-05 -1538.46 40000  439.56
        06-06  -219.78 40000 1758.24
        07-06        0     0 1978.02
        10-06   655.74     0 2633.76
    """)
    assert not kept(GILT, events, MAY_2013[-1]).findings


def test_a_gilt_that_settles_in_the_ex_dividend_period_has_negative_interest_and_no_coupon() -> None:
    """Eight days of interest are given back by the seller, who keeps the coupon; they are earned by the coupon date."""
    bought = trade(GILT, "BUY", 1_000_000, *MAY_2013[1:3])
    assert bought.accrued_interest == D("-1758.24")
    assert over(GILT, [bought, delivered(bought, MAY_2013[2]), *GILT_COUPON], *MAY_2013[1:]) == text("""
        29-05 -1758.24 0       0
        30-05 -1758.24 0       0
        31-05 -1538.46 0  219.78
        06-06  -219.78 0 1538.46
        07-06        0 0 1758.24
        10-06   655.74 0 2413.98
    """)


def test_a_gilt_sold_to_settle_in_the_ex_dividend_period_keeps_its_coupon_and_gives_the_rest_back() -> None:
    """Traded on the last day with the coupon, settling without: 40,000 less eight days. It earns until it has gone."""
    sold = trade(GILT, "SELL", 1_000_000, *MAY_2013[1:3])
    events = [held(GILT, 1_000_000, MAY_2013[0]), sold, delivered(sold, MAY_2013[2]), *GILT_COUPON]
    assert over(GILT, events, *MAY_2013[:5]) == text("""
        28-05 37802.2      0  37802.2
        29-05 39780.22     0 38021.98
        30-05        0 40000 38241.76
        31-05        0 40000 38241.76
        06-06        0 40000 38241.76
    """)
    assert stand(GILT, events, MAY_2013[-1]) == (0, 0, 40000 - D("1758.24"))


NOTE_DAYS = days("2026-06-12", "2026-06-15", "2026-06-16", "2026-06-17")
NOTE_COUPON = list(coupons(NOTE, date(2026, 6, 1), date(2026, 6, 30)))


@pytest.mark.parametrize(("settles", "interest", "told"), [
    (1, "0", """12-06        0 0       0
                15-06        0 0       0
                16-06   112.7 0   112.7
                17-06   225.41 0  225.41"""),  # on the coupon date: the seller has his coupon, the buyer pays no interest
    (2, "112.70", """12-06   112.7 0 0
                     15-06   112.7 0 0
                     16-06   112.7 0 0
                     17-06   225.41 0 112.71"""),
])  # fmt: skip
def test_a_treasury_note_bought_before_its_coupon_to_settle_on_or_after_it_comes_without(
    settles: int, interest: str, told: str
) -> None:
    bought = trade(NOTE, "BUY", 1_000_000, NOTE_DAYS[0], NOTE_DAYS[settles])
    events = [bought, delivered(bought, NOTE_DAYS[settles]), *NOTE_COUPON]
    assert bought.accrued_interest == D(interest)
    assert over(NOTE, events, *NOTE_DAYS) == text(told)
    assert [f.code for f in kept(NOTE, events, NOTE_DAYS[-1]).findings] == ["nothing-held"]


def test_a_treasury_note_sold_before_its_coupon_to_settle_after_it_earns_the_coupon_and_a_day() -> None:
    """Wholly sold: nothing is held on trade date, and the issuer pays the coupon all the same."""
    sold = trade(NOTE, "SELL", 1_000_000, NOTE_DAYS[0], NOTE_DAYS[2])
    events = [held(NOTE, 1_000_000, NOTE_DAYS[0]), sold, *NOTE_COUPON]
    assert over(NOTE, events, *NOTE_DAYS) == text("""
        12-06 20172.33 0 20285.03
        15-06   -112.7 0    20625
        16-06        0 0  20737.7
        17-06        0 0  20737.7
    """)


BUND_DAYS = days("2026-06-05", "2026-06-08", "2026-06-09", "2026-06-10", "2026-06-11")
BUND_COUPON = list(coupons(BUND, date(2026, 6, 1), date(2026, 6, 30)))


@pytest.mark.parametrize(("side", "whose"), [("BUY", "claim them from CALDER"), ("SELL", "expect his claim, and pay it over")])
def test_a_bund_that_settles_late_over_its_coupon_gives_a_market_claim(side: str, whose: str) -> None:
    """Agreed for the day before the coupon: the buyer has paid its interest, so the coupon is his whoever is paid it."""
    order = trade(BUND, side, 400_000, BUND_DAYS[0], BUND_DAYS[2])
    events = [held(BUND, 1_000_000, BUND_DAYS[0]), order, *BUND_COUPON, delivered(order, BUND_DAYS[4])]
    outcome = kept(BUND, events, BUND_DAYS[-1])
    assert [(f.code, f.todo) for f in outcome.findings] == [("coupon-market-claim", whose)]
    assert "9200 EUR" in outcome.findings[0].message
    coupon = [r["local"] for r in outcome.value.journal.to_pylist() if r["event_id"].startswith("coupon") and r["ledger"] == "cash"]
    assert coupon == [D(32200) if side == "BUY" else D(13800)]
    assert not kept(BUND, [*events[:2], delivered(order, BUND_DAYS[2]), *BUND_COUPON], BUND_DAYS[-1]).findings


@pytest.mark.parametrize(("interest", "said"), [("0", True), ("112.69", False), ("108", False), ("225.40", True)])
def test_a_trade_whose_interest_is_not_that_of_the_terms_is_said_until_it_settles(interest: str, said: bool) -> None:
    """112.70 for a day on a million; up to 5 may come of rounding per 100, a day more or none may not."""
    bought = trade(NOTE, "BUY", 1_000_000, NOTE_DAYS[0], NOTE_DAYS[2]).model_copy(update={"accrued_interest": D(interest)})
    letters = {day: [f.code for f in valued(NOTE, kept(NOTE, [bought], day).value, day).findings] for day in NOTE_DAYS[:3]}
    expected = ["interest-agreed-differs"] if said else []
    assert letters == {NOTE_DAYS[0]: expected, NOTE_DAYS[1]: expected, NOTE_DAYS[2]: []}


# The law -------------------------------------------------------------------------------------------------------------


def signed(order: ev.Trade) -> Decimal:
    return order.quantity if order.side == "BUY" else -order.quantity


def earned_by_one(bond: Bond, day: date) -> Decimal:
    """Interest that a nominal of 1 has earned from long ago to ``day``, by QuantLib: coupons that fell due, and interest since.

    It knows no trade, no settlement and no ex date: interest is earned day by day by whoever has the bond delivered.
    """
    plain = _quantlib(bond._replace(ex_days=0))
    paid = sum(D(repr(flow.amount())) for flow in list(plain.cashflows())[:-1] if flow.date() <= _there(day))
    return (paid + D(repr(plain.accruedAmount(_there(day))))) / 100


@st.composite
def histories(draw: st.DrawFn) -> tuple[Bond, list[ev.Trade], list[ev.Event], list[date]]:
    """Trades around a coupon or two, settling at once to two weeks later, delivered on time or late; and days to look at."""
    bond = draw(st.sampled_from([GILT, BUND, NOTE]))
    calendar = CURRENCY_CALENDAR[bond.currency]
    centre = _quantlib(bond).cashflows()[draw(st.integers(26, 30) if bond.per_year == 2 else st.integers(8, 15))].date().to_date()
    orders: list[ev.Trade] = []
    deliveries: list[ev.Event] = []
    for number in range(draw(st.integers(1, 4))):
        traded = add_business_days(centre + draw(st.integers(-20, 12)) * DAY, 0, calendar)
        settles = add_business_days(traded, draw(st.sampled_from([0, 1, 2, 2, 3, 5, 10])), calendar)
        orders.append(
            trade(bond, draw(st.sampled_from(["BUY", "SELL"])), draw(st.integers(1, 5000)) * 1000, traded, settles, number)
        )
        deliveries.append(delivered(orders[-1], add_business_days(settles, draw(st.integers(0, 6)), calendar)))
    around = {centre + n * DAY for n in (-12, -9, -8, -7, -1, 0, 1)} | {t.settlement_date for t in orders}
    some = draw(st.lists(st.integers(-22, 45), min_size=2, max_size=4))
    looked_at = {add_business_days(day, 0, calendar) for day in around | {centre + n * DAY for n in some}}
    return bond, orders, deliveries, sorted(looked_at)


@settings(max_examples=30, deadline=None)
@given(histories())
def test_every_nominal_earns_from_settlement_to_settlement_and_no_day_is_counted_twice_or_lost(
    history: tuple[Bond, list[ev.Trade], list[ev.Event], list[date]],
) -> None:
    bond, orders, deliveries, looked_at = history
    due = list(coupons(bond, looked_at[0] - 60 * DAY, looked_at[-1] + 60 * DAY))
    cents = D("0.01") * (2 * len(orders) + len(due) + 1)  # each trade, coupon and accrual is rounded once
    for day in looked_at:
        earned = earned_by_one(bond, day)
        settled = (t for t in orders if t.settlement_date <= day)
        model = sum((signed(t) * (earned - earned_by_one(bond, t.settlement_date)) for t in settled), D(0))
        assert abs(stand(bond, [*orders, *deliveries, *due], day).income - model) <= cents, day


@settings(max_examples=30, deadline=None)
@given(histories())
def test_income_over_the_life_of_trades_is_coupons_received_and_interest_sold_less_interest_bought(
    history: tuple[Bond, list[ev.Trade], list[ev.Event], list[date]],
) -> None:
    """Closed out in the end: the ledger alone, without any mark, has it exactly; and it is what the bond paid for those days."""
    bond, orders, deliveries, looked_at = history
    left = sum(map(signed, orders))
    end = add_business_days(max(looked_at[-1], *(t.settlement_date for t in orders)) + DAY, 0, CURRENCY_CALENDAR[bond.currency])
    if left:
        orders = [*orders, trade(bond, "SELL" if left > 0 else "BUY", int(abs(left)), end, end, 99)]
    due = list(coupons(bond, looked_at[0] - 60 * DAY, end + 60 * DAY))
    book = kept(bond, [*orders, *deliveries, *due], end + 90 * DAY).value
    money = [r for r in book.journal.to_pylist() if r["ledger"] == "cash" and r["event_id"].startswith("coupon")]
    interest = sum((t.accrued_interest * (1 if t.side == "SELL" else -1) for t in orders), D(0))
    income = -sum((r["local"] for r in book.trial_balance().to_pylist() if r["ledger"] == "interest_income"), D(0))
    assert income == sum((r["local"] for r in money), D(0)) + interest
    model = -sum((signed(t) * earned_by_one(bond, t.settlement_date) for t in orders), D(0))
    assert abs(income - model) <= D("0.01") * (len(orders) + len(due))
    assert not list(book.settling_after(end)) and stand(bond, [*orders, *deliveries, *due], end + 90 * DAY).accrued == 0


@settings(max_examples=30, deadline=None)
@given(histories())
def test_the_corporate_actions_desk_expects_what_the_books_book(
    history: tuple[Bond, list[ev.Trade], list[ev.Event], list[date]],
) -> None:
    bond, orders, deliveries, looked_at = history
    for coupon in coupons(bond, looked_at[0], looked_at[-1]):
        ex = coupon.effective_date
        before = kept(bond, [*orders, *deliveries], ex - DAY).value
        announced = GoldenEvent("C", "INTR", bond.name, payment_date=coupon.payment_date, currency=bond.currency,
                                rate=coupon.rate_pct_of_nominal, ex_interest=ex)  # fmt: skip
        expected = entitlements([announced], before.positions(), ex, pending=before.open_trades).to_pylist()
        made = to_events([announced], "TEST", ex, before.positions(), pending=before.open_trades).value
        booked = kept(bond, [*orders, *deliveries, coupon], ex).value.journal.to_pylist()
        income = [
            (r["account"], -r["local"]) for r in booked if r["event_id"] == coupon.event_id and r["ledger"] == "interest_income"
        ]
        assert [(r["account"], r["net"]) for r in expected] == income
        assert [(e.effective_date, e.payment_date) for e in made] == ([(ex, coupon.payment_date)] if income else [])
