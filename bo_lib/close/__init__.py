"""Close: statements of a month's end and the graph of tasks that must be done before the period is closed."""

from bo_lib.close.checks import CHECKS, Answer, Evidence
from bo_lib.close.statements import (
    NetAssetsStatement,
    RollForward,
    out_of_balance,
    roll_forward,
    statement_of_net_assets,
    trial_balance,
)
from bo_lib.close.tasks import Acceptance, CloseState, close

__all__ = [
    "CHECKS",
    "Acceptance",
    "Answer",
    "CloseState",
    "Evidence",
    "NetAssetsStatement",
    "RollForward",
    "close",
    "out_of_balance",
    "roll_forward",
    "statement_of_net_assets",
    "trial_balance",
]
