"""A notebook as a run sees it: its source, its parameters, and whether a request fits it. Nothing is executed here."""

from __future__ import annotations

import ast
import difflib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from bo_lib.config import Fund
from bo_lib.run.errors import UsageError


@dataclass(frozen=True)
class Notebook:
    """``parameters``: the names of the tagged cell with their defaults. ``sha256`` is over the sources, not the outputs."""

    name: str
    path: Path
    parameters: Mapping[str, str]
    sha256: str


def find(root: Path, name: str) -> Path:
    """The path of a notebook given by name (``nav_strike``) or path; ``UsageError`` with the nearest known name."""
    for path in (Path(name), root / name, root / "notebooks" / name, root / "notebooks" / f"{name}.ipynb"):
        if path.suffix == ".ipynb" and path.is_file():
            return path.resolve()
    pages = [p for p in (root / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts]
    same = [p for p in pages if p.stem == name]
    if len(same) == 1:
        return same[0].resolve()
    known = sorted(p.stem for p in pages)
    near = difflib.get_close_matches(Path(name).stem, known, 1)
    said = f"did you mean {near[0]}?" if near else f"known: {', '.join(known) or 'none'}"
    raise UsageError(f"no notebook {name!r} in {root / 'notebooks'}; {said}")


def read(path: Path) -> Notebook:
    """Source and parameters of a notebook. Raises ``UsageError`` when it is unreadable or has no parameters cell."""
    try:
        cells = json.loads(path.read_text("utf-8"))["cells"]
        sources = [[c["cell_type"], "".join(c["source"]), sorted(c.get("metadata", {}).get("tags", []))] for c in cells]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as reason:
        raise UsageError(f"{path}: not a readable notebook ({reason}); restore it from version control") from None
    sha256 = hashlib.sha256(json.dumps(sources).encode()).hexdigest()
    tagged = [source for kind, source, tags in sources if kind == "code" and "parameters" in tags]
    if not tagged:
        raise UsageError(
            f"{path}: no cell is tagged `parameters`; tag the cell that sets fund and business_date, so that a run can set them"
        )
    return Notebook(path.stem, path, _parameters(path, tagged[0]), sha256)


def _parameters(path: Path, source: str) -> dict[str, str]:
    found: dict[str, Any] = {}
    try:
        for statement in ast.parse(source).body:
            found.update(_assigned(statement))
    except SyntaxError as reason:
        raise UsageError(f"{path}: the parameters cell is not Python: line {reason.lineno}: {reason.msg}") from None
    except ValueError as reason:
        raise UsageError(f'{path}: the parameters cell sets plain text only, such as fund = "EURO-UCITS"; found {reason}') from None
    for name, value in found.items():
        if not isinstance(value, str):
            raise UsageError(
                f"{path}: parameter {name} = {value!r} is not text; write {name} = {str(value)!r}: the library parses it"
            )
    return found


def _assigned(statement: ast.stmt) -> dict[str, Any]:
    """Names and literal values of one assignment: ``a = "x"``, ``a: str = "x"`` or ``a, b = "x", "y"``."""
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
        return {statement.target.id: ast.literal_eval(statement.value)}
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        raise ValueError(repr(ast.unparse(statement)))
    target, value = statement.targets[0], statement.value
    if isinstance(target, ast.Name):
        return {target.id: ast.literal_eval(value)}
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        return {ast.unparse(t): ast.literal_eval(v) for t, v in zip(target.elts, value.elts, strict=True)}
    raise ValueError(repr(ast.unparse(statement)))


def check_parameters(notebook: Notebook, given: Mapping[str, str]) -> None:
    """Every given name is one of the notebook's, every value is text, and fund and date are given where it takes them."""
    for name, value in given.items():
        if name not in notebook.parameters:
            near = difflib.get_close_matches(name, notebook.parameters, 1)
            said = f"did you mean {near[0]!r}?" if near else f"it takes {', '.join(notebook.parameters)}"
            raise UsageError(f"{notebook.name} has no parameter {name!r}; {said}")
        if not isinstance(value, str):
            raise TypeError(f"parameter {name}: {value!r} is not text")
    if given.get("known_at"):
        from bo_lib.store import instant

        try:
            instant(given["known_at"])
        except ValueError as reason:
            raise UsageError(f"known_at: {reason}") from None
    for name, flag in (("fund", "--fund"), ("business_date", "--date")):
        if name in notebook.parameters and name not in given:
            raise UsageError(f"{notebook.name} needs {flag}: which {'fund' if name == 'fund' else 'business date'} is the run for?")


def check_business_date(fund: Fund, text: str) -> date:
    """The business date of a run. A holiday or a weekend is refused with the business days around it."""
    from bo_lib.model.dates import add_business_days, is_business_day, parse_date

    try:
        day = parse_date(text)
    except ValueError as reason:
        raise UsageError(str(reason)) from None
    if not is_business_day(day, fund.calendar):
        before, after = add_business_days(day, -1, fund.calendar), add_business_days(day, 1, fund.calendar)
        raise UsageError(
            f"{day} ({day:%A}) is no business day of {fund.id} (calendar {fund.calendar}); "
            f"the business day before is {before}, the next one is {after}"
        )
    fund.on(day)
    return day
