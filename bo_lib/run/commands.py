"""The commands of ``bo``: one function each, from parsed arguments to an exit code."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from typing import TYPE_CHECKING

from bo_lib.run import screen
from bo_lib.run.errors import Exit, UsageError

if TYPE_CHECKING:
    from bo_lib.workbench.office import Office

_VERDICTS = {"pass": Exit.OK, "attention": Exit.ATTENTION, "blocked": Exit.FAILED}


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _tell(text: str) -> None:
    sys.stdout.write(text + "\n")


def _office(arguments: argparse.Namespace) -> Office:
    from bo_lib.workbench.office import Office, find_root

    return Office((arguments.root or find_root()).resolve())


def _date(text: str) -> date:
    from bo_lib.model.dates import parse_date

    try:
        return parse_date(text)
    except ValueError as reason:
        raise UsageError(str(reason)) from None


def demo(arguments: argparse.Namespace) -> int:
    from bo_lib.run.demo import demo as run_demo
    from bo_lib.run.new import project

    root = (arguments.root or project()).resolve()
    reports = run_demo(root, arguments.days, _date(arguments.date), _say)
    _tell(f"Every run has its page: {root / 'outputs'}/<date>/<fund>/<notebook>/<run id>/executed.html")
    _tell("Next: `bo status` for the day, `bo dashboards` for the control tower, `bo lab` for the notebooks.")
    # Found breaks and blocked controls are what the demonstration is for: only a run that failed is a failure of it.
    failed = any(node.state == "failed" for report in reports for node in report.nodes)
    return Exit.FAILED if failed else Exit.OK


def run(arguments: argparse.Namespace) -> int:
    from bo_lib.run.start import start

    given = dict(_parameter(text) for text in arguments.parameter)
    named = {"fund": arguments.fund, "business_date": arguments.date}
    parameters = {**given, **{name: value for name, value in named.items() if value}}
    made = start(_office(arguments), arguments.notebook, parameters, force_new=arguments.again, say=_say)
    screen.show_run(made)
    return _VERDICTS[made.verdict] if made.state == "finished" else Exit.FAILED


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"-p {text}: expected NAME=VALUE, such as -p known_at=2026-06-30T18:00:00Z")
    return name.strip(), value


def day(arguments: argparse.Namespace) -> int:
    from bo_lib.run.day import plan, run_day
    from bo_lib.workbench.inbox import ingest

    office = _office(arguments)
    there = _business_day(office, arguments.date, arguments.fund)
    if arguments.read_again:
        ingest(office, there, again=True)
    planned = plan(office, there, arguments.fund)
    with screen.following(planned) as (watch, say):
        run_day(office, planned, watch=watch, say=say)
    screen.show_day(planned)
    return planned.exit_code


def _business_day(office: Office, text: str, funds: list[str]) -> date:
    """The day asked for; refused when it is a holiday of every fund."""
    from bo_lib.model.dates import is_business_day
    from bo_lib.run.notebook import check_business_date

    there = _date(text)
    chosen = [office.fund(fund_id) for fund_id in funds or office.firm.funds if fund_id not in office.broken]
    if not chosen and not office.firm.funds:
        raise UsageError("parameters/firm.yaml names no funds; describe one in parameters/funds and add it to `funds`")
    if chosen and not any(is_business_day(there, fund.calendar) for fund in chosen):
        check_business_date(chosen[0], text)
    return there


def status(arguments: argparse.Namespace) -> int:
    from bo_lib.run.ledger import Ledger
    from bo_lib.run.status import show_status

    ledger = Ledger(_office(arguments))
    there = _date(arguments.date) if arguments.date else ledger.last_day()
    if there is None:
        _tell("nothing has run yet; `bo day DATE` runs a business day")
        return Exit.OK
    return show_status(ledger, there)


def read(arguments: argparse.Namespace) -> int:
    from bo_lib.run.read_files import read_files

    return read_files(arguments)


def match(arguments: argparse.Namespace) -> int:
    from bo_lib.run.match import exit_code, match_files

    summary = match_files(arguments.left, arguments.right, arguments.rules, arguments.out, arguments.memory)
    rows = [
        [name, *(str(said[n]) for n in ("left", "right", "match", "net", "suggest"))] for name, said in summary["passes"].items()
    ]
    screen.show("rows by pass", ["pass", "left", "right", "matched", "netted", "suggested"], rows)
    screen.show("breaks", ["side and kind", "rows"], [[kind, str(count)] for kind, count in summary["breaks"].items()])
    found = [f"; found {f['found']!r}" if f["found"] else "" for f in summary["findings"]]
    letters = [f"{f['severity']} {f['code']}: {f['place']}: {f['message']}" for f in summary["findings"]]
    for said in (*map("".join, zip(letters, found, strict=True)), *summary["notes"]):
        _tell(said)
    _tell(f"{'Every row and amount is accounted for' if summary['conserved'] else 'ROWS OR AMOUNTS WERE LOST'}: {arguments.out}")
    return exit_code(summary)


def onboard(arguments: argparse.Namespace) -> int:
    from bo_lib.run import books
    from bo_lib.run.new import complete_firm
    from bo_lib.workbench.office import find_root
    from bo_lib.workbench.onboard import onboard as onboard_fund

    file, takes = arguments.nport, "--nport takes a Form N-PORT filing (XML)"
    if arguments.positions:
        file, takes = arguments.positions, "--positions takes a list of opening positions (CSV or XLSX)"
    if not file.is_file():
        raise UsageError(f"{file}: no such file; {takes}")
    root = (arguments.root or find_root()).resolve()
    report = onboard_fund(root, file) if arguments.nport else books.onboard_positions(root, arguments)
    complete_firm(root)
    _tell(report.to_text())
    return _VERDICTS[report.verdict]


def new(arguments: argparse.Namespace) -> int:
    from bo_lib.run.new import new_firm

    folder = new_firm(arguments.dir)
    _tell(f"{folder} is an empty firm. Describe a fund in {folder / 'parameters/funds'} (FUND.yaml.example shows how),")
    _tell(f"add its id to {folder / 'parameters/firm.yaml'}, put files into the inbox, then: bo day DATE --root {folder}")
    return Exit.OK


def verify(arguments: argparse.Namespace) -> int:
    from bo_lib.run.audit import damaged, lost_store, two_people
    from bo_lib.run.ledger import Ledger

    office = _office(arguments)
    if lost := lost_store(office):
        _tell(str(lost))
        return Exit.STORE
    ledger = Ledger(office)
    broken = False
    for finding in damaged(ledger):  # said at once: what is broken may not let the next check read it
        _tell(str(finding))
        broken = True
    if broken:
        return Exit.STORE
    count = sum(head.n for head in ledger.store.heads().values())
    _tell(f"{count} facts in an unbroken chain; every kept run and table is as it was written. Anchor: {ledger.store.anchor()}")
    for fund, n in two_people(ledger).items():
        _tell(f"{fund}: {n} done by two people; bo proposals --all --fund {fund} says who proposed and who approved.")
    return Exit.OK


def breaks(arguments: argparse.Namespace) -> int:
    from bo_lib.run import breaks as desk

    return desk.breaks(_office(arguments), arguments)


def book(arguments: argparse.Namespace) -> int:
    from bo_lib.run import books

    return books.book(_office(arguments), arguments)


def explain(arguments: argparse.Namespace) -> int:
    from bo_lib.run import books

    return books.explain(_office(arguments), arguments)


def refused(arguments: argparse.Namespace) -> int:
    from bo_lib.run import books

    return books.refused(_office(arguments), arguments)


def correct(arguments: argparse.Namespace) -> int:
    from bo_lib.run import books

    return books.correct(_office(arguments), arguments)


def proposals(arguments: argparse.Namespace) -> int:
    from bo_lib.run import books

    return books.proposals(_office(arguments), arguments)


def reproduce(arguments: argparse.Namespace) -> int:
    from bo_lib.run.reproduce import reproduce as made_again

    report = made_again(_office(arguments), arguments.run, arguments.keep)
    _tell(report.to_text(100))
    return _VERDICTS[report.verdict]


def nav(arguments: argparse.Namespace) -> int:
    from bo_lib.run.release import nav as desk

    return desk(_office(arguments), arguments)


def recon(arguments: argparse.Namespace) -> int:
    from bo_lib.run import breaks as desk

    return desk.recon(_office(arguments), arguments)


def close(arguments: argparse.Namespace) -> int:
    from bo_lib.run import close as desk

    return desk.close(_office(arguments), arguments)


def prices(arguments: argparse.Namespace) -> int:
    from bo_lib.run import nav as desk

    return desk.prices(lambda: _office(arguments), arguments)


def nav_error(arguments: argparse.Namespace) -> int:
    from bo_lib.run import nav as desk

    return desk.nav_error(_office(arguments), arguments)


def dashboards(arguments: argparse.Namespace) -> int:
    from bo_lib.views.dashboards import serve

    _say(f"the control tower is at http://127.0.0.1:{arguments.port}/ until Ctrl-C")
    serve(_office(arguments).root, arguments.port, open_browser=arguments.open)
    return Exit.OK


def lab(arguments: argparse.Namespace) -> int:
    from bo_lib.run.servers import serve_lab

    return serve_lab(_office(arguments).root, arguments.port)
