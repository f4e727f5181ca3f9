"""Who may say what about a close: signatures of the evidence as it was, two people, and refusals that say what to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from bo_lib.close import Answer, Evidence, LatePosting, Related, close, digest, record_of, signing
from bo_lib.close.checks import CHECKS, Run, run_of
from bo_lib.config import Close, CloseTask, load
from bo_lib.model.findings import Finding, info, warning
from bo_lib.model.tables import QUANTITY
from bo_lib.recon import Reconciliation, Rules, not_compared, reconcile_tables
from bo_lib.recon.decisions import Decision, Said
from tests.close.books import ledger, lines
from tests.nav.demonstration import ROOT

DAY = date(2026, 6, 30)


class Month:
    """A close of three tasks whose checks a test sets; everybody signs at the same minute."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers = {name: Answer("done", f"{name} is fine", 0, name) for name in ("a", "b", "c")}
        for name in self.answers:
            monkeypatch.setitem(CHECKS, name, lambda e, name=name: self.answers[name])
        about = {"owner": "ops", "reviewer": "control", "due_business_day": 1}
        needs = {"a": (), "b": ("a",), "c": ()}
        self.terms = Close(tasks=tuple(CloseTask(id=n, title=n, check=n, needs=needs[n], **about) for n in self.answers))
        self.payloads: list[dict[str, Any]] = []

    @property
    def record(self) -> signing.CloseRecord:
        return record_of("2026-06", self.payloads)

    @property
    def rows(self) -> list[dict[str, Any]]:
        return close(self.terms, Evidence("F", DAY), "TARGET", record=self.record).value.table.to_pylist()

    def states(self) -> dict[str, str]:
        return {r["task"]: r["state"] for r in self.rows}

    def do(self, by: str, step: str, *given: Any, text: str = "") -> Decision:
        said = Said(by, DAY, text)
        if step in ("sign", "accept", "reopen_tasks"):
            made = getattr(signing, step)(self.rows, self.record, given, said)
        elif step == "soft_close":
            made = signing.soft_close(self.rows, self.record, said, "")
        elif step == "hard_close":
            made = signing.hard_close(self.rows, self.record, said, "", {"net_assets": "1"})
        else:
            made = signing.reopen_month(self.record, said)
        self.payloads += [{**p, "by": by, "at": "2026-07-01T09:00:00.000000Z"} for p in made.payloads]
        return made


@pytest.fixture
def month(monkeypatch: pytest.MonkeyPatch) -> Month:
    return Month(monkeypatch)


def both(month: Month) -> None:
    month.do("ana", "sign")
    month.do("ben", "sign")


def test_the_first_prepares_and_the_second_reviews(month: Month) -> None:
    both(month)
    assert {(r["prepared_by"], r["reviewed_by"]) for r in month.rows} == {("ana", "ben")}


def test_the_same_person_does_not_review_under_another_spelling(month: Month) -> None:
    month.do("ana", "sign")
    assert "a second person reviews it" in month.do(" Ana ", "sign", "a").says


def test_changed_evidence_voids_the_signatures_of_that_task_alone(month: Month) -> None:
    both(month)
    month.answers["a"] = Answer("done", "a is fine again", 0, "other")
    assert month.states() == {"a": "open", "b": "blocked", "c": "done"}
    signed = {r["task"]: r["reviewed_by"] for r in month.rows}
    assert signed == {"a": None, "b": "ben", "c": "ben"}
    assert month.do("ana", "sign", "a").state == "done"
    assert month.states() == {"a": "done", "b": "done", "c": "done"}  # b kept its own


def test_evidence_that_comes_back_is_still_signed(month: Month) -> None:
    both(month)
    first = month.answers["a"]
    month.answers["a"] = Answer("done", "other", 0, "other")
    month.answers["a"] = first
    assert month.states()["a"] == "done"


def test_a_failed_check_is_accepted_by_two_people_for_a_reason(month: Month) -> None:
    month.answers["a"] = Answer("failed", "1 off", 1, 1)
    assert "for a reason" in month.do("ana", "accept", "a").says
    assert "its check fails" in month.do("ana", "sign", "a").says
    assert month.do("ana", "accept", "a", text="known").state == "waiting"
    assert "a second person is needed" in month.do("ana", "accept", "a", text="known").says
    assert month.do("ben", "accept", "a", text="agreed").state == "done"
    assert month.states()["a"] == "done" and "accepted by ana and ben: known" in month.rows[0]["says"]
    month.answers["a"] = Answer("failed", "2 off", 2, 2)
    assert month.states()["a"] == "failed"  # another failure was not accepted


def test_a_task_that_is_not_there_is_named_with_the_nearest(month: Month) -> None:
    assert "there is no task 'aa'; did you mean a?" in month.do("ana", "sign", "aa").says


def test_a_month_is_closed_softly_then_for_good_by_two(month: Month) -> None:
    assert "not soft closed yet" in month.do("ana", "hard_close").says
    assert month.do("ana", "soft_close").state == "done"
    assert "not prepared and reviewed: a, b, c" in month.do("ana", "hard_close").says
    both(month)
    assert month.do("ana", "hard_close", text="final").state == "waiting"
    assert month.do("ana", "hard_close").state == "refused"
    assert month.do("ben", "hard_close").state == "done" and month.record.lock == "hard"
    for step, why in (("soft_close", "closed for good already"), ("hard_close", "closed for good already")):
        assert why in month.do("ben", step).says
    for step in ("sign", "accept", "reopen_tasks"):
        assert "two people reopen it first" in month.do("cat", step, "a", text="x").says


def test_reopening_takes_two_people_and_a_reason(month: Month) -> None:
    assert "2026-06 is open" in month.do("ana", "reopen_month", text="x").says
    month.do("ana", "soft_close")
    assert "for a reason" in month.do("ana", "reopen_month").says
    assert month.do("ana", "reopen_month", text="an error").state == "waiting"
    assert month.do("ana", "reopen_month", text="an error").state == "refused"
    assert month.do("ben", "reopen_month").state == "done"
    assert month.record.lock == "open" and month.record.soft_at == ""


def test_a_proposal_to_close_falls_when_the_figures_change(month: Month) -> None:
    month.do("ana", "soft_close")
    both(month)
    month.do("ana", "hard_close", text="final")
    other = signing.hard_close(month.rows, month.record, Said("ben", DAY), "", {"net_assets": "2"})
    assert other.state == "waiting"  # a proposal of its own


def test_refusals_are_kept_as_facts(month: Month) -> None:
    month.do("ana", "hard_close")
    assert [p["fact"] for p in month.payloads] == ["close.refused"]


# Checks of their own -------------------------------------------------------------------------------------------------

TERMS = Close(tasks=())


def check(name: str, **more: Any) -> Answer:
    return CHECKS[name](Evidence("F", DAY, tolerances=TERMS, **more))


RULES = load(ROOT / "parameters" / "recon" / "units.yaml", Rules)


def recon(*names: str, **sides: Sequence[tuple[str, str]]) -> dict[str, Reconciliation]:
    """Reconciliations of (class, units) on both sides, by name."""
    tables = [
        pa.Table.from_pylist(
            [{"party": "P", "account": "P", "currency": "", "share_class": c, "units": Decimal(u)} for c, u in sides[side]],
            pa.schema([(n, pa.string()) for n in ("party", "account", "currency", "share_class")] + [("units", QUANTITY)]),
        )
        for side in ("ours", "theirs")
    ]
    rules = RULES.model_copy(update={"third": None})
    return {
        n: reconcile_tables(*tables, rules.model_copy(update={"name": n}), DAY, fund="F", value=lambda row, amount: amount)
        for n in names
    }


def reconciled_state(task: str, found: dict[str, Reconciliation], accepted: frozenset[str] = frozenset()) -> dict[str, Any]:
    terms = load(ROOT / "parameters" / "close.yaml", Close)
    tasks = tuple(t.model_copy(update={"needs": ()}) for t in terms.tasks if t.reconciliations)
    made = close(Close(tasks=tasks), Evidence("F", DAY, reconciliations=found, accepted_breaks=accepted), "TARGET")
    return next(r for r in made.value.table.to_pylist() if r["task"] == task)


def test_every_reconciliation_is_proven_or_its_breaks_are_accepted() -> None:
    same = recon("positions", "positions_three_way", ours=[("A", "10")], theirs=[("A", "10")])
    assert reconciled_state("positions", same)["state"] == "done"
    off = {**same, **recon("positions_three_way", ours=[("A", "10")], theirs=[("A", "9")])}
    row = reconciled_state("positions", off)
    assert (row["state"], row["items"]) == ("failed", 1) and "1 break that nobody accepted: amount 1 A" in row["says"]
    accepted = frozenset(b.break_id for b in off["positions_three_way"].items)
    assert reconciled_state("positions", off, accepted)["state"] == "done"
    assert reconciled_state("income", off)["state"] == "open"  # nobody carried it


def test_a_reconciliation_of_the_firms_own_is_asked_for_too() -> None:
    assert reconciled_state("other_recons", recon("income", ours=[], theirs=[]))["says"] == "there is no other reconciliation"
    row = reconciled_state("other_recons", recon("income", "mine", ours=[("A", "1")], theirs=[]))
    assert (row["state"], row["items"]) == ("failed", 1)


def test_a_reconciliation_without_a_side_waits_unless_there_need_not_be_one() -> None:
    def said(finding: Finding) -> str:
        return str(reconciled_state("income", {"income": not_compared(RULES, DAY, "F", [finding]).value})["state"])

    assert said(info("second-source-missing", "one source only")) == "done"
    assert said(warning("administrator-missing", "no NAV pack of today")) == "open"


def test_late_postings_fail_until_they_are_approved() -> None:
    assert check("late_postings_approved", late_postings=[LatePosting("e1", "trade", "ops")]).state == "failed"
    assert check("late_postings_approved", late_postings=[LatePosting("e1", "trade", "ops", "ana")]).state == "done"


def test_units_of_another_fund_stand_at_its_own_nav() -> None:
    assert check("related_balances_agree", related=[Related("F2 A", Decimal(10), Decimal(10))]).state == "done"
    off = check("related_balances_agree", related=[Related("F2 A", Decimal(10), Decimal(11)), Related("F3 B", Decimal(1), None)])
    assert (off.state, off.items) == ("failed", 2) and "F2 A: 10 here, 11 there" in off.says


def test_an_expense_beyond_its_budget_is_named() -> None:
    of = ledger(lines("e", DAY, "accrual", ("audit_fee", "120"), ("audit_fee_payable", "-120")))
    assert check("expenses_in_budget", month=of, budget={"audit_fee": Decimal(115)}).state == "done"
    assert "audit_fee 120, expected 100" in check("expenses_in_budget", month=of, budget={"audit_fee": Decimal(100)}).says


def test_a_level_that_changed_is_named() -> None:
    now, then = (pa.table({"isin": ["X", "Y"], "level": levels}) for levels in ([1, 3], [1, 2]))
    assert "moved: Y from 2 to 3" in check("levels_final", investments=now, investments_before=then).says
    assert check("levels_final", investments=now).state == "done"


def test_a_task_without_a_check_is_the_run_of_its_notebook() -> None:
    def run(verdict: str) -> str:
        return run_of(Evidence("F", DAY, runs={"daily_recon": Run(verdict, "r1", "ab")}), "daily_recon").state

    assert (run("pass"), run("attention"), run("blocked")) == ("done", "done", "failed")
    assert "bo run dealing --fund F" in run_of(Evidence("F", DAY), "dealing").says


def test_the_hash_of_evidence_is_of_its_content() -> None:
    table = pa.table({"a": pa.array(["x", None, "yy"]), "n": pa.array([Decimal("1.10"), None, Decimal(2)], pa.decimal128(38, 6))})
    again = pa.concat_tables([table.slice(0, 1), table.slice(1)])
    assert digest(table) == digest(again) != digest(table.slice(1))
    assert digest({"b": 1, "a": Decimal("1.0")}) == digest({"a": Decimal("1.00"), "b": 1})
    with pytest.raises(TypeError, match="of which no hash is made"):
        digest(object())
