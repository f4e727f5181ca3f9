"""What a strike costs, against reading its inputs and one product in DuckDB. ``python -m tests.benchmarks.bench_nav [--profile]``

One fund of 10,000 positions and 5 classes: prices of two vendors over a month chosen and checked, valued, struck, the move
attributed, the controls answered. The floor reads the same Parquet files and computes quantity x price x rate, rounded, in DuckDB.
Before it 25 to 200 funds of 500 positions, each from its files: seconds and peak memory should grow with their number at most.
CPU seconds.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from time import process_time

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parents[2]))

from bo_lib.books import Book, replay
from bo_lib.config import Fund, Tolerances
from bo_lib.model import events as ev
from bo_lib.model.findings import Verdict
from bo_lib.model.money import Rates
from bo_lib.model.tables import FX_RATES, INSTRUMENTS, NAV_PACK, PRICES
from bo_lib.nav import Evidence, attribute, control, select_prices, select_rates, shadow, strike, value, verdict
from bo_lib.nav.state import ClassState

DAYS = [d for n in range(30) if (d := date(2026, 6, 1) + timedelta(days=n)).weekday() < 5]
BEFORE, DAY = DAYS[-2:]
CURRENCIES, SOURCES = ("EUR", "USD", "GBP", "CHF"), ("VENDOR-A", "VENDOR-B")
PER_EUR = {"USD": Decimal("1.1394"), "GBP": Decimal("0.86178"), "CHF": Decimal("0.9224")}
CLASSES = ("A", "B", "C", "D", "E")


def isin(n: int) -> str:
    return f"XS{n:010}"


def currency(n: int) -> str:
    return CURRENCIES[n % 4]


def fund(name: str) -> Fund:
    classes = [{"id": c, "currency": CURRENCIES[k % 4], "management_fee_bps_annual": 60 + 10 * k} for k, c in enumerate(CLASSES)]
    terms = {"from": date(2026, 1, 1), "classes": classes, "expenses": [{"name": "administration_fee", "amount_annual": 120000}]}
    return Fund.model_validate({
        "id": name, "name": name, "kind": "fund", "domicile": "LU", "base_currency": "EUR", "calendar": "TARGET",
        "inception": DAYS[0], "price_sources": SOURCES, "fx_source": "VENDOR-A", "terms": [terms],
    })  # fmt: skip


def prices(count: int) -> pa.Table:
    """A month of both vendors' prices: random walks, the second vendor a few basis points off."""
    draw = np.random.default_rng(7)
    walk = np.exp(np.cumsum(draw.normal(0, 0.01, (len(DAYS), count)), axis=0)) * draw.uniform(5, 500, count)
    quoted = np.round(np.stack([walk, walk * (1 + draw.normal(0, 0.0003, walk.shape))], axis=2), 2)  # days, instruments, vendors
    cents = pa.array(np.round(quoted.ravel() * 100).astype(np.int64)).cast(pa.decimal128(20, 0))
    per, each = len(SOURCES), count * len(SOURCES)
    columns = {
        "source": pa.array(SOURCES).take(pa.array(np.tile(np.arange(per), count * len(DAYS)))),
        "isin": pa.array([isin(n) for n in range(count)]).take(pa.array(np.tile(np.repeat(np.arange(count), per), len(DAYS)))),
        "price_date": pa.array(DAYS, pa.date32()).take(pa.array(np.repeat(np.arange(len(DAYS)), each))),
        "price": pc.multiply(cents, pa.scalar(Decimal("0.01"), pa.decimal128(3, 2))).cast(PRICES.schema.field("price").type),
        "currency": pa.array(CURRENCIES).take(pa.array(np.tile(np.repeat(np.arange(count) % 4, per), len(DAYS)))),
    }
    return pa.Table.from_arrays(
        [columns.get(c.name, pa.nulls(each * len(DAYS), c.type)) for c in PRICES.columns], schema=PRICES.schema
    )


def rates() -> pa.Table:
    rows = [
        {"source": "VENDOR-A", "rate_date": d, "pivot": "EUR", "currency": c, "rate": r} for d in DAYS for c, r in PER_EUR.items()
    ]
    return FX_RATES.build(rows).value


def instruments(count: int) -> pa.Table:
    return INSTRUMENTS.build(
        {"isin": isin(n), "name": f"Security {n}", "kind": "equity", "currency": currency(n)} for n in range(count)
    ).value


def happenings(of: Fund, count: int) -> list[ev.Event]:
    """Lots and balances taken over, and today's trades: one holding in fifty."""
    common = {"fund": of.id, "effective_date": DAYS[0]}
    made: list[ev.Event] = []
    cost = Decimal(0)
    for n in range(count):
        local = Decimal(100 * (n % 90 + 10)) * (10 + n % 50)
        base = (local / PER_EUR.get(currency(n), Decimal(1))).quantize(Decimal("0.01"))
        cost += base
        made.append(ev.OpeningLot(
            event_id=f"lot-{n}", account="CUSTODY", isin=isin(n), acquired=DAYS[0], quantity=Decimal(100 * (n % 90 + 10)),
            currency=currency(n), cost_local=local, cost_base=base, **common,
        ))  # fmt: skip
    cash = Decimal(5_000_000)
    made.append(
        ev.OpeningBalance(event_id="cash", ledger="cash", account="CUSTODY", currency="EUR", local=cash, base=cash, **common)
    )
    whole = cash + cost
    for k, name in enumerate(CLASSES):
        part = (whole / 5).quantize(Decimal("0.01")) if k < 4 else whole - 4 * (whole / 5).quantize(Decimal("0.01"))
        made.append(
            ev.OpeningBalance(
                event_id=f"capital-{name}", ledger="capital", share_class=name, currency="EUR", local=-part, base=-part, **common
            )
        )
    for n in range(0, count, 50):
        made.append(ev.Trade(
            event_id=f"trade-{n}", fund=of.id, effective_date=DAY, trade_id=f"T-{n}", account="CUSTODY", isin=isin(n), side="BUY",
            quantity=Decimal(100), currency=currency(n), price=Decimal("42.50"), settlement_date=DAY + timedelta(days=2),
        ))  # fmt: skip
    return made


class Inputs:
    """The files of one fund in ``folder``, and its books of today and of the day before, as replayed: asked for no table yet."""

    def __init__(self, folder: Path, name: str, count: int) -> None:
        self.fund, self.folder, self.count = fund(name), folder, count
        folder.mkdir(parents=True, exist_ok=True)
        master, known = instruments(count), happenings(self.fund, count)
        for kind, rows in {"prices": prices(count), "rates": rates(), "instruments": master}.items():
            pq.write_table(rows, folder / f"{kind}.parquet")
        self.before, self.book = (self._replayed(known, master, day) for day in (BEFORE, DAY))
        pq.write_table(copy(self.book).positions(), folder / "positions.parquet")
        base = sum((-r["base"] for r in copy(self.book).trial_balance().to_pylist() if r["ledger"] == "capital"), Decimal(0))
        self.state = {
            c: ClassState(share_class=c, nav_date=BEFORE, net_assets=base / 5, units=Decimal(1000), nav_per_unit=Decimal(100),
                          capital_to_date=base / 5, units_to_date=Decimal(0))
            for c in CLASSES
        }  # fmt: skip

    def _replayed(self, known: list[ev.Event], master: pa.Table, until: date) -> Book:
        there = Rates(PER_EUR)
        return replay(known, base_currency="EUR", instruments=master, rates=lambda _: there, until=until).value

    def floor(self) -> Decimal:
        """Every input read, and the value of what is held: quantity x price x rate, rounded, in DuckDB."""
        with duckdb.connect() as db:
            db.execute("set threads = 1")
            for kind in ("prices", "rates", "instruments", "positions"):
                db.execute(f"create temp table {kind} as select * from read_parquet('{self.folder / kind}.parquet')")  # noqa: S608
            (found,) = db.execute(
                "select sum(round(h.quantity * p.price / coalesce(r.rate, 1), 2)) from positions h"
                " join prices p on p.isin = h.isin and p.source = 'VENDOR-A' and p.price_date = $day"
                " left join rates r on r.currency = h.currency and r.rate_date = $day", {"day": DAY},
            ).fetchall()[0]  # fmt: skip
        return Decimal(str(found))

    def struck(self) -> Verdict:
        """The whole strike from its files: chosen, valued, struck, attributed, controlled."""
        books = {BEFORE: copy(self.before), DAY: copy(self.book)}
        read = {kind: pq.read_table(self.folder / f"{kind}.parquet") for kind in ("prices", "rates", "instruments")}
        valued = {}
        for day, book in books.items():
            priced = select_prices(
                read["prices"],
                book.positions()["isin"].to_pylist(),
                SOURCES,
                day,
                tolerances=Tolerances(),
                instruments=read["instruments"],
            )
            rated = select_rates(read["rates"], CURRENCIES, ("VENDOR-A",), day, tolerances=Tolerances())
            valued[day] = priced, rated
        priced, rated = valued[BEFORE]
        before = value(books[BEFORE], priced.value, rated.value, read["instruments"], "EUR", BEFORE).value
        state = {c: s.model_copy(update={"net_assets": before.net_assets / 5}) for c, s in self.state.items()}
        priced, rated = valued[DAY]
        made = strike(books[DAY], priced.value, rated.value, self.fund, DAY, state, instruments=read["instruments"])
        roll = attribute(before, made.value, books[DAY].journal, struck_before=before.net_assets)
        assert roll.residual == 0 and made.ok, [str(f) for f in made.findings][:3]
        compared = shadow(made.value, NAV_PACK.empty(), Decimal("0.5")).value
        units = {c: s.units for c, s in self.state.items()}
        said = control(Evidence(made.value, Tolerances(), roll, units, compared, made.findings, terms=self.fund.on(DAY)))
        return verdict(said)


@contextmanager
def profiled(wanted: bool) -> Iterator[None]:
    if not wanted:
        yield
        return
    import cProfile
    import pstats

    with cProfile.Profile() as seen:
        yield
    pstats.Stats(seen).sort_stats("cumulative").print_stats(45)


def seconds(do: Callable[[], object]) -> float:
    start = process_time()
    do()
    return process_time() - start


def funds(folder: Path) -> None:
    """25 to 200 funds, first of all: peak memory is theirs."""
    many = [Inputs(folder / f"F{n}", f"F{n}", 500) for n in range(4)]
    last = 0.0
    for count in (25, 50, 100, 200):
        took = seconds(lambda count=count: [many[n % 4].struck() for n in range(count)])  # type: ignore[misc]
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        growth = f", {took / last:.2f} times the last" if last else ""
        print(
            f"{count:>4} funds of 500 positions: {took:6.2f} s, {1000 * took / count:5.1f} ms a fund, peak {memory:,.0f} MB{growth}"
        )
        last = took


def main() -> None:
    profile = "--profile" in sys.argv
    with tempfile.TemporaryDirectory() as folder:
        if not profile:
            funds(Path(folder))
        one = Inputs(Path(folder) / "one", "LARGE", 10_000)
        one.floor()
        floor = min(seconds(one.floor) for _ in range(5))
        with profiled(profile):
            took = min(seconds(one.struck) for _ in range(1 if profile else 5))
        limit = 3 * floor + 0.5
        print(f"10,000 positions, 5 classes: {took:.2f} s; read and multiplied in DuckDB {floor:.2f} s; "
              f"{took / limit:.2f} of the limit of 3 x {floor:.2f} + 0.5 = {limit:.2f} s")  # fmt: skip


if __name__ == "__main__":
    main()
