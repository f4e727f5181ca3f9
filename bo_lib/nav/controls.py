"""The controls of a strike. Each is one small function; ``CONTROLS`` is the list. One that blocks keeps the NAV from release."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow.compute as pc

from bo_lib.config import Terms, Tolerances
from bo_lib.model.findings import Finding, Severity, Verdict
from bo_lib.model.identifiers import same_person
from bo_lib.model.money import ZERO, round_to
from bo_lib.nav.attribution import LATE, PRIOR, Attribution
from bo_lib.nav.charges import Charging
from bo_lib.nav.columns import rows_where, total
from bo_lib.nav.shadow import Shadow
from bo_lib.nav.strike import Strike

ACCRUED_DAYS_MAX = 400  # calendar days: a year's invoice, and time to pay it


@dataclass(frozen=True)
class Evidence:
    """What the controls of one strike look at. Parts that are missing make their control say so, not pass."""

    struck: Strike
    tolerances: Tolerances
    attribution: Attribution | None = None
    register_units: Mapping[str, Decimal] | None = None  # units by class in the register, capital effective up to the day
    shadow: Shadow | None = None
    findings: Sequence[Finding] = ()  # of prices, rates, books and strike
    suspense: Mapping[str, Decimal] = field(default_factory=dict)  # currency -> balance on the suspense account
    benchmark_move_pct: Decimal | None = None
    terms: Terms | None = None  # in force on the day
    commitments: Decimal = ZERO  # of all investors, where fees are on commitments
    refused: Sequence[Finding] = ()  # events that the books could not post


@dataclass(frozen=True)
class Control:
    """The answer of one control: a verdict, a sentence that proves it, and the figures behind the sentence."""

    name: str
    title: str
    verdict: Verdict
    says: str
    figures: Mapping[str, Any] = field(default_factory=dict)


def expected_nav(e: Evidence) -> Control:
    """The NAV is what yesterday's NAV becomes when rolled by price, currency, income, fees, hedge and capital.

    The roll starts from the net assets struck yesterday and uses yesterday's quantities with today's prices and rates, so
    a holding, a balance or a rate that went wrong in between does not follow the roll. The residual is what neither cause
    nor rounding explains. It passes at exactly zero and blocks otherwise; late items (facts of earlier days that became
    known since) and items that belong to a closed period are named and ask for attention.
    """
    title = "Expected NAV: yesterday rolled forward explains the move to zero"
    if e.attribution is None:
        return Control("expected_nav", title, Verdict.ATTENTION, "no strike before this one to roll forward from")
    roll, base = e.attribution, e.struck.base_currency
    late, prior = roll.by_cause[LATE], roll.by_cause[PRIOR]
    moved = {cause: amount for cause, amount in roll.by_cause.items() if amount}
    figures = {"opening": roll.opening, **moved, "closing": roll.closing, "expected": roll.expected, "residual": roll.residual}
    says = f"expected {roll.expected:,.2f}, struck {roll.closing:,.2f} {base}; residual {roll.residual:,.2f}"
    if roll.residual:
        return Control("expected_nav", title, Verdict.BLOCKED, f"{says}: find the cause before the NAV goes out", figures)
    says += f"; {late} {base} of earlier days became known since" if late else ""
    says += f"; {prior} {base} belongs to a closed period" if prior else ""
    return Control("expected_nav", title, Verdict.ATTENTION if late or prior else Verdict.PASS, says, figures)


def units_agree(e: Evidence) -> Control:
    """Units in the books are the units in the register, class by class.

    The books count units on the capital account (opening + issued - redeemed); the register counts them by investor from its own
    facts. A NAV per unit on units that investors do not hold is wrong for everybody, so any difference blocks.
    """
    title = "Units: books and register agree"
    if e.register_units is None:
        return Control("units_agree", title, Verdict.ATTENTION, "the register was not given, so units are not proven")
    ours = {name: row["units"] for name, row in e.struck.rows.items()}
    off = {c: ours.get(c, ZERO) - e.register_units.get(c, ZERO) for c in sorted(ours.keys() | e.register_units.keys())}
    wrong = {c: gap for c, gap in off.items() if gap}
    says = ", ".join(
        f"{c}: books {_plain(ours.get(c, ZERO))}, register {_plain(e.register_units.get(c, ZERO))}" for c in wrong or ours
    )
    return Control("units_agree", title, Verdict.BLOCKED if wrong else Verdict.PASS, says or "no units in issue", off)


def two_computations_agree(e: Evidence) -> Control:
    """Net assets computed twice are the same to the cent: lots, cash and claims on one side, the ledger on the other.

    The first adds the value of the open lots, cash, receivables, payables and forwards. The second reads capital and results off
    the trial balance once the marks are on it. They differ when lots and ledger have come apart, or a posting does not balance.
    """
    first = total(e.struck.components["base"])
    second = e.struck.net_assets_ledger
    figures = {"components": first, "ledger": second, "difference": first - second}
    says = f"components {first:,.2f}, ledger {second:,.2f} {e.struck.base_currency}"
    verdict = Verdict.PASS if first == second else Verdict.BLOCKED
    return Control("two_computations_agree", "Two independent computations of net assets agree", verdict, says, figures)


def classes_sum_to_fund(e: Evidence) -> Control:
    """The net assets of the classes add up to those of the fund, nothing lost or made in the allocation.

    The fund's side is the sum of its components after today's accruals. A cent of difference blocks: it would be paid by nobody.
    """
    fund = total(e.struck.components["base"])
    classes = {name: row["net_assets"] for name, row in e.struck.rows.items()}
    gap = sum(classes.values(), ZERO) - fund
    verdict = Verdict.BLOCKED if gap else Verdict.PASS
    says = f"classes {sum(classes.values(), ZERO):,.2f}, fund {fund:,.2f} {e.struck.base_currency}"
    return Control("classes_sum_to_fund", "Classes add up to the fund", verdict, says, {**classes, "fund": fund, "difference": gap})


def every_holding_priced(e: Evidence) -> Control:
    """Every holding has a price of the day, and every challenged price is known.

    A holding without a price counts zero, so it blocks. Prices that came from a second source, are stale, moved beyond tolerance
    or differ between sources ask for attention until somebody has looked.
    """
    holdings = rows_where(e.struck.components, "component", "holding")
    bare = holdings.filter(pc.is_null(holdings["price"]))["item"].to_pylist()
    doubts = [f for f in e.findings if f.code.startswith(("price-", "rate-")) and f.severity is not Severity.INFO]
    priced = f"{holdings.num_rows - len(bare)} of {holdings.num_rows} holdings priced"
    if bare or any(f.severity is Severity.ERROR for f in doubts):
        return Control(
            "every_holding_priced", _PRICED, Verdict.BLOCKED, f"{priced}; none for {', '.join(bare) or 'some'}", {"unpriced": bare}
        )
    verdict = Verdict.ATTENTION if doubts else Verdict.PASS
    says = f"{priced}; {len(doubts)} prices or rates to look at" if doubts else priced
    return Control("every_holding_priced", _PRICED, verdict, says, {"doubts": [f.message for f in doubts]})


_PRICED = "Every holding priced at the day's price"


def movement_within_tolerance(e: Evidence) -> Control:
    """NAV per unit of each class moved no more than the tolerance (against the benchmark where there is one).

    Size alone proves nothing wrong: beyond the tolerance it asks for attention, with the move of each class as evidence.
    """
    moves: dict[str, Decimal] = {}
    for name, row in e.struck.rows.items():
        before = e.struck.previous.get(name)
        if before and before.nav_per_unit and row["nav_per_unit"] is not None:
            moves[name] = round_to((row["nav_per_unit"] / before.nav_per_unit - 1) * 100 - (e.benchmark_move_pct or ZERO), 4)
    large = {name: move for name, move in moves.items() if abs(move) > e.tolerances.nav_move_pct}
    against = " against the benchmark" if e.benchmark_move_pct is not None else ""
    says = ", ".join(f"{name} {move:+}%" for name, move in moves.items()) + f"{against}; tolerance {e.tolerances.nav_move_pct}%"
    verdict = Verdict.ATTENTION if large else Verdict.PASS
    return Control("movement_within_tolerance", "Movement of NAV per unit within tolerance", verdict, says, moves)


def suspense_empty(e: Evidence) -> Control:
    """Nothing is on the suspense account: every difference has an owner.

    Suspense is in net assets; while it is there somebody's gain or loss is not known. It asks for attention, with the balances.
    """
    balances = dict(e.suspense)
    for row in rows_where(e.struck.components, "component", "suspense").to_pylist():
        balances.setdefault(row["currency"], row["local"])
    balances = {currency: amount for currency, amount in balances.items() if amount}
    says = ", ".join(f"{_plain(amount)} {currency}" for currency, amount in balances.items()) or "nothing in suspense"
    return Control("suspense_empty", "Suspense account empty", Verdict.ATTENTION if balances else Verdict.PASS, says, balances)


def accruals_cover_every_day(e: Evidence) -> Control:
    """Each expense of the fund and each class's management fee is accrued once, for every calendar day since the strike before.

    A Monday strike accrues three days. The amounts are computed again from the terms, the days and the class's opening net assets
    with its capital; an accrual that is missing, doubled, extra or of another amount blocks.
    """
    title, days = "Fees accrued for every calendar day", (e.struck.day - e.struck.previous_day).days
    said = f"{days} calendar day{'s' if days != 1 else ''} since {e.struck.previous_day}"
    if e.terms is None:
        return Control(
            "accruals_cover_every_day", title, Verdict.ATTENTION, f"{said}; without terms the fees are not computed again"
        )
    due = _fees_due(e, e.terms)
    booked: dict[tuple[str, str], Decimal] = {}
    for a in e.struck.accruals:
        if a.name != "performance_fee":
            booked[a.name, a.share_class] = booked.get((a.name, a.share_class), ZERO) + a.amount
    off = sorted(key for key in due.keys() | booked.keys() if due.get(key) != booked.get(key))
    if off or days <= 0:
        said += "; not as due: " + ", ".join(f"{n} {c}: {booked.get((n, c), ZERO)}, due {due.get((n, c), ZERO)}" for n, c in off)
        return Control("accruals_cover_every_day", title, Verdict.BLOCKED, said, {"days": days})
    said += f": {', '.join(sorted({name for name, _ in due})) or 'no fees'}"
    return Control("accruals_cover_every_day", title, Verdict.PASS, said, {"days": days})


def _fees_due(e: Evidence, terms: Terms) -> dict[tuple[str, str], Decimal]:
    openings = {name: row["opening"] + row["capital"] for name, row in e.struck.rows.items()}
    claims = {name: state.claims for name, state in e.struck.previous.items()}
    asked = Charging(
        terms, e.struck.previous_day, e.struck.day, e.struck.base_currency, openings, e.commitments, claims, e.struck.spent
    )
    return {(c.name, c.share_class): c.amount for c in asked.charges().booked}


def accruals_are_paid(e: Evidence) -> Control:
    """What is accrued is paid in the end: no payable has grown for longer than ``ACCRUED_DAYS_MAX``.

    A payable holds what was accrued since the last payment. One that is more than some thirteen months of today's accrual was never
    paid or never released, so an invoice is missing or the accrual is too high; it asks for attention, with the months it holds.
    """
    title = "No accrual grows without ever being paid"
    days = max((e.struck.day - e.struck.previous_day).days, 1)
    accruals = rows_where(e.struck.components, "component", "accrual").to_pylist()
    payable = {(r["item"], r["share_class"] or ""): -r["base"] for r in accruals}
    held = {
        (a.name, a.share_class): payable[a.name, a.share_class] * days / a.amount
        for a in e.struck.accruals if a.amount > 0 and a.name != "performance_fee" and (a.name, a.share_class) in payable
    }  # fmt: skip
    old = {f"{name} {c}".rstrip(): round_to(n, 0) for (name, c), n in held.items() if n > ACCRUED_DAYS_MAX}
    says = ", ".join(f"{name}: {n} days' worth unpaid" for name, n in old.items())
    verdict = Verdict.ATTENTION if old else Verdict.PASS
    return Control("accruals_are_paid", title, verdict, says or f"{len(held)} payables, each within {ACCRUED_DAYS_MAX} days", old)


def every_event_posted(e: Evidence) -> Control:
    """Every event that is known was posted to the books.

    An event that the books refused (an unknown instrument, a sale beyond the position, a journal with one signature) is in nobody's
    net assets, whatever the reason; so it blocks, and the refusals are the evidence.
    """
    title = "Every event is posted"
    if e.refused:
        says = f"{len(e.refused)} refused: " + "; ".join(f.message for f in e.refused[:3])
        return Control("every_event_posted", title, Verdict.BLOCKED, says)
    return Control("every_event_posted", title, Verdict.PASS, "the books refused nothing")


def administrator_agrees(e: Evidence) -> Control:
    """Our NAV and the administrator's agree component by component, within the tolerance in basis points.

    The administrator strikes by its own code from the same prospectus. A component that differs asks for attention and is named
    with its cause; a class that differs while no component does blocks, because nobody can say why.
    """
    title = "Shadow: the administrator's NAV agrees by component"
    if e.shadow is None or not e.shadow.table.num_rows:
        return Control("administrator_agrees", title, Verdict.ATTENTION, "no administrator's NAV of the day to compare with")
    off = e.shadow.differences.to_pylist()
    said = "; ".join(
        f"{r['component']} {r['share_class'] or r['item'] or ''} {round_to(r['difference_bps'], 2)} bp" for r in off[:5]
    )
    says = f"{e.shadow.table.num_rows} figures compared, {len(off)} beyond {e.tolerances.admin_bps} bp" + (
        f": {said}" if said else ""
    )
    return Control("administrator_agrees", title, e.shadow.verdict, says, {"net_assets_bps": e.shadow.net_assets_bps})


CONTROLS: tuple[Callable[[Evidence], Control], ...] = (
    expected_nav,
    units_agree,
    two_computations_agree,
    classes_sum_to_fund,
    every_holding_priced,
    movement_within_tolerance,
    suspense_empty,
    accruals_cover_every_day,
    accruals_are_paid,
    every_event_posted,
    administrator_agrees,
)


def control(evidence: Evidence) -> tuple[Control, ...]:
    """Every control's answer, in the order of ``CONTROLS``."""
    return tuple(each(evidence) for each in CONTROLS)


@dataclass(frozen=True)
class Approval:
    """A named person lets a blocked NAV go, with the reason; maker is not checker."""

    control: str
    maker: str
    checker: str
    reason: str
    nav_date: date


def verdict(controls: Sequence[Control], approvals: Sequence[Approval] = ()) -> Verdict:
    """The worst of the controls; one that blocks becomes attention once two people have approved it with a reason."""
    approved = {
        a.control for a in approvals if a.reason and a.maker.strip() and a.checker.strip() and not same_person(a.maker, a.checker)
    }
    eased = (Verdict.ATTENTION if c.verdict is Verdict.BLOCKED and c.name in approved else c.verdict for c in controls)
    return Verdict.worst(eased)


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
