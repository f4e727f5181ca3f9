"""Breaks as reports: what is open tonight, what changed, what a decision did, the history of one break."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bo_lib.model.findings import Verdict
from bo_lib.model.money import ZERO, round_to
from bo_lib.model.tables import AMOUNT
from bo_lib.recon import BreakState
from bo_lib.recon.breaks import AGE_BANDS
from bo_lib.recon.decisions import Decision
from bo_lib.recon.history import COMMENTED, REFUSED, REJECTED
from bo_lib.views.pages.common import count, pick, table, without_empty
from bo_lib.views.report import Chart, Figure, Report, Section
from bo_lib.views.wording import text_of

TEN = 10
BANDS = (*(band for _, band in AGE_BANDS), "over 30")
BREAK_COLUMNS = ("break_id", "kind", "explanation", "item_date", "amount", "value_base", "age", "due", "owner", "state")
TEN_COLUMNS = ("break_id", "recon", "explanation", "amount", "value_base", "age", "due", "owner", "state")
NEW_COLUMNS = ("break_id", "recon", "explanation", "amount", "value_base", "due", "owner", "previous")
FOLLOWS = "follows from its components"
CLOSED_COLUMNS = ("recon", "kind", "account", "currency", "isin", "reference", "amount", "opened", "closed")
KINDS = {
    "missing_here": "the books do not have it", "missing_there": "only the books have it", "amount": "the amounts differ",
    "quantity": "the quantities differ", "date": "the dates differ", "account": "it is on another account",
    "currency": "it is in another currency", "duplicate": "it is there twice", "ambiguous": "more than one answer fits",
    "price": "the prices differ", "all_differ": "no two of the three agree",
}  # fmt: skip


def for_people(open_now: pa.Table) -> list[dict[str, Any]]:
    """Rows of OPEN_BREAKS to be read: each break in a sentence, its id as short as it may be typed, its age in business days."""
    return [
        {**row, "break_id": row["break_id"][:8], "kind": words(row["kind"]), "explanation": explained(row),
         "recon": words(row["recon"]), "age": row["age_business_days"], "previous": (row["previous"] or "")[:8] or None}
        for row in open_now.to_pylist()
    ]  # fmt: skip


def words(name: str) -> str:
    return name.replace("_", " ")


def at_risk(breaks: pa.Table) -> Decimal:
    return sum((v for v in breaks["value_base"].to_pylist() if v is not None), ZERO)


def breaks_report(
    open_now: pa.Table, states: Sequence[BreakState], measures: Sequence[Mapping[str, Any]], trend: pa.Table, day: date,
    base_currency: str,
) -> Report:  # fmt: skip
    """What is open tonight by cause, kind and age, what is new, closed and decided, and the ten that matter most.

    open_now
        table OPEN_BREAKS.
    states
        every break known, for what happened on ``day``.
    measures
        per reconciliation: recon, matched_pct and matched_pct_before, accounts, proven.
    trend
        business_date, recon, breaks: what was open on each of the last days.
    """
    rows = for_people(open_now)
    new = [row for row in rows if row["opened"] == day]
    closed = [s for s in states if s.closed == day and not s.is_open]
    overdue = open_now["overdue"].to_pylist().count("yes")
    said = f"{count(len(rows), 'break')} open, {len(new)} new today, {len(closed)} closed since yesterday, {overdue} past due."
    proven, accounts = (sum(m[name] for m in measures) for name in ("proven", "accounts"))
    figures = (
        Figure("Open", len(rows)), Figure("New today", len(new)), Figure("Closed", len(closed)),
        Figure("Past due", overdue, alarm=overdue > 0),
        Figure(f"Value at risk, {base_currency}", at_risk(open_now), "one error may show in several reconciliations"),
        Figure("Proven", f"{proven} of {accounts}", alarm=proven < accounts),
    )  # fmt: skip
    sections = [*_ten(rows), *_measures(measures, rows), *_pictures(rows, base_currency), *_changes(new, closed, states, day)]
    if trend.num_rows:
        days = pa.array([f"{d.day} {d:%b}" for d in trend["business_date"].to_pylist()], pa.string())
        named = pa.array(map(words, trend["recon"].to_pylist()), pa.string())
        trend = trend.append_column("day", days).set_column(trend.column_names.index("recon"), "recon", named)
        drawn = Chart("stacked_bar", "day", "breaks", "recon", "Open breaks at the close of each day", data=trend)
        sections.append(Section("Day by day", chart=drawn))
    return Report("breaks", "Breaks", Verdict.ATTENTION if rows else Verdict.PASS, said, figures, tuple(sections))


def _ten(rows: Sequence[Mapping[str, Any]]) -> list[Section]:
    says = "By value at risk; what cannot be valued stands first, what follows from other breaks last. Age in business days."
    weighed = sorted(rows, key=lambda row: row["cause"] == FOLLOWS)
    sections = [Section("The ten that matter most", says, table(weighed[:TEN], TEN_COLUMNS))]
    if waiting := [row for row in rows if row["state"] != "open"]:
        says = "Proposed by one person; another approves or rejects it."
        sections.append(Section("Waiting for a second person", says, table(waiting, TEN_COLUMNS)))
    return sections


def explained(row: Mapping[str, Any]) -> str:
    """A break in a sentence: what differs, the likely cause, and what speaks for it."""
    unit = row["isin"] if row["isin"] and row["isin"] == row["reference"] else row["currency"] or row["isin"]
    where = " ".join(filter(None, (row["account"], unit, _reference(row))))
    alone = row["kind"].removesuffix("_alone")
    what = f"{alone} is alone" if alone != row["kind"] else KINDS.get(row["kind"], words(row["kind"]))
    evidence = f" ({row['evidence']})" if row["evidence"] else ""
    return f"{where}: {what}. {(row['cause'] or 'no cause found').capitalize()}{evidence}."


def _reference(row: Mapping[str, Any]) -> str:
    return row["reference"] if row["reference"] and row["reference"] != row["isin"] else ""


def _pictures(rows: Sequence[Mapping[str, Any]], base_currency: str) -> list[Section]:
    if not rows:
        return []
    causes = grouped(rows, lambda r: (r["cause"] or "no cause found", r["recon"]))
    kinds = grouped(rows, lambda r: (r["kind"], r["recon"]))
    ages = grouped(rows, lambda r: (r["age_band"], r["recon"]), BANDS)
    by_cause = Chart("stacked_bar", "name", "breaks", "recon", "Open breaks by likely cause", data=causes)
    by_age = Chart("stacked_bar", "name", "breaks", "recon", "Open breaks by age in business days", data=ages)
    return [
        Section("By cause", chart=by_cause),
        Section("By kind", f"Value at risk in {base_currency}.", kinds.rename_columns(["kind", *kinds.column_names[1:]])),
        Section("By age", chart=by_age),
    ]


def grouped(rows: Iterable[Mapping[str, Any]], key: Any, names: Sequence[str] = ()) -> pa.Table:
    """name, recon, breaks, value_base of each group, largest first; ``names`` in their order, absent ones too."""
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    recons = sorted({recon for _, recon in found})
    total = Counter(name for (name, _), group in found.items() for _ in group)
    keys = [(name, recon) for name in names for recon in recons] or sorted(found, key=lambda k: (-total[k[0]], k))
    sums = [sum((r["value_base"] for r in found.get(k, ()) if r["value_base"] is not None), ZERO) for k in keys]
    return pa.table({
        "name": [name for name, _ in keys], "recon": [recon for _, recon in keys],
        "breaks": pa.array([len(found.get(k, ())) for k in keys], pa.int64()), "value_base": pa.array(sums, AMOUNT),
    })  # fmt: skip


def _measures(measures: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> list[Section]:
    shown = []
    for m in measures:
        mine = [r for r in rows if r["recon"] == words(m["recon"])]
        value = sum((r["value_base"] for r in mine if r["value_base"] is not None), ZERO)
        oldest = max((r["age_business_days"] for r in mine), default=0)
        proven = f"{m['proven']} of {m['accounts']}" if m["accounts"] else "not compared"
        bands = {f"aged {band}": sum(r["age_band"] == band for r in mine) for band in BANDS}
        shown.append(
            {
                **m,
                "recon": words(m["recon"]),
                "before_pct": m["matched_pct_before"],
                "proven": proven,
                "open": len(mine),
                **bands,
                "oldest": oldest,
                "value_base": value,
            }
        )
    names = ("recon", "matched_pct", "before_pct", "proven", "open", *(f"aged {b}" for b in BANDS), "oldest", "value_base")
    says = "Matched automatically, today and on the business day before; open breaks by age in business days."
    return [Section("Measures", says, table(shown, names))] if shown else []


def _changes(
    new: Sequence[Mapping[str, Any]], closed: Sequence[BreakState], states: Sequence[BreakState], day: date
) -> list[Section]:
    said = [_told(s, p) for s in states for p in s.history if _is_peoples(p, day)]
    sections = [Section("New today", table=without_empty(table(new, NEW_COLUMNS)), rows=TEN)]
    rows = [{**s.found.item.row(), "kind": words(s.found.item.kind), "recon": words(s.found.item.recon),
             "opened": s.found.opened, "closed": how_closed(s)} for s in closed]  # fmt: skip
    sections.append(Section("Closed since yesterday", table=without_empty(table(rows, CLOSED_COLUMNS)), rows=TEN))
    if said:
        sections.append(Section("Said and decided today", table=table(said, ("break_id", "recon", "what", "by", "at", "text"))))
    return sections


def how_closed(state: BreakState) -> str:
    if state.state == "gone":
        return "the difference is gone" if state.reason == "gone" else state.reason
    return f"{state.state}: {state.reason}"


PEOPLES = ("break_assigned", "break_attached", "break_proposed", "break_accepted", "break_reopened", COMMENTED, REJECTED, REFUSED)


def _is_peoples(payload: Mapping[str, Any], day: date) -> bool:
    return payload["fact"] in PEOPLES and payload.get("date", payload.get("closed")) == day.isoformat()


def _told(state: BreakState, payload: Mapping[str, Any]) -> dict[str, Any]:
    """A fact of a break as a line for people."""
    what = payload["fact"].removeprefix("break_")
    more = {"proposed": payload.get("action"), "refused": payload.get("action"), "attached": payload.get("name"),
            "assigned": " ".join(filter(None, (payload.get("owner"), payload.get("due")))),
            "closed": payload.get("closed"), "opened": payload.get("opened")}.get(what)  # fmt: skip
    text = "; ".join(filter(None, (payload.get("reason"), payload.get("text")))) or payload.get("cause") or ""
    return {
        "break_id": state.break_id[:8], "recon": words(state.found.item.recon), "what": f"{what} {more or ''}".rstrip(),
        "by": payload.get("by", ""), "at": payload.get("at", "")[:16].replace("T", " "),
        "day": payload.get("date") or payload.get("closed") or payload.get("opened"), "text": text,
    }  # fmt: skip


# One break, one decision ---------------------------------------------------------------------------------------------

STATES = {"done": Verdict.PASS, "waiting": Verdict.ATTENTION, "refused": Verdict.BLOCKED}


def decision_report(action: str, decision: Decision, states: Sequence[BreakState], day: date) -> Report:
    """What became of a decision, and the breaks it is about with their history."""
    sections = [Section("Breaks", table=states_table(states))] if states else []
    told = [_told(s, p) for s in states for p in s.history]
    if told:
        sections.append(Section("History", table=table(told, ("break_id", "day", "what", "by", "at", "text"))))
    title = f"{action.capitalize()}, {day}"
    return Report("decision", title, STATES[decision.state], decision.says, (), tuple(sections), decision.findings)


def states_table(states: Sequence[BreakState]) -> pa.Table:
    rows = [
        {**s.found.item.row(), "value_base": _money(s.found.item.value_base), "recon": s.found.item.recon, "state": s.says,
         "opened": s.found.opened, "due": s.found.due, "owner": s.found.owner, "closed": s.closed}
        for s in states
    ]  # fmt: skip
    return table(rows, ("break_id", "recon", "kind", "cause", "account", "currency", "reference", "amount", "value_base", "opened",
                        "due", "owner", "state", "closed"))  # fmt: skip


def _money(value: Decimal | None) -> Decimal | None:
    return None if value is None else round_to(value, 2)


def list_report(open_now: pa.Table, closed: Sequence[BreakState], fund: str, day: date) -> Report:
    """For the terminal: what is open with its id; with ``closed`` also what is not any more."""
    overdue = open_now["overdue"].to_pylist().count("yes")
    said = f"{fund} on {day}: {count(open_now.num_rows, 'break')} open, {overdue} past due, {text_of(at_risk(open_now))} at risk."
    columns = ("break_id", "recon", "kind", "cause", "account", "currency", "isin", "reference", "amount", "value_base",
               "age_business_days", "age_band", "opened", "due", "owner", "state")  # fmt: skip
    sections = [Section("Open", table=pick(open_now, *columns))]
    if closed:
        sections.append(Section("Closed", table=states_table(closed)))
    return Report("breaks", "Breaks", Verdict.ATTENTION if open_now.num_rows else Verdict.PASS, said, (), tuple(sections))
