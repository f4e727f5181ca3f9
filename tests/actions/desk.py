"""Announcements in a line, for tests of the corporate actions desk."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa

from bo_lib.actions import GoldenEvent, golden
from bo_lib.model.findings import Outcome
from bo_lib.model.money import decimal_from
from bo_lib.model.tables import ANNOUNCEMENTS, POSITIONS

_DECIMALS = ("rate", "withholding_pct", "price", "ratio_new", "ratio_old", "eligible")


def june(day: int) -> date:
    return date(2026, 6, day)


def said(sender: str, reference: str, caev: str, isin: str, **fields: Any) -> dict[str, Any]:
    """One row of an announcement; days of June as numbers. Custodians name an account, vendors do not."""
    row: dict[str, Any] = {
        "function": "NEWM",
        "account": "GENR" if "VENDOR" in sender else f"{sender}-1",
        "option": "001",
        **fields,
    }
    for name, value in row.items():
        if isinstance(value, int) and (name.endswith("_date") or name == "deadline"):
            row[name] = june(value)
        if name in _DECIMALS and value is not None:
            row[name] = decimal_from(value)
    return {"sender": sender, "event_ref": reference, "caev": caev, "isin": isin, **row}


def dividend(sender: str, reference: str = "D1", **fields: Any) -> dict[str, Any]:
    terms = {"ex_date": 10, "record_date": 11, "payment_date": 16, "currency": "EUR", "rate": "1.25", "withholding_pct": "15"}
    return said(
        sender, reference, "DVCA", "SHARE", **{"camv": "MAND", "option_type": "CASH", "movement": "cash-1", **terms, **fields}
    )


def table(*rows: dict[str, Any]) -> pa.Table:
    built = ANNOUNCEMENTS.build(rows)
    assert not built.findings
    return built.value


def heard(*rows: dict[str, Any], **more: Any) -> Outcome[list[GoldenEvent]]:
    return golden(table(*rows), **more)


def holding(**quantities: str | int) -> pa.Table:
    """Positions of the account BANK; ``SHARE=100``, or ``BROKER_SHARE=100`` for another account."""
    rows = []
    for name, quantity in quantities.items():
        account, isin = name.split("_") if "_" in name else ("BANK", name)
        rows.append({"account": account, "isin": isin, "quantity": decimal_from(quantity), "cost_local": decimal_from(0),
                     "cost_base": decimal_from(0), "currency": "EUR"})  # fmt: skip
    return POSITIONS.build(rows).value


def codes(outcome: Outcome[Any]) -> list[str]:
    return [finding.code for finding in outcome.findings]
