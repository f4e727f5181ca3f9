"""Statements of a month's end: trial balance, statement of net assets, roll-forward of net assets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bo_lib.close.tables import ADJUSTED_BALANCE, NET_ASSETS, ROLL_FORWARD
from bo_lib.config import ChartOfAccounts
from bo_lib.model.money import ZERO, round_to
from bo_lib.model.tables import built
from bo_lib.nav import Strike

_ORDER = {"asset": 0, "liability": 1, "equity": 2, "income": 3, "expense": 4}


def trial_balance(balances: pa.Table, marked: pa.Table, chart: ChartOfAccounts) -> pa.Table:
    """The trial balance with the strike's marks beside it (table ADJUSTED_BALANCE), accounts of the custodians together.

    ``balances``: table TRIAL_BALANCE. ``marked``: the marks, table JOURNAL. Both base columns add up to zero in sound books.
    """
    sums: dict[tuple[str, str, str], list[Decimal]] = defaultdict(lambda: [ZERO, ZERO, ZERO])
    for row in balances.to_pylist():
        total = sums[row["ledger"], row["share_class"] or "", row["currency"]]
        total[0], total[1] = total[0] + row["local"], total[1] + row["base"]
    for row in marked.to_pylist():
        sums[row["ledger"], row["share_class"] or "", row["currency"]][2] += row["base"]
    rows = (
        {"type": chart.type_of(ledger), "ledger": ledger, "share_class": share_class or None, "currency": currency, "local": local,
         "base": base, "marks": mark, "adjusted": base + mark}
        for (ledger, share_class, currency), (local, base, mark) in sums.items() if local or base or mark
    )  # fmt: skip
    return built(
        ADJUSTED_BALANCE, sorted(rows, key=lambda r: (_ORDER[r["type"]], r["ledger"], r["share_class"] or "", r["currency"]))
    )


def out_of_balance(adjusted: pa.Table) -> Decimal:
    """What the trial balance is off by, booked or adjusted: zero in sound books, else the larger of the two."""
    off = [sum(adjusted[name].to_pylist(), ZERO) for name in ("base", "adjusted")]
    return max(off, key=abs)


@dataclass(frozen=True)
class NetAssetsStatement:
    """``table`` (NET_ASSETS). Net assets are assets less liabilities; the classes add up to them when ``difference`` is zero."""

    table: pa.Table
    assets: Decimal
    liabilities: Decimal
    classes: Decimal

    @property
    def net_assets(self) -> Decimal:
        return self.assets - self.liabilities

    @property
    def difference(self) -> Decimal:
        return self.net_assets - self.classes


def statement_of_net_assets(struck: Strike) -> NetAssetsStatement:
    """Assets and liabilities line by line, net assets, and each class with units and NAV per unit.

    Short positions, overdrawn currencies and forwards at a loss stand among the liabilities.
    """
    lines: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in struck.components.to_pylist():
        lines["assets" if row["base"] >= 0 else "liabilities", _line(row)] += abs(row["base"])
    assets, liabilities = (sum((a for (s, _), a in lines.items() if s == side), ZERO) for side in ("assets", "liabilities"))
    net = assets - liabilities
    rows = [
        _row(section, item, amount, net)
        for (section, item), amount in sorted(lines.items(), key=lambda x: (x[0][0], -x[1]))
        if amount
    ]
    rows.append(_row("net assets", "net assets", net, net))
    for name, c in struck.rows.items():
        units = {"share_class": name, "units": c["units"], "nav_per_unit": c["nav_per_unit"], "currency": c["currency"]}
        rows.append({**_row("classes", "net assets of the class", c["net_assets"], net), **units})
    classes = sum((c["net_assets"] for c in struck.rows.values()), ZERO)
    return NetAssetsStatement(built(NET_ASSETS, rows), assets, liabilities, classes)


def _line(row: Mapping[str, Any]) -> str:
    if row["component"] == "holding":
        return "investments at market value" if row["base"] >= 0 else "investments sold short"
    if row["component"] == "accrual":
        return "interest accrued" if row["quantity"] is not None else f"{row['item'].replace('_', ' ')} payable"
    if row["component"] == "cash":
        return "cash" if row["base"] >= 0 else "overdrafts"
    return {"forward": "forward currency deals", "suspense": "suspense"}.get(row["component"], str(row["item"]).replace("_", " "))


def _row(section: str, item: str, amount: Decimal, net: Decimal) -> dict[str, Any]:
    return {
        "section": section,
        "item": item,
        "amount": amount,
        "of_net_assets_pct": round_to(amount * 100 / net, 6) if net else None,
    }


@dataclass(frozen=True)
class RollForward:
    """``table`` (ROLL_FORWARD): opening + operations + capital + other = closing, but for ``difference``."""

    table: pa.Table
    opening: Decimal
    operations: Decimal
    capital: Decimal
    closing: Decimal
    difference: Decimal


def roll_forward(before: pa.Table, after: pa.Table, opening: Decimal, closing: Decimal) -> RollForward:
    """Net assets from one strike to a later one, by what the ledger says happened in between.

    ``before`` and ``after``: adjusted trial balances of both days (ADJUSTED_BALANCE), marks and accruals of the strikes in them.
    ``opening`` and ``closing``: net assets as struck. Operations are the changes of income and expense, capital that of the
    capital account; what other equity did is listed apart. The difference is not spread over anything: it is shown.
    """
    change: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for sign, table in ((-1, before), (1, after)):
        for row in table.to_pylist():
            if section := _SECTION.get(row["type"]):
                key = ("capital", row["share_class"] or "fund") if row["ledger"] == "capital" else (section, row["ledger"])
                change[key] -= sign * row["adjusted"]
    totals = {
        name: sum((a for (section, _), a in change.items() if section == name), ZERO) for name in ("operations", "capital", "other")
    }
    difference = closing - opening - sum(totals.values(), ZERO)
    rows = [("opening", "net assets", opening), *((*key, amount) for key, amount in _by_section(change) if amount)]
    rows += [("closing", "net assets", closing), ("difference", "not explained by the ledger", difference)]
    table = built(ROLL_FORWARD, ({"section": s, "item": i, "amount": a} for s, i, a in rows))
    return RollForward(table, opening, totals["operations"], totals["capital"], closing, difference)


_SECTION = {"income": "operations", "expense": "operations", "equity": "other"}


def _by_section(change: Mapping[tuple[str, str], Decimal]) -> Iterable[tuple[tuple[str, str], Decimal]]:
    order = ("operations", "capital", "other")
    return sorted(change.items(), key=lambda item: (order.index(item[0][0]), -abs(item[1]), item[0][1]))
