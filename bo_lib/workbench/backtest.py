"""Changed rules on history: every business day again as it was known when it was reconciled. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from bo_lib.config import ParameterError
from bo_lib.model import dates
from bo_lib.recon import BreakState, Rules
from bo_lib.recon.trial import Trial, TrialDay
from bo_lib.views.pages.backtest import backtest_report
from bo_lib.views.report import Report
from bo_lib.views.wording import plain
from bo_lib.workbench.office import Office, recon_stream
from bo_lib.workbench.reconciliations import kind_of


@dataclass(frozen=True)
class Backtest:
    """What the changed rules would have done on each day of each fund. ``skipped``: days that were not reconciled then."""

    name: str
    rules: str
    rules_new: str
    days: tuple[TrialDay, ...]
    skipped: tuple[tuple[str, date], ...]

    @property
    def against(self) -> int:
        """Decisions of people that the changed rules would do otherwise."""
        return sum(len(day.against) for day in self.days)

    def report(self) -> Report:
        return backtest_report(self.name, self.rules, self.rules_new, self.days, self.skipped)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON: dates and decimals as text."""
        totals = {what: sum(len(getattr(d, what)) for d in self.days) for what in ("newly", "no_longer", "otherwise", "as_decided")}
        said: dict[str, Any] = plain({
            "reconciliation": self.name, "rules": self.rules, "rules_new": self.rules_new, **totals, "against": self.against,
            "days": [asdict(day) for day in self.days],
            "skipped": [{"fund": fund, "business_date": day} for fund, day in self.skipped],
        })  # fmt: skip
        return said


def backtest(office: Office, name: str, first: date, last: date, rules: Rules, funds: Sequence[str]) -> Backtest:
    """Try ``rules`` in place of parameters/recon/<name>.yaml on every business day of [first, last].

    Each day is opened as it was known when it was last reconciled; decisions count whenever they were made. Raises
    ``ParameterError`` for an unknown reconciliation, and for rules of another kind.
    """
    from bo_lib.workbench import Workbench

    days: list[TrialDay] = []
    skipped: list[tuple[str, date]] = []
    in_force = None
    for fund_id in funds:
        fund = office.fund(fund_id)
        in_force = Workbench(office, fund_id, last).rules(name)
        _check_kind(in_force, rules)
        tried = rules.model_copy(update={"name": in_force.name})  # the same breaks, whatever the file calls itself
        trial, states = Trial(fund_id), _states(office, fund_id, last)
        for day in dates.business_days(max(first, fund.inception), last, fund.calendar):
            known_at, then = _known_then(office, fund_id, name, day)
            if not known_at:
                skipped += [(fund_id, day)] if day != fund.inception else []
                continue
            desk = Workbench(office, fund_id, day, known_at)
            now, new = desk.reconciled_by(in_force).value, desk.reconciled_by(tried).value
            days.append(trial.day(now, new, states, then))
    named = f"{in_force.name} version {in_force.version}" if in_force else name
    return Backtest(name, named, f"{rules.name} version {rules.version}", tuple(days), tuple(skipped))


def _check_kind(in_force: Rules, rules: Rules) -> None:
    if kind_of(in_force) is not kind_of(rules):
        said = f"rules {rules.name}: they are for {rules.kind or rules.name}, not for {in_force.kind or in_force.name}"
        raise ParameterError(f"{said}; name the reconciliation they are to replace, or give them `kind: {in_force.name}`")


def _states(office: Office, fund_id: str, last: date) -> list[BreakState]:
    """Breaks of the fund with every decision known by now, later ones included: hindsight is what a trial is for."""
    from bo_lib.workbench import Workbench

    newest = max((f.effective_date for f in office.store.facts("break", stream=fund_id)), default=last)
    return list(Workbench(office, fund_id, max(newest, last)).break_states().values())


def _known_then(office: Office, fund_id: str, name: str, day: date) -> tuple[str, str]:
    """When the day was reconciled last, and under which rules; empty when it never was."""
    facts = office.store.facts("recon.concluded", stream=recon_stream(fund_id), entity=f"{fund_id}/{name}", effective_until=day)
    runs = [f for f in facts if f.effective_date == day]
    if runs:
        return runs[-1].known_at, runs[-1].payload["rules"]
    return _last_known(f for f in office.store.facts("arrival", stream=fund_id, effective_until=day) if f.effective_date == day), ""


def _last_known(facts: Iterable[Any]) -> str:
    return max((f.known_at for f in facts), default="")
