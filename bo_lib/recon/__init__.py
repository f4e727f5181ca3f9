"""Reconciliation: rules, the matcher, cash and positions, and breaks over time."""

from bo_lib.recon.breaks import OPEN_BREAKS, BreakChanges, BreakState, OpenBreak, Proposal, carry, open_breaks_table
from bo_lib.recon.cash import reconcile_cash
from bo_lib.recon.decisions import accept
from bo_lib.recon.history import accepted_breaks, breaks_on, open_breaks
from bo_lib.recon.match import Matching, match
from bo_lib.recon.positions import reconcile_positions
from bo_lib.recon.result import Break, Reconciliation
from bo_lib.recon.rules import Rules

__all__ = [
    "OPEN_BREAKS", "Break", "BreakChanges", "BreakState", "Matching", "OpenBreak", "Proposal", "Reconciliation", "Rules", "accept",
    "accepted_breaks", "breaks_on", "carry", "match", "open_breaks", "open_breaks_table", "reconcile_cash", "reconcile_positions",
]  # fmt: skip
