"""Signing and releasing a NAV, as facts to append: who prepared, who reviewed, who let a blocked control pass, what was published.

What is signed is a strike and its inputs, each as a hash: when either changes, the signature no longer counts. A refusal is a
fact too. Nothing here looks at who is logged in: the desk names the person, and the chain keeps the name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from bo_lib.model.findings import Finding, Place, error
from bo_lib.model.identifiers import same_person
from bo_lib.nav.controls import Approval

SIGNED, APPROVED, RELEASED, REFUSED = "nav.signed", "nav.approved", "nav.released", "nav.refused"
FROZEN = "nav.frozen"  # the pack of a released NAV, kept under its hash
PREPARER, REVIEWER = "preparer", "reviewer"
MAKER, CHECKER = "maker", "checker"


@dataclass(frozen=True)
class Candidate:
    """A strike as it is now. ``blocked``: control -> what it says; ``errors``: what no approval mends."""

    fund: str
    day: date
    nav_sha256: str
    inputs_sha256: str
    blocked: Mapping[str, str]
    errors: tuple[str, ...] = ()

    @property
    def about(self) -> dict[str, str]:
        return {
            "fund": self.fund, "business_date": self.day.isoformat(), "nav_sha256": self.nav_sha256,
            "inputs_sha256": self.inputs_sha256,
        }  # fmt: skip

    def changed(self, fact: Mapping[str, Any]) -> str:
        """What has changed since ``fact`` was said of it; empty when it still stands."""
        if fact["nav_sha256"] != self.nav_sha256:
            return "the NAV was struck again and differs"
        return "" if fact["inputs_sha256"] == self.inputs_sha256 else "an input has changed since"


@dataclass(frozen=True)
class Sign:
    """One signature; ``stale`` says why it no longer counts."""

    role: str
    by: str
    at: str
    text: str = ""
    stale: str = ""


@dataclass(frozen=True)
class ReleaseState:
    """What people have said of a candidate. ``proposed``: control -> who lets it pass, still to be checked by a second person."""

    candidate: Candidate
    signs: tuple[Sign, ...] = ()
    approvals: tuple[Approval, ...] = ()
    proposed: Mapping[str, Approval] | None = None
    released: Mapping[str, Any] | None = None

    def signer(self, role: str) -> str:
        """Who signed in this role, of the signatures that count; empty when nobody did."""
        return next((s.by for s in self.signs if s.role == role and not s.stale), "")

    @property
    def unapproved(self) -> list[str]:
        """Blocked controls that nobody, or one person alone, has let pass."""
        done = {a.control for a in self.approvals}
        return [name for name in self.candidate.blocked if name not in done]

    @property
    def changed_since_release(self) -> str:
        return self.candidate.changed(self.released) if self.released else ""

    @property
    def says(self) -> str:
        """Where it stands, in a few words."""
        if self.released:
            return f"released; {self.changed_since_release}" if self.changed_since_release else "released"
        if self.candidate.errors or self.unapproved:
            return "blocked"
        if not self.signer(PREPARER):
            return "stale: to be prepared again" if any(s.stale for s in self.signs) else "to prepare"
        return "to release" if self.signer(REVIEWER) else "to review"


def state_of(candidate: Candidate, facts: Iterable[Mapping[str, Any]]) -> ReleaseState:
    """Folds facts of the day in their order (payloads with ``fact``, ``by`` and ``at`` of who wrote them)."""
    signs: list[Sign] = []
    made: dict[str, Approval] = {}
    done: dict[str, Approval] = {}
    released: Mapping[str, Any] | None = None
    for f in facts:
        stale = candidate.changed(f) if "nav_sha256" in f else ""
        if f["fact"] == SIGNED:
            own = f["role"] == REVIEWER and any(s.role == PREPARER and not s.stale and same_person(s.by, f["by"]) for s in signs)
            signs.append(Sign(f["role"], f["by"], f["at"], f["text"], "prepared by the same person" if own else stale))
        elif f["fact"] == APPROVED and not stale and f["role"] == MAKER:
            made[f["control"]] = Approval(f["control"], f["by"], "", f["text"], candidate.day)
        elif f["fact"] == APPROVED and not stale and (first := made.get(f["control"])) and not same_person(first.maker, f["by"]):
            done[f["control"]] = Approval(f["control"], first.maker, f["by"], first.reason, candidate.day)
        elif f["fact"] == RELEASED:
            released = f
    waiting = {name: a for name, a in made.items() if name not in done}
    return ReleaseState(candidate, tuple(signs), tuple(done.values()), waiting, released)


@dataclass(frozen=True)
class Decision:
    """The fact to append. ``state``: done, waiting (for a second person) or refused; ``says`` in a sentence."""

    state: str
    says: str
    payload: dict[str, Any]
    findings: tuple[Finding, ...] = ()


def sign(state: ReleaseState, by: str, text: str = "") -> Decision:
    """The first who signs is the preparer, the second the reviewer; they differ."""
    preparer, reviewer = state.signer(PREPARER), state.signer(REVIEWER)
    if state.released and not state.changed_since_release:
        return _refused(state, by, "sign", f"it was released by {state.released['by']} already")
    if preparer and reviewer:
        return _refused(state, by, "sign", f"{preparer} and {reviewer} have signed it already")
    if preparer and same_person(preparer, by):
        return _refused(state, by, "sign", f"{preparer} prepared it; a second person reviews it: found {by}")
    role = REVIEWER if preparer else PREPARER
    payload = {"fact": SIGNED, **state.candidate.about, "role": role, "text": text}
    says = f"Signed by {by} as {role}."
    return Decision("done" if preparer else "waiting", says + ("" if preparer else " It waits for a second person."), payload)


def approve(state: ReleaseState, control: str, by: str, text: str = "") -> Decision:
    """One person lets a blocked control pass, with the reason; a second agrees. Maker is not checker."""
    action = f"approve {control}"
    if control not in state.candidate.blocked:
        there = ", ".join(state.candidate.blocked) or "none"
        return _refused(state, by, action, f"{control!r} is no control that blocks this NAV; those that do: {there}")
    if any(a.control == control for a in state.approvals):
        return _refused(state, by, action, "two people have let it pass already")
    first = (state.proposed or {}).get(control)
    if first and same_person(first.maker, by):
        return _refused(state, by, action, f"{first.maker} said so already; a second person is needed: found {by}")
    if not first and not text.strip():
        return _refused(state, by, action, "a blocked control is let pass for a reason: found none")
    payload = {
        "fact": APPROVED,
        **state.candidate.about,
        "control": control,
        "role": CHECKER if first else MAKER,
        "text": text.strip(),
    }
    if first:
        return Decision("done", f"{control} is let pass by {first.maker} and {by}: {first.reason}.", payload)
    return Decision("waiting", f"{by} lets {control} pass; a second person has to agree.", payload)


def release(state: ReleaseState, by: str, published: Mapping[str, Any]) -> Decision:
    """Publishes ``published`` (classes with their prices) when both have signed and nothing blocks."""
    if why := _not_releasable(state):
        return _refused(state, by, "release", why)
    signed = {role: state.signer(role) for role in (PREPARER, REVIEWER)}
    approvals = [{"control": a.control, "maker": a.maker, "checker": a.checker, "reason": a.reason} for a in state.approvals]
    payload = {"fact": RELEASED, **state.candidate.about, **signed, "approvals": approvals, **published}
    return Decision("done", f"Released by {by}, prepared by {signed[PREPARER]}, reviewed by {signed[REVIEWER]}.", payload)


def _not_releasable(state: ReleaseState) -> str:
    if state.released and not state.changed_since_release:
        return f"it was released by {state.released['by']} already"
    if state.released:
        return f"another NAV of the day was released and {state.changed_since_release}: it is corrected as a NAV error"
    if state.candidate.errors:
        return f"the strike has errors, which no approval mends: {state.candidate.errors[0]}"
    if state.unapproved:
        return f"blocked by {', '.join(state.unapproved)}: two people let it pass with a reason, or its cause is mended"
    stale = next((s for s in reversed(state.signs) if s.stale), None)
    again = f" ({stale.by} signed, but {stale.stale})" if stale else ""
    if not state.signer(PREPARER):
        return f"nobody has prepared it{again}"
    return "" if state.signer(REVIEWER) else f"nobody has reviewed it{again}"


def _refused(state: ReleaseState, by: str, action: str, why: str) -> Decision:
    payload = {"fact": REFUSED, **state.candidate.about, "action": action, "text": why}
    letter = error(f"nav-{action.split()[0]}-refused", why, Place(field="by"), found=by)
    return Decision("refused", f"Refused to {action}: {why}.", payload, (letter,))
