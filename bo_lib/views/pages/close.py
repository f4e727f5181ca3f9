"""The month's end as reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pyarrow as pa

from bo_lib.close import CloseState, NetAssetsStatement, RollForward, out_of_balance
from bo_lib.model.findings import Finding, Verdict
from bo_lib.views.pages.common import count, pick
from bo_lib.views.report import Chart, Figure, Report, Section


def trial_balance_report(adjusted: pa.Table, base_currency: str) -> Report:
    off = out_of_balance(adjusted)
    said = f"{adjusted.num_rows} balances; " + (f"off by {off:,.2f} {base_currency}." if off else "debits equal credits.")
    return Report(
        "trial_balance", "Trial balance", Verdict.BLOCKED if off else Verdict.PASS, said,
        (Figure("Balances", adjusted.num_rows), Figure("Out of balance", off, alarm=bool(off))),
        (Section("Booked, and with the marks of the strike", f"Debit positive, in {base_currency} unless said otherwise.",
        adjusted, rows=200),),
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
            Section("By ledger account and class", table=roll.table),
        ),
    )  # fmt: skip


def tasks_report(closing: CloseState, findings: Sequence[Finding], month_end: bool) -> Report:
    """The close as far as it is; what failed or waits is named with its owner."""
    states = list(closing.states.values())
    names = ("done", "open", "failed", "blocked")
    counts = {name: states.count(name) for name in names}
    said = f"{counts['done']} of {len(states)} tasks done; "
    items = sum(closing.table["items"].to_pylist())
    if not month_end:
        said += "a trial: this is not the last business day of the month."
    else:
        said += "the month can be closed" if closing.ready else "the month stays open"
        said += f", with {count(items, 'open item')} carried over." if closing.ready and items else "."
    tally = pa.table({"state": list(names), "tasks": list(counts.values())})
    verdict = Verdict.ATTENTION if closing.verdict is Verdict.BLOCKED else closing.verdict
    return Report(
        "close_tasks", "Tasks of the close", verdict, said,
        tuple(Figure(name.capitalize(), n, alarm=name == "failed" and n > 0) for name, n in counts.items()),
        (
            Section("Tasks", table=pick(closing.table, "title", "state", "says", "owner", "reviewer", "due", "needs"),
                    chart=Chart("bar", "state", "tasks", title="Tasks by state", data=tally)),
        ),
        tuple(findings),
    )  # fmt: skip


def filings_report(obliged: pa.Table, day: date) -> Report:
    rows = obliged.to_pylist()
    overdue = [row for row in rows if row["state"] == "overdue"]
    ahead = [row for row in rows if row["due"] >= day]
    said = f"{count(len(ahead), 'filing')} ahead" + (f"; the next is {ahead[0]['form']}, due {ahead[0]['due']}" if ahead else "")
    said += f"; {len(overdue)} overdue." if overdue else "."
    return Report(
        "filings", "Filings ahead", Verdict.ATTENTION if overdue else Verdict.PASS, said,
        (Figure("Ahead", len(ahead)), Figure("Overdue", len(overdue), alarm=bool(overdue))), (Section("Filings", table=obliged),),
    )  # fmt: skip
