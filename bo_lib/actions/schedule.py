"""Dates ahead: deadlines, ex and payment dates, and the coupons that bonds owe by their own terms."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bo_lib.actions.entitle import held_by_isin
from bo_lib.actions.golden import GoldenEvent
from bo_lib.actions.tables import COUPONS_DUE, UPCOMING
from bo_lib.model.dates import CURRENCY_CALENDAR, add_business_days, ex_interest_date
from bo_lib.model.findings import Finding, Outcome, Place, warning
from bo_lib.model.money import ZERO, plain, round_to

_ORDER = ("deadline", "ex", "payment")


def upcoming(golden: Iterable[GoldenEvent], day: date, horizon_days: int = 10, *, positions: pa.Table | None = None) -> pa.Table:
    """Table UPCOMING from ``day`` to ``horizon_days`` later: nearest first, on one day deadlines before ex and payment dates.

    With ``positions`` only what is held.
    """
    held = held_by_isin(positions) if positions is not None else None
    last, rows = day + timedelta(days=horizon_days), []
    for event in golden:
        quantity = sum(held.get(event.isin, {}).values(), ZERO) if held is not None else None
        if event.status == "cancelled" or quantity == 0:
            continue
        dates = {"deadline": event.deadline, "ex": event.ex_date, "payment": event.payment_date}
        rows += [_row(event, what, when, day, quantity) for what, when in dates.items() if when and day <= when <= last]
    rows.sort(key=lambda row: (row["day"], _ORDER.index(row["what"]), row["ref"]))
    return UPCOMING.build(rows).value


def _row(event: GoldenEvent, what: str, when: date, day: date, quantity: Decimal | None) -> dict[str, Any]:
    default = next((option.type for option in event.options if option.default), None)
    return {
        "day": when, "days_left": (when - day).days, "what": what, "ref": event.ref, "caev": event.caev, "isin": event.isin,
        "held": quantity, "to_decide": event.camv in ("CHOS", "VOLU") and what == "deadline", "default": default,
        "open_questions": len(event.differences) + len(event.missing),
    }  # fmt: skip


def coupons_due(instruments: pa.Table, first: date, last: date) -> pa.Table:
    """Table COUPONS_DUE from ``first`` to ``last`` (coupon dates, both included), from table INSTRUMENTS.

    Coupon dates run back from maturity in whole months, unadjusted; payment on the next business day of the currency; the ex date
    is ``ex_interest_date``.
    """
    rows = []
    for bond in instruments.to_pylist():
        if not (bond["maturity"] and bond["coupon_pct"] and bond["coupons_per_year"]) or 12 % bond["coupons_per_year"]:
            continue
        months = 12 // bond["coupons_per_year"]
        for due, before in _coupon_dates(bond["maturity"], months, max(first, bond["issued"] or first)):
            if first <= due <= last and due != bond["issued"]:
                rows.append({
                    "isin": bond["isin"], "due": due, "currency": bond["currency"],
                    "ex_date": ex_interest_date(due, bond["ex_dividend_days"] or 0, bond["currency"]),
                    "payment_date": add_business_days(due, 0, CURRENCY_CALENDAR.get(bond["currency"], "TARGET")),
                    "rate_pct_of_nominal": round_to(bond["coupon_pct"] / bond["coupons_per_year"], 18),
                    "regular": bond["issued"] is None or bond["issued"] <= before,
                })  # fmt: skip
    return COUPONS_DUE.build(sorted(rows, key=lambda row: (row["due"], row["isin"]))).value


def _coupon_dates(maturity: date, months: int, first: date) -> Iterator[tuple[date, date]]:
    """(coupon date, the one before) back from maturity, as long as they are not before ``first``."""
    number, due = 0, maturity
    while due >= first:
        number += 1
        before = _months_before(maturity, number * months)
        yield due, before
        due = before


def _months_before(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def by_terms(golden: Sequence[GoldenEvent], instruments: pa.Table, within_days: int = 5) -> Outcome[list[GoldenEvent]]:
    """The same events, interest counting from the ex date of the bond's own terms (table INSTRUMENTS), as accrued interest does.

    An announced ex date is one of trading, and a day or two before. Findings: one further away, such as that of a gilt whose terms
    lack its ex-dividend days; and interest that no terms explain, which counts from its payment date.
    """
    known: list[GoldenEvent] = list(golden)
    findings: list[Finding] = []
    dates = [event.payment_date for event in golden if event.caev == "INTR" and event.payment_date]
    first, last = (day + timedelta(days=n) for day, n in ((min(dates), -30), (max(dates), 1))) if dates else (date.max, date.min)
    due: dict[str, list[dict[str, Any]]] = {}
    for coupon in coupons_due(instruments, first, last).to_pylist():
        due.setdefault(coupon["isin"], []).append(coupon)
    for n, event in enumerate(golden):
        if event.caev == "INTR" and event.status == "active" and event.payment_date:
            near = (c["ex_date"] for c in due.get(event.isin, ()) if _near(event.payment_date, c["payment_date"], within_days))
            known[n] = replace(event, ex_interest=next(near, None))
            findings += _doubts(known[n], within_days)
    return Outcome(known, tuple(findings))


def _doubts(event: GoldenEvent, within_days: int) -> list[Finding]:
    """Letters about interest whose announcement and terms do not fit."""
    if not event.ex_interest:
        said = f"{event.ref}: by its terms {event.isin} pays nothing near {event.payment_date}; counted from that day"
        todo = "complete the security master, and look at the trades that settle around that day"
        return [warning("coupon-not-in-terms", said, Place(event.ref), todo=todo)]
    if event.ex_date and not _near(event.ex_date, event.ex_interest, within_days):
        said = f"{event.ref}: counted from {event.ex_interest}, when by its terms {event.isin} settles without it"
        told = {"found": f"announced ex date {event.ex_date}", "todo": "check the ex-dividend days of the security master"}
        return [warning("coupon-ex-date-differs", said, Place(event.ref, field="ex_date"), **told)]
    return []


def unannounced_coupons(due: pa.Table, golden: Sequence[GoldenEvent], positions: pa.Table, within_days: int = 5) -> list[Finding]:
    """A finding for every coupon of a bond held that no sender announced, and for a rate that is not the bond's."""
    held, findings = held_by_isin(positions), []
    interest = [event for event in golden if event.caev == "INTR" and event.status == "active" and event.payment_date]
    for coupon in due.to_pylist():
        if not any(held.get(coupon["isin"], {}).values()):
            continue
        near = [e for e in interest if e.isin == coupon["isin"] and _near(e.payment_date, coupon["payment_date"], within_days)]
        place, name = (
            Place(file=f"INTR:{coupon['isin']}:{coupon['payment_date']}"),
            f"coupon of {coupon['isin']} due {coupon['due']}",
        )
        if not near:
            todo = "ask the custodian; the bond pays by its terms whether announced or not"
            findings.append(warning("coupon-not-announced", f"{name}: nobody announced it", place, todo=todo))
        elif coupon["regular"] and near[0].rate is not None and near[0].rate != round(coupon["rate_pct_of_nominal"], 12):
            said = {
                "found": plain(near[0].rate),
                "expected": plain(coupon["rate_pct_of_nominal"]),
                "todo": "check the security master",
            }
            findings.append(warning("coupon-rate-differs", f"{name}: announced at another rate", place, **said))
    return findings


def _near(one: date | None, other: date, within_days: int) -> bool:
    return one is not None and abs((one - other).days) <= within_days
