"""NAV errors at the desk: past days struck again as known now, held against what was published and dealt at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from bo_lib import config
from bo_lib.config import ErrorCause, Fund, NavErrorRules
from bo_lib.model import dates
from bo_lib.model.events import Accrual, Capital, Event
from bo_lib.model.findings import Finding, Outcome
from bo_lib.model.money import Rates
from bo_lib.nav import Strike
from bo_lib.nav.errors import ClassDay, Deal, NavError, fees_off, judge
from bo_lib.nav.release import RELEASED
from bo_lib.store import StoredFact
from bo_lib.views.pages.nav_error import error_report
from bo_lib.views.report import Report
from bo_lib.workbench.nav_desk import NavDesk
from bo_lib.workbench.office import Office, release_stream


class Restruck(NamedTuple):
    """A day as published and as struck again from what is known now."""

    day: date
    published: StoredFact
    struck: Strike


def nav_error(
    office: Office, fund_id: str, first: date, last: date, *, cause: ErrorCause = "valuation", known_at: str = ""
) -> tuple[NavError, Report]:
    """Strikes every day from ``first`` to ``last`` again and sizes what was wrong.

    ``known_at``: what counts as right, as known then (default: now). Raises ``ParameterError`` when a day has no NAV, or the
    domicile no rule.
    """
    fund = office.fund(fund_id)
    rule = config.load(office.root / "parameters" / "rules" / "nav_errors.yaml", NavErrorRules).of(fund.domicile, fund.kind, last)
    if rule is None:
        raise config.ParameterError(f"parameters/rules/nav_errors.yaml has no rule for {fund.domicile} on {last}: add one")
    again = restruck(office, fund_id, first, last, known_at)
    deals = [deal for day in again.value for deal in _deals(office, fund, day, known_at)]
    rates = again.value[-1].struck.rates if again.value else Rates({}, fund.base_currency)
    error = judge([x for day in again.value for x in _class_days(fund, day)], deals, rule, cause, rates)
    booked = NavDesk(office, fund_id, last, known_at).known.standing(Accrual)
    fees = fees_off(
        [a for a in booked if first <= a.effective_date <= last and a.event_id.startswith(f"{fund_id}:accrual:")],
        [a for day in again.value for a in day.struck.accruals],
    )
    return error, error_report(error, fees, fund, first, last, again.findings)


def restruck(office: Office, fund_id: str, first: date, last: date, known_at: str = "") -> Outcome[list[Restruck]]:
    """The days struck again one after the other, each from the one before; nothing is written."""
    days = dates.business_days(first, last, office.fund(fund_id).calendar)
    if not days:
        raise config.ParameterError(f"no business day of {fund_id} from {first} to {last}")
    published = _published(office, fund_id, days)
    own = [f"{fund_id}:accrual:{day}:" for day in days]
    state = NavDesk(office, fund_id, days[0], known_at).previous()
    accruals: list[Event] = []
    made: list[Restruck] = []
    findings: list[Finding] = list(state.findings)
    for day in days:
        desk = NavDesk(office, fund_id, day, known_at)
        desk.done["previous",] = state
        desk.done["book_to_strike",] = desk.locked.book(without=own, plus=accruals).value
        struck = desk.struck()
        findings += struck.findings
        made.append(Restruck(day, published[day], struck.value))
        state = Outcome(struck.value.state)
        accruals += [*struck.value.accruals, *struck.value.exchanges]
    return Outcome(made, tuple(dict.fromkeys(findings)))


def _published(office: Office, fund_id: str, days: Sequence[date]) -> Mapping[date, StoredFact]:
    """The NAV of each day as released; without a release the one that the day after was struck from."""
    struck = office.store.facts("nav.struck", stream=fund_id)
    released = {f.effective_date: f for f in office.store.facts(RELEASED, stream=release_stream(fund_id))}
    found = {}
    for day in days:
        later = min((f.known_at for f in struck if f.effective_date > day), default="")
        of_day = [f for f in struck if f.effective_date == day and (not later or f.known_at <= later)]
        of_day += [released[day]] if day in released else []
        if not of_day:
            raise config.ParameterError(f"{fund_id} has no NAV of {day} that could be wrong: bo run nav_strike strikes it first")
        found[day] = of_day[-1]
    return found


def _class_days(fund: Fund, day: Restruck) -> Iterator[ClassDay]:
    """Classes with units on the day; the published NAV unrounded where class and fund have one currency."""
    for c in day.published.payload["classes"]:
        row = day.struck.rows.get(c["id"])
        if not row or not row["units"] or not c["nav_per_unit"]:
            continue
        rate = day.struck.rates.rate(fund.base_currency, row["currency"])
        exact = Decimal(c["net_assets"]) * rate / Decimal(c["units"]) if Decimal(c["units"]) else Decimal(c["nav_per_unit"])
        published = exact if row["currency"] == fund.base_currency else Decimal(c["nav_per_unit"])
        decimals = fund.on(day.day).share_class(c["id"]).nav_decimals
        yield ClassDay(
            day.day, c["id"], row["currency"], published, row["net_assets"] * rate / row["units"], row["units"], decimals
        )


def _deals(office: Office, fund: Fund, day: Restruck, known_at: str) -> Iterator[Deal]:
    """What was dealt at the NAV of the day: capital of the next business day."""
    next_day = dates.add_business_days(day.day, 1, fund.calendar)
    nav = {c["id"]: Decimal(c["nav_per_unit"] or 0) for c in day.published.payload["classes"]}
    dealt_at = {c["id"]: Decimal(c.get("dealing_price") or 0) for c in day.published.payload["classes"]}
    for e in NavDesk(office, fund.id, next_day, known_at).known.standing(Capital):
        if e.effective_date == next_day and e.action in ("SUBSCRIBE", "REDEEM") and e.units and nav.get(e.share_class):
            price = dealt_at[e.share_class] or e.amount / e.units
            swing = _swing(fund, day.day, price / nav[e.share_class])
            yield Deal(day.day, e.order_id, e.investor, e.share_class, e.action, e.units, e.amount, e.currency, swing)


def _swing(fund: Fund, day: date, ratio: Decimal) -> Decimal:
    """Price over NAV as the terms allow it, nearest to what was paid (units are rounded)."""
    s = fund.on(day).swing
    factor = s.factor_bps / 10000 if s and s.style == "swing" else Decimal(0)
    return min((Decimal(1), 1 + factor, 1 - factor), key=lambda allowed: abs(allowed - ratio))
