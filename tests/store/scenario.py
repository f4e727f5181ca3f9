"""Facts of an ordinary day, and a way past the triggers for those who tamper."""

from datetime import date
from typing import Any

import sqlalchemy as sa

from bo_lib.store import Fact, Store

JUNE_1 = date(2026, 6, 1)
EVENING = "2026-06-01T18:00:00Z"


def trade(number: int, stream: str = "EURO-UCITS", **payload: Any) -> Fact:
    return Fact(f"T{number}", stream, "event.trade", f"T{number}", JUNE_1, {"quantity": "100", "price": "12.50", **payload})


def price(isin: str, value: str, day: date = JUNE_1, number: int = 1) -> Fact:
    return Fact(f"{isin}/{day}/{number}", "market", "price", isin, day, {"price": value})


def tamper(store: Store, *statements: str, **values: Any) -> None:
    """As somebody with every right on the database would: triggers off, then the edit."""
    with store._database.write() as connection:
        if connection.dialect.name == "sqlite":
            for (name,) in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            for table in ("fact", "chain_head"):
                connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for statement in statements:
            connection.execute(sa.text(statement), values)
