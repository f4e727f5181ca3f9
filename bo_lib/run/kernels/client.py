"""The other side of the fork server: start it, and ask it for processes."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol

log = logging.getLogger(__name__)

# What runs and notebooks import that is not ours; inner modules where a package imports them only when they are used.
# Packages that start threads when imported have no place here.
PRELOAD = (
    "numpy.random", "pandas", "pyarrow.parquet", "pyarrow.compute", "duckdb", "pydantic.main", "pydantic.fields",
    "pydantic.type_adapter", "yaml", "sqlalchemy.dialects.sqlite", "sqlite3", "lxml.etree", "plotly.graph_objects",
    "plotly.graph_objs._figure", "plotly.graph_objs._layout", "plotly.graph_objs.layout._template", "plotly.io._renderers",
    "_plotly_utils.basevalidators", "IPython.display", "nbformat", "nbclient", "papermill.execute", "jupyter_client.asynchronous",
    "jupyter_client.provisioning", "exchange_calendars", "QuantLib",
)  # fmt: skip
ONE_THREAD = {
    **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "JE_ARROW_MALLOC_CONF": "background_thread:false",  # pyarrow's jemalloc
}
_PATIENCE_S = 60.0  # for the first answer: the server may still be importing
_SOCKET_PATH_MAX = 100  # bytes; the system's limit is 107


class Process(Protocol):
    """What a forked process and a ``subprocess.Popen`` have in common."""

    pid: int
    returncode: int | None
    stdin: IO[bytes] | None
    stdout: IO[bytes] | None

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


@contextlib.contextmanager
def kernel_server(preload: Sequence[str] = PRELOAD, env: Mapping[str, str] | None = None) -> Iterator[str | None]:
    """A fork server while the block runs; yields the path of its socket, or ``None`` where there can be none.

    ``env`` are variables that its processes will have as well and that packages read when they are imported (a server with
    another ``PYTHON…`` or ``PLOTLY_…`` refuses them). At the end every process that still runs is killed.
    """
    if not sys.platform.startswith("linux"):
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="bo-"))  # for this user only
    path, said = folder / "s", folder / "said"
    try:
        if len(os.fsencode(path)) > _SOCKET_PATH_MAX:
            log.warning("no kernel server: the path of its socket is too long (%s); set TMPDIR to a shorter one", path)
            yield None
            return
        server = _launched(path, said, preload, {**os.environ, **(env or {}), **ONE_THREAD})
        try:
            yield str(path)
        finally:
            _ended(server, said)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _launched(path: Path, said: Path, preload: Sequence[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """The server with its socket listening already: who connects while it imports packages simply waits a moment."""
    code = Path(__file__).with_name("server.py")
    with socket.socket(socket.AF_UNIX) as listener, said.open("wb") as stderr:
        listener.bind(str(path))
        listener.listen(256)
        return subprocess.Popen(
            [sys.executable, str(code), str(listener.fileno()), *preload],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=stderr, env=env, pass_fds=[listener.fileno()],
            start_new_session=True,
        )  # fmt: skip


def _ended(server: subprocess.Popen[bytes], said: Path) -> None:
    assert server.stdin
    server.stdin.close()  # it kills its children and ends
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    if server.returncode:
        log.warning("the kernel server failed (%s), runs started cold: %s", server.returncode, said.read_text("utf-8")[-500:])


def start(
    server: str | None,
    module: str,
    arguments: Sequence[str] = (),
    *,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    stdout: int | IO[bytes] | None = None,
    stderr: int | IO[bytes] | None = None,
    cwd: str | Path = ".",
    env: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
) -> Process:
    """``python -m module arguments…`` from the server, or started anew where that cannot be. The options are Popen's.

    A forked process starts a session of its own and ends when the caller does; ``kill`` reaches its children too.
    """
    variables = dict(os.environ if env is None else env)
    if server and (forked := fork(server, module, arguments, stdin, stdout, stderr, cwd, variables, pass_fds)):
        return forked
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=stdin, stdout=stdout, stderr=stderr, cwd=cwd, env=variables, pass_fds=pass_fds if os.name == "posix" else (),
    )  # fmt: skip


def fork(
    server: str,
    module: str,
    arguments: Sequence[str],
    stdin: int | IO[bytes] | None,
    stdout: int | IO[bytes] | None,
    stderr: int | IO[bytes] | None,
    cwd: str | Path,
    env: Mapping[str, str],
    pass_fds: Sequence[int] = (),
) -> Forked | None:
    """The forked process, or ``None`` when the server is gone or refuses (and why, in the log)."""
    request = {"module": module, "argv": list(arguments), "cwd": str(Path(cwd).resolve()), "env": dict(env)}
    with contextlib.ExitStack() as ours:
        ends = [_end(given, default, ours) for default, given in enumerate((stdin, stdout, stderr))]
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(_PATIENCE_S)
            connection.connect(server)
            socket.send_fds(connection, [json.dumps(request).encode() + b"\n"], [*(child for child, _ in ends), *pass_fds])
            said = _line(connection)
        except OSError as reason:
            said = str(reason) or type(reason).__name__
        if said.startswith("PID "):
            return Forked(connection, int(said[4:]), ends[0][1], ends[1][1])
    log.info("%s is started cold: the kernel server says %s", module, said or "nothing: it has ended")
    connection.close()
    for _, kept in ends:
        if kept:
            kept.close()
    return None


def _end(given: int | IO[bytes] | None, number: int, ours: contextlib.ExitStack) -> tuple[int, IO[bytes] | None]:
    """The child's descriptor for what Popen calls stdin, stdout or stderr, and our end of the pipe where one is asked for."""
    if given is None:
        return number, None
    if given == subprocess.DEVNULL:
        null = os.open(os.devnull, os.O_RDWR)
        ours.callback(os.close, null)
        return null, None
    if given == subprocess.PIPE:
        read, write = os.pipe()
        child, kept, mode = (read, write, "wb") if number == 0 else (write, read, "rb")
        ours.callback(os.close, child)
        return child, os.fdopen(kept, mode)
    return (given if isinstance(given, int) else given.fileno()), None


def _line(connection: socket.socket) -> str:
    line = b""
    while not line.endswith(b"\n") and (byte := connection.recv(1)):
        line += byte
    return line.decode().strip()


class Forked:
    """A process forked by the server, with the methods of ``subprocess.Popen`` that its users need."""

    stderr = None

    def __init__(self, connection: socket.socket, pid: int, stdin: IO[bytes] | None, stdout: IO[bytes] | None) -> None:
        self.pid, self.stdin, self.stdout = pid, stdin, stdout
        self.returncode: int | None = None
        self._connection = connection
        self._lock = threading.Lock()  # a deadline may kill while the owner waits

    def poll(self) -> int | None:
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        return code

    def _ended(self, timeout: float | None) -> int | None:
        with self._lock:
            if self.returncode is None:
                try:
                    self._connection.settimeout(timeout)
                    said = _line(self._connection)
                except (BlockingIOError, TimeoutError):
                    return None
                except OSError:
                    said = ""
                self.returncode = int(said[5:]) if said.startswith("EXIT ") else -signal.SIGKILL  # no word: the server was killed
                self._connection.close()
            return self.returncode

    def send_signal(self, sig: int) -> None:
        """To the process and all that it has started."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, sig)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)
