"""How well an administrator's NAVs agreed with ours, over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from bo_lib.model.findings import Verdict
from bo_lib.model.money import ZERO, round_to
from bo_lib.views.pages.common import count, table
from bo_lib.views.report import Chart, Figure, Report, Section


def report_card(compared: Sequence[Mapping[str, Any]]) -> Report:
    """``compared``: one comparison per fund and day, the oldest first (payloads of ``nav.compared``)."""
    rows = [_row(c) for c in compared if c["administrator"]]
    by_administrator = [_summed(name, [r for r in rows if r["administrator"] == name]) for name in _names(rows)]
    agreed, late = sum(r["beyond"] == 0 and r["arrived"] != "missing" for r in rows), sum(r["arrived"] != "in time" for r in rows)
    components = Counter[tuple[str, str]]()
    for c in compared:
        components.update({(c["administrator"], name): n for name, n in c["beyond"].items()})
    parts = [{"administrator": a, "component": name, "differences": n} for (a, name), n in components.most_common()]
    said = (
        f"{agreed} of {count(len(rows), 'NAV')} agreed within tolerance; {late} late or missing." if rows else "No NAV to compare."
    )
    columns = ("business_date", "fund", "administrator", "net_assets_bps", "beyond", "components", "arrived", "known_at")
    chart = (
        Chart("line", "business_date", "net_assets_bps", "fund", "Net assets, ours less theirs", "bp") if len(rows) > 1 else None
    )
    return Report(
        "report_card", "The administrator over time", Verdict.PASS, said,
        (Figure("NAVs", len(rows)), Figure("Agreed", agreed), Figure("Late or missing", late, alarm=late > 0)),
        (
            Section("By administrator", table=table(by_administrator, ("administrator", "navs", "agreed", "agreed_pct", "late",
                    "missing", "largest_bps"))),
            Section("By component", "Figures beyond tolerance.", table(parts, ("administrator", "component", "differences"))),
            Section("Day by day", "The latest first.", table(rows[::-1], columns),
                    chart=chart if len(rows) > 1 else None, rows=25, folded=True),
        ),
    )  # fmt: skip


def _row(c: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "business_date": date.fromisoformat(c["business_date"]), "fund": c["fund"], "administrator": c["administrator"],
        "net_assets_bps": round_to(Decimal(c["net_assets_bps"]), 2), "beyond": sum(c["beyond"].values()),
        "components": ", ".join(f"{name} {n}" for name, n in c["beyond"].items()), "arrived": c["arrived"],
        "known_at": c["known_at"][:16].replace("T", " "),
    }  # fmt: skip


def _names(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return sorted({r["administrator"] for r in rows})


def _summed(name: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    arrived, agreed = Counter(r["arrived"] for r in rows), sum(r["beyond"] == 0 and r["arrived"] != "missing" for r in rows)
    return {
        "administrator": name, "navs": len(rows), "agreed": agreed, "agreed_pct": round_to(Decimal(100) * agreed / len(rows), 1),
        "late": arrived["late"], "missing": arrived["missing"],
        "largest_bps": max((abs(r["net_assets_bps"]) for r in rows), default=ZERO),
    }  # fmt: skip
