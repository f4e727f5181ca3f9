"""From the daily NAV to the NAV of all that is known now: each item of the difference by its cause, and nothing left over."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

from bo_lib.close import compare_as_of
from bo_lib.model.events import Accrual
from bo_lib.nav import Strike
from tests.close.books import DAY, journal, lines, marks

OPENING = lines("open", DAY, "opening_balance", ("cash", "1000"), ("capital", "-1000"))
BOUGHT = lines("buy", DAY, "trade", ("investments", "100"), ("payable_for_investments_purchased", "-100"), isin="XS1")


def struck(net: str, *marked: tuple[str, str], price: str = "10", fee: str = "0") -> Strike:
    """A strike of which only what is compared is there: ``marked`` is (isin, gain)."""
    rows = [
        r
        for isin, gain in marked
        for r in lines("m", DAY, "mark", ("unrealised_appreciation", gain), ("unrealised_gain", f"-{gain}"), isin=isin)
    ]
    due = Accrual(
        event_id="a", fund="F", effective_date=DAY, name="management_fee", share_class="A", currency="USD", amount=Decimal(fee)
    )
    priced = SimpleNamespace(prices={"XS1": Decimal(price)})
    return cast(Strike, SimpleNamespace(net_assets=Decimal(net), marked=marks(rows), accruals=(due,), priced=priced))


def compared(daily: Strike, now: Strike, then: list[Any], known: list[Any]) -> dict[tuple[str, str | None], Decimal]:
    made = compare_as_of(daily, now, journal(then), journal(known), {"late": "2026-07-02T20:00:00Z"})
    assert made.as_of - made.daily == sum(r["amount"] for r in made.table.to_pylist())
    return {(r["cause"], r["item"]): r["amount"] for r in made.table.to_pylist()}


def test_nothing_came_late() -> None:
    one = struck("1010", ("XS1", "10"))
    assert compared(one, one, [*OPENING, *BOUGHT], [*OPENING, *BOUGHT]) == {}


def test_a_price_corrected_later_is_a_price() -> None:
    books = [*OPENING, *BOUGHT]
    assert compared(struck("1010", ("XS1", "10")), struck("1012", ("XS1", "12"), price="10.2"), books, books) == {
        ("price", "XS1"): Decimal(2)
    }


def test_a_rate_known_later_is_a_rate() -> None:
    books = [*OPENING, *BOUGHT]
    assert compared(struck("1010", ("XS1", "10")), struck("1011", ("XS1", "11")), books, books) == {("rate", "XS1"): Decimal(1)}


def test_a_late_purchase_counts_with_its_charges_and_its_value() -> None:
    late = lines("late", DAY, "trade", ("investments", "51"), ("payable_for_investments_purchased", "-51"), isin="XS1")
    made = compared(struck("1010", ("XS1", "10")), struck("1009", ("XS1", "9")), [*OPENING, *BOUGHT], [*OPENING, *BOUGHT, *late])
    assert made == {("late event", "late"): Decimal(-1)}


def test_a_late_charge_counts_with_its_amount_and_when_it_was_known() -> None:
    late = lines("late", DAY, "payment", ("audit_fee", "7"), ("cash", "-7"))
    made = compare_as_of(
        struck("1000"), struck("993"), journal(OPENING), journal([*OPENING, *late]), {"late": "2026-07-02T20:00:00Z"}
    )
    (row,) = made.table.to_pylist()
    assert (row["item"], row["kind"], row["amount"], row["known_at"]) == ("late", "payment", Decimal(-7), "2026-07-02T20:00:00Z")


def test_a_late_event_without_effect_is_listed_all_the_same() -> None:
    late = lines("late", DAY, "settlement", ("cash", "-100"), ("payable_for_investments_purchased", "100"))
    one = struck("1000")
    assert compared(one, one, OPENING, [*OPENING, *late]) == {("late event", "late"): Decimal(0)}


def test_fees_on_another_base_are_fees() -> None:
    assert compared(struck("995", fee="5"), struck("994", fee="6"), OPENING, OPENING) == {("fees", "management_fee A"): Decimal(-1)}


def test_what_nothing_explains_is_shown_as_such() -> None:
    made = compare_as_of(struck("1000"), struck("1003"), journal(OPENING), journal(OPENING), {})
    assert made.residual == 3
