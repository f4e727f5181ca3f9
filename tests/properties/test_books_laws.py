"""Laws of the books that hold for any month: balance, conservation, order, time, reversal, and FIFO by a second method."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal

import pyarrow.compute as pc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bo_lib.books import METHODS
from bo_lib.model import events as ev
from tests.books.desk import accrual, capital, deal, dividend, june, keep, lot, reversal, rights, settled, split, trade

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SHARES = ("EURO-SHARE", "US-SHARE", "JP-SHARE")
cents = st.integers(1, 99999).map(lambda n: str(Decimal(n) / 100))
days = st.integers(1, 25)


@st.composite
def months(draw: st.DrawFn) -> list[ev.Event]:
    """Trades with some settled (in one or two parts), income, splits, rights, deals, capital, fees and a few reversals."""
    events: list[ev.Event] = [
        lot("l1", "EURO-SHARE", date(2025, 1, 2), "1000", "10000.03", "10000.03"),
        lot("l2", "US-SHARE", date(2024, 1, 2), "-500", "-7000.01", "-6400.02"),
    ]
    for n in range(draw(st.integers(0, 14))):
        day, isin = draw(days), draw(st.sampled_from(SHARES))
        side, quantity = draw(st.sampled_from(["BUY", "SELL", "SHORT", "COVER"])), draw(st.integers(1, 900))
        price = draw(cents)
        events.append(trade(f"t{n}", day, side, quantity, isin, price, commission=draw(cents)))
        parts = draw(st.sampled_from([(), (quantity,), (1, quantity - 1)]))
        events += [
            settled(f"x{n}-{k}", min(day + 2 + k, 30), f"t{n}", part, str(part * Decimal(price)))
            for k, part in enumerate(parts)
            if part
        ]
    others = draw(st.lists(st.sampled_from(["dividend", "split", "spot", "forward", "capital", "fee", "rights"]), max_size=5))
    for n, kind in enumerate(others):
        day, isin, amount = draw(days), draw(st.sampled_from(SHARES)), draw(cents)
        events.append({
            "dividend": dividend(f"o{n}", day, isin, "0.37", "15", day + 3),
            "split": split(f"o{n}", day, isin, draw(st.integers(1, 7)), draw(st.integers(1, 7))),
            "spot": deal(f"o{n}", day, "SPOT", f"USD {amount}", "EUR 77.10", day + 2),
            "forward": deal(f"o{n}", day, "FORWARD", f"EUR {amount}", "USD 81.20", day + 4, share_class="H"),
            "capital": capital(f"o{n}", day, "SUBSCRIBE", "1", amount, "91.17", "USD", day + 3),
            "fee": accrual(f"o{n}", day, "audit_fee", amount),
            "rights": rights(day).model_copy(update={"event_id": f"o{n}"}),
        }[kind])  # fmt: skip
    targets = st.sampled_from([event.event_id for event in events])
    for n, target in enumerate(draw(st.lists(targets, max_size=3, unique=True))):
        events.append(reversal(f"r{n}", draw(days) + 5, target))
    return events


@QUICK
@given(months())
def test_the_journal_balances_per_event_day_and_currency_and_in_base(events: list[ev.Event]) -> None:
    sums: dict[tuple[object, ...], Decimal] = defaultdict(Decimal)
    for row in keep(*events).value.journal.to_pylist():
        sums[row["event_id"], row["effective_date"], row["currency"]] += row["local"]
        sums[row["event_id"], row["effective_date"], "base"] += row["base"]
    assert not any(sums.values())


@QUICK
@given(months(), st.sampled_from(sorted(METHODS)))
def test_lots_positions_and_ledger_tell_one_story(events: list[ev.Event], method: str) -> None:
    """Quantity of lots = quantity of the journal; cost of lots = investments in the ledger; gains realised = gain accounts."""
    book = keep(*events, lot_method=method).value
    quantity: dict[str, Decimal] = defaultdict(Decimal)
    cost: dict[str, Decimal] = defaultdict(Decimal)
    gain = cost_base = Decimal(0)
    for row in book.journal.to_pylist():
        if row["ledger"] == "investments":
            quantity[row["isin"]] += row["quantity"] or 0
            cost[row["isin"]] += row["local"]
            cost_base += row["base"]
        gain -= row["base"] if row["ledger"] == "realised_gain" else 0
    lots = book.lots().to_pylist()
    for isin in quantity:
        assert sum(x["quantity"] for x in lots if x["isin"] == isin) == quantity[isin]
        assert sum(x["cost_local"] for x in lots if x["isin"] == isin) == cost[isin]
    assert sum(x["cost_base"] for x in lots) == cost_base
    assert sum(x["price_gain_base"] for x in book.realised.to_pylist()) == gain
    assert {p["isin"]: p["quantity"] for p in book.positions().to_pylist()} == {i: q for i, q in quantity.items() if q}


@QUICK
@given(months(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(events: list[ev.Event], shuffle: object) -> None:
    book = keep(*events).value
    mixed = list(events)
    shuffle.shuffle(mixed)  # type: ignore[attr-defined]
    again = keep(*mixed).value
    assert again.journal.equals(book.journal)
    assert again.lots().equals(book.lots())
    assert again.realised.equals(book.realised)


@QUICK
@given(months(), days)
def test_replay_to_a_day_is_the_journal_up_to_that_day(events: list[ev.Event], day: int) -> None:
    whole, part = keep(*events).value, keep(*events, until=june(day)).value
    assert part.journal.equals(whole.journal.filter(pc.less_equal(whole.journal["effective_date"], june(day))))
    assert whole.lots(as_of=june(day)).equals(part.lots())


@QUICK
@given(months())
def test_reversing_everything_leaves_nothing(events: list[ev.Event]) -> None:
    standing = [event for event in events if event.kind != "reversal"]
    undone = [reversal(f"u{n}", 30, event.event_id) for n, event in enumerate(standing)]
    book = keep(*standing, *undone, until=june(30)).value
    assert book.trial_balance().num_rows == book.lots().num_rows == book.open_trades.num_rows == 0


@QUICK
@given(months(), st.data())
def test_a_reversal_restores_the_books_as_if_the_event_had_not_been(events: list[ev.Event], data: st.DataObject) -> None:
    standing = [event for event in events if event.kind != "reversal"]
    target = data.draw(st.sampled_from(standing))
    without = keep(*(event for event in standing if event is not target)).value
    back = keep(*standing, reversal("u", data.draw(days), target.event_id)).value
    assert back.trial_balance().equals(without.trial_balance())
    assert back.lots().equals(without.lots())
    assert back.positions("settlement").equals(without.positions("settlement"))


sequences = st.lists(st.tuples(st.sampled_from([1, -1]), st.integers(1, 50), st.integers(1, 500)), max_size=25)


@settings(max_examples=150, deadline=None)
@given(sequences)
def test_fifo_is_the_kth_unit_bought_against_the_kth_unit_sold(sequence: list[tuple[int, int, int]]) -> None:
    """Without lots: laid in a row, the k-th unit of all purchases meets the k-th unit of all sales."""
    events = [trade(f"t{n:02}", 1 + n, "BUY" if sign > 0 else "SELL", quantity, "EURO-SHARE", str(price))
              for n, (sign, quantity, price) in enumerate(sequence)]  # fmt: skip
    book = keep(*events).value
    bought = [price for sign, quantity, price in sequence if sign > 0 for _ in range(quantity)]
    sold = [price for sign, quantity, price in sequence if sign < 0 for _ in range(quantity)]
    pairs = list(zip(bought, sold, strict=False))
    realised = book.realised.to_pylist()
    assert sum(row["quantity"] for row in realised) == len(pairs)
    assert sum(row["price_gain_base"] for row in realised) == sum(out - into for into, out in pairs)
    left = sum(bought[len(pairs):]) - sum(sold[len(pairs):])  # fmt: skip
    assert sum(x["cost_local"] for x in book.lots().to_pylist()) == left
