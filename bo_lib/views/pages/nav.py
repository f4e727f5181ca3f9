"""The NAV as reports: prices, the strike, controls, the move, the shadow."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bo_lib.model.findings import Finding, Severity, Verdict
from bo_lib.model.money import ZERO, round_to
from bo_lib.nav import Priced, Strike
from bo_lib.views.pages.common import count, pick, table, verdict_of
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
            title="Largest moves against the price before", unit="%") if moves else None),
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
            Section("Components", "The largest first.", _largest(struck.components)),
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


def history_rows(payloads: Sequence[dict[str, Any]]) -> pa.Table:
    """NAV facts as (day, class, nav per unit) for a line chart."""
    rows = [
        {"nav_date": p["business_date"], "share_class": c["id"], "nav_per_unit": Decimal(c["nav_per_unit"])}
        for p in payloads for c in p["classes"] if c["nav_per_unit"]
    ]  # fmt: skip
    return table(rows, ("nav_date", "share_class", "nav_per_unit"))
