"""What ran for a business date, and whether the kept runs are still what they were: from the store and the folders."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from bo_lib.model.findings import Finding, Place, error
from bo_lib.run import locks, screen
from bo_lib.run.day import plan
from bo_lib.run.errors import Exit
from bo_lib.run.evidence import file_hashes, file_sha256
from bo_lib.run.ledger import STREAM, Ledger
from bo_lib.run.manifest import Manifest
from bo_lib.run.runner import FIRM


def states(ledger: Ledger, day: date) -> dict[tuple[str, str], str]:
    """(fund, notebook) -> how its last attempt for ``day`` stands; one that began and that nobody carries out is interrupted."""
    found: dict[tuple[str, str], str] = {}
    held = ledger.office.root / ledger.office.firm.outputs / ".locks"
    for fact in ledger.of_day(day):
        said = fact.payload
        if fact.kind == "run.started":
            begun = "interrupted; started" if locks.is_free(held / f"{said['key']}.lock") else "started"
            now = f"{begun} {fact.known_at[:16]}Z by {fact.actor}"
        else:
            now = f"{said['verdict'] or said['state']} {said['seconds']} s"
        found[said["fund"] or FIRM, said["notebook"]] = now
    return found


def show_status(ledger: Ledger, day: date) -> int:
    """Print funds by steps of the day, then whatever else ran; the exit code is that of the worst of them."""
    cells = states(ledger, day)
    planned = plan(ledger.office, day)
    if planned.nodes:
        screen.show_grid(planned, cells)
    scheduled = {(node.fund, node.step.notebook) for node in planned.nodes}
    if others := sorted(cells.keys() - scheduled):
        screen.show(
            "also ran" if planned.nodes else f"{day:%A} {day}", ["fund", "notebook", ""], [[*key, cells[key]] for key in others]
        )
    if planned.broken or any(cell.startswith(("failed", "blocked", "interrupted")) for cell in cells.values()):
        return Exit.FAILED
    return Exit.ATTENTION if any(cell.startswith("attention") for cell in cells.values()) else Exit.OK


def damaged_runs(ledger: Ledger) -> Iterator[Finding]:
    """A finding for every kept run whose files are not the ones it was written with."""
    root = ledger.office.root
    for fact in ledger.store.facts("run.finished", stream=STREAM):
        said = fact.payload
        if not said["folder"]:  # it failed before anything could be kept
            continue
        folder = root / said["folder"]
        place = Place(file=said["folder"])
        if not (folder / "manifest.json").is_file():
            yield error(
                "run-missing", f"the evidence of run {said['run_id']} is gone", place, todo="restore the folder from a copy"
            )
        elif file_sha256(folder / "manifest.json") != said["manifest_sha256"]:
            yield error("manifest-altered", "the manifest is not the one the store knows", place, todo="restore it from a copy")
        else:
            yield from _altered(folder, said["folder"])


def _altered(folder: Path, name: str) -> Iterator[Finding]:
    kept = {file: sha256 for file, sha256 in file_hashes(folder).items() if file != "manifest.json"}
    noted = Manifest.read(folder).files
    for file in sorted(kept.keys() | noted.keys()):
        found, expected = kept.get(file, "no file"), noted.get(file, "no file")
        if found != expected:
            place = Place(file=f"{name}/{file}")
            said = "the file is not the one the run left"
            yield error("result-altered", said, place, found=found, expected=expected, todo="restore it from a copy")
