"""A month's end of the demonstration: statements that tie, tasks that know what they wait for."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bo_lib.close import CHECKS, Evidence, close, out_of_balance, record_of, roll_forward
from bo_lib.config import Close, load
from bo_lib.model.findings import Verdict
from bo_lib.model.money import ZERO
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
