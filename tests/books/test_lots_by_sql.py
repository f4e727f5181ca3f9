"""The books' lots against a second computation: sets in DuckDB, lot by lot and sale by sale."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from bo_lib.model import events as ev
from tests.books.desk import june, keep, trade
from tests.books.lots_by_sql import fifo_by_sql

PLACES = ("EURO-SHARE", "EURO-NEW", "EURO-RIGHT")
histories = st.lists(st.tuples(st.integers(0, 2), st.integers(-50, 50).filter(bool), st.integers(1, 99999)), max_size=40)


def as_trade(n: int, place: int, units: int, cents: int) -> ev.Trade:
    made = trade(f"{n:03}", 1, "BUY" if units > 0 else "SELL", abs(units), PLACES[place], str(Decimal(cents) / 100))
    return made.model_copy(update={"effective_date": june(1) + timedelta(days=n)})


@settings(max_examples=60, deadline=None)
@given(histories)
def test_the_same_lots_and_the_same_gains(history: list[tuple[int, int, int]]) -> None:
    columns = zip(*((place, n, units, cents) for n, (place, units, cents) in enumerate(history)), strict=True)
    arrays = [pa.array(column, pa.int64()) for column in columns] or [pa.array([], pa.int64())] * 4
    realised, left = fifo_by_sql(pa.table(arrays, names=["place", "n", "units", "price"]))
    book = keep(*(as_trade(n, *row) for n, row in enumerate(history))).value
    assert sorted(
        (x["isin"], int(x["lot_id"][:3]), x["quantity"], x["cost_local"] * 100) for x in book.lots().to_pylist()
    ) == sorted((PLACES[x["place"]], x["opening"], x["units"], x["cost"]) for x in left.to_pylist())
    gains = ((x["isin"], int(x["event_id"]), int(x["lot_id"][:3]), x["quantity"], (x["proceeds_local"] - x["cost_local"]) * 100)
             for x in book.realised.to_pylist())  # fmt: skip
    assert sorted(gains) == sorted(
        (PLACES[x["place"]], x["closing"], x["opening"], x["units"], x["received"] - x["paid"]) for x in realised.to_pylist()
    )
