"""Dealing as reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import pyarrow as pa

from bo_lib.investors import Dealt, Orders
from bo_lib.model.findings import Finding, Severity, Verdict
from bo_lib.model.money import ZERO
from bo_lib.views.pages.common import count, no_worse_than_attention, pick, table, verdict_of
from bo_lib.views.report import Chart, Figure, Report, Section

ORDER_COLUMNS = ("order_id", "investor", "share_class", "kind", "amount", "units", "currency", "received")


def orders_report(orders: Orders, findings: Sequence[Finding]) -> Report:
    """Accepted for today, waiting for a later dealing day, refused with the reason."""
    accepted, waiting, refused = orders.accepted, orders.waiting, orders.refused
    said = (
        f"{count(accepted.num_rows, 'order')} accepted for today, {waiting.num_rows} for a later day, {refused.num_rows} refused."
    )
    return Report(
        "orders", "Orders", no_worse_than_attention(verdict_of(findings)), said,
        (
            Figure("Accepted", accepted.num_rows), Figure("Later", waiting.num_rows),
            Figure("Refused", refused.num_rows, alarm=refused.num_rows > 0),
        ),
        (
            Section("Accepted", table=pick(accepted, *ORDER_COLUMNS, "deals_on")),
            Section("Refused", "The investor is told, and why.", pick(refused, *ORDER_COLUMNS, "says")),
            Section("For a later dealing day", table=pick(waiting, *ORDER_COLUMNS, "deals_on")),
        ),
        tuple(findings),
    )  # fmt: skip


def deal_report(
    dealt: Dealt, per_unit: Mapping[str, Decimal | None], prices: Mapping[str, Decimal], findings: Sequence[Finding]
) -> Report:
    """Contract notes, and whether the price swung."""
    notes = dealt.notes.to_pylist()
    swung = sorted(name for name, price in prices.items() if per_unit.get(name) not in (None, price))
    said = f"{count(len(notes), 'contract note')}"
    blocked = next((f.message for f in findings if f.severity is Severity.ERROR), "") if not notes else ""
    dealt_at = f"the price swung for {', '.join(swung)}" if swung else "dealt at NAV"
    said += f": {blocked}." if blocked else f"; {dealt_at}."
    shown = [
        {"share_class": n, "nav_per_unit": per_unit.get(n), "dealing_price": p}
        for n, p in prices.items()
        if per_unit.get(n) is not None
    ]
    flows = [{**note, "flow": note["amount"] if note["kind"] != "REDEEM" else -note["amount"]} for note in notes]
    return Report(
        "contract_notes", "Contract notes", verdict_of(findings), said,
        (
            Figure("Contract notes", len(notes)),
            Figure("Subscribed", sum((f["flow"] for f in flows if f["flow"] > 0), ZERO), "class currencies"),
            Figure("Redeemed", -sum((f["flow"] for f in flows if f["flow"] < 0), ZERO), "class currencies"),
        ),
        (
            Section("Prices", table=table(shown, ("share_class", "nav_per_unit", "dealing_price"))),
            Section("Contract notes", "Units are rounded down; what rounding leaves stays in the fund and is shown.", dealt.notes,
                    Chart("bar", "order_id", "flow", "share_class", "Money in and out by order", data=table(flows, ("order_id",
                    "flow", "share_class"))) if flows else None),
        ),
        tuple(findings),
    )  # fmt: skip


def register_report(
    holders: pa.Table, statement: pa.Table, units: Mapping[str, Decimal], books: Mapping[str, Decimal], findings: Sequence[Finding]
) -> Report:
    """Holdings, the month's entries, and the units of register and books side by side."""
    sides = [
        {"share_class": c, "register": units.get(c, ZERO), "books": books.get(c, ZERO), "difference": units.get(c,
        ZERO) - books.get(c, ZERO)}
        for c in sorted(units.keys() | books.keys())
    ]  # fmt: skip
    off = [row for row in sides if row["difference"]]
    said = (
        "The register differs from the books in " + ", ".join(str(row["share_class"]) for row in off) + "."
        if off
        else "The register agrees with the books."
    )
    chart = Chart("stacked_bar", "share_class", "of_class_pct", "investor", "Holders by class", "%") if holders.num_rows else None
    return Report(
        "register", "Register", Verdict.BLOCKED if off else verdict_of(findings), said,
        tuple(Figure(f"Units {row['share_class']}", row["register"], alarm=bool(row["difference"])) for row in sides),
        (
            Section("Units", table=table(sides, ("share_class", "register", "books", "difference"))),
            Section("Holders", table=holders, chart=chart),
            Section("Entries of the month", table=statement),
        ),
        tuple(findings),
    )  # fmt: skip
