"""``bo close``: from parsed arguments to an exit code."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from bo_lib.run.errors import Exit, UsageError

if TYPE_CHECKING:
    from bo_lib.views.report import Report
    from bo_lib.workbench import Workbench
    from bo_lib.workbench.office import Office

_VERDICTS = {"pass": Exit.OK, "attention": Exit.ATTENTION, "blocked": Exit.FAILED}


def close(office: Office, arguments: argparse.Namespace) -> int:
    step = arguments.step
    if step == "check-pack":
        return _check_packs(arguments)
    if step == "list":
        funds = _funds(office, arguments.fund)
        _look(office, funds, arguments.month)
        reports = [_desk(office, fund, arguments.month).close_tasks() for fund in funds]
        return max(_show(report, arguments.json) for report in reports)
    desk = _desk(office, arguments.fund, arguments.month)
    if step == "true-up":
        made = desk.true_up()
        waits = sum(p.kind == "accrual" and not p.approved_by for p in desk.late_postings())
        _tell(f"{made} accruals booked, {waits} wait for a second person (bo close approve): {desk.fund.id} {arguments.month}")
        return Exit.OK
    if step in ("statements", "pack"):
        return _write(office, desk, step, arguments.out)
    names, text = getattr(arguments, "names", ()), arguments.text
    acts: Mapping[str, Callable[[], Report]] = {
        "sign": lambda: desk.sign_tasks(names, text), "accept": lambda: desk.accept_tasks(names, text),
        "approve": lambda: desk.approve_postings(names, text), "defer": lambda: desk.defer_postings(names, text),
        "refuse": lambda: desk.refuse_postings(names, text), "soft": lambda: desk.soft_close(text),
        "hard": lambda: desk.hard_close(text), "reopen": lambda: desk.reopen_close(names, text),
    }  # fmt: skip
    return _show(acts[step](), arguments.json)


def _look(office: Office, funds: Sequence[str], month: str) -> None:
    """Has the tasks of several funds worked out side by side where anything they depend on has changed, and recorded."""
    changed = [fund for fund in funds if not _desk(office, fund, month).is_kept()] if len(funds) > 1 else []
    if len(changed) > 1 and office.firm.workers > 1:
        with ProcessPoolExecutor(office.firm.workers, multiprocessing.get_context("spawn")) as pool:
            list(pool.map(_look_at, *zip(*((office.root, fund, month) for fund in changed), strict=True)))


def _look_at(root: Path, fund: str, month: str) -> None:
    from bo_lib.workbench.office import Office

    _desk(Office(root), fund, month).close_tasks()


def _write(office: Office, desk: Workbench, step: str, out: Path | None) -> int:
    from bo_lib.run import pack

    folder = out or office.root / office.firm.outputs / "close" / desk.month_name / desk.fund.id
    if step == "statements":
        for path in pack.statements(desk, folder / "statements"):
            _tell(str(path))
        return Exit.OK
    made = pack.make(desk, folder)
    _tell(f"{made.archive}\n{made.files} files, sha256 {made.sha256}")
    return Exit.OK


def _check_packs(arguments: argparse.Namespace) -> int:
    from bo_lib.run import pack

    broken = [finding for name in arguments.names for finding in pack.damaged(Path(name))]
    for finding in broken:
        _tell(str(finding))
    if not broken:
        count = len(arguments.names)
        _tell(f"{count} packs are as they were made" if count > 1 else "the pack is as it was made")
    return Exit.FAILED if broken else Exit.OK


def _desk(office: Office, fund_id: str, month: str) -> Workbench:
    from bo_lib.workbench import Workbench

    fund = office.fund(fund_id)
    return Workbench(office, fund.id, last_business_day(month, fund.calendar))


def last_business_day(month: str, calendar: str) -> date:
    """Of a month written YYYY-MM. Raises ``UsageError``."""
    from bo_lib.model.dates import add_business_days, is_business_day, month_end

    try:
        end = month_end(date.fromisoformat(f"{month}-01"))
    except ValueError:
        raise UsageError(f"--month {month}: expected a month such as 2026-06") from None
    return end if is_business_day(end, calendar) else add_business_days(end, -1, calendar)


def _funds(office: Office, named: str | None) -> list[str]:
    return [named] if named else [fund.id for fund in office.funds]


def _show(report: Report, as_json: bool) -> int:
    _tell(json.dumps(report.to_dict(), indent=1, ensure_ascii=False) if as_json else report.to_text(200) + "\n")
    return int(_VERDICTS[report.verdict])


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
