"""Close: statements of a month's end and the graph of tasks that must be done before the period is closed."""

from bo_lib.close.checks import CHECKS, Answer, Evidence
from bo_lib.close.financials import Financials, Sources, financials
from bo_lib.close.highlights import ClassPeriod, Distribution, financial_highlights, total_return_pct, turnover_pct
from bo_lib.close.ledger import Period, period, sourced_journal
from bo_lib.close.statements import (
    NetAssetsStatement,
    RollForward,
    out_of_balance,
    roll_forward,
    statement_of_net_assets,
    trial_balance,
)
from bo_lib.close.tasks import Acceptance, CloseState, close
from bo_lib.close.terms import FairValueLevels, Layout

__all__ = [
    "CHECKS",
    "Acceptance",
    "Answer",
    "ClassPeriod",
    "CloseState",
    "Distribution",
    "Evidence",
    "FairValueLevels",
    "Financials",
    "Layout",
    "NetAssetsStatement",
    "Period",
    "RollForward",
    "Sources",
    "close",
    "financial_highlights",
    "financials",
    "out_of_balance",
    "period",
    "roll_forward",
    "sourced_journal",
    "statement_of_net_assets",
    "total_return_pct",
    "trial_balance",
    "turnover_pct",
]
