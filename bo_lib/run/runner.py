"""One run of a notebook: checked before it starts, executed once, kept read-only with its evidence.

A run's key is what it depends on: the notebook's source, its parameters, its inputs, the code and the locked
dependencies. The same key is never executed twice: a second start waits for the first and then finds it done.
Outputs are written aside and renamed into place: ``outputs/<business date>/<fund>/<notebook>/<run id>/``.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from bo_lib import config
from bo_lib.run import evidence, kernels
from bo_lib.run.errors import RunError, UnusableStoreError, letter
from bo_lib.run.execution import ANSWER, CONCLUSION
from bo_lib.run.locks import hold
from bo_lib.run.manifest import Manifest, finished_run, last_attempt
from bo_lib.run.notebook import Notebook, check_business_date, check_parameters, find, read
from bo_lib.run.page import keep_plotly_js
from bo_lib.store.locks import is_held, run_lock

TIMEOUT_S = 900.0
VARIABLES = {"PLOTLY_RENDERER": "plotly_mimetype", "PYTHONHASHSEED": "0"}  # of every run, and of the server that forks them
LOG = "process.log"
LOCKED = "StoreLocked"  # how a notebook's error names a store that somebody else holds
FIRM = "FIRM"  # the folder of runs that are for no single fund


class Ledger(Protocol):
    """Where runs are written down: ``bo_lib.run.ledger.Ledger``, or nothing."""

    def next_attempt(self, key: str) -> int: ...

    def started(self, manifest: Manifest) -> None: ...

    def finished(self, manifest: Manifest) -> None: ...


def _quiet(_: str) -> None:
    pass


def run(
    root: Path,
    notebook: str,
    parameters: Mapping[str, str],
    *,
    actor: str,
    known_at: str = "",
    inputs: Mapping[str, str] | None = None,
    force_new: bool = False,
    timeout_s: float = TIMEOUT_S,
    ledger: Ledger | None = None,
    say: Callable[[str], None] = _quiet,
    environment: Mapping[str, str] | None = None,
    server: str | None = None,
    stop: threading.Event | None = None,
) -> Manifest:
    """Run ``notebook`` (a name or a path) of the firm at ``root`` once, and return its manifest.

    ``parameters`` are text and include ``fund`` and ``business_date``; ``known_at`` (ISO 8601, empty for now) is passed on
    to a notebook that takes it. ``inputs`` names what the run reads: chain heads and file hashes. ``force_new`` executes
    again although the same run is done. ``server`` is the socket of a kernel server, where one is there; ``stop``, when it is
    set, ends the run and keeps nothing. Raises ``UsageError`` before anything starts when the request cannot be met, and
    ``OSError`` when the outputs cannot be kept; a notebook that fails is a manifest with state failed.
    """
    root = root.resolve()
    source = read(find(root, notebook))
    given = {**parameters, **({"known_at": known_at} if known_at and "known_at" in source.parameters else {})}
    check_parameters(source, given)
    fund = given.get("fund", "")
    if fund:
        check_business_date(config.load_fund(root, fund), given["business_date"])
    firm = config.load_firm(root)
    asked = _asked(root, source, given, actor, known_at, {**evidence.parameter_files(root, fund), **(inputs or {})})
    outputs = root / firm.outputs
    place = outputs / given.get("business_date", "undated") / (fund or FIRM) / source.name

    def waiting() -> None:
        say(f"{source.name} {fund} {given.get('business_date', '')}: the same run is going on elsewhere; waiting for it")

    with hold(run_lock(outputs, asked.key), waiting, timeout_s) as lock:
        if not force_new and (done := finished_run(place, asked.key)):
            if ledger:
                ledger.finished(done)  # adds nothing unless a crash came between the folder and the ledger
            return done
        attempt = max(last_attempt(place, asked.key) + 1, ledger.next_attempt(asked.key) if ledger else 0)
        manifest = asked.but(run_id=f"{asked.key}-{attempt:03d}", notes=_clean(place, outputs, asked.key, say))
        return _carry_out(Request(root, outputs, place, source, manifest, timeout_s, lock, environment or {}, server, stop), ledger)


def _asked(
    root: Path, source: Notebook, given: Mapping[str, str], actor: str, known_at: str, inputs: Mapping[str, str]
) -> Manifest:
    code, lock = evidence.code_version(), evidence.lock_sha256(root)
    parts = [source.name, source.sha256, sorted(given.items()), sorted(inputs.items()), code["content_sha256"], lock]
    return Manifest(
        run_id="", key=evidence.digest(parts)[:12], state="started", notebook=source.name, notebook_sha256=source.sha256,
        fund=given.get("fund", ""), business_date=given.get("business_date", ""), known_at=known_at, parameters=dict(given),
        inputs=dict(inputs), actor=actor, code=code, lock_sha256=lock, versions=evidence.versions(),
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )  # fmt: skip


class Request:
    """What one attempt needs to know."""

    def __init__(
        self, root: Path, outputs: Path, place: Path, source: Notebook, manifest: Manifest, timeout_s: float, lock: int,
        environment: Mapping[str, str], server: str | None, stop: threading.Event | None,
    ) -> None:  # fmt: skip
        self.root, self.outputs, self.source, self.manifest = root, outputs, source, manifest
        self.timeout_s, self.lock, self.environment, self.server = timeout_s, lock, environment, server
        self.stop = stop or threading.Event()
        self.folder = place / manifest.run_id
        self.aside = place / f".{manifest.run_id}.part"

    def message(self, error: str, sockets: str) -> bytes:
        m = self.manifest
        asset = os.path.relpath(keep_plotly_js(self.outputs), self.folder)
        title = " · ".join(part for part in (m.notebook, m.fund, m.business_date) if part)
        said = {
            "notebook": str(self.source.path), "parameters": m.parameters, "cwd": str(self.root), "run_id": m.run_id,
            "title": title, "plotly_js": Path(asset).as_posix(), "sent_at": time.time(), "error": error,
            "sockets": sockets, "server": self.server,
        }  # fmt: skip
        return json.dumps(said).encode() + b"\n"

    def variables(self) -> dict[str, str]:
        """The environment of the run's process and kernel: where to leave results, and who asked."""
        m = self.manifest
        return {
            **os.environ, **VARIABLES, **self.environment,
            "BO_ROOT": str(self.root), "BO_RUN_DIR": str(self.aside), "BO_RUN_ID": m.run_id,
            "BO_RUN_DATE": m.business_date, "BO_ACTOR": m.actor,
        }  # fmt: skip


def _clean(place: Path, outputs: Path, key: str, say: Callable[[str], None]) -> tuple[str, ...]:
    """Remove what interrupted attempts of this notebook left aside, and say so; what is still going on is left alone."""
    notes = []
    for left in sorted(place.glob(".*.part")):
        run_id = left.name[1:].removesuffix(".part")
        its_key = run_id.rsplit("-", 1)[0]
        if its_key == key or not is_held(outputs, its_key):
            shutil.rmtree(left)
            notes.append(f"an earlier attempt ({run_id}) was interrupted; what it had written aside was removed")
            say(notes[-1])
    return tuple(notes)


def _carry_out(request: Request, ledger: Ledger | None) -> Manifest:
    started = time.monotonic()
    try:
        request.aside.mkdir(parents=True)
        if ledger:
            ledger.started(request.manifest)
        answer = in_own_process(request)
        if f"[Errno {errno.ENOSPC}]" in answer["error"]:
            raise OSError(errno.ENOSPC, answer["error"], str(request.outputs))
        if ledger and (locked := answer["error"].partition(f"{LOCKED}: ")[2]):
            raise UnusableStoreError(locked)  # its end could not be written down either
        made = _judged(request, answer)
        (request.aside / ANSWER).unlink(missing_ok=True)
        if made.state == "finished" or not (request.aside / LOG).stat().st_size:
            (request.aside / LOG).unlink()  # the kernel's small talk
        saving = time.monotonic()
        files = evidence.file_hashes(request.aside)
        seconds = {**answer["seconds"], "save": time.monotonic() - saving, "total": time.monotonic() - started}
        made = made.but(files=files, seconds={name: round(s, 3) for name, s in seconds.items()})
        _keep(request, made)
    except BaseException as reason:
        shutil.rmtree(request.aside, ignore_errors=True)
        if ledger and not isinstance(letter(reason), UnusableStoreError):  # a store that kept us waiting is not waited for twice
            with contextlib.suppress(Exception):  # the reason itself matters more
                ledger.finished(request.manifest.but(state="failed", error=str(reason) or "interrupted"))
        raise
    made = made.but(folder=request.folder)
    if ledger:
        ledger.finished(made)
    return made


def in_own_process(request: Request) -> dict[str, Any]:
    """Execute in a process of its own; a second one renders what is left when the first was killed or ran too long."""
    answer = _ask(request, "", request.timeout_s)
    if "seconds" in answer:
        return answer
    rendered = _ask(request, answer["error"], 60.0)
    return {"error": answer["error"], "seconds": rendered.get("seconds", {})}


def _ask(request: Request, error: str, patience_s: float) -> dict[str, Any]:
    log = request.aside / LOG
    sockets = tempfile.mkdtemp(prefix="bo-")  # the path of a socket must be short; for this user only
    message = request.message(error, sockets)
    with log.open("ab") as noise:
        process = kernels.start(
            request.server, "bo_lib.run.execution", stdin=subprocess.PIPE, stdout=noise, stderr=noise, cwd=request.aside,
            env=request.variables(), pass_fds=(request.lock,),
        )  # fmt: skip
    try:
        return _answer(process, message, patience_s, request)
    finally:
        with contextlib.suppress(OSError):  # closing the pipe ends the kernel, then the process
            process.stdin.close()  # type: ignore[union-attr]
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        process.kill()
        process.wait()
        shutil.rmtree(sockets, ignore_errors=True)


def _answer(process: kernels.Process, message: bytes, patience_s: float, request: Request) -> dict[str, Any]:
    assert process.stdin
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(message)
        process.stdin.flush()
    deadline = time.monotonic() + patience_s
    while (code := _ended(process, min(0.5, deadline - time.monotonic()))) is None:
        if request.stop.is_set():
            raise RunError("interrupted; nothing of it was kept")
        if time.monotonic() >= deadline:
            return {"error": f"the deadline of {patience_s:g} s for the whole run has passed"}
    path = request.aside / ANSWER
    if code == 0 and path.exists():
        return dict(json.loads(path.read_text("utf-8")))
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    return {"error": f"the process of the run ended early ({how}); {LOG} has what it said"}


def _ended(process: kernels.Process, patience_s: float) -> int | None:
    try:
        return process.wait(max(0.01, patience_s))
    except subprocess.TimeoutExpired:
        return None


def _judged(request: Request, answer: Mapping[str, Any]) -> Manifest:
    """The manifest of an attempt that has ended: finished with its conclusion, or failed with the reason."""
    ended = request.manifest.but(finished_at=datetime.now(UTC).isoformat(timespec="seconds"))
    if answer["error"]:
        return ended.but(state="failed", error=answer["error"])
    said = json.loads((request.aside / CONCLUSION).read_text("utf-8"))
    return ended.but(
        state="finished", verdict=said["verdict"], summary=str(said.get("summary", "")), figures=dict(said.get("figures", {})),
        findings=list(said.get("findings", [])), heads=dict(said.get("heads", {})), inputs_sha256=said.get("inputs_sha256", ""),
    )  # fmt: skip


def _keep(request: Request, made: Manifest) -> None:
    """Write the manifest, make everything read-only, and rename the folder into place; never over another."""
    made.write(request.aside / "manifest.json")
    for path in request.aside.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    if request.folder.exists():
        raise RunError(f"{request.folder} exists already; a kept run is never overwritten")
    request.aside.rename(request.folder)
    request.folder.chmod(0o555)
