"""Proposals of one fund at the desk: kept as facts by who makes them, and carried out by the approval of somebody else.

The author of a proposal and of its answer is who writes it: ``Office.actor``, kept in the chain with the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from bo_lib.model import four_eyes
from bo_lib.model.findings import Finding, Outcome, Place, error
from bo_lib.model.four_eyes import APPROVED, MADE, REFUSED, REJECTED, Proposal
from bo_lib.model.identifiers import same_person
from bo_lib.recon.result import short_hash
from bo_lib.store import Fact
from bo_lib.store.facts import canonical
from bo_lib.workbench.office import Office

CarryOut = Callable[[Proposal], Outcome[Sequence[Fact]]]


class Proposals:
    """``kind``: the word before the kinds of their facts; ``todo`` names the command that decides about them."""

    def __init__(self, office: Office, fund_id: str, kind: str = four_eyes.PROPOSAL, todo: str = "bo proposals") -> None:
        self.office, self.fund_id, self.kind, self.todo = office, fund_id, kind, todo

    @property
    def known(self) -> dict[str, Proposal]:
        return four_eyes.proposals(self.office.store.facts(self.kind, stream=self.fund_id))

    def make(
        self, action: str, about: str, content: Mapping[str, Any], text: str, day: date, value_base: Decimal | None = None
    ) -> Outcome[Proposal | None]:
        """Proposes ``action`` about an event; refused while another proposal about it waits."""
        known = self.known
        if waits := next((p for p in known.values() if p.about == about and p.state == "waiting"), None):
            said = f"a proposal about {about} waits already: {waits.action} by {waits.by}"
            todo = f"{self.todo} approve or reject {waits.about}"
            return Outcome(None, (error("proposal-waits", said, Place(field="proposal"), found=about, todo=todo),))
        proposal_id = short_hash(action, about, canonical(content), self.office.actor, text, len(known))[:10]
        payload = {
            "id": proposal_id, "action": action, "about": about, "content": dict(content), "text": text, "day": day.isoformat(),
            "value_base": None if value_base is None else f"{value_base:f}",
        }  # fmt: skip
        self.office.append([self._fact(MADE, proposal_id, day, payload, 0)])
        return Outcome(self.known[proposal_id])

    def approve(self, name: str, text: str, carry_out: CarryOut, day: date | None = None) -> Outcome[Proposal | None]:
        """A second person agrees: ``carry_out`` gives the facts that are added with the approval, or why it cannot be done.

        ``day``: from which the answer counts (default: the proposal's).
        """

        def unfit(p: Proposal) -> str:
            own = same_person(p.by, self.office.actor)
            return f"{p.by} proposed it; a second person is needed: found {self.office.actor}" if own else ""

        return self._answer(APPROVED, name, text, unfit, carry_out, day)

    def reject(self, name: str, text: str, day: date | None = None) -> Outcome[Proposal | None]:
        """It is not done, for a reason; whoever proposed it may take it back so."""
        said = "" if text.strip() else "a rejection has a reason: found none"
        return self._answer(REJECTED, name, text, lambda _: said, lambda _: Outcome(()), day)

    def _answer(
        self, what: str, name: str, text: str, unfit: Callable[[Proposal], str], carry_out: CarryOut, day: date | None
    ) -> Outcome[Proposal | None]:
        """The answer and what follows from it, in one; a refusal is a fact too."""
        known = self.known
        found = four_eyes.find(known, name, self.todo)
        if (p := found.value) is None:
            return found
        number = len(self.office.store.facts(self.kind, stream=self.fund_id, entity=p.id))
        said = {"id": p.id, "sha256": p.sha256, "about": p.about, "text": text.strip()}
        why = unfit(p)
        made: Outcome[Sequence[Fact]] = Outcome((), (_refusal(what, p, why),)) if why else carry_out(p)
        if not made.ok:
            said |= {"answer": what, "reason": why or "; ".join(f.message for f in made.findings)}
            self.office.append([self._fact(REFUSED, p.id, day or p.day, said, number)])
            return Outcome(None, made.findings)
        self.office.append([self._fact(what, p.id, day or p.day, said, number), *made.value])
        return Outcome(self.known[p.id])

    def _fact(self, what: str, proposal_id: str, day: date, payload: Mapping[str, Any], number: int) -> Fact:
        fact_id = f"{self.kind}:{self.fund_id}:{proposal_id}:{number}"
        return Fact(fact_id, self.fund_id, f"{self.kind}.{what}", proposal_id, day, dict(payload))


def _refusal(what: str, p: Proposal, why: str) -> Finding:
    return error(f"proposal-{what}-refused", why, Place(field="proposal"), found=p.id)
