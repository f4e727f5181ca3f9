"""The inputs of a strike, locked: every file, term, event and figure it starts from, each under its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from bo_lib.config import Delivery
from bo_lib.model.findings import Finding
from bo_lib.model.tables import COUNT, TEXT, Column, Table, built
from bo_lib.store import StoredFact
from bo_lib.store.facts import canonical
from bo_lib.store.store import Pins
from bo_lib.workbench import inbox

if TYPE_CHECKING:
    from bo_lib.workbench.known import Known

INPUTS = Table("nav_inputs", "what a strike starts from, each with its hash", ("kind", "name"), (
    Column("kind", TEXT, "file, earlier files, terms, events, NAV before, prices, rates or chain", True),
    Column("name", TEXT, "file, parameter file, event stream or day", True),
    Column("owed_by", TEXT, "who sends it, or owes it"),
    Column("due", TEXT, "when it is due, HH:MM"),
    Column("state", TEXT, "arrived, damaged, refused, missing or late (came after a first strike of the day); empty: not owed"),
    Column("rows", COUNT, "rows, events or facts"),
    Column("known_at", TEXT, "when it became known"),
    Column("sha256", TEXT, "hash of its bytes, or of the hashes of its parts; none for what is missing"),
))  # fmt: skip
SIGNED = ("file", "earlier files", "terms", "events", "NAV before")  # what a signature rests on; the rest follows from it
WANTING = ("missing", "refused", "damaged", "late")


@dataclass(frozen=True)
class Inputs:
    """``table`` (INPUTS), the ends of the chains it was read from, and what is to be said about files that are owed."""

    table: pa.Table
    heads: Pins
    findings: tuple[Finding, ...] = ()

    @property
    def sha256(self) -> str:
        """One hash of all that a signature rests on."""
        return digest([[r["kind"], r["name"], r["sha256"]] for r in self.table.to_pylist() if r["kind"] in SIGNED])

    @property
    def wanting(self) -> list[dict[str, Any]]:
        """Rows of what is missing, refused, damaged or late."""
        return [r for r in self.table.to_pylist() if r["state"] in WANTING]

    def evidence(self) -> dict[str, Any]:
        """For the manifest of a run."""
        return {"heads": {stream: list(head) for stream, head in self.heads.items()}, "inputs_sha256": self.sha256}


def digest(parts: Any) -> str:
    """SHA-256 of plain data as canonical JSON."""
    return hashlib.sha256(canonical(parts).encode()).hexdigest()


def locked_inputs(
    known: Known, heads: Pins, deliveries: Iterable[Delivery], tonight: Sequence[str], before: str, chosen: Mapping[str, pa.Table]
) -> Inputs:
    """What a strike of ``known`` starts from.

    ``tonight``: beginnings of the ids of the strike's own events, which are no inputs. ``before``: the NAV of the business day
    before as one hash, empty without one. ``chosen``: the tables of prices and rates that were chosen from the files.
    """
    day, fund = known.day, known.fund
    first = min((f.known_at for f in known.facts("nav.struck") if f.effective_date == day), default="")
    arrived = inbox.arrivals([f for f in known.files if f.effective_date == day], fund, deliveries, day)
    rows = [*_files(known, arrived, first), *_terms(known), *_events(known, tonight)]
    if before:
        rows.append({"kind": "NAV before", "name": "classes of the strike before", "sha256": before})
    rows += [
        {"kind": kind, "name": f"{kind} chosen", "rows": table.num_rows, "sha256": digest([_plain(r) for r in table.to_pylist()])}
        for kind, table in chosen.items()
    ]
    rows += [{"kind": "chain", "name": stream, "rows": head[0], "sha256": head[1]} for stream, head in sorted(heads.items())]
    return Inputs(built(INPUTS, rows), heads, tuple(f for a in arrived for f in a.findings))


def _plain(row: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in row.items()}


def _files(known: Known, arrived: Sequence[inbox.Arrival], first: str) -> Iterator[dict[str, Any]]:
    """The day's files, expected ones first, each once; then those of earlier days as one hash."""
    told: set[str] = set()
    for a in arrived:
        if not a.files:
            yield {"kind": "file", "name": f"{a.delivery.format} {a.delivery.account}".rstrip(), "state": a.state} | _owed(
                a.delivery
            )
        for f in (f for f in a.files if f.id not in told):
            told.add(f.id)
            late = a.state == "arrived" and first and f.known_at > first
            yield _file(f) | _owed(a.delivery) | {"state": "late" if late else a.state}
    for f in known.files:
        if f.effective_date == known.day and f.id not in told and f.payload["sha256"]:
            yield _file(f) | {"state": "refused" if f.payload["refused"] else ""}
    earlier = [f for f in known.files if f.effective_date < known.day]
    if earlier:
        name = f"{min(f.effective_date for f in earlier)} to {max(f.effective_date for f in earlier)}"
        hashes = sorted(f"{f.effective_date}/{f.entity} {f.payload['sha256']}" for f in earlier)
        yield {"kind": "earlier files", "name": name, "rows": len(earlier), "sha256": digest(hashes)}


def _owed(delivery: Delivery) -> dict[str, Any]:
    return {"owed_by": delivery.sender, "due": f"{delivery.due:%H:%M}"}


def _file(f: StoredFact) -> dict[str, Any]:
    said = f.payload
    return {"kind": "file", "name": f.entity, "owed_by": said["sender"], "rows": sum(said["rows"].values()), "known_at": f.known_at,
            "sha256": said["sha256"]}  # fmt: skip


def _terms(known: Known) -> Iterator[dict[str, Any]]:
    """The parameters of firm and fund, as files."""
    folder = known.office.root / "parameters"
    for path in (folder / "firm.yaml", folder / "funds" / f"{known.fund.id}.yaml", *sorted((folder / "rules").glob("*.yaml"))):
        yield {"kind": "terms", "name": path.relative_to(folder).as_posix(), "sha256": file_sha256(path)}


def file_sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _events(known: Known, tonight: Sequence[str]) -> Iterator[dict[str, Any]]:
    facts = [f for f in known.facts("event") if not f.payload["event_id"].startswith(tuple(tonight))]
    last = max((f.known_at for f in facts), default=None)
    yield {"kind": "events", "name": known.fund.id, "rows": len(facts), "known_at": last, "sha256": digest([f.hash for f in facts])}


def due_at(day: date, delivery: Delivery) -> datetime:
    """When a file of business date ``day`` is due (UTC): what is due in the morning comes on the calendar day after."""
    on = day if delivery.due.hour >= 12 else day + timedelta(days=1)
    return datetime.combine(on, delivery.due, UTC)
