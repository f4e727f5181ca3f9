"""``bo nav``: from parsed arguments to an exit code."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING

from bo_lib.run.breaks import _VERDICTS, _date
from bo_lib.run.errors import Exit

if TYPE_CHECKING:
    from bo_lib.views.report import Report
    from bo_lib.workbench import Workbench
    from bo_lib.workbench.office import Office


def nav(office: Office, arguments: argparse.Namespace) -> int:
    tasks: Mapping[str, Callable[[], Report]] = {
        "list": lambda: _list(office, arguments),
        "show": lambda: _desk(office, arguments).signatures(),
        "sign": lambda: _desk(office, arguments).sign(arguments.text),
        "approve": lambda: _desk(office, arguments).approve_control(arguments.control, arguments.text),
        "release": lambda: _desk(office, arguments).release(),
        "pack": lambda: _pack(office, arguments),
    }
    report = tasks[arguments.task]()
    sys.stdout.write((json.dumps(report.to_dict(), indent=1, ensure_ascii=False) if arguments.json else report.to_text(500)) + "\n")
    return Exit.OK if arguments.task in ("list", "show") else _VERDICTS[report.verdict]


def _desk(office: Office, arguments: argparse.Namespace) -> Workbench:
    from bo_lib.run.notebook import check_business_date
    from bo_lib.workbench import Workbench

    fund = office.fund(arguments.fund)
    check_business_date(fund, arguments.date)
    return Workbench(office, fund.id, _date(arguments.date))


def _pack(office: Office, arguments: argparse.Namespace) -> Report:
    from bo_lib.run.new import check_empty
    from bo_lib.views import nav_pack
    from bo_lib.views.pages.release import pack_report
    from bo_lib.workbench.nav_inputs import file_sha256

    check_empty(arguments.out)
    pack = _desk(office, arguments).pack()
    return pack_report([(p.name, p.stat().st_size, file_sha256(p)) for p in nav_pack.write(pack, arguments.out)], pack)


def _list(office: Office, arguments: argparse.Namespace) -> Report:
    from bo_lib.views.pages.release import list_report, list_row
    from bo_lib.workbench import Workbench

    rows = []
    for fund_id, day, payload in struck(office, arguments):
        state = Workbench(office, fund_id, day).release_state_in_short()
        if state:
            rows.append(list_row(state, payload["net_assets"], payload["currency"]))
    return list_report(rows)


def struck(office: Office, arguments: argparse.Namespace) -> Iterator[tuple[str, date, Mapping[str, str]]]:
    """Fund, day and last strike of every NAV asked for, newest day last; without dates the last day of each fund."""
    for fund_id in [office.fund(arguments.fund).id] if arguments.fund else office.firm.funds:
        last = {f.effective_date: f.payload for f in office.store.facts("nav.struck", stream=fund_id)}
        days = sorted(last)
        if arguments.first or arguments.last:
            first = _date(arguments.first) if arguments.first else date.min
            until = _date(arguments.last) if arguments.last else date.max
            days = [day for day in days if first <= day <= until]
        else:
            days = days[-1:]
        yield from ((fund_id, day, last[day]) for day in days)
