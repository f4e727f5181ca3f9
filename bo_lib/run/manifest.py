"""The manifest of a run: what it depended on, what it found, and the hash of every file it left."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bo_lib.model.findings import Verdict


@dataclass(frozen=True)
class Manifest:
    """``state`` is started, finished or failed; only a finished run has a ``verdict``. ``seconds`` splits the time taken."""

    run_id: str
    key: str
    state: str
    notebook: str
    fund: str
    business_date: str
    known_at: str
    actor: str
    started_at: str
    finished_at: str = ""
    verdict: str = ""
    summary: str = ""
    error: str = ""
    figures: dict[str, Any] = field(default_factory=dict)
    findings: list[Any] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    parameters: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    heads: dict[str, list[Any]] = field(default_factory=dict)  # stream -> [facts, hash of the last] as the run read them
    inputs_sha256: str = ""  # of all that its signature rests on
    notebook_sha256: str = ""
    code: dict[str, str] = field(default_factory=dict)
    lock_sha256: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    folder: Path | None = field(default=None, compare=False)
    reused: bool = field(default=False, compare=False)

    def but(self, **changes: Any) -> Manifest:
        return dataclasses.replace(self, **changes)

    @property
    def passed(self) -> bool:
        return self.state == "finished" and self.verdict != Verdict.BLOCKED

    def write(self, path: Path) -> None:
        said = {name: value for name, value in dataclasses.asdict(self).items() if name not in ("folder", "reused")}
        with path.open("w", encoding="utf-8") as file:
            json.dump(said, file, indent=1, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())

    @staticmethod
    def read(folder: Path) -> Manifest:
        said = json.loads((folder / "manifest.json").read_text("utf-8"))
        return Manifest(**{**said, "notes": tuple(said["notes"])}, folder=folder)


def run_folders(place: Path) -> Iterator[Path]:
    """The kept runs in ``outputs/<date>/<fund>/<notebook>``, oldest attempt first for each key."""
    return (path.parent for path in sorted(place.glob("[!.]*/manifest.json")))


def last_attempt(place: Path, key: str) -> int:
    """The number of the last kept attempt at the run ``key``; 0 without one."""
    return max((int(f.name.rsplit("-", 1)[1]) for f in run_folders(place) if f.name.startswith(f"{key}-")), default=0)


def finished_run(place: Path, key: str) -> Manifest | None:
    """The newest finished run of ``key``, marked as reused."""
    made = [Manifest.read(folder) for folder in run_folders(place) if folder.name.startswith(f"{key}-")]
    finished = [m for m in made if m.state == "finished"]
    return finished[-1].but(reused=True) if finished else None
