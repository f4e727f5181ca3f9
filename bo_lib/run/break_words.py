"""The words of ``bo breaks`` and ``bo recon``: what may be typed. Nothing heavy is imported here."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

DECISIONS = {
    "comment": "say something about breaks; needs --text",
    "attach": "keep a file with breaks, in the evidence under its hash; needs --file",
    "assign": "give breaks to an owner, or another due date",
    "propose": "propose that two or more breaks belong together (a match by hand); needs --text",
    "approve": "agree, as a second person, to what is proposed for breaks",
    "reject": "do not agree to what is proposed; needs --text",
    "write-off": "accept a difference as it is; needs --text",
    "reopen": "open again what people closed, with its old age; needs --text",
}


def add_breaks(made: argparse.ArgumentParser) -> None:
    """``bo breaks`` lists; ``bo breaks DECISION ID…`` decides. Who decides is who is logged in, or BO_ACTOR."""
    _add_common(made, None)
    made.add_argument("--all", action="store_true", help="closed breaks too")
    words = made.add_subparsers(dest="decision", metavar="DECISION")
    for name, says in DECISIONS.items():
        word = words.add_parser(name, help=says, description=says[0].upper() + says[1:] + ".")
        word.add_argument("ids", metavar="BREAK_ID", nargs="+", help="its id, or the first letters of it")
        word.add_argument("--text", default="", metavar="TEXT", help="what is said, or the reason")
        _add_common(word, argparse.SUPPRESS)
        word.add_argument("--root", type=Path, metavar="DIR", default=argparse.SUPPRESS)
        if name == "attach":
            word.add_argument("--file", type=Path, required=True, metavar="FILE")
        if name == "assign":
            word.add_argument("--owner", default="", metavar="NAME")
            word.add_argument("--due", default="", metavar="D", help="the day by which it should be resolved")


def _add_common(made: argparse.ArgumentParser, default: Any) -> None:
    made.add_argument("--fund", metavar="F", default=default, help="only this fund")
    made.add_argument("--date", metavar="D", default=default, help="business date (default: the last one reconciled)")
    made.add_argument("--json", action="store_true", default=False if default is None else default, help="as JSON")


def add_recon(made: argparse.ArgumentParser) -> None:
    words = made.add_subparsers(dest="task", metavar="TASK", required=True)
    says = "try changed rules on history as it was known then; nothing is written to the books"
    test = words.add_parser("backtest", help=says, description=says[0].upper() + says[1:] + ".")
    test.add_argument("name", metavar="NAME", help="the reconciliation, such as cash")
    test.add_argument("--from", dest="first", required=True, metavar="D", help="first business date")
    test.add_argument("--to", dest="last", required=True, metavar="D", help="last business date")
    test.add_argument("--rules", type=Path, required=True, metavar="FILE", help="the changed rules (YAML)")
    test.add_argument("--fund", action="append", default=[], metavar="F", help="only this fund; may repeat")
    test.add_argument("--json", action="store_true", help="as JSON")
    test.add_argument("--root", type=Path, metavar="DIR", default=argparse.SUPPRESS)
