"""The NAV as reports: prices, the strike, controls, the move, the shadow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bo_lib.model.findings import Finding, Severity, Verdict
from bo_lib.model.money import ZERO, round_to
from bo_lib.nav import Approval, Attribution, Control, Priced, Shadow, Strike
from bo_lib.nav import verdict as overall
from bo_lib.views.pages.common import count, no_worse_than_attention, pick, table, verdict_of
from bo_lib.views.report import Chart, Figure, Report, Section


def prices_report(priced: Priced, rates: dict[str, Decimal], pivot: str, findings: Sequence[Finding]) -> Report:
    """What was chosen and what was rejected; a missing price or rate blocks the NAV."""
    rows = priced.table.to_pylist()
    chosen = [row for row in rows if row["chosen"]]
    rejected = [row for row in rows if not row["chosen"] and row["reason"]]
    missing = sum(f.code in ("price-missing", "rate-missing") for f in findings)
    said = f"{count(len(chosen), 'price')} chosen, {count(len(rejected), 'candidate')} rejected, {missing} missing."
    columns = ("isin", "source", "price", "currency", "price_date", "reference", "move_pct", "unchanged_days", "reason")
    moves = sorted((row for row in chosen if row["move_pct"] is not None), key=lambda row: -abs(row["move_pct"]))[:15]
    return Report(
        "prices", "Prices and rates", verdict_of(findings), said,
        (
            Figure("Chosen", len(chosen)), Figure("Rejected", len(rejected)), Figure("Missing", missing, alarm=missing > 0),
            Figure("Currencies", len(rates)),
        ),
        (
            Section("Largest moves", table=table(moves, columns[:-1]), chart=Chart("bar", "isin", "move_pct",
            title="Largest moves against the price before") if moves else None),
            Section("Rejected candidates", "Each with the reason; the next source was taken.", table(rejected, columns)),
            Section(f"Rates: units for one {pivot}", table=table([{"currency": c, "rate": r} for c, r in sorted(rates.items())],
            ("currency", "rate"))),
        ),
        tuple(findings),
    )  # fmt: skip


def strike_report(struck: Strike, findings: Sequence[Finding]) -> Report:
    """From the previous net assets to tonight's, class by class, and what the fund owns and owes."""
    before = sum((s.net_assets for s in struck.previous.values()), ZERO)
    move = struck.net_assets / before - 1 if before else ZERO
    said = f"Net assets {struck.net_assets:,.2f} {struck.base_currency}, {move * 100:+.2f}% since {struck.previous_day}."
    blocked = [f for f in findings if f.severity is Severity.ERROR]
    if blocked:
        said = f"The NAV is blocked: {blocked[0].message}."
    parts = _by_component(struck)
    return Report(
        "strike", "The strike", Verdict.BLOCKED if blocked else Verdict.PASS, said,
        (
            Figure(f"Net assets, {struck.base_currency}", struck.net_assets),
            Figure("Move", f"{round_to(move * 100, 2)}%", f"since {struck.previous_day}"),
            *(Figure(f"NAV per unit {name}", row["nav_per_unit"], row["currency"]) for name, row in struck.rows.items()),
        ),
        (
            Section("By class", f"In {struck.base_currency}; NAV per unit in the currency of the class.", struck.classes),
            Section("By component", table=parts, chart=Chart("bar", "component", "base", title="Net assets by component",
            unit=struck.base_currency)),
            Section("Components", "The largest first.", _largest(struck.components), rows=20, folded=True),
        ),
        tuple(findings) if blocked else (),
    )  # fmt: skip


def _by_component(struck: Strike) -> pa.Table:
    sums: dict[str, Decimal] = {}
    for row in struck.components.to_pylist():
        sums[row["component"]] = sums.get(row["component"], ZERO) + row["base"]
    return pa.table({"component": list(sums), "base": pa.array(sums.values(), pa.decimal128(38, 2))})


def _largest(components: pa.Table) -> pa.Table:
    shown = pick(
        components, "component", "share_class", "item", "quantity", "price", "currency", "local", "base", "unrealised_base"
    )
    return table(sorted(shown.to_pylist(), key=lambda row: -abs(row["base"])), shown.column_names)


def controls_report(controls: Sequence[Control], approvals: Sequence[Approval] = ()) -> Report:
    """Every control with its verdict and the sentence that proves it; one that two people let pass says who and why."""
    passed = {a.control: f"; let pass by {a.maker} and {a.checker}: {a.reason}" for a in approvals}
    rows = [{"control": c.title, "verdict": c.verdict.value, "says": c.says + passed.get(c.name, "")} for c in controls]
    bad = [c for c in controls if c.verdict is not Verdict.PASS]
    said = (
        f"{len(controls) - len(bad)} of {len(controls)} controls passed"
        + ("; to look at: " + ", ".join(c.title for c in bad) if bad else "")
        + "."
    )
    counts = {v: sum(c.verdict is v for c in controls) for v in Verdict}
    return Report(
        "controls", "Controls", overall(controls, approvals), said,
        tuple(Figure(v.value.capitalize(), n, alarm=v is Verdict.BLOCKED and n > 0) for v, n in counts.items()),
        (Section("Controls", table=table(rows, ("control", "verdict", "says"))),),
    )  # fmt: skip


def move_report(roll: Attribution | None, base_currency: str, history: Sequence[dict[str, Any]]) -> Report:
    """The move by cause as a waterfall, and by item."""
    if roll is None:
        return Report("move", "The move", Verdict.ATTENTION, "There is no strike before this one to explain the move from.")
    causes = {cause: amount for cause, amount in roll.by_cause.items() if amount}
    steps = [*causes.items(), ("move", roll.closing - roll.opening)]
    waterfall = pa.table({"cause": [s[0] for s in steps], "amount": pa.array([s[1] for s in steps], pa.decimal128(38, 2))})
    said = f"From {roll.opening:,.2f} to {roll.closing:,.2f} {base_currency}; residual {roll.residual:,.2f}."
    nav_lines = history_rows(history)
    sections = [
        Section(
            "By cause",
            table=waterfall,
            chart=Chart("waterfall", "cause", "amount", title="Why net assets moved", unit=base_currency, totals=("move",)),
        ),
        Section(
            "By item",
            "The largest first.",
            table(sorted(roll.table.to_pylist(), key=lambda r: -abs(r["amount"])), ("cause", "item", "amount")),
            rows=20,
            folded=True,
        ),
    ]
    if len(history) > 1:
        sections.append(
            Section(
                "NAV per unit so far",
                chart=Chart("line", "nav_date", "index", "share_class", "NAV per unit, first day = 100", data=nav_lines),
            )
        )
    return Report(
        "move", "The move", Verdict.BLOCKED if roll.residual else Verdict.PASS, said,
        (
            Figure("Move", roll.closing - roll.opening), *(Figure(cause.capitalize(), amount) for cause,
            amount in causes.items() if cause != "residual"),
            Figure("Residual", roll.residual, alarm=bool(roll.residual)),
        ),
        tuple(sections),
    )  # fmt: skip


def shadow_report(shadow: Shadow, administrator: str, findings: Sequence[Finding]) -> Report:
    """Differences beyond tolerance with their explanation, then every figure of both sides."""
    off = shadow.differences
    said = f"Net assets differ from {administrator or 'the administrator'} by {round_to(shadow.net_assets_bps, 2)} bp; "
    said += f"{count(off.num_rows, 'component')} beyond tolerance."
    if not shadow.table.num_rows:
        said = "There is no administrator's NAV of the day to compare with."
    shown = ("what", "field", "ours", "theirs", "difference", "difference_bps", "explanation")
    return Report(
        "shadow", "Shadow", no_worse_than_attention(shadow.verdict), said,
        (
            Figure("Administrator difference (bp)", round_to(shadow.net_assets_bps, 2), alarm=off.num_rows > 0),
            Figure("Figures compared", shadow.table.num_rows),
            Figure("Beyond tolerance", off.num_rows, alarm=off.num_rows > 0),
        ),
        (
            Section("Beyond tolerance", table=_compared(off, shown)),
            Section("Everything compared", "The largest difference first.", _compared(shadow.table, shown[:-1]), rows=20,
                    folded=True),
        ),
        tuple(findings),
    )  # fmt: skip


def _compared(figures: pa.Table, columns: Sequence[str]) -> pa.Table:
    """Component, class and item in one column: what is compared."""
    rows = figures.to_pylist()
    what = [" ".join(r[key] for key in ("component", "share_class", "item") if r[key]) for r in rows]
    return figures.append_column("what", pa.array(what, pa.string())).select(list(columns))


def history_rows(payloads: Sequence[dict[str, Any]]) -> pa.Table:
    """NAV facts as (day, class, index of the NAV per unit: 100 on the class's first day), for a line chart."""
    first: dict[str, Decimal] = {}
    rows = []
    for p in payloads:
        for c in p["classes"]:
            if c["nav_per_unit"]:
                per_unit = Decimal(c["nav_per_unit"])
                base = first.setdefault(c["id"], per_unit)
                index = round_to(per_unit * 100 / base, 4)
                rows.append({"nav_date": date.fromisoformat(p["business_date"]), "share_class": c["id"], "index": index})
    return table(rows, ("nav_date", "share_class", "index"))
