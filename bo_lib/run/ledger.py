"""Runs as facts in the store: who started what on which inputs, how it ended, and what it wrote.

Every run adds ``run.started`` and ``run.finished`` to the stream ``runs``, about the entity ``fund/notebook``, effective on
the business date. The manifest's hash is in the fact, so the audit chain covers the evidence on disk. Whatever a run adds to
the store comes with a fact ``written`` in the same transaction, which says whose it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bo_lib.run.evidence import digest, file_sha256
from bo_lib.run.manifest import Manifest
from bo_lib.workbench import post
from bo_lib.workbench.office import RUNS, WRITTEN, release_stream

if TYPE_CHECKING:
    from bo_lib.store import Store, StoredFact
    from bo_lib.workbench.office import Office

STREAM = RUNS
STRIKE = "nav_strike"
NOT_INPUTS = (STREAM, "inbox")  # files are counted by their bytes, not by the facts about them


class Ledger:
    """The runs of one firm. ``clock`` is the time at which facts become known, empty for the office's own."""

    def __init__(self, office: Office, clock: str = "") -> None:
        self.office, self.clock = office, clock

    @property
    def store(self) -> Store:
        return self.office.store

    def next_attempt(self, key: str) -> int:
        """The number of the next attempt at a run; attempts whose folder was lost count too."""
        return 1 + sum(bool(f.payload["key"] == key) for f in self.store.facts("run.started", stream=STREAM))

    def started(self, manifest: Manifest) -> None:
        self._append(manifest, "run.started", {"inputs": digest(manifest.inputs), "code": manifest.code["content_sha256"]})

    def finished(self, manifest: Manifest) -> None:
        """Adds nothing when the run is known as finished, as after a crash between the folder and the store."""
        fact_id = f"{manifest.run_id}:finished"
        if any(f.id == fact_id for f in self.store.facts("run.finished", stream=STREAM, entity=_entity(manifest))):
            return
        folder = manifest.folder
        said = {
            "state": manifest.state, "verdict": manifest.verdict, "summary": manifest.summary, "error": manifest.error,
            "seconds": f"{manifest.seconds.get('total', 0):.1f}", "findings": len(manifest.findings),
            "folder": self._below_root(folder) if folder else "",
            "manifest_sha256": file_sha256(folder / "manifest.json") if folder else "",
        }  # fmt: skip
        self._append(manifest, "run.finished", said)

    def _below_root(self, folder: Path) -> str:
        root = self.office.root.resolve()
        return (folder.relative_to(root) if folder.is_relative_to(root) else folder).as_posix()

    def _append(self, manifest: Manifest, kind: str, said: Mapping[str, Any]) -> None:
        from bo_lib.store import Fact

        fact_id = f"{manifest.run_id}:{kind.removeprefix('run.')}"
        who = {"run_id": manifest.run_id, "key": manifest.key, "fund": manifest.fund, "notebook": manifest.notebook}
        day = date.fromisoformat(manifest.business_date)
        fact = Fact(fact_id, STREAM, kind, _entity(manifest), day, {**who, **said})
        self.office.append([fact], manifest.actor, self.clock)

    def streams(self, fund: str) -> set[str]:
        """Streams a run of ``fund`` reads facts from: its own, and those of no fund."""
        others = set(self.office.firm.funds) - {fund}
        return {s for s in self.store.heads() if s not in NOT_INPUTS and s.partition("/")[0] not in others}

    def of_day(self, day: date) -> list[StoredFact]:
        """Facts about the runs of one business date, in the order they were added."""
        return [f for f in self.store.facts("run", stream=STREAM, effective_until=day) if f.effective_date == day]

    def last_day(self) -> date | None:
        """The latest business date for which anything ran."""
        return max((f.effective_date for f in self.store.facts("run", stream=STREAM)), default=None)


def _entity(manifest: Manifest) -> str:
    return f"{manifest.fund or 'FIRM'}/{manifest.notebook}"


def facts_read(ledger: Ledger, fund: str, day: date, not_from: Iterable[str]) -> dict[str, str]:
    """Stream -> digest of the facts that a run of ``fund`` on ``day`` starts from.

    What runs of the notebooks ``not_from`` (the run's own, and those it does not need) wrote for the same fund and day is left
    out: it is no input. Without this no run would ever be found done, and the order of parallel runs would decide.
    Facts that no run wrote (a person's, or carried in before) are inputs; who signed and released a NAV is one of what needs it.
    """
    own = set(not_from)
    runs = {f.payload["run_id"] for f in ledger.of_day(day) if f.payload["fund"] == fund and f.payload["notebook"] in own}
    noted = ledger.store.facts(WRITTEN, stream=STREAM, effective_until=day)
    added = [f.payload["added"] for f in noted if f.payload["run_id"] in runs]
    streams = sorted(ledger.streams(fund) - ({release_stream(fund)} if STRIKE in own else set()))
    read = {stream: _ids(ledger.store, stream, day, [a[stream] for a in added if stream in a]) for stream in streams}
    return {f"facts/{stream}": digest(ids) for stream, ids in read.items() if ids}


def _ids(store: Store, stream: str, day: date, spans: list[list[int]]) -> list[str]:
    facts = store.facts(stream=stream, effective_until=day)
    return sorted(f.id for f in facts if not any(first <= f.n <= last for first, last in spans))


def inbox_files(inbox: Path, day: date) -> dict[str, str]:
    """What lies in the inbox up to ``day``: each file of the day by hash, earlier days as one hash a day.

    What lies where no file belongs counts by its name, a link that leads out of the inbox by its target's; they are not read.
    """
    found: dict[str, str] = {}
    for its_day, folder in post.day_folders(inbox, day):
        hashes = {p.relative_to(folder).as_posix(): _hash_or_link(p, inbox) for p in sorted(folder.rglob("*")) if _counts(p)}
        if its_day == day:
            found.update({f"inbox/{folder.name}/{name}": sha256 for name, sha256 in hashes.items()})
        elif hashes:
            found[f"inbox/{folder.name}"] = digest(hashes)
    if lost := [said.place.file + said.found + said.message for _, _, said in post.misplaced(inbox, day)]:
        found["inbox/misplaced"] = digest(lost)
    return found


def _counts(path: Path) -> bool:
    return path.is_file() or (path.is_symlink() and not path.is_dir())


def _hash_or_link(path: Path, inbox: Path) -> str:
    return digest(str(path.readlink())) if path.is_symlink() and post.leads_out(path, inbox) else _hash(path)


_HASHES: dict[tuple[Path, int, int], str] = {}


def _hash(path: Path) -> str:
    """A file's hash, computed again only when its size or time has changed."""
    about = path.stat()
    key = (path, about.st_size, about.st_mtime_ns)
    if key not in _HASHES:
        _HASHES[key] = file_sha256(path)
    return _HASHES[key]
