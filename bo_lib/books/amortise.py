"""Amortisation by effective interest: one rate from what was paid and what will come, interest on the amount carried.

Times are years (ACT/365F unless given); compounding is yearly. A rate is solved in decimals to 18 digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from bo_lib.books.bonds import accrued_interest, coupon_period
from bo_lib.model.events import Amortisation, Event, Trade
from bo_lib.model.instruments import is_bond
from bo_lib.model.money import ZERO, round_money, round_to

ONE = Decimal(1)
_STEPS = 60
_EXACT = Decimal("1e-20")


class Flow(NamedTuple):
    years: Decimal  # from the day of purchase
    amount: Decimal


class Period(NamedTuple):
    """A row of an amortisation schedule; ``closing`` is what the bond is carried at once ``received`` is in."""

    interest: Decimal
    received: Decimal
    closing: Decimal


def present_value(flows: Iterable[Flow], rate: Decimal) -> Decimal:
    """What ``flows`` are worth at an effective yearly ``rate``."""
    return sum((flow.amount / (ONE + rate) ** flow.years for flow in flows), ZERO)


def effective_rate(paid: Decimal, flows: Sequence[Flow]) -> Decimal:
    """The yearly rate at which ``flows`` are worth ``paid``, by Newton's method. Raises ``ValueError`` when there is none."""
    if paid <= 0 or sum((flow.amount for flow in flows), ZERO) <= 0:
        raise ValueError(f"no rate at which {len(flows)} flows are worth {paid}")
    rate = Decimal("0.05")
    for _ in range(_STEPS):
        worth = present_value(flows, rate)
        slope = -sum((flow.years * flow.amount / (ONE + rate) ** (flow.years + 1) for flow in flows), ZERO)
        if not slope:
            break
        step = (worth - paid) / slope
        rate = max(rate - step, (rate - ONE) / 2)  # never down to -100%
        if abs(step) < _EXACT:
            return round_to(rate, 18)
    raise ValueError(f"no rate at which {len(flows)} flows are worth {paid}")


def schedule(paid: Decimal, flows: Sequence[Flow], currency: str, rate: Decimal | None = None) -> list[Period]:
    """Interest, money received and amount carried per flow; ends at exactly zero: the last interest takes what rounding left."""
    rate = effective_rate(paid, flows) if rate is None else rate
    rows: list[Period] = []
    carried, before = paid, ZERO
    for number, flow in enumerate(flows, 1):
        interest = round_money(carried * ((ONE + rate) ** (flow.years - before) - ONE), currency)
        if number == len(flows):
            interest = flow.amount - carried
        carried, before = carried + interest - flow.amount, flow.years
        rows.append(Period(interest, flow.amount, carried))
    return rows


def amortised_cost(nominal: Decimal, cost: Decimal, bond: Mapping[str, Any], since: date, day: date) -> Decimal:
    """Clean cost on ``day`` of ``nominal`` that was carried at clean ``cost`` on ``since``, at one constant yield to worst.

    That is the lower of the yields to maturity and to the first call; a bond not called goes on from its call price (ASC
    310-20-35-33).

    ``bond``: a row of INSTRUMENTS with its maturity. Both days' accrued interest is left out. Signed like ``nominal``.
    """
    if day >= bond["maturity"]:
        return nominal
    size, paid = abs(nominal), abs(cost) + accrued_interest(abs(nominal), bond, since).value
    flows = _flows(size, bond, since)
    rate = effective_rate(paid, flows)
    call = bond.get("call_date")
    if call and since < call < bond["maturity"]:
        called = round_money(size * (bond.get("call_price") or 100) / 100, bond["currency"])
        last = Flow(_years(since, call), called + accrued_interest(size, bond, call).value)
        to_call = [*(flow for flow in flows[:-1] if flow.years <= last.years), last]
        if (rate_to_call := effective_rate(paid, to_call)) < rate:
            if day >= call:
                return amortised_cost(nominal, called.copy_sign(nominal), bond, call, day)
            flows, rate = to_call, rate_to_call
    passed = _years(since, day)
    left = [Flow(flow.years - passed, flow.amount) for flow in flows if flow.years > passed]
    clean = present_value(left, rate) - accrued_interest(size, bond, day).value
    return round_money(clean, bond["currency"]).copy_sign(nominal)


def _years(first: date, last: date) -> Decimal:
    return Decimal((last - first).days) / 365


def _flows(nominal: Decimal, bond: Mapping[str, Any], since: date) -> list[Flow]:
    """Coupons after ``since`` and the nominal at maturity."""
    per_year, flows, due = bond["coupons_per_year"] or 1, [], bond["maturity"]
    coupon = nominal * (bond["coupon_pct"] or ZERO) / 100 / per_year
    while bond["coupon_pct"] and due > since:
        flows.append(Flow(_years(since, due), coupon))
        due = coupon_period(bond["maturity"], per_year, _day_before(due))[0]
    return [*reversed(flows), Flow(_years(since, bond["maturity"]), nominal)]


def _day_before(day: date) -> date:
    return date.fromordinal(day.toordinal() - 1)


def amortisations(
    lots: Iterable[Mapping[str, Any]], instruments: Mapping[str, Mapping[str, Any]], events: Iterable[Event], fund: str, day: date
) -> list[Amortisation]:
    """The events that bring the cost of every open lot of a bond or bill to its amortised cost on ``day``.

    ``lots``: rows of LOTS at the close of ``day``; ``events``: those of the books, for the day each lot was last amortised, or
    settles by agreement: it earns from then on. A lot is carried on from there at the yield it then had, so what was missed is
    caught up. Lots that cannot have a yield (no maturity, no cost) are left alone.
    """
    last: dict[str, date] = {}
    for event in events:
        if isinstance(event, Amortisation) and event.effective_date <= day:
            last[event.lot_id] = max(event.effective_date, last.get(event.lot_id, event.effective_date))
        elif isinstance(event, Trade):
            last.setdefault(f"{event.event_id}/1", event.settlement_date)
    made = []
    for lot in lots:
        bond = instruments.get(lot["isin"], {})
        since = last.get(lot["lot_id"], lot["acquired"])
        if not _amortises(bond) or not lot["cost_local"] or since >= min(day, bond["maturity"]):
            continue
        moved = amortised_cost(lot["quantity"], lot["cost_local"], bond, since, day) - lot["cost_local"]
        if moved:
            made.append(Amortisation(
                event_id=f"{fund}:amortisation:{day}:{lot['lot_id']}", fund=fund, effective_date=day, account=lot["account"],
                isin=lot["isin"], lot_id=lot["lot_id"], currency=lot["currency"], amount=moved,
            ))  # fmt: skip
    return made


def _amortises(bond: Mapping[str, Any]) -> bool:
    """Bills, and bonds whose flows are known: neither inflation-linked nor floating."""
    kind = bond.get("kind") or ""
    fixed = is_bond(kind) and not kind.startswith(("inflation_linked", "floating"))
    return bool(bond.get("maturity") and (kind == "bill" or fixed))
