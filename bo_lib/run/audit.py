"""Whether everything kept is still what it was: the chains, the runs and their files, the bulk tables, and the store itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bo_lib.model.findings import Finding, Place, error
from bo_lib.run.evidence import file_hashes, file_sha256
from bo_lib.run.ledger import STREAM, Ledger
from bo_lib.run.manifest import Manifest
from bo_lib.run.pack import PACKED, damaged_packs
from bo_lib.workbench.office import WRITTEN, wall_clock

if TYPE_CHECKING:
    from bo_lib.workbench.office import Office

RESTORE = "restore it from a copy"


def lost_store(office: Office) -> Finding | None:
    """A finding when the store's file is gone although runs or tables are kept. To be asked before opening makes a new one."""
    file = office.store_file
    outputs = office.root / office.firm.outputs
    if file is None or file.exists() or not (_kept_runs(outputs) or any((outputs / "tables").glob("*/*.parquet"))):
        return None
    said = "the store is gone, but runs or tables that it knew of are kept"
    return error("store-lost", said, Place(file=str(file)), todo="restore the store from a copy; a new one would know of nothing")


def damaged(ledger: Ledger) -> Iterator[Finding]:
    """A finding for every broken chain, run and table."""
    yield from ledger.store.verify(now=wall_clock()).findings
    yield from cut_streams(ledger)
    yield from damaged_runs(ledger)
    yield from unknown_runs(ledger)
    yield from damaged_tables(ledger)
    yield from damaged_attachments(ledger)
    for fact in ledger.store.facts("nav.frozen"):
        yield from altered_pack(ledger.office.root, fact.payload)
    yield from damaged_packs(ledger.store.facts(PACKED), ledger.office.root)


def cut_streams(ledger: Ledger) -> Iterator[Finding]:
    """A finding for every stream that ends before what a run wrote into it: facts and head were taken away together."""
    heads, wrote = ledger.store.heads(), dict[str, tuple[int, str]]()
    for fact in ledger.store.facts(WRITTEN, stream=STREAM):
        for stream, (_, last) in fact.payload["added"].items():
            wrote[stream] = max(wrote.get(stream, (0, "")), (last, fact.payload["run_id"]))
    for stream, (last, run_id) in sorted(wrote.items()):
        there = heads[stream].n if stream in heads else 0
        if there < last:
            said, expected = f"stream {stream} was cut: run {run_id} wrote more of it", f"{last} facts or more"
            place = Place(file=f"stream {stream}")
            yield error("chain-cut", said, place, found=f"{there} facts", expected=expected, todo="restore the store from a copy")


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
            yield from altered(folder, said["folder"])


def unknown_runs(ledger: Ledger) -> Iterator[Finding]:
    """A finding for every folder of a run that the store has never heard of: the store was replaced, or the folder put there."""
    office = ledger.office
    known = {f.payload["run_id"] for f in ledger.store.facts("run", stream=STREAM)}
    for folder in _kept_runs(office.root / office.firm.outputs):
        if folder.name not in known and _is_recorded(folder):
            place = Place(file=folder.relative_to(office.root).as_posix())
            yield error("run-unknown", "the store knows nothing of this run", place, todo="restore the store from a copy")


def _kept_runs(outputs: Path) -> list[Path]:
    return [path.parent for path in sorted(outputs.glob("????-??-??/*/*/[!.]*/manifest.json"))]


def _is_recorded(folder: Path) -> bool:
    """False for a run without a business date: the store is not told of it."""
    try:
        return bool(Manifest.read(folder).business_date)
    except (OSError, ValueError, TypeError, KeyError):
        return True


def damaged_tables(ledger: Ledger) -> Iterator[Finding]:
    """A finding for every bulk table that is not the one its hash names, and for those of files in the inbox that are gone."""
    tables, root = ledger.office.tables, ledger.office.root
    for path in sorted(tables.folder.glob("*/*.parquet")):
        if (found := file_sha256(path)) != path.stem:
            place = Place(file=path.relative_to(root).as_posix())
            todo = "move the file away, then restore it or read its source again"
            yield error(
                "table-altered", "the table is not the one its hash names", place, found=found, expected=path.stem, todo=todo
            )
    wanted = {
        sha256: (file.entity, name)
        for file in ledger.store.facts("file", stream="inbox")
        for name, sha256 in file.payload["tables"].items()
    }
    for sha256, (entity, name) in sorted(wanted.items()):
        if sha256 not in tables:
            said = f"the table {name} of {entity} is gone"
            yield error("table-missing", said, Place(file=tables.path(sha256).relative_to(root).as_posix()), todo=RESTORE)


def altered(folder: Path, name: str) -> Iterator[Finding]:
    kept = {file: sha256 for file, sha256 in file_hashes(folder).items() if file != "manifest.json"}
    noted = Manifest.read(folder).files
    for file in sorted(kept.keys() | noted.keys()):
        found, expected = kept.get(file, "no file"), noted.get(file, "no file")
        if found != expected:
            place = Place(file=f"{name}/{file}")
            said = "the file is not the one the run left"
            yield error("result-altered", said, place, found=found, expected=expected, todo="restore it from a copy")


def altered_pack(root: Path, said: Mapping[str, Any]) -> Iterator[Finding]:
    """A finding for every file of a frozen NAV pack that is not the one it was released with; ``said``: the fact that keeps it."""
    folder = root / said["folder"]
    there = file_hashes(folder) if folder.is_dir() else {}
    for name in sorted(there.keys() | said["files"].keys()):
        found, expected = there.get(name, "no file"), said["files"].get(name, "no file")
        if found != expected:
            place = Place(file=f"{said['folder']}/{name}")
            yield error("nav-pack-altered", "the released NAV pack is not the one that was frozen", place, found=found,
                        expected=expected, todo=RESTORE)  # fmt: skip


def damaged_attachments(ledger: Ledger) -> Iterator[Finding]:
    """A finding for every file attached to a break that is gone or has other bytes."""
    from bo_lib.workbench.break_desk import attachments

    kept = attachments(ledger.office)
    for sha, name in {f.payload["sha256"]: f.payload["name"] for f in ledger.store.facts("break.attached")}.items():
        path = kept.path(sha)
        if not path.is_file() or file_sha256(path) != sha:
            said = "was altered" if path.is_file() else "is gone"
            place = Place(file=path.relative_to(ledger.office.root).as_posix(), sha256=sha)
            yield error("attachment-damaged", f"the attachment {name} {said}", place, todo=RESTORE)
