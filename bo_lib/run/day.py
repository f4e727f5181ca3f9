"""A business day: every notebook of the schedule for every fund, in the order of what they need.

A fund that fails does not stop the others; what needs the failed step is shown as not run. A step is done when its run
finished with a verdict of pass or attention; a verdict of blocked holds back what needs it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from bo_lib import config
from bo_lib.model.findings import Verdict
from bo_lib.run import kernels
from bo_lib.run.errors import Exit, RunError, UnusableStoreError, UsageError, letter, report
from bo_lib.run.manifest import Manifest
from bo_lib.run.runner import VARIABLES
from bo_lib.run.start import schedule_of, start

if TYPE_CHECKING:
    from bo_lib.workbench.office import Office

PRELOAD = (*kernels.PRELOAD, "nbconvert.exporters.html", "pygments.formatters.html")


@dataclass
class Node:
    """One notebook for one fund. ``state``: waiting, running, done, blocked, failed, not run, or not due."""

    fund: str
    step: config.Day
    state: str = "waiting"
    said: str = ""
    manifest: Manifest | None = None

    @property
    def ended(self) -> bool:
        return self.state not in ("waiting", "running")

    @property
    def cell(self) -> str:
        """What the summary shows: the verdict and the seconds, or why there is none."""
        if not self.manifest:
            return f"{self.state}: {self.said}" if self.said else self.state
        took = "done before" if self.manifest.reused else f"{self.manifest.seconds.get('total', 0):.1f} s"
        return f"{self.manifest.verdict or self.manifest.state} {took}"


@dataclass
class DayReport:
    day: date
    nodes: list[Node] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)  # fund -> the letter about its parameters

    @property
    def exit_code(self) -> Exit:
        if any(node.state in ("failed", "blocked", "not run") and node.fund not in self.broken for node in self.nodes):
            return Exit.FAILED
        if self.broken:
            return Exit.USAGE
        attention = any(node.manifest and node.manifest.verdict == Verdict.ATTENTION for node in self.nodes)
        return Exit.ATTENTION if attention else Exit.OK


Watcher = Callable[[Node], None]


def plan(office: Office, day: date, funds: Iterable[str] = ()) -> DayReport:
    """The graph of ``day``: a node for each fund and step; those of a holiday or not due are marked so from the start.

    A fund whose parameters cannot be used has failed from the start; the others are not held back.
    """
    steps = schedule_of(office.root).day
    _check(steps)
    chosen = tuple(funds) or office.firm.funds
    broken = {fund_id: office.broken[fund_id] for fund_id in chosen if fund_id in office.broken}
    return DayReport(day, [_node(office, fund_id, step, day) for fund_id in chosen for step in steps], broken)


def _check(steps: tuple[config.Day, ...]) -> None:
    known = [step.id for step in steps]
    if doubled := {name for name in known if known.count(name) > 1}:
        raise UsageError(f"parameters/schedule.yaml: the step {sorted(doubled)[0]!r} stands twice")
    left = {step.id: set(step.needs) for step in steps}
    for name, needs in left.items():
        if unknown := needs - left.keys():
            raise UsageError(
                f"parameters/schedule.yaml: {name} needs {sorted(unknown)[0]!r}, which is no step; known: {', '.join(known)}"
            )
    while ready := {name for name, needs in left.items() if not needs}:
        left = {name: needs - ready for name, needs in left.items() if name not in ready}
    if left:
        raise UsageError(f"parameters/schedule.yaml: these steps need each other in a circle: {', '.join(left)}")


def _node(office: Office, fund_id: str, step: config.Day, day: date) -> Node:
    from bo_lib.model.dates import is_business_day, is_last_business_day_of_month

    if fund_id in office.broken:
        return Node(fund_id, step, "failed", "failed: parameters")
    fund = office.fund(fund_id)
    if not is_business_day(day, fund.calendar):
        return Node(fund.id, step, "not due", f"holiday ({fund.calendar})")
    if day < fund.inception:
        return Node(fund.id, step, "not due", f"starts {fund.inception}")
    if step.when == "month_end" and not is_last_business_day_of_month(day, fund.calendar):
        return Node(fund.id, step, "not due", "month end only")
    return Node(fund.id, step)


def run_day(
    office: Office,
    planned: DayReport,
    *,
    actor: str = "",
    clock: str = "",
    watch: Watcher = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
) -> DayReport:
    """Run a planned day with as many workers as parameters/firm.yaml says; ``watch`` is told whenever a node changes."""
    day, outputs, stop = planned.day, office.root / office.firm.outputs, threading.Event()

    def work(node: Node) -> Manifest:
        parameters = {"fund": node.fund, "business_date": day.isoformat()}
        minutes = node.step.deadline_minutes
        if stop.is_set():
            raise RunError("not begun: the day has ended")
        try:
            return start(
                office,
                node.step.notebook,
                parameters,
                actor=actor,
                clock=clock,
                timeout_s=minutes * 60,
                say=say,
                server=server,
                stop=stop,
            )
        except Exception as reason:
            if isinstance(letter(reason), UnusableStoreError):
                stop.set()  # at once: the next in the queue would wait for the store anew
            raise

    with kernels.kernel_server(PRELOAD, VARIABLES) as server, ThreadPoolExecutor(office.firm.workers) as pool:
        going: dict[Future[Manifest], Node] = {}
        try:
            while True:
                for node in _ready(planned.nodes, watch):
                    node.state = "running"
                    watch(node)
                    going[pool.submit(work, node)] = node
                if not going:
                    return planned
                for future in wait(going, return_when=FIRST_COMPLETED).done:
                    node = going.pop(future)
                    _settle(node, future, outputs)
                    if not stop.is_set():
                        watch(node)
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _ready(nodes: list[Node], watch: Watcher) -> list[Node]:
    """Nodes that may start now. A node whose needs cannot be met any more is marked, which may settle others."""
    for node in [n for n in nodes if n.state == "waiting"]:
        missing = [n.step.id for n in _needed(node, nodes) if n.state in ("blocked", "failed", "not run")]
        if missing:
            node.state, node.said = "not run", f"needs {', '.join(missing)}"
            watch(node)
            return _ready(nodes, watch)
    waiting = (n for n in nodes if n.state == "waiting")
    return [n for n in waiting if all(needed.ended for needed in _needed(n, nodes))]


def _needed(node: Node, nodes: list[Node]) -> list[Node]:
    return [n for n in nodes if n.fund == node.fund and n.step.id in node.step.needs]


def _settle(node: Node, future: Future[Manifest], outputs: Path) -> None:
    """The state of a node whose run has ended, or could not be carried out. A store that cannot be used ends the day."""
    if reason := future.exception():
        if isinstance(letter(reason), UnusableStoreError):
            raise reason
        node.state, node.said = "failed", str(letter(reason) or report(outputs, reason))
        return
    node.manifest = future.result()
    if node.manifest.state != "finished":
        node.state, node.said = "failed", node.manifest.error
    else:
        node.state, node.said = ("done" if node.manifest.passed else "blocked"), node.manifest.summary
