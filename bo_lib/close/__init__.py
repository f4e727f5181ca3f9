"""Close: statements of a month's end and the graph of tasks that must be done before the period is closed."""

from bo_lib.close.asof import AsOf, compare_as_of
from bo_lib.close.checks import CHECKS, Answer, Evidence, LatePosting, Related, Run
from bo_lib.close.digest import digest
from bo_lib.close.financials import Financials, Sources, financials
from bo_lib.close.highlights import ClassPeriod, Distribution, financial_highlights, total_return_pct, turnover_pct
from bo_lib.close.ledger import Period, period, sourced_journal
from bo_lib.close.schedules import schedule_of_investments
from bo_lib.close.signing import CloseRecord, record_of
from bo_lib.close.statements import (
    NetAssetsStatement,
    RollForward,
    out_of_balance,
    roll_forward,
    statement_of_net_assets,
    trial_balance,
)
from bo_lib.close.tasks import CloseState, close
from bo_lib.close.terms import FairValueLevels, Layout

__all__ = [
    "CHECKS",
    "Answer",
    "AsOf",
    "ClassPeriod",
    "CloseRecord",
    "CloseState",
    "Distribution",
    "Evidence",
    "FairValueLevels",
    "Financials",
    "LatePosting",
    "Layout",
    "NetAssetsStatement",
    "Period",
    "Related",
    "RollForward",
    "Run",
    "Sources",
    "close",
    "compare_as_of",
    "digest",
    "financial_highlights",
    "financials",
    "out_of_balance",
    "period",
    "record_of",
    "roll_forward",
    "schedule_of_investments",
    "sourced_journal",
    "statement_of_net_assets",
    "total_return_pct",
    "trial_balance",
    "turnover_pct",
]
