"""A kept run, or a released NAV pack, made again from the facts as they were read then, and compared byte by byte.

The chains are pinned at the heads in the manifest, the parameters are those of then, kept under their hashes, and the notebook is
the one that was executed. What became known since changes nothing; what was altered since is said before anything is compared.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bo_lib.model.findings import Finding, Place, Verdict, error, warning
from bo_lib.run import audit, evidence, runner
from bo_lib.run.errors import UsageError
from bo_lib.run.manifest import Manifest
from bo_lib.run.notebook import read

if TYPE_CHECKING:
    from bo_lib.store import StoredFact
    from bo_lib.views.report import Report
    from bo_lib.workbench.office import Office

COMPARED = ("results/", "pack/")  # of a run; its page and its executed notebook hold times
RECONCILED = "results/recon_"  # breaks are carried from day to day by facts of their own


def reproduce(office: Office, name: str, keep: Path | None = None) -> Report:
    """Makes ``name`` (the id of a run or of a frozen pack, or its folder) again and compares.

    ``keep``: a new folder for what was made. The verdict is pass when every byte is the same, blocked otherwise. Raises
    ``UsageError`` for a name that is not known, and for a run whose manifest pins no chains.
    """
    with tempfile.TemporaryDirectory() as aside:
        made = Path(aside) / "made"
        frozen = _frozen(office, name)
        report = _pack(office, frozen, made) if frozen else _run(office, _folder(office, name), made)
        if keep:
            shutil.copytree(made, keep)
    return report


def _folder(office: Office, name: str) -> Path:
    outputs = office.root / office.firm.outputs
    found = (
        [Path(name)]
        if (Path(name) / "manifest.json").is_file()
        else [p.parent for p in outputs.glob(f"*/*/*/{name}*/manifest.json")]
    )
    if len(found) != 1:
        raise UsageError(
            f"{name!r} names {len(found) or 'no'} kept runs or packs below {outputs}; give the whole id, as `bo status` shows it"
        )
    return found[0].resolve()


def _frozen(office: Office, name: str) -> StoredFact | None:
    key = Path(name).name
    packs = [f for f in office.store.facts("nav.frozen") if len(key) >= 8 and f.payload["sha256"].startswith(key)]
    return packs[-1] if packs else None


def _run(office: Office, folder: Path, made: Path) -> Report:
    manifest = Manifest.read(folder)
    if not manifest.heads:
        raise UsageError(f"run {manifest.run_id} of {manifest.notebook} pins no chains: only a strike can be made again")
    findings = [*_altered(office, folder, manifest), *_broken(office, manifest.heads), *_code(manifest.code)]
    terms = {name: sha for name, sha in manifest.inputs.items() if name.startswith("parameters/")}
    with _as_it_was(office, terms, findings) as root:
        error_said = _again(office, root, folder, manifest, made)
    if error_said:
        findings.append(error("reproduce-failed", error_said, Place(str(folder)), todo="read process.log of what was made"))
    expected = {name: sha for name, sha in manifest.files.items() if _counts(name)}
    there = {name: sha for name, sha in evidence.file_hashes(made).items() if _counts(name)}
    return _said(f"run {manifest.run_id}", folder, expected, there, made, findings)


def _counts(name: str) -> bool:
    return name.startswith(COMPARED) and not name.startswith(RECONCILED)


def _again(office: Office, root: Path, folder: Path, manifest: Manifest, made: Path) -> str:
    """Executes the notebook of the run once more, its chains pinned; leaves it in ``made`` and returns what went wrong."""
    place = made.parent / "place"
    lock = os.open(os.devnull, os.O_RDONLY)
    try:
        request = runner.Request(
            root, office.root / office.firm.outputs, place, read(folder / "executed.ipynb"), manifest, runner.TIMEOUT_S, lock,
            {"BO_HEADS": json.dumps(manifest.heads)}, None, threading.Event(),
        )  # fmt: skip
        request.aside.mkdir(parents=True)
        answer = runner.in_own_process(request)
        request.aside.rename(made)
        return str(answer["error"])
    finally:
        os.close(lock)


def _pack(office: Office, fact: StoredFact, made: Path) -> Report:
    from bo_lib.views import nav_pack
    from bo_lib.workbench import Workbench
    from bo_lib.workbench.office import Office

    said, folder = fact.payload, office.root / fact.payload["folder"]
    findings = [*audit.altered_pack(office.root, said), *_broken(office, said["heads"]), *_code(said["code"])]
    with _as_it_was(office, said["parameters"], findings) as root:
        then = Office(root)
        nav_pack.write(Workbench(then, said["fund"], fact.effective_date, heads=said["heads"]).pack(), made)
    return _said(f"NAV pack {said['sha256'][:16]}", folder, said["files"], evidence.file_hashes(made), made, findings)


@contextmanager
def _as_it_was(office: Office, terms: Mapping[str, str], findings: list[Finding]) -> Iterator[Path]:
    """The firm's folder, or where parameters have changed since one like it with the parameters of then."""
    now = {name: evidence.file_sha256(office.root / name) for name in terms if (office.root / name).is_file()}
    if now == dict(terms):
        yield office.root.resolve()
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for path in office.root.resolve().iterdir():
            if path.name != "parameters":
                (root / path.name).symlink_to(path)
        for name, sha in terms.items():
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            kept = office.kept_parameters.path(sha)
            if kept.is_file():
                shutil.copyfile(kept, target)
            else:
                todo = "restore the file from a copy"
                findings.append(error("parameters-lost", f"{name} of then was not kept", Place(name), expected=sha, todo=todo))
        yield root


def _altered(office: Office, folder: Path, manifest: Manifest) -> Iterator[Finding]:
    from bo_lib.run.ledger import STREAM

    known = {f.payload["run_id"]: f.payload["manifest_sha256"] for f in office.store.facts("run.finished", stream=STREAM)}
    if known.get(manifest.run_id) != evidence.file_sha256(folder / "manifest.json"):
        said = "the manifest is not the one the store knows"
        yield error("manifest-altered", said, Place(str(folder)), todo="restore it from a copy")
    yield from audit.altered(folder, str(folder))


def _broken(office: Office, heads: Mapping[str, Any]) -> Iterator[Finding]:
    for stream in heads:
        yield from office.store.verify(stream).findings


def _code(then: Mapping[str, str]) -> Iterator[Finding]:
    now = evidence.code_version()
    if then.get("content_sha256") != now["content_sha256"]:
        said = "the code is not the one it was made with; what differs may come from that"
        todo = f"check out commit {then['commit']}" if "commit" in then else "install the version of then"
        yield warning("code-changed", said, found=now["content_sha256"], expected=then.get("content_sha256", ""), todo=todo)


def _said(
    what: str, folder: Path, expected: Mapping[str, str], made: Mapping[str, str], there: Path, findings: list[Finding]
) -> Report:
    from bo_lib.views.pages.common import table, verdict_of
    from bo_lib.views.report import Figure, Report, Section

    names = sorted(expected.keys() | made.keys())
    differ = [name for name in names if expected.get(name) != made.get(name)]
    for name in differ:
        where = _first_difference(folder / name, there / name)
        said = f"{name}: {where}"
        todo = "compare the two with --keep DIR"
        findings.append(
            error(
                "reproduce-differs",
                said,
                Place(name),
                found=made.get(name, "no file"),
                expected=expected.get(name, "no file"),
                todo=todo,
            )
        )
    same = not differ and bool(names)
    says = f"{what}: {len(names) - len(differ)} of {len(names)} files are the same to the byte."
    verdict = Verdict.worst((Verdict.PASS if same else Verdict.BLOCKED, verdict_of(findings)))
    rows = [{"file": n, "same": "yes" if n not in differ else "no", "sha256": made.get(n, "")} for n in names]
    figures = (Figure("Files", len(names)), Figure("Different", len(differ), alarm=bool(differ)))
    return Report(
        "reproduce",
        "Made again",
        verdict,
        says,
        figures,
        (Section("Files", table=table(rows, ("file", "same", "sha256"))),),
        tuple(findings),
    )


def _first_difference(then: Path, now: Path) -> str:
    if not then.is_file() or not now.is_file():
        return "only one of the two is there"
    a, b = then.read_bytes(), now.read_bytes()
    at = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    line = a[:at].count(b"\n") + 1
    return f"differs from byte {at} (line {line}): {a[max(0, at - 30) : at + 30]!r} was, {b[max(0, at - 30) : at + 30]!r} is"
