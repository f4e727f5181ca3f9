"""What the portfolio managers do: trades, currency deals to fund them, and the hedges of hedged classes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from bo_lib.config import Cycles
from bo_lib.demo.bonds import accrued
from bo_lib.demo.ledger import CODE, Book, Deal, Trade
from bo_lib.demo.market import Security, dice
from bo_lib.demo.opening import lot_size
from bo_lib.model.dates import CURRENCY_CALENDAR, add_business_days, business_days, is_business_day
from bo_lib.model.money import ZERO, round_money, round_to

TRADES_A_DAY = {"long_short": 7, "ucits": 5, "bond": 2}
BROKERS = ("CALDER", "MERCATOR", "STRANDLY")
COMMISSION_BPS = {"US": 2, "JP": 4}  # others 3; bonds trade net
STAMP_DUTY_PCT = Decimal("0.5")  # GB, purchases
FAIL_REASONS = ("LACK", "CLAC", "PREA", "MONY")
FAILS_ON = {"long_short": (9, 18), "ucits": (4, 17), "bond": (13,)}  # business days of the month on which a failing trade is made


def trades(book: Book, day: date, size: int, cycles: Cycles) -> Iterator[Trade]:
    """The day's trades: in what the fund holds, where the exchange is open and no corporate action is near."""
    market, kind = book.market, book.fund.kind
    draw = dice(market.seed, "trades", book.fund.id, day)
    open_now = [
        i for i, q in sorted(book.position.items()) if q and market.securities[i].trades_on(day) and market.is_quiet(i, day)
    ]
    count = (TRADES_A_DAY.get(kind, 0) + draw.randint(-1, 1)) * size if kind in TRADES_A_DAY else 0
    ordinal = len(business_days(day.replace(day=1), day, "TARGET"))
    for number, isin in enumerate(draw.sample(open_now, min(count, len(open_now))), 1):
        paper, held = market.securities[isin], book.position[isin]
        rich = book.cash[book.base] + _owed(book, book.base) > book.size_base * _target_cash(kind)
        grows = draw.random() < (0.62 if rich else 0.38)
        side = ("BUY" if grows else "SELL") if held > 0 else ("COVER" if grows else "SHORT")
        value = book.size_base * Decimal(draw.randint(12, 40)) / 10000 / size
        price = _execution_price(paper, market.price(isin, day), draw.gauss(0, 0.003))
        local = market.rates(day).convert(value, book.base, paper.currency)
        step = lot_size(paper)
        quantity = Decimal(max(step, int(local / price * (100 if paper.is_bond else 1) / step) * step))
        if side in ("SELL", "COVER"):
            quantity = min(quantity, Decimal(max(step, int(abs(held) * Decimal("0.4") / step) * step)))
            if quantity >= abs(held):
                continue
        fails = draw.random() < 0.005 or (ordinal in FAILS_ON[kind] and number == 1)
        reference = f"{CODE[kind]}{day:%y%m%d}-{number:04d}"
        yield _trade(reference, book.fund.id, paper, side, quantity, price, day, cycles, draw.choice(BROKERS),
                     (draw.randint(1, 3), draw.choice(FAIL_REASONS)) if fails else None)  # fmt: skip


def _execution_price(paper: Security, close: Decimal, move: float) -> Decimal:
    return round_to(close * (1 + Decimal(f"{move:.6f}") / (10 if paper.is_bond else 1)), paper.price_decimals)


def _trade(reference: str, fund: str, paper: Security, side: str, quantity: Decimal, price: Decimal, day: date, cycles: Cycles,
           broker: str, fail: tuple[int, str] | None) -> Trade:  # fmt: skip
    settlement_date = settlement_day(paper, day, cycles)
    gross = round_money(quantity * price / (100 if paper.is_bond else 1), paper.currency)
    bps = 0 if paper.is_bond else COMMISSION_BPS.get(paper.market, 3)
    commission = round_money(gross * bps / 10000, paper.currency)
    taxed = paper.market == "GB" and side in ("BUY", "COVER")
    taxes = round_money(gross * STAMP_DUTY_PCT / 100, paper.currency) if taxed else ZERO
    interest = accrued(paper, quantity, settlement_date) if paper.is_bond else ZERO
    sign = 1 if side in ("BUY", "COVER") else -1
    net = gross + interest + sign * (commission + taxes)
    late, reason = fail or (0, "")
    settles = add_business_days(settlement_date, late, f"TARGET+{CURRENCY_CALENDAR[paper.currency]}") if late else settlement_date
    what = (paper.isin, side, quantity, price, paper.currency, commission, taxes, interest, net)
    return Trade(reference, fund, *what, day, settlement_date, settles, reason, broker)


def settlement_day(paper: Security, day: date, cycles: Cycles) -> date:
    rows = [c for c in cycles.cycles if c.market == paper.market and c.start <= day and c.instrument in ("any", paper.kind)]
    cycle = max(rows, key=lambda c: (c.instrument != "any", c.start))
    return add_business_days(day, cycle.days, cycle.calendar)


def spot_deals(book: Book, day: date, first_number: int = 1) -> Iterator[Deal]:
    """One deal per foreign currency whose balance, with what is owed, has run low or high."""
    rates = book.market.rates(day)
    for currency in sorted(set(book.cash) - {book.base}):
        calendar = f"{CURRENCY_CALENDAR[book.base]}+{CURRENCY_CALENDAR[currency]}+TARGET"
        if not is_business_day(day, calendar):
            continue
        value_date = add_business_days(day, 2, calendar)
        expected = rates.convert(book.cash[currency] + _owed(book, currency), currency, book.base)
        wanted = book.size_base * Decimal("0.008")
        if wanted / 3 < expected < wanted * 3:
            continue
        step = 100_000 if currency == "JPY" else 1000
        amount = abs(rates.convert(wanted - expected, book.base, currency)) // step * step
        draw = dice(book.market.seed, "fx", book.fund.id, day, currency)
        price = rates.rate(currency, book.base) * (1 + Decimal(draw.randint(-4, 4)) / 10000)
        legs = (currency, amount), (book.base, round_money(amount * price, book.base))
        buy, sell = legs if expected < wanted else legs[::-1]
        yield Deal(f"{CODE[book.fund.kind]}{day:%y%m%d}-FX{first_number:02d}", "SPOT", buy, sell, day, value_date)
        first_number += 1


def hedges(book: Book, day: date) -> Iterator[Deal]:
    """Forwards of the hedged classes: opened on the first day for the class's net assets, adjusted at mid-month, and rolled."""
    rates = book.market.rates(day)
    ordinal = len(business_days(day.replace(day=1), day, "TARGET"))
    for c in (c for c in book.fund.on(day).classes if c.hedged):
        running = [f for f in book.forwards if f.share_class == c.id and f.settlement_date > day]
        sold = sum((f.sell[1] if f.sell[0] == book.base else -f.buy[1] for f in running), ZERO)
        wanted = round_to(book.net_assets.get(c.id, ZERO), -4)
        change = wanted - sold
        if not change or not (sold == 0 or (ordinal == 11 and abs(change) * 500 > wanted)):
            continue
        settles = max((f.settlement_date for f in running), default=_hedge_end(day))
        forward = rates.rate(book.base, c.currency) * (1 + Decimal((settles - day).days) * 4 / 100000)  # dollars earn more
        other = round_money(abs(change) * forward, c.currency)
        base_leg, other_leg = (book.base, abs(change)), (c.currency, other)
        buy, sell = (other_leg, base_leg) if change > 0 else (base_leg, other_leg)
        yield Deal(f"{CODE[book.fund.kind]}{day:%y%m%d}-FW01", "FORWARD", buy, sell, day, settles, c.id)


def _hedge_end(day: date) -> date:
    """The middle of next month."""
    month = (day.replace(day=1) + timedelta(days=32)).replace(day=15)
    return add_business_days(month, 0, "TARGET+US")


def _owed(book: Book, currency: str) -> Decimal:
    return sum((amount for (_, c), amount in book.owed.items() if c == currency), ZERO)


def _target_cash(kind: str) -> Decimal:
    return {"long_short": Decimal("0.46"), "ucits": Decimal("0.035")}.get(kind, Decimal("0.03"))
