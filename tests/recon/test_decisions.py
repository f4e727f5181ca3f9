"""What people decide about breaks: words, matches, write-offs, four eyes, and the fold of all of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bo_lib.recon import BreakChanges, BreakState, Reconciliation, Rules, breaks_on, carry, decisions, open_breaks
from bo_lib.recon.decisions import Decision, Said
from bo_lib.recon.history import day_of
from tests.recon.scenario import june
from tests.recon.test_cash import Desk
from tests.recon.test_positions import reconcile

LIMIT = Decimal(99)  # positions of the scenario are worth 10 a unit


class Team:
    """The facts of a reconciliation and what people say about its breaks. ``facts`` know who wrote them, as the chain does."""

    def __init__(self, limit: Decimal = LIMIT) -> None:
        self.facts: list[dict[str, Any]] = []
        self.limit = limit
        self.month_limit: Decimal | None = None

    def day(self, day: int, reconciliation: Reconciliation) -> BreakChanges:
        states = breaks_on(self.facts, june(day)).values()
        decided = [s for s in states if s.is_decided]
        changes = carry([s.found for s in states if s.is_open], reconciliation, june(day), "TARGET", decided)
        self.write(changes.payloads, "scheduler")
        return changes

    def write(self, payloads: Any, actor: str) -> None:
        self.facts += [{**p, "by": actor} for p in json.loads(json.dumps(list(payloads)))]

    def states(self, day: int) -> dict[str, BreakState]:
        return breaks_on(self.facts, june(day))

    def does(self, who: str, day: int, what: str, *ids: str, text: str = "", **more: Any) -> Decision:
        known = self.states(day)
        chosen, said = [known[i] for i in ids], Said(who, june(day), text)
        decide = {
            "match": lambda: decisions.propose_match(chosen, said, self.limit),
            "write off": lambda: decisions.write_off(
                chosen, said, self.limit, self.month_limit, decisions.written_off_alone(known.values(), who, june(day))
            ),
            "approve": lambda: decisions.approve(chosen, known, said),
            "reject": lambda: decisions.reject(chosen, known, said),
            "reopen": lambda: decisions.reopen(chosen, known, said),
            "comment": lambda: decisions.comment(chosen, said),
            "assign": lambda: decisions.assign(chosen, said, **more),
        }[what]
        decision: Decision = decide()
        self.write(decision.payloads, who)
        return decision

    def state(self, day: int, break_id: str) -> str:
        return self.states(day)[break_id].says

    def open(self, day: int) -> list[str]:
        return [b.break_id for b in open_breaks(self.facts, june(day))]


def positions(rules: Rules, here: str, there: str) -> Reconciliation:
    return reconcile(rules, {"DE1": here}, {"DE1": there}).value


@pytest.fixture
def one(position_rules: Rules) -> tuple[Team, str]:
    """One break of 10 units worth 100, above the limit."""
    team = Team()
    return team, team.day(2, positions(position_rules, "100", "90")).opened[0].break_id


# Four eyes -----------------------------------------------------------------------------------------------------------


def test_above_the_limit_a_write_off_waits_for_a_second_person_and_never_for_the_same_one(one: tuple[Team, str]) -> None:
    team, b = one
    assert team.does("ann", 2, "write off", b, text="custodian confirms").state == "waiting"
    assert team.state(2, b) == "write off waits for a second person" and team.open(2) == [b]
    refused = team.does("Ann ", 2, "approve", b)
    assert refused.state == "refused" and "a second person is needed: found Ann" in refused.says
    assert team.does("ben", 2, "approve", b, text="seen it").state == "done"
    assert team.state(2, b) == "written off" and team.open(2) == []
    last = team.states(2)[b].history[-1]
    assert (last["maker"], last["checker"], last["reason"], last["text"]) == ("ann", "ben", "custodian confirms", "seen it")
    assert [p["fact"] for p in team.states(2)[b].history].count("break_refused") == 1, "the attempt stays on record"


def test_up_to_the_limit_one_person_is_enough(one: tuple[Team, str]) -> None:
    team, b = one
    team.limit = Decimal(100)
    assert team.does("ann", 2, "write off", b, text="too small").state == "done"
    assert team.state(2, b) == "written off"


def test_what_has_no_value_always_takes_two(position_rules: Rules) -> None:
    team = Team(Decimal(10**9))
    unpriced = reconcile(position_rules, {"DE1": "1", "UNPRICED": "5"}, {"DE1": "1"}).value
    b = team.day(2, unpriced).opened[0].break_id
    assert team.does("ann", 2, "write off", b, text="delisted").state == "waiting"


def test_a_rejected_proposal_leaves_the_break_open_and_may_be_made_again(one: tuple[Team, str]) -> None:
    team, b = one
    team.does("ann", 2, "write off", b, text="old")
    assert team.does("ben", 2, "reject", b).state == "refused", "a rejection has a reason"
    assert team.does("ben", 2, "reject", b, text="ask the custodian first").state == "done"
    assert team.state(2, b) == "open" and team.does("ben", 2, "approve", b).state == "refused"
    assert team.does("ann", 3, "write off", b, text="old").state == "waiting"
    assert team.does("ben", 3, "approve", b).state == "done"


def test_the_one_who_approves_approves_what_stands_proposed_last(one: tuple[Team, str]) -> None:
    team, b = one
    team.does("ann", 2, "write off", b, text="first reason")
    team.does("ben", 2, "write off", b, text="second reason")
    assert team.does("ben", 2, "approve", b).state == "refused", "ben made the proposal that stands"
    team.does("ann", 2, "approve", b)
    assert team.states(2)[b].reason == "second reason"


def test_an_approval_that_somebody_wrote_in_anothers_name_has_no_effect(one: tuple[Team, str]) -> None:
    team, b = one
    team.does("ann", 2, "write off", b, text="mine")
    known = team.states(2)
    forged = decisions.approve([known[b]], known, Said("ben", june(2)))
    team.write(forged.payloads, "ann")  # the chain says who wrote it
    assert team.open(2) == [b]


def test_an_approval_of_something_else_than_what_is_proposed_has_no_effect(one: tuple[Team, str]) -> None:
    team, b = one
    team.does("ann", 2, "write off", b, text="first")
    known = team.states(2)
    late = decisions.approve([known[b]], known, Said("ben", june(2)))
    team.does("ann", 2, "write off", b, text="changed")
    team.write(late.payloads, "ben")
    assert team.open(2) == [b], "the proposal was edited: the approval of the first is void"


def test_a_break_that_went_away_while_it_waited_cannot_be_approved(one: tuple[Team, str], position_rules: Rules) -> None:
    team, b = one
    team.does("ann", 2, "write off", b, text="old")
    team.day(3, positions(position_rules, "100", "100"))
    assert "closed already, gone on 2026-06-03" in team.does("ben", 3, "approve", b).says


# Matches by hand -----------------------------------------------------------------------------------------------------


def two_sides(rules: Rules) -> tuple[Team, Desk, str, str]:
    """The books paid 500 on the 2nd under T1, the bank on the 3rd under another reference and in two parts of one amount."""
    team, desk = Team(Decimal(10**6)), Desk(rules).books("-500", 2, "T1").bank(2)
    team.day(2, desk.reconcile(2).value)
    desk.bank(3, ("-480", "X7"), ("-20", "X8"))
    team.day(3, desk.reconcile(3).value)
    ours, *theirs = sorted(team.states(3).values(), key=lambda s: s.found.item.kind, reverse=True)
    return team, desk, ours.break_id, " ".join(s.break_id for s in theirs)


def test_breaks_of_different_days_that_add_up_are_matched_for_good(cash_rules: Rules) -> None:
    team, desk, ours, theirs = two_sides(cash_rules)
    assert team.does("ann", 3, "match", ours, theirs.split()[0], text="one payment").state == "refused"
    decision = team.does("ann", 3, "match", ours, *theirs.split(), text="one payment, booked in two parts")
    assert decision.state == "done" and {team.state(3, b) for b in (ours, *theirs.split())} == {"matched"}
    changes = team.day(4, desk.bank(4).reconcile(4).value)
    assert changes.payloads == [] and team.open(4) == []


def test_when_one_half_of_a_match_is_gone_the_other_is_open_again_with_its_age(cash_rules: Rules) -> None:
    team, desk, ours, theirs = two_sides(cash_rules)
    team.does("ann", 3, "match", ours, *theirs.split(), text="one payment")
    changes = team.day(4, desk.bank(4, ("-500", "T1", {"value_date": june(2)})).reconcile(4).value)
    assert [b.break_id for b in changes.lapsed] == [ours]
    assert sorted(team.open(4)) == sorted(theirs.split())
    assert {b.opened for b in open_breaks(team.facts, june(4))} == {june(3)}


def test_rows_of_two_accounts_never_net(cash_rules: Rules) -> None:
    """Also where the amounts add up to nothing: the money is in the wrong account, and closing both would hide it."""
    team, _, ours, theirs = two_sides(cash_rules)
    known = team.states(3)
    there = known[ours]
    moved = replace(there, found=replace(there.found, item=replace(there.found.item, account="OTHER")))
    said = Said("ann", june(3), "one payment")
    decision = decisions.propose_match([moved, *(known[b] for b in theirs.split())], said, LIMIT)
    assert decision.state == "refused" and "500 EUR in ALPINE, -500 EUR in OTHER would be left over" in decision.says


def test_one_break_alone_is_no_match(one: tuple[Team, str]) -> None:
    team, b = one
    assert "two breaks or more" in team.does("ann", 2, "match", b, text="itself").says


def test_an_item_that_is_matched_days_later_says_by_which_pass_and_with_what(cash_rules: Rules) -> None:
    team, desk = Team(), Desk(cash_rules).bank(2, ("-5", "T1"))
    b = team.day(2, desk.reconcile(2).value).opened[0].break_id
    team.day(4, desk.books("-5", 2, "T1").bank(4).reconcile(4).value)
    state = team.states(4)[b]
    assert state.state == "gone" and state.reason == "matched by reference with -5 of 2026-06-02 T1"


# A month of small ones --------------------------------------------------------------------------------------------------


def test_many_small_write_offs_of_one_person_need_a_second_once_their_sum_passes_the_limit_of_a_month(
    position_rules: Rules,
) -> None:
    """Five differences of 20 each, 99 alone, 50 in a month: two go alone, the third waits, another person's begin anew."""
    team, securities = Team(), [f"DE{n}" for n in range(1, 6)]
    team.month_limit = Decimal(50)
    found = reconcile(position_rules, dict.fromkeys(securities, "100"), dict.fromkeys(securities, "98")).value
    ids = [b.break_id for b in team.day(2, found).opened]
    assert [team.does("ann", 2, "write off", b, text="rounding").state for b in ids[:3]] == ["done", "done", "waiting"]
    waits = team.does("Ann", 2, "write off", ids[3], text="rounding")
    assert waits.state == "waiting" and "Ann wrote off 40.00 alone in 2026-06, and 50 is the limit of a month" in waits.says
    assert team.does("ann", 2, "approve", ids[2]).state == "refused"
    assert team.does("ben", 2, "approve", ids[2]).state == "done"
    assert team.does("ben", 2, "write off", ids[4], text="rounding").state == "done"
    team.does("ann", 3, "reopen", ids[0], text="it was not")
    assert team.does("ann", 3, "write off", ids[0], text="it was").state == "done", "what is open again counts no more"


# Afterwards ----------------------------------------------------------------------------------------------------------


def written_off(one: tuple[Team, str]) -> tuple[Team, str]:
    team, b = one
    team.does("ann", 2, "write off", b, text="agreed")
    team.does("ben", 2, "approve", b)
    return team, b


def test_the_same_difference_does_not_come_back_and_a_new_amount_is_linked_to_it(
    one: tuple[Team, str], position_rules: Rules
) -> None:
    team, b = written_off(one)
    assert team.day(3, positions(position_rules, "120", "110")).payloads == []
    new = team.day(4, positions(position_rules, "100", "89")).opened[0]
    assert (new.previous, new.item.amount, new.since) == (b, 11, june(2))
    assert team.open(4) == [new.break_id]


def test_a_difference_that_was_gone_after_its_write_off_is_a_new_break_when_it_comes_again(
    one: tuple[Team, str], position_rules: Rules
) -> None:
    team, b = written_off(one)
    assert [x.break_id for x in team.day(3, positions(position_rules, "100", "100")).lapsed] == [b]
    again = team.day(9, positions(position_rules, "100", "90")).opened
    assert [(x.break_id, x.opened) for x in again] == [(b, june(9))], "what was accepted once is not accepted for ever"


def test_a_reopened_break_has_its_old_age_and_its_history(one: tuple[Team, str], position_rules: Rules) -> None:
    team, b = written_off(one)
    assert team.does("cy", 8, "reopen", b).state == "refused", "it is reopened for a reason"
    assert team.does("cy", 8, "reopen", b, text="custodian corrected its statement").state == "done"
    (found,) = open_breaks(team.facts, june(8))
    assert (found.opened, found.age_business_days(june(8), "TARGET")) == (june(2), 4)
    assert team.day(9, positions(position_rules, "100", "90")).payloads == [] and team.open(9) == [b]
    assert "is open" in team.does("cy", 9, "reopen", b, text="again").says


def test_a_match_is_reopened_as_a_whole(cash_rules: Rules) -> None:
    team, _, ours, theirs = two_sides(cash_rules)
    team.does("ann", 3, "match", ours, *theirs.split(), text="one payment")
    team.does("ann", 4, "reopen", ours, text="they are not one")
    assert len(team.open(4)) == 3


def test_a_break_that_closed_by_itself_is_not_reopened_by_hand(one: tuple[Team, str], position_rules: Rules) -> None:
    team, b = one
    team.day(3, positions(position_rules, "100", "100"))
    assert "it comes back by itself when the difference does" in team.does("ann", 3, "reopen", b, text="?").says


def test_an_owner_and_a_due_date_are_assigned_and_stay_with_the_new_amount(one: tuple[Team, str], position_rules: Rules) -> None:
    team, b = one
    assert team.does("ann", 2, "assign", b, owner="ben", due=june(5)).state == "done"
    assert team.does("ann", 2, "assign", b, due=june(1)).state == "refused", "due before the business date"
    found = team.states(2)[b].found
    assert (found.owner, found.due) == ("ben", june(5))
    assert team.day(3, positions(position_rules, "100", "80")).opened[0].owner == "ben"


def test_a_comment_stays_with_the_break(one: tuple[Team, str]) -> None:
    team, b = one
    assert team.does("ann", 3, "comment", b).state == "refused"
    team.does("ann", 3, "comment", b, text="mailed the custodian")
    assert [p["text"] for p in team.states(3)[b].history if p["fact"] == "break_commented"] == ["mailed the custodian"]
    assert len(team.states(2)[b].history) == 1, "on the 2nd nobody had said anything yet"


def test_a_break_is_explained_otherwise_when_the_data_say_more(cash_rules: Rules) -> None:
    team, desk = Team(), Desk(cash_rules).books("-500", 2, "T1").bank(2)
    b = team.day(2, desk.reconcile(2).value).opened[0]
    assert b.item.cause == "timing"
    desk.statuses = [{"reference": "T1", "status": "failing", "reason": "LACK", "effective_date": june(4)}]
    result = desk.bank(3).bank(4).reconcile(4).value
    assert [x.item.cause for x in team.day(4, result).explained] == ["settlement fails"]
    (found,) = open_breaks(team.facts, june(4))
    assert (found.item.cause, found.opened) == ("settlement fails", june(2))


# Ids -----------------------------------------------------------------------------------------------------------------


def test_a_break_is_named_by_the_beginning_of_its_id_and_a_wrong_id_gets_the_nearest(one: tuple[Team, str]) -> None:
    team, b = one
    states = team.states(2)
    assert [s.break_id for s in decisions.find_breaks(states, [b[:6]]).value] == [b]
    (letter,) = decisions.find_breaks(states, [b[:5] + "zz"]).findings
    assert letter.code == "break-unknown" and letter.expected.startswith(b)
    short = decisions.find_breaks(states, [b[:3]])
    assert not short.value and "too short" in short.findings[0].message


# Laws ----------------------------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["day", "write off", "approve", "reject", "reopen", "comment", "assign", "match"]),
        st.sampled_from(["ann", "ben"]), st.integers(0, 3), st.sampled_from([0, 0, 5, 10]),
    ),
    max_size=14,
)  # fmt: skip


def played(rules: Rules, steps: list[tuple[str, str, int, int]], isins: tuple[str, ...] = ("DE1", "US1")) -> Team:
    """A story of two instruments over the days of June: each step is an act of one person, or the next day with its differences."""
    team, day = Team(), 2
    gap = dict.fromkeys(isins, 10)
    team.day(day, reconcile(rules, dict.fromkeys(isins, "100"), {i: str(100 - gap[i]) for i in isins}).value)
    for what, who, which, size in steps:
        known = sorted(team.states(day))
        if what == "day":
            day += 1 if day % 7 != 5 else 3
            gap[isins[which % len(isins)]] = size
            team.day(day, reconcile(rules, dict.fromkeys(isins, "100"), {i: str(100 - gap[i]) for i in isins}).value)
        elif what == "match":
            team.does(who, day, what, *known[:2], text="together")
        else:
            more = {"owner": who} if what == "assign" else {}
            team.does(who, day, what, known[which % len(known)], text="because", **more)
    return team


def as_told(states: dict[str, BreakState]) -> list[tuple[Any, ...]]:
    return sorted((s.break_id, s.says, s.found.owner, s.found.opened, s.closed, s.lapsed, len(s.history)) for s in states.values())


@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
def test_later_facts_do_not_change_the_past(position_rules: Rules, steps: list[tuple[str, str, int, int]]) -> None:
    team = played(position_rules, steps)
    days = sorted({date.fromisoformat(day_of(f)) for f in team.facts})
    for day in days:
        known = [f for f in team.facts if day_of(f) <= day.isoformat()]
        assert as_told(breaks_on(team.facts, day)) == as_told(breaks_on(known, day))


@settings(max_examples=40, deadline=None)
@given(steps=STEPS, seed=st.randoms(use_true_random=False))
def test_facts_of_other_breaks_in_between_change_nothing(
    position_rules: Rules, steps: list[tuple[str, str, int, int]], seed: Any
) -> None:
    team = played(position_rules, steps)
    queues: dict[str, list[dict[str, Any]]] = {}
    for fact in team.facts:
        queues.setdefault(fact["break_id"], []).append(fact)
    shuffled = []
    while queues:
        name = seed.choice(sorted(queues))
        shuffled.append(queues[name].pop(0))
        if not queues[name]:
            del queues[name]
    assert as_told(breaks_on(shuffled, june(30))) == as_told(breaks_on(team.facts, june(30)))


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_nothing_open_is_ever_lost(position_rules: Rules, steps: list[tuple[str, str, int, int]]) -> None:
    """After any story, a difference of the day is open, or two people (or one within the limit) closed it for good."""
    team = played(position_rules, steps)
    day = max(date.fromisoformat(day_of(f)) for f in team.facts)
    gaps = {"DE1": "90", "US1": "95"}
    result = reconcile(position_rules, dict.fromkeys(gaps, "100"), gaps).value
    team.day(day.day, result)
    states = breaks_on(team.facts, day)
    for item in result.items:
        state = states[item.break_id]
        assert state.is_open or state.is_decided
        if state.is_decided:
            closing = next(p for p in reversed(state.history) if p["fact"] == "break_accepted")
            within = item.value_base is not None and item.value_base <= LIMIT
            assert within or closing["checker"] not in ("", closing["maker"]), "worth more than one person may close"
    wanted = {i.break_id for i in result.items if not states[i.break_id].is_decided}
    assert {b.break_id for b in open_breaks(team.facts, day)} == wanted, "and nothing is open that is no difference"
