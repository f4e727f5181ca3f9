"""``bo prices`` and ``bo nav-error``: from parsed arguments to an exit code."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from bo_lib.model.money import decimal_from
from bo_lib.run.breaks import _VERDICTS, _date
from bo_lib.run.errors import UsageError

if TYPE_CHECKING:
    from bo_lib.nav.price_history import Quote
    from bo_lib.views.report import Report
    from bo_lib.workbench import Workbench
    from bo_lib.workbench.office import Office

HISTORY_COLUMNS = ("Close", "Dividends", "Stock Splits", "Adj Close", "Capital Gains")


def prices(office: Callable[[], Office], arguments: argparse.Namespace) -> int:
    """Histories in files need no firm; everything else opens it."""
    if arguments.decision == "check":
        from bo_lib.views.pages.prices import history_report

        return _shown(history_report({file.name: read_history(file) for file in arguments.files}), arguments.json)
    return _decided(office(), arguments)


def read_history(file: Path) -> Sequence[Quote]:
    """A price history from CSV; rows without a close are days without a price. Raises ``UsageError``."""
    from bo_lib.nav.price_history import Quote

    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            rows = [row for row in csv.DictReader(lines) if row["Close"]]
        figures = ([float(row.get(name) or 0) for name in HISTORY_COLUMNS] for row in rows)
        days = (date.fromisoformat((row.get("Date") or row["Datetime"])[:10]) for row in rows)
        return sorted(Quote(day, *said) for day, said in zip(days, figures, strict=True))
    except (OSError, KeyError, ValueError) as reason:
        raise UsageError(f"{file}: not a price history: {reason!r}; expected columns Date and Close, dates as 2026-06-30") from None


def _decided(office: Office, arguments: argparse.Namespace) -> int:
    desk = _desk(office, arguments)
    acts: Mapping[str | None, Callable[[], Report]] = {
        None: lambda: desk.prices_listed(desk.priced().value.table),
        "challenge": lambda: desk.challenge_price(arguments.isin, arguments.text, arguments.file),
        "override": lambda: desk.override_price(
            arguments.isin, _price(arguments.price), _date(arguments.until), arguments.text, arguments.file
        ),
        "approve": lambda: desk.approve_price(arguments.isin, arguments.text),
        "reject": lambda: desk.reject_price(arguments.isin, arguments.text),
    }  # fmt: skip
    return _shown(acts[arguments.decision](), arguments.json)


def nav_error(office: Office, arguments: argparse.Namespace) -> int:
    from bo_lib.workbench.nav_errors import nav_error as size

    first, last = _date(arguments.first), _date(arguments.last)
    if first > last:
        raise UsageError(f"--from {first} is after --to {last}")
    fund = office.fund(arguments.fund).id
    _, report = size(office, fund, first, last, cause=arguments.cause, known_at=arguments.known_at)
    if arguments.out:
        arguments.out.write_text(report.to_html(), "utf-8")
    return _shown(report, arguments.json)


def _shown(report: Report, as_json: bool) -> int:
    text = json.dumps(report.to_dict(), indent=1, ensure_ascii=False) if as_json else report.to_text(200)
    sys.stdout.write(f"{text}\n")
    return _VERDICTS[report.verdict]


def _desk(office: Office, arguments: argparse.Namespace) -> Workbench:
    from bo_lib.workbench import Workbench

    fund = _fund(office, arguments.fund)
    if arguments.date:
        return Workbench(office, fund, _date(arguments.date))
    struck = [f.effective_date for f in office.store.facts("nav.struck", stream=fund)]
    if not struck:
        raise UsageError(f"{fund} has no NAV yet, so there is no last business date; name one with --date")
    return Workbench(office, fund, max(struck))


def _fund(office: Office, named: str | None) -> str:
    if not named and len(office.firm.funds) != 1:
        raise UsageError(f"name the fund with --fund: {', '.join(office.firm.funds)}")
    return office.fund(named or office.firm.funds[0]).id


def _price(text: str) -> Decimal:
    try:
        return decimal_from(text.replace(",", "."))
    except ValueError as reason:
        raise UsageError(f"--price {text}: {reason}") from None
