"""A month's end of the demonstration: statements that tie, tasks that know what they wait for."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from bo_lib.close import CHECKS, Evidence, LatePosting, Related, close, out_of_balance, record_of, roll_forward
from bo_lib.close.tables import AS_OF
from bo_lib.config import Close, load
from bo_lib.model.findings import Verdict, error
from bo_lib.model.money import ZERO
from bo_lib.model.tables import built
from tests.close.demonstrated import END, TASKS, month
from tests.nav.demonstration import ROOT


@pytest.fixture(scope="module", params=["GLOBAL-EQ-LS", "GLOBAL-BOND", "EURO-UCITS"])
def evidence(request: pytest.FixtureRequest) -> Evidence:
    return month(request.param).evidence


def test_the_trial_balance_balances_as_booked_and_with_marks(evidence: Evidence) -> None:
    assert out_of_balance(evidence.adjusted) == 0
    kinds = set(evidence.adjusted["type"].to_pylist())
    assert kinds == {"asset", "liability", "equity", "income", "expense"}


def test_the_statement_ties_to_the_nav_and_the_ledger(evidence: Evidence) -> None:
    statement, struck = evidence.statement, evidence.struck
    assert statement.net_assets == struck.net_assets == statement.classes
    on_the_ledger = sum((r["adjusted"] for r in evidence.adjusted.to_pylist() if r["type"] in ("asset", "liability")), ZERO)
    assert on_the_ledger == statement.net_assets
    shorts = [r for r in statement.table.to_pylist() if r["item"] == "investments sold short"]
    assert bool(shorts) == (evidence.fund == "GLOBAL-EQ-LS")


def test_net_assets_roll_forward_over_the_month(evidence: Evidence) -> None:
    roll = evidence.roll
    assert roll.difference == 0
    assert roll.opening + roll.operations + roll.capital == roll.closing
    fees = [r for r in roll.table.to_pylist() if r["item"] == "management_fee"]
    assert fees and all(r["amount"] < 0 for r in fees)


def test_a_missing_posting_shows_as_the_difference_of_the_roll_forward(evidence: Evidence) -> None:
    rows = [r for r in evidence.adjusted.to_pylist() if r["ledger"] != "administration_fee"]
    dropped = sum((r["adjusted"] for r in evidence.adjusted.to_pylist() if r["ledger"] == "administration_fee"), ZERO)
    short = type(evidence.adjusted).from_pylist(rows, schema=evidence.adjusted.schema)
    roll = roll_forward(short.slice(0, 0), short, ZERO, evidence.roll.closing)
    whole = roll_forward(short.slice(0, 0), evidence.adjusted, ZERO, evidence.roll.closing)
    assert roll.difference - whole.difference == -dropped


def state_of(evidence: Evidence, **more: Any) -> dict[str, str]:
    outcome = close(TASKS, evidence, "TARGET", **more)
    assert outcome.ok, [str(f) for f in outcome.findings]
    return outcome.value.states


def test_tasks_wait_for_the_reconciliations(evidence: Evidence) -> None:
    states = state_of(evidence)
    assert states["cash"] == states["positions"] == states["trades"] == states["income"] == "open"
    assert states["suspense"] == states["prices"] == states["nav"] == states["statement"] == "blocked"
    assert states["events"] == states["units"] == states["accruals"] == states["trial_balance"] == states["computations"] == "done"


def test_every_check_passes_on_its_own(evidence: Evidence) -> None:
    answers = {name: check(evidence) for name, check in CHECKS.items()}
    assert answers.pop("administrator_agrees").state == "failed"  # no pack was compared: attention, not a pass
    assert {a.state for a in answers.values()} == {"done"}


def broken(e: Evidence) -> dict[str, Evidence]:
    """For each check, evidence in which what it looks for is wrong."""

    def off(table: pa.Table, **changes: Any) -> pa.Table:
        first, *rest = table.to_pylist()
        return pa.Table.from_pylist([{**first, **changes}, *rest], schema=table.schema)

    def controlled(name: str) -> Evidence:
        return replace(e, controls=[replace(c, verdict=Verdict.BLOCKED) if c.name == name else c for c in e.controls or ()])

    stuck = SimpleNamespace(trial_balance=lambda: off(e.book.trial_balance(), ledger="suspense", local=Decimal(1)))
    struck, ties = e.struck, next(iter(e.ties.values()))
    bare = off(struck.components, component="holding", price=None)
    nothing = SimpleNamespace(rows=[], change=lambda *_: ZERO)
    unexplained = {"cause": "unexplained", "item": "?", "amount": Decimal(1)}
    lost = built(AS_OF, [unexplained])
    accruals = tuple(a.model_copy(update={"amount": a.amount + 1}) for a in struck.accruals)
    levels = e.investments.set_column(
        e.investments.column_names.index("level"), "level", pc.add(e.investments["level"], 1).cast(e.investments["level"].type)
    )
    return {
        "events_booked": replace(e, waiting=[error("account-unknown", "trade T1: no account X")]),
        "suspense_empty": replace(e, book=stuck), "prices_final": replace(e, struck=replace(struck, components=bare)),
        "units_agree": controlled("units_agree"), "computations_agree": controlled("two_computations_agree"),
        "administrator_agrees": e, "nav_controls_passed": controlled("units_agree"),
        "accruals_booked": replace(e, struck=replace(struck, accruals=accruals)),
        "trial_balance_balances": replace(e, adjusted=e.adjusted.slice(1)),
        "statement_ties": replace(e, statement=replace(e.statement, assets=e.statement.assets + 1)),
        "roll_forward_ties": replace(e, roll=replace(e.roll, difference=Decimal(1))),
        "levels_final": replace(e, investments_before=levels),
        "related_balances_agree": replace(e, related=[Related("MASTER A, units", Decimal(10), Decimal(9))]),
        "expenses_in_budget": replace(e, budget={name: 2 * amount for name, amount in e.budget.items()}),
        "movements_usual": replace(e, before=nothing),
        "as_of_explained": replace(e, as_of=replace(e.as_of, table=lost)),
        "statements_tie": replace(e, ties={"IFRS": off(ties, difference=Decimal(1))}),
        "late_postings_approved": replace(e, late_postings=[LatePosting("T1", "trade", "ops")]),
    }  # fmt: skip


def test_every_check_fails_where_what_it_looks_for_is_wrong_and_says_what(evidence: Evidence) -> None:
    wrong = broken(evidence)
    assert wrong.keys() == CHECKS.keys()
    for name, given in wrong.items():
        answer = CHECKS[name](given)
        assert (answer.state, answer.items > 0, bool(answer.says)) == ("failed", True, True), (name, answer)
        assert answer.evidence != CHECKS[name](evidence).evidence or name == "administrator_agrees", name


def test_accruals_that_were_not_booked_fail_and_block_what_needs_them(evidence: Evidence) -> None:
    bare = replace(evidence, struck=replace(evidence.struck, accruals=tuple(
        a.model_copy(update={"amount": a.amount + Decimal("0.01")}) for a in evidence.struck.accruals
    )))  # fmt: skip
    states = state_of(bare)
    assert (states["accruals"], states["trial_balance"], states["computations"]) == ("failed", "blocked", "blocked")
    assert close(TASKS, bare, "TARGET").value.verdict is Verdict.BLOCKED


def test_reopening_a_task_reopens_what_depends_on_it_and_nothing_else(evidence: Evidence) -> None:
    said = {"fact": "close.reopened", "task": "accruals", "reason": "late invoice", "by": "ana", "at": "2026-07-01T09:00:00Z"}
    before, after = state_of(evidence), state_of(evidence, record=record_of("2026-06", [said]))
    assert {task for task in before if before[task] != after[task]} == {
        "accruals", "expenses", "trial_balance", "computations", "movements",
    }  # fmt: skip


def test_due_days_are_business_days_after_the_months_end(evidence: Evidence) -> None:
    table = close(TASKS, evidence, "TARGET").value.table.to_pylist()
    due = {r["task"]: r["due"] for r in table}
    assert (due["events"], due["administrator"]) == (date(2026, 7, 1), date(2026, 7, 6))


def test_a_wrong_name_in_the_parameters_is_a_letter(tmp_path: Path) -> None:
    text = (
        (ROOT / "parameters" / "close.yaml")
        .read_text()
        .replace("check: suspense_empty", "check: suspense_emty")
        .replace("needs: [cash]", "needs: [cahs]")
    )
    (tmp_path / "close.yaml").write_text(text)
    outcome = close(load(tmp_path / "close.yaml", Close), Evidence("F", END), "TARGET")
    assert {(f.code, f.found, f.expected) for f in outcome.findings} == {
        ("check-unknown", "suspense_emty", "suspense_empty"), ("task-unknown", "cahs", "cash"),
        }  # fmt: skip


def test_tasks_in_a_circle_are_blocked(tmp_path: Path) -> None:
    text = (ROOT / "parameters" / "close.yaml").read_text().replace("check: events_booked,", "check: events_booked, needs: [cash],")
    (tmp_path / "close.yaml").write_text(text)
    outcome = close(load(tmp_path / "close.yaml", Close), Evidence("F", END), "TARGET")
    assert "tasks-in-a-circle" in {f.code for f in outcome.findings}
    assert outcome.value.states["events"] == outcome.value.states["cash"] == "blocked"
    assert not outcome.value.ready
