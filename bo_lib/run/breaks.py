"""``bo breaks`` and ``bo recon``: from parsed arguments to an exit code."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from bo_lib.run.errors import Exit, UsageError

if TYPE_CHECKING:
    from bo_lib.views.report import Report
    from bo_lib.workbench import Workbench
    from bo_lib.workbench.office import Office

_VERDICTS = {"pass": Exit.OK, "attention": Exit.ATTENTION, "blocked": Exit.FAILED}


def breaks(office: Office, arguments: argparse.Namespace) -> int:
    if arguments.decision:
        return _decide(office, arguments)
    desks = [desk for fund_id in _funds(office, arguments.fund) if (desk := _desk(office, fund_id, arguments.date))]
    if arguments.json:
        _tell(json.dumps([desk.breaks_as_data(closed_too=arguments.all) for desk in desks], indent=1, ensure_ascii=False))
        return Exit.OK
    for desk in desks:
        _tell(desk.breaks_listed(closed_too=arguments.all).to_text(500) + "\n")
    if not desks:
        _tell("no reconciliation has run yet; `bo day DATE` runs a business day")
    return Exit.OK


def recon(office: Office, arguments: argparse.Namespace) -> int:
    from bo_lib import config
    from bo_lib.recon import Rules
    from bo_lib.workbench.backtest import backtest

    first, last = _date(arguments.first), _date(arguments.last)
    if first > last:
        raise UsageError(f"--from {first} is after --to {last}")
    rules = config.load(arguments.rules, Rules)
    tried = backtest(office, arguments.name, first, last, rules, _known_funds(office, arguments.fund))
    if arguments.json:
        _tell(json.dumps(tried.to_dict(), indent=1, ensure_ascii=False))
    else:
        _tell(tried.report().to_text(200))
    return Exit.ATTENTION if tried.against else Exit.OK


def _decide(office: Office, arguments: argparse.Namespace) -> int:
    desk = _desk_of(office, arguments)
    acts: Mapping[str, Callable[[], Report]] = {
        "comment": lambda: desk.comment(arguments.ids, arguments.text),
        "attach": lambda: desk.attach(arguments.ids, arguments.file, arguments.text),
        "assign": lambda: desk.assign(
            arguments.ids, arguments.owner, _date(arguments.due) if arguments.due else None, arguments.text
        ),
        "propose": lambda: desk.propose_match(arguments.ids, arguments.text),
        "approve": lambda: desk.approve(arguments.ids, arguments.text),
        "reject": lambda: desk.reject(arguments.ids, arguments.text),
        "write-off": lambda: desk.write_off(arguments.ids, arguments.text),
        "reopen": lambda: desk.reopen(arguments.ids, arguments.text),
    }
    report = acts[arguments.decision]()
    _tell(json.dumps(report.to_dict(), indent=1, ensure_ascii=False) if arguments.json else report.to_text())
    return _VERDICTS[report.verdict]


def _desk_of(office: Office, arguments: argparse.Namespace) -> Workbench:
    """The desk of the fund that knows all the breaks; a letter with the nearest id when none does."""
    from bo_lib.recon.decisions import find_breaks

    desks = [desk for fund_id in _funds(office, arguments.fund) if (desk := _desk(office, fund_id, arguments.date))]
    if not desks:
        raise UsageError("no reconciliation has run yet, so there is no break; `bo day DATE` runs a business day")
    states = [desk.break_states() for desk in desks]
    asked = [find_breaks(known, arguments.ids) for known in states]
    knowing = [desk for desk, answer in zip(desks, asked, strict=True) if not answer.findings]
    if len(knowing) == 1:
        return knowing[0]
    if any(answer.value for answer in asked) and len(desks) > 1 and not knowing:
        named = [desk.fund.id for desk, answer in zip(desks, asked, strict=True) if answer.value]
        if len(named) > 1:
            raise UsageError(f"the breaks belong to {' and '.join(named)}: decide for one fund at a time")
        asked = [a for a in asked if a.value]
    every = find_breaks({i: s for known in states for i, s in known.items()}, arguments.ids)
    letters = every.findings or asked[0].findings
    raise UsageError("; ".join(f"{f.message}; nearest: {f.expected}. {f.todo}" for f in letters) or "name the fund with --fund")


def _desk(office: Office, fund_id: str, day: str | None) -> Workbench | None:
    from bo_lib.workbench import Workbench

    there = _date(day) if day else _last_day(office, fund_id)
    return Workbench(office, fund_id, there) if there else None


def _last_day(office: Office, fund_id: str) -> date | None:
    """The last business date of which breaks or a reconciliation are known."""
    from bo_lib.workbench.office import recon_stream

    facts = [*office.store.facts("break", stream=fund_id), *office.store.facts("recon.concluded", stream=recon_stream(fund_id))]
    return max((f.effective_date for f in facts), default=None)


def _funds(office: Office, fund_id: str | None) -> Sequence[str]:
    return _known_funds(office, [fund_id] if fund_id else [])


def _known_funds(office: Office, named: Sequence[str]) -> Sequence[str]:
    """The funds named, or all of the firm; ``ParameterError`` with the nearest for one that is not known."""
    return [office.fund(fund_id).id for fund_id in named or office.firm.funds]


def _date(text: str) -> date:
    from bo_lib.model.dates import parse_date

    try:
        return parse_date(text)
    except ValueError as reason:
        raise UsageError(str(reason)) from None


def _tell(text: Any) -> None:
    sys.stdout.write(f"{text}\n")
