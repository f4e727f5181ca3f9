"""Laws of order and time: independent events of one day in any order, and what was known then is what is shown of then."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bo_lib.books import Book
from bo_lib.model import events as ev
from bo_lib.store import Fact, Store
from tests.books.desk import keep, settled
from tests.properties.test_books_laws import SHARES, cents, days, months, trade

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
orders = st.permutations(range(len(SHARES)))
traded = st.lists(
    st.tuples(st.sampled_from(SHARES), st.sampled_from(["BUY", "SELL", "SHORT", "COVER"]), st.integers(1, 900), cents), max_size=12
)


def named(rows: list[tuple[str, str, int, str]], order: list[int]) -> Book:
    """Trades of one day that settle two days later; ids put the instruments in ``order`` and keep the order within each."""
    events: list[ev.Event] = []
    for n, (isin, side, quantity, price) in enumerate(rows):
        name = f"{order[SHARES.index(isin)]}-{n:02}"
        events.append(trade(name, 1, side, quantity, isin, price, trade_id=f"T{n}"))
        events.append(settled(f"x{name}", 3, f"T{n}", quantity, str(quantity * Decimal(price))))
    return keep(*events).value


def without_ids(table: pa.Table) -> list[tuple[Any, ...]]:
    return sorted(tuple(v for k, v in row.items() if k not in ("event_id", "lot_id")) for row in table.to_pylist())


@QUICK
@given(traded, orders, orders)
def test_the_order_of_equal_dated_independent_events_does_not_matter(
    rows: list[tuple[str, str, int, str]], one: list[int], other: list[int]
) -> None:
    first, second = named(rows, one), named(rows, other)
    assert first.trial_balance().equals(second.trial_balance())
    assert first.positions().equals(second.positions())
    assert without_ids(first.lots()) == without_ids(second.lots())
    assert without_ids(first.realised) == without_ids(second.realised)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(events=months(), known_on=st.data(), day=days)
def test_books_as_of_a_time_are_the_books_as_they_were_kept_at_that_time(
    tmp_path_factory: Any, events: list[ev.Event], known_on: st.DataObject, day: int
) -> None:
    """Whatever came later, and however it was dated: asked for what was known then, the store gives the books of then."""
    store = Store.open(f"sqlite:///{Path(tmp_path_factory.mktemp('store')) / 'books.sqlite'}")
    kept: list[Book] = []
    cut = known_on.draw(st.integers(0, len(events)))
    for batch, time in ((events[:cut], "2026-07-01T10:00:00Z"), (events[cut:], "2026-07-02T10:00:00Z")):
        facts = [Fact(e.event_id, "TEST", f"event.{e.kind}", e.event_id, e.effective_date, ev.to_payload(e)) for e in batch]
        store.append(facts, "ann", time)
        kept.append(book_of(store, day, None))
    for then, time in zip(kept, ("2026-07-01T23:00:00Z", "2026-07-02T23:00:00Z"), strict=True):
        now = book_of(store, day, time)
        assert now.journal.equals(then.journal) and now.lots().equals(then.lots())
        assert now.trial_balance().equals(then.trial_balance())


def book_of(store: Store, day: int, known_at: str | None) -> Book:
    until = date(2026, 6, day)
    facts = store.facts("event", stream="TEST", effective_until=until, known_until=known_at)
    return keep(*(ev.from_payload(f.payload) for f in facts), until=until).value
