"""What a filing or a list of positions became: net assets, by kind of asset, and the residual."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from bo_lib.config import Fund
from bo_lib.model.findings import Finding, Severity, Verdict
from bo_lib.model.money import ZERO, round_to
from bo_lib.nav import Valuation
from bo_lib.views.pages.common import table, verdict_of
from bo_lib.views.report import Figure, Report, Section

RESIDUAL_PCT_MAX = Decimal("0.5")  # of net assets, without sign: more than this a person explains


def opening_report(
    fund: Fund, valued: Valuation, ledger: Decimal, stated: Decimal, held: Sequence[tuple[str, Decimal]],
    findings: Sequence[Finding], said_by: str,
) -> Report:  # fmt: skip
    """``held``: kind and value of each line; ``stated``: net assets as ``said_by`` (filed, stated); ``ledger``: computed again."""
    total = round_to(stated, 2)
    difference = valued.net_assets - total
    by_component = dict.fromkeys(("cash", "suspense"), ZERO)
    for row in valued.rows:
        by_component[row["component"]] = by_component.get(row["component"], ZERO) + row["base"]
    kinds: dict[str, list[Decimal]] = {}
    for kind, amount in held:
        kinds.setdefault(kind, []).append(amount)
    rows = [
        {"what": f"holdings: {kind}", "lines": len(values), "value": sum(values, ZERO)} for kind, values in sorted(kinds.items())
    ]
    rows += [{"what": "interest accrued", "lines": None, "value": by_component[name]} for name in by_component if name == "accrual"]
    rows += [
        {"what": "cash not reported as holdings", "lines": None, "value": by_component["cash"]},
        {
            "what": "residual: other assets less liabilities, which the file does not itemise",
            "lines": None,
            "value": by_component["suspense"],
        },
        {"what": "net assets", "lines": len(held), "value": valued.net_assets},
    ]
    residual = by_component["suspense"]
    share = round_to(residual * 100 / total, 2) if total else ZERO
    large = abs(residual) * 100 > RESIDUAL_PCT_MAX * abs(total)
    agreed = difference == 0 and ledger == valued.net_assets
    said = (
        f"Net assets {valued.net_assets:,.2f} {valued.base_currency} on {valued.day}, of which {residual:,.2f} ({share:,.2f}%) is "
    )
    said += f"a residual that makes them equal to the {said_by} total: the file proves the holdings, not the rest."
    if not agreed:
        said += f" The books differ from the file by {difference:,.2f}, or from the ledger ({ledger:,.2f})."
    if large:
        findings = [*findings, _residual_finding(residual, share, valued.base_currency)]
    verdict = Verdict.worst([verdict_of(findings), Verdict.PASS if agreed else Verdict.BLOCKED])
    return Report(
        "onboard", f"{fund.id}: {fund.name}", verdict, said,
        (
            Figure(f"Net assets, {valued.base_currency}", valued.net_assets, "holdings, cash and residual"),
            Figure(f"As {said_by}", total),
            Figure("By the ledger", ledger, "computed a second way", alarm=not agreed), Figure("Holdings", len(held)),
            Figure("Residual", residual, f"makes the books equal to the {said_by} total", alarm=large),
            Figure("Residual, % of net assets", share, f"attention above {RESIDUAL_PCT_MAX}%", alarm=large),
        ),
        (Section("Net assets", table=table(rows, ("what", "lines", "value"))),), tuple(findings),
    )  # fmt: skip


def _residual_finding(residual: Decimal, share: Decimal, currency: str) -> Finding:
    return Finding(
        Severity.WARNING, "residual-large", f"the residual of {residual:,.2f} {currency} is "
        + (f"{share:,.2f}% of net assets" if share else "all there is: net assets are nil or far smaller"),
        expected=f"at most {RESIDUAL_PCT_MAX}%", found=f"{share:,.2f}%" if share else "",
        todo="enter the fund's receivables and payables from its accounts, and clear suspense",
    )  # fmt: skip
