"""How the books grow, in steps of ten. ``python -m tests.benchmarks.bench_books [--largest]``

Replay: purchases, sales, settlements, dividends and accruals of 200 instruments; one in a thousand trades is reversed a week
later. Lots: trades over 5,000 (fund, instrument) groups through first-in first-out lots, by the books' own lots (decimals, both
costs, rounded), by the least that plain Python can do with integers, and by sets in DuckDB; all three give the same gain. Journal:
a trial balance, and positions as of a date, of 1,000 funds. ``--largest`` adds the last step: 1 million trades, 10 million lines.

CPU seconds; growth against the step before (more lots stay open with more trades: the floor grows alike); each row in a process
of its own, with the memory it took beyond its facts.
"""

from __future__ import annotations

import gc
import os
import random
import resource
import sys
from collections import deque
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from bo_lib.books import replay
from bo_lib.books.lots import Lot, Lots, add, relieve
from bo_lib.books.state import collector_at_rest
from bo_lib.books.totals import positions, trial_balances
from bo_lib.model import events as ev
from bo_lib.model.money import Rates
from bo_lib.model.tables import INSTRUMENTS, JOURNAL
from tests.books.lots_by_sql import fifo_by_sql

START = date(2026, 1, 1)
SECURITIES = [f"XS{n:010}" for n in range(200)]
RATES = Rates({"USD": Decimal("1.0842"), "GBP": Decimal("0.8431")})


def events(count: int) -> list[ev.Event]:
    draw, made = random.Random(7), []
    while len(made) < count:
        n = len(made)
        day = START + timedelta(days=n * 250 // count)
        isin = draw.choice(SECURITIES)
        common = {"fund": "F", "effective_date": day}
        side, quantity = draw.choice(["BUY", "BUY", "SELL"]), Decimal(draw.randint(1, 500))
        trade = ev.Trade(
            event_id=f"trade-{n}", trade_id=f"T-{n}", account="A", isin=isin, side=side, quantity=quantity,
            currency=_currency(isin), settlement_date=day + timedelta(days=2), **common,
            price=Decimal(draw.randint(500, 20000)) / 100, commission=Decimal("4.95"),
        )  # fmt: skip
        amount = trade.quantity * trade.price
        later = {"fund": "F", "effective_date": day + timedelta(days=2)}
        made += [trade, ev.Settlement(event_id=f"settled-{n}", trade_id=f"T-{n}", quantity=quantity, amount=amount, **later)]
        if n % 50 < 2:
            made.append(
                ev.Accrual(event_id=f"fee-{n}", name="administration_fee", currency="EUR", amount=Decimal("120.11"), **common)
            )
            made.append(_dividend(n, isin, day))
        if n % 1000 < 2:
            made.append(
                ev.Reversal(
                    event_id=f"back-{n}", fund="F", effective_date=day + timedelta(days=7), reverses=trade.event_id, reason="x"
                )
            )
    return made[:count]


def _currency(isin: str) -> str:
    return ("EUR", "USD", "GBP")[int(isin[-1]) % 3]


def _dividend(n: int, isin: str, day: date) -> ev.Dividend:
    return ev.Dividend(
        event_id=f"dividend-{n}", fund="F", effective_date=day, event_ref=f"D-{n}", isin=isin, currency=_currency(isin),
        rate_per_share=Decimal("0.42"), withholding_pct=Decimal(15), payment_date=day + timedelta(days=20),
    )  # fmt: skip


def trades(count: int, groups: int = 5_000) -> pa.Table:
    """``count`` trades, each to one of ``groups`` books of lots: place, n, units (signed), price (cents)."""
    draw = np.random.default_rng(7)
    signs = np.where(draw.integers(0, 3, count) == 2, -1, 1)
    return pa.table({
        "place": draw.integers(0, groups, count), "n": np.arange(count), "units": signs * draw.integers(1, 500, count),
        "price": draw.integers(500, 20_000, count),
    })  # fmt: skip


def through_lots(given: list[Any]) -> tuple[int, int]:
    """Lots left, and cents gained, through the books' own lots."""
    books: dict[int, Lots] = {}
    gain = Decimal(0)
    with collector_at_rest():
        for place, quantity, cost, lot_id, day in given:
            lots = books.setdefault(place, Lots())
            pieces, rest = relieve(lots, quantity, "FIFO", "EUR")
            for piece in pieces:
                gain -= piece.cost_local
            if rest:
                opened = cost * rest / quantity if pieces else cost
                gain -= cost - opened
                add(lots, Lot(lot_id, "A", "XS", day, rest, "EUR", opened, opened))
            else:
                gain -= cost
    return sum(map(len, books.values())), int(gain * 100)


def by_integers(given: list[Any]) -> tuple[int, int]:
    """The same in whole units and cents: one price a lot, nothing rounded, nothing named."""
    books: dict[int, deque[list[int]]] = {}
    gain = 0
    with collector_at_rest():
        for place, units, price in given:
            lots = books.setdefault(place, deque())
            while units and lots and (lots[0][0] > 0) != (units > 0):
                first = lots[0]
                if abs(first[0]) <= abs(units):
                    closed = -first[0]
                    lots.popleft()
                else:
                    closed = units
                    first[0] += units
                gain -= closed * (price - first[1])
                units -= closed
            if units:
                lots.append([units, price])
    return sum(map(len, books.values())), gain


def by_sets(given: pa.Table) -> tuple[int, int]:
    realised, left = fifo_by_sql(given)
    return left.num_rows, pa.compute.sum(realised["received"]).as_py() - pa.compute.sum(realised["paid"]).as_py()


def as_decimals(table: pa.Table) -> list[Any]:
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    count = table.num_rows
    return [(place, Decimal(units), Decimal(units * price).scaleb(-2), f"T{n:08}", START + timedelta(days=n * 250 // count))
            for place, n, units, price in rows]  # fmt: skip


def as_integers(table: pa.Table) -> list[Any]:
    return list(zip(*(table[name].to_pylist() for name in ("place", "units", "price")), strict=True))


def journal(count: int, funds: int = 1_000) -> pa.Table:
    """``count`` lines in pairs: investments against cash, of ``funds`` funds and 200 instruments over a year."""
    draw = np.random.default_rng(7)
    pairs = count // 2
    cents = draw.integers(-9_999_999, 9_999_999, pairs)
    fund = np.repeat(draw.integers(0, funds, pairs), 2)
    security = np.repeat(draw.integers(0, len(SECURITIES), pairs), 2)
    amounts = pa.array(np.stack([cents, -cents], axis=1).ravel()).cast(pa.decimal128(20, 0))
    amounts = pa.compute.multiply(amounts, pa.scalar(Decimal("0.01"), pa.decimal128(3, 2))).cast(pa.decimal128(38, 6))
    names = pa.array([f"FUND-{n:04}" for n in range(funds)])
    sides = np.tile([0, 1], pairs)
    nothing = {
        "quantity": pa.array(np.where(sides == 0, np.repeat(cents, 2), 0)).cast(pa.decimal128(20, 0)).cast(pa.decimal128(38, 10)),
        "isin": pa.array(SECURITIES).take(pa.array(security)), "fund": names.take(pa.array(fund)), "local": amounts,
        "base": amounts, "ledger": pa.array(["investments", "cash"]).take(pa.array(sides)),
        "account": pa.array(["A"] * 2).take(pa.array(sides)),
        "currency": pa.array(["EUR"] * 2).take(pa.array(sides)), "line": pa.array(sides + 1),
        "effective_date": pa.array(np.datetime64(START) + np.repeat(np.arange(pairs) * 365 // pairs, 2).astype("timedelta64[D]")),
        "event_id": pa.array(np.repeat(np.arange(pairs), 2)).cast(pa.string()),
    }  # fmt: skip
    columns = [nothing[c.name] if c.name in nothing else pa.nulls(2 * pairs, c.type) for c in JOURNAL.columns]
    return pa.Table.from_arrays(columns, schema=JOURNAL.schema)


class Measured(NamedTuple):
    seconds: float
    facts_mb: float
    beyond_mb: float
    said: str


def _resident() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def measured(facts: Callable[[int], Any], work: Callable[[Any], str], count: int) -> Measured:
    """CPU seconds of ``work`` on ``facts(count)``; memory of the facts, and the peak beyond them."""
    work(facts(100))  # what is imported on first use is not measured
    before = _resident()
    given = facts(count)
    gc.collect()
    there, start = _resident(), process_time()
    text = work(given)
    seconds = process_time() - start
    return Measured(seconds, there - before, max(0.0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - there), text)


def _replay(facts: list[ev.Event]) -> str:
    instruments = INSTRUMENTS.build({"isin": i, "name": i, "kind": "equity", "currency": _currency(i)} for i in SECURITIES).value
    book = replay(facts, base_currency="EUR", instruments=instruments, rates=_rates).value
    return f"{book.journal.num_rows:,} lines, {book.lots().num_rows:,} lots, {book.trial_balance().num_rows} balances"


def _rates(_: date) -> Rates:
    return RATES


def _lots(given: list[Any]) -> str:
    return "{:,} lots left, {:,} cents gained".format(*through_lots(given))


def _integers(given: list[Any]) -> str:
    return "{:,} lots left, {:,} cents gained".format(*by_integers(given))


def _sets(given: pa.Table) -> str:
    return "{:,} lots left, {:,} cents gained".format(*by_sets(given))


def _decimal_trades(count: int) -> list[Any]:
    return as_decimals(trades(count))


def _integer_trades(count: int) -> list[Any]:
    return as_integers(trades(count))


def _balances(lines: pa.Table) -> str:
    return f"{trial_balances(lines).num_rows:,} balances"


def _positions(lines: pa.Table) -> str:
    return f"{positions(lines, START + timedelta(days=180)).num_rows:,} positions of 1,000 funds"


BOOKS, FLOOR, SETS = "FIFO, the books' lots", "FIFO, integers", "FIFO, sets in DuckDB"
ROWS: dict[str, tuple[Callable[[int], Any], Callable[[Any], str], tuple[int, ...]]] = {
    "replay, events": (events, _replay, (1_000, 10_000, 100_000)),
    BOOKS: (_decimal_trades, _lots, (10_000, 100_000, 1_000_000)),
    FLOOR: (_integer_trades, _integers, (10_000, 100_000, 1_000_000)),
    SETS: (trades, _sets, (10_000, 100_000, 1_000_000)),
    "trial balance, lines": (journal, _balances, (100_000, 1_000_000, 10_000_000)),
    "positions as of, lines": (journal, _positions, (100_000, 1_000_000, 10_000_000)),
}


def main() -> None:
    steps = 3 if "--largest" in sys.argv else 2
    last: dict[str, float] = {}
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for name, (facts, work, counts) in ROWS.items():
        before = 0.0
        for count in counts[: 3 if name.startswith("replay") else steps]:
            with ProcessPoolExecutor(1) as alone:
                found = alone.submit(measured, facts, work, count).result()
            growth = f"{found.seconds / before:5.1f} times the last" if before else " " * 20
            each = f"{1e6 * found.seconds / count:6.2f} us each"
            memory = f"facts {found.facts_mb:6,.0f} MB, beyond {found.beyond_mb:6,.0f} MB"
            print(f"{name:<23}{count:>11,} {found.seconds:7.2f} s {growth} {each}, {memory}; {found.said}")
            before = last[name] = found.seconds
    times, sets = last[BOOKS] / last[FLOOR], last[SETS] / last[FLOOR]
    print(f"the books' lots take {times:.1f} times the floor, sets {sets:.1f} times. Chosen: lots in Python. Sets come near the")
    print("floor at a million trades only, know one method and round nothing: they are the oracle in the tests.")


if __name__ == "__main__":
    main()
