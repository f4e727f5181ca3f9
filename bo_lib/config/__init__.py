"""Typed parameters: the firm, its funds and the rules of the trade, from YAML.

Every file under ``parameters/`` is read into one of the classes of this room. Unknown keys are refused with the nearest known
name; a wrong value is refused with the file and the field. Terms are dated: ``Fund.on(day)`` gives those in force.
"""

from __future__ import annotations

import difflib
from pathlib import Path

from bo_lib.config.files import Calendar, Days, Decimals, NotNegative, ParameterError, Strict, load
from bo_lib.config.firm import Close, CloseTask, Day, Firm, Release, Schedule
from bo_lib.config.fund import (
    Account,
    DatedLotMethod,
    Dealing,
    Delivery,
    Distribution,
    Expense,
    ExpenseCap,
    Fund,
    Investor,
    LotMethod,
    PerformanceFee,
    ShareClass,
    Swing,
    Terms,
    Tier,
    Tolerances,
)
from bo_lib.config.rules import (
    Bases,
    Basis,
    ChartOfAccounts,
    Cycle,
    Cycles,
    ErrorCause,
    Filing,
    Filings,
    LedgerAccount,
    NavErrorRule,
    NavErrorRules,
)

__all__ = [
    "Account", "Bases", "Basis", "Calendar", "ChartOfAccounts", "Close", "CloseTask", "Cycle", "Cycles", "DatedLotMethod",
    "Day", "Days", "Dealing", "Decimals", "Delivery", "Distribution", "ErrorCause", "Expense", "ExpenseCap", "Filing",
    "Filings", "Firm", "Fund", "Investor", "LedgerAccount", "LotMethod", "NavErrorRule", "NavErrorRules", "NotNegative",
    "ParameterError", "PerformanceFee", "Release", "Schedule", "ShareClass", "Strict", "Swing", "Terms", "Tier", "Tolerances",
    "load", "load_firm", "load_fund",
]  # fmt: skip


def load_firm(root: Path) -> Firm:
    return load(root / "parameters" / "firm.yaml", Firm)


def load_fund(root: Path, fund_id: str) -> Fund:
    """A fund's terms. Raises ``ParameterError``; for an unknown fund it names the nearest known one."""
    folder = root / "parameters" / "funds"
    path = folder / f"{fund_id}.yaml"
    if not path.exists():
        known = sorted(p.stem for p in folder.glob("*.yaml"))
        near = difflib.get_close_matches(fund_id.upper(), known, 1)
        said = f"did you mean {near[0]}?" if near else f"known funds: {', '.join(known) or 'none yet'}"
        raise ParameterError(f"no fund {fund_id!r} in {folder}: {said}")
    fund = load(path, Fund)
    if fund.id != fund_id:
        raise ParameterError(f"{path}: id: found {fund.id!r}, expected {fund_id!r}, the name of the file")
    return fund
