"""``bo book``, ``bo explain``, ``bo refused``, ``bo correct`` and ``bo proposals``: from parsed arguments to an exit code."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bo_lib.model.dates import parse_date
from bo_lib.run.errors import Exit, UsageError

if TYPE_CHECKING:
    from bo_lib.model.events import JournalLine, ManualJournal
    from bo_lib.views.report import Report
    from bo_lib.workbench import Workbench
    from bo_lib.workbench.office import Office

POSITIONS = "opening_positions.yaml"
_VERDICTS = {"pass": Exit.OK, "attention": Exit.ATTENTION, "blocked": Exit.FAILED}


def refused(office: Office, arguments: argparse.Namespace) -> int:
    listed = {desk.fund.id: desk.waiting() for desk in _desks(office, arguments)}
    if arguments.json:
        _tell_json([{"fund": fund_id, **report.to_dict()} for fund_id, report in listed.items()])
    else:
        _tell(
            "\n".join(
                f"{fund_id}: {report.summary if report.verdict == 'pass' else report.to_text(500)}"
                for fund_id, report in listed.items()
            )
        )
    return Exit.OK if all(report.verdict == "pass" for report in listed.values()) else Exit.ATTENTION


def correct(office: Office, arguments: argparse.Namespace) -> int:
    changes = dict(_change(text) for text in arguments.changes)
    if bool(changes) == arguments.withdraw:
        raise UsageError("say what changes as FIELD=VALUE, or --withdraw, not both; `bo refused` lists what waits")
    desk = _knowing(_desks(office, arguments), arguments.event_id)
    if arguments.withdraw:
        return _decided(desk.withdraw(arguments.event_id, arguments.reason.strip()), arguments)
    return _decided(desk.correct(arguments.event_id, changes, arguments.reason.strip()), arguments)


def proposals(office: Office, arguments: argparse.Namespace) -> int:
    if arguments.decision is None:
        listed = [desk.proposals_listed(answered_too=arguments.all) for desk in _desks(office, arguments)]
        if arguments.json:
            _tell_json([r.to_dict() for r in listed])
        else:
            _tell("\n".join(r.to_text(500) if any(s.table for s in r.sections) else r.summary for r in listed))
        return Exit.OK if all(r.verdict == "pass" for r in listed) else Exit.ATTENTION
    desks = _desks(office, arguments)
    if arguments.decision == "journal":
        if len(desks) > 1:
            raise UsageError(f"name the fund with --fund: {', '.join(desk.fund.id for desk in desks)}")
        return _decided(desks[0].propose_journal(_journal(desks[0], arguments)), arguments)
    knowing = [desk for desk in desks if any(arguments.id in (p.id, p.about) for p in desk.proposals())]
    desk = (knowing or desks)[0]
    if arguments.decision == "approve":
        return _decided(desk.approve_proposal(arguments.id, arguments.text.strip()), arguments)
    return _decided(desk.reject_proposal(arguments.id, arguments.text.strip()), arguments)


def _journal(desk: Workbench, arguments: argparse.Namespace) -> ManualJournal:
    """A manual journal of the lines in a CSV. Raises ``UsageError`` with the place of what cannot be read."""
    from bo_lib.model.events import ManualJournal

    if not arguments.text.strip():
        raise UsageError("a manual journal has a reason: --text TEXT")
    try:
        with arguments.file.open(newline="", encoding="utf-8-sig") as file:
            lines = tuple(_journal_line(f"{arguments.file}, line {n}", row) for n, row in enumerate(csv.DictReader(file), 2))
    except (OSError, UnicodeDecodeError, csv.Error) as reason:
        raise UsageError(f"{arguments.file}: cannot be read: {reason}") from None
    return ManualJournal(
        event_id=arguments.id, fund=desk.fund.id, effective_date=desk.day, lines=lines, reason=arguments.text.strip()
    )


def _journal_line(where: str, row: Mapping[str, str | None]) -> JournalLine:
    from pydantic import ValidationError

    from bo_lib.model.events import JournalLine

    try:
        return JournalLine.model_validate({name: value or "" for name, value in row.items()})
    except ValidationError as wrong:
        told = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}, found {e['input']!r}" for e in wrong.errors())
        raise UsageError(f"{where}: {told}; expected {', '.join(JournalLine.model_fields)}") from None


def _decided(report: Report, arguments: argparse.Namespace) -> int:
    if report.verdict == "blocked":
        raise UsageError("; ".join(map(str, report.findings)))
    _show(report, arguments)
    return _VERDICTS[report.verdict]


def book(office: Office, arguments: argparse.Namespace) -> int:
    first = _day(arguments.first) if arguments.first else None
    desk = _desk_as_of(office, arguments)
    if first and first > desk.day:
        raise UsageError(f"--from {first} is after --date {desk.day}")
    report = desk.books(arguments.table, first, arguments.basis)
    return _give(report, arguments)


def explain(office: Office, arguments: argparse.Namespace) -> int:
    report = _desk_as_of(office, arguments).explain(arguments.figure)
    if not report.sections:
        raise UsageError("; ".join(map(str, report.findings)))
    return _give(report, arguments)


def onboard_positions(root: Path, arguments: argparse.Namespace) -> Report:
    from bo_lib.run.new import project
    from bo_lib.workbench import onboard_positions as room

    if not arguments.fund:
        raise UsageError("--positions needs --fund: the id of the fund that holds them")
    own = root / "parameters" / "mappings" / POSITIONS
    mapping = arguments.mapping or (own if own.exists() else project() / "parameters" / "mappings" / POSITIONS)
    net = _amount("--net-assets", arguments.net_assets) if arguments.net_assets else None
    return room.onboard_positions(root, arguments.positions, arguments.fund, mapping, net, _amount("--cash", arguments.cash))


def _amount(option: str, text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise UsageError(f"{option} {text}: expected an amount in base currency, such as 1250000.00")
    return amount


def _desk_as_of(office: Office, arguments: argparse.Namespace) -> Workbench:
    from bo_lib.views.export import check_ending
    from bo_lib.workbench import Workbench

    if arguments.out:
        check_ending(arguments.out)
    fund = office.fund(arguments.fund)
    if arguments.known_at and not _is_time(arguments.known_at):
        raise UsageError(f"--known-at {arguments.known_at}: expected a time with its zone, such as 2026-06-30T18:00:00Z")
    return Workbench(office, fund.id, business_day(office, fund.id, arguments.date), arguments.known_at)


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _give(report: Report, arguments: argparse.Namespace) -> int:
    """Shows the report, or writes the rows of its last table to a file."""
    if not arguments.out:
        _show(report, arguments)
    else:
        from bo_lib.views.export import write_table

        rows = [section.table for section in report.sections if section.table is not None][-1]
        write_table(report, rows, arguments.out)
        _tell(f"{report.summary}\n{rows.num_rows} rows: {arguments.out}")
    return _VERDICTS[report.verdict]


def _change(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"{text}: expected FIELD=VALUE, such as isin=US0378331005")
    if value[:1] not in "[{" or not value:
        return name.strip(), value
    try:
        return name.strip(), json.loads(value)
    except json.JSONDecodeError as reason:
        raise UsageError(f"{name}: {value!r} is no JSON: {reason}") from None


def _knowing(desks: Sequence[Workbench], event_id: str) -> Workbench:
    """The desk of the fund for which the event waits or stands; a letter with the nearest id that waits when it does for none."""
    from bo_lib.books import find_waiting
    from bo_lib.workbench.door import Door

    waits = {desk: desk.refusals() for desk in desks}
    for desk, refusals in waits.items():
        if Door(desk.office, desk.fund).find(refusals, event_id).ok:
            return desk
    (letter,) = find_waiting([r for refusals in waits.values() for r in refusals], event_id).findings
    raise UsageError(str(letter))


def _desks(office: Office, arguments: argparse.Namespace) -> list[Workbench]:
    """A desk of the fund named, or of every fund whose parameters can be used."""
    from bo_lib.workbench import Workbench

    funds = [office.fund(arguments.fund)] if arguments.fund else office.funds
    return [Workbench(office, fund.id, business_day(office, fund.id, arguments.date)) for fund in funds]


def business_day(office: Office, fund_id: str, said: str | None) -> date:
    """The day asked for, or the last one that was carried for the fund: struck, run, or opened."""
    if said:
        return _day(said)
    facts = [*office.store.facts("nav.struck", stream=fund_id)]
    facts += [f for f in office.store.facts("run", stream="runs") if f.payload.get("fund") == fund_id]
    return max((f.effective_date for f in facts), default=office.fund(fund_id).inception)


def _day(text: str) -> date:
    try:
        return parse_date(text)
    except ValueError as reason:
        raise UsageError(str(reason)) from None


def _show(report: Report, arguments: argparse.Namespace) -> None:
    if arguments.json:
        _tell_json(report.to_dict())
    else:
        _tell(report.to_text(getattr(arguments, "rows", 500)))


def _tell_json(said: Any) -> None:
    _tell(json.dumps(said, indent=1, ensure_ascii=False))


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
