"""The morning's post: read every file of a business day once, keep its rows, refuse what is not today's.

A file becomes one fact: who sent it, its hash, its format, the hashes of its canonical tables, its findings, and the
reason when it is refused. Refused files stay readable; nothing of them reaches books or reconciliations.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from bo_lib import feeds
from bo_lib.config import Delivery, Fund
from bo_lib.model.findings import Finding, Place, Severity, error, info, warning
from bo_lib.store import Fact, StoredFact
from bo_lib.workbench import post
from bo_lib.workbench.office import Office

STREAM = "inbox"
MISPLACED = "misplaced"
DATED = {"statements": "statement_date", "holdings": "business_date", "nav_pack": "nav_date"}  # what a file of the day is dated by
EVERY_ACCOUNT = "GENR"  # ISO 15022: the announcement is for all accounts


def ingest(office: Office, until: date, again: bool = False) -> None:
    """Read what lies in the inbox up to ``until`` and has not been read; safe to call again and from several processes.

    A file is known by its content: one that was sent again under its name is read again and takes the place of the first.
    So is one that the mappings of then did not wholly understand, once they have changed; what they read without an error stays
    as it was read, unless ``again`` asks for it for the files of ``until``.
    """
    mappings = _mappings_hash(office)
    earlier: list[Fact] = [*office.store.facts(kind="file")]
    versions: dict[tuple[date, str], list[Fact]] = {}
    first_of_hash: dict[str, Fact] = {}
    for fact in earlier:
        versions.setdefault((fact.effective_date, fact.entity), []).append(fact)
        first_of_hash.setdefault(fact.payload["sha256"], fact)
    facts = []
    for day, path in _files(office.root / office.firm.inbox, until):
        known = versions.setdefault((day, _entity(path)), [])
        try:
            same = bool(known) and known[-1].payload["sha256"] == _sha256(path)
            if same and not _read_otherwise(known[-1].payload, mappings, again and day == until):
                continue
            fact = _read(office, path, day, len(known), mappings, same)
        except OSError as reason:
            if known and not known[-1].payload["sha256"]:
                continue
            fact = _unreadable(path, day, len(known), reason)
        twin = first_of_hash.setdefault(fact.payload["sha256"], fact)
        if (twin.entity, twin.effective_date) != (fact.entity, day) and _is_dated(fact.payload):
            fact.payload["refused"] = f"the same file as {twin.entity} of {twin.effective_date}"
        known.append(fact)
        facts.append(fact)
    facts.extend(_misplaced(office.root / office.firm.inbox, until, versions))
    if facts:
        office.append(facts)


def _mappings_hash(office: Office) -> str:
    return hashlib.sha256("\n".join(m.model_dump_json(exclude_defaults=True) for m in office.mappings).encode()).hexdigest()


def _read_otherwise(before: Mapping[str, Any], mappings: str, asked: bool) -> bool:
    """True when a file that was read ``before`` by other mappings was not understood then, or is ``asked`` for."""
    unclear = not before["format"] or any(said["severity"] == Severity.ERROR for said in before["findings"])
    return (unclear or asked) and before["format"] not in feeds.formats() and before.get("mappings", "") != mappings


def _misplaced(inbox: Path, until: date, known: Mapping[tuple[date, str], Sequence[Fact]]) -> Iterator[Fact]:
    """What lies in the inbox and is not read, with its finding; and that it lies there no more, on the day it was said.

    What is under no date is said every day that it lies there.
    """
    there = {(day, said.place.file): said for day, _, said in post.misplaced(inbox, until)}
    once = {key for key, facts in known.items() if key[0] == until and facts[-1].payload["findings"] and _was_misplaced(facts[-1])}
    for day, entity in sorted({*there, *once}):
        said, before = there.get((day, entity)), known.get((day, entity), ())
        findings = [finding_payload(said)] if said else []
        if not before or before[-1].payload["findings"] != findings:
            fact_id = f"file:{day}:{entity}:{len(before)}:{MISPLACED}"
            yield _unread(inbox / entity, day, fact_id, entity, findings)


def _was_misplaced(fact: Fact) -> bool:
    return fact.id.endswith(f":{MISPLACED}")


def _files(inbox: Path, until: date) -> Iterator[tuple[date, Path]]:
    """Files of the day folders up to ``until``: <business date>/<sender>/<file>, in order."""
    for day, folder in post.day_folders(inbox, until):
        for sender in sorted(folder.iterdir()):
            if not sender.is_dir() or post.leads_out(sender, inbox):
                continue
            for path in sorted(sender.iterdir()):
                out = path.is_symlink() and post.leads_out(path, inbox)
                if path.is_file() and not path.name.startswith(".") and not out:
                    yield day, path


_HASHES: dict[tuple[Path, int, int], str] = {}


def _sha256(path: Path) -> str:
    """A file's hash, computed again only when its size or time has changed."""
    about = path.stat()
    key = (path, about.st_size, about.st_mtime_ns)
    if key not in _HASHES:
        with path.open("rb") as file:
            _HASHES[key] = hashlib.file_digest(file, "sha256").hexdigest()
    return _HASHES[key]


def _entity(path: Path) -> str:
    return post.name_of(path.relative_to(path.parent.parent))


def _unreadable(path: Path, day: date, version: int, reason: OSError) -> Fact:
    said = error(
        "file-unreadable", f"the file cannot be opened: {reason.strerror}", Place(_entity(path)), todo="put right its access"
    )
    return _unread(path, day, f"file:{day}:{_entity(path)}:{version}:unreadable", _entity(path), [finding_payload(said)])


def _unread(path: Path, day: date, fact_id: str, entity: str, findings: list[dict[str, Any]]) -> Fact:
    """The fact of a file that gave no rows."""
    payload = {
        "sender": path.parent.name, "name": entity.rsplit("/", 1)[-1], "sha256": "", "format": "", "bytes": 0,
        "business_date": day.isoformat(), "accounts": [], "funds": [], "tables": {}, "rows": {}, "quarantined": 0,
        "findings": findings, "refused": "",
    }  # fmt: skip
    return Fact(fact_id, STREAM, "file", entity, day, payload)


def _read(office: Office, path: Path, day: date, version: int, mappings: str, same: bool) -> Fact:
    """The fact of a file. ``version``: how many there are before; ``same``: the last of them is of the same content."""
    sender, entity = path.parent.name, _entity(path)
    payload = {
        **_payload(office, feeds.read(path, office.mappings, schemas=office.schemas), sender, day),
        "name": entity.split("/", 1)[1],
        "mappings": mappings,
    }
    if same:
        again = info("file-read-again", "read again by other mappings than before; this reading counts", Place(entity))
        payload["findings"].append(finding_payload(again))
    elif version:
        again = warning(
            "file-replaced", "the file was sent again; the last one counts", Place(entity), todo="nothing, if the sender meant it"
        )
        payload["findings"].append(finding_payload(again))
    return Fact(f"file:{day}:{entity}:{version}:{payload['sha256'][:16]}", STREAM, "file", entity, day, payload)


def in_force(files: Iterable[StoredFact]) -> list[StoredFact]:
    """The last version of each file, in the order in which they were first read.

    A version that could not be read, or has no row where the one before had some, does not take its place.
    """
    found: dict[tuple[date, str], StoredFact] = {}
    for file in files:
        before = found.get((file.effective_date, file.entity))
        if before is None or any(file.payload["rows"].values()) or not any(before.payload["rows"].values()):
            found[file.effective_date, file.entity] = file
    return list(found.values())


def strangers(files: Iterable[StoredFact], funds: Iterable[Fund]) -> list[Finding]:
    """Accounts in the files that are nobody's: their rows reach no books."""
    known = {number for fund in funds for number in fund.accounts_by_number}
    return [
        error("account-unknown", f"rows of account {account}, which belongs to no fund, are left out", Place(f.entity,
        field="account"),
              found=account, todo=f"ask {f.payload['sender']}, or add the account to the fund's parameters")
        for f in files for account in f.payload["accounts"] if account not in known and not f.payload["refused"]
    ]  # fmt: skip


def _payload(office: Office, outcome: Any, sender: str, day: date) -> dict[str, Any]:
    read = outcome.value
    dated = [t[c].to_pylist() for name, c in DATED.items() if (t := read.tables.get(name)) is not None]
    other_days = sorted({str(d) for days in dated for d in days if d not in (None, day)})
    accounts = {
        a for t in read.tables.values() if "account" in t.column_names for a in t["account"].to_pylist() if a and a != EVERY_ACCOUNT
    }
    funds = {f for t in read.tables.values() if "fund" in t.column_names for f in t["fund"].to_pylist() if f}
    findings = (*outcome.findings, *unused_sources(office, read))
    return {
        "sender": sender, "name": read.name, "sha256": read.sha256, "format": read.format, "bytes": read.bytes,
        "business_date": day.isoformat(), "accounts": sorted(accounts), "funds": sorted(funds),
        "tables": {name: office.tables.put(table, durable=False) for name, table in read.tables.items()},
        "rows": {name: table.num_rows for name, table in read.tables.items()}, "quarantined": read.quarantined,
        "findings": [finding_payload(f) for f in findings],
        "refused": f"it is for {', '.join(other_days)}, not for {day}" if other_days else "",
    }  # fmt: skip


def unused_sources(office: Office, read: feeds.FileRead) -> Iterator[Finding]:
    """A warning for prices and rates under a source that no fund asks for: they would value nothing, without a word."""
    if "prices" in read.tables:
        kinds = {s for f in office.funds for sources in f.price_sources_by_kind.values() for s in sources}
        yield from _unused(read, "prices", {s for f in office.funds for s in f.price_sources} | kinds, "price_sources")
    if "fx_rates" in read.tables:
        yield from _unused(read, "fx_rates", {f.fx_source for f in office.funds}, "fx_source")


def _unused(read: feeds.FileRead, table: str, asked: set[str], field: str) -> Iterator[Finding]:
    for source in sorted(set(read.tables[table]["source"].unique().to_pylist()) - asked):
        near = difflib.get_close_matches(source, asked, 1)
        said = f"no fund asks for {table} of source {source!r}" + (f"; did you mean {near[0]!r}?" if near else "")
        yield warning("source-unused", said, Place(read.name, "", f"{table}.source", read.sha256), found=source,
                      expected=", ".join(sorted(filter(None, asked))),
                      todo=f"name it in the mapping as {field} in parameters/funds/*.yaml does, or add it there")  # fmt: skip


def _is_dated(payload: Mapping[str, Any]) -> bool:
    """False for files that may well be the same every day: the security master, and tables without a row."""
    return any(count for table, count in payload["rows"].items() if table != "instruments")


def finding_payload(finding: Finding) -> dict[str, Any]:
    return asdict(finding)


def finding_of(payload: Mapping[str, Any]) -> Finding:
    return Finding(**{**payload, "severity": Severity(payload["severity"]), "place": Place(**payload["place"])})


@dataclass(frozen=True)
class Arrival:
    """What became of one expected delivery."""

    delivery: Delivery
    state: str  # arrived, damaged, refused or missing
    files: tuple[StoredFact, ...] = ()
    findings: tuple[Finding, ...] = field(default=())


def concerns(file: StoredFact, fund: Fund) -> bool:
    """True when a file holds rows of ``fund``, or market data for everybody."""
    accounts, funds = file.payload["accounts"], file.payload["funds"]
    return not (accounts or funds) or bool(set(accounts) & set(fund.accounts_by_number)) or fund.id in funds


def arrivals(files: Iterable[StoredFact], fund: Fund, firm_deliveries: Iterable[Delivery], day: date) -> list[Arrival]:
    """Each delivery owed for ``day`` with the files that answer it. Pure: ``files`` are the facts of that day."""
    todays = list(files)
    return [_arrival(delivery, todays, day) for delivery in (*firm_deliveries, *fund.deliveries)]


def _arrival(delivery: Delivery, files: list[StoredFact], day: date) -> Arrival:
    sent = [f for f in files if f.payload["sender"] == delivery.sender]
    own = tuple(f for f in sent if f.payload["format"] == delivery.format and _answers(f, delivery))
    if not own:
        near = [f.payload["name"] for f in sent if not f.payload["format"]]
        hint = f"; not recognised from there: {', '.join(near)}" if near else ""
        what = f"{delivery.sender} owes {delivery.format} {delivery.account}".rstrip()
        todo = "see what is wrong with them, or " if near else ""
        finding = error(
            "file-missing", f"{what}, due {delivery.due:%H:%M}{hint}", expected=f"a file for {day}",
            todo=f"{todo}ask {delivery.sender}",
        )  # fmt: skip
        return Arrival(delivery, "missing", (), (finding,))
    found = tuple(finding_of(p) for f in own for p in f.payload["findings"])
    refused = tuple(
        error("file-refused", f.payload["refused"], Place(f.entity or ""), todo=f"ask {delivery.sender} for the file of {day}")
        for f in own if f.payload["refused"]
    )  # fmt: skip
    if len(refused) == len(own):
        return Arrival(delivery, "refused", own, refused)
    if refused:
        refused = tuple(warning(f.code, f.message, f.place, todo="nothing: the file of today is there too") for f in refused)
    damaged = any(f.severity is Severity.ERROR for f in found)
    return Arrival(delivery, "damaged" if damaged else "arrived", own, (*refused, *found))


def _answers(file: StoredFact, delivery: Delivery) -> bool:
    return not delivery.account or delivery.account in file.payload["accounts"] or not file.payload["accounts"]
