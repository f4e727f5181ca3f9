"""The words of the commands about the books: what may be typed. Nothing heavy is imported here."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_refused(made: argparse.ArgumentParser) -> None:
    """``bo refused``: what waits for a person."""
    _add_common(made, "only this fund")
    made.epilog = "exit codes: 0 when nothing waits, 1 when something does"


def add_correct(made: argparse.ArgumentParser) -> None:
    """``bo correct``: who corrects is who is logged in, or BO_ACTOR; above the firm's limit a second person approves."""
    made.add_argument("event_id", metavar="EVENT_ID", help="as bo refused or bo book journal lists it")
    made.add_argument("changes", metavar="FIELD=VALUE", nargs="*", help="such as isin=US0378331005; a list or mapping as JSON")
    made.add_argument("--reason", required=True, metavar="TEXT", help="kept with the correction")
    made.add_argument("--withdraw", action="store_true", help="take the event back: it should never have come")
    _add_common(made, "the fund of the event (default: the one that knows it)")
    made.epilog = "exit codes: 0 when the books take it, 1 when it waits (also for a second person), 2 when nothing was changed"


PROPOSALS = {
    "journal": "propose a manual journal from lines in a CSV: ledger, currency, local, base, and account and share_class if any",
    "approve": "agree, as a second person, to what is proposed: it is done at once",
    "reject": "do not agree to what is proposed, or take back one's own; needs --text",
}


def add_proposals(made: argparse.ArgumentParser) -> None:
    """``bo proposals`` lists; ``bo proposals DECISION …`` proposes and decides. Who does is who is logged in, or BO_ACTOR."""
    _add_common(made, "only this fund")
    made.add_argument("--all", action="store_true", help="also what was approved or rejected, and by whom")
    words = made.add_subparsers(dest="decision", metavar="DECISION")
    for name, says in PROPOSALS.items():
        word = words.add_parser(name, help=says, description=says[0].upper() + says[1:] + ".")
        if name == "journal":
            word.add_argument("file", metavar="FILE", type=Path, help="the lines (CSV); debits positive")
            word.add_argument("--id", required=True, metavar="ID", help="the journal's id, such as MJ-2026-06-01")
        else:
            word.add_argument("id", metavar="ID", help="of the proposal, or of the event that it is about")
        word.add_argument("--text", default="", metavar="TEXT", help="why")
        _add_common(word, "the fund", argparse.SUPPRESS)
        word.add_argument("--root", type=Path, metavar="DIR", default=argparse.SUPPRESS)
    made.epilog = "exit codes: 0 when it is done or nothing waits, 1 when something waits for a second person, 2 when refused"


TABLES = {
    "positions": "what is held on trade date, with its cost",
    "positions-settled": "what has settled",
    "lots": "open tax lots",
    "journal": "every line, in order of posting",
    "trial-balance": "every ledger balance",
    "pnl": "profit and loss by instrument; --from D for a period",
    "realised": "gains and losses realised, by lot",
    "adjustments": "what came after its period was closed",
    "waiting": "what the books refused",
}


def add_book(made: argparse.ArgumentParser) -> None:
    """``bo book TABLE``: any table of the books, as of any day and as known at any time."""
    made.add_argument("table", metavar="TABLE", choices=TABLES, help="; ".join(f"{name}: {says}" for name, says in TABLES.items()))
    _add_as_of(made)
    made.add_argument("--basis", default="", metavar="B", help="basis of accounting, such as IFRS or TAX (default: US GAAP)")
    made.add_argument("--from", dest="first", metavar="D", help="first day of the result (default: since the books began)")


def add_explain(made: argparse.ArgumentParser) -> None:
    """``bo explain FIGURE``: the lines, events and files behind it."""
    what = "nav, nav/CLASS, an ISIN, or a ledger balance such as cash, cash/USD, management_fee_payable/A, unrealised_gain"
    made.add_argument("figure", metavar="FIGURE", help=what)
    _add_as_of(made)
    made.epilog = "exit codes: 0 when every cent is accounted for, 3 when a figure it is held against differs"


def add_onboard(made: argparse.ArgumentParser) -> None:
    """``bo onboard``: from a filing, or from a list of positions."""
    source = made.add_mutually_exclusive_group(required=True)
    source.add_argument("--nport", type=Path, metavar="FILE", help="a Form N-PORT filing (XML)")
    source.add_argument("--positions", type=Path, metavar="FILE", help="opening positions, a lot a row (CSV or XLSX); needs --fund")
    made.add_argument("--fund", metavar="F", help="the fund's id; described in parameters/funds, or made")
    how = "how the list is read (default: the firm's mappings/opening_positions.yaml, or the project's)"
    made.add_argument("--mapping", type=Path, metavar="YAML", help=how)
    made.add_argument("--cash", default="0", metavar="AMOUNT", help="in base currency, besides the positions (default 0)")
    made.add_argument("--net-assets", metavar="AMOUNT", help="in base currency; what the list does not itemise is the residual")
    made.epilog = "exit codes: 0 when every row is in the books, 1 when rows were left out or the residual is large"


def _add_as_of(made: argparse.ArgumentParser) -> None:
    made.add_argument("--fund", metavar="F", required=True)
    made.add_argument("--date", metavar="D", help="effective date (default: the last one carried)")
    made.add_argument(
        "--known-at", default="", metavar="T", help="as it was known then, such as 2026-06-30T18:00:00Z (default: now)"
    )
    made.add_argument("--out", type=Path, metavar="FILE", help="write the rows: .csv, .parquet or .xlsx")
    made.add_argument("--rows", type=int, default=500, metavar="N", help="rows shown of each table (default 500)")
    made.add_argument("--json", action="store_true", help="as JSON")


def _add_common(made: Any, fund: str, default: Any = None) -> None:
    made.add_argument("--fund", metavar="F", default=default, help=fund)
    made.add_argument("--date", metavar="D", default=default, help="business date (default: the last one carried)")
    made.add_argument("--json", action="store_true", default=default or False, help="as JSON")
