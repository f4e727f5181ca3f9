"""The performance fee of a class at a strike, by the method of its terms, on gross asset value.

A fee accrues until its period ends with the last strike of the month that ends it; then it is due for good and the mark moves
up. What leaves in between takes its part of the accrual with it, due for good as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from bo_lib.books import Book
from bo_lib.config import PerformanceFee, ShareClass, Terms
from bo_lib.model.money import ZERO, Rounding, round_money, round_to
from bo_lib.nav.equalisation import EqualisedClass, Lot
from bo_lib.nav.fees import performance_fee_due, periods
from bo_lib.nav.partnership import Partnership
from bo_lib.nav.performance import hurdle_level, index_hurdle_level, period_ends, reference_year
from bo_lib.nav.state import ClassState, Dealings

NOBODY = ""  # holds what was taken over without a name


@dataclass(frozen=True)
class FeeDay:
    """A class on a day, before its performance fee of today. ``per_base``: class currency for one unit of base."""

    terms: ShareClass
    fee: PerformanceFee
    before: ClassState
    day: date
    calendar: str
    days_in_year: str
    gav: Decimal  # base currency, less the fee accrued up to the strike before
    units: Decimal
    per_base: Decimal
    currency: str
    benchmark: Decimal | None
    dealt: Mapping[str, Dealings]  # by investor, to date
    pockets: Mapping[str, tuple[Decimal, Decimal]] = field(default_factory=dict)  # ISIN -> value, proceeds since

    @property
    def since(self) -> dict[str, Dealings]:
        """What each investor dealt since the strike before."""
        return _since(self.before, self.dealt)

    @property
    def ends(self) -> bool:
        return period_ends(self.day, self.calendar, self.fee.crystallisation, self.fee.year_end_month)

    @property
    def mark(self) -> Decimal | None:
        kept = self.before.high_water_mark
        return self.terms.high_water_mark if kept is None else kept

    def per_unit(self, base: Decimal) -> Decimal:
        return base * self.per_base / self.units if self.units else ZERO


@dataclass(frozen=True)
class Incentive:
    """``today``: the accrual to book, a release negative. ``state``: what changes in the class's state."""

    today: Decimal = ZERO
    state: Mapping[str, Any] = field(default_factory=dict)
    nav: Decimal | None = None  # per unit, unrounded, where it is not net assets over units
    exchanged: Mapping[str, Decimal] = field(default_factory=dict)  # investor -> units bought (or redeemed) at crystallisation


def _since(before: ClassState, dealt: Mapping[str, Dealings]) -> dict[str, Dealings]:
    new = {who: x.since(before.dealt.get(who, Dealings())) for who, x in dealt.items()}
    return {who: x for who, x in new.items() if any(x)}


def standing_fee(before: ClassState, dealt: Mapping[str, Dealings]) -> Decimal:
    """Of the fee accrued at the strike before: what the units that stay may still get back."""
    left = sum((x.units_out for x in _since(before, dealt).values()), ZERO)
    return before.performance_fee_accrued * (1 - min(Decimal(1), left / before.units)) if before.units else ZERO


def incentive(day: FeeDay) -> Incentive:
    """What the day does to the performance fee of the class."""
    made = _METHODS[day.fee.method](day)
    return replace(made, state={**made.state, "dealt": dict(day.dealt)})


def dealt(book: Book) -> dict[str, dict[str, Dealings]]:
    """Class -> investor -> dealings to date on the books; what was reversed is as if it had not been."""
    sums: dict[str, dict[str, Dealings]] = {}
    known: dict[str, Any] = {}
    for entry, _, line in book.lines():
        event = entry.event
        if line.ledger != "capital" or event.kind not in ("capital", "reversal"):
            continue
        known[event.event_id] = original = known.get(event.reverses) if event.kind == "reversal" else event
        if original is None:
            continue
        sign = 1 if event.kind == "capital" else -1
        moved = [sign * (line.quantity or ZERO), -sign * line.local, -sign * line.base]
        came = any(x > 0 for x in moved)
        flow = Dealings(*moved) if came else Dealings(ZERO, ZERO, ZERO, *(-x for x in moved))
        flow = flow if sign > 0 else Dealings(*(-x for x in flow))
        of_class = sums.setdefault(line.share_class, {})
        of_class[original.investor] = of_class.get(original.investor, Dealings()).plus(flow)
    return sums


def _pooled(d: FeeDay) -> Incentive:
    """One mark for the whole class. Units bought later carry their price into it, so that nobody pays for another's gain."""
    new = Dealings()
    for one in d.since.values():
        new = new.plus(one)
    stay, mark = d.before.units - new.units_out, d.mark
    standing = round_money(standing_fee(d.before, d.dealt), d.currency)
    if d.fee.method == "class" and new.units_in and stay + new.units_in > 0:
        grown = d.before.hurdle_growth if d.fee.hurdle == "hard" or d.fee.reference_years else Decimal(1)
        mark = ((mark or ZERO) * stay + new.money_in / grown) / (stay + new.units_in)
    if mark is None:
        return Incentive()
    start, level = d.before.period_start or d.terms.period_start or d.before.nav_date, _level(d, mark)
    bar = level if d.fee.reference_years and level is not None else mark
    gross = d.gav + standing
    due = performance_fee_due(gross, d.units, bar, d.fee.rate_pct, d.per_base, d.currency, level, d.fee.hurdle)
    state: dict[str, Any] = {
        "performance_fee_accrued": due, "high_water_mark": mark, "gav_per_unit": d.per_unit(gross), "period_start": start,
        "benchmark_start": _benchmark_start(d), "shortfalls": d.before.shortfalls,
        "hurdle_growth": level / mark if level is not None and mark else Decimal(1),
    }  # fmt: skip
    if d.ends:
        nav = round_to(d.per_unit(gross - due), d.terms.nav_decimals, d.terms.nav_rounding)
        moved = nav if d.fee.reference_years else max(mark, nav) if due else mark
        state |= {"performance_fee_accrued": ZERO, "high_water_mark": moved, "period_start": d.day, "hurdle_growth": Decimal(1),
                  "benchmark_start": d.benchmark, "shortfalls": _shortfalls(d, mark, gross)}  # fmt: skip
    return Incentive(due - standing, state)


def _benchmark_start(d: FeeDay) -> Decimal | None:
    known = d.before.benchmark_start if d.before.benchmark_start is not None else d.terms.benchmark_start
    return d.benchmark if known is None else known


def _level(d: FeeDay, mark: Decimal) -> Decimal | None:
    """What the mark has grown to under the hurdle; in a reference period with the shortfalls to be made up."""
    start = _benchmark_start(d)
    if d.fee.reference_years or (d.fee.hurdle != "none" and d.fee.benchmark):
        if d.benchmark is None or not start:
            return None  # said by the strike
        shortfall = sum(d.before.shortfalls.values(), ZERO) if d.fee.reference_years else ZERO
        return index_hurdle_level(mark, start, d.benchmark) + mark * shortfall / 100
    if d.fee.hurdle == "none":
        return None
    since = d.before.period_start or d.terms.period_start or d.before.nav_date
    return hurdle_level(mark, d.fee.hurdle_pct_annual, periods(d.days_in_year, since, d.day))


def _shortfalls(d: FeeDay, start_nav: Decimal, gross: Decimal) -> Mapping[int, Decimal]:
    start = _benchmark_start(d)
    if not d.fee.reference_years or d.benchmark is None or not start or not start_nav:
        return d.before.shortfalls
    earned = (d.per_unit(gross) / start_nav - d.benchmark / start) * 100
    return reference_year(d.day.year, earned, d.before.shortfalls, d.fee.reference_years)[1]


def _equalised(d: FeeDay) -> Incentive:
    """Everybody buys at gross asset value; credits and contingent fees by lot: see ``equalisation``."""
    mark = d.mark
    if mark is None or not d.units:
        return Incentive()
    rate, lots = d.fee.rate_pct / 100, d.before.lots
    if not lots and d.before.units:
        lots = (Lot(NOBODY, d.before.units, mark),)
    then = EqualisedClass(rate, d.before.gav_per_unit or d.before.nav_per_unit or mark, mark, lots)
    stays = then
    for who, x in d.since.items():
        if x.units_out and x.money_out:
            stays = _less(stays, who, x.units_out)
    left = then.fee_accrued - stays.fee_accrued
    accrued = d.before.performance_fee_accrued
    standing = accrued - min(accrued, round_money(left / d.per_base, d.currency))
    bought = tuple(Lot(who, x.units_in, x.money_in / x.units_in) for who, x in d.since.items() if x.units_in and x.money_in)
    gross = d.per_unit(d.gav + standing)
    now = EqualisedClass(rate, gross, mark, (*stays.lots, *bought))
    due = round_money(now.fee_accrued / d.per_base, d.currency)
    state: dict[str, Any] = {
        "performance_fee_accrued": due, "high_water_mark": mark, "gav_per_unit": gross, "lots": now.lots,
    }  # fmt: skip
    if not d.ends:
        return Incentive(due - standing, state, now.nav)
    after, settled = now.crystallised()
    units = [round_to(s.shares, d.terms.unit_decimals, Rounding.DOWN) for s in settled]
    kept = tuple(replace(a, shares=b.shares + n) for a, b, n in zip(after.lots, now.lots, units, strict=True))
    state |= {"performance_fee_accrued": ZERO, "high_water_mark": after.high_water_mark, "gav_per_unit": after.gav, "lots": kept}
    exchanged: dict[str, Decimal] = {}
    for s, n in zip(settled, units, strict=True):
        exchanged[s.investor] = exchanged.get(s.investor, ZERO) + n
    return Incentive(due - standing, state, now.nav, {who: n for who, n in exchanged.items() if n})


def _less(c: EqualisedClass, investor: str, units: Decimal) -> EqualisedClass:
    """The class without ``units`` of an investor, of every lot in proportion; of what was taken over when it has none."""
    who = investor if any(lot.investor == investor for lot in c.lots) else NOBODY
    held = sum((lot.shares for lot in c.lots if lot.investor == who), ZERO)
    return c.redeemed(who, min(Decimal(1), units / held))[0] if held else c


def _partners(d: FeeDay) -> Incentive:
    """Capital accounts: the gain by opening capital, the incentive moved to the general partner when the period ends."""
    p = d.before.partnership or Partnership(d.fee.rate_pct / 100)
    if d.before.partnership is None and d.before.net_assets:
        p = p.contributed(NOBODY, d.before.net_assets, "taken over")
    for who, x in d.since.items():
        if who == d.fee.general_partner:
            p = replace(p, general_partner=p.general_partner + x.base_in - x.base_out)
            continue
        if x.base_out:
            leaver = who if any(a.partner == who for a in p.accounts) else NOBODY
            p = p.withdrawn(leaver, min(Decimal(1), x.base_out / p.value(leaver)))[0] if p.value(leaver) else p
        if x.base_in:
            p = p.contributed(who, x.base_in, d.day.isoformat())
    for pocket in p.pockets:
        value, proceeds = d.pockets.get(pocket.name, (ZERO, ZERO))
        if not value:
            p = p.realised(pocket.name, proceeds)
    aside = sum((d.pockets[pocket.name][0] for pocket in p.pockets), ZERO)
    p = p.allocated(d.gav - aside - p.capital)
    for isin, (value, _) in d.pockets.items():
        if value and isin not in {pocket.name for pocket in p.pockets}:
            p = p.set_aside(isin, value)
    return Incentive(ZERO, {"partnership": p.crystallised() if d.ends else p})


_METHODS: dict[str, Callable[[FeeDay], Incentive]] = {
    "class": _pooled, "series": _pooled, "equalisation": _equalised, "partnership": _partners,
}  # fmt: skip


def equalised_prices(state: Mapping[str, ClassState], terms: Terms) -> dict[tuple[str, ...], Decimal]:
    """Prices of classes with equalisation: (class, SUBSCRIBE) at gross asset value, (investor, class, REDEEM) with its credits."""
    prices: dict[tuple[str, ...], Decimal] = {}
    for c in terms.classes:
        fee, s = c.performance_fee or terms.performance_fee, state.get(c.id)
        if not fee or fee.method != "equalisation" or s is None or s.gav_per_unit is None:
            continue
        prices[c.id, "SUBSCRIBE"] = round_to(s.gav_per_unit, 12)
        for who in {lot.investor for lot in s.lots}:
            units = sum((lot.shares for lot in s.lots if lot.investor == who), ZERO)
            prices[who, c.id, "REDEEM"] = round_to((worth(s, fee, who) or ZERO) / units, 12)
    return prices


def worth(state: ClassState, fee: PerformanceFee, investor: str) -> Decimal | None:
    """What an investor's units would be paid if all were redeemed at this NAV; None where that is units x NAV per unit.

    Equalisation: with its credits, less contingent fees, in class currency. Partnership: its capital after incentive, in base.
    """
    if fee.method == "partnership" and state.partnership:
        p = state.partnership
        return p.general_partner if investor == fee.general_partner else p.value(investor)
    if fee.method == "equalisation" and state.gav_per_unit is not None and state.high_water_mark is not None:
        return EqualisedClass(fee.rate_pct / 100, state.gav_per_unit, state.high_water_mark, state.lots).value(investor)
    return None
