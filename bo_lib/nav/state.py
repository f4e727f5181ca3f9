"""What the next strike needs to know of each class: facts of the strike before, kept as JSON."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from bo_lib.model.findings import Finding, Outcome, error
from bo_lib.model.money import ZERO
from bo_lib.nav.equalisation import Lot
from bo_lib.nav.fee_limits import Borne
from bo_lib.nav.partnership import Partnership


class Dealings(NamedTuple):
    """What one investor brought into a class and took out, to date: units, class currency, base currency; all positive."""

    units_in: Decimal = ZERO
    money_in: Decimal = ZERO
    base_in: Decimal = ZERO
    units_out: Decimal = ZERO
    money_out: Decimal = ZERO
    base_out: Decimal = ZERO

    def since(self, before: Dealings) -> Dealings:
        return Dealings(*(now - then for now, then in zip(self, before, strict=True)))

    def plus(self, other: Dealings) -> Dealings:
        return Dealings(*(a + b for a, b in zip(self, other, strict=True)))


class ClassState(BaseModel):
    """A class as struck; JSON by ``model_dump(mode="json")``. Amounts in base currency, marks per unit in class currency."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    share_class: str
    nav_date: date
    net_assets: Decimal
    units: Decimal
    nav_per_unit: Decimal | None = None
    performance_fee_accrued: Decimal = ZERO  # what is not yet due for good
    hedge_cumulative: Decimal = ZERO  # value of open forwards and hedge gains realised to date
    capital_to_date: Decimal = ZERO  # on the ledger: what came late is capital of the next strike
    units_to_date: Decimal = ZERO  # issued less redeemed on the ledger
    claims: tuple[Borne, ...] = ()  # what the adviser bore and may recoup
    # Of the performance fee:
    high_water_mark: Decimal | None = None
    gav_per_unit: Decimal | None = None
    period_start: date | None = None
    benchmark_start: Decimal | None = None
    hurdle_growth: Decimal = Decimal(1)  # of the mark since the period began
    shortfalls: Mapping[int, Decimal] = {}  # year -> points against the benchmark still to be made up
    dealt: Mapping[str, Dealings] = {}  # investor -> to date, on the ledger
    lots: tuple[Lot, ...] = ()  # equalisation
    partnership: Partnership | None = None


State = Mapping[str, ClassState]


def state_from_payload(payload: Mapping[str, Any]) -> dict[str, ClassState]:
    return {name: ClassState.model_validate(state) for name, state in payload.items()}


def opening_state(nav_pack: pa.Table, balances: pa.Table) -> Outcome[dict[str, ClassState]]:
    """The classes as taken over: units, NAV per unit and net assets from the administrator's opening pack.

    ``nav_pack``: rows NAV_PACK of the opening date. ``balances``: TRIAL_BALANCE of the same date; performance fee, forwards,
    hedge gains and capital by class come from there.
    """
    states: dict[str, ClassState] = {}
    findings: list[Finding] = []
    packed: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for row in nav_pack.to_pylist():
        if row["share_class"] and row["component"] in ("units", "nav_per_unit", "net_assets") and not row["item"]:
            packed[row["share_class"]][row["component"]] = row
    ledger = by_class(balances)
    for name, rows in sorted(packed.items()):
        if missing := sorted({"units", "nav_per_unit", "net_assets"} - rows.keys()):
            findings.append(
                error(
                    "opening-incomplete",
                    f"class {name} is taken over without {', '.join(missing)}",
                    todo="ask the administrator for the complete opening pack",
                )
            )
            continue
        states[name] = ClassState(
            share_class=name, nav_date=rows["units"]["nav_date"], net_assets=rows["net_assets"]["amount"],
            units=rows["units"]["quantity"], nav_per_unit=rows["nav_per_unit"]["price"],
            performance_fee_accrued=-ledger["performance_fee_payable", name],
            hedge_cumulative=ledger["forward_value", name] - ledger["hedge_gain", name], capital_to_date=-ledger["capital", name],
        )  # fmt: skip
    if not states:
        findings.append(
            error(
                "opening-missing",
                "no class is taken over",
                expected="units, nav_per_unit and net_assets by class",
                todo="ask the administrator for the opening pack",
            )
        )
    return Outcome(states, tuple(findings))


def by_class(trial_balance: pa.Table) -> dict[tuple[str, str], Decimal]:
    """Base balances by (ledger, class)."""
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in trial_balance.to_pylist():
        sums[row["ledger"], row["share_class"] or ""] += row["base"]
    return sums
