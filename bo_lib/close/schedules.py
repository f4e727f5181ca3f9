"""Schedules behind the statements: investments, the condensed schedule, roll-forwards, and the figures of the notes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bo_lib.close.ledger import Period
from bo_lib.close.tables import CONDENSED, INVESTMENTS, NOTES, ROLLED
from bo_lib.close.terms import FairValueLevels
from bo_lib.model.instruments import is_bond
from bo_lib.model.money import ZERO, plain, round_to
from bo_lib.model.tables import built
from bo_lib.nav import Strike

NAMED_ABOVE_PCT = Decimal(5)  # of net assets: ASC 946-210-50-6
RELATED = ("management_fee", "performance_fee")  # to the manager
_CAPITAL = {"subscribe": "issued", "call": "called", "redeem": "redeemed", "distribute": "distributed"}


def level_of(levels: FairValueLevels, kind: str, source: str) -> int:
    """The level of the first rule that fits; 3 where none does."""
    fitting = (r for r in levels.levels if _any(kind, r.kinds) and _any(source, r.sources))
    return next((int(r.level) for r in fitting), 3)


def _any(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def schedule_of_investments(struck: Strike, instruments: pa.Table, levels: FairValueLevels) -> pa.Table:
    """Table INVESTMENTS: the holdings of the strike, long before short, by kind, country and industry."""
    master = {row["isin"]: row for row in instruments.to_pylist()}
    chosen = struck.priced.table.filter(struck.priced.table["chosen"])
    sources = dict(zip(chosen["isin"].to_pylist(), chosen["source"].to_pylist(), strict=True))
    rows = []
    for row in struck.components.to_pylist():
        if row["component"] == "holding" and row["quantity"]:
            known = master.get(row["item"], {})
            kind = known.get("kind") or "unknown"
            rows.append({
                "side": "long" if row["quantity"] > 0 else "short", "kind": kind, "country": known.get("country"),
                "sector": known.get("sector"), "isin": row["item"], "name": _described(known, row["item"]),
                "quantity": row["quantity"], "currency": row["currency"], "price": row["price"],
                "level": level_of(levels, kind, sources.get(row["item"], "")), "cost": row["cost_base"],
                "fair_value": row["base"], "of_net_assets_pct": _pct(row["base"], struck.net_assets),
            })  # fmt: skip
    return built(INVESTMENTS, sorted(rows, key=lambda r: (r["side"], *(r[n] or "" for n in ("kind", "country", "sector", "isin")))))


def _described(known: Mapping[str, Any], isin: str) -> str:
    name = str(known.get("name") or isin)
    if known and is_bond(known["kind"]) and known.get("coupon_pct") is not None:
        return f"{name}, {plain(known['coupon_pct'])} % due {known['maturity']}"
    return name


def _pct(amount: Decimal, net: Decimal) -> Decimal | None:
    return round_to(amount * 100 / net, 6) if net else None


def condensed_schedule(investments: pa.Table, net_assets: Decimal) -> pa.Table:
    """Table CONDENSED: sums by side, kind, country and industry; a single investment above 5 % of net assets by its name."""
    rows: list[dict[str, Any]] = []

    def add(kind: str, item: str, of: Collection[Mapping[str, Any]] = ()) -> None:
        sums = {name: sum((r[name] for r in of), ZERO) if of else None for name in ("cost", "fair_value")}
        value = sums["fair_value"]
        pct = _pct(value, net_assets) if value is not None else None
        rows.append({"n": len(rows) + 1, "kind": kind, "item": item, **sums, "of_net_assets_pct": pct})

    held = investments.to_pylist()
    for side in ("long", "short"):
        of_side = [r for r in held if r["side"] == side]
        if not of_side:
            continue
        add("heading", "Investments in securities" if side == "long" else "Securities sold short")
        for key, group in _grouped(of_side, "kind", "country"):
            add("heading", " · ".join(k.replace("_", " ") for k in key))
            for (sector,), there in _grouped(group, "sector"):
                large = [r for r in there if abs(r["of_net_assets_pct"] or ZERO) > NAMED_ABOVE_PCT]
                for r in large:
                    add("line", f"{sector}: {r['name']} ({plain(r['quantity'])})", [r])
                if rest := [r for r in there if r not in large]:
                    add("line", sector + (", other" if large else ""), rest)
            add("total", "Total " + " · ".join(k.replace("_", " ") for k in key), group)
        add("total", f"Total {'investments in securities' if side == 'long' else 'securities sold short'}", of_side)
    return built(CONDENSED, rows)


def _grouped(rows: Iterable[Mapping[str, Any]], *names: str) -> list[tuple[tuple[str, ...], list[Mapping[str, Any]]]]:
    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] or "other" for name in names)].append(row)
    return sorted(groups.items())


def roll_forwards(of: Period, investments: pa.Table, units_before: Mapping[str, Decimal], struck: Strike) -> pa.Table:
    """Table ROLLED: investments at cost, their appreciation, units of each class, fees payable, and level 3.

    Each begins with what stood at the opening, lists what moved it, and ends with what stands; nothing is balanced by a plug.
    """
    rows = [*_rolled_cost(of), *_rolled_units(of, units_before, struck), *_rolled_payables(of), *_rolled_level_3(of, investments)]
    return built(ROLLED, ({"of": a, "item": b, "step": c, "amount": amount} for a, b, c, amount in rows))


def _sum(rows: Iterable[Mapping[str, Any]], name: str, *ledgers: str) -> Decimal:
    return sum((row[name] for row in rows if row["ledger"] in ledgers), ZERO)


def _of_ledger(of: Period, ledger: str) -> list[dict[str, Any]]:
    return of.moved.filter(pc.equal(of.moved["ledger"], ledger)).to_pylist()  # type: ignore[no-any-return]


Step = tuple[str, str, str, Decimal]


def _rolled_cost(of: Period) -> Iterator[Step]:
    flows = of.flows
    at = ("investments at cost", "")
    yield (*at, "opening", _sum(of.rows, "opening", "investments"))
    gains = {name: flows.get(f"{name}:gain", ZERO) for name in ("purchases", "disposals")}
    yield (*at, "purchases and covers", flows.get("purchases", ZERO) + gains["purchases"])
    yield (*at, "proceeds of disposals and short sales", flows.get("disposals", ZERO) + gains["disposals"])
    yield (*at, "realised gains in them", -gains["purchases"] - gains["disposals"])
    yield (*at, "amortisation and corporate actions", flows.get("investments", ZERO))
    yield (*at, "closing", _sum(of.rows, "closing", "investments"))
    at = ("unrealised appreciation", "")
    yield (*at, "opening", _sum(of.rows, "opening", "unrealised_appreciation"))
    yield (*at, "change in the period", flows.get("unrealised_appreciation", ZERO))
    yield (*at, "closing", _sum(of.rows, "closing", "unrealised_appreciation"))


def _rolled_units(of: Period, before: Mapping[str, Decimal], struck: Strike) -> Iterator[Step]:
    moved: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in _of_ledger(of, "capital"):
        moved[row["share_class"], _CAPITAL.get(row["kind"], "other")] += row["quantity"] or ZERO
    for name, row in struck.rows.items():
        yield ("units", name, "opening", before.get(name, ZERO))
        for (of_class, what), quantity in sorted(moved.items()):
            if of_class == name and quantity:
                yield ("units", name, what, quantity)
        yield ("units", name, "closing", row["units"])


def _rolled_payables(of: Period) -> Iterator[Step]:
    """What is owed, positive: at the beginning, charged, paid, by rates, at the end."""
    for ledger in sorted({row["ledger"] for row in of.rows if row["ledger"].endswith("_fee_payable")}):
        lines = _of_ledger(of, ledger)
        charged = -sum((r["base"] for r in lines if r["kind"] == "accrual"), ZERO)
        paid = -sum((r["base"] for r in lines if r["kind"] != "accrual"), ZERO)
        for step, amount in (("opening", -_sum(of.rows, "opening", ledger)), ("charged", charged), ("paid and other", paid),
                             ("closing", -_sum(of.rows, "closing", ledger))):  # fmt: skip
            yield ("payable", ledger, step, amount)


def _rolled_level_3(of: Period, investments: pa.Table) -> Iterator[Step]:
    """Of instruments that are of level 3 at the end; transfers between levels would show as their opening value."""
    mine = {row["isin"] for row in investments.to_pylist() if row["level"] == 3}
    rows = [row for row in of.rows if row["part"] in mine and row["ledger"] in ("investments", "unrealised_appreciation")]
    if rows:
        yield ("level 3", "", "opening", sum((r["opening"] for r in rows), ZERO))
        yield ("level 3", "", "purchases less disposals", sum((r["movement"] for r in rows), ZERO))
        yield ("level 3", "", "change in value", sum((r["mark"] for r in rows), ZERO))
        yield ("level 3", "", "closing", sum((r["closing"] for r in rows), ZERO))


def notes(of: Period, struck: Strike, investments: pa.Table) -> pa.Table:
    """Table NOTES: fair value levels, purchases and sales, fees of related parties, currencies, derivatives, late items."""
    rows = [
        *_levels(struck, investments),
        *_turned_over(of),
        *_related(of),
        *_currencies(struck),
        *_derivatives(struck),
        *_late(of),
    ]
    return built(NOTES, ({"note": a, "item": b, "figure": c, "amount": amount} for a, b, c, amount in rows))


def _levels(struck: Strike, investments: pa.Table) -> Iterator[Step]:
    sums: dict[tuple[int, str, str], Decimal] = defaultdict(Decimal)
    for row in investments.to_pylist():
        sums[row["level"], row["kind"], "assets" if row["side"] == "long" else "liabilities"] += row["fair_value"]
    for row in struck.components.to_pylist():
        if row["component"] == "forward":
            sums[2, "currency forward", "assets" if row["base"] >= 0 else "liabilities"] += row["base"]
    for (level, kind, side), amount in sorted(sums.items()):
        yield ("fair value", f"level {level}: {kind.replace('_', ' ')}", side, amount)


def _turned_over(of: Period) -> Iterator[Step]:
    flows = of.flows
    for figure in ("purchases", "disposals"):
        yield ("purchases and sales", "investments", figure, abs(flows.get(figure, ZERO) + flows.get(f"{figure}:gain", ZERO)))


def _related(of: Period) -> Iterator[Step]:
    for fee in RELATED:
        charged, owed = (
            sum((row["movement"] for row in of.rows if row["ledger"] == fee), ZERO), -_sum(of.rows, "closing", f"{fee}_payable")
        )  # fmt: skip
        if charged or owed:
            yield ("related parties", fee.replace("_", " "), "charged in the period", charged)
            yield ("related parties", fee.replace("_", " "), "payable at the end", owed)


def _currencies(struck: Strike) -> Iterator[Step]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in struck.components.to_pylist():
        sums[row["currency"]] += row["base"]
    for currency, amount in sorted(sums.items()):
        yield ("currency", currency, "net exposure", amount)


def _derivatives(struck: Strike) -> Iterator[Step]:
    for row in struck.components.to_pylist():
        if row["component"] == "forward":
            yield ("derivatives", f"{row['item']} {row['share_class'] or ''}".rstrip(), "fair value", row["base"])


def _late(of: Period) -> Iterator[Step]:
    """What belongs to earlier periods and was booked in this one: its effect on net assets."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    types = {row["ledger"]: row["type"] for row in of.rows}
    early = pc.less_equal(of.moved["own_date"], pa.scalar(of.opened, pa.date32()))
    for row in of.moved.filter(pc.and_(early, pc.equal(of.moved["section"], "movement"))).to_pylist():
        if types[row["ledger"]] in ("income", "expense"):
            sums[row["event_id"]] -= row["base"]
    for event_id, amount in sorted(sums.items()):
        yield ("prior-period items", event_id, "effect on net assets", amount)
