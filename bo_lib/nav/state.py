"""What the next strike needs to know of each class: facts of the strike before, kept as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

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
