"""Reconciliation: rules, the matcher, its definitions for two and three parties, and breaks over time.

The matcher is loaded with the package; the rest when it is asked for, so that ``bo match`` starts at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bo_lib.recon.match import Matching, match
from bo_lib.recon.rules import Rules

if TYPE_CHECKING:
    from bo_lib.recon.breaks import OPEN_BREAKS, BreakChanges, BreakState, OpenBreak, Proposal, carry, open_breaks_table
    from bo_lib.recon.cash import reconcile_cash
    from bo_lib.recon.compare import not_compared, reconcile_tables
    from bo_lib.recon.history import accepted_breaks, breaks_on, open_breaks
    from bo_lib.recon.positions import reconcile_positions
    from bo_lib.recon.result import Break, Reconciliation
    from bo_lib.recon.three_way import reconcile_three

__all__ = [
    "OPEN_BREAKS", "Break", "BreakChanges", "BreakState", "Matching", "OpenBreak", "Proposal", "Reconciliation", "Rules",
    "accepted_breaks", "breaks_on", "carry", "match", "not_compared", "open_breaks", "open_breaks_table", "reconcile_cash",
    "reconcile_positions", "reconcile_tables", "reconcile_three",
]  # fmt: skip
_LATER = ("breaks", "cash", "compare", "history", "positions", "result", "three_way")


def __getattr__(name: str) -> Any:
    if name in __all__:
        for module in _LATER:
            if found := getattr(import_module(f"bo_lib.recon.{module}"), name, None):
                return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
