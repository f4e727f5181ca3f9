"""The words of the commands about the books: what may be typed. Nothing heavy is imported here."""

from __future__ import annotations

import argparse
from typing import Any


def add_refused(made: argparse.ArgumentParser) -> None:
    """``bo refused``: what waits for a person."""
    _add_common(made, "only this fund")
    made.epilog = "exit codes: 0 when nothing waits, 1 when something does"


def add_correct(made: argparse.ArgumentParser) -> None:
    """``bo correct``: who corrects is who is logged in, or BO_ACTOR."""
    made.add_argument("event_id", metavar="EVENT_ID", help="as bo refused lists it")
    made.add_argument("changes", metavar="FIELD=VALUE", nargs="*", help="such as isin=US0378331005; a list or mapping as JSON")
    made.add_argument("--reason", required=True, metavar="TEXT", help="kept with the correction")
    made.add_argument("--withdraw", action="store_true", help="take the event back: it should never have come")
    _add_common(made, "the fund of the event (default: the one that knows it)")
    made.epilog = "exit codes: 0 when the books take it, 1 when it waits still, 2 when nothing was changed"


def _add_common(made: Any, fund: str) -> None:
    made.add_argument("--fund", metavar="F", help=fund)
    made.add_argument("--date", metavar="D", help="business date (default: the last one carried)")
    made.add_argument("--json", action="store_true", help="as JSON")
