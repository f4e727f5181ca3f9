"""A month of daily NAVs of the demonstration funds, each explained to zero. ``python -m tests.benchmarks.bench_month [FIRM]``

FIRM is a demonstration firm whose month has been carried; without it one is simulated and carried first. Each day is struck as
known at its close: the residual of the move, the two computations of net assets, what blocks, and the administrator's difference.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import date
from decimal import Decimal
from pathlib import Path
from shutil import copytree

sys.path.insert(0, str(Path(__file__).parents[2]))

from bo_lib.demo import simulate
from bo_lib.model.dates import business_days
from bo_lib.model.findings import Verdict
from bo_lib.workbench import Workbench, catch_up, read_inbox
from bo_lib.workbench.office import Office

FIRST, LAST = date(2026, 6, 1), date(2026, 6, 30)


def carried(root: Path) -> Path:
    copytree(Path(__file__).parents[2] / "parameters", root / "parameters")
    simulate(root, FIRST, LAST, seed=7)
    read_inbox(Office(root), LAST)
    for fund_id in Office(root).firm.funds:
        catch_up(root, fund_id, LAST)
    return root


def score(office: Office, fund_id: str) -> str:
    fund = office.fund(fund_id)
    days = [day for day in business_days(FIRST, LAST, fund.calendar) if day > fund.inception]
    residuals, apart, blocked, bps = [], 0, 0, []
    for day in days:
        desk = Workbench(office, fund_id, day, f"{day}T20:00:00Z")
        roll, struck = desk.attribution(), desk.struck()
        residuals.append(roll.residual if roll else None)
        apart += sum((r["base"] for r in struck.value.components.to_pylist()), Decimal(0)) != struck.value.net_assets_ledger
        blocked += any(c.verdict is Verdict.BLOCKED for c in desk.controlled()) or not struck.ok
        bps.append(abs(desk.compared().value.net_assets_bps))
    zero = sum(r == 0 for r in residuals)
    return (
        f"{fund_id:14} {len(days)} NAVs, residual zero on {zero}, two computations apart on {apart}, blocked {blocked};"
        f" administrator within 0.01 bp on {sum(b < Decimal('0.01') for b in bps)}, at most {max(bps):.2f} bp away"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(sys.argv[1]) if len(sys.argv) > 1 else carried(Path(folder) / "firm")
        office = Office(root)
        for fund_id in office.firm.funds:
            print(score(office, fund_id), flush=True)


if __name__ == "__main__":
    main()
