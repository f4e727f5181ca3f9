"""What people say and decide about prices: challenges with their evidence, and overrides that a second person approves.

Folds over facts ``price.…``, each with its author and time from the chain. Nothing is changed: an override ends by its own date, or
by a later one of the same instrument.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from bo_lib.model.findings import Finding, Place, error
from bo_lib.model.four_eyes import OVERRIDE, Proposal, Told, proposals
from bo_lib.nav.pricing import PriceOverride

CHALLENGED, REFUSED = "price.challenged", "price.decision_refused"
OVERRIDE_DAYS_MAX = 31  # calendar days: a price that stands longer is a valuation policy


@dataclass(frozen=True)
class Challenge:
    isin: str
    day: date
    by: str
    text: str
    evidence: str  # SHA-256 of a kept file, or empty


@dataclass(frozen=True)
class PriceDecisions:
    """``proposals``: of overrides, each about its ISIN."""

    challenges: tuple[Challenge, ...] = ()
    proposals: tuple[Proposal, ...] = ()

    @property
    def overrides(self) -> tuple[PriceOverride, ...]:
        """What two people stand behind, the latest of an instrument last; each ends on its own."""
        return tuple(_override(p) for p in self.proposals if p.state == "approved")


def price_decisions(facts: Iterable[Told]) -> PriceDecisions:
    """``facts`` ``price.…`` in their order."""
    told = list(facts)
    said = ((f.payload, f.actor) for f in told if f.kind == CHALLENGED)
    challenges = (Challenge(p["isin"], date.fromisoformat(p["date"]), by, p["text"], p["evidence"]) for p, by in said)
    return PriceDecisions(tuple(challenges), tuple(proposals(f for f in told if f.kind.startswith(OVERRIDE)).values()))


def _override(p: Proposal) -> PriceOverride:
    until, price = date.fromisoformat(p.content["until"]), Decimal(p.content["price"])
    return PriceOverride(p.about, price, p.content["currency"], p.day, until, p.text, p.by, p.checker)


def unfit_override(isin: str, price: Decimal, start: date, until: date, text: str, known: Mapping[str, str]) -> str:
    """Why an override cannot be proposed; empty when it can. ``known``: the ISINs of the security master."""
    if isin not in known:
        return f"{isin} is not in the security master"
    if price <= 0:
        return f"a price is positive: found {price}"
    if not start <= until or (until - start).days > OVERRIDE_DAYS_MAX:
        return f"an override ends by itself within {OVERRIDE_DAYS_MAX} days from {start}: found {until}"
    return "" if text.strip() else "an override has a reason and its evidence: found none"


def refusal(isin: str, why: str) -> Finding:
    return error("price-decision-refused", why, Place(field="isin"), found=isin, todo="bo prices lists what waits and what stands")
