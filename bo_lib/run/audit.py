"""Whether everything kept is still what it was: the chains, the runs and their files, the bulk tables, and the store itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bo_lib.model.events import from_payload
from bo_lib.model.findings import Finding, Place, error
from bo_lib.model.four_eyes import PROPOSAL, needs_two, proposals
from bo_lib.model.money import ZERO
from bo_lib.run.evidence import file_hashes, file_sha256
from bo_lib.run.ledger import STREAM, Ledger
from bo_lib.run.manifest import Manifest
from bo_lib.run.pack import PACKED, damaged_packs
from bo_lib.workbench.door import CORRECTION, JOURNAL, same_journal
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
    yield from by_one_person(ledger)
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


def by_one_person(ledger: Ledger) -> Iterator[Finding]:
    """A finding for every manual journal, and every larger correction, behind which no proposal stands that another approved."""
    for fund in ledger.office.firm.funds:
        known = proposals(ledger.store.facts(PROPOSAL, stream=fund))
        approved = [p for p in known.values() if p.state == "approved"]
        todo = "find out who wrote it; withdraw it, and have two people sign anew"
        for fact in ledger.store.facts("event.manual_journal", stream=fund):
            event, place = from_payload(fact.payload), Place(f"{fund} fact {fact.n}")
            named = {(p.by, p.checker) for p in approved if p.action == JOURNAL and same_journal(p, event)}
            there = (fact.payload["maker"], fact.payload["checker"])
            if there not in named:
                said = f"manual journal {fact.entity}, written by {fact.actor}, is not what two people proposed and approved"
                expected = " or ".join(map(" and ".join, sorted(named))) or "an approved proposal"
                yield error("journal-unapproved", said, place, found=" and ".join(there), expected=expected, todo=todo)
        for fact in ledger.store.facts(CORRECTION, stream=fund):
            value, limit = (Decimal(fact.payload[name]) if name in fact.payload else None for name in ("value_base", "limit_base"))
            signed = any((p.id, p.about) == (fact.payload.get("proposal"), fact.entity) for p in approved)
            if not signed and needs_two(value, limit or ZERO):
                said = f"the correction of {fact.entity} was written by {fact.actor} alone"
                worth = "nobody knows how much" if value is None else f"{value:,f}"
                expected = f"a second person above {limit or ZERO:,f}"
                yield error(
                    "correction-unapproved", said, Place(f"{fund} fact {fact.n}"), found=worth, expected=expected, todo=todo
                )


def two_people(ledger: Ledger) -> dict[str, int]:
    """Fund -> how much in it was proposed by one person and approved by another."""
    every = {fund: proposals(ledger.store.facts(PROPOSAL, stream=fund)) for fund in ledger.office.firm.funds}
    return {fund: n for fund, known in every.items() if (n := sum(p.state == "approved" for p in known.values()))}


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
