"""What the control tower shows, read from the store: rows as ``tower.tower`` takes them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from bo_lib.config import Delivery, Firm, ParameterError, load_fund
from bo_lib.model.four_eyes import OVERRIDE, PROPOSAL, proposals
from bo_lib.store import Store, StoredFact
from bo_lib.views.tower import Tower, tower

CLOSING = ("break.closed", "break.accepted")
OPENING = ("break.opened", "break.reopened")
DATED = ("run", "nav", "arrival")  # kinds of facts that make a date worth a page


@dataclass(frozen=True)
class TowerData:
    """The lists of ``tower.tower``, as known at the time of reading."""

    runs: list[dict[str, Any]]
    breaks: list[dict[str, Any]]
    navs: list[dict[str, Any]]
    arrivals: list[dict[str, Any]]
    proposals: list[dict[str, Any]]

    def tower(self, business_date: date, funds: list[dict[str, Any]]) -> Tower:
        return tower(self.runs, self.breaks, self.navs, self.arrivals, business_date, funds, self.proposals)


def tower_data(
    store: Store, business_date: date, shared: Collection[Delivery] = (), going_on: Callable[[str], bool] = lambda key: True
) -> TowerData:
    """Everything the store knows up to ``business_date`` that the control tower shows.

    Facts read: ``run.started``, ``run.finished``; ``break.opened``, ``break.closed``, ``break.accepted`` (entity: the break);
    ``nav``, ``nav.compared``; ``arrival``; ``proposal``. Their payloads carry the keys that ``tower`` names; what lies in the fact
    itself (stream as the fund, entity as the break, effective date, known-at) need not be repeated. ``shared``: deliveries that
    every fund waits for; each counts once, for the firm. ``going_on``: whether somebody carries out the run of this key at this
    moment; one that began, did not end and is not carried out was interrupted, and counts as failed.
    """
    return TowerData(
        [_run(f, going_on) for f in _of_day(store, "run", business_date)],
        _breaks(store.facts("break", effective_until=business_date)),
        _navs(store.facts("nav", effective_until=business_date)),
        _last_word([_row(f) for f in _of_day(store, "arrival", business_date)], shared),
        _proposals([*store.facts(PROPOSAL), *store.facts(OVERRIDE)]),
    )


def _proposals(facts: Sequence[StoredFact]) -> list[dict[str, Any]]:
    return [
        {"fund": fund, "action": p.action, "about": p.about, "by": p.by, "text": p.text}
        for fund in dict.fromkeys(f.stream for f in facts)
        for p in proposals(f for f in facts if f.stream == fund).values()
        if p.state == "waiting"
    ]


def business_dates(store: Store) -> list[date]:
    """Business dates with a run, a NAV or an arrival; the latest first."""
    return sorted({fact.effective_date for kind in DATED for fact in store.facts(kind)}, reverse=True)


def fund_rows(root: Path, firm: Firm) -> list[dict[str, Any]]:
    """The firm's funds as ``tower`` takes them; a fund whose file cannot be read keeps its place under its id."""
    return [_fund_row(root, fund_id) for fund_id in firm.funds]


def _fund_row(root: Path, fund_id: str) -> dict[str, Any]:
    try:
        fund = load_fund(root, fund_id)
    except ParameterError:
        return {"id": fund_id, "name": fund_id, "base_currency": "", "calendar": "TARGET"}
    terms = {
        "kind": fund.kind,
        "base_currency": fund.base_currency,
        "calendar": fund.calendar,
        "nav_move_pct": str(fund.tolerances.nav_move_pct),
    }
    return {"id": fund_id, "name": fund.name, **terms}


def _of_day(store: Store, kind: str, day: date) -> list[StoredFact]:
    return [fact for fact in store.facts(kind, effective_until=day) if fact.effective_date == day]


def _row(fact: StoredFact) -> dict[str, Any]:
    return {"fund": fact.stream, "business_date": fact.effective_date.isoformat(), **fact.payload}


def _run(fact: StoredFact, going_on: Callable[[str], bool]) -> dict[str, Any]:
    finished = fact.kind == "run.finished"
    said = {"state": "finished" if finished else "started", "finished_at": fact.known_at if finished else ""}
    if not finished and not going_on(str(fact.payload.get("key", ""))):
        said |= {"state": "failed", "error": "interrupted; start it again"}
    return {**_row(fact), **said, **{key: fact.payload[key] for key in ("state", "finished_at") if key in fact.payload}}


def _navs(facts: Iterable[StoredFact]) -> list[dict[str, Any]]:
    """NAVs as struck, each with the comparison with the administrator's that was made last."""
    known = [(fact.kind, _row(fact)) for fact in facts]
    shadows = {(row["fund"], row["business_date"]): row for kind, row in known if kind == "nav.compared"}
    return [row | {"shadow": shadows.get((row["fund"], row["business_date"]))} for _, row in known if "classes" in row]


def _breaks(facts: Iterable[StoredFact]) -> list[dict[str, Any]]:
    """One row per break: what was said last, when it was first opened, and when it was closed unless it opened again."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for fact in sorted(facts, key=lambda f: (f.effective_date, f.seq)):
        day = fact.effective_date.isoformat()
        row = found.setdefault((fact.stream, fact.entity), {"break_id": fact.entity, "fund": fact.stream, "opened": day})
        row.update(fact.payload)
        if fact.kind in (*CLOSING, *OPENING):
            row["closed"] = day if fact.kind in CLOSING else ""
    return list(found.values())


def _last_word(rows: Iterable[dict[str, Any]], shared: Collection[Delivery]) -> list[dict[str, Any]]:
    """The last state of each delivery: a file that was late may have come since."""
    common = {(d.sender, d.format, d.account) for d in shared}
    last = {}
    for row in rows:
        what = (row["sender"], row["format"], row.get("account", ""))
        fund = "" if what in common else row["fund"]
        last[fund, *what] = {**row, "fund": fund}
    return list(last.values())
