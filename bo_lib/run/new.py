"""An empty firm to fill: commented parameters, the rules that hold for everybody, and the notebooks."""

from __future__ import annotations

import shutil
from pathlib import Path

import bo_lib
from bo_lib.model.tables import AMOUNT, COUNT, DATE, FLAG, PRICE, QUANTITY, RATE, TABLES, TEXT, Table
from bo_lib.run.errors import UsageError

TEMPLATE = Path(__file__).parent / "new_firm"
SHARED = ("rules", "recon", "statements", "schedule.yaml", "filings.yaml", "close.yaml")  # of the trade, not of one firm
READY = {  # mappings of what an administrator sends in a plain layout, and of a list of positions
    "meridian_opening.yaml": "opening.yaml",
    "meridian_nav_pack.yaml": "nav_pack.yaml",
    "opening_positions.yaml": "opening_positions.yaml",
}
_KINDS = {
    TEXT: "text",
    DATE: "date",
    FLAG: "yes/no",
    COUNT: "count",
    AMOUNT: "amount",
    QUANTITY: "quantity",
    PRICE: "price",
    RATE: "rate",
}


def project() -> Path:
    """Where the notebooks and parameters of the project are: beside the package, or inside it when installed from a wheel."""
    package = Path(bo_lib.__file__).parent
    for folder in (package.parent, package / "project"):
        if (folder / "notebooks").is_dir() and (folder / "parameters").is_dir():
            return folder
    raise UsageError(
        f"the project's notebooks and parameters are not beside {package}; install from a clone with `pip install -e .`"
    )


def check_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not empty; nothing was written. Name a new folder: `bo new DIR` never writes over anything")


def new_firm(folder: Path) -> Path:
    """Write an empty firm to ``folder``, which must not exist or be empty (``UsageError``); returns it."""
    check_empty(folder)
    source = project()
    shutil.copytree(TEMPLATE, folder / "parameters", dirs_exist_ok=True)
    for name in SHARED:
        _copy(source / "parameters" / name, folder / "parameters" / name)
    _write_mappings(source / "parameters" / "mappings", folder / "parameters" / "mappings")
    (folder / "inbox").mkdir()
    _copy_notebooks(source, folder)
    return folder


def _write_mappings(source: Path, target: Path) -> None:
    """Mappings of plain layouts ready for use, the others as examples to copy, and the tables that they fill."""
    target.mkdir()
    for path in sorted(source.glob("*.yaml")):
        _copy(path, target / READY.get(path.name, f"{path.name}.example"))
    (target / "TABLES.txt").write_text("\n\n".join(map(_described, TABLES.values())) + "\n", "utf-8")


def _described(table: Table) -> str:
    lines = [f"{table.name}: {table.says}"]
    lines += [
        f"  {c.name:24} {_KINDS.get(c.type, str(c.type)):9} {'required' if c.required else '':9} {c.says}" for c in table.columns
    ]
    return "\n".join(line.rstrip() for line in lines)


def complete_firm(root: Path) -> None:
    """Give a firm what it lacks to run notebooks: the notebooks and the shared parameters. Nothing there is written over."""
    source = project()
    for name in ("notebooks", *(f"parameters/{shared}" for shared in SHARED)):
        if not (root / name).exists():
            _copy(source / name, root / name)


def demonstration_firm(folder: Path) -> Path:
    """Copy the demonstration firm's parameters and the notebooks to an empty ``folder``."""
    check_empty(folder)
    source = project()
    _copy(source / "parameters", folder / "parameters")
    _copy_notebooks(source, folder)
    return folder


def _copy_notebooks(source: Path, folder: Path) -> None:
    _copy(source / "notebooks", folder / "notebooks")
    (folder / "outputs").mkdir(exist_ok=True)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__"))
    elif source.exists():
        shutil.copy2(source, target)
