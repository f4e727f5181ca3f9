"""What a filing became: net assets, by kind of asset, and the residual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from bo_lib.config import Fund
from bo_lib.model.findings import Finding, Verdict
from bo_lib.model.money import ZERO, round_to
from bo_lib.nav import Valuation
from bo_lib.views.pages.common import table, verdict_of
from bo_lib.views.report import Figure, Report, Section


def filing_report(
    fund: Fund, valued: Valuation, ledger: Decimal, stated: Mapping[str, Decimal], held: Sequence[Mapping[str, Any]],
    findings: Sequence[Finding]
) -> Report:  # fmt: skip
    """``held``: filed holdings with ``value`` and ``asset_kind``; ``stated``: the filing's totals; ``ledger``: computed again."""
    filed = round_to(stated["netAssets"], 2)
    difference = valued.net_assets - filed
    by_component = dict.fromkeys(("cash", "suspense"), ZERO)
    for row in valued.rows:
        by_component[row["component"]] = by_component.get(row["component"], ZERO) + row["base"]
    kinds: dict[str, list[Decimal]] = {}
    for row in held:
        kinds.setdefault(row["asset_kind"] or "other", []).append(row["value"])
    rows = [
        {"what": f"holdings: {kind}", "lines": len(values), "value": sum(values, ZERO)} for kind, values in sorted(kinds.items())
    ]
    rows += [
        {"what": "cash not reported as holdings", "lines": None, "value": by_component["cash"]},
        {
            "what": "residual: other assets less liabilities, which the filing does not itemise",
            "lines": None,
            "value": by_component["suspense"],
        },
        {"what": "net assets", "lines": len(held), "value": valued.net_assets},
    ]
    agreed = difference == 0 and ledger == valued.net_assets
    said = f"Net assets {valued.net_assets:,.2f} {valued.base_currency} on {valued.day}, "
    said += f"filed {filed:,.2f}: difference {difference:,.2f}."
    verdict = Verdict.worst([verdict_of(findings), Verdict.PASS if agreed else Verdict.BLOCKED])
    return Report(
        "onboard", f"{fund.id}: {fund.name}", verdict, said,
        (
            Figure(f"Net assets, {valued.base_currency}", valued.net_assets), Figure("As filed", filed),
            Figure("Difference", difference, alarm=not agreed), Figure("By the ledger", ledger, alarm=not agreed),
            Figure("Holdings", len(held)), Figure("Residual", by_component["suspense"]),
        ),
        (Section("Net assets", table=table(rows, ("what", "lines", "value"))),), tuple(findings),
    )  # fmt: skip
