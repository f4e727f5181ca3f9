"""Validation of investors' orders: who may deal, at which day's NAV, and which orders are refused with the reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from bo_lib.config import Dealing, Fund
from bo_lib.investors.register import Register
from bo_lib.investors.tables import ACCEPTED, REFUSED
from bo_lib.model.dates import add_business_days, business_days_after, is_business_day, is_last_business_day_of_month
from bo_lib.model.findings import Finding, Outcome, Place, error, info, warning
from bo_lib.model.money import ZERO
from bo_lib.model.tables import built

KINDS = ("SUBSCRIBE", "REDEEM", "CALL")
CALL_NOTICE_BUSINESS_DAYS = 10  # ILPA: at least ten business days to respond to a call


@dataclass(frozen=True)
class Orders:
    """``accepted`` deal today (table ACCEPTED), ``waiting`` on a later dealing day, ``refused`` (REFUSED) never."""

    accepted: pa.Table
    waiting: pa.Table
    refused: pa.Table

    def flows(self) -> list[tuple[str, Decimal, Decimal]]:
        """(class, money, units) of the accepted orders, for the swing: redemptions negative; calls are no dealing flow."""
        signs = {"SUBSCRIBE": 1, "REDEEM": -1}
        return [
            (o["share_class"], sign * (o["amount"] or ZERO), sign * (o["units"] or ZERO))
            for o in self.accepted.to_pylist() if (sign := signs.get(o["kind"], 0))
        ]  # fmt: skip


def is_dealing_day(fund: Fund, day: date) -> bool:
    dealing = fund.on(day).dealing
    if dealing.frequency == "monthly":
        return is_last_business_day_of_month(day, fund.calendar)
    return dealing.frequency == "daily" and is_business_day(day, fund.calendar)


def next_dealing_day(fund: Fund, day: date) -> date | None:
    """The first dealing day on or after ``day``; None when the fund does not deal."""
    if fund.on(day).dealing.frequency == "none":
        return None
    return next(d for d in (day + timedelta(days=n) for n in range(70)) if is_dealing_day(fund, d))


def dealing_day(order: dict[str, Any], fund: Fund, received: datetime) -> date | None:
    """The day whose NAV an order deals at: the one asked for, or the first after it that the cut-off still allows.

    The cut-off is a wall-clock time in the dealing timezone. A call deals on the day of its notice.
    """
    local = received.astimezone(ZoneInfo(fund.on(received.date()).dealing.timezone))
    if order["kind"] == "CALL":
        return local.date()
    day = next_dealing_day(fund, max(order["dealing_date"] or local.date(), local.date()))
    if day is not None and local > datetime.combine(day, fund.on(day).dealing.cut_off, local.tzinfo):
        return next_dealing_day(fund, day + timedelta(days=1))
    return day


def validate(orders: pa.Table, fund: Fund, register: Register, day: date, *, dealt: Collection[str] = ()) -> Outcome[Orders]:
    """Sorts ``orders`` (table ORDERS, of the day and earlier ones not yet dealt) into accepted, waiting and refused on ``day``.

    ``dealt``: references of orders dealt or refused before, left alone when they stand in the table again. Orders are taken in
    the order received, so of two redemptions that together pass the holding the later is refused. Each refusal is a warning.
    """
    return _Validation(fund, register, day, frozenset(dealt)).run(orders)


class _Validation:
    def __init__(self, fund: Fund, register: Register, day: date, dealt: frozenset[str]) -> None:
        self.fund, self.register, self.day, self.dealt = fund, register, day, dealt
        self.terms = fund.on(day)
        self.investors = {i.id: i for i in fund.investors}
        self.classes = {c.id: c for c in self.terms.classes}
        self.taken: dict[tuple[str, str], Decimal] = defaultdict(Decimal)  # units redeemed, money called, by accepted orders
        self.seen: dict[str, dict[str, Any]] = {}
        self.findings: list[Finding] = []

    def run(self, orders: pa.Table) -> Outcome[Orders]:
        accepted, waiting, refused = [], [], []
        for order in sorted(orders.to_pylist(), key=lambda o: (o["received"], o["order_id"])):
            finding, deals_on = self._one(order)
            if finding:
                self.findings.append(finding)
                if finding.code != "order-again":
                    refused.append({**order, "reason": finding.code, "says": finding.message})
            elif deals_on is None or deals_on > self.day:
                waiting.append({**order, "deals_on": deals_on})
                self.findings.append(info("order-later", f"order {order['order_id']} deals on {deals_on}", _place(order)))
            elif deals_on == self.day:
                accepted.append({**order, "deals_on": deals_on})
                self._take(order)
            else:
                finding = self._missed(order, deals_on)
                self.findings.append(finding)
                refused.append({**order, "reason": finding.code, "says": finding.message})
        made = Orders(built(ACCEPTED, accepted), built(ACCEPTED, waiting), built(REFUSED, refused))
        return Outcome(made, tuple(self.findings))

    def _one(self, order: dict[str, Any]) -> tuple[Finding | None, date | None]:
        """The first check that refuses an order, or the day it deals on."""
        if order["order_id"] in self.dealt:
            return info("order-again", f"order {order['order_id']} has been dealt", _place(order)), None
        if finding := self._twice(order):
            return finding, None
        received = _moment(order["received"])
        if received is None:
            expected = "ISO 8601 with an offset, such as 2026-06-30T11:15:00+02:00"
            return _refuse(order, "order-time", "its time of receipt has no offset", "received", expected), None
        for check in CHECKS:
            if finding := check(self, order):
                return finding, None
        deals_on = dealing_day(order, self.fund, received)
        if deals_on == self.day:
            for check in DEALING_CHECKS:
                if finding := check(self, order):
                    return finding, None
        return None, deals_on

    def _twice(self, order: dict[str, Any]) -> Finding | None:
        known = self.seen.setdefault(order["order_id"], order)
        if known is order:
            return None
        same = {k: v for k, v in known.items() if k not in ("file", "at")} == {
            k: v for k, v in order.items() if k not in ("file", "at")
        }
        if same:
            return info("order-again", f"order {order['order_id']} stands twice and counts once", _place(order))
        return _refuse(order, "order-duplicate", "another order has this reference", "order_id", "a reference of its own")

    def _take(self, order: dict[str, Any]) -> None:
        if order["kind"] == "REDEEM":
            self.taken[order["investor"], order["share_class"]] += order["units"] or ZERO
        if order["kind"] == "CALL":
            self.taken[order["investor"], "CALL"] += order["amount"]

    def _missed(self, order: dict[str, Any], deals_on: date) -> Finding:
        said = f"order {order['order_id']} should have dealt at the NAV of {deals_on} and did not"
        return error(
            "order-missed",
            said,
            _place(order),
            todo="deal it as of that day; a missed cut-off has no tolerance (CSSF circular 24/856)",
        )

    # Checks: each refuses an order or lets it pass.

    def known_fund(self, order: dict[str, Any]) -> Finding | None:
        return (
            None if order["fund"] == self.fund.id else _refuse(order, "order-fund", "it is for another fund", "fund", self.fund.id)
        )

    def known_investor(self, order: dict[str, Any]) -> Finding | None:
        if order["investor"] in self.investors:
            return None
        return _refuse(order, "investor-unknown", "its investor is not in the register", "investor", "an investor of the fund")

    def cleared_investor(self, order: dict[str, Any]) -> Finding | None:
        if self.investors[order["investor"]].cleared:
            return None
        return _refuse(order, "investor-uncleared", "its investor has not passed identity checks", "investor", "a cleared investor")

    def known_class(self, order: dict[str, Any]) -> Finding | None:
        if order["share_class"] in self.classes:
            return None
        return _refuse(order, "class-unknown", "the fund has no such class", "share_class", ", ".join(self.classes))

    def known_kind(self, order: dict[str, Any]) -> Finding | None:
        closed = self.terms.dealing.frequency == "none"
        if order["kind"] in (("CALL",) if closed else ("SUBSCRIBE", "REDEEM")):
            return None
        return _refuse(order, "order-kind", "the fund does not deal that way", "kind", "CALL" if closed else "SUBSCRIBE or REDEEM")

    def one_size(self, order: dict[str, Any]) -> Finding | None:
        amount, units = order["amount"] or ZERO, order["units"] or ZERO
        if min(amount, units) == 0 and max(amount, units) > 0:
            return None
        return _refuse(order, "order-size", "it needs an amount or units, one of them, positive", "amount", "an amount or units")

    def class_currency(self, order: dict[str, Any]) -> Finding | None:
        currency = self.classes[order["share_class"]].currency
        return (
            None
            if order["currency"] == currency
            else _refuse(order, "order-currency", "not the currency of the class", "currency", currency)
        )

    def minimum_first(self, order: dict[str, Any]) -> Finding | None:
        """The first subscription of an investor in the class (in the fund, where every month is a new series)."""
        dealing = self.terms.dealing
        if (
            order["kind"] != "SUBSCRIBE"
            or order["units"]
            or order["amount"] >= dealing.minimum_first
            or self._holds(order, dealing)
        ):
            return None
        return _refuse(
            order,
            "order-below-minimum",
            "it is a first subscription below the minimum",
            "amount",
            f"at least {dealing.minimum_first}",
        )

    def _holds(self, order: dict[str, Any], dealing: Dealing) -> bool:
        names = [order["share_class"]] if not dealing.new_series else list(self.classes)
        return any(self.register.units(order["investor"], name, self.day) > 0 for name in names)

    def within_holding(self, order: dict[str, Any]) -> Finding | None:
        if order["kind"] != "REDEEM":
            return None
        key = (order["investor"], order["share_class"])
        free = self.register.free_units(*key, self.day) - self.taken[key]
        if free > 0 and (order["units"] or ZERO) <= free:
            return None
        return _refuse(order, "order-beyond-holding", "it redeems more than is held", "units", f"at most {free.normalize():f}")

    def within_commitment(self, order: dict[str, Any]) -> Finding | None:
        if order["kind"] != "CALL":
            return None
        whole = self.investors[order["investor"]].commitment
        free = whole - self.register.called(order["investor"], date.max) - self.taken[order["investor"], "CALL"]
        if (
            order["dealing_date"]
            and business_days_after(self.day, order["dealing_date"], self.fund.calendar) < CALL_NOTICE_BUSINESS_DAYS
        ):
            said = f"call {order['order_id']} gives less than {CALL_NOTICE_BUSINESS_DAYS} business days"
            self.findings.append(warning("call-notice-short", said, _place(order), todo="agree a later date"))
        if order["amount"] <= free:
            return None
        return _refuse(order, "call-beyond-commitment", "it calls more than is unfunded", "amount", f"at most {free.normalize():f}")


Check = Callable[[_Validation, dict[str, Any]], Finding | None]
# Checks that hold whatever the day; a further check is a further row.
CHECKS: tuple[Check, ...] = (
    _Validation.known_fund, _Validation.known_investor, _Validation.cleared_investor, _Validation.known_class,
    _Validation.known_kind, _Validation.one_size, _Validation.class_currency,
)  # fmt: skip
# Checks against what is held on the dealing day.
DEALING_CHECKS: tuple[Check, ...] = (_Validation.minimum_first, _Validation.within_holding, _Validation.within_commitment)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _place(order: dict[str, Any], at: str = "") -> Place:
    return Place(file=f"order {order['order_id']}", at=order["at"] or "", field=at, sha256=order["file"] or "")


def _refuse(order: dict[str, Any], code: str, why: str, at: str, expected: str) -> Finding:
    said = f"order {order['order_id']} of {order['investor']} is refused: {why}"
    return warning(code, said, _place(order, at), found=str(order[at]), expected=expected, todo="tell the investor")


def settlement_date(fund: Fund, day: date) -> date:
    """Cash of orders dealt on ``day``."""
    return add_business_days(day, fund.on(day).dealing.settlement_days, fund.calendar)
