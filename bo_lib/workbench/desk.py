"""What every desk starts from: one fund, one business date, and what is known of them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import date
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

from bo_lib.books import Refusal
from bo_lib.config import ParameterError
from bo_lib.model import four_eyes
from bo_lib.model.findings import Verdict
from bo_lib.model.four_eyes import Proposal
from bo_lib.store.store import Pins
from bo_lib.views.pages.books import HINT, PROPOSED, waits
from bo_lib.views.report import Figure, Report
from bo_lib.workbench.known import Known
from bo_lib.workbench.office import Office

P = ParamSpec("P")
R = TypeVar("R")


def once(method: Callable[..., R]) -> Callable[..., R]:
    """A step of a desk is done once; asked again it shows the same result."""

    @wraps(method)
    def remembered(self: Desk, *args: Any) -> R:
        key = (method.__name__, *args)
        if key not in self.done:
            self.done[key] = method(self, *args)
        return cast(R, self.done[key])

    return remembered


class Desk:
    """``known_at`` (ISO 8601) opens the desk as things were known then: it reads, and writes nothing.

    So does ``heads``: the ends of the chains as an earlier run read them.
    """

    def __init__(self, office: Office, fund_id: str, day: date, known_at: str = "", heads: Pins | None = None) -> None:
        self.office, self.day, self.known_at, self.heads = office, day, known_at, heads
        self.known = Known(office, fund_id, day, known_at, heads)
        self.fund = self.known.fund
        self.done: dict[tuple[Any, ...], Any] = {}

    def must_be_now(self) -> None:
        """Raises ``ParameterError`` where something is to be written and the desk looks at the past."""
        if self.known.past:
            raise ParameterError("a desk that looks at the past writes nothing; open it without known_at")

    def conclude(self, *reports: Report) -> Report:
        """The worst of the reports, recorded: as a fact, and with its results in the folder of the run when there is one."""
        verdict = Verdict.worst(r.verdict for r in reports)
        worst = [r for r in reports if r.verdict is verdict and verdict is not Verdict.PASS]
        summary = ". ".join(f"{r.title}: {r.summary.rstrip('.')}" for r in worst) + "." if worst else "Every part passed."
        figures = tuple(Figure(f"{r.title}", r.verdict.value, alarm=r.verdict is Verdict.BLOCKED) for r in reports)
        if waiting := len(self.refusals()):
            verdict = Verdict.worst((verdict, Verdict.ATTENTION))
            summary += f" {waits(waiting, self.fund.id)}"
        figures = (*figures, *self.waiting_figures())
        conclusion = Report("conclusion", "Conclusion", verdict, summary, figures, (), ())
        _leave_results(reports, conclusion, self.evidence())
        return conclusion

    def refusals(self) -> list[Refusal]:
        """What waits for a person: events that the books refused, or their door, and trades held back before it."""
        return [*self.known.refused(), *self.held_trades()]

    def held_trades(self) -> list[Refusal]:
        """Trades held back before the books; the settlement desk knows them."""
        return []

    def proposals(self) -> list[Proposal]:
        """What was proposed, oldest first, and how it was answered."""
        return list(four_eyes.proposals(self.known.facts(four_eyes.PROPOSAL, until=date.max)).values())

    def waiting_figures(self) -> tuple[Figure, ...]:
        """How much waits for a person, and for a second person; nothing where nothing does."""
        proposed = sum(p.state == "waiting" for p in self.proposals())
        counts = (("Events waiting", len(self.refusals()), HINT), ("For a second person", proposed, PROPOSED))
        return tuple(Figure(name, n, hint.format(self.fund.id), alarm=True) for name, n, hint in counts if n)

    def evidence(self) -> dict[str, Any]:
        """What a run of this desk depended on besides its files, for the manifest."""
        return {}


def _leave_results(reports: tuple[Report, ...], conclusion: Report, evidence: dict[str, Any]) -> None:
    """In a run: every report as JSON in ``results/``, then ``conclusion.json``, by which the run counts as finished."""
    folder = os.environ.get("BO_RUN_DIR")
    if not folder:
        return
    results = Path(folder) / "results"
    results.mkdir(parents=True, exist_ok=True)
    for report in reports:
        (results / f"{report.name}.json").write_text(json.dumps(report.to_dict(), indent=1), "utf-8")
    said = {
        "verdict": conclusion.verdict.value,
        "summary": conclusion.summary,
        "figures": {f"{r.title}: {f.label}": str(f.value) for r in reports for f in r.figures},
        "findings": [finding for r in reports for finding in r.to_dict()["findings"]],
        **evidence,
    }
    (Path(folder) / "conclusion.json").write_text(json.dumps(said, indent=1), "utf-8")
