"""Foreign money has a cost in base currency: what comes in adds to it, what leaves takes the average along."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bo_lib.books import Book
from bo_lib.model import events as ev
from bo_lib.model.money import Rates
from tests.books.desk import (
    action,
    balance,
    balances,
    booked,
    capital,
    deal,
    june,
    keep,
    lot,
    payment,
    reversal,
    settled,
    text,
    trade,
)
from tests.properties.test_books_laws import months

RATE = {1: "0.90", 2: "0.95", 3: "1.00", 4: "0.80"}  # euro for a dollar, by day of June


def at(day: date) -> Rates:
    return Rates({"EUR": Decimal(RATE.get(day.day, "0.97"))}, pivot="USD")


def money(event_id: str, day: int, dollars: str, ledger: str = "interest_income") -> ev.Payment:
    return payment(event_id, day, ledger, dollars, "USD")


def kept(*events: ev.Event, **more: Any) -> Book:
    outcome = keep(*events, **{"rates": at, **more})
    assert not outcome.findings
    return outcome.value


def standing(book: Book) -> dict[str, Any]:
    """Dollars in cash with their cost, and the currency gain realised, a gain positive."""
    found = balances(book)
    gain = sum((base for (ledger, _), (_, base) in found.items() if ledger == "realised_currency_gain"), Decimal(0))
    return {"cash": found.get(("cash", "USD"), (Decimal(0), Decimal(0))), "gain": -gain}


def test_what_is_paid_leaves_at_average_cost() -> None:
    """100 in at 0.90 and 100 at 0.95 cost 185; 150 paid at 1.00 cost 138.75, so 11.25 are realised; 50 stay at 46.25."""
    book = kept(money("a", 1, "100"), money("b", 2, "100"), money("c", 3, "-150"))
    assert standing(book) == {"cash": (50, Decimal("46.25")), "gain": Decimal("11.25")}
    assert booked(book, "c") == text("""
        3 cash                   -150 USD -150
        3 interest_income         150 USD  150
        3 cash                      0 USD   11.25
        3 realised_currency_gain    0 USD  -11.25
    """)


def test_an_overdraft_is_the_same_with_the_signs_changed() -> None:
    """100 owed since 0.90 are repaid at 0.95, a loss of 5; what comes in beyond them costs 0.95."""
    book = kept(money("a", 1, "-100"), money("b", 2, "150"))
    assert standing(book) == {"cash": (50, Decimal("47.5")), "gain": -5}


def test_paying_more_than_there_is_realises_all_and_owes_the_rest_at_the_rate_of_the_day() -> None:
    book = kept(money("a", 1, "100"), money("b", 3, "-150"))
    assert standing(book) == {"cash": (-50, -50), "gain": 10}


def test_a_deal_against_base_currency_gains_what_it_brought_less_what_the_money_cost() -> None:
    """1,000 USD bought for 880 EUR and sold for 1,010 EUR: 130, whatever the rates of any day; until it is paid, nothing."""
    bought, sold = deal("f1", 1, "SPOT", "USD 1000", "EUR 880", 2), deal("f2", 3, "SPOT", "EUR 1010", "USD 1000", 4)
    assert standing(kept(bought, sold, until=june(3))) == {"cash": (1000, 880), "gain": 0}
    assert standing(kept(bought, sold)) == {"cash": (0, 0), "gain": 130}


def test_a_deposit_carries_the_cost_of_its_cash_and_brings_it_back() -> None:
    """100 at 0.90 and 100 at 0.95: 80 are placed at 74, come back at 74 whatever the rate, and their interest of 0.01 at 0.80."""
    known = [money("a", 1, "100"), money("b", 2, "100")]
    placed = action("money_deal", "d", 3, "", style="DEPOSIT", currency="USD", principal="80", rate_pct_annual="4.5",
                    maturity_date=june(4))  # fmt: skip
    out, back = (kept(*known, placed, until=june(day)) for day in (3, 4))
    assert balances(out)["deposits_receivable", "USD"] == (80, 74)
    assert standing(out) == {"cash": (120, 111), "gain": 0}
    assert standing(back) == {"cash": (Decimal("200.01"), Decimal("185.01")), "gain": 0}
    assert ("deposits_receivable", "USD") not in balances(back)
    wrong = kept(*known, placed, reversal("r", 4, "a"), until=june(4))
    assert standing(wrong) == standing(kept(known[1], placed, until=june(4)))


def test_no_cent_stays_behind() -> None:
    """A cost of 1.00 for 3 dollars leaves as 0.33, 0.34 (half of 0.67, rounded up) and the last 0.33."""
    events = [balance("o", "cash", "USD", "3", "1.00", "BANK"), *(money(f"p{n}", n, "-1") for n in (1, 2, 3))]
    left = [standing(keep(*events, rates=at, until=june(n)).value)["cash"][1] for n in (1, 2, 3)]
    assert left == [Decimal("0.67"), Decimal("0.33"), 0]


def test_what_comes_in_counts_before_what_goes_out_on_a_day_and_those_who_leave_share() -> None:
    """100 at 0.90 and, on one day, 100 in at 0.95 and 80 out, which cost 0.925 each, in whichever order they are named."""
    for first, second, third in (("b", "c", "d"), ("d", "b", "c"), ("c", "d", "b")):
        book = kept(money("a", 1, "100"), money(first, 2, "-30"), money(second, 2, "100"), money(third, 2, "-50"))
        assert standing(book) == {"cash": (120, 111), "gain": 2}
        assert [row["base"] for row in book.journal.to_pylist() if row["event_id"] == first][-1] == Decimal("-0.75")


def test_every_account_and_currency_has_a_cost_of_its_own() -> None:
    elsewhere = money("b", 2, "100").model_copy(update={"account": "BROKER"})
    book = kept(money("a", 1, "100"), elsewhere, money("c", 3, "-100"))
    assert standing(book) == {"cash": (100, 95), "gain": 10}
    assert {row["account"] for row in book.trial_balance().to_pylist() if row["ledger"] == "cash"} == {"BROKER"}


def test_money_owed_that_is_no_claim_of_an_event_is_cleared_at_its_cost_too() -> None:
    """A dividend receivable taken over at 85 and paid at 0.95 was worth 95: 10 realised, nothing left on the ledger."""
    book = kept(balance("o", "dividends_receivable", "USD", "100", "85", "BANK"), money("p", 2, "100", "dividends_receivable"))
    assert ("dividends_receivable", "USD") not in balances(book)
    assert standing(book) == {"cash": (100, 95), "gain": 10}


def test_a_claim_realises_between_its_booking_and_its_payment_and_the_cash_begins_there() -> None:
    """Units sold for 100 USD: 90 receivable on the day they are in the books, 95 in cash a day later, 100 when it is spent."""
    events = [capital("o", 1, "SUBSCRIBE", "1", "100", "90", "USD", 2), money("p", 3, "-100")]
    assert [standing(kept(*events, until=june(n)))["gain"] for n in (1, 2, 3)] == [0, 5, 10]


def test_what_comes_late_into_open_days_moves_the_averages_after_it() -> None:
    """Known later: 100 more came in on the first day. What left on the third then cost 0.90, not 0.925; no event has changed."""
    known = [money("a", 1, "100"), money("b", 2, "100"), money("c", 3, "-100")]
    assert standing(kept(*known)) == {"cash": (100, Decimal("92.5")), "gain": Decimal("7.5")}
    late = money("late", 1, "200")
    assert standing(kept(*known, late)) == {"cash": (300, Decimal("273.75")), "gain": Decimal("8.75")}


@pytest.mark.parametrize(("wrong", "cash", "gain"), [("a", (-50, -50), 5), ("b", (-50, -50), 10), ("c", (200, 185), 0)])
def test_a_reversal_leaves_the_cost_as_if_the_error_had_not_been_and_says_so_on_its_day(
    wrong: str, cash: tuple[int, int], gain: int
) -> None:
    """Of 100 in at 0.90, 100 in at 0.95 and 150 out at 1.00 one was an error, found on the fourth."""
    known = [money("a", 1, "100"), money("b", 2, "100"), money("c", 3, "-150")]
    after = kept(*known, reversal("r", 4, wrong))
    assert standing(after) == {"cash": cash, "gain": gain}
    assert booked(after, "c") == booked(kept(*known), "c"), "what was booked then stays as it was"
    assert standing(kept(*known, reversal("r", 4, wrong), until=june(3))) == standing(kept(*known))


flows = st.lists(st.tuples(st.integers(1, 4), st.integers(-20_000, 20_000).filter(bool)), max_size=20)
QUICK = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def history(rows: list[tuple[int, int]], names: list[int] | None = None) -> list[ev.Event]:
    order = names or list(range(len(rows)))
    return [money(f"m{n:02}", day, str(Decimal(cents) / 100)) for n, (day, cents) in zip(order, rows, strict=True)]


@QUICK
@given(flows)
def test_realised_and_unrealised_are_value_less_what_was_put_in(rows: list[tuple[int, int]]) -> None:
    """On every day, exactly: what left at another value than its cost, and what is there, are all there is."""
    events = history(rows)
    for day in (1, 2, 3, 4):
        book = kept(*events, until=june(day))
        (local, cost), gain = standing(book)["cash"], standing(book)["gain"]
        value = at(june(day)).convert(local, "USD", "EUR")
        put_in = sum(
            (at(e.effective_date).convert(e.amount, "USD", "EUR") for e in events if e.effective_date <= june(day)), Decimal(0)
        )
        assert gain + (value - cost) == value - put_in
        assert cost == 0 if local == 0 else (cost > 0) == (local > 0) or abs(local) < Decimal("0.02")


@QUICK
@given(flows, st.data())
def test_the_names_of_a_days_events_do_not_matter(rows: list[tuple[int, int]], data: st.DataObject) -> None:
    names = data.draw(st.permutations(range(len(rows))))
    assert kept(*history(rows)).trial_balance().equals(kept(*history(rows, names)).trial_balance())


@QUICK
@given(flows)
def test_cost_is_the_average_of_exact_fractions_to_the_cents_of_rounding(rows: list[tuple[int, int]]) -> None:
    """The same by fractions that nobody rounds, a day being first what adds, then what reduces."""
    held, cost, rounded = Fraction(0), Fraction(0), 0
    for day in (1, 2, 3, 4):
        rate, moves = Fraction(RATE[day]), [Fraction(cents, 100) for d, cents in rows if d == day]
        more = sum((m for m in moves if (m > 0) == (held >= 0)), Fraction(0))
        less = sum((m for m in moves if (m > 0) != (held >= 0)), Fraction(0))
        held, cost = held + more, cost + more * rate
        left = held + less
        cost = left * rate if left * held <= 0 else cost * left / held
        held, rounded = left, rounded + len(moves) + 1
    assert standing(kept(*history(rows)))["cash"][0] == held
    assert abs(Fraction(standing(kept(*history(rows)))["cash"][1]) - cost) <= Fraction(rounded, 200)


@settings(QUICK, max_examples=60)
@given(months())
def test_no_account_without_money_has_a_cost_left(events: list[ev.Event]) -> None:
    for row in keep(*events).value.trial_balance().to_pylist():
        assert row["local"] or row["ledger"] not in ("cash", "suspense", "deposits_receivable"), row


def test_a_sale_settled_later_and_a_purchase_paid_from_it() -> None:
    """Sold for 1,000 USD at 0.90, received at 1.00; a purchase at 0.95 is paid with them at 0.80.

    The receivable gains 100, the payable of 500 (475) costs 400 and gains 75, and the cash, in at 1.00, loses 100.
    """
    held = lot("l", "US-SHARE", date(2025, 1, 2), "100", "1000", "900")
    sold, bought = trade("s", 1, "SELL", 100, "US-SHARE", "10"), trade("b", 2, "BUY", 50, "US-NEW", "10")
    events = [held, sold, bought, settled("xs", 3, "s", 100, "1000"), settled("xb", 4, "b", 50, "500")]
    assert standing(kept(*events)) == {"cash": (500, 500), "gain": 100 + 75 - 100}
