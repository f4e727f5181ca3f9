"""What a person sees in the terminal: a bar while a day runs, then a table; plain lines where there is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bo_lib.run.day import DayReport, Node, Watcher
    from bo_lib.run.manifest import Manifest

_COLOURS = {
    "pass": "green",
    "done": "green",
    "attention": "yellow",
    "blocked": "red",
    "failed": "red",
    "interrupted": "red",
    "not run": "red",
}
Say = Callable[[str], None]


def colour_of(cell: str) -> str:
    """The colour of a cell by its first words; none for what needs no eye."""
    return next((colour for word, colour in _COLOURS.items() if cell.startswith(word)), "")


@contextmanager
def following(report: DayReport) -> Iterator[tuple[Watcher, Say]]:
    """A watcher and a line printer for the time a day runs."""
    if not sys.stderr.isatty():
        yield _line, _say
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    due = sum(not node.ended for node in report.nodes)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(str(report.day), total=due)

        def watch(node: Node) -> None:
            if node.ended:
                progress.console.print(_sentence(node), style=colour_of(node.cell), highlight=False, markup=False)
                progress.advance(task)
            else:
                progress.update(task, description=f"{report.day} {node.fund} {node.step.id}")

        yield watch, lambda text: progress.console.print(text, highlight=False, markup=False)


def _sentence(node: Node) -> str:
    said = f": {node.said}" if node.manifest and node.said else ""
    return f"{node.fund} {node.step.id}: {node.cell}{said}"


def _line(node: Node) -> None:
    if node.ended:
        _say(_sentence(node))


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on standard output: coloured by its verdicts on a terminal, plain and never folded in a pipe."""
    if not sys.stdout.isatty():
        sys.stdout.write("\n".join([title, *_plain([columns, *rows])]) + "\n")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, style=colour_of(cell)) for cell in row))
    Console().print(table)


def _plain(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return [line for line in lines if line]


def show_day(report: DayReport) -> None:
    """Fund by notebook: the verdict and the seconds, or why there is none."""
    show_grid(report, {(node.fund, node.step.notebook): _short(node) for node in report.nodes})


def show_grid(report: DayReport, cells: Mapping[tuple[str, str], str]) -> None:
    """Funds by steps of a day, with a cell for each fund and notebook."""
    steps = list(dict.fromkeys(node.step.id for node in report.nodes))
    by_fund: dict[str, dict[str, str]] = {}
    for node in report.nodes:
        by_fund.setdefault(node.fund, {})[node.step.id] = cells.get((node.fund, node.step.notebook), node.said or "not run")
    rows = [[fund, *(found[step] for step in steps)] for fund, found in by_fund.items()]
    show(f"{report.day:%A} {report.day}", ["fund", *steps], rows)
    for fund, letter in report.broken.items():
        sys.stdout.write(f"{fund} cannot be run: {letter}\n")


def _short(node: Node) -> str:
    if node.state == "not due":
        return node.said
    return node.cell if node.manifest or node.state == "not run" else node.state


def show_run(manifest: Manifest) -> None:
    """One run: how it ended and where its evidence is."""
    name = " ".join(part for part in (manifest.notebook, manifest.fund, manifest.business_date) if part)
    ended = f"{manifest.verdict}: {manifest.summary}" if manifest.state == "finished" else f"failed: {manifest.error}"
    before = " (done before; not executed again)" if manifest.reused else f" in {manifest.seconds.get('total', 0):.1f} s"
    show(name, ["", ""], [["run", manifest.run_id + before], ["result", ended], ["folder", str(manifest.folder)]])
