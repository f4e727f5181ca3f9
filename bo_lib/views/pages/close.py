"""The month's end as reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bo_lib.close import AsOf, CloseRecord, CloseState, Financials, NetAssetsStatement, RollForward, out_of_balance
from bo_lib.model.findings import Finding, Verdict
from bo_lib.recon.decisions import Decision
from bo_lib.views.pages.common import count, pick, table
from bo_lib.views.report import Chart, Figure, Report, Section
from bo_lib.views.wording import label


def trial_balance_report(adjusted: pa.Table, base_currency: str) -> Report:
    off = out_of_balance(adjusted)
    said = f"{adjusted.num_rows} balances; " + (f"off by {off:,.2f} {base_currency}." if off else "debits equal credits.")
    return Report(
        "trial_balance", "Trial balance", Verdict.BLOCKED if off else Verdict.PASS, said,
        (Figure("Balances", adjusted.num_rows), Figure("Out of balance", off, alarm=bool(off))),
        (Section("Booked, and with the marks of the strike", f"Debit positive, in {base_currency} unless said otherwise.",
        adjusted, rows=200, folded=True),),
    )  # fmt: skip


def statement_report(stated: NetAssetsStatement, base_currency: str, day: date) -> Report:
    off = stated.difference
    said = f"Net assets {stated.net_assets:,.2f} {base_currency} on {day}"
    said += f"; the classes differ by {off:,.2f}." if off else "; the classes add up to them."
    return Report(
        "statement_of_net_assets", "Statement of net assets", Verdict.BLOCKED if off else Verdict.PASS, said,
        (
            Figure("Assets", stated.assets), Figure("Liabilities", stated.liabilities), Figure("Net assets", stated.net_assets),
            Figure("Classes differ by", off, alarm=bool(off)),
        ),
        (Section(f"In {base_currency}", table=stated.table),),
    )  # fmt: skip


def roll_forward_report(roll: RollForward | None, base_currency: str) -> Report:
    if roll is None:
        return Report(
            "roll_forward",
            "Roll-forward",
            Verdict.ATTENTION,
            "There is no NAV at the end of the month before to roll forward from.",
        )
    steps = [("opening", roll.opening), ("operations", roll.operations), ("capital", roll.capital)]
    steps += [("difference", roll.difference)] if roll.difference else []
    steps.append(("closing", roll.closing))
    waterfall = pa.table({"step": [name for name, _ in steps], "amount": pa.array([a for _, a in steps], pa.decimal128(38, 2))})
    said = f"{roll.opening:,.2f} + operations {roll.operations:,.2f} + capital {roll.capital:,.2f} "
    said += f"= {roll.closing:,.2f} {base_currency}"
    said += f", but for {roll.difference:,.2f}." if roll.difference else ": it ties."
    return Report(
        "roll_forward", "Roll-forward", Verdict.BLOCKED if roll.difference else Verdict.PASS, said,
        (
            Figure("Opening", roll.opening), Figure("Operations", roll.operations), Figure("Capital", roll.capital),
            Figure("Closing", roll.closing),
            Figure("Difference", roll.difference, alarm=bool(roll.difference)),
        ),
        (
            Section("Over the month", chart=Chart("waterfall", "step", "amount", title="Net assets over the month",
            unit=base_currency, totals=("opening", "closing"), data=waterfall)),
            Section("By ledger account and class", table=roll.table, folded=True),
        ),
    )  # fmt: skip


_LOCKS = {"open": "open", "soft": "soft closed: a posting needs an approval", "hard": "closed for good"}


def tasks_report(closing: CloseState, findings: Sequence[Finding], month_end: bool, record: CloseRecord | None = None) -> Report:
    """The close as far as it is; what failed or waits is named with its owner, and who is late."""
    states = list(closing.states.values())
    names = ("done", "open", "failed", "blocked")
    counts = {name: states.count(name) for name in names}
    said = f"{counts['done']} of {len(states)} tasks done; "
    items = sum(closing.table["items"].to_pylist())
    lock = record.lock if record else "open"
    if lock != "open":
        said += f"the month is {_LOCKS[lock]}."
    elif not month_end:
        said += "a trial: this is not the last business day of the month."
    else:
        said += "the month can be closed" if closing.ready else "the month stays open"
        said += f", with {count(items, 'open item')} carried over." if closing.ready and items else "."
    signed = sum(name is not None for name in closing.table["reviewed_by"].to_pylist())
    late = closing.table["late"].drop_null().value_counts().to_pylist()
    figures = tuple(Figure(name.capitalize(), n, alarm=name == "failed" and n > 0) for name, n in counts.items())
    figures += (Figure("Prepared and reviewed", signed), Figure("Late", sum(x["counts"] for x in late), alarm=bool(late)))
    shown = ("task", "title", "state", "says", "owner_and_reviewer", "due", "signed_by", "late_waits_for")
    every = _for_people(closing.table, shown)
    undone = every.filter(pc.not_equal(every["state"], "done"))
    says = f"{record.month} is {_LOCKS[lock]}." if record else ""
    sections = [Section("Not done", "", undone)] if undone.num_rows else []
    sections.append(Section("Every task", says, every, rows=60, folded=True))
    if late:
        waits = ", ".join(f"{x['values']} ({x['counts']})" for x in sorted(late, key=lambda x: -x["counts"]))
        sections.append(Section("Who is late", f"Tasks that are due wait for {waits}."))
    if record and record.history:
        columns = ("at", "by", "what", "task", "text")
        told = table([_told(p) for p in reversed(record.history)], columns)
        sections.append(Section("What people decided", "The last first.", told, folded=True))
    verdict = Verdict.ATTENTION if closing.verdict is Verdict.BLOCKED or late else closing.verdict
    return Report("close_tasks", "Tasks of the close", verdict, said, figures, tuple(sections), tuple(findings))


def _for_people(tasks: pa.Table, columns: Sequence[str]) -> pa.Table:
    rows = [
        {**row, "owner_and_reviewer": f"{row['owner']}, then {row['reviewer']}", "late_waits_for": row["late"],
         "signed_by": " and ".join(filter(None, (row["prepared_by"], row["reviewed_by"])))}
        for row in tasks.to_pylist()
    ]  # fmt: skip
    return table(rows, columns)


def _told(p: Mapping[str, Any]) -> dict[str, Any]:
    what = p["fact"].removeprefix("close.")
    extra = p.get("role") or p.get("action") or ""
    text = p.get("reason") or p.get("says") or ""
    return {"at": p["at"][:16].replace("T", " "), "by": p["by"], "what": f"{what} {extra}".strip(),
            "task": p.get("task") or p.get("event_id") or "", "text": text}  # fmt: skip


def decision_report(decision: Decision, month: str, closing: CloseState) -> Report:
    """What became of a decision about a close, and where its tasks stand."""
    verdict = {"done": Verdict.PASS, "waiting": Verdict.ATTENTION, "refused": Verdict.BLOCKED}[decision.state]
    shown = pick(closing.table, "task", "state", "prepared_by", "reviewed_by", "says")
    return Report("decision", f"Close of {month}", verdict, decision.says, (), (Section("Tasks", table=shown),), decision.findings)


def times_report(times: pa.Table) -> Report:
    """How long each task takes, and on which business day it is reviewed, against earlier months."""
    rows = times.to_pylist()
    now, before = (sum((r[n] or 0 for r in rows), Decimal(0)) for n in ("seconds", "seconds_before"))
    said = f"The checks took {now:.1f} s" + (f", {before:.1f} s in earlier months." if before else "; there is no earlier month.")
    names = [r["task"].replace("_", " ") for r in rows for _ in ("", "")]
    data = pa.table({
        "task": names, "month": ["earlier months", "this month"] * len(rows),
        "seconds": pa.array([r[n] for r in rows for n in ("seconds_before", "seconds")], pa.decimal128(38, 18)),
    })  # fmt: skip
    slow = [r for r in rows if r["day"] is not None and r["day"] > r["due_day"]]
    said += f" {count(len(slow), 'task')} reviewed after the due day." if any(r["day"] is not None for r in rows) else ""
    chart = Chart("bar", "task", "seconds", "month", "Seconds of each check", "s", data=data)
    return Report(
        "close_times",
        "How long it took",
        Verdict.PASS,
        said,
        (),
        (Section("Task by task", table=times, chart=chart, rows=60, folded=True),),
    )


def as_of_report(compared: AsOf | None, base_currency: str, day: date) -> Report:
    """The NAV of all that is known now beside the daily one."""
    if compared is None:
        said = f"There is no daily NAV of {day} to compare with."
        return Report("as_of_nav", "As-of NAV", Verdict.ATTENTION, said)
    off = compared.as_of - compared.daily
    said = f"Struck on the day {compared.daily:,.2f}, of all that is known now {compared.as_of:,.2f} {base_currency}"
    said += f": {off:+,.2f}, item by item below." if compared.table.num_rows else ": nothing came late."
    figures = (
        Figure("Daily NAV", compared.daily), Figure("As-of NAV", compared.as_of), Figure("Difference", off),
        Figure("Not explained", compared.residual, alarm=bool(compared.residual)),
    )  # fmt: skip
    sections = (Section("From the daily NAV to that of now", table=compared.table),) if compared.table.num_rows else ()
    verdict = Verdict.BLOCKED if compared.residual else Verdict.ATTENTION if off else Verdict.PASS
    return Report("as_of_nav", "As-of NAV", verdict, said, figures, sections)


def financials_report(made: Financials | None, day: date, base_currency: str) -> Report:
    """Statements and schedules of a period under one framework, with the proof that they tie."""
    if made is None:
        said = f"There are no statements of {day}: the day, or the one the month begins with, cannot be valued."
        return Report("financial_statements", "Financial statements", Verdict.BLOCKED, said)
    totals = {name: s.totals for name, s in made.statements.items()}
    said = f"{made.framework}, {made.of.opened} to {day}, in {base_currency}: "
    said += (
        f"{len(made.broken)} of {made.ties.num_rows} figures do not tie."
        if made.broken
        else f"all {made.ties.num_rows} figures tie."
    )
    figures = (
        Figure("Net assets", made.net_assets), Figure("Result", totals["operations"]["result"]),
        Figure("Capital", totals["changes"]["capital"]), Figure("Change in cash", totals["cash_flows"]["change"]),
        Figure("Do not tie", len(made.broken), alarm=bool(made.broken)),
    )  # fmt: skip
    sections = [Section(s.title, s.clause, _laid(s.table), rows=80, folded=True) for s in made.statements.values()]
    title = made.titles.get("highlights", "Financial highlights")
    sections.append(Section(title, "For a unit outstanding throughout the period.", _by_class(made.highlights), folded=True))
    broken = pa.Table.from_pylist(made.broken, made.ties.schema)
    if made.broken:
        sections.insert(0, Section("What does not tie", "Each figure against another computation of it.", broken))
    sections.append(Section("Tie-out", "Each figure against another computation of it.", made.ties, rows=80, folded=True))
    return Report(
        f"statements_{made.framework.split()[0].lower()}", f"Financial statements, {made.framework}",
        Verdict.BLOCKED if made.broken else Verdict.PASS, said, figures, tuple(sections),
    )  # fmt: skip


def _laid(statement: pa.Table) -> pa.Table:
    """Lines set in below their headings and totals."""
    rows = [
        {**r, "item": f"\u2003{r['item']}" if r["kind"] == "line" else r["item"], "mark": r["code"]} for r in statement.to_pylist()
    ]
    return table(rows, ("item", "amount", "comparative", "mark"))


_PER_UNIT = ("opening_nav", "net_investment_income", "gains", "from_operations", "distributions", "closing_nav")


def _by_class(highlights: pa.Table) -> pa.Table:
    """A column for each class: figures per unit with four decimals, percentages and money with two."""
    rows = highlights.to_pylist()
    names = [name for name in highlights.column_names if name not in ("share_class", "currency")]
    columns = {f"{r['share_class']} ({r['currency']})": [_shown(name, r[name]) for name in names] for r in rows}
    return pa.table({"per unit and ratios": [label(name) for name in names], **columns})


def _shown(name: str, value: Decimal | None) -> str:
    return "" if value is None else f"{value:,.4f}" if name in (*_PER_UNIT, "units") else f"{value:,.2f}"


def statements_cover(made: Financials) -> tuple[Section, ...]:
    """What is in the document, for its first page."""
    ends = {"position": "net_assets", "operations": "result", "changes": "closing", "cash_flows": "closing"}
    rows = [
        {"statement": s.title, "clause": s.clause, "ends_with": s.table["item"].to_pylist()[-1], "amount": s.totals[ends[key]]}
        for key, s in made.statements.items()
    ]
    return (
        Section("In this document", "Each mark leads to lines of the general ledger in the workbook.", table(rows, list(rows[0]))),
    )


def schedules_report(made: Financials | None, day: date) -> Report:
    """What stands behind the statements: investments, notes, roll-forwards."""
    if made is None:
        return Report("schedules", "Schedules and notes", Verdict.BLOCKED, f"There are no statements of {day}.")
    held = made.investments
    said = f"{count(held.num_rows, 'investment')}; turnover {made.turnover_pct or 0:.1f} %."
    condensed = [{**r, "item": f"\u2003{r['item']}" if r["kind"] == "line" else r["item"]} for r in made.condensed.to_pylist()]
    shown = table(condensed, ("item", "cost", "fair_value", "of_net_assets_pct"))
    sections = (
        Section(made.titles.get("condensed", "Condensed schedule"), "Any above 5 % by name.", shown, rows=120, folded=True),
        Section("Notes", "Fair value, purchases and sales, related parties, currencies, derivatives, earlier months.", made.notes,
                rows=80, folded=True),
        Section("Roll-forwards", "From the beginning of the month to its end.", made.rolled, rows=120, folded=True),
        Section(made.titles.get("investments", "Schedule of investments"), "", held, rows=20, folded=True),
    )  # fmt: skip
    return Report("schedules", "Schedules and notes", Verdict.PASS, said, (), sections)


def filings_report(obliged: pa.Table, day: date) -> Report:
    rows = obliged.to_pylist()
    overdue = [row for row in rows if row["state"] == "overdue"]
    ahead = [row for row in rows if row["due"] >= day]
    said = f"{count(len(ahead), 'filing')} ahead" + (f"; the next is {ahead[0]['form']}, due {ahead[0]['due']}" if ahead else "")
    said += f"; {len(overdue)} overdue." if overdue else "."
    return Report(
        "filings", "Filings ahead", Verdict.ATTENTION if overdue else Verdict.PASS, said,
        (Figure("Ahead", len(ahead)), Figure("Overdue", len(overdue), alarm=bool(overdue))),
        (Section("Filings", table=obliged, folded=not overdue),),
    )  # fmt: skip
