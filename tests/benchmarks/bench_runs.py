"""Where the time of a run goes: its process, the kernel's start, imports, cells, page, save; cold and from the fork server.

``python tests/benchmarks/bench_runs.py [RUNS]``: a light notebook (no imports) and a heavy one (what the notebooks of the
firm import), each so many times one after the other, then so many heavy ones with 1, 2 and 4 workers.
"""

import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bo_lib.run.day import PRELOAD
from bo_lib.run.kernels import kernel_server
from bo_lib.run.manifest import Manifest
from bo_lib.run.runner import VARIABLES, run
from tests.run.firm import conclude, write_firm, write_notebook

HEAVY = "import duckdb, pandas, pyarrow, plotly.graph_objects as go, sqlalchemy\nfrom bo_lib.workbench.office import Office"
CHART = "go.Figure(go.Bar(x=list(range(50)), y=duckdb.sql('select range from range(50)').df()['range']))"
PARTS = ("process", "kernel", "imports", "cells", "page", "save", "total")


def one(root: Path, notebook: str, note: str, server: str | None) -> Manifest:
    made = run(root, notebook, {"fund": "ALPHA", "business_date": "2026-06-30", "note": note}, actor="benchmark", server=server)
    assert made.state == "finished" and not made.reused, made.error
    return made


def split(root: Path, runs: int, how: str, server: str | None) -> None:
    one(root, "heavy", f"{how} warm-up", server)  # the server imports while the first run waits
    for notebook in ("light", "heavy"):
        made = [one(root, notebook, f"{how} {n}", server) for n in range(runs)]
        medians = (statistics.median(m.seconds[part] for m in made) for part in PARTS)
        print(f"{notebook:6} {how:7}" + "".join(f"{seconds:9.2f}" for seconds in medians))


def rate(root: Path, runs: int, how: str, server: str | None) -> None:
    for workers in (1, 2, 4):
        started = time.monotonic()
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(lambda n, w=workers: one(root, "heavy", f"{how} {w} {n}", server), range(runs)))
        print(f"heavy  {how:7} {workers} workers: {60 * runs / (time.monotonic() - started):5.0f} runs a minute")


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        root = write_firm(Path(folder) / "firm")
        write_notebook(root, "light", "1 + 1", conclude())
        write_notebook(root, "heavy", HEAVY, CHART, conclude())
        print(f"median of {runs}, seconds" + "".join(f"{part:>9}" for part in PARTS)[8:])
        split(root, runs, "cold", None)
        with kernel_server(PRELOAD, VARIABLES) as server:
            split(root, runs, "forked", server)
            rate(root, 2 * runs, "forked", server)
        rate(root, 2 * runs, "cold", None)


if __name__ == "__main__":
    main()
