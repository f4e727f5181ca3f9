"""What people say and decide about prices: challenges with their evidence, and overrides that a second person approves.

A fold over facts ``price.*``, each with its author (``by``) and time (``at``) from the chain. Nothing is changed: an override ends
by its own date, or by a later one of the same instrument.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from bo_lib.model.findings import Finding, Place, error
from bo_lib.model.identifiers import same_person
from bo_lib.nav.pricing import PriceOverride

CHALLENGED, PROPOSED, APPROVED, REJECTED, REFUSED = (
    f"price.{what}" for what in ("challenged", "override_proposed", "override_approved", "override_rejected", "decision_refused")
)
OVERRIDE_DAYS_MAX = 31  # calendar days: a price that stands longer is a valuation policy


@dataclass(frozen=True)
class Challenge:
    isin: str
    day: date
    by: str
    text: str
    evidence: str  # SHA-256 of a kept file, or empty


@dataclass(frozen=True)
class Proposal:
    """An override as proposed; ``state`` waiting, approved, rejected or superseded."""

    id: str
    isin: str
    price: Decimal
    currency: str
    start: date
    until: date
    text: str
    by: str
    evidence: str = ""
    state: Literal["waiting", "approved", "rejected", "superseded"] = "waiting"
    checker: str = ""

    def override(self) -> PriceOverride:
        return PriceOverride(self.isin, self.price, self.currency, self.start, self.until, self.text, self.by, self.checker)


@dataclass(frozen=True)
class PriceDecisions:
    challenges: tuple[Challenge, ...] = ()
    proposals: tuple[Proposal, ...] = ()

    def waiting(self, isin: str) -> Proposal | None:
        return next((p for p in reversed(self.proposals) if p.isin == isin and p.state == "waiting"), None)

    @property
    def overrides(self) -> tuple[PriceOverride, ...]:
        """What two people stand behind, the latest of an instrument last; each ends on its own."""
        return tuple(p.override() for p in self.proposals if p.state == "approved")


def price_decisions(facts: Iterable[Mapping[str, Any]]) -> PriceDecisions:
    """``facts``: payloads with ``fact`` (their kind), ``by`` and ``at``, in order."""
    challenges: list[Challenge] = []
    known: dict[str, Proposal] = {}
    for f in facts:
        if f["fact"] == CHALLENGED:
            challenges.append(Challenge(f["isin"], date.fromisoformat(f["date"]), f["by"], f["text"], f["evidence"]))
        elif f["fact"] == PROPOSED:
            known = {i: replace(p, state="superseded") if _gives_way(p, f["isin"]) else p for i, p in known.items()}
            first, last = date.fromisoformat(f["date"]), date.fromisoformat(f["until"])
            price = Decimal(f["price"])
            known[f["id"]] = Proposal(f["id"], f["isin"], price, f["currency"], first, last, f["text"], f["by"], f["evidence"])
        elif f["fact"] in (APPROVED, REJECTED) and f["id"] in known:
            state: Literal["approved", "rejected"] = "approved" if f["fact"] == APPROVED else "rejected"
            known[f["id"]] = replace(known[f["id"]], state=state, checker=f["by"])
    return PriceDecisions(tuple(challenges), tuple(known.values()))


def _gives_way(p: Proposal, isin: str) -> bool:
    return p.isin == isin and p.state == "waiting"


def unfit_override(isin: str, price: Decimal, start: date, until: date, text: str, known: Mapping[str, str]) -> str:
    """Why an override cannot be proposed; empty when it can. ``known``: the ISINs of the security master."""
    if isin not in known:
        return f"{isin} is not in the security master"
    if price <= 0:
        return f"a price is positive: found {price}"
    if not start <= until or (until - start).days > OVERRIDE_DAYS_MAX:
        return f"an override ends by itself within {OVERRIDE_DAYS_MAX} days from {start}: found {until}"
    return "" if text.strip() else "an override has a reason and its evidence: found none"


def unfit_approval(p: Proposal | None, isin: str, by: str) -> str:
    """Why a proposal cannot be approved by this person; empty when it can."""
    if p is None:
        return f"no override of {isin} waits for a second person"
    return f"{p.by} proposed it; a second person is needed: found {by}" if same_person(p.by, by) else ""


def refusal(isin: str, why: str) -> Finding:
    return error("price-decision-refused", why, Place(field="isin"), found=isin, todo="bo prices lists what waits and what stands")
