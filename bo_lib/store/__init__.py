"""Facts with two clocks in a hash chain, and bulk tables under their hash."""

from bo_lib.store.errors import (
    ClockBehind,
    Conflict,
    StoreAltered,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreUnreachable,
    TableDamaged,
    TableMissing,
)
from bo_lib.store.facts import Appended, Fact, Head, StoredFact, anchor_of, instant
from bo_lib.store.store import Store
from bo_lib.store.tables import TableStore

__all__ = [
    "Appended", "ClockBehind", "Conflict", "Fact", "Head", "Store", "StoreAltered", "StoreError", "StoreFull", "StoreLocked",
    "StoreUnreachable", "StoredFact", "TableDamaged", "TableMissing", "TableStore", "anchor_of", "instant",
]  # fmt: skip
