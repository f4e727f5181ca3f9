"""The words of ``bo prices`` and ``bo nav-error``: what may be typed. Nothing heavy is imported here."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

PRICE_DECISIONS = {
    "challenge": "doubt the price of an instrument; needs --text, and may keep a file",
    "override": "propose a price until a day, for a second person to approve; needs --price, --until and --text",
    "approve": "agree, as a second person, to the override that waits",
    "reject": "do not agree to the override that waits; needs --text",
}


def add_prices(made: argparse.ArgumentParser) -> None:
    """``bo prices`` lists; ``bo prices DECISION ISIN`` decides. Who decides is who is logged in, or BO_ACTOR."""
    _add_common(made, None)
    words = made.add_subparsers(dest="decision", metavar="DECISION")
    for name, says in PRICE_DECISIONS.items():
        word = words.add_parser(name, help=says, description=says[0].upper() + says[1:] + ".")
        word.add_argument("isin", metavar="ISIN")
        word.add_argument("--text", default="", metavar="TEXT", help="what is doubted, or the reason")
        _add_common(word, argparse.SUPPRESS)
        word.add_argument("--root", type=Path, metavar="DIR", default=argparse.SUPPRESS)
        if name in ("challenge", "override"):
            word.add_argument("--file", type=Path, metavar="FILE", help="the evidence, kept under its hash")
        if name == "override":
            word.add_argument("--price", required=True, metavar="P", help="as quoted: bonds in percent of par, pence as pounds")
            word.add_argument("--until", required=True, metavar="D", help="the last day it stands")
    says = (
        "check price histories in files (CSV with Date, Close and, where known, Adj Close, Dividends, Stock Splits, Capital Gains)"
    )
    check = words.add_parser("check", help=says, description=says[0].upper() + says[1:] + ".")
    check.add_argument("files", metavar="FILE", nargs="+", type=Path)
    check.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="as JSON")
    check.add_argument("--root", type=Path, metavar="DIR", default=argparse.SUPPRESS)


def _add_common(made: argparse.ArgumentParser, default: Any) -> None:
    made.add_argument("--fund", metavar="F", default=default, help="the fund; needed when the firm has several")
    made.add_argument("--date", metavar="D", default=default, help="business date (default: the last one struck)")
    made.add_argument("--json", action="store_true", default=False if default is None else default, help="as JSON")


def add_nav_error(made: argparse.ArgumentParser) -> None:
    made.add_argument("--fund", metavar="F", required=True, help="the fund")
    made.add_argument("--from", dest="first", metavar="D", required=True, help="first business date whose NAV may be wrong")
    made.add_argument("--to", dest="last", metavar="D", required=True, help="last one")
    made.add_argument("--known-at", dest="known_at", default="", metavar="TIME", help="what is right as known then (default: now)")
    made.add_argument(
        "--cause",
        choices=("valuation", "fees", "swing", "cut_off"),
        default="valuation",
        help="what went wrong (default: valuation)",
    )
    made.add_argument("--out", type=Path, metavar="FILE", help="keep the page with the draft of the notice (HTML)")
    made.add_argument("--json", action="store_true", help="as JSON")
