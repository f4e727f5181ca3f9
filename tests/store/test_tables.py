"""Bulk tables are kept once under their hash, and a damaged one is never handed out."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from bo_lib.model.tables import PRICES
from bo_lib.store import StoreFull, TableDamaged, TableMissing, TableStore

SCHEMA = pa.schema([PRICES.schema.field(name) for name in ("isin", "price_date", "price", "currency", "source")])


def prices(days: int = 20) -> pa.Table:
    rows = [
        {"isin": f"LU{i:010}", "price_date": date(2026, 6, 1), "price": Decimal(i) / 8, "currency": "EUR", "source": "VENDOR-A"}
        for i in range(days)
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def test_a_table_comes_back_as_it_was(tmp_path: Path) -> None:
    tables = TableStore(tmp_path / "tables")
    sha256 = tables.put(prices())
    assert tables.get(sha256).equals(prices(), check_metadata=True)
    assert sha256 in tables and "0" * 64 not in tables


def test_the_same_rows_are_kept_once_however_they_are_cut(tmp_path: Path) -> None:
    tables = TableStore(tmp_path)
    whole = prices()
    cut = pa.concat_tables([whole.slice(0, 3), whole.slice(3, 11), whole.slice(14)])
    noted = whole.replace_schema_metadata({"pandas": "index"})
    longer = prices(25).slice(0, 20)
    assert {tables.put(t) for t in (whole, whole, cut, noted, longer)} == {tables.put(whole)}
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_an_empty_table_is_a_table(tmp_path: Path) -> None:
    tables = TableStore(tmp_path)
    assert tables.get(tables.put(prices(0))).equals(prices(0))


def test_one_changed_value_or_type_is_another_table(tmp_path: Path) -> None:
    tables = TableStore(tmp_path)
    other = prices().set_column(2, "price", prices()["price"].cast(pa.decimal128(38, 11)))
    assert len({tables.put(t) for t in (prices(), prices(19), other)}) == 3


def test_a_damaged_file_is_refused_on_reading_and_on_writing_again(tmp_path: Path) -> None:
    tables = TableStore(tmp_path)
    sha256 = tables.put(prices())
    path = tables.path(sha256)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    with pytest.raises(TableDamaged, match=r"altered or damaged; found SHA-256 .*Move the file away"):
        tables.get(sha256)
    with pytest.raises(TableDamaged):
        tables.put(prices())
    assert path.read_bytes() == bytes(content)


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    for name in ("0" * 64, "../../etc/passwd", ""):
        with pytest.raises(TableMissing):
            TableStore(tmp_path).get(name)


def test_no_room_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bo_lib.store.tables.os.fsync", full)
    with pytest.raises(StoreFull, match="no room left; nothing was kept"):
        TableStore(tmp_path).put(prices())
    assert list(tmp_path.rglob("*.parquet")) == [] and list(tmp_path.iterdir()) == []
