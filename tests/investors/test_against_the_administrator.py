"""Orders of the demonstration's month, dealt by our code at our prices, become the administrator's capital; units agree daily."""

from __future__ import annotations

from datetime import date

import pytest

from bo_lib.investors import deal, register, validate
from bo_lib.model.money import ZERO
from bo_lib.model.tables import ORDERS
from bo_lib.nav import dealing_prices, opening_state, strike
from tests.nav.demonstration import demonstrate

# Days after which the dealing of the month is done: the swing day and the month's end are among them.
LAST = date(2026, 7, 2)


@pytest.mark.parametrize("fund_id", ["GLOBAL-EQ-LS", "EURO-UCITS", "GLOBAL-BOND", "HARBOUR-PE"])
def test_orders_become_the_administrators_capital(fund_id: str) -> None:
    demo = demonstrate(fund_id, LAST)
    fund, state, accruals, done, notes = demo.fund, opening_state(demo.opening_pack, demo.opening_balances).value, [], [], 0
    for day in demo.days:
        struck = strike(
            demo.book(day, accruals), demo.priced(day), demo.rates(day), fund, day, state, instruments=demo.instruments
        ).value
        state, accruals = struck.state, [*accruals, *struck.accruals]
        holders = register(fund, demo.opening_units, done)
        assert holders.ok
        theirs = {r["share_class"]: r["quantity"] for r in demo.packs[day].to_pylist() if r["component"] == "units"}
        assert {c: u for c, u in holders.value.by_class(day).items() if u} == theirs
        orders = ORDERS.build({k: v for k, v in o.items() if k in ORDERS.names} for o in demo.orders[day]).value
        valid = validate(orders, fund, holders.value, day)
        assert valid.value.accepted.num_rows == orders.num_rows, [str(f) for f in valid.findings]
        per_unit = {name: row["nav_per_unit"] for name, row in struck.rows.items()}
        prices = dealing_prices(per_unit, struck.net_assets, valid.value.flows(), fund.on(day), demo.rates(day), fund.base_currency)
        dealt = deal(valid.value.accepted, prices, demo.rates(day), fund, day)
        assert dealt.ok
        same = (
            "order_id",
            "investor",
            "share_class",
            "action",
            "units",
            "amount",
            "amount_base",
            "effective_date",
            "settlement_date",
        )
        ours = sorted([tuple(getattr(c, name) for name in same) for c in dealt.value.capital])
        assert ours == sorted([tuple(getattr(c, name) for name in same) for c in demo.capital[day]]), day
        done += dealt.value.capital
        notes += dealt.value.notes.num_rows
        assert all(n["remainder"] >= ZERO for n in dealt.value.notes.to_pylist())
    assert notes
