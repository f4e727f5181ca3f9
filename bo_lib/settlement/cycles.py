"""When a trade settles: the market's cycle in force on the trade date, counted on its settlement calendar.

A day on which the exchange trades but nothing settles (Columbus Day in the US) is a trade date like any other and no settlement
date.
"""

from __future__ import annotations

from datetime import date

from bo_lib.config import Cycle, Cycles
from bo_lib.model import dates

FX_MARKET = "FX"


class UnknownCycleError(LookupError):
    """No settlement cycle is known; the message says for what, and which markets there are."""


def cycle_of(trade_date: date, market: str, instrument_kind: str, cycles: Cycles) -> Cycle:
    """The row in force: one for the kind of instrument before one for any, then the latest start on or before the trade date."""
    fitting = [
        c for c in cycles.cycles if c.market == market and c.start <= trade_date and c.instrument in ("any", instrument_kind)
    ]
    if not fitting:
        known = ", ".join(sorted({c.market for c in cycles.cycles}))
        raise UnknownCycleError(
            f"no settlement cycle of {market!r} ({instrument_kind}) is in force on {trade_date}; known markets: {known}"
        )
    return max(fitting, key=lambda c: (c.instrument != "any", c.start))


def settlement_date(trade_date: date, market: str, instrument_kind: str, cycles: Cycles) -> date:
    """Intended settlement date of a trade of ``trade_date``. Raises ``UnknownCycleError``."""
    cycle = cycle_of(trade_date, market, instrument_kind, cycles)
    return dates.add_business_days(trade_date, cycle.days, cycle.calendar)


def spot_date(trade_date: date, one: str, other: str, cycles: Cycles) -> date:
    """Value date of a spot deal between two currencies: two business days of both, one for a pair that the table names.

    The last day must be a business day in both currencies; the days between only outside the US dollar, as is practice.
    """
    pair = "".join(sorted((one, other)))
    cycle = cycle_of(trade_date, FX_MARKET, pair, cycles)
    both = "+".join(dates.CURRENCY_CALENDAR[currency] for currency in (one, other))
    between = "+".join(dates.CURRENCY_CALENDAR[currency] for currency in (one, other) if currency != "USD") or both
    day = trade_date if cycle.days < 2 else dates.add_business_days(trade_date, cycle.days - 1, between)
    return dates.add_business_days(day, 1, both)
