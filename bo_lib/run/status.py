"""What ran for a business date, and whether the kept runs are still what they were: from the store and the folders."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from bo_lib.model.findings import Finding, Place, error
from bo_lib.run import screen
from bo_lib.run.errors import Exit
from bo_lib.run.evidence import file_hashes, file_sha256
from bo_lib.run.ledger import STREAM, Ledger
from bo_lib.run.manifest import Manifest


def states(ledger: Ledger, day: date) -> dict[str, dict[str, str]]:
    """Fund -> notebook -> how its last attempt stands, from the facts of ``day``."""
    found: dict[str, dict[str, str]] = {}
    for fact in ledger.of_day(day):
        said = fact.payload
        name = said["fund"] or "FIRM"
        if fact.kind == "run.started":
            found.setdefault(name, {})[said["notebook"]] = f"started {fact.known_at[:16]}Z by {fact.actor}"
        else:
            found.setdefault(name, {})[said["notebook"]] = f"{said['verdict'] or said['state']} {said['seconds']} s"
    return found


def show_status(ledger: Ledger, day: date) -> int:
    """Print funds by processes; the exit code is that of the worst of them."""
    found = states(ledger, day)
    steps = list(dict.fromkeys(name for runs in found.values() for name in runs))
    rows = [[fund, *(runs.get(step, "not run") for step in steps)] for fund, runs in found.items()]
    screen.show(f"{day:%A} {day}", ["fund", *steps], rows or [["nothing has run for this day"]])
    cells = [cell for runs in found.values() for cell in runs.values()]
    if any(cell.startswith(("failed", "blocked")) for cell in cells):
        return Exit.FAILED
    return Exit.ATTENTION if any(cell.startswith("attention") for cell in cells) else Exit.OK


def damaged_runs(ledger: Ledger) -> Iterator[Finding]:
    """A finding for every kept run whose files are not the ones it was written with."""
    root = ledger.office.root
    for fact in ledger.store.facts("run.finished", stream=STREAM):
        said = fact.payload
        folder = root / said["folder"]
        place = Place(file=said["folder"])
        if not (folder / "manifest.json").is_file():
            yield error(
                "run-missing", f"the evidence of run {said['run_id']} is gone", place, todo="restore the folder from a copy"
            )
        elif file_sha256(folder / "manifest.json") != said["manifest_sha256"]:
            yield error("manifest-altered", "the manifest is not the one the store knows", place, todo="restore it from a copy")
        else:
            kept = {name: sha256 for name, sha256 in file_hashes(folder).items() if name != "manifest.json"}
            noted = Manifest.read(folder).files
            for name in sorted(kept.keys() ^ noted.keys() | {n for n in kept.keys() & noted.keys() if kept[n] != noted[n]}):
                yield error("result-altered", "the file is not the one the run left", Place(file=f"{said['folder']}/{name}"),
                            found=kept.get(name, "no file"), expected=noted.get(name, "no file"), todo="restore it from a copy")  # fmt: skip
