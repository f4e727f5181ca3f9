"""The shadow: our NAV against the administrator's, component by component, each difference with what causes it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bo_lib.model.findings import Finding, Outcome, Verdict, warning
from bo_lib.model.money import ZERO, round_to
from bo_lib.model.tables import built
from bo_lib.nav.strike import Strike
from bo_lib.nav.tables import SHADOW

FEE_TOLERANCE_BASE = Decimal("0.05")  # fees overpaid have no tolerance (CSSF circular 24/856): only cents of rounding pass
UNEXPLAINED = "no component differs: it is the allocation between classes or the rounding of units"
Key = tuple[str, str, str, str]  # component, class, item, field
_FIELDS = {"holding": ("amount", "quantity", "price"), "units": ("quantity",), "nav_per_unit": ("price",), "rate": ("price",)}


@dataclass(frozen=True)
class Shadow:
    """``table`` (SHADOW): every figure of either side, largest difference first; ``differences``: those beyond tolerance."""

    table: pa.Table
    verdict: Verdict
    net_assets_bps: Decimal

    @property
    def differences(self) -> pa.Table:
        return self.table.filter(pc.invert(self.table["within"]))


def shadow(struck: Strike, nav_pack: pa.Table, tolerance_bps: Decimal) -> Outcome[Shadow]:
    """Compares ``struck`` with the administrator's pack of the same day (table NAV_PACK, amounts in base currency).

    A difference counts in basis points of net assets: of the class for figures of a class, else of the fund; an accrued fee may
    differ by cents only. A figure beyond tolerance is attention; net assets or a NAV per unit that differ while no component
    does block; no pack for the day is a warning with nothing compared.
    """
    rows = [r for r in nav_pack.to_pylist() if r["fund"] == struck.fund and r["nav_date"] == struck.day]
    if not rows:
        said = f"no administrator's NAV of {struck.day} for {struck.fund}"
        finding = warning("shadow-missing", said, expected="a NAV pack of the day", todo="ask the administrator")
        return Outcome(Shadow(built(SHADOW, []), Verdict.ATTENTION, ZERO), (finding,))
    theirs, ours = _theirs(rows), _ours(struck)
    compared = [_compare(key, ours.get(key), theirs.get(key), struck, theirs, tolerance_bps) for key in ours.keys() | theirs.keys()]
    _explain(compared, struck)
    compared.sort(
        key=lambda r: (r["within"], -abs(r["difference_bps"]), r["component"], r["share_class"] or "", r["item"] or "", r["field"])
    )
    off = [r for r in compared if not r["within"]]
    findings = tuple(_finding(r) for r in off)
    total = next((r["difference_bps"] for r in compared if r["component"] == "net_assets" and not r["share_class"]), ZERO)
    unexplained = any(r["explanation"] == UNEXPLAINED for r in off)
    verdict = Verdict.BLOCKED if unexplained else Verdict.ATTENTION if off else Verdict.PASS
    return Outcome(Shadow(built(SHADOW, compared), verdict, total), findings)


def _theirs(rows: list[dict[str, Any]]) -> dict[Key, Decimal]:
    found: dict[Key, Decimal] = defaultdict(Decimal)
    for r in rows:
        for name in _FIELDS.get(r["component"], ("amount",)):
            if r[name] is not None:
                found[r["component"], r["share_class"] or "", r["item"] or "", name] += r[name]
    return dict(found)


def _ours(struck: Strike) -> dict[Key, Decimal]:
    """Our strike in the terms of the pack: receivables and payables per ledger account, all currencies together."""
    found: dict[Key, Decimal] = defaultdict(Decimal)
    for r in struck.component_rows:
        key = (r["component"], r["share_class"] or "", r["item"])
        found[*key, "amount"] += r["base"]
        if r["component"] == "holding":
            found[*key, "quantity"] += r["quantity"]
            found[*key, "price"] += r["price"] or ZERO
    found["net_assets", "", "", "amount"] = struck.net_assets
    for name, row in struck.rows.items():
        found["net_assets", name, "", "amount"] = row["net_assets"]
        found["units", name, "", "quantity"] = row["units"]
        if row["nav_per_unit"] is not None:
            found["nav_per_unit", name, "", "price"] = row["nav_per_unit"]
    used = {r["currency"] for r in struck.component_rows} | {r["currency"] for r in struck.rows.values()}
    for currency in used & set(struck.rates.per_pivot):
        found["rate", "", currency, "price"] = struck.rates.per_pivot[currency]
    return dict(found)


def _compare(
    key: Key, ours: Decimal | None, theirs: Decimal | None, struck: Strike, all_theirs: dict[Key, Decimal], tolerance: Decimal
) -> dict[str, Any]:
    component, share_class, item, name = key
    difference = (ours or ZERO) - (theirs or ZERO)
    if component == "rate" and (ours is None or theirs is None):
        difference = ZERO  # a currency that only one side lists
    bps = _bps(key, difference, ours, theirs, struck, all_theirs)
    fee = component == "accrual" and item not in struck.valuation.interest()
    within = abs(difference) <= FEE_TOLERANCE_BASE if fee else abs(bps) <= tolerance
    return {
        "component": component, "share_class": share_class or None, "item": item or None, "field": name, "ours": _fit(ours),
        "theirs": _fit(theirs), "difference": _fit(difference), "difference_bps": round_to(bps, 6), "within": within,
        "explanation": None,
    }  # fmt: skip


def _fit(number: Decimal | None) -> Decimal | None:
    return None if number is None else round_to(number, 18)


def _bps(
    key: Key, difference: Decimal, ours: Decimal | None, theirs: Decimal | None, struck: Strike, all_theirs: dict[Key, Decimal]
) -> Decimal:
    """What the difference does to net assets, in basis points."""
    component, share_class, item, name = key
    own = (
        struck.rows[share_class]["net_assets"]
        if share_class in struck.rows and component in ("net_assets", "units", "nav_per_unit")
        else ZERO
    )
    whole = own or struck.net_assets
    if not whole or not difference:
        return ZERO
    if name == "amount":
        return difference / whole * 10000
    if component == "holding":  # a price or quantity moves net assets by the holding's value
        value = abs(all_theirs.get(("holding", share_class, item, "amount"), ZERO)) or abs(_value(struck, item))
        return difference / (theirs or ours or Decimal(1)) * value / whole * 10000
    if component == "rate":
        exposed = sum((r["base"] for r in struck.component_rows if r["currency"] == item), ZERO)
        return -difference / (theirs or Decimal(1)) * exposed / whole * 10000
    return difference / (theirs or ours or Decimal(1)) * 10000  # units and NAV per unit: relative


def _value(struck: Strike, isin: str) -> Decimal:
    return sum((r["base"] for r in struck.component_rows if r["component"] == "holding" and r["item"] == isin), ZERO)


def _explain(rows: list[dict[str, Any]], struck: Strike) -> None:
    """Names the cause of each difference: a quantity, a price, a rate, units, a balance that one side lacks."""
    differs = {(r["component"], r["item"] or "", r["field"]) for r in rows if r["difference"]}
    currency = {r["item"]: r["currency"] for r in struck.component_rows if r["component"] == "holding"}
    for r in (r for r in rows if not r["within"]):
        fee = r["component"] == "accrual" and r["item"] not in struck.valuation.interest() and None not in (r["ours"], r["theirs"])
        r["explanation"] = _fee_cause(r, struck) if fee else _cause(r, differs, currency, rows)


def _fee_cause(r: dict[str, Any], struck: Strike) -> str:
    """An accrual that is off by whole days says so."""
    today = next((a.amount for a in struck.accruals if (a.name, a.share_class) == (r["item"], r["share_class"] or "")), ZERO)
    days = r["difference"] / today * (struck.day - struck.previous_day).days if today else ZERO
    whole = days.to_integral_value()
    if whole and abs(days - whole) < Decimal("0.01"):
        return f"accrual: the administrator has {abs(whole)} days {'more' if whole > 0 else 'fewer'}"
    return "accrual"


def _cause(r: dict[str, Any], differs: set[tuple[str, str, str]], currency: dict[str, str], rows: list[dict[str, Any]]) -> str:
    component, item, name = r["component"], r["item"] or "", r["field"]
    if r["ours"] is None or r["theirs"] is None:
        return f"only {'the administrator' if r['ours'] is None else 'our books'} {'has' if r['ours'] is None else 'have'} it"
    if component == "holding" and name == "amount":
        causes = [what for what in ("quantity", "price") if ("holding", item, what) in differs]
        causes += ["exchange rate"] if ("rate", currency.get(item, ""), "price") in differs else []
        return " and ".join(causes) or "value of the same quantity at the same price"
    if component == "cash" and ("rate", item, "price") in differs:
        return "exchange rate"
    if component == "net_assets" or component == "nav_per_unit":
        return _sources(rows, r["share_class"] or "", component)
    return {"units": "units in issue", "rate": "exchange rate", "accrual": "accrual", "forward": "forward"}.get(
        component, f"{name} differs"
    )


def _sources(rows: list[dict[str, Any]], share_class: str, component: str) -> str:
    """The components that make up a difference of the total, largest first."""
    parts = [r for r in rows if r["field"] == "amount" and r["component"] != "net_assets" and r["difference"]]
    parts.sort(key=lambda r: -abs(r["difference"]))
    said = [f"{r['component']} {r['item'] or ''} {r['difference'].normalize():f}" for r in parts[:3]]
    if component == "nav_per_unit" and any(
        r["component"] == "units" and (r["share_class"] or "") == share_class and r["difference"] for r in rows
    ):
        said.insert(0, "units in issue")
    return "; ".join(said) + (f"; and {len(parts) - 3} more" if len(parts) > 3 else "") or UNEXPLAINED


def _finding(r: dict[str, Any]) -> Finding:
    what = " ".join(part for part in (r["component"], r["share_class"], r["item"], r["field"]) if part)
    said = f"{what}: {round_to(r['difference_bps'], 2)} bp from the administrator ({r['explanation']})"
    return warning(
        "shadow-difference", said, found=_text(r["ours"]), expected=_text(r["theirs"]), todo="agree it with the administrator"
    )


def _text(number: Decimal | None) -> str:
    return "nothing" if number is None else f"{number.normalize():f}"
