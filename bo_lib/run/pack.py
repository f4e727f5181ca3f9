"""The audit pack of a month: one folder and one archive with everything an auditor asks for, and the hash of every file.

    statements/      financial statements under every framework: XLSX with formulas, JSON, PDF
    ledgers/         trial balance, general ledger, lots, realised gains, waiting events
    confirmations/   the files of custodians, brokers and the administrator as they were received on the last day
    reconciliations/ cash and positions with their breaks
    approvals/       tasks, signatures and what people decided, as facts with author, time and hash of the chain
    notebooks/       executed pages of the last day, with their manifests
    manifest.json    SHA-256 of every file, and where the audit chain stood

The same facts give the same bytes; nothing in it is the time of making.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from bo_lib.model.findings import Finding, Place, error
from bo_lib.run.evidence import file_hashes, file_sha256
from bo_lib.run.manifest import run_folders

if TYPE_CHECKING:
    from bo_lib.close import Financials
    from bo_lib.store import StoredFact
    from bo_lib.workbench import Workbench

MANIFEST = "manifest.json"
PACKED = "close.packed"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment a ZIP knows: every member has it
_TABLES = ("holdings", "statements", "cash_movements", "nav_pack", "settlements")  # what makes a file a confirmation


class Pack(NamedTuple):
    folder: Path
    archive: Path
    files: int
    sha256: str


def make(desk: Workbench, place: Path) -> Pack:
    """The pack of the desk's month in ``place``/audit-pack and ``place``/<fund>_<month>.zip; its hash is recorded as a fact.

    An older pack is replaced as a whole. Raises ``OSError``.
    """
    place.mkdir(parents=True, exist_ok=True)
    folder, archive = place / "audit-pack", place / f"{desk.fund.id}_{desk.month_name}.zip"
    aside = Path(tempfile.mkdtemp(prefix=".pack-", dir=place))
    try:
        last = max(_fill(desk, aside), key=lambda f: f.n, default=None)
        hashes = file_hashes(aside)
        said = {
            "fund": desk.fund.id, "month": desk.month_name, "base_currency": desk.fund.base_currency,
            "lock": desk.close_record().lock, "chain": {"n": last.n, "hash": last.hash} if last else None, "files": hashes,
        }  # fmt: skip
        (aside / MANIFEST).write_text(_json(said), "utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    _zip(folder, archive)
    sha256 = file_sha256(archive)
    root = desk.office.root.resolve()
    name = archive.resolve().relative_to(root).as_posix() if archive.resolve().is_relative_to(root) else str(archive)
    before = desk.known.facts(PACKED)
    payload = {"fact": PACKED, "pack": desk.month_name, "archive": name, "sha256": sha256, "files": len(hashes)}
    if not before or before[-1].payload != payload:
        desk.known.record(PACKED, desk.month_name, payload, f"{PACKED}:{desk.fund.id}:{desk.month_name}:{len(before) + 1}")
    return Pack(folder, archive, len(hashes), sha256)


def statements(desk: Workbench, folder: Path) -> list[Path]:
    """The financial statements under every framework as XLSX, JSON and PDF. Returns what was written."""
    from bo_lib.views import statements_book

    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for name in desk.frameworks:
        of = desk.financials(name)
        if of is None:
            continue
        path = folder / f"{desk.fund.id}_{desk.month_name}_{name}"
        made.append(statements_book.write(of, desk.layout(name), path.with_suffix(".xlsx")))
        made.append(_wrote(path.with_suffix(".json"), _json(statements_book.as_data(of))))
        made.append(_pdf(desk, name, of, path.with_suffix(".pdf")))
    return made


def _pdf(desk: Workbench, framework: str, of: Financials, path: Path) -> Path:
    """Statements, schedules and the tie-out on paper; every row of the schedules."""
    from bo_lib.views.pages.close import statements_cover
    from bo_lib.views.pdf import Document, render

    stated, behind = desk.financial_statements(framework), desk.schedules()
    lock = desk.close_record().lock
    whole = replace(behind, sections=tuple(replace(s, rows=s.table.num_rows if s.table else 0) for s in behind.sections))
    period = f"{of.of.opened} to {desk.day}, in {desk.fund.base_currency}"
    status = {"hard": "FINAL", "soft": "SOFT CLOSED"}.get(lock, "DRAFT")
    head, foot = f"{desk.fund.name}: financial statements", f"{desk.fund.id} {desk.month_name}"
    path.write_bytes(render(Document(
        head, f"{of.framework}, {period}", desk.day, stated.verdict.value, status, stated.summary, statements_cover(of),
        (stated, whole), footer=foot,
    )))  # fmt: skip
    return path


def _fill(desk: Workbench, folder: Path) -> list[StoredFact]:
    """Everything but the manifest; returns the facts in it, the last of which names the end of the audit chain."""
    statements(desk, folder / "statements")
    for name, table in _ledgers(desk):
        _wrote(folder / "ledgers" / f"{name}.csv", _csv(table))
    for file in desk.known.files:
        if file.effective_date == desk.day and set(file.payload["tables"]) & set(_TABLES):
            _copy(desk, file, folder / "confirmations")
    for name in desk.reconciliations():
        _reconciliation(desk, name, folder / "reconciliations")
    _wrote(folder / "approvals" / "tasks.csv", _csv(desk.closing().value.table))
    kinds = ("close", "period", "proposal", "break", "nav", "correction")
    facts = [f for kind in kinds for f in desk.known.facts(kind) if f.kind != PACKED]
    _wrote(folder / "approvals" / "facts.jsonl", "".join(_line(f) for f in sorted(facts, key=lambda f: f.n)))
    office = desk.office
    for notebook in sorted((office.root / office.firm.outputs / desk.day.isoformat() / desk.fund.id).glob("*")):
        for run in list(run_folders(notebook))[-1:]:
            shutil.copytree(run, folder / "notebooks" / notebook.name)
    return facts


def _ledgers(desk: Workbench) -> Iterator[tuple[str, pa.Table]]:
    month, book = desk.month(), desk.booked()
    if month is not None:
        yield "general_ledger", month.lines
        yield "trial_balance", month.balances
    yield "lots", book.lots()
    yield "realised", book.realised
    yield "trial_balance_with_marks", desk.adjusted()


def _copy(desk: Workbench, file: StoredFact, folder: Path) -> None:
    """A file as it was received, under its sender; one whose bytes have changed since is left out: ``bo verify`` says so."""
    source = desk.office.inbox(file.effective_date) / file.payload["sender"] / Path(file.payload["name"]).name
    if source.is_file() and file_sha256(source) == file.payload["sha256"]:
        target = folder / file.payload["sender"] / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def _reconciliation(desk: Workbench, name: str, folder: Path) -> None:
    result = desk.reconciled(name).value
    _wrote(folder / f"{name}_proof.csv", _csv(result.proof))
    _wrote(folder / f"{name}_rates.csv", _csv(result.rates))
    states = [s for s in desk.break_states().values() if s.found.item.recon == name]
    rows = [{"break_id": s.break_id, **s.found.item.row(), "opened": s.found.opened, "state": s.says} for s in states]
    _wrote(folder / f"{name}_breaks.json", _json([{k: str(v) for k, v in row.items()} for row in rows]))


def _wrote(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8", newline="")
    return path


def _csv(table: pa.Table) -> str:
    """Decimals as they are, dates as ISO, nothing as nothing."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.column_names)
    columns = [column.cast(pa.string()).to_pylist() for column in table.columns]
    writer.writerows(zip(*columns, strict=True))
    return out.getvalue()


def _json(said: Any) -> str:
    return json.dumps(said, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _line(fact: StoredFact) -> str:
    told: Mapping[str, Any] = {
        "n": fact.n, "id": fact.id, "kind": fact.kind, "entity": fact.entity, "effective_date": fact.effective_date.isoformat(),
        "known_at": fact.known_at, "actor": fact.actor, "payload": fact.payload, "prev_hash": fact.prev_hash, "hash": fact.hash,
    }  # fmt: skip
    return json.dumps(told, sort_keys=True, ensure_ascii=False) + "\n"


def _zip(folder: Path, archive: Path) -> None:
    """The folder as an archive that is the same for the same files: sorted, without times, with plain rights."""
    part = archive.with_suffix(".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as target:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            member = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _EPOCH)
            member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o444 << 16
            target.writestr(member, path.read_bytes())
    part.replace(archive)


def damaged(pack: Path) -> Iterator[Finding]:
    """A finding for every file of a pack (its folder or its archive) that is not the one its manifest names."""
    if not pack.exists():
        yield error("pack-missing", "there is no such pack", Place(str(pack)), todo="make it again: bo close pack")
        return
    with tempfile.TemporaryDirectory() as aside:
        folder = pack
        if pack.is_file():
            folder = Path(aside)
            try:
                zipfile.ZipFile(pack).extractall(folder)
            except (zipfile.BadZipFile, OSError) as reason:
                yield error("pack-unreadable", f"the archive cannot be read: {reason}", Place(str(pack)), todo="make it again")
                return
        yield from _differences(folder, str(pack))


def _differences(folder: Path, name: str) -> Iterator[Finding]:
    try:
        noted = json.loads((folder / MANIFEST).read_text("utf-8"))["files"]
    except (OSError, ValueError, KeyError) as reason:
        yield error("pack-manifest", f"its manifest cannot be read: {reason}", Place(name), todo="restore it from a copy")
        return
    there = {file: sha for file, sha in file_hashes(folder).items() if file != MANIFEST}
    for file in sorted(there.keys() | noted.keys()):
        found, expected = there.get(file, "no file"), noted.get(file, "no file")
        if found != expected:
            said = "the file is not the one the pack was made with"
            yield error(
                "pack-altered", said, Place(f"{name}/{file}"), found=found, expected=expected, todo="restore it from a copy"
            )


def damaged_packs(desk_facts: list[StoredFact], root: Path) -> Iterator[Finding]:
    """A finding for every archive that is gone or not the one the store knows: the last of each fund and month counts."""
    newest = {(f.stream, f.entity): f.payload for f in desk_facts}
    for (fund, month), said in sorted(newest.items()):
        path = root / said["archive"]
        if not path.is_file() or file_sha256(path) != said["sha256"]:
            what = "was altered" if path.is_file() else "is gone"
            place = Place(said["archive"], sha256=said["sha256"])
            yield error("pack-damaged", f"the audit pack of {fund} {month} {what}", place, todo="restore it from a copy")
