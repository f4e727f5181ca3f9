"""Signing and releasing: two people, a reason for every blocked control, and nothing counts that was signed of something else."""

from dataclasses import replace
from datetime import date
from typing import Any

from bo_lib.nav.release import Candidate, Decision, ReleaseState, approve, release, sign, state_of

DAY = date(2026, 6, 30)
CLEAN = Candidate("F", DAY, "nav-1", "inputs-1", {})
BLOCKED = replace(CLEAN, blocked={"units_agree": "A: books 10, register 11"})


class Said:
    """What people say one after the other of a candidate."""

    def __init__(self, candidate: Candidate) -> None:
        self.candidate, self.facts = candidate, list[dict[str, Any]]()

    @property
    def state(self) -> ReleaseState:
        return state_of(self.candidate, self.facts)

    def __call__(self, decision: Decision, by: str) -> Decision:
        self.facts.append({**decision.payload, "by": by, "at": f"2026-06-30T20:{len(self.facts):02}:00Z"})
        return decision

    def signs(self, by: str) -> Decision:
        return self(sign(self.state, by), by)

    def lets_pass(self, control: str, by: str, text: str = "") -> Decision:
        return self(approve(self.state, control, by, text), by)

    def releases(self, by: str) -> Decision:
        return self(release(self.state, by, {"classes": []}), by)


def test_one_prepares_another_reviews_and_then_it_can_be_released() -> None:
    nav = Said(CLEAN)
    assert nav.state.says == "to prepare" and nav.releases("ann").state == "refused"
    assert nav.signs("ann").state == "waiting" and nav.state.says == "to review"
    again = nav.signs("  ANN ")
    assert again.state == "refused" and "a second person reviews it" in again.says
    assert nav.signs("ben").state == "done" and nav.state.says == "to release"
    assert nav.releases("cas").state == "done" and nav.state.says == "released"
    assert nav.facts[-1]["preparer"] == "ann" and nav.facts[-1]["reviewer"] == "ben"
    assert [f["action"] for f in nav.facts if f["fact"] == "nav.refused"] == ["release", "sign"], "refused attempts are kept"


def test_a_second_word_of_the_same_person_that_was_written_past_the_desk_has_no_effect() -> None:
    nav = Said(BLOCKED)
    nav.lets_pass("units_agree", "ann", "registrar confirms"), nav.signs("ann")
    said = {"fact": "nav.signed", **BLOCKED.about, "role": "reviewer", "text": ""}
    nav(Decision("done", "", said), "Ann")
    nav(Decision("done", "", {**said, "fact": "nav.approved", "control": "units_agree", "role": "checker"}), "Ann")
    assert not nav.state.signer("reviewer") and nav.state.unapproved == ["units_agree"]


def test_a_third_signature_and_a_second_release_are_refused() -> None:
    nav = Said(CLEAN)
    nav.signs("ann"), nav.signs("ben")
    assert nav.signs("cas").state == "refused"
    nav.releases("ben")
    assert "released by ben already" in nav.releases("ann").says and nav.signs("dan").state == "refused"


def test_a_changed_input_or_another_figure_makes_signatures_stale() -> None:
    for changed, why in ((replace(CLEAN, inputs_sha256="inputs-2"), "an input has changed"),
                         (replace(CLEAN, nav_sha256="nav-2"), "struck again and differs")):  # fmt: skip
        nav = Said(CLEAN)
        nav.signs("ann"), nav.signs("ben")
        nav.candidate = changed
        assert nav.state.says == "stale: to be prepared again" and all(why in s.stale for s in nav.state.signs)
        refused = nav.releases("ben")
        assert refused.state == "refused" and "nobody has prepared it (ben signed, but" in refused.says
        nav.signs("ben"), nav.signs("ann")
        assert nav.releases("ann").state == "done"


def test_a_blocked_control_needs_two_names_and_a_reason() -> None:
    nav = Said(BLOCKED)
    nav.signs("ann"), nav.signs("ben")
    assert nav.state.says == "blocked" and "blocked by units_agree" in nav.releases("ben").says
    assert nav.lets_pass("units_agree", "ann").state == "refused", "no reason"
    assert nav.lets_pass("suspense_empty", "ann", "x").state == "refused", "it does not block"
    assert nav.lets_pass("units_agree", "ann", "registrar confirms, booked tomorrow").state == "waiting"
    assert nav.lets_pass("units_agree", "Ann").state == "refused" and nav.releases("ben").state == "refused"
    assert nav.lets_pass("units_agree", "cas").state == "done"
    assert nav.releases("ben").state == "done"
    assert nav.facts[-1]["approvals"] == [
        {"control": "units_agree", "maker": "ann", "checker": "cas", "reason": "registrar confirms, booked tomorrow"}
    ]


def test_an_approval_lapses_with_the_figures_it_was_given_for() -> None:
    nav = Said(BLOCKED)
    nav.lets_pass("units_agree", "ann", "known"), nav.lets_pass("units_agree", "ben")
    assert not nav.state.unapproved
    nav.candidate = replace(BLOCKED, inputs_sha256="inputs-2")
    assert nav.state.unapproved == ["units_agree"]


def test_an_error_of_the_strike_is_mended_not_approved() -> None:
    nav = Said(replace(CLEAN, errors=("US0378331005: 100 held and no price",)))
    nav.signs("ann"), nav.signs("ben")
    assert "no approval mends: US0378331005" in nav.releases("ben").says


def test_what_was_released_and_changed_since_is_a_nav_error_not_a_second_release() -> None:
    nav = Said(CLEAN)
    nav.signs("ann"), nav.signs("ben"), nav.releases("ben")
    nav.candidate = replace(CLEAN, nav_sha256="nav-2")
    assert nav.state.says == "released; the NAV was struck again and differs"
    nav.signs("ann"), nav.signs("ben")
    assert "corrected as a NAV error" in nav.releases("ben").says
