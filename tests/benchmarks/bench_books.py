"""How replay grows: ten times the events. ``python -m tests.benchmarks.bench_books``

Purchases, sales, settlements, dividends and accruals of 200 instruments; one in a thousand trades is reversed a week later.
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from time import process_time

from bo_lib.books import replay
from bo_lib.model import events as ev
from bo_lib.model.money import Rates
from bo_lib.model.tables import INSTRUMENTS

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


def main() -> None:
    instruments = INSTRUMENTS.build({"isin": i, "name": i, "kind": "equity", "currency": _currency(i)} for i in SECURITIES).value
    before = 0.0
    for count in (1_000, 10_000, 100_000):
        facts = events(count)
        start = process_time()
        outcome = replay(facts, base_currency="EUR", instruments=instruments, rates=lambda _: RATES)
        folded = process_time() - start
        lines = outcome.value.journal.num_rows, outcome.value.lots().num_rows, outcome.value.trial_balance().num_rows
        total = process_time() - start
        growth = f", {total / before:.1f} times the last" if before else ""
        print(f"{count:>7} events: fold {folded:.2f} s, with tables {total:.2f} s CPU{growth}; {lines[0]} lines, {lines[1]} lots")
        before = total


if __name__ == "__main__":
    main()
