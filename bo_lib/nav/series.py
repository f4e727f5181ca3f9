"""Series: each dealing date opens a class with its own mark; those at their marks roll up into the oldest such."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from bo_lib.config import Fund, ShareClass
from bo_lib.model.dates import add_business_days
from bo_lib.model.events import Capital
from bo_lib.model.money import Rounding, round_money, round_to
from bo_lib.nav.performance import period_ends
from bo_lib.nav.strike import Strike


def rolled_up(struck: Strike, fund: Fund, holders: Mapping[tuple[str, str], Decimal]) -> tuple[Capital, ...]:
    """When a period ends: every series at its mark joins the oldest such, the units of each holder at equal value.

    ``holders``: (investor, class) -> units on the day. Units move on the next business day, to the last cent of the series; no
    money moves.
    """
    terms, made = fund.on(struck.day), list[Capital]()
    fee = terms.performance_fee
    if not fee or not fee.roll_up or not period_ends(struck.day, fund.calendar, fee.crystallisation, fee.year_end_month):
        return ()
    at_mark = [c for c in terms.classes if (s := struck.state.get(c.id)) and s.units and s.nav_per_unit == s.high_water_mark]
    for c in at_mark[1:]:
        lead, left = at_mark[0], struck.state[c.id].net_assets
        held = [(who, units) for (who, name), units in sorted(holders.items()) if name == c.id and units]
        for n, (who, units) in enumerate(held, start=1):
            part = round_money(struck.state[c.id].net_assets * units / struck.state[c.id].units, fund.base_currency)
            base = left if n == len(held) else part
            left -= base
            amount = struck.rates.convert(base, fund.base_currency, c.currency)
            taken = round_to(amount / (struck.state[lead.id].nav_per_unit or amount), lead.unit_decimals, Rounding.DOWN)
            made += [_leg(struck, fund, "EXCHANGE_OUT", who, c, units, amount, base, c.id),
                     _leg(struck, fund, "EXCHANGE_IN", who, lead, taken, amount, base, c.id)]  # fmt: skip
    return tuple(made)


def _leg(
    struck: Strike, fund: Fund, action: Literal["EXCHANGE_OUT", "EXCHANGE_IN"], investor: str, c: ShareClass, units: Decimal,
    amount: Decimal, base: Decimal, series: str,
) -> Capital:  # fmt: skip
    next_day = add_business_days(struck.day, 1, fund.calendar)
    reference = f"roll-up:{struck.day}:{series}:{investor}:{action.removeprefix('EXCHANGE_').lower()}"
    return Capital(
        event_id=f"{fund.id}:{reference}", fund=fund.id, effective_date=next_day, order_id=reference, investor=investor,
        share_class=c.id, action=action, units=units, amount=amount, amount_base=base, currency=c.currency, account="",
        settlement_date=next_day,
    )  # fmt: skip
