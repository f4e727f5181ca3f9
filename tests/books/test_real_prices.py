"""Real splits and dividends booked through a position: what it earned is what the published adjusted closes say it did."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bo_lib.model import events as ev
from bo_lib.model.money import round_to
from tests.books.desk import balances, keep

PRICES = Path(__file__).parents[3] / "shared" / "corpora" / "prices"
pytestmark = pytest.mark.skipif(not PRICES.exists(), reason="needs the corpora of prices beside the project")
SHARES = Decimal(10_000_000)  # so many that cents do not show
D = Decimal


class Day(NamedTuple):
    day: date
    close: Decimal
    adjusted: Decimal
    dividend: Decimal
    split: Decimal  # new shares for one old


def archive(ticker: str) -> list[Day]:
    """Unadjusted closes with dividends and splits; adjusted as if a dividend were reinvested at the close of its ex date."""
    with zipfile.ZipFile(PRICES / "quandl_samples" / "QUANDL_ARCHIVE.zip") as archived:
        text = archived.read("QUANDL_SAMPLE_TABLE.csv").decode()
    return [Day(date.fromisoformat(r["date"]), D(r["close"]), D(r["adj_close"]), D(r["ex-dividend"]), D(r["split_ratio"]))
            for r in csv.DictReader(io.StringIO(text)) if r["ticker"] == ticker]  # fmt: skip


def chart(name: str) -> list[Day]:
    """Closes with dividends; adjusted as if a dividend were reinvested at the close before, less the dividend."""
    rows = csv.DictReader((PRICES / "repairs" / name).read_text().splitlines())
    return [Day(date.fromisoformat(r["Datetime"][:10]), D(r["Close"]), D(r["Adj Close"]), D(r["Dividends"]), D(1))
            for r in rows if r["Close"]]  # fmt: skip


def reinvested(days: list[Day], *, at_close: bool) -> Iterator[ev.Event]:
    """A purchase at the first close; each split; each dividend, and a purchase for all of it."""
    held, ids = SHARES, iter(range(10**6))

    def common(day: Day) -> dict[str, Any]:
        return {"event_id": f"e{next(ids):06}", "fund": "TEST", "effective_date": day.day, "isin": "EURO-SHARE"}

    def bought(day: Day, quantity: Decimal, price: Decimal) -> ev.Trade:
        given = common(day)
        return ev.Trade(**given, trade_id=given["event_id"], account="BANK", side="BUY", quantity=quantity, price=price,
                        currency="EUR", settlement_date=day.day)  # fmt: skip

    yield bought(days[0], held, round_to(days[0].close, 12))
    for before, day in pairwise(days):
        if day.dividend:
            rate, price = round_to(day.dividend, 12), round_to(day.close if at_close else before.close - day.dividend, 12)
            yield ev.Dividend(**common(day), event_ref="D", currency="EUR", rate_per_share=rate, payment_date=day.day)
            more = round_to(held * rate / price, 10)
            held += more
            yield bought(day, more, price)
        if day.split != 1:
            yield ev.Split(**common(day), event_ref="S", new=day.split, old=1)
            held *= day.split


@pytest.mark.parametrize(
    ("days", "dividends", "tolerance", "at_close"),
    [
        (lambda: archive("AAPL"), 4, "1e-9", True), (lambda: archive("MSFT"), 4, "1e-9", True),
        (lambda: archive("BRK_A"), 0, "1e-9", True), (lambda: archive("ZEN"), 0, "1e-9", True),
        (lambda: chart("IBE-MC-1d-no-bad-divs.csv"), 8, "1e-5", False),
        (lambda: chart("CALM-1d-no-bad-divs.csv"), 10, "1e-5", False),
        (lambda: chart("REL-L-1d-bad-div-fixed.csv"), 6, "1e-5", False),
    ],
    ids=["AAPL, with a split of 7 for 1", "MSFT", "BRK_A", "ZEN", "IBE", "CALM", "REL"],
)  # fmt: skip
def test_total_return_is_that_of_the_adjusted_closes(days: Any, dividends: int, tolerance: str, at_close: bool) -> None:
    series = days()
    events = list(reinvested(series, at_close=at_close))
    outcome = keep(*events)
    assert not outcome.findings
    book, last = outcome.value, series[-1]
    (held,) = book.positions().to_pylist()
    assert held["quantity"] * last.close > 0
    assert sum(event.kind == "dividend" for event in events) == dividends
    found = balances(book)
    owed = found["payable_for_investments_purchased", "EUR"][0] + found.get(("cash", "EUR"), (D(0),))[0]
    earned = (held["quantity"] * last.close + owed + SHARES * series[0].close) / (SHARES * series[0].close)
    assert abs(earned / (last.adjusted / series[0].adjusted) - 1) < D(tolerance)


def test_a_split_leaves_the_position_worth_what_it_was() -> None:
    """Apple, 9 June 2014: seven for one; the cost of the lot stays."""
    series = archive("AAPL")
    (split,) = [n for n, day in enumerate(series) if day.split != 1]
    bought = next(reinvested(series, at_close=True))
    given = {"event_id": "s", "fund": "TEST", "effective_date": series[split].day, "event_ref": "S", "isin": "EURO-SHARE"}
    (before,) = keep(bought).value.lots().to_pylist()
    (after,) = keep(bought, ev.Split(**given, new=series[split].split, old=1)).value.lots().to_pylist()
    assert after == {**before, "quantity": 7 * before["quantity"]}
    fell = series[split - 1].close / series[split].close
    assert 6 < fell < 8, "and the price fell to a seventh"
