"""``bo nav``: from parsed arguments to an exit code."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from bo_lib.run.breaks import _VERDICTS, _date
from bo_lib.run.errors import Exit

if TYPE_CHECKING:
    from bo_lib.views.report import Report
    from bo_lib.workbench import Workbench
    from bo_lib.workbench.office import Office
    from bo_lib.workbench.release_desk import ReleaseDesk


def nav(office: Office, arguments: argparse.Namespace) -> int:
    tasks: Mapping[str, Callable[[], Report]] = {
        "list": lambda: _list(office, arguments),
        "show": lambda: _desk(office, arguments).signatures(),
        "sign": lambda: _desk(office, arguments).sign(arguments.text),
        "approve": lambda: _desk(office, arguments).approve_control(arguments.control, arguments.text),
        "release": lambda: _release(_desk(office, arguments)),
        "pack": lambda: _pack(office, arguments),
        "report-card": lambda: _card(office, arguments),
    }
    report = tasks[arguments.task]()
    sys.stdout.write((json.dumps(report.to_dict(), indent=1, ensure_ascii=False) if arguments.json else report.to_text(500)) + "\n")
    return Exit.OK if arguments.task in ("list", "show", "report-card") else _VERDICTS[report.verdict]


def _desk(office: Office, arguments: argparse.Namespace) -> Workbench:
    from bo_lib.run.notebook import check_business_date
    from bo_lib.workbench import Workbench

    fund = office.fund(arguments.fund)
    check_business_date(fund, arguments.date)
    return Workbench(office, fund.id, _date(arguments.date))


def _release(desk: Workbench) -> Report:
    from bo_lib.model.findings import Verdict

    report = desk.release()
    if report.verdict is Verdict.PASS:
        sys.stderr.write(f"the pack is frozen: {freeze(desk.afresh())}\n")
    return report


def freeze(desk: ReleaseDesk) -> Path:
    """Keeps the pack of a released NAV under its hash, read-only, and says so in the chain; returns its folder."""
    from bo_lib.nav.release import FROZEN
    from bo_lib.run import evidence
    from bo_lib.store import Fact
    from bo_lib.views import nav_pack
    from bo_lib.workbench.office import release_stream

    office, fund, day = desk.office, desk.fund.id, desk.day.isoformat()
    terms = evidence.parameter_files(office.root, fund)
    office.keep_parameters(terms)
    place = office.root / office.firm.outputs / day / fund / "nav_pack"
    place.mkdir(parents=True, exist_ok=True)
    aside = Path(mkdtemp(prefix=".pack-", dir=place))
    nav_pack.write(desk.pack(), aside)
    files = evidence.file_hashes(aside)
    sha256 = evidence.digest(files)
    folder = place / sha256[:16]
    if folder.exists():
        shutil.rmtree(aside)
    else:
        for path in aside.iterdir():
            path.chmod(0o444)
        aside.chmod(0o555)
        aside.rename(folder)
    said = {
        "fact": FROZEN, "fund": fund, "business_date": day, "sha256": sha256, "files": files, "parameters": terms,
        "folder": folder.relative_to(office.root).as_posix(), "code": evidence.code_version(), **desk.evidence(),
    }  # fmt: skip
    fact = Fact(f"{FROZEN}:{fund}:{day}:{sha256}", release_stream(fund), FROZEN, fund, desk.day, said)
    office.append([fact])
    return folder


def _pack(office: Office, arguments: argparse.Namespace) -> Report:
    from bo_lib.run.new import check_empty
    from bo_lib.views import nav_pack
    from bo_lib.views.pages.release import pack_report
    from bo_lib.workbench.nav_inputs import file_sha256

    check_empty(arguments.out)
    pack = _desk(office, arguments).pack()
    return pack_report([(p.name, p.stat().st_size, file_sha256(p)) for p in nav_pack.write(pack, arguments.out)], pack)


def _card(office: Office, arguments: argparse.Namespace) -> Report:
    from bo_lib.views.pages.report_card import report_card

    funds = [office.fund(arguments.fund).id] if arguments.fund else office.firm.funds
    said = {(f.stream, f.effective_date): f.payload for fund in funds for f in office.store.facts("nav.compared", stream=fund)}
    first = _date(arguments.first) if arguments.first else date.min
    last = _date(arguments.last) if arguments.last else date.max
    return report_card([said[key] for key in sorted(said, key=lambda k: (k[1], k[0])) if first <= key[1] <= last])


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
