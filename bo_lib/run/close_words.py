"""The words of ``bo close``: what may be typed. Nothing heavy is imported here."""

from __future__ import annotations

import argparse
from pathlib import Path

STEPS = {
    "list": "the tasks of a month, who has signed them, who is late, what people decided",
    "sign": "prepare tasks whose checks are done, or review what somebody else prepared; no TASK: all you may sign",
    "accept": "accept that a check fails; two people say so; needs --text",
    "approve": "post, as a second person, what came for the month after its soft close",
    "defer": "book it, as a second person, on the first day after the month instead, as an item of a prior period",
    "refuse": "send it away; needs --text",
    "soft": "close softly: what comes for the month from now on waits for a second person",
    "hard": "close for good: one person proposes, a second closes",
    "reopen": "reopen tasks, or (no TASK) the closed month, which takes two people; needs --text",
    "true-up": "book the difference between the fees accrued and those of all that is known now",
    "statements": "write the financial statements: XLSX, PDF and JSON",
    "pack": "make the audit pack: one folder and one archive with its hashes",
    "check-pack": "recompute every hash of an audit pack (a folder or an archive)",
}
_NAMES = {
    "sign": "TASK",
    "accept": "TASK",
    "reopen": "TASK",
    "approve": "EVENT",
    "defer": "EVENT",
    "refuse": "EVENT",
    "check-pack": "PACK",
}


def add_close(made: argparse.ArgumentParser) -> None:
    """``bo close STEP …``. Who decides is who is logged in, or BO_ACTOR."""
    steps = made.add_subparsers(dest="step", metavar="STEP", required=True)
    for name, says in STEPS.items():
        step = steps.add_parser(name, help=says, description=says[0].upper() + says[1:] + ".")
        step.add_argument("--root", type=Path, metavar="DIR", default=argparse.SUPPRESS)
        step.add_argument("--json", action="store_true", help="as JSON")
        if name in _NAMES:
            step.add_argument(
                "names", metavar=_NAMES[name], nargs="+" if name in ("accept", "approve", "defer", "refuse", "check-pack") else "*"
            )
        if name != "check-pack":
            step.add_argument(
                "--fund", required=name != "list", metavar="F", help="the fund" + (" (default: all)" if name == "list" else "")
            )
            step.add_argument("--month", required=True, metavar="YYYY-MM")
        if name not in ("list", "check-pack"):
            step.add_argument("--text", default="", metavar="TEXT", help="the reason")
        if name in ("statements", "pack"):
            step.add_argument("--out", type=Path, metavar="DIR", help="where to (default: outputs/close/<month>/<fund>)")
