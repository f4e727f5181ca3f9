"""Profit and loss of a period by instrument: prices apart from currencies, realised apart from unrealised, income, expenses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bo_lib.config import ChartOfAccounts
from bo_lib.model.money import ZERO
from bo_lib.model.tables import AMOUNT, TEXT, Column, Table, built

PROFIT_AND_LOSS = Table("profit_and_loss", "result by instrument in base currency, gains positive", ("item",), (
    Column("item", TEXT, "ISIN; of what is of none: the currency of the balances, or the ledger account", True),
    Column("realised_price", AMOUNT, "price gains on what was closed, at the rate of the closing", True),
    Column("realised_currency", AMOUNT, "currency gains on what was closed or settled", True),
    Column("unrealised_price", AMOUNT, "change of market value less cost, from prices", True),
    Column("unrealised_currency", AMOUNT, "the same from currencies, and balances at the rates of the day", True),
    Column("income", AMOUNT, "dividends, interest and other income", True),
    Column("expense", AMOUNT, "withholding, interest, fees: negative", True),
    Column("total", AMOUNT, "all of them", True),
))  # fmt: skip

_GAINS = {
    "realised_gain": "realised_price", "futures_gain": "realised_price", "realised_currency_gain": "realised_currency",
    "hedge_gain": "realised_currency", "unrealised_gain": "unrealised_price", "unrealised_currency_gain": "unrealised_currency",
}  # fmt: skip
_MARKED = {"hedge_gain": "unrealised_currency"}  # in the marks: forwards that are still open
_OF_CURRENCIES = frozenset(("realised_currency_gain", "unrealised_currency_gain"))


def profit_and_loss(
    journal: pa.Table, marks: pa.Table, chart: ChartOfAccounts, *, first: date | None = None, marks_before: pa.Table | None = None
) -> pa.Table:
    """Table PROFIT_AND_LOSS of ``journal`` (table JOURNAL up to the last day) from ``first`` on; None: since the books began.

    ``marks``: JOURNAL lines that bring the books to market at the end, ``marks_before``: at the close before ``first``. Adds up
    to what the income and expense accounts of the trial balance, with marks, have moved by: see ``result``.
    """
    sums: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    booked = (row for row in _rows(journal) if first is None or row["effective_date"] >= first)
    at_market = _GAINS | _MARKED
    for sign, lines, columns in ((1, booked, _GAINS), (1, _rows(marks), at_market), (-1, _rows(marks_before), at_market)):
        for row in lines:
            if (kind := chart.type_of(row["ledger"])) in ("income", "expense"):
                sums[_item(row)][columns.get(row["ledger"], kind)] -= sign * row["base"]
    names = [name for name in PROFIT_AND_LOSS.names if name not in ("item", "total")]
    return built(PROFIT_AND_LOSS, (
        {"item": item, **{name: found[name] for name in names}, "total": sum(found.values(), ZERO)}
        for item, found in sorted(sums.items()) if any(found.values())
    ))  # fmt: skip


def result(lines: pa.Table | None, chart: ChartOfAccounts) -> Decimal:
    """What income and expense accounts of a TRIAL_BALANCE or JOURNAL add up to in base currency, gains positive."""
    return -sum((row["base"] for row in _rows(lines) if chart.type_of(row["ledger"]) in ("income", "expense")), ZERO)


def _rows(lines: pa.Table | None) -> Iterable[dict[str, Any]]:
    return lines.to_pylist() if lines is not None else ()


def _item(row: Mapping[str, Any]) -> str:
    return str(row["isin"] or (row["currency"] if row["ledger"] in _OF_CURRENCIES else row["ledger"]))
