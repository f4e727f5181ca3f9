"""``bo``: parses and calls, nothing else. ``bo --help`` lists the commands and the exit codes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bo_lib.run.book_words import add_book, add_correct, add_explain, add_onboard, add_proposals, add_refused
from bo_lib.run.break_words import add_breaks, add_recon
from bo_lib.run.close_words import add_close
from bo_lib.run.errors import EXIT_MEANINGS, Exit, letter, report
from bo_lib.run.nav_words import add_nav_error, add_prices
from bo_lib.run.release_words import add_nav, add_reproduce


def main(words: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. A user never sees a traceback."""
    arguments = _parser().parse_args(words)
    try:
        return int(_call(arguments))
    except KeyboardInterrupt:
        print("bo: interrupted; a run that was going on is not kept, start the same command again", file=sys.stderr)
        return Exit.INTERRUPTED
    except BrokenPipeError:  # the reader of a pipe has seen enough
        sys.stderr.close()
        return Exit.OK
    except Exception as reason:
        known = letter(reason)
        said = known or report(_outputs(getattr(arguments, "root", None)), reason)
        print(f"bo {arguments.command}: {said}", file=sys.stderr)
        return known.exit_code if known else Exit.INTERNAL


def _call(arguments: argparse.Namespace) -> int:
    from bo_lib.run import commands  # only now: `bo --help` stays quick

    command: int = getattr(commands, arguments.command.replace("-", "_"))(arguments)
    return command


def _outputs(root: Path | None) -> Path:
    """Where a report goes: the outputs of the firm here or above, else of this folder."""
    here = (root or Path.cwd()).resolve()
    return next((f for f in (here, *here.parents) if (f / "parameters" / "firm.yaml").exists()), here) / "outputs"


def _parser() -> argparse.ArgumentParser:
    meanings = "\n".join(f"  {code:>3}  {said}" for code, said in EXIT_MEANINGS.items())
    parser = argparse.ArgumentParser(
        prog="bo",
        description="The Back Office Workbench: reconcile, strike, close and file, each run with its evidence.",
        epilog=f"exit codes:\n{meanings}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_runs(commands)
    _add_files(commands)
    _add_desks(commands)
    return parser


def _command(commands: Any, name: str, says: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(name, help=says, description=says[0].upper() + says[1:] + ".")
    made.add_argument("--root", type=Path, metavar="DIR", help="the firm's folder (default: the one here or above)")
    return made


def _add_runs(commands: Any) -> None:
    demo = _command(commands, "demo", "run business days of the demonstration firm, end to end")
    demo.add_argument("--days", type=int, default=1, metavar="N", help="how many business days (default 1)")
    demo.add_argument("--date", default="2026-06-30", metavar="D", help="the last of them (default 2026-06-30)")
    demo.epilog = "exit codes: 0 when every run was carried out, whatever it found (breaks are seeded); 3 when a run failed"
    run = _command(commands, "run", "run one notebook once and keep its evidence")
    run.add_argument("notebook", metavar="NOTEBOOK", help="its name, such as nav_strike, or its path")
    run.add_argument("--fund", metavar="F")
    run.add_argument("--date", metavar="D", help="business date, such as 2026-06-30")
    run.add_argument(
        "-p", "--parameter", action="append", default=[], metavar="NAME=VALUE", help="another parameter, as text; may repeat"
    )
    run.add_argument("--again", action="store_true", help="execute again although the same run is done; both are kept")
    day = _command(commands, "day", "run every notebook of a business day for every fund")
    day.add_argument("date", metavar="DATE")
    day.add_argument("--fund", action="append", default=[], metavar="F", help="only this fund; may repeat")
    day.add_argument("--read-again", action="store_true", help="read the day's CSV and XLSX files again, by the mappings of now")
    status = _command(commands, "status", "show what ran for a business date, from the store")
    status.add_argument("date", metavar="DATE", nargs="?", help="default: the latest with runs")


def _add_files(commands: Any) -> None:
    read = _command(commands, "read", "read counterparties' files and say what is in them and what is wrong")
    read.add_argument("files", metavar="FILE", nargs="+", type=Path, help="a file, or a folder for all files in it")
    read.add_argument("--json", action="store_true", help="rows and findings as JSON")
    read.add_argument("--rows", type=int, default=5, metavar="N", help="rows shown of each table of one file (default: 5)")
    read.add_argument("--schemas", type=Path, metavar="DIR", help="official XSDs to validate XML against; default: the firm's")
    match = _command(commands, "match", "compare two files by rules, and keep what matched and what did not")
    match.add_argument("left", metavar="LEFT", type=Path, help="ours: CSV or Parquet")
    match.add_argument("right", metavar="RIGHT", type=Path, help="theirs: CSV or Parquet")
    match.add_argument("--rules", type=Path, required=True, metavar="RULES.yaml", help="such as parameters/recon/transactions.yaml")
    match.add_argument("--out", type=Path, required=True, metavar="DIR", help="for matches.parquet, breaks.parquet, summary.json")
    match.add_argument("--memory", type=int, metavar="MB", help="memory of the comparison; beyond it works from disk")
    match.epilog = (
        "Copy parameters/recon/transactions.yaml, which explains itself, and put in the headers of the two files. In DIR: "
        "matches.parquet (group, side left/right, row from 0 as in its file, pass, verdict match/net/suggest); breaks.parquet "
        "(side, row, kind): every row is there or matched or netted, and what is only suggested stays a break; summary.json: "
        "counts, sums by place, excluded rows, findings. Exit codes: 0 all matched; 1 something is left to look at; 2 not usable"
    )
    add_onboard(_command(commands, "onboard", "make a fund with its opening books from a public filing or a list of positions"))
    new = commands.add_parser(
        "new", help="write an empty firm with commented parameters", description="Write an empty firm to DIR."
    )
    new.add_argument("dir", metavar="DIR", type=Path)
    add_reproduce(_command(commands, "reproduce", "make a kept strike or NAV pack again as known then, and compare its bytes"))
    _command(commands, "verify", "recompute the audit chain of the store and the hashes of every kept run")


def _add_desks(commands: Any) -> None:
    add_breaks(_command(commands, "breaks", "list open breaks, and decide about them"))
    add_recon(_command(commands, "recon", "try changed rules of a reconciliation against history"))
    add_book(_command(commands, "book", "show a table of the books as of any day, as known at any time"))
    add_explain(_command(commands, "explain", "follow a figure to its journal lines, events, files and lines of files"))
    add_refused(_command(commands, "refused", "list events that the books refused: where, what, why, and what to do"))
    add_correct(_command(commands, "correct", "correct or withdraw an event, and resubmit it"))
    add_proposals(_command(commands, "proposals", "list what waits for a second person; propose a manual journal, approve, reject"))
    add_close(_command(commands, "close", "close a month: tasks, signatures, statements, audit pack"))
    add_prices(_command(commands, "prices", "list prices and their checks; challenge, override, approve"))
    add_nav(_command(commands, "nav", "list NAVs, sign and release them, write their packs"))
    add_nav_error(_command(commands, "nav-error", "strike past days again and size what was wrong: who dealt, who is owed what"))
    dashboards = _command(commands, "dashboards", "serve the dashboards in a browser, for this machine only")
    dashboards.add_argument("--port", type=int, default=8866)
    dashboards.add_argument("--open", action="store_true", help="open a browser on it")
    lab = _command(commands, "lab", "open JupyterLab on the notebooks, for this machine only")
    lab.add_argument("--port", type=int, default=8888)


if __name__ == "__main__":
    sys.exit(main())
