"""Who owes which filing, for which period, by when. Frequencies, deadlines and thresholds are dated parameters, never code."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, timedelta

import pyarrow as pa

from bo_lib.config import Filing, Filings, Fund
from bo_lib.model import dates
from bo_lib.model.tables import COUNT, DATE, TEXT, Column, Table

MONTHS = {"monthly": 1, "quarterly": 3, "yearly": 12}
DUE_SOON_DAYS = 14

OBLIGATIONS = Table("filing_obligations", "filings owed", ("fund", "form", "period_end"), (
    Column("fund", TEXT, "fund", True),
    Column("form", TEXT, "form", True),
    Column("title", TEXT, "what it is", True),
    Column("period_start", DATE, "first day of the period", True),
    Column("period_end", DATE, "last day of the period", True),
    Column("due", DATE, "last day to file, on a business day", True),
    Column("state", TEXT, "done, overdue, due_soon (within 14 days), open (the period has ended) or later", True),
    Column("days_left", COUNT, "calendar days to the due date, negative when past", True),
    Column("source", TEXT, "the rule", True),
))  # fmt: skip


def period_ends(frequency: str, first: date, last: date) -> Iterator[date]:
    """Ends of calendar months, quarters or years from ``first`` to ``last``, both included."""
    day = dates.month_end(first)
    while day <= last:
        if day.month % MONTHS[frequency] == 0:
            yield day
        day = dates.month_end(day + timedelta(days=1))


def period_start(frequency: str, end: date) -> date:
    months = end.year * 12 + end.month - MONTHS[frequency]
    return date(months // 12, months % 12 + 1, 1)


def due_date(filing: Filing, period_end: date, calendar: str) -> date:
    """Last day to file for the period: calendar or business days after its end; a day on which nobody works rolls to the next."""
    if filing.day_kind == "business":
        return dates.add_business_days(period_end, filing.due_days, calendar)
    return dates.add_business_days(period_end + timedelta(days=filing.due_days), 0, calendar)


def obligations(
    fund: Fund, filings: Filings, first: date, last: date, *, today: date, done: Collection[tuple[str, date]] = ()
) -> pa.Table:
    """Table OBLIGATIONS: filings of ``fund`` that fall due from ``first`` to ``last``, by due date.

    done: (form, period end) of filings that were made. A filing applies to kinds of funds or to a fund by its id; the row in
    force at the end of the period counts, and periods before the fund's inception owe nothing.
    """
    rows = [
        _row(fund, filing, end, today, (filing.form, end) in done)
        for filing in filings.filings if fund.kind in filing.applies_to or fund.id in filing.applies_to
        for end in period_ends(filing.frequency, max(filing.start, fund.inception), last)
        if filing.until is None or end <= filing.until
        if first <= due_date(filing, end, fund.calendar) <= last
    ]  # fmt: skip
    return pa.Table.from_pylist(sorted(rows, key=lambda r: (r["due"], r["form"])), schema=OBLIGATIONS.schema)


def _row(fund: Fund, filing: Filing, end: date, today: date, is_done: bool) -> dict[str, object]:
    due = due_date(filing, end, fund.calendar)
    left = (due - today).days
    state = (
        "done"
        if is_done
        else "overdue"
        if left < 0
        else "later"
        if end >= today
        else "due_soon"
        if left <= DUE_SOON_DAYS
        else "open"
    )
    return {
        "fund": fund.id, "form": filing.form, "title": filing.title, "period_start": period_start(filing.frequency, end),
        "period_end": end, "due": due, "state": state, "days_left": left, "source": filing.source,
    }  # fmt: skip
