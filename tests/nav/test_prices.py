"""Prices and rates: scenario in, chosen price and finding out."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from bo_lib.config import Tolerances
from bo_lib.model.events import Dividend, Split
from bo_lib.model.findings import Outcome
from bo_lib.model.tables import FX_RATES, INSTRUMENTS, PRICES
from bo_lib.nav import Priced, PriceOverride, select_prices, select_rates
from bo_lib.nav.price_decisions import price_decisions, unfit_override

T = date(2026, 6, 11)  # a Thursday
MASTER = INSTRUMENTS.build([{"isin": "SHARE", "name": "Share", "kind": "equity", "currency": "GBP"}]).value


def prices(*quotes: str, history: str = "100 101 100 99 100") -> Any:
    """``A 100`` or ``B 10000 GBX``: today's quotes; both vendors sent ``history`` (oldest first) on the days before."""
    rows = [("A B".split()[n], T - timedelta(days=back), price, "GBP")
            for back, price in enumerate(reversed(history.split()), 1) for n in (0, 1)]  # fmt: skip
    for quote in quotes:
        source, price, *currency = quote.split()
        rows.append((source, T, price, currency[0] if currency else "GBP"))
    return PRICES.build(
        {"source": s, "isin": "SHARE", "price_date": d, "price": Decimal(p), "currency": c} for s, d, p, c in rows
    ).value


def select(*quotes: str, history: str = "100 101 100 99 100", **more: Any) -> Outcome[Priced]:
    table = prices(*quotes, history=history)
    return select_prices(table, ["SHARE"], ("A", "B"), T, tolerances=Tolerances(), instruments=MASTER, **more)


def codes(outcome: Outcome[Any]) -> list[str]:
    return sorted(f.code for f in outcome.findings)


@pytest.mark.parametrize(
    ("quotes", "chosen", "found"),
    [
        (["A 101", "B 101.2"], "101", []),
        (["B 101"], "101", ["price-fallback"]),
        (["A 0", "B 101"], "101", ["price-not-positive"]),
        (["A -3", "B 101"], "101", ["price-not-positive"]),
        (["A 10100", "B 101"], "101", ["price-unit"]),  # pence for pounds
        (["A 1.01", "B 101"], "101", ["price-unit"]),
        (["A 10100 GBX", "B 101"], "101", []),  # the vendor says that it is pence
        (["A 101 USD", "B 101"], "101", ["price-currency"]),
        (["A 140", "B 101"], "101", ["price-spike"]),  # nobody confirms it
        (["A 140", "B 140.5"], "140", ["price-moved", "price-moved"]),  # both say so: it moved
        (["A 140"], "140", ["price-spike"]),  # nobody else to ask
        (["A 101", "B 104"], "101", ["price-variance"]),
        ([], None, ["price-missing"]),
        (["A 0", "B 10100"], None, ["price-missing", "price-not-positive", "price-unit"]),
        (["A 140", "B 60"], None, ["price-missing", "price-spike", "price-spike"]),
    ],
)
def test_the_hierarchy_of_sources(quotes: list[str], chosen: str | None, found: list[str]) -> None:
    outcome = select(*quotes)
    assert (outcome.value.prices.get("SHARE"), codes(outcome)) == (Decimal(chosen) if chosen else None, found)
    assert outcome.ok == (chosen is not None)


def test_a_price_without_a_currency_is_in_that_of_the_instrument() -> None:
    bare = {"source": "A", "isin": "SHARE", "price_date": T, "price": Decimal(101)}
    table = PRICES.build([*prices("B 101").to_pylist(), bare, bare | {"isin": "UNKNOWN"}]).value
    outcome = select_prices(table, ["SHARE", "UNKNOWN"], ("A",), T, tolerances=Tolerances(), instruments=MASTER)
    assert (outcome.value.prices, codes(outcome)) == ({"SHARE": 101, "UNKNOWN": 101}, [])


def test_a_rejected_candidate_keeps_its_reason() -> None:
    rows = {r["source"]: r for r in select("A 10100", "B 101").value.table.to_pylist()}
    assert (rows["A"]["chosen"], rows["A"]["reason"]) == (False, "about a hundred times off the price before")
    assert (rows["B"]["chosen"], rows["B"]["reference"]) == (True, Decimal(100))


def test_the_day_after_a_wrong_price_is_not_punished_for_it() -> None:
    assert select("A 101", "B 101", history="100 101 100 100 10000").ok
    bad_yesterday = prices("A 101", "B 101").to_pylist()
    for row in bad_yesterday:
        if row["source"] == "A" and row["price_date"] == T - timedelta(days=1):
            row["price"] = Decimal(10000)
    table = PRICES.build(bad_yesterday).value
    outcome = select_prices(table, ["SHARE"], ("A", "B"), T, tolerances=Tolerances(), instruments=MASTER)
    assert (outcome.value.prices["SHARE"], codes(outcome)) == (Decimal(101), [])


def test_a_price_that_stands_still_is_said_and_used() -> None:
    outcome = select("A 100", "B 101", history="98 99 99 100 100 100")
    assert (outcome.value.prices["SHARE"], codes(outcome)) == (Decimal(100), ["price-stale"])
    assert codes(select("A 100", "B 100.5", history="98 99 99 100 100")) == []  # two days are within tolerance


def split(day: date = T) -> list[Split]:
    return [Split(event_id="s", fund="F", effective_date=day, event_ref="S", isin="SHARE", new=Decimal(2), old=Decimal(1))]


def test_a_split_restates_the_prices_before_it() -> None:
    assert codes(select("A 50.5", "B 50", splits=split())) == []
    late = select("A 100.5", "B 50", splits=split())
    assert (late.value.prices["SHARE"], codes(late)) == (Decimal(50), ["price-split-not-applied"])
    assert codes(select("A 51", "B 51", history="100 100 50 50 50", splits=split(T - timedelta(days=3)))) == []


def test_a_large_dividend_restates_the_prices_before_it() -> None:
    paid = [Dividend(event_id="d", fund="F", effective_date=T, event_ref="D", isin="SHARE", currency="GBP",
                     rate_per_share=Decimal(30), payment_date=T)]  # fmt: skip
    assert codes(select("A 70.5", "B 70", dividends=paid)) == []
    late = select("A 100.5", "B 70", dividends=paid)
    assert (late.value.prices["SHARE"], codes(late)) == (Decimal(70), ["price-dividend-not-applied"])
    assert codes(select("A 70.5", "B 70")) == ["price-moved", "price-moved"]  # nobody told of it: another source confirms


@pytest.mark.parametrize(
    ("quoted", "found"),
    [
        ("100.9 101.1", []),
        ("101 101", []),  # locked is not crossed
        ("0 101.1", []),  # zero is no bid
        ("101.1 100.9", ["price-crossed"]),
        ("98.4 103.6", ["price-spread"]),  # 5.15% of the middle
        ("98.5 103.5", []),
        ("101.1 101.3", ["price-outside-quote"]),
        ("100 100.9", ["price-outside-quote"]),
        ("0 100.9", ["price-outside-quote"]),
        ("80 100", ["price-outside-quote", "price-spread"]),
    ],
)
def test_a_price_is_held_against_its_bid_and_ask(quoted: str, found: list[str]) -> None:
    for unit, price in (("GBP", 101), ("GBX", 10100)):
        bid, ask = (Decimal(text) * price / 101 for text in quoted.split())
        today = {"source": "A", "isin": "SHARE", "price_date": T, "price": Decimal(price), "currency": unit, "bid": bid, "ask": ask}
        table = PRICES.build([*prices("B 101").to_pylist(), today]).value
        outcome = select_prices(table, ["SHARE"], ("A", "B"), T, tolerances=Tolerances(), instruments=MASTER)
        assert (outcome.value.prices["SHARE"], codes(outcome), outcome.ok) == (101, found, True)
        assert [bool(r["reason"]) for r in outcome.value.table.to_pylist() if r["chosen"]] == [bool(found)]


def test_a_kind_of_instrument_has_its_own_hierarchy() -> None:
    assert select("A 101", "B 101.2", by_kind={"equity": ("B", "A")}).value.prices["SHARE"] == Decimal("101.2")
    assert select("A 101", "B 101.2", by_kind={"fund": ("B", "A")}).value.prices["SHARE"] == 101


def test_on_a_holiday_of_its_market_the_last_price_stands() -> None:
    assert codes(select()) == ["price-missing"]
    shut = select(closed=lambda isin: True)
    assert (shut.value.prices["SHARE"], codes(shut), shut.ok) == (Decimal(100), ["price-holiday"], True)
    assert codes(select("A 101", "B 101", closed=lambda isin: True)) == []


def test_a_price_of_the_morning_is_no_price_of_the_snapshot() -> None:
    at = datetime(2026, 6, 11, 17, 30, tzinfo=ZoneInfo("Europe/Paris"))
    told = [
        {**r, "quoted_at": "2026-06-11T09:00:00+02:00" if r["source"] == "A" else None}
        for r in prices("A 101", "B 101").to_pylist()
    ]
    outcome = select_prices(
        PRICES.build(told).value, ["SHARE"], ("A", "B"), T, tolerances=Tolerances(), instruments=MASTER, snapshot=at
    )
    assert (outcome.value.prices["SHARE"], codes(outcome)) == (Decimal(101), ["price-early"])
    near = PRICES.build({**r, "quoted_at": "2026-06-11T15:20:00+00:00"} for r in told).value
    assert codes(select_prices(near, ["SHARE"], ("A", "B"), T, tolerances=Tolerances(), instruments=MASTER, snapshot=at)) == []
    quoted = {
        "source": "A",
        "pivot": "EUR",
        "currency": "USD",
        "rate_date": T,
        "rate": Decimal("1.1"),
        "quoted_at": "2026-06-11T08:00:00Z",
    }
    fx = FX_RATES.build([quoted]).value
    assert codes(select_rates(fx, ["USD"], ("A",), T, tolerances=Tolerances(), snapshot=at)) == ["rate-early"]


def override(**more: Any) -> PriceOverride:
    given = {"start": T, "until": T, "maker": "ana", "checker": "ben", "currency": "GBP", "reason": "suspended; tender at 90"}
    return PriceOverride(**{"isin": "SHARE", "price": Decimal(90), **given, **more})


def test_an_override_stands_for_its_days_and_needs_two_people() -> None:
    assert select("A 100", "B 100", overrides=[override()]).value.prices["SHARE"] == 90
    assert (
        select("A 100", "B 100", overrides=[override(until=T - timedelta(days=1), start=date(2026, 6, 1))]).value.prices["SHARE"]
        == 100
    )
    for nobody_else in ("ana", " ANA", "ａｎａ", " ", ""):
        alone = select("A 100", "B 100", overrides=[override(checker=nobody_else)])
        assert (alone.value.prices["SHARE"], codes(alone), alone.ok) == (Decimal(100), ["override-needs-two"], False)


def rates(*quotes: str) -> Outcome[Any]:
    rows = [("A", T - timedelta(days=n), "1.10") for n in (1, 2, 3)]
    rows += [(q.split()[0], T, q.split()[1]) for q in quotes]
    table = FX_RATES.build(
        {"source": s, "pivot": "EUR", "currency": "USD", "rate_date": d, "rate": Decimal(r)} for s, d, r in rows
    ).value
    return select_rates(table, ["USD", "EUR"], ("A", "B"), T, tolerances=Tolerances())


@pytest.mark.parametrize(
    ("quotes", "chosen", "found"),
    [
        (["A 1.11"], "1.11", []),
        (["A 1.11", "B 1.1101"], "1.11", []),
        (["B 1.11"], "1.11", ["rate-fallback"]),
        (["A 0", "B 1.11"], "1.11", ["rate-fallback", "rate-not-positive"]),
        (["A 0.909", "B 1.11"], "1.11", ["rate-fallback", "rate-spike"]),  # quoted the other way round
        (["A 1.30", "B 1.301"], "1.30", []),  # it did move
        (["A 1.30"], "1.30", ["rate-spike"]),
        (["A 1.11", "B 1.13"], "1.11", ["rate-variance"]),
        ([], None, ["rate-missing"]),
    ],
)
def test_rates_of_the_day(quotes: list[str], chosen: str | None, found: list[str]) -> None:
    outcome = rates(*quotes)
    assert outcome.value.per_pivot.get("USD") == (Decimal(chosen) if chosen else None)
    assert codes(outcome) == found
    assert outcome.value.per_pivot["EUR"] == 1


class Said(NamedTuple):
    """A fact of the chain."""

    kind: str
    payload: dict[str, Any]
    actor: str
    known_at: str = "2026-06-11T20:00:00Z"
    hash: str = "h"


CONTENT = {"price": "90", "currency": "GBP", "until": (T + timedelta(days=2)).isoformat(), "evidence": ""}
MADE = Said("price.override.made", {"id": "p1", "action": "override", "about": "SHARE", "content": CONTENT, "text": "tender",
                                    "day": T.isoformat(), "value_base": None}, "ana")  # fmt: skip


def answer(what: str, by: str) -> Said:
    return Said(f"price.override.{what}", {"id": "p1", "sha256": "h", "text": ""}, by)


def test_an_override_waits_for_a_second_person_and_ends_by_itself() -> None:
    assert price_decisions([MADE]).overrides == ()
    assert price_decisions([MADE, answer("approved", " Ana ")]).overrides == (), "whoever wrote it"
    (made,) = price_decisions([MADE, answer("approved", "ben")]).overrides
    assert (made.maker, made.checker, made.price, made.until) == ("ana", "ben", 90, T + timedelta(days=2))
    assert select("A 100", "B 100", overrides=[made]).value.prices["SHARE"] == 90
    assert price_decisions([MADE, answer("rejected", "ben")]).overrides == ()


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"isin": "OTHER"}, "security master"),
        ({"price": Decimal(0)}, "positive"),
        ({"until": T + timedelta(days=60)}, "ends by itself"),
        ({"until": T - timedelta(days=1)}, "ends by itself"),
        ({"text": " "}, "a reason"),
        ({}, ""),
    ],
)
def test_an_override_that_cannot_be(changed: dict[str, Any], why: str) -> None:
    given = {"isin": "SHARE", "price": Decimal(90), "start": T, "until": T, "text": "tender", "known": {"SHARE": "GBP"}, **changed}
    said = unfit_override(**given)
    assert why in said and bool(said) == bool(why)
