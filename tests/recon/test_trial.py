"""Changed rules tried on history: what would match, what would not, and what people had decided otherwise."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bo_lib.recon import Rules
from bo_lib.recon.trial import Trial, TrialDay
from tests.recon.scenario import june
from tests.recon.test_cash import Desk
from tests.recon.test_decisions import Team


def changed(rules: Rules, **steps: dict[str, Any]) -> Rules:
    """The rules as shipped with passes of these ids changed, or added at the end."""
    passes = [p.model_dump(exclude_unset=True, by_alias=True) | steps.get(p.id, {}) for p in rules.passes]
    passes += [{"id": name, **step} for name, step in steps.items() if name not in {p.id for p in rules.passes}]
    data = rules.model_dump(exclude_unset=True, by_alias=True) | {"passes": passes, "version": 2}
    return Rules.model_validate(data)


def tried(desk: Desk, new: Rules, days: list[int], team: Team | None = None) -> list[TrialDay]:
    """The desk's days under both rules; ``team`` has decided something on its breaks."""
    rules, trial, found = desk.rules, Trial("EURO"), []
    states = list(team.states(30).values()) if team else []
    for day in days:
        desk.rules = rules
        now = desk.reconcile(day).value
        desk.rules = new
        found.append(trial.day(now, desk.reconcile(day).value, states))
    desk.rules = rules
    return found


def wide(rules: Rules) -> Rules:
    return changed(rules, **{"near-date": {"days": 6}})


def late_payment(rules: Rules) -> Desk:
    """The books pay on the 2nd, the bank on the 8th: four business days, six calendar days."""
    return Desk(rules).books("-500", 2, None).bank(2).bank(3).bank(4).bank(5).bank(8, ("-500", None)).bank(9)


def test_a_wider_window_matches_newly_and_each_row_is_said_once(cash_rules: Rules) -> None:
    first, second = tried(late_payment(cash_rules), wide(cash_rules), [8, 9])
    assert [(r["side"], r["pass"], r["amount"]) for r in first.newly] == [
        ("left", "near-date", Decimal(-500)),
        ("right", "near-date", Decimal(-500)),
    ]
    assert (first.breaks, first.breaks_new, second.breaks, second.breaks_new) == (2, 0, 2, 0)
    assert second.newly == () and first.no_longer == () and first.against == ()


def test_a_narrower_window_no_longer_matches(cash_rules: Rules) -> None:
    (day,) = tried(late_payment(wide(cash_rules)), cash_rules, [8])
    assert len(day.no_longer) == 2 and day.newly == () and (day.breaks, day.breaks_new) == (0, 2)
    assert day.proven and day.proven_new, "what is open still explains the balance"


def test_rows_that_would_be_paired_otherwise_are_said(cash_rules: Rules) -> None:
    """Two payments of one amount: by reference they pair crosswise, by attributes day by day."""
    desk = Desk(cash_rules).books("-5", 2, "A").books("-5", 3, "B").bank(2, ("-5", "A")).bank(3, ("-5", "B"))
    attributes_only = changed(cash_rules, reference={"equal": ["amount"], "days": 0})
    (same,) = tried(desk, attributes_only, [3])
    assert same.otherwise == (), "the pass has another name, the pairs are the same"


def test_identical_rows_may_change_places(cash_rules: Rules) -> None:
    desk = Desk(cash_rules).books("-5", 2, None).books("-5", 2, None).bank(2, ("-5", None), ("-5", None))
    (day,) = tried(desk, changed(cash_rules, extra={"equal": ["amount"], "days": 1}), [2])
    assert (day.newly, day.no_longer, day.otherwise) == ((), (), ())


def decided(desk: Desk, day: int, limit: str = "1000000") -> Team:
    team = Team(Decimal(limit))
    for past in sorted({m["statement_date"].day for m in desk.statements if m["statement_date"].day <= day}):
        team.day(past, desk.reconcile(past).value)
    return team


def test_what_a_person_wrote_off_and_the_new_rules_would_match_is_said_with_who_and_why(cash_rules: Rules) -> None:
    desk = late_payment(cash_rules)
    team = decided(desk, 8)
    ours = next(s.break_id for s in team.states(8).values() if s.found.item.kind == "missing_there")
    team.does("ann", 8, "write off", ours, text="paid twice, agreed with the bank")
    first, second = tried(desk, wide(cash_rules), [8, 9], team)
    (against,) = first.against
    assert (against.break_id, against.decided, against.by, against.day) == (ours, "written off", "ann", june(8))
    assert against.reason == "paid twice, agreed with the bank" and against.instead.startswith("matched by near-date with -500")
    assert second.against == (), "each decision is said once"


def test_what_people_matched_by_hand_and_the_new_rules_match_alike_speaks_for_them(cash_rules: Rules) -> None:
    desk = late_payment(cash_rules)
    team = decided(desk, 8)
    assert team.does("ann", 8, "match", *team.open(8), text="one payment").state == "done"
    (day,) = tried(desk, wide(cash_rules), [8], team)
    assert day.against == () and len(day.as_decided) == 2


def test_a_match_that_people_rejected_and_the_new_rules_would_make_speaks_against_them(cash_rules: Rules) -> None:
    desk = late_payment(cash_rules)
    team = decided(desk, 8, limit="1")
    team.does("ann", 8, "match", *team.open(8), text="one payment?")
    team.does("ben", 8, "reject", team.open(8)[0], text="two different payees")
    (day,) = tried(desk, wide(cash_rules), [8], team)
    assert {(a.decided, a.by, a.reason) for a in day.against} == {("match rejected", "ben", "two different payees")}


def test_a_match_with_another_row_than_people_chose_is_said(cash_rules: Rules) -> None:
    """People matched the books' payment with the bank's of the 9th; the new rules take the one of the 8th."""
    desk = late_payment(cash_rules).bank(10, ("-500", "Z9"))
    team = decided(desk, 10)
    states = team.states(10).values()
    ours = next(s.break_id for s in states if s.found.item.kind == "missing_there")
    other = next(s.break_id for s in states if s.found.item.reference == "Z9")
    assert team.does("ann", 10, "match", ours, other, text="the payee says so").state == "done"
    (day,) = tried(desk, changed(cash_rules, exact={"equal": ["amount"], "days": 6}), [9], team)
    assert [(a.break_id, a.decided) for a in day.against] == [(ours, "matched")]


def test_the_same_rules_change_nothing(cash_rules: Rules) -> None:
    desk = late_payment(cash_rules)
    for day in tried(desk, cash_rules, [5, 8, 9], decided(desk, 9)):
        assert (day.newly, day.no_longer, day.otherwise, day.against) == ((), (), (), ())
        assert day.matched_pct == day.matched_pct_new


def test_what_a_wider_tolerance_lets_pass_is_said_in_money(cash_rules: Rules) -> None:
    desk = Desk(cash_rules).books("-500", 2, "T1").bank(2, ("-499.10", "T1"))
    loose = changed(cash_rules, **{"reference-rounding": {"amount": {"absolute": "1"}}})
    (day,) = tried(desk, loose, [2])
    assert (day.tolerated, day.tolerated_new, len(day.newly)) == ("", "0.9 EUR", 2)
