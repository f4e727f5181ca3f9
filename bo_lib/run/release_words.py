"""The words of ``bo nav`` and ``bo reproduce``: what may be typed. Nothing heavy is imported here."""

from __future__ import annotations

import argparse
from pathlib import Path

TASKS = {
    "list": "NAVs and where they stand: to prepare, to review, to release, released",
    "show": "the signatures of one NAV, and what blocks it",
    "sign": "sign a NAV: the first person prepared it, the second reviewed it",
    "approve": "let a control that blocks a NAV pass: one person says why, a second agrees",
    "release": "publish the prices of a NAV that two people signed, and freeze its pack",
    "pack": "write the NAV pack of a day: PDF, XLSX, Parquet, JSON",
    "report-card": "how well the administrator's NAVs agreed, over time",
}


def add_nav(made: argparse.ArgumentParser) -> None:
    """``bo nav TASK``. Who signs is who is logged in, or BO_ACTOR."""
    words = made.add_subparsers(dest="task", metavar="TASK", required=True)
    for name, says in TASKS.items():
        word = words.add_parser(name, help=says, description=says[0].upper() + says[1:] + ".")
        many = name in ("list", "report-card")
        word.add_argument("--fund", metavar="F", required=not many, help="only this fund" if many else None)
        if many:
            word.add_argument("--from", dest="first", metavar="D", help="first business date")
            word.add_argument("--to", dest="last", metavar="D", help="last business date")
        else:
            word.add_argument("--date", metavar="D", required=True, help="business date, such as 2026-06-30")
        if name == "approve":
            word.add_argument("control", metavar="CONTROL", help="its name, as `bo nav show` lists it")
        if name in ("sign", "approve"):
            word.add_argument("--text", default="", metavar="TEXT", help="what is said, or the reason")
        if name == "pack":
            word.add_argument("--out", type=Path, metavar="DIR", required=True, help="an empty or new folder")
        word.add_argument("--json", action="store_true", help="as JSON")
        word.add_argument("--root", type=Path, metavar="DIR", default=argparse.SUPPRESS)


def add_reproduce(made: argparse.ArgumentParser) -> None:
    made.add_argument("run", metavar="RUN", help="the id of a kept run, or of a NAV pack, or its folder")
    made.add_argument("--keep", type=Path, metavar="DIR", help="keep what was made again in this new folder")
