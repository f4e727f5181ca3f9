"""How a CSV or XLSX of some sender becomes canonical tables: one YAML file per kind of file, in ``parameters/mappings``.

``format`` names it, ``match`` holds header cells by which it is recognised. Each entry of ``tables`` fills one canonical
table: ``columns`` from header cells, ``constants`` from fixed values, ``formulas`` from text with ``{Header}`` in it;
``values`` translates codes; ``negate_when`` turns a sign where another cell says so.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from pydantic import Field, field_validator, model_validator

from bo_lib.config import Strict, load
from bo_lib.model.tables import TABLES

_PLACE = re.compile(r"\{([^{}]+)\}")


class NegateWhen(Strict):
    """``column`` (canonical) changes its sign in rows whose cell ``header`` equals one of ``equals``."""

    column: str
    header: str
    equals: str | tuple[str, ...]


class TableMapping(Strict):
    """How rows of a sheet fill one canonical table."""

    table: str
    sheet: str = ""  # XLSX: the sheet's name; empty: the first sheet that has the header
    columns: dict[str, str] = Field({})  # canonical column <- header cell
    constants: dict[str, str | int | bool] = Field({})
    formulas: dict[str, str] = Field({})
    values: dict[str, dict[str, str]] = Field({})
    negate_when: NegateWhen | None = None

    @model_validator(mode="after")
    def _known(self) -> TableMapping:
        if self.table not in TABLES:
            raise ValueError(f"no canonical table {self.table!r}{_near(self.table, TABLES)}")
        names = TABLES[self.table].names
        given = [*self.columns, *self.constants, *self.formulas]
        for name in [*given, *self.values, *([self.negate_when.column] if self.negate_when else [])]:
            if name not in names or name in ("file", "at"):
                raise ValueError(f"{self.table} has no column {name!r} to fill{_near(name, names)}")
        if doubled := {name for name in given if given.count(name) > 1}:
            raise ValueError(f"{self.table}: filled twice: {', '.join(sorted(doubled))}")
        if lacking := [c.name for c in TABLES[self.table].columns if c.required and c.name not in given]:
            raise ValueError(f"{self.table}: every row needs {', '.join(lacking)}: give a column, constant or formula for it")
        if not self.headers:
            raise ValueError(f"{self.table}: at least one value must come from a header cell")
        return self

    @property
    def headers(self) -> list[str]:
        """Every header cell that is needed, each once."""
        found = [*self.columns.values(), *(h for f in self.formulas.values() for h in _PLACE.findall(f))]
        return list(dict.fromkeys([*found, *([self.negate_when.header] if self.negate_when else [])]))

    def filled(self, name: str, cells: dict[str, str]) -> str:
        """The formula of column ``name`` with the texts of header cells in place."""
        return _PLACE.sub(lambda found: cells[found[1]], self.formulas[name])


class Mapping(Strict):
    """parameters/mappings/<name>.yaml"""

    format: str = Field(pattern=r"^[a-z][a-z0-9_.]*$")
    match: tuple[str, ...] = Field(min_length=1)
    delimiter: str = Field("", max_length=1)
    encoding: str = "utf-8"
    decimal: str = Field(".", pattern=r"^[.,]$")
    thousands: str = Field("", max_length=1)
    dates: str | tuple[str, ...] = "%Y-%m-%d"
    tables: tuple[TableMapping, ...] = Field(min_length=1)

    @field_validator("encoding")
    @classmethod
    def _encoding(cls, value: str) -> str:
        try:
            "".encode(value)
        except LookupError:
            raise ValueError(f"no encoding {value!r}; such as utf-8, cp1252, utf-16") from None
        return value

    @model_validator(mode="after")
    def _apart(self) -> Mapping:
        if self.thousands and (self.thousands == self.decimal or self.thousands.isalnum()):
            raise ValueError(f"thousands {self.thousands!r} cannot be told from digits or the decimal {self.decimal!r}")
        return self

    @property
    def date_formats(self) -> tuple[str, ...]:
        return (self.dates,) if isinstance(self.dates, str) else self.dates


# How values are written where no mapping says it: ISO dates, a decimal point
PLAIN = Mapping.model_validate({
    "format": "plain", "match": ("x",),
    "tables": ({"table": "statements", "columns": {"statement_id": "x", "account": "x", "kind": "x"}},),
})  # fmt: skip


def _near(name: str, known: object) -> str:
    near = difflib.get_close_matches(name, list(known), 1)  # type: ignore[call-overload]
    return f"; did you mean {near[0]!r}?" if near else ""


def load_mappings(folder: Path) -> tuple[Mapping, ...]:
    """Every mapping of a folder, by file name. Raises ``bo_lib.config.ParameterError`` for a file that cannot be used."""
    return tuple(load(path, Mapping) for path in sorted(folder.glob("*.yaml")))
