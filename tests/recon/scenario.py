"""Small words for the desk: dates of June 2026, rows of both sides, rules as shipped."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from bo_lib.recon import Rules
from bo_lib.recon.cash import CASH_ROWS


def june(day: int) -> date:
    return date(2026, 6, day)


def cash_rows(*rows: tuple[str, int, str | None], account: str = "ALPINE", currency: str = "EUR") -> pa.Table:
    """(amount, day of June, reference) -> rows as the matcher compares them."""
    return pa.Table.from_pylist(
        [
            {"account": account, "currency": currency, "amount": Decimal(amount), "value_date": june(day), "reference": reference}
            for amount, day, reference in rows
        ],
        CASH_ROWS,
    )


def rules_of(*passes: dict[str, Any], **more: Any) -> Rules:
    """Rules over account, currency, amount, value_date and reference with the passes named."""
    named = [{"id": f"pass-{n}", **step} for n, step in enumerate(passes)]
    return Rules.model_validate({
        "name": "test", "version": 1, "title": "Test", "left": {"name": "books"}, "right": {"name": "bank"},
        "scope": ["account", "currency"], "amount": "amount", "date": "value_date", "reference": "reference", "passes": named,
        **more,
    })  # fmt: skip
