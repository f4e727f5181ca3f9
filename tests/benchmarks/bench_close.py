"""The month-end close of many funds through ``bo close list``, and again after one late trade.

``python -m tests.benchmarks.bench_close``.
12 funds of 2,000 positions and 200,000 journal lines each, on two processes: a firm with its facts and the tables of its files is
made in a folder of its own (not measured), then the tasks of all funds are listed: books replayed, every reconciliation carried
out, the month-end NAV struck and controlled, the NAV of all that is known now, the general ledger, statements under two frameworks
with their ties. Then nothing changed, then a trade of the last day but one arrives for one fund, and each time the list is asked
for again: only what depends on it is done. ``--funds N --positions N --lines N`` make it smaller, ``--root DIR`` keeps the firm.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import resource
import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import pyarrow as pa
import yaml

from bo_lib.books import Book, replay
from bo_lib.cli import main as bo
from bo_lib.model import events as ev
from bo_lib.model.dates import business_days
from bo_lib.model.money import Rates
from bo_lib.model.tables import CASH_MOVEMENTS, HOLDINGS, INSTRUMENTS, PRICES, SETTLEMENTS, STATEMENTS, built
from bo_lib.nav import ClassState, select_prices, value
from bo_lib.store import Fact
from bo_lib.workbench import Workbench
from bo_lib.workbench.inbox import STREAM
from bo_lib.workbench.office import Office
from bo_lib.workbench.opening import OPENING_NAV
from tests.nav.demonstration import ROOT

OPENED, DAY = date(2026, 5, 29), date(2026, 6, 30)
DAYS = business_days(date(2026, 6, 1), DAY, "TARGET")
BEFORE = DAYS[-2]
RATES, EUR = Rates({}, "EUR"), "EUR"
LINES_PER_TRADE = 4.8  # of a trade and its settlement, on average
FIRST = "F00"


def _terms(name: str) -> dict[str, Any]:
    terms = {"from": "2026-01-01", "classes": [{"id": "A", "currency": EUR, "management_fee_bps_annual": 100}],
             "expenses": [{"name": "administration_fee", "amount_annual": 90000}]}  # fmt: skip
    return {
        "id": name, "name": f"Fund {name}", "kind": "fund", "domicile": "LU", "base_currency": EUR, "calendar": "TARGET",
        "inception": OPENED.isoformat(), "price_sources": ["V"], "fx_source": "V", "terms": [terms],
        "accounts": [{"id": "A1", "custodian": "C", "custody": f"{name}-S", "position_basis": "settlement",
                      "cash": {EUR: f"{name}-C"}}],
    }  # fmt: skip


def _firm(root: Path, names: list[str]) -> Office:
    shutil.copytree(ROOT / "parameters", root / "parameters")
    shutil.rmtree(root / "parameters" / "funds")
    (root / "parameters" / "funds").mkdir()
    for name in names:
        (root / "parameters" / "funds" / f"{name}.yaml").write_text(yaml.safe_dump(_terms(name)))
    said = {"name": "Benchmark", "funds": names, "workers": 2, "calendar": "TARGET"}
    (root / "parameters" / "firm.yaml").write_text(yaml.safe_dump(said))
    return Office(root)


# The first fund: what happened, and what the custodian sends about it ---------------------------------------------------


def _events(positions: int, lines: int) -> list[ev.Event]:
    draw, common = random.Random(FIRST), {"fund": FIRST, "effective_date": OPENED}
    isins = [f"XS{n:010}" for n in range(positions)]
    made: list[ev.Event] = [
        ev.OpeningLot(event_id=f"{FIRST}:lot-{i}", account="A1", isin=i, quantity=Decimal(1000), currency=EUR,
                      cost_local=Decimal(50000), cost_base=Decimal(50000), acquired=date(2025, 1, 2), **common) for i in isins
    ]  # fmt: skip
    cash, capital = Decimal(10**8), Decimal(10**8) + Decimal(50000) * positions
    for ledger, amount, share_class in (("cash", cash, ""), ("capital", -capital, "A")):
        made.append(ev.OpeningBalance(event_id=f"{FIRST}:open-{ledger}", ledger=ledger, account="A1" if ledger == "cash" else "",
                                      share_class=share_class, currency=EUR, local=amount, base=amount, **common))  # fmt: skip
    for n in range(int(lines / LINES_PER_TRADE)):
        made += traded(f"{n}", draw.choice(isins), draw.choice(DAYS[:-3]), draw.randint(1, 9), draw.random() < 0.5)
    return made


def traded(name: str, isin: str, day: date, quantity: int, buys: bool, settles: bool = True) -> list[ev.Event]:
    price = Decimal(50) + Decimal(random.Random(name).randint(0, 99)) / 100
    due = min(day + timedelta(days=2), DAY) if settles else DAY + timedelta(days=2)
    trade = ev.Trade(
        event_id=f"{FIRST}:trade-{name}", fund=FIRST, effective_date=day, trade_id=f"T-{name}", account="A1", isin=isin,
        side="BUY" if buys else "SELL", quantity=Decimal(quantity), price=price, currency=EUR, settlement_date=due,
    )  # fmt: skip
    if not settles:
        return [trade]
    return [trade, ev.Settlement(event_id=f"{FIRST}:settled-{name}", fund=FIRST, effective_date=due, trade_id=trade.trade_id,
                                 quantity=trade.quantity, amount=quantity * price)]  # fmt: skip


def _markets(positions: int, *days: date) -> dict[str, pa.Table]:
    names = [f"XS{n:010}" for n in range(positions)]
    return {
        "instruments": built(INSTRUMENTS, (
            {"isin": i, "name": i, "kind": "equity", "currency": EUR, "country": "DE", "sector": "S"} for i in names
        )),
        "prices": built(PRICES, (
            {"source": "V", "isin": i, "price_date": d, "price": Decimal(52) + n % 7, "currency": EUR}
            for n, i in enumerate(names) for d in days
        )),
    }  # fmt: skip


def _replay(events: list[ev.Event], instruments: pa.Table, until: date) -> Book:
    made = replay(events, base_currency=EUR, instruments=instruments, rates=lambda _: RATES, until=until)
    return made.value


def _sent(name: str, book: Book, events: list[ev.Event]) -> dict[str, pa.Table]:
    """The custodian's statements of the day, with the movements and confirmations of the month; in his numbers."""
    trades = {e.trade_id: e for e in events if isinstance(e, ev.Trade)}
    settled = built(SETTLEMENTS, (
        {"reference": e.trade_id, "account": f"{name}-S", "status": "settled", "isin": trades[e.trade_id].isin,
         "side": "RECEIVE" if trades[e.trade_id].side == "BUY" else "DELIVER", "quantity": e.quantity, "currency": EUR,
         "amount": e.amount, "trade_date": trades[e.trade_id].effective_date, "intended_date": e.effective_date,
         "effective_date": e.effective_date, "at": e.trade_id}
        for e in events if isinstance(e, ev.Settlement)
    ))  # fmt: skip
    holdings = built(HOLDINGS, (
        {"statement_id": "h", "account": f"{name}-S", "business_date": DAY, "basis": "settlement", "isin": r["isin"],
         "quantity": r["quantity"]} for r in book.positions("settlement").to_pylist()
    ))  # fmt: skip
    moved = book.cash_movements(OPENED + timedelta(days=1), DAY).to_pylist()
    movements = built(CASH_MOVEMENTS, (
        {"statement_id": "s", "account": f"{name}-C", "currency": EUR, "amount": r["amount"], "booking_date": r["value_date"],
         "value_date": r["value_date"], "reference": r["reference"], "text": "", "at": str(n)} for n, r in enumerate(moved)
    ))  # fmt: skip
    statements = built(STATEMENTS, [{
        "statement_id": "s", "account": f"{name}-C", "kind": "cash", "currency": EUR, "statement_date": DAY,
        "opening": Decimal(10**8), "closing": book.cash().to_pylist()[0]["balance"], "proven": True,
    }])  # fmt: skip
    return {"holdings": holdings, "cash_movements": movements, "statements": statements, "settlements": settled}


def _state(net: Decimal, day: date, positions: int) -> dict[str, Any]:
    units, capital = Decimal(10**6), Decimal(10**8) + Decimal(50000) * positions
    state = ClassState(share_class="A", nav_date=day, net_assets=net, units=units, capital_to_date=capital)
    return {"A": state.model_dump(mode="json")}


# Facts -----------------------------------------------------------------------------------------------------------------


def _file(office: Office, name: str, sender: str, accounts: list[str], tables: dict[str, pa.Table], day: date = DAY) -> Fact:
    payload = {
        "sender": sender, "name": name, "sha256": name, "format": name, "bytes": 0, "business_date": str(day),
        "accounts": accounts, "funds": [], "tables": {n: office.tables.put(t, durable=False) for n, t in tables.items()},
        "rows": {n: t.num_rows for n, t in tables.items()}, "quarantined": 0, "findings": [], "refused": "",
    }  # fmt: skip
    return Fact(f"file:{name}", STREAM, "file", f"{sender}/{name}", day, payload)


def _fact(event: ev.Event) -> Fact:
    return Fact(event.event_id, event.fund, f"event.{event.kind}", event.event_id, event.effective_date, ev.to_payload(event))


def _append(office: Office, facts: list[Fact], time: str) -> None:
    for start in range(0, len(facts), 20_000):
        office.store.append(facts[start : start + 20_000], "operations", time)


def make(root: Path, funds: int, positions: int, lines: int) -> None:
    """The firm: the first fund with its month and the strike of its end, the others its copies under their own names."""
    names = [f"F{n:02}" for n in range(funds)]
    office, markets, events = _firm(root, names), _markets(positions, OPENED, BEFORE, DAY), _events(positions, lines)
    book = _replay(events, markets["instruments"], DAY)
    facts = [_fact(e) for e in events]
    for kind, day in ((OPENING_NAV, OPENED), ("nav.struck", BEFORE)):
        then = _replay(events, markets["instruments"], day)
        priced = select_prices(markets["prices"], markets["instruments"]["isin"].to_pylist(), ("V",), day, tolerances=office.fund(
            FIRST).tolerances, instruments=markets["instruments"]).value  # fmt: skip
        worth = value(then, priced, RATES, markets["instruments"], EUR, day).value.net_assets
        said = {"state": _state(worth, day, positions), "net_assets": f"{worth:f}", "business_date": str(day),
                "register": [{"investor": "I", "share_class": "A", "units": "1000000"}]}  # fmt: skip
        facts.append(Fact(f"{kind}:{FIRST}", FIRST, kind, FIRST, day, said))
    files = [_file(office, f"markets-{day}", "V", [], _markets(positions, day), day) for day in (OPENED, BEFORE, DAY)]
    files += [_file(office, f"custody-{n}", "C", [f"{n}-S", f"{n}-C"], _sent(n, book, events)) for n in names]
    _append(office, files, f"{DAY}T20:00:00Z")
    _append(office, facts, f"{DAY}T20:00:00Z")
    os.environ["BO_CLOCK"] = f"{DAY}T21:00:00Z"
    Workbench(office, FIRST, DAY).strike()
    whole = office.store.facts(stream=FIRST)
    for name in names[1:]:
        made = [
            Fact(f.id.replace(FIRST, name), name, f.kind, f.entity.replace(FIRST, name), f.effective_date,
                 json.loads(json.dumps(f.payload).replace(FIRST, name))) for f in whole
        ]  # fmt: skip
        _append(office, made, f"{DAY}T21:00:00Z")


# Measuring -------------------------------------------------------------------------------------------------------------


class Round(NamedTuple):
    wall: float
    cpu: float
    looked_at: list[str]  # funds whose tasks were worked out
    seconds: dict[str, float]  # of each task, in those funds together


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def listed(root: Path, hour: int) -> Round:
    """``bo close list`` of all funds, as a person types it, and what it recorded."""
    os.environ["BO_CLOCK"] = f"2026-07-01T{hour:02}:00:00Z"
    began, cpu, out = perf_counter(), _cpu(), io.StringIO()
    with contextlib.redirect_stdout(out):
        bo(["close", "list", "--month", "2026-06", "--root", str(root)])
    wall, cpu = perf_counter() - began, _cpu() - cpu
    new = [f for f in Office(root).store.facts("close.checked") if f.known_at.startswith(f"2026-07-01T{hour:02}")]
    tasks = {task: sum(float(f.payload["seconds"][task]) for f in new) for task in (new[0].payload["seconds"] if new else ())}
    return Round(wall, cpu, sorted(f.stream for f in new), tasks)


def _arrives(root: Path) -> None:
    os.environ["BO_CLOCK"] = "2026-07-01T11:00:00Z"
    desk = Workbench(Office(root), FIRST, DAY)
    desk.known.book_events(traded("late", "XS0000000001", BEFORE, 5, True, settles=False))


@contextlib.contextmanager
def _folder(named: Path | None) -> Iterator[Path]:
    if named:
        yield named
        return
    with tempfile.TemporaryDirectory() as made:
        yield Path(made) / "firm"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("funds", 12), ("positions", 2000), ("lines", 200_000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--root", type=Path)
    asked = parser.parse_args()
    with _folder(asked.root) as root:
        if not root.exists():
            make(root, asked.funds, asked.positions, asked.lines)
        first, same = listed(root, 9), listed(root, 10)
        _arrives(root)
        late = listed(root, 12)
        lines = Workbench(Office(root), FIRST, DAY).known.book().value.journal.num_rows
    print(f"load {os.getloadavg()[0]:.1f}; {asked.funds} funds of {asked.positions:,} positions, {lines:,} journal lines each")
    print(f"{'task':18}{'all funds':>12}{'a fund':>10}{'after a late trade':>20}")
    for task, seconds in first.seconds.items():
        print(f"{task:18}{seconds:11.2f}s{seconds / asked.funds:9.2f}s{late.seconds.get(task, 0.0):19.2f}s")
    for name in ("cpu", "wall"):
        a, b, c = (getattr(r, name) for r in (first, same, late))
        print(f"whole, {name:11}{a:11.2f}s{a / asked.funds:9.2f}s{c:19.2f}s   ({100 * c / a:.1f} %; nothing changed: {b:.2f}s)")
    print(f"worked out: {len(first.looked_at)} funds, then {len(same.looked_at)}, after the late trade {late.looked_at}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
