"""Reconciliations as reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bo_lib.model.findings import Severity
from bo_lib.model.money import round_to
from bo_lib.recon import BreakState, Reconciliation, open_breaks_table
from bo_lib.recon.result import cents
from bo_lib.recon.three_way import AGREED
from bo_lib.views.pages.breaks import BANDS, BREAK_COLUMNS, TEN, at_risk, explained, for_people, grouped, how_closed, words
from bo_lib.views.pages.common import count, no_worse_than_attention, pick, table, without_empty
from bo_lib.views.report import Chart, Figure, Report, Section

BARS_MIN = 3  # fewer are no picture
CASH_PROOF = (
    "Book balance - open here + open there = statement balance; open here: only in the books, open there: only at the bank."
)
PROOF = "Difference of the sums = open here - open there + within tolerance + excluded."
ZERO_SAYS_NOTHING = ("open_here", "open_there", "within_tolerance", "excluded")


def reconciliation_report(result: Reconciliation, states: Sequence[BreakState], day: date, calendar: str) -> Report:
    """Proof first, then what each pass matched or who agrees, then the breaks with their cause, and what changed.

    states
        every break of this reconciliation that is known, closed ones too.
    """
    breaks = open_breaks_table([s for s in states if s.is_open], day, calendar)
    rows = for_people(breaks)
    changes = _changes(rows, [s for s in states if s.closed == day and not s.is_open], day)
    parts = result.proof.num_rows
    proven = sum(result.proof["proven"].to_pylist())
    sections = [
        _proof(result), *_agreement(result), *_passes(result), *_breaks(rows), *_changed(changes), *_groups(result)
    ]  # fmt: skip
    return Report(
        f"recon_{result.name}", result.title, no_worse_than_attention(result.verdict), _said(result, len(rows), changes),
        (
            Figure("Matched", f"{round_to(result.matched_pct, 1)}%" if result.rates.num_rows else "nothing"),
            Figure(f"Proven by {_part(result)}", f"{proven} of {parts}", alarm=proven < parts),
            Figure("Open breaks", len(rows)), Figure("Value at risk, base", at_risk(breaks)),
            Figure("Oldest, business days", max(breaks["age_business_days"].to_pylist(), default=0)),
        ),
        tuple(sections), result.findings,
    )  # fmt: skip


def _said(result: Reconciliation, open_now: int, changes: Sequence[Mapping[str, Any]]) -> str:
    """The conclusion in a sentence or two."""
    parts, unproven = result.proof.num_rows, result.proof["proven"].to_pylist().count(False)
    if not parts:
        why = next((f.message for f in result.findings), "neither side has a row")
        return f"Nothing was compared: {why}." + (f" {count(open_now, 'break')} open as before." if open_now else "")
    wanting = any(f.severity is not Severity.INFO for f in result.findings) or unproven
    none = "nothing could be matched" if wanting else "nothing to match"
    said = f"{round_to(result.matched_pct, 1)}% matched" if result.rates.num_rows else none
    counts = Counter(change["change"] for change in changes)
    words_of = (("new", "new today"), ("amount", "of another amount"), ("closed", "closed"))
    changed = ", ".join(f"{counts[change]} {said}" for change, said in words_of if counts[change])
    said += f", {count(open_now, 'break')} open" + (f" ({changed})" if changed else "")
    said += f"; {unproven} of {parts} not proven." if unproven else f"; every {_part(result)} is proven."
    return said[:1].upper() + said[1:]


def _part(result: Reconciliation) -> str:
    """What one row of the proof is about: an account, a party, an asset class."""
    return words(result.proof.column_names[0])


def _proof(result: Reconciliation) -> Section:
    """The figures of the proof; statement names, roundings and columns that say nothing are in the results."""
    if result.name == "cash":
        names = [n for n in result.proof.column_names if n not in ("statement", "statement_date", "rounding")]
        return Section("Proof", CASH_PROOF, pick(result.proof, *names))
    shown = without_empty(result.proof)
    idle = {n for n in ZERO_SAYS_NOTHING if n in shown.column_names and not any(shown[n].to_pylist())} | {"rows_here", "rows_there"}
    if not shown.num_rows or all(shown["proven"].to_pylist()):
        idle |= {"stated_here", "stated_there"}  # they are the sums
    says = PROOF if "sum_here" in shown.column_names and shown.num_rows else ""
    return Section("Proof", says, pick(shown, *(n for n in shown.column_names if n not in idle)))


def _agreement(result: Reconciliation) -> list[Section]:
    """Of three parties: who is alone. What differs stands first."""
    compared = result.comparison
    if compared is None or "agreement" not in compared.column_names or not compared.num_rows:
        return []
    rows = sorted(compared.to_pylist(), key=lambda r: r["agreement"] == AGREED)
    who = Counter(words(r["agreement"]) for r in rows)
    counted = pa.table({"agreement": list(who), "items": pa.array(who.values(), pa.int64())})
    drawn = Chart("bar", "agreement", "items", title="Who agrees", data=counted) if len(who) >= BARS_MIN else None
    says = "; ".join(f"{name}: {n}" for name, n in who.items()) + "."
    shown = table([{**r, "agreement": words(r["agreement"])} for r in rows], compared.column_names)
    return [Section("Who agrees", says, shown, drawn, max(TEN, compared.num_rows - who[AGREED]))]


def _passes(result: Reconciliation) -> list[Section]:
    if result.comparison is not None and "agreement" in result.comparison.column_names:
        return []
    drawn = Chart("bar", "pass", "share_pct", title="Share of all rows by pass") if result.rates.num_rows >= BARS_MIN else None
    return [Section("Matched by pass", "", result.rates, drawn)] if result.rates.num_rows else []


def _breaks(rows: Sequence[Mapping[str, Any]]) -> list[Section]:
    says = "The ten that matter most; the others are in the results." if len(rows) > TEN else "The largest first."
    shown = without_empty(table(rows, BREAK_COLUMNS))
    sections = [Section("Breaks", f"{says} Age in business days." if rows else "None is open.", shown if rows else None, rows=TEN)]
    if len(rows) >= BARS_MIN:
        ages = grouped(rows, lambda r: (r["cause"] or "no cause found", r["age_band"])).rename_columns({"recon": "age"})
        youngest_first = sorted(range(ages.num_rows), key=lambda n: BANDS.index(ages["age"][n].as_py()))
        drawn = Chart("stacked_bar", "name", "breaks", "age", "Open breaks by likely cause and age in business days",
                      data=ages.take(youngest_first))  # fmt: skip
        sections.append(Section("By cause and age", chart=drawn))
    return sections


def _changes(rows: Sequence[Mapping[str, Any]], closed: Sequence[BreakState], day: date) -> list[dict[str, Any]]:
    """What is new, what has another amount, and what is closed."""
    was = {s.break_id[:8]: s.found.item for s in closed}
    found = []
    for row in rows:
        if row["opened"] == day:
            before = was.pop(row["previous"] or "", None)
            found.append(
                {**row, "change": "new", "why": ""}
                if before is None
                else {**row, "change": "amount", "why": f"was {cents(before.amount)}"}
            )
    for s in closed:
        if s.break_id[:8] in was:
            row = s.found.item.row()
            found.append(
                {**row, "change": "closed", "break_id": s.break_id[:8], "explanation": explained(row), "why": how_closed(s)}
            )
    return found


def _changed(changes: Sequence[Mapping[str, Any]]) -> list[Section]:
    shown = without_empty(table(changes, ("change", "break_id", "explanation", "amount", "value_base", "why")))
    return [Section("Changed since yesterday", table=shown, rows=TEN)] if changes else []


def _groups(result: Reconciliation) -> list[Section]:
    """What one side took back itself, and what a person has to decide."""
    netted = result.matches.filter(pc.equal(result.matches["verdict"], "net")) if result.matches.num_rows else result.matches
    found = (
        ("Netted", "Entries that one side took back itself; they add up to nothing.", netted),
        ("Suggested matches", "More than one answer fits: a person decides.", result.suggestions),
    )
    return [Section(title, says, without_empty(rows)) for title, says, rows in found if rows.num_rows]
