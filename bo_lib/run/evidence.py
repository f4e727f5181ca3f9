"""What a run depended on, as hashes: code, locked dependencies, parameter files, inbox files and the facts in the store."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import bo_lib


def digest(said: Any) -> str:
    """SHA-256 of plain data as canonical JSON."""
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_hashes(folder: Path) -> dict[str, str]:
    """Relative name -> SHA-256 of every file under ``folder``."""
    return {p.relative_to(folder).as_posix(): file_sha256(p) for p in sorted(folder.rglob("*")) if p.is_file()}


def _package_files() -> Iterable[Path]:
    root = Path(bo_lib.__file__).parent
    return (p for p in sorted(root.rglob("*")) if p.is_file() and "__pycache__" not in p.parts and "new_firm" not in p.parts)


@cache
def code_version() -> dict[str, str]:
    """The hash over the files of the library as installed; the commit and whether it is changed are for people."""
    root = Path(bo_lib.__file__).parent
    content = digest([[p.relative_to(root).as_posix(), file_sha256(p)] for p in _package_files()])
    commit = _git(root, "rev-parse", "HEAD")
    changed = "yes" if commit and _git(root, "status", "--porcelain", "--", ".") else "no"
    return {"content_sha256": content, **({"commit": commit, "changed": changed} if commit else {})}


def _git(folder: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


@cache
def lock_sha256(root: Path) -> str:
    """The hash of ``requirements.lock`` of the firm or of the project; without one, of what is installed."""
    for path in (root / "requirements.lock", Path(bo_lib.__file__).parents[1] / "requirements.lock"):
        if path.is_file():
            return file_sha256(path)
    return digest(sorted(_installed().items()))


@cache
def _installed() -> dict[str, str]:
    from importlib.metadata import distributions

    return {d.name: d.version for d in distributions()}


@cache
def versions() -> dict[str, str]:
    """Python, platform and the packages on which a figure or a page can depend."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in ("duckdb", "pyarrow", "pandas", "QuantLib", "plotly", "papermill", "nbconvert", "sqlalchemy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def parameter_files(root: Path, fund: str) -> dict[str, str]:
    """The parameter files a run of ``fund`` depends on, by hash: all but the terms of other funds."""
    folder = root / "parameters"
    kept = (p for p in sorted(folder.rglob("*.yaml")) if not fund or p.parent.name != "funds" or p.stem == fund)
    return {f"parameters/{p.relative_to(folder).as_posix()}": file_sha256(p) for p in kept}
