"""NAV errors: what was published held against what is right as known now, who dealt at it, and what is paid to whom.

An error harms by dealing. Who bought too dear or sold too cheap lost to the fund; who bought too cheap or sold too dear gained
from it, at the cost of those who stayed. Gains are not taken back from investors: who caused the error makes the fund whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any, NamedTuple

import pyarrow as pa

from bo_lib.config import ErrorCause, NavErrorRule
from bo_lib.model.events import Accrual
from bo_lib.model.money import ZERO, Rates, round_money, round_to
from bo_lib.model.tables import AMOUNT, DATE, FLAG, PRICE, QUANTITY, RATE, TEXT, Column, Table, built

ERROR_DAYS = Table("nav_error_days", "published against right NAV per unit", ("day", "share_class"), (
    Column("day", DATE, "day of the NAV", True),
    Column("share_class", TEXT, "class or series", True),
    Column("currency", TEXT, "ISO 4217 of both", True),
    Column("published", PRICE, "NAV per unit as published", True),
    Column("right_nav", PRICE, "NAV per unit as it should have been, earlier dealing put right", True),
    Column("difference", PRICE, "published less right: positive is overstated", True),
    Column("difference_pct", RATE, "of the right NAV", True),
    Column("threshold", TEXT, "from which size on the error is material", True),
    Column("material", FLAG, "reached the threshold", True),
))  # fmt: skip

ERROR_DEALS = Table("nav_error_deals", "what was dealt at a wrong NAV", ("order_id",), (
    Column("day", DATE, "dealing day", True),
    Column("order_id", TEXT, "the order's reference", True),
    Column("investor", TEXT, "register account", True),
    Column("share_class", TEXT, "class or series", True),
    Column("action", TEXT, "SUBSCRIBE or REDEEM", True),
    Column("units", QUANTITY, "units dealt", True),
    Column("amount", AMOUNT, "money paid or received, class currency", True),
    Column("right_amount", AMOUNT, "what the same units were worth at the right NAV", True),
    Column("investor_gain", AMOUNT, "of the investor, at the cost of the fund; negative: the investor's loss", True),
    Column("currency", TEXT, "ISO 4217", True),
    Column("material", FLAG, "dealt at a NAV with a material error", True),
))  # fmt: skip

COMPENSATION = Table("nav_error_compensation", "what is to be paid", ("payee", "share_class"), (
    Column("payee", TEXT, "an investor, or the fund", True),
    Column("share_class", TEXT, "class or series", True),
    Column("amount", AMOUNT, "to be paid, class currency", True),
    Column("currency", TEXT, "ISO 4217", True),
    Column("payer", TEXT, "who pays", True),
    Column("says", TEXT, "why", True),
))  # fmt: skip

ERROR_FEES = Table("nav_error_fees", "fees accrued on a wrong NAV", ("name", "share_class"), (
    Column("name", TEXT, "fee or expense", True),
    Column("share_class", TEXT, "class, where the fee is of one"),
    Column("booked", AMOUNT, "accrued in the period, base currency", True),
    Column("right_fee", AMOUNT, "as it should have been", True),
    Column("overpaid", AMOUNT, "booked less right; negative: too little", True),
))  # fmt: skip

THE_FUND, RESPONSIBLE = "the fund", "who caused the error"


class ClassDay(NamedTuple):
    """NAV per unit of a class on a day, unrounded: as published, and as struck again. ``units`` in issue in both."""

    day: date
    share_class: str
    currency: str
    published: Decimal
    struck_again: Decimal
    units: Decimal
    decimals: int


class Deal(NamedTuple):
    """Units dealt at the NAV of ``day``; ``swing``: price over NAV per unit, 1 when it was not swung."""

    day: date
    order_id: str
    investor: str
    share_class: str
    action: str
    units: Decimal
    amount: Decimal
    currency: str
    swing: Decimal = Decimal(1)


@dataclass(frozen=True)
class NavError:
    """``days`` (ERROR_DAYS), ``deals`` (ERROR_DEALS), ``compensation`` (COMPENSATION)."""

    rule: NavErrorRule
    cause: ErrorCause
    days: pa.Table
    deals: pa.Table
    compensation: pa.Table

    @cached_property
    def material_days(self) -> list[date]:
        return sorted({row["day"] for row in self.days.to_pylist() if row["material"]})

    @property
    def worst_pct(self) -> Decimal:
        """The largest error in percent, without sign."""
        return max((abs(row["difference_pct"]) for row in self.days.to_pylist()), default=ZERO)

    def due_to(self, payee: str) -> dict[str, Decimal]:
        """All that is to be paid to the fund or an investor, by currency."""
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for row in self.compensation.to_pylist():
            if row["payee"] == payee:
                sums[row["currency"]] += row["amount"]
        return dict(sums)


def judge(days: Iterable[ClassDay], deals: Sequence[Deal], rule: NavErrorRule, cause: ErrorCause, rates: Rates) -> NavError:
    """Sizes an error and says who is owed what.

    ``days``: every class on every day of the period, also where nothing differs. What the fund gained or lost by earlier dealing
    at wrong prices is put right in the NAV of the days after. ``rates``: to hold a de minimis against class currencies.
    """
    rows, said, fund_gain = [], [], defaultdict[str, Decimal](Decimal)
    for d in sorted(days):
        right = d.struck_again - (fund_gain[d.share_class] / d.units if d.units else ZERO)
        row = _day(d, right, rule, cause)
        rows.append(row)
        for deal in (x for x in deals if (x.day, x.share_class) == (d.day, d.share_class)):
            price = round_to(right, d.decimals) * deal.swing
            worth = deal.amount if not row["difference"] else round_money(deal.units * price, deal.currency)
            gain = worth - deal.amount if deal.action == "SUBSCRIBE" else deal.amount - worth
            fund_gain[d.share_class] -= gain
            kept = {name: getattr(deal, name) for name in deal._fields if name != "swing"}
            said.append({**kept, "right_amount": worth, "investor_gain": gain, "material": row["material"]})
    dealt = [r for r in said if r["investor_gain"]]
    pay = _compensation(dealt, rows, rule, cause, rates)
    return NavError(rule, cause, built(ERROR_DAYS, rows), built(ERROR_DEALS, dealt), built(COMPENSATION, pay))


def fees_off(booked: Iterable[Accrual], right: Iterable[Accrual]) -> pa.Table:
    """Table ERROR_FEES: accruals that are not what they should be, by fee and class."""
    sums: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    for n, accruals in enumerate((booked, right)):
        for a in accruals:
            sums[a.name, a.share_class][n] += a.amount
    return built(ERROR_FEES, (
        {"name": name, "share_class": c or None, "booked": was, "right_fee": due, "overpaid": was - due}
        for (name, c), (was, due) in sorted(sums.items()) if was != due
    ))  # fmt: skip


def _day(d: ClassDay, right: Decimal, rule: NavErrorRule, cause: ErrorCause) -> dict[str, Any]:
    least, published, right_nav = Decimal(1).scaleb(-d.decimals), round_to(d.published, d.decimals), round_to(right, d.decimals)
    unrounded = d.published - right if rule.per_unit or published != right_nav else ZERO
    pct = unrounded / right * 100 if right else ZERO
    if cause in rule.always:
        threshold, material = "none", published != right_nav
    elif rule.per_unit:
        threshold, material = f"{least:f} a unit", abs(unrounded) >= least
    else:
        threshold, material = f"{rule.threshold_pct.normalize():f}%", abs(pct) >= rule.threshold_pct and bool(unrounded)
    return {
        "day": d.day, "share_class": d.share_class, "currency": d.currency, "published": published, "right_nav": right_nav,
        "difference": published - right_nav, "difference_pct": round_to(pct, 6), "threshold": threshold, "material": material,
    }  # fmt: skip


def _compensation(
    dealt: Sequence[dict[str, Any]], days: Sequence[dict[str, Any]], rule: NavErrorRule, cause: ErrorCause, rates: Rates
) -> list[dict[str, Any]]:
    size = {(r["day"], r["share_class"]): abs(r["difference_pct"]) for r in days}
    fund: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    investors: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for r in dealt:
        if r["investor_gain"] > 0 and (r["material"] or cause in rule.fund_always):
            fund[r["share_class"], r["currency"]] += r["investor_gain"]
        if r["investor_gain"] < 0 and r["material"] and size[r["day"], r["share_class"]] >= rule.investors_pct:
            investors[r["investor"], r["share_class"], r["currency"]] -= r["investor_gain"]
    made = [
        {"payee": THE_FUND, "share_class": c, "amount": amount, "currency": currency, "payer": RESPONSIBLE,
         "says": "investors dealt to their gain at the cost of the others"}
        for (c, currency), amount in sorted(fund.items())
    ]  # fmt: skip
    for (investor, c, currency), amount in sorted(investors.items()):
        if not _is_small(amount, currency, rule, rates):
            made.append({"payee": investor, "share_class": c, "amount": amount, "currency": currency, "payer": THE_FUND,
                         "says": "bought too dear or sold too cheap: the fund holds what it gained"})  # fmt: skip
    return made


def _is_small(amount: Decimal, currency: str, rule: NavErrorRule, rates: Rates) -> bool:
    """Below the de minimis; where there is no rate for its currency nothing is too small."""
    there = rule.de_minimis_currency
    known = there == currency or (there in rates and currency in rates)
    return bool(rule.de_minimis) and known and rates.convert(amount, currency, there) < rule.de_minimis
