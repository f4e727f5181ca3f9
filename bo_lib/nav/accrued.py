"""Accrued interest of bonds: to the day of valuation on what has settled by agreement, bought or sold with what has not.

Interest on a trade runs to its settlement date. Until then the buyer has what he pays for interest and the seller goes on earning;
from then on the buyer earns (Eagle Accounting, Interest purchased and sold). The agreed date counts although delivery is late: the
money stays what was agreed for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from bo_lib.books import Book
from bo_lib.books.bonds import DAY_COUNTS, accrued_interest, coupon_period, days_between, year_fraction
from bo_lib.books.state import place_of
from bo_lib.model.events import Trade
from bo_lib.model.findings import Finding, Outcome, warning
from bo_lib.model.money import plain
from bo_lib.nav.columns import rows_where

__all__ = ["DAY_COUNTS", "Accrued", "accrued_interest", "bond_interest", "coupon_period", "days_between", "year_fraction"]

_ROUNDING = Decimal("0.000005")  # of the nominal: interest per 100 of it may be rounded to three decimals


class Accrued(NamedTuple):
    """Nominal that has settled by agreement; interest on it, and bought with the rest (sold: negative), in the bond's currency."""

    nominal: Decimal
    interest: Decimal


def bond_interest(book: Book, bonds: Mapping[str, Mapping[str, Any]], day: date) -> Outcome[dict[str, Accrued]]:
    """Interest at the close of ``day`` of every bond held or still to settle, by ISIN. ``bonds``: rows of INSTRUMENTS by ISIN.

    Terms that are missing give an error, interest of a trade that is not the terms' a warning.
    """
    nominal: dict[str, Decimal] = defaultdict(Decimal)
    traded: dict[str, Decimal] = defaultdict(Decimal)
    findings: list[Finding] = []
    for row in rows_where(book.positions("trade"), "isin", bonds.__contains__).to_pylist():
        nominal[row["isin"]] += row["quantity"]
    for trade, quantity in book.settling_after(day):
        if trade.isin in bonds:
            nominal[trade.isin] -= quantity
            traded[trade.isin] += trade.accrued_interest if quantity > 0 else -trade.accrued_interest
            findings += _agreed(trade, bonds[trade.isin])
    found = {}
    for isin, settled in nominal.items():
        accrued = _to(day, settled * book.index_ratios.get(isin, Decimal(1)), bonds[isin])
        findings += accrued.findings
        found[isin] = Accrued(settled, accrued.value + traded[isin])
    return Outcome(found, tuple(findings))


def _to(day: date, nominal: Decimal, bond: Mapping[str, Any]) -> Outcome[Decimal]:
    return accrued_interest(nominal, bond, day, ex_dividend_days=bond.get("ex_dividend_days") or 0)


def _agreed(trade: Trade, bond: Mapping[str, Any]) -> list[Finding]:
    """A letter when the interest of a trade is not what the bond's terms give to its settlement."""
    due = _to(trade.settlement_date, trade.quantity * trade.index_ratio, bond)
    if not due.ok or abs(due.value - trade.accrued_interest) <= trade.quantity * _ROUNDING + Decimal("0.01"):
        return []
    said = f"{trade.side} {trade.trade_id}: interest to {trade.settlement_date} is not what the terms of {trade.isin} give"
    found, expected = plain(trade.accrued_interest), plain(due.value)
    todo = "agree it with the counterparty, or correct the terms: income is wrong by the difference"
    return [
        warning("interest-agreed-differs", said, place_of(trade, "accrued_interest"), found=found, expected=expected, todo=todo)
    ]
