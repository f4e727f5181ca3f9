"""The month's end: trial balance, statements, tasks, and filings ahead."""

from __future__ import annotations

from calendar import isleap
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from time import perf_counter
from typing import Any, cast

import pyarrow as pa

from bo_lib import config
from bo_lib.close import (
    AsOf,
    CloseRecord,
    CloseState,
    Evidence,
    Financials,
    LatePosting,
    NetAssetsStatement,
    Related,
    RollForward,
    Run,
    Sources,
    close,
    compare_as_of,
    record_of,
    roll_forward,
    schedule_of_investments,
    sourced_journal,
    statement_of_net_assets,
    trial_balance,
)
from bo_lib.close.tables import CLOSE_TIMES
from bo_lib.filings import obligations
from bo_lib.model import dates
from bo_lib.model.events import Accrual, from_payload
from bo_lib.model.findings import Outcome
from bo_lib.model.identifiers import same_person
from bo_lib.model.money import ZERO, round_money, round_to
from bo_lib.model.tables import built
from bo_lib.recon import Reconciliation, accepted_breaks
from bo_lib.store import StoredFact
from bo_lib.views.pages import close as pages
from bo_lib.views.report import Report
from bo_lib.workbench.break_desk import told
from bo_lib.workbench.close_kept import kept, looked_at
from bo_lib.workbench.desk import once
from bo_lib.workbench.office import RUNS
from bo_lib.workbench.recon_desk import ReconDesk
from bo_lib.workbench.release_desk import ReleaseDesk
from bo_lib.workbench.statements_desk import StatementsDesk

CHECKED = "close.checked"  # what the tasks said and how long they took
FILINGS_AHEAD_DAYS = 190


class CloseDesk(ReconDesk, ReleaseDesk, StatementsDesk):
    @once
    def adjusted(self) -> pa.Table:
        struck = self.struck().value
        return trial_balance(self.booked().trial_balance(), struck.marked, self._chart())

    @once
    def rolled(self) -> RollForward | None:
        """Net assets from the last strike of the month before to tonight's."""
        before = self.before()
        marked = before.marked()
        if marked is None:
            return None
        adjusted = trial_balance(before.booked().trial_balance(), marked, self._chart())
        opening = sum((r["adjusted"] for r in adjusted.to_pylist() if r["type"] in ("asset", "liability")), ZERO)
        return roll_forward(adjusted, self.adjusted(), opening, self.struck().value.net_assets)

    @once
    def stated(self) -> NetAssetsStatement:
        return statement_of_net_assets(self.struck().value)

    # The close of the month

    @property
    def month_name(self) -> str:
        return f"{self.day:%Y-%m}"

    @once
    def close_terms(self) -> config.Close:
        return config.load(self.office.root / "parameters" / "close.yaml", config.Close)

    def close_record(self, month: str = "") -> CloseRecord:
        """What people did to the close of a month (default: of the day), with author and time from the chain."""
        month = month or self.month_name
        facts = self.known.facts("close", until=date.max)
        return record_of(month, [told(f) for f in facts if f.payload.get("month") == month and f.kind != CHECKED])

    @once
    def closing(self, afresh: bool = False) -> Outcome[CloseState]:
        """Where the tasks stand. What depends on nothing that has changed since it was looked at last is not looked at again."""
        answers, seconds = ({}, {}) if afresh or self.known.past else kept(self)
        made = close(
            self.close_terms(), self.close_evidence(), self.fund.calendar, record=self.close_record(), today=self.today,
            clock=perf_counter, kept=answers,
        )  # fmt: skip
        return Outcome(replace(made.value, seconds={**made.value.seconds, **seconds}), made.findings)

    @once
    def looked_at(self) -> str:
        return looked_at(self)

    def is_kept(self) -> bool:
        """True when the checks of this very evidence are recorded: a list of tasks is read, not worked out."""
        return bool(kept(self)[0])

    @property
    def today(self) -> date:
        """The day on which one looks: by the clock, or as of ``known_at``."""
        return date.fromisoformat((self.known_at or self.office.now())[:10])

    @once
    def close_evidence(self) -> Evidence:
        """Each part is made when the first check asks for it, so that its time is that check's."""
        parts: dict[str, Callable[[], Any]] = {
            "book": self.booked, "struck": lambda: self.struck().value if self.struck().ok else None, "adjusted": self.adjusted,
            "controls": lambda: self.controlled() if self.struck().ok else None, "statement": self.stated, "roll": self.rolled,
            "accepted_breaks": lambda: accepted_breaks(self._break_payloads(), self.day),
            "reconciliations": lambda: _Reconciled(self.reconciliations(), lambda name: self.reconciled(name).value),
            "waiting": lambda: tuple(r.finding for r in self.known.refused()), "related": self._related,
            "month": lambda: given.of if (given := self._given()) else None, "budget": self._budget,
            "before": lambda: given.prior if (given := self._given()) else None, "runs": self._runs,
            "investments": lambda: self._stated()[0].investments if self._stated() else None,
            "investments_before": self._investments_before, "late_postings": self.late_postings,
            "ties": lambda: {f.framework: f.ties for f in self._stated()} or None,
            "as_of": lambda: self.as_of() if self.struck().ok else None, "tolerances": self.close_terms,
        }  # fmt: skip
        return cast(Evidence, _Gathered(self.fund.id, self.day, parts))

    def reconciliations(self) -> list[str]:
        """Those that the tasks of the close name, and every other that was carried in the month."""
        named = {name for task in self.close_terms().tasks for name in task.reconciliations if name != "*"}
        return sorted(named | {name for name, day in self.concluded() if day > self.opened})

    def _given(self) -> Sources | None:
        return self.sources() if self.struck().ok else None

    def _stated(self) -> list[Financials]:
        """The statements under every framework; none when the day cannot be valued."""
        return [made for name in self.frameworks if self.struck().ok and (made := self.financials(name))]

    def _investments_before(self) -> pa.Table | None:
        given = self._given()
        if given is None or given.prior is None:
            return None
        return schedule_of_investments(self.before().struck().value, self.known.instruments, given.levels)

    def _related(self) -> list[Related]:
        """Units of the firm's other funds: the NAV per unit struck there, and what is registered there for this fund."""
        begun = [fund for fund in self.office.funds if fund.inception <= self.day and fund.id != self.fund.id]
        isins = {c.isin: (fund, c.id) for fund in begun for c in fund.on(self.day).classes if c.isin}
        found = []
        for isin, held in self.struck().value.valuation.holdings().items():
            if isin in isins:
                fund, name = isins[isin]
                struck = [f for f in self.known.facts("nav.struck", fund.id) if f.effective_date == self.day]
                theirs = struck[-1].payload["state"].get(name, {}).get("nav_per_unit") if struck else None
                found.append(Related(f"{fund.id} {name}, NAV per unit", held["price"] or ZERO, Decimal(theirs) if theirs else None))
                found.append(Related(f"{fund.id} {name}, units", held["quantity"], self._registered(fund, name)))
        return found

    def _registered(self, fund: config.Fund, share_class: str) -> Decimal | None:
        """This fund's units in the register of another; None when it is not in it."""
        mine = {i.id for i in fund.investors if self.fund.id == i.id or self.fund.name == i.name} | {self.fund.id}
        units = type(self)(self.office, fund.id, self.day, self.known_at, self.heads).holders()
        return next((held for (investor, name), held in units.items() if investor in mine and name == share_class), None)

    def _budget(self) -> dict[str, Decimal]:
        """Expenses of fixed yearly amount, for the days of the month."""
        days, year = (self.day - self.opened).days, 366 if isleap(self.day.year) else 365
        fixed = [e for e in self.fund.on(self.day).expenses if e.amount_annual and not e.share_class]
        return {e.name: round_money(e.amount_annual * days / year, self.fund.base_currency) for e in fixed}

    def notebook_runs(self) -> list[list[str]]:
        """The runs that are the evidence of a task themselves."""
        asked = {t.notebook for t in self.close_terms().tasks if not (t.check or t.reconciliations)}
        return [[name, r.run_id, r.manifest_sha256] for name, r in sorted(self._runs().items()) if name in asked] if asked else []

    def _runs(self) -> dict[str, Run]:
        """The last run of each notebook for the fund and day."""
        facts = self.office.store.facts("run.finished", stream=RUNS, effective_until=self.day, heads=self.heads)
        mine = [f.payload for f in facts if f.effective_date == self.day and f.payload["fund"] == self.fund.id]
        return {p["notebook"]: Run(p["verdict"], p["run_id"], p["manifest_sha256"]) for p in mine}

    def late_postings(self) -> list[LatePosting]:
        """What was posted to the month after its soft close or waits to be, each with who brought it and who approved it.

        An event is approved when it came in together with the approval of a proposal about it.
        """
        record = self.close_record()
        if not record.soft_at:
            return []
        said = self.proposals()
        leave = {(_first_id(p.about), p.checked_at): p for p in said if p.state == "approved"}
        late = [f for f in self.known.facts("event") if f.known_at > record.soft_at and f.effective_date > self.opened]
        found = [(f, leave.get((_first_id(f.entity), f.known_at))) for f in late]
        posted = [
            LatePosting(f.entity, f.kind.removeprefix("event."), p.by if p else f.actor, p.checker if p else "") for f, p in found
        ]
        kinds = ((p, p.content["event"]["kind"]) for p in said if p.state == "waiting" and self.opened < p.day <= self.day)
        return posted + [LatePosting(p.about, kind, p.by) for p, kind in kinds]

    # The NAV of all that is known now

    @once
    def as_of(self) -> AsOf | None:
        """Tonight's strike of all that is known by now against the daily one as recorded; None when there was none."""
        daily = self._daily()
        if daily is None:
            return None
        came = self.known.facts("event", until=date.max)
        inputs = [
            *(f for f in came if f.effective_date <= self.day or f.kind == "event.capital"),  # units may be paid ahead
            *(f for f in self.known.facts("nav.struck") if f.effective_date < self.day),
            *self.known.facts("price"), *self.known.files,
        ]  # fmt: skip
        since = any(f.known_at > daily.known_at for f in inputs)
        then = type(self)(self.office, self.fund.id, self.day, daily.known_at) if since else self
        recorded = replace(then.struck().value, net_assets=Decimal(daily.payload["net_assets"]))
        journal = sourced_journal(self.book_to_strike())
        journal_then = sourced_journal(then.book_to_strike()) if since else journal
        return compare_as_of(recorded, self.struck().value, journal_then, journal, {f.entity: f.known_at for f in came})

    def _daily(self) -> StoredFact | None:
        """The NAV as struck for the day: the last one recorded by the end of the next business day, else the first."""
        struck = [f for f in self.known.facts("nav.struck") if f.effective_date == self.day]
        until = dates.add_business_days(self.day, 1, self.fund.calendar).isoformat()
        timely = [f for f in struck if f.known_at[:10] <= until]
        return timely[-1] if timely else struck[0] if struck else None

    def true_up(self) -> int:
        """Books what tonight's accruals of all that is known now differ by from those booked; returns how many."""
        due: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for a in self.struck().value.accruals:
            due[a.name, a.share_class] += a.amount
        for booked in self.known.standing(Accrual):
            if booked.event_id.startswith(self._tonight):
                due[booked.name, booked.share_class] -= booked.amount
        for p in self.proposals():  # of a soft closed month: what waits is not asked for twice
            event = from_payload(p.content["event"]) if p.state == "waiting" else None
            if isinstance(event, Accrual) and event.event_id.startswith(self._tonight):
                due[event.name, event.share_class] -= event.amount
        made = [
            Accrual(
                event_id=f"{self._tonight[0]}{name}:{share_class}:true-up:{len(self.known.events())}", fund=self.fund.id,
                effective_date=self.day, name=name, share_class=share_class, currency=self.fund.base_currency, amount=amount,
            )
            for (name, share_class), amount in due.items() if amount
        ]  # fmt: skip
        return self.known.book_events(made)

    @once
    def obliged(self) -> pa.Table:
        filings = config.load(self.office.root / "parameters" / "filings.yaml", config.Filings)
        done = {(f.payload["form"], date.fromisoformat(f.payload["period_end"])) for f in self.known.facts("filing.made")}
        return obligations(
            self.fund,
            filings,
            self.day - timedelta(days=90),
            self.day + timedelta(days=FILINGS_AHEAD_DAYS),
            today=self.day,
            done=done,
        )

    # Pages

    @once
    def trial_balance(self) -> Report:
        return pages.trial_balance_report(self.adjusted(), self.fund.base_currency)

    @once
    def statement_of_net_assets(self) -> Report:
        return pages.statement_report(self.stated(), self.fund.base_currency, self.day)

    @once
    def roll_forward(self) -> Report:
        return pages.roll_forward_report(self.rolled(), self.fund.base_currency)

    @once
    def close_tasks(self) -> Report:
        outcome = self.closing()
        month_end = dates.is_last_business_day_of_month(self.day, self.fund.calendar)
        self._record_checked(outcome.value)
        return pages.tasks_report(outcome.value, outcome.findings, month_end, self.close_record())

    @once
    def as_of_nav(self) -> Report:
        return pages.as_of_report(self.as_of(), self.fund.base_currency, self.day)

    @once
    def close_times(self) -> Report:
        return pages.times_report(self._times())

    @once
    def financial_statements(self, framework: str) -> Report:
        """``framework``: us_gaap or ifrs (a file of parameters/statements)."""
        return pages.financials_report(self.financials(framework), self.day, self.fund.base_currency)

    @once
    def schedules(self) -> Report:
        """Investments, notes and roll-forwards behind the statements; they are the same under every framework."""
        return pages.schedules_report(self.financials(self.frameworks[0]), self.day)

    # How long it took

    def _record_checked(self, state: CloseState) -> None:
        """What the tasks said and how long each check took, when it is not what was said last."""
        answers = {task: [a.state, a.says, a.items] for task, a in state.answers.items()}
        payload = {"month": self.month_name, "states": state.states, "evidence": _column(state, "evidence"), "answers": answers,
                   "looked_at": "" if self.known.past else self.looked_at()}  # fmt: skip
        before = [f for f in self.known.facts(CHECKED, until=date.max) if f.entity == self.month_name]
        if before and all(before[-1].payload.get(name) == said for name, said in payload.items()):
            return
        seconds = {task: f"{s:.3f}" for task, s in state.seconds.items()}
        fact_id = f"{CHECKED}:{self.fund.id}:{self.month_name}:{len(before) + 1}"
        self.known.record(CHECKED, self.month_name, {**payload, "seconds": seconds}, fact_id)

    def _times(self) -> pa.Table:
        """Table CLOSE_TIMES, from what was recorded of this month and the earlier ones."""
        checked = {f.entity: f.payload["seconds"] for f in self.known.facts(CHECKED, until=date.max)}
        months = sorted({m for m in checked if m < self.month_name})
        days = {m: self._review_days(m) for m in (*months, self.month_name)}
        rows = []
        for task in self.close_terms().tasks:
            before = [Decimal(checked[m][task.id]) for m in months if task.id in checked[m]]
            reviewed = [Decimal(days[m][task.id]) for m in months if task.id in days[m]]
            seconds = self.closing().value.seconds.get(task.id)
            rows.append({
                "task": task.id, "seconds": Decimal(f"{seconds:.3f}") if seconds is not None else None,
                "seconds_before": _mean(before), "day": days[self.month_name].get(task.id), "day_before": _mean(reviewed),
                "due_day": task.due_business_day,
            })  # fmt: skip
        return built(CLOSE_TIMES, rows)

    def _review_days(self, month: str) -> dict[str, int]:
        """Task -> business day after the month's end on which it was reviewed."""
        record, end = self.close_record(month), dates.month_end(date.fromisoformat(f"{month}-01"))
        signed = {
            name: task.signed
            for name, task in record.tasks.items()
            if any(not same_person(s.by, task.signed[0].by) for s in task.signed)
        }
        return {
            name: dates.business_days_after(end, date.fromisoformat(s[-1].at[:10]), self.fund.calendar)
            for name, s in signed.items()
        }

    @once
    def filing_calendar(self) -> Report:
        return pages.filings_report(self.obliged(), self.day)


class _Reconciled(Mapping[str, Reconciliation]):
    """Reconciliations that are carried out when a check asks for them, so that their time is that check's."""

    def __init__(self, names: Sequence[str], carried: Callable[[str], Reconciliation]) -> None:
        self._names, self._carried = names, carried

    def __getitem__(self, name: str) -> Reconciliation:
        if name not in self._names:
            raise KeyError(name)
        return self._carried(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class _Gathered:
    """Evidence whose parts are made on demand."""

    def __init__(self, fund: str, day: date, parts: Mapping[str, Callable[[], Any]]) -> None:
        self.fund, self.day, self._parts = fund, day, parts

    def __getattr__(self, name: str) -> Any:
        if name not in self._parts:
            raise AttributeError(name)
        made = self._parts[name]()
        setattr(self, name, made)
        return made


def _first_id(event_id: str) -> str:
    """The id under which an event came first, whatever version this is."""
    return event_id.partition("~")[0]


def _column(state: CloseState, name: str) -> dict[str, str]:
    return dict(zip(state.table["task"].to_pylist(), (v or "" for v in state.table[name].to_pylist()), strict=True))


def _mean(values: list[Decimal]) -> Decimal | None:
    return round_to(sum(values, ZERO) / len(values), 3) if values else None
