"""A table as a file: CSV, Parquet or XLSX, by the name's ending."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from bo_lib.config import ParameterError
from bo_lib.views.report import Report

ENDINGS = (".csv", ".parquet", ".xlsx")


def check_ending(path: Path) -> None:
    """Raises ``ParameterError`` for a name that ends in none of ``ENDINGS``."""
    if path.suffix.lower() not in ENDINGS:
        raise ParameterError(f"{path}: expected a name that ends in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}")


def write_table(report: Report, rows: pa.Table, path: Path) -> None:
    """Writes ``rows`` to ``path``; a workbook has the whole ``report``. What was there is replaced only when it is complete."""
    check_ending(path)
    aside = path.with_name(f"{path.name}.part")
    try:
        _write(report, rows, aside, path.suffix.lower())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _write(report: Report, rows: pa.Table, path: Path, ending: str) -> None:
    if ending == ".xlsx":
        report.to_excel(path)
    elif ending == ".parquet":
        import pyarrow.parquet

        pyarrow.parquet.write_table(rows, path)
    else:
        import pyarrow.csv

        pyarrow.csv.write_csv(rows, path)
