"""The month-end close of many funds, step by step, and again after one late trade. ``python -m tests.benchmarks.bench_close``

12 funds of 2,000 positions and 200,000 journal lines each, on two processes: books replayed, cash and positions reconciled
against the custodian, prices chosen, the strike, the general ledger of the month, statements under two frameworks with their ties,
the checks of the close. Then a trade of the last day but one arrives for one fund, and everything is asked for again: only what
depends on it is done. ``--funds N --positions N --lines N`` make it smaller. CPU seconds of each step; wall seconds of the whole.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from time import perf_counter, process_time
from typing import Any, NamedTuple

import pyarrow as pa

from bo_lib.books import Book, replay
from bo_lib.close import (
    Evidence,
    Sources,
    Steps,
    close,
    financials,
    period,
    roll_forward,
    sourced_journal,
    statement_of_net_assets,
    trial_balance,
)
from bo_lib.config import Close, Fund, load
from bo_lib.model import events as ev
from bo_lib.model.dates import business_days
from bo_lib.model.money import Rates
from bo_lib.model.tables import CASH_MOVEMENTS, HOLDINGS, INSTRUMENTS, PRICES, STATEMENTS, built
from bo_lib.nav import ClassState, Priced, control, marks, select_prices, strike, value
from bo_lib.nav import Evidence as StrikeEvidence
from bo_lib.recon import Rules
from bo_lib.recon.cash import reconcile_cash
from bo_lib.recon.positions import reconcile_positions
from tests.close.books import CHART, LAYOUTS, LEVELS
from tests.nav.demonstration import ROOT

OPENED, DAY = date(2026, 5, 29), date(2026, 6, 30)
DAYS = business_days(date(2026, 6, 1), DAY, "TARGET")
RATES, EUR = Rates({}, "EUR"), "EUR"
RULES = {name: load(ROOT / "parameters" / "recon" / f"{name}.yaml", Rules) for name in ("cash", "positions")}
TASKS = load(ROOT / "parameters" / "close.yaml", Close)
LINES_PER_TRADE = 4.8  # of a trade and its settlement, on average
NO_ACTIONS = pa.table({name: pa.array([], pa.string()) for name in ("event_ref", "isin", "caev", "kind", "account")})


def fund_of(number: int) -> Fund:
    terms = {"from": "2026-01-01", "classes": [{"id": "A", "currency": EUR, "management_fee_bps_annual": 100}],
             "expenses": [{"name": "administration_fee", "amount_annual": 90000}]}  # fmt: skip
    return Fund.model_validate({
        "id": f"F{number:02}", "name": f"Fund {number}", "kind": "fund", "domicile": "LU", "base_currency": EUR,
        "calendar": "TARGET", "inception": OPENED, "price_sources": ["V"], "fx_source": "V", "terms": [terms],
        "accounts": [{"id": "A1", "custodian": "C", "custody": "1", "cash": {EUR: "2"}}],
    })  # fmt: skip


class Books(NamedTuple):
    fund: Fund
    events: list[ev.Event]
    instruments: pa.Table
    prices: pa.Table
    holdings: pa.Table
    statements: pa.Table
    movements: pa.Table


def events_of(fund: Fund, positions: int, lines: int) -> list[ev.Event]:
    draw, common = random.Random(fund.id), {"fund": fund.id, "effective_date": OPENED}
    isins = [f"XS{n:010}" for n in range(positions)]
    made: list[ev.Event] = [
        ev.OpeningLot(event_id=f"lot-{i}", account="A1", isin=i, quantity=Decimal(1000), currency=EUR, cost_local=Decimal(50000),
                      cost_base=Decimal(50000), acquired=date(2025, 1, 2), **common) for i in isins
    ]  # fmt: skip
    cash, capital = Decimal(10**8), Decimal(10**8) + Decimal(50000) * positions
    for ledger, amount, share_class in (("cash", cash, ""), ("capital", -capital, "A")):
        made.append(ev.OpeningBalance(event_id=f"open-{ledger}", ledger=ledger, account="A1" if ledger == "cash" else "",
                                      share_class=share_class, currency=EUR, local=amount, base=amount, **common))  # fmt: skip
    for n in range(int(lines / LINES_PER_TRADE)):
        made += _traded(fund.id, f"{n}", draw.choice(isins), draw.choice(DAYS[:-3]), draw.randint(1, 9), draw.random() < 0.5)
    return made


def _traded(fund: str, name: str, isin: str, day: date, quantity: int, buys: bool, settles: bool = True) -> list[ev.Event]:
    price = Decimal(50) + Decimal(random.Random(name).randint(0, 99)) / 100
    due = min(day + timedelta(days=2), DAY) if settles else DAY + timedelta(days=2)
    trade = ev.Trade(
        event_id=f"trade-{name}", fund=fund, effective_date=day, trade_id=f"T-{name}", account="A1", isin=isin,
        side="BUY" if buys else "SELL", quantity=Decimal(quantity), price=price, currency=EUR, settlement_date=due,
    )  # fmt: skip
    if not settles:
        return [trade]
    money = quantity * price
    return [trade, ev.Settlement(event_id=f"settled-{name}", fund=fund, effective_date=due, trade_id=trade.trade_id,
                                 quantity=trade.quantity, amount=money)]  # fmt: skip


def books_of(number: int, positions: int, lines: int) -> Books:
    """Events, prices, and what the custodian sends about them: the truth, in his own words."""
    fund = fund_of(number)
    events = events_of(fund, positions, lines)
    names = [f"XS{n:010}" for n in range(positions)]
    instruments = built(
        INSTRUMENTS, ({"isin": i, "name": i, "kind": "equity", "currency": EUR, "country": "DE", "sector": "S"} for i in names)
    )
    prices = built(PRICES, (
        {"source": "V", "isin": i, "price_date": d, "price": Decimal(52) + n % 7, "currency": EUR}
        for n, i in enumerate(names) for d in (OPENED, DAY)
    ))  # fmt: skip
    book = _replay(fund, events, instruments)
    holdings = built(HOLDINGS, (
        {"statement_id": "h", "account": "A1", "business_date": DAY, "basis": "settlement", "isin": r["isin"],
         "quantity": r["quantity"]}
        for r in book.positions("settlement").to_pylist()
    ))  # fmt: skip
    moved = book.cash_movements(OPENED + timedelta(days=1), DAY).to_pylist()
    movements = built(CASH_MOVEMENTS, (
        {"statement_id": "s", "account": "A1", "currency": EUR, "amount": r["amount"], "booking_date": r["value_date"],
         "value_date": r["value_date"], "reference": r["reference"], "text": "", "at": str(n)} for n, r in enumerate(moved)
    ))  # fmt: skip
    closing = book.cash().to_pylist()[0]["balance"]
    statements = built(STATEMENTS, [{
        "statement_id": "s", "account": "A1", "kind": "cash", "currency": EUR, "statement_date": DAY, "opening": Decimal(10**8),
        "closing": closing, "proven": True,
    }])  # fmt: skip
    return Books(fund, events, instruments, prices, holdings, statements, movements)


def _replay(fund: Fund, events: list[ev.Event], instruments: pa.Table) -> Any:
    return replay(events, base_currency=EUR, instruments=instruments, rates=lambda _: RATES, until=DAY).value


def close_fund(steps: Steps, given: Books) -> tuple[int, int, int]:
    """Journal lines, ties and tasks of one fund's close."""
    fund, ids = given.fund, tuple(e.event_id for e in given.events)
    book = steps("books", lambda: _replay(fund, given.events, given.instruments), fund.id, ids)
    priced, opening = (
        steps(name, lambda day=day: _priced(given, day), fund.id, given.prices, given.instruments)
        for name, day in (("prices", DAY), ("prices before", OPENED))
    )
    moved, balances = book.cash_movements(OPENED + timedelta(days=1), DAY), book.cash()
    recons = {
        "cash": steps("cash", lambda: reconcile_cash(
            moved, balances, given.statements, given.movements, RULES["cash"], DAY, fund=fund.id, value=lambda c, a: a
        ).value, fund.id, moved, balances, given.statements, given.movements),
        "positions": steps("positions", lambda: reconcile_positions(
            book.positions("settlement"), given.holdings, book.open_trades, NO_ACTIONS, RULES["positions"], DAY, fund=fund.id,
            value=lambda i, q: q * 50, basis={"A1": "settlement"},
        ).value, fund.id, book.positions("settlement"), given.holdings, book.open_trades),
    }  # fmt: skip
    struck_before = steps("opening", lambda: _opening(given, opening), fund.id, opening.table)
    marked_before, state = struck_before
    struck = steps(
        "strike", lambda: strike(book, priced, RATES, fund, DAY, state, instruments=given.instruments).value, fund.id, ids
    )
    accrued = [*given.events, *struck.accruals]
    final = steps("books with accruals", lambda: _replay(fund, accrued, given.instruments), fund.id, ids, "accrued")
    journal = steps("sourced journal", lambda: sourced_journal(final), fund.id, ids)
    of = steps("general ledger", lambda: period(
        fund.id, EUR, journal, marked_before, struck.marked, OPENED, DAY, CHART), fund.id, journal, struck.marked)  # fmt: skip
    sources = Sources(of, struck, given.instruments, final.realised, {OPENED: state, DAY: struck.state}, LEVELS, 365)
    made = {
        name: steps(name, lambda layout=layout: financials(sources, layout), sources.evidence) for name, layout in LAYOUTS.items()
    }
    answers = steps("checks", lambda: _checks(given, final, struck, recons, of, made), fund.id, of.lines, struck.classes)
    for key in [k for k, v in steps.memory.items() if isinstance(v, Book)]:  # the largest results go with their desk
        del steps.memory[key]
    return of.lines.num_rows, sum(f.ties.num_rows - len(f.broken) for f in made.values()), answers


def _priced(given: Books, day: date) -> Priced:
    names, terms = given.instruments["isin"].to_pylist(), given.fund.tolerances
    return select_prices(given.prices, names, ("V",), day, tolerances=terms, instruments=given.instruments).value


def _opening(given: Books, priced: Any) -> tuple[pa.Table, dict[str, ClassState]]:
    book = replay(given.events, base_currency=EUR, instruments=given.instruments, rates=lambda _: RATES, until=OPENED).value
    valued = value(book, priced, RATES, given.instruments, EUR, OPENED).value
    state = ClassState(share_class="A", nav_date=OPENED, net_assets=valued.net_assets, units=Decimal(10**6),
                       capital_to_date=Decimal(10**8) + Decimal(50000) * given.instruments.num_rows)  # fmt: skip
    return marks(book, valued, given.fund.id), {"A": state}


def _checks(given: Books, book: Any, struck: Any, recons: Any, of: Any, made: Any) -> int:
    adjusted = trial_balance(book.trial_balance(), struck.marked, CHART)
    controls = control(StrikeEvidence(struck, given.fund.tolerances, register_units={"A": Decimal(10**6)}))
    evidence = Evidence(
        given.fund.id, DAY, book, struck, controls, recons, frozenset(), adjusted, statement_of_net_assets(struck),
        roll_forward(adjusted.slice(0, 0), adjusted, Decimal(0), struck.net_assets), month=of, related=(), budget={},
        investments=made["ifrs"].investments, ties={n: f.ties for n, f in made.items()}, tolerances=TASKS,
    )  # fmt: skip
    return Counter(close(TASKS, evidence, "TARGET").value.table["check"].to_pylist())["done"]


def work(numbers: list[int], positions: int, lines: int, late: int) -> dict[str, Any]:
    """One process: its funds closed, then again with a late trade in the fund ``late`` if it is one of them."""
    memory: dict[str, Any] = {}
    given = {n: books_of(n, positions, lines) for n in numbers}
    first = _round(given, memory)
    if late in given:
        trade = _traded(given[late].fund.id, "late", "XS0000000001", DAYS[-2], 5, True, settles=False)
        given[late] = given[late]._replace(events=[*given[late].events, *trade])
    return {"first": first, "again": _round(given, memory)}


def _round(given: dict[int, Books], memory: dict[str, Any]) -> dict[str, Any]:
    began, steps = perf_counter(), Steps(memory, process_time)
    outer = Steps(memory, process_time)
    said = {
        n: outer(f"fund {n}", lambda books=books: close_fund(steps, books), books.fund.id, tuple(e.event_id for e in books.events))
        for n, books in given.items()
    }  # fmt: skip
    whole = {"wall": perf_counter() - began, "cpu": sum(outer.seconds.values()), "said": said}
    return {**whole, "steps": steps.seconds, "done": Counter(steps.done), "kept": Counter(steps.kept), "funds": len(outer.done)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("funds", 12), ("positions", 2000), ("lines", 200_000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    numbers = list(range(asked.funds))
    shares = [numbers[0::2], numbers[1::2]]
    with ProcessPoolExecutor(2) as pool:
        jobs = [pool.submit(work, share, asked.positions, asked.lines, 0) for share in shares if share]
        found = [job.result() for job in jobs]
    rounds = {name: [f[name] for f in found] for name in ("first", "again")}
    lines = [said for r in rounds["first"] for said in r["said"].values()]
    print(
        f"load {os.getloadavg()[0]:.1f}; {asked.funds} funds of {asked.positions:,} positions, {lines[0][0]:,} lines of the month"
    )
    print(f"each; {lines[0][1]} ties hold, {lines[0][2]} of {len(TASKS.tasks)} checks done (the others need a desk)")
    print(f"{'step':22}{'all funds':>12}{'a fund':>9}{'after a late trade':>20}")
    for step in rounds["first"][0]["steps"]:
        first, again = (sum(r["steps"].get(step, 0.0) for r in rounds[name]) for name in ("first", "again"))
        done = sum(r["done"][step] for r in rounds["again"])
        print(f"{step:22}{first:11.2f}s{first / asked.funds:8.2f}s{again:13.2f}s {'done' if done else 'kept':>5}")
    cpu = {name: sum(r["cpu"] for r in rounds[name]) for name in rounds}
    wall = {name: max(r["wall"] for r in rounds[name]) for name in rounds}
    print(f"{'whole, CPU':22}{cpu['first']:11.2f}s{cpu['first'] / asked.funds:8.2f}s{cpu['again']:13.2f}s")
    print(f"{'whole, wall':22}{wall['first']:11.2f}s{'':9}{wall['again']:13.2f}s")
    redone = sum(r["funds"] for r in rounds["again"])
    print(f"after one late trade: {redone} of {asked.funds} funds, {100 * cpu['again'] / cpu['first']:.1f} % of the CPU time,"
          f" {100 * wall['again'] / wall['first']:.1f} % of the wall time")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
