"""How well and how fast the matcher matches: transactions of two sides with the truth known.

    python tests/benchmarks/bench_match.py [ROWS …]          default 100000 1000000

Classes: clean, no reference on the right, a cent off, a day or two off, missing on a side, booked twice. Prints recall and
precision per class, processor time against scanning both Parquet files plus one hash join (same run), and the peak of memory.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from string import Template

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bo_lib.recon import Matching, Rules, match

SEED = 7
CLASSES = ("clean", "left_only", "right_only", "cent_off", "days_off", "no_reference")
SHARES = (0.75, 0.02, 0.02, 0.01, 0.01, 0.19)
RULES = Rules.model_validate({
    "name": "transactions", "version": 1, "title": "Transactions", "left": {"name": "books"}, "right": {"name": "custodian"},
    "scope": ["account", "currency"], "amount": "amount", "date": "trade_date", "reference": "reference", "passes": [
        {"id": "reference", "equal": ["reference", "isin", "quantity", "amount", "trade_date"]},
        {"id": "reference-near", "equal": ["reference", "isin", "quantity"], "amount": {"absolute": "0.01"}, "days": 4},
        {"id": "attributes", "equal": ["isin", "quantity", "amount", "trade_date"]},
        {"id": "near", "equal": ["isin", "quantity"], "amount": {"absolute": "0.01"}, "days": 4},
        {"id": "difference", "kind": "difference", "equal": ["reference"]},
    ],
})  # fmt: skip


SCAN = Template("""select count(reference), max(account), max(currency), max(isin), sum(quantity), sum(amount), max(trade_date)
    from ${table}""")


def generate(count: int, folder: Path) -> None:
    """``left.parquet`` and ``right.parquet`` of some ``count`` rows; ``truth`` says which rows are the same transaction."""
    draw = np.random.default_rng(SEED)
    kind = draw.choice(len(CLASSES), count, p=SHARES)
    account, security = draw.integers(0, 200, count), np.minimum((draw.pareto(1.2, count) * 60).astype(int), 4999)
    day = np.datetime64("2026-01-05") + draw.integers(0, 90, count)
    quantity = np.where(draw.random(count) < 0.3, draw.integers(1, 20000, count), draw.choice([100, 200, 500, 1000, 5000], count))
    price = draw.uniform(5, 400, 5000)[security] * (1 + draw.normal(0, 0.004, count))
    cents = np.rint(-quantity * price * 100).astype(np.int64)
    twins = np.flatnonzero(draw.random(count) < 0.005)[1:]
    for column in (account, security, day, quantity, cents):
        column[twins] = column[twins - 1]
    facts = (account, security, day, quantity, cents, kind)
    for name, missing in (("left", 2), ("right", 1)):
        rows = np.flatnonzero(kind != missing)
        again = draw.choice(rows[kind[rows] == 0], len(rows) // 1000, replace=False)
        chosen = draw.permutation(np.concatenate([rows, again]))
        pq.write_table(_side(name, chosen, facts, draw), folder / f"{name}.parquet", row_group_size=131072)


def _side(name: str, chosen: np.ndarray, facts: tuple[np.ndarray, ...], draw: np.random.Generator) -> pa.Table:
    account, security, day, quantity, cents, kind = (fact[chosen] for fact in facts)
    if name == "right":
        cents = cents + np.where(kind == 3, draw.choice([-1, 1], len(chosen)), 0)
        day = day + np.where(kind == 4, draw.integers(1, 3, len(chosen)), 0)
    hidden = (kind == 5) | (draw.random(len(chosen)) < 0.02) if name == "right" else np.zeros(len(chosen), bool)
    return pa.table({
        "reference": pa.array(np.char.add("TRX", (chosen + 10_000_000).astype(str)), mask=hidden),
        "account": np.char.add("ACC", np.char.zfill(account.astype(str), 5)),
        "currency": np.where(account % 3 == 0, "EUR", "USD"),
        "isin": np.char.add("US", np.char.zfill(security.astype(str), 10)),
        "quantity": pa.array(quantity).cast(pa.decimal128(19, 0)).cast(pa.decimal128(28, 4)),
        "amount": pc.multiply(pa.array(cents).cast(pa.decimal128(19, 0)), pa.scalar("0.01").cast(pa.decimal128(3,
        2))).cast(pa.decimal128(24, 2)),
        "trade_date": pa.array(day.astype("datetime64[D]")),
        "truth": pa.array(chosen), "kind": pa.array(kind),
    })  # fmt: skip


def score(found: Matching, left: pa.Table, right: pa.Table) -> list[tuple[object, ...]]:
    """Per class: rows that have a counterpart, matched among them, pairs made, of them right (the same or an identical one)."""
    con = duckdb.connect()
    for name, table in (("matches", found.matches), ("suggestions", found.suggestions), ("l", left), ("r", right)):
        con.register(name, table if name not in "lr" else table.append_column("row", pa.array(range(table.num_rows))))
    con.execute("""create table pairs as
        select l.kind, l.truth = r.truth or (l.account, l.isin, l.quantity, l.amount, l.trade_date) = (r.account, r.isin,
        r.quantity, r.amount, r.trade_date) as good,
               l.row as left_row
        from matches a join l on a.side = 'left' and l.row = a.row
        join matches b on b."pass" = a."pass" and b."group" = a."group" and b.side = 'right' join r on r.row = b.row""")
    return con.execute("""select l.kind, count(*) filter (where l.truth in (select truth from r)) as due,
          count(p.left_row) as paired, count(*) filter (where p.good) as good,
          count(*) filter (where l.row in (select row from suggestions where side = 'left')) as suggested
        from l left join pairs p on p.left_row = l.row group by l.kind order by l.kind""").fetchall()


def measured(task: str, folder: str) -> dict[str, float]:
    """Run one task in a fresh process; its processor and wall time in seconds and its peak of memory in MB."""
    out = subprocess.run([sys.executable, __file__, "--task", task, folder], check=True, capture_output=True, text=True).stdout
    return dict(json.loads(out.splitlines()[-1]))


def task(name: str, folder: Path) -> None:
    start, cpu = time.perf_counter(), time.process_time()
    if name == "join":
        paths = folder / "left.parquet", folder / "right.parquet"
        con = duckdb.connect()
        for path in paths:
            con.read_parquet(str(path)).create_view(path.stem)
            con.execute(SCAN.substitute(table=f'"{path.stem}"')).fetchall()
        con.execute('select count(*), sum(l.amount - r.amount) from "left" l join "right" r using (reference)').fetchall()
    else:
        select = f"select {', '.join(RULES.columns)} from read_parquet($path)"  # noqa: S608
        sides = (
            duckdb.sql(select, params={"path": str(folder / f"{side}.parquet")}).to_arrow_table() for side in ("left", "right")
        )
        match(*sides, RULES)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu": time.process_time() - cpu, "wall": time.perf_counter() - start, "peak_mb": peak}))


def main(counts: list[int]) -> None:
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            generate(count, Path(folder))
            runs = [(measured("join", folder), measured("match", folder)) for _ in range(3)]
            join, full = (min((run[n] for run in runs), key=lambda r: r["cpu"]) for n in (0, 1))
            ratio = sorted(b["cpu"] / a["cpu"] for a, b in runs)[1]
            spent = f"{full['cpu']:.2f} s of processor ({full['wall']:.2f} s), {full['peak_mb']:.0f} MB"
            print(f"\n{count} rows a side: {spent}; scan and join {join['cpu']:.2f} s; ratio {ratio:.1f}")
            left, right = (pq.read_table(Path(folder) / f"{side}.parquet") for side in ("left", "right"))
            found = match(left, right, RULES)
            print(f"conserved {found.conserved}; breaks {found.breaks.num_rows}; suggestions {found.suggestions.num_rows} rows")
            for kind, due, paired, good, suggested in score(found, left, right):
                precision = f"{100 * good / paired:.3f}%" if paired else "-"
                recall = f"{100 * good / due:.3f}%" if due else "-"
                said = f"recall {recall:>9} precision {precision:>9} suggested {suggested}"
                print(f"  {CLASSES[kind]:13} due {due:8} paired {paired:8} {said}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--task"]:
        task(sys.argv[2], Path(sys.argv[3]))
    else:
        main([int(n) for n in sys.argv[1:]] or [100_000, 1_000_000])
