"""How the books grow, in steps of ten. ``python -m tests.benchmarks.bench_books [--largest]``

Replay: purchases, sales, settlements, dividends and accruals of 200 instruments; one in a thousand trades is reversed a week
later. Lots: trades over 5,000 (fund, instrument) groups through first-in first-out lots. Journal: a trial balance, and positions
as of a date, of 1,000 funds. ``--largest`` adds the last step: 1 million trades, 10 million lines. Growth is against the step
before, in one run; CPU seconds and the peak of memory so far.
"""

from __future__ import annotations

import random
import resource
import sys
from datetime import date, timedelta
from decimal import Decimal
from time import process_time

import numpy as np
import pyarrow as pa

from bo_lib.books import replay
from bo_lib.books.lots import Lot, Lots, add, relieve
from bo_lib.books.totals import positions, trial_balances
from bo_lib.model import events as ev
from bo_lib.model.money import Rates
from bo_lib.model.tables import INSTRUMENTS, JOURNAL

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


def through_lots(count: int, groups: int = 5_000) -> tuple[int, Decimal]:
    """``count`` trades, each to one of ``groups`` books of lots; lots left and gain realised."""
    draw = np.random.default_rng(7)
    picks, sides = draw.integers(0, groups, count).tolist(), draw.integers(0, 3, count).tolist()
    sizes, prices = draw.integers(1, 500, count).tolist(), draw.integers(500, 20_000, count).tolist()
    lots = [Lots() for _ in range(groups)]
    gain = Decimal(0)
    for n, (group, side, size, cents) in enumerate(zip(picks, sides, sizes, prices, strict=True)):
        there, quantity = lots[group], Decimal(-size if side == 2 else size)
        cost = quantity * cents / 100
        pieces, rest = relieve(there, quantity, "FIFO", "EUR")
        gain -= sum((piece.cost_local for piece in pieces), Decimal(0)) + cost * (quantity - rest) / quantity
        if rest:
            opened = cost * rest / quantity
            add(there, Lot(f"T{n:08}", "A", "XS", START + timedelta(days=n * 250 // count), rest, "EUR", opened, opened))
    return sum(map(len, lots)), gain


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


def said(what: str, count: int, seconds: float, before: float, rest: str) -> float:
    growth = f"{seconds / before:5.1f} times the last" if before else " " * 20
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what:<22}{count:>11,} {seconds:8.2f} s {growth} {1e6 * seconds / count:8.2f} us each, peak {memory:,.0f} MB; {rest}")
    return seconds


def main() -> None:
    largest = "--largest" in sys.argv
    instruments = INSTRUMENTS.build({"isin": i, "name": i, "kind": "equity", "currency": _currency(i)} for i in SECURITIES).value
    before = 0.0
    for count in (1_000, 10_000, 100_000):
        facts = events(count)
        start = process_time()
        book = replay(facts, base_currency="EUR", instruments=instruments, rates=lambda _: RATES).value
        rest = f"{book.journal.num_rows:,} lines, {book.lots().num_rows:,} lots, {book.trial_balance().num_rows} balances"
        before = said("replay, events", count, process_time() - start, before, rest)
    before = 0.0
    for count in (10_000, 100_000, 1_000_000)[: 3 if largest else 2]:
        start = process_time()
        left, _ = through_lots(count)
        before = said("FIFO lots, trades", count, process_time() - start, before, f"{left:,} lots left")
    balances = held = 0.0
    for count in (100_000, 1_000_000, 10_000_000)[: 3 if largest else 2]:
        lines = journal(count)
        start = process_time()
        found = trial_balances(lines)
        balances = said("trial balance, lines", count, process_time() - start, balances, f"{found.num_rows:,} balances")
        start = process_time()
        found = positions(lines, START + timedelta(days=180))
        held = said("positions as of, lines", count, process_time() - start, held, f"{found.num_rows:,} positions of 1,000 funds")


if __name__ == "__main__":
    main()
