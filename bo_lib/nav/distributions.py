"""Distributions by the terms of a class: what each holder is owed from the record date, and the NAV without it the day after."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from bo_lib.config import Fund
from bo_lib.model.dates import add_business_days
from bo_lib.model.events import Capital
from bo_lib.model.money import ZERO, round_money
from bo_lib.nav.strike import Strike


def distributed(struck: Strike, fund: Fund, holders: Mapping[tuple[str, str], Decimal]) -> tuple[Capital, ...]:
    """Capital to pay for every distribution whose record date is the day of the strike, the gross amount of each holder rounded.

    ``holders``: (investor, class) -> units on the day. Withholding and reinvestment are the investor's: see ``investors``.
    """
    terms, ex_date = fund.on(struck.day), add_business_days(struck.day, 1, fund.calendar)
    made = []
    for c in terms.classes:
        for d in (d for d in c.distributions if d.record == struck.day):
            for who, units in sorted((who, n) for (who, name), n in holders.items() if name == c.id and n):
                amount, reference = round_money(units * d.rate_per_unit, c.currency), f"distribution:{d.record}:{c.id}:{who}"
                made.append(Capital(
                    event_id=f"{fund.id}:{reference}", fund=fund.id, effective_date=ex_date, order_id=reference, investor=who,
                    share_class=c.id, action="DISTRIBUTE", units=ZERO, amount=amount, currency=c.currency,
                    amount_base=struck.rates.convert(amount, c.currency, fund.base_currency),
                    account=terms.dealing.account or fund.accounts[0].id, settlement_date=d.payable,
                ))  # fmt: skip
    return tuple(made)
