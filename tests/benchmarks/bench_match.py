"""How well and how fast ``bo match`` matches: transactions of two sides with the truth known, all passes of the example rules.

    python tests/benchmarks/bench_match.py [ROWS …]          default 100000 1000000
    DATACOMPY=/path/to/python …                              an environment with datacompy, which wants another pandas

Each figure is of a process of its own: processor seconds with and without the start of Python, and the peak of memory. The
measure is one query that scans both Parquet files and joins them by one hash join, in the same run. "all passes" is the matching
alone; "engine" also hashes the files, proves that no row or cent is lost, and writes the results; "bo match" is the command. Then
the same by hand in pandas (exact reference, attributes, cents and days, sums; no subsets, netting or text), datacompy (a key
alone), and the comparison within 300 MB. At the end recall and precision by kind of row.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from string import Template

import duckdb

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.benchmarks.transactions import KINDS, NOTHING_DUE, generate

RULES = Path(__file__).parents[2] / "parameters/recon/transactions.yaml"
START = "import os, sys, time; from pathlib import Path; left, right, out, rules = sys.argv[1:5]\n"
END = "\nprint(time.process_time() - begin)"
JOIN = '''import duckdb
begin = time.process_time()
con = duckdb.connect(config={"threads": "2"})
con.execute("""select count(*), sum(y.amount - x.amount), sum(y.trade_date - x.trade_date),
    sum(y.settlement_date - x.settlement_date),
    sum((x.quantity = y.quantity and x.account = y.account and x.security = y.security)::int)
    from read_parquet($1) x join read_parquet($2) y using (reference)""", [left, right]).fetchall()'''
MATCH = """from bo_lib.run.match import match_files
from bo_lib.recon import files, match
begin = time.process_time()
match_files(Path(left), Path(right), Path(rules), Path(out))"""
PASSES = """from bo_lib.run.match import match_files
from bo_lib.recon.passes import Passes
spent, run = [], Passes.run
def timed(self):
    began = time.process_time()
    run(self)
    spent.append(time.process_time() - began)
Passes.run = timed
match_files(Path(left), Path(right), Path(rules), Path(out))
begin = time.process_time() - spent[0]"""
PANDAS = """import numpy as np, pandas as pd, pyarrow.parquet as pq
begin = time.process_time()
KEY = ["account", "security", "quantity", "trade_date", "settlement_date"]
def load(path):
    t = pq.read_table(path, columns=["reference", "amount", *KEY])
    for name, scale in (("amount", 100), ("quantity", 10000)):
        whole = np.rint(t[name].cast("float64").to_numpy() * scale).astype("int64")
        t = t.set_column(t.column_names.index(name), name, [whole])
    return t.to_pandas(types_mapper=None).rename_axis("row").reset_index()
def numbered(t, on):
    t = t.dropna(subset=[n for n in on if n != "amount"])
    return t.assign(k=t.groupby(on, sort=False).cumcount())
def exact(a, b, on):
    m = numbered(a, on).merge(numbered(b, on), on=[*on, "k"], suffixes=("", "_y"))
    return a[~a.row.isin(m.row)], b[~b.row.isin(m.row_y)], m
a, b = load(left), load(right)
a, b, one = exact(a, b, ["reference", "amount", *KEY])
a, b, two = exact(a, b, ["amount", *KEY])
m = a.merge(b, on=["account", "security", "quantity"], suffixes=("", "_y"))
off = (m.amount - m.amount_y).abs(), (pd.to_datetime(m.trade_date) - pd.to_datetime(m.trade_date_y)).dt.days.abs()
m = m[(off[0] <= 1) & (off[1] <= 4)].drop_duplicates("row").drop_duplicates("row_y")
a, b = a[~a.row.isin(m.row)], b[~b.row.isin(m.row_y)]
group = ["account", "security", "trade_date", "settlement_date"]
for x, y in ((a, b), (b, a)):
    g = x.groupby(group, sort=False).agg(amount=("amount", "sum"), quantity=("quantity", "sum"), n=("row", "size")).reset_index()
    g[g.n > 1].merge(y, on=[*group, "quantity"], suffixes=("", "_y"))"""
DATACOMPY = """import pandas as pd, datacompy
begin = time.process_time()
a, b = (pd.read_parquet(p).dropna(subset=["reference"]).drop_duplicates("reference") for p in (left, right))
made = getattr(datacompy, "PandasCompare", getattr(datacompy, "Compare", None))(a, b, join_columns="reference", abs_tol=0.01)
made.report()"""

PAIRS = Template("""
create table m as select * from read_parquet('${out}/matches.parquet');
create table rows as select 'left' as side, file_row_number as row, truth, twin, kind
from read_parquet('${left}', file_row_number = true)
union all select 'right', file_row_number, truth, twin, kind from read_parquet('${right}', file_row_number = true);
create table g as select "pass", "group", verdict, count(distinct twin) = 1 as good
from m join rows using (side, row) group by all;
create table due as select truth from rows group by truth having count(distinct side) = 2
union all select truth from rows where kind in (${reversed}) group by truth""")
SCORE = """select kind, case when kind = 0 then 2 * count(distinct truth)  -- some of these are booked twice
        else count(*) filter (where truth in (select truth from due)) end, count(g.good), count(*) filter (where g.good),
    count(*) filter (where m.verdict = 'suggest')
from rows left join m using (side, row) left join g on (g."pass", g."group") = (m."pass", m."group") and g.verdict <> 'suggest'
group by kind order by kind"""


def measured(code: str | list[str], words: list[str], python: str = sys.executable) -> dict[str, float]:
    """Seconds of processor of a whole process and (of a script) after its imports, and the peak of its memory in MB."""
    command = [*code, *words] if isinstance(code, list) else [python, "-c", START + code + END, *words]
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stderr
        out, errors = process.stdout.read(), process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1) or (process.returncode and isinstance(code, str)):
        raise RuntimeError(errors[-2000:] or out[-2000:])
    inner = float(out.split()[-1]) if isinstance(code, str) else 0.0
    whole, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    return {"whole": whole, "inner": inner, "wall": time.perf_counter() - began, "peak_mb": peak}


def bo(left: str, right: str, out: str, *more: str) -> list[str]:
    return [sys.executable, "-m", "bo_lib.cli", "match", left, right, "--rules", str(RULES), "--out", out, *more]


def speed(left: str, right: str, out: str) -> None:
    words = [left, right, out, str(RULES)]
    runs = [[*(measured(code, words) for code in (JOIN, PASSES, MATCH)), measured(bo(left, right, out), [])] for _ in range(3)]
    join, passes, engine, whole = (min((run[n] for run in runs), key=lambda r: r["inner"] or r["whole"]) for n in range(4))
    print(f"  scan and join  {join['inner']:6.2f} s of processor ({join['whole']:.2f} s with the start of Python)")
    others = {
        "all passes": passes,
        "engine": engine,
        "bo match": whole,
        "bo match, 300 MB": measured(bo(left, right, out, "--memory", "300"), []),
    }
    others["pandas by hand"] = measured(PANDAS, words)
    if python := os.environ.get("DATACOMPY"):
        others["datacompy"] = measured(DATACOMPY, words, python)
    for name, run in others.items():
        alone = f"{run['inner']:6.2f} s, {run['inner'] / join['inner']:4.1f} times;" if run["inner"] else " " * 21
        ratio = f"{run['whole'] / join['whole']:5.1f} times process by process"
        print(
            f"  {name:17}{alone}{run['whole']:6.2f} s, {ratio}; {run['wall']:6.2f} s by the clock, {run['peak_mb']:.0f} MB",
            flush=True,
        )


def quality(left: str, right: str, out: str) -> None:
    subprocess.run(bo(left, right, out), check=False, capture_output=True)
    con = duckdb.connect()
    reversed_kinds = ", ".join(str(n) for n, name in enumerate(KINDS) if name.startswith("reversed"))
    con.execute(PAIRS.substitute(left=left, right=right, out=out, reversed=reversed_kinds))
    summary = json.loads((Path(out) / "summary.json").read_text())
    print(f"  conserved {summary['conserved']}; {summary['rates']}; notes {summary['notes']}")
    for kind, due, matched, good, suggested in con.execute(SCORE).fetchall():
        precision = f"{100 * good / matched:.3f}%" if matched else "-"
        recall = f"{100 * good / due:.3f}%" if due and KINDS[kind] not in NOTHING_DUE else "-"
        print(f"  {KINDS[kind]:22} due {due:8} recall {recall:>9} precision {precision:>9} suggested {suggested}")


def main(counts: list[int]) -> None:
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            # in a process of its own: the peak of a child begins at that of its parent
            subprocess.run([sys.executable, __file__, "--generate", str(count), folder], check=True)
            files = [str(Path(folder) / name) for name in ("left.parquet", "right.parquet", "out")]
            print(f"\n{count} rows a side; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
            speed(*files)
            quality(*files)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--generate"]:
        generate(int(sys.argv[2]), Path(sys.argv[3]))
    else:
        main([int(n) for n in sys.argv[1:]] or [100_000, 1_000_000])
