"""``bo read``: what is in counterparties' files, whether it is proven, and what is wrong with it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bo_lib.run import screen
from bo_lib.run.errors import Exit, UsageError

if TYPE_CHECKING:
    from bo_lib.feeds import FileRead
    from bo_lib.model.findings import Finding, Outcome
    from bo_lib.workbench.office import Office

    Read = list[tuple[Path, Outcome[FileRead]]]

COLUMNS_SHOWN_MAX = 9
CELL_CHARACTERS_MAX = 28
_LESS_TELLING = ("file", "at", "statement_id")
_PROOFS = {True: "yes", False: "NO", None: "no balances"}


def read_files(arguments: argparse.Namespace) -> int:
    """Exit code: 0 read clean, 1 read with errors among the findings, 2 when a file is not readable at all."""
    from bo_lib import feeds

    paths = [path for given in arguments.files for path in _files(given)]
    if not paths:
        raise UsageError(f"{arguments.files[0]}: the folder holds no files")
    office = _office(arguments.root)
    mappings, schemas = (office.mappings, office.schemas) if office else ((), None)
    outcomes = [(path, feeds.read(path, mappings, schemas=arguments.schemas or schemas)) for path in paths]
    outcomes = _checked(_asked_for(outcomes, office) if office else outcomes)
    if arguments.json:
        said = [{"file": str(path), **feeds.summary(outcome)} for path, outcome in outcomes]
        alone = len(said) == 1 and not arguments.files[0].is_dir()
        _tell(json.dumps(said[0] if alone else said, indent=1, ensure_ascii=False))
    elif len(outcomes) == 1:
        _show_file(*outcomes[0], rows=arguments.rows)
    else:
        _show_files(outcomes)
    return max(_code(outcome) for _, outcome in outcomes)


def _tell(text: str) -> None:
    sys.stdout.write(text + "\n")


def _files(given: Path) -> list[Path]:
    return sorted(p for p in given.rglob("*") if p.is_file() and not p.name.startswith(".")) if given.is_dir() else [given]


def _office(root: Path | None) -> Office | None:
    """The firm, for its mappings and schemas; none where there is none, so that a file can be read anywhere."""
    from bo_lib.config import ParameterError
    from bo_lib.workbench.office import Office, find_root

    try:
        office = Office(root or find_root())
        _ = office.mappings, office.schemas
        return office
    except ParameterError:
        if root:
            raise
        return None


def _asked_for(outcomes: Read, office: Office) -> Read:
    """The same with a warning where no fund asks for the source of prices or rates."""
    from bo_lib.workbench.inbox import unused_sources

    return [(path, replace(o, findings=(*o.findings, *unused_sources(office, o.value)))) for path, o in outcomes]


def _checked(outcomes: Read) -> Read:
    """The same with what is only seen between files and statements: read twice, repeated, missing, broken chains."""
    import pyarrow as pa

    from bo_lib.feeds import statement_checks
    from bo_lib.model.findings import Place, error

    found: dict[int, list[Finding]] = {}
    first: dict[str, int] = {}
    for index, (path, outcome) in enumerate(outcomes):
        if outcome.value.sha256 and outcome.value.bytes and (before := first.setdefault(outcome.value.sha256, index)) != index:
            found.setdefault(index, []).append(
                error("file-read-twice", f"the same content as {outcomes[before][0]}; its rows would count twice", Place(path.name),
                      todo="leave it out; ask the sender for today's file if it was meant to be that")
            )  # fmt: skip
    tables = [
        o.value.tables["statements"] for i, (_, o) in enumerate(outcomes) if i not in found and "statements" in o.value.tables
    ]
    for one in statement_checks(pa.concat_tables(tables)) if tables else ():
        index = first.get(one.place.sha256, 0)
        if any((f.code, f.message, f.found) == (one.code, one.message, one.found) for f in outcomes[index][1].findings):
            continue  # the reader of the file has said so itself
        place = replace(one.place, file=outcomes[index][0].name, at=f"{one.place.at} {one.place.file}".strip())
        found.setdefault(index, []).append(replace(one, place=place))
    return [
        (path, replace(outcome, findings=(*outcome.findings, *found[index])) if index in found else outcome)
        for index, (path, outcome) in enumerate(outcomes)
    ]


def _code(outcome: Outcome[FileRead]) -> int:
    """Nothing of it readable (no format, or errors and not one row, kept or refused); errors; clean."""
    one = outcome.value
    if not one.format or not (outcome.ok or one.quarantined or any(t.num_rows for t in one.tables.values())):
        return Exit.USAGE
    return Exit.OK if outcome.ok else Exit.ATTENTION


def _show_file(path: Path, outcome: Outcome[FileRead], rows: int) -> None:
    from bo_lib import feeds

    said, one = feeds.summary(outcome), outcome.value
    kept = ", ".join(f"{count} {name}" for name, count in said["rows"].items()) or "nothing"
    about = [["format", one.format or "not recognised"], ["sha256", one.sha256], ["rows", kept]]
    screen.show(str(path), ["", ""], [*about, *([["refused rows", str(one.quarantined)]] if one.quarantined else [])])
    if said["statements"]:
        names = ["account", "number", "currency", "opening", "entries", "sum", "closing", "proven"]
        shown = [[_PROOFS[s[n]] if n == "proven" else _cell(s[n]) for n in names] for s in said["statements"]]
        screen.show("statements", names, shown)
    for name, table in one.tables.items():
        if name != "statements" and table.num_rows and rows > 0:
            _show_rows(name, table, rows)
    _show_findings(outcome.findings)


def _show_rows(name: str, table: Any, count: int) -> None:
    """The first rows of a table, in the columns that hold something."""
    first = table.slice(0, count)
    filled = [c for c in first.column_names if first[c].null_count < first.num_rows and c not in _LESS_TELLING]
    columns = filled[:COLUMNS_SHOWN_MAX]
    title = f"{name}: {first.num_rows} of {table.num_rows} rows"
    more = f", {len(filled) - len(columns)} more columns" if len(filled) > len(columns) else ""
    screen.show(title + more, columns, [[_cell(row[c]) for c in columns] for row in first.to_pylist()])


def _cell(value: Any) -> str:
    from decimal import Decimal

    from bo_lib.model.money import plain

    text = "" if value is None else plain(value) if isinstance(value, Decimal) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= CELL_CHARACTERS_MAX else text[: CELL_CHARACTERS_MAX - 1] + "…"


def _show_findings(findings: Iterable[Finding]) -> None:
    """Each finding as a small letter: what is wrong, where, what was found and expected, what to do."""
    for one in findings:
        _tell(f"{one.severity.value} {one.code}: {one.message}")
        said = {"at": str(one.place), "found": one.found, "expected": one.expected, "do": one.todo}
        for name, text in said.items():
            if text:
                _tell(f"    {name:<9}{text}")


def _show_files(outcomes: Read) -> None:
    rows = []
    for path, outcome in outcomes:
        one = outcome.value
        count = str(sum(table.num_rows for table in one.tables.values()))
        first = next((f"{f.code}: {f.message}"[:100] for f in outcome.findings if f.severity == "error"), "")
        rows.append([str(path), one.format or "not recognised", count, _proof(one), str(one.quarantined),
                     str(len(outcome.findings)), first])  # fmt: skip
    screen.show("files", ["file", "format", "rows", "proven", "refused", "findings", "first error"], rows)


def _proof(one: FileRead) -> str:
    """How many of the statements that carry balances are proven."""
    stated = [p for p in (one.tables["statements"]["proven"].to_pylist() if "statements" in one.tables else ()) if p is not None]
    return f"{sum(stated)} of {len(stated)}" if stated else "-"
