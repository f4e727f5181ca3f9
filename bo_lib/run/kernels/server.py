"""The fork server: imports packages once, then forks a ``python -m MODULE`` for each request. Started by ``kernel_server``.

``python server.py LISTENING_FD PACKAGE…``. It must stay a single thread, because a fork copies the forking thread only and
leaves the locks of all others locked for ever; it counts before every fork and refuses when there are more. It imports
nothing of bo_lib, so that every run reads the code of its own time.

A client connects, sends one line of JSON ``{module, argv, env, cwd}`` with the descriptors of stdin, stdout, stderr (and
more to keep open), and gets ``PID n`` or ``NO reason``. The connection stays open: ``EXIT code`` comes at the end of the
process; and when the client goes away its process group is killed, so that no kernel outlives its run. When the pipe on
the server's own standard input closes, its starter is gone, and everything ends.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import selectors
import shutil
import signal
import socket
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any, NoReturn

KERNEL = ("ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.zmqshell", "IPython.core.completer", "comm")
AT_IMPORT = ("PYTHON", "PLOTLY_", "LD_")  # variables that are read once, when the interpreter or a package starts
PATIENCE_S = 10.0  # for a client that has connected to say what it wants


def preload(packages: list[str]) -> None:
    """Import what is installed; a notebook that needs what is not will say so."""
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # a second of grammar for a check nobody needs
    for name in packages:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    del sys.modules["rfc3987_syntax"]


def threads() -> int:
    return sum(1 for _ in Path("/proc/self/task").iterdir())


class Server:
    """The loop: requests, ended children and vanished clients, one after the other."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.clients: dict[int, socket.socket] = {}  # pid of the child -> its client
        self.selector = selectors.DefaultSelector()
        self.wake, self.waker = socket.socketpair()
        for end in (self.wake, self.waker):
            end.setblocking(False)
        for source in (self.listener, self.wake, 0):
            self.selector.register(source, selectors.EVENT_READ)
        signal.set_wakeup_fd(self.waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> dict[str, Any] | None:
        """Until the starter is gone (then ``None``). In a forked child it returns the request that the child shall run."""
        while True:
            for key, _ in self.selector.select():
                if key.fileobj == 0:
                    if not os.read(0, 4096):
                        self.end()
                        return None
                elif key.fileobj is self.wake:
                    self.wake.recv(4096)
                    self.reap()
                elif key.fileobj is self.listener:
                    if (request := self.accept()) is not None:
                        return request
                elif key.data in self.clients and self.vanished(self.clients[key.data]):
                    kill(key.data)
                    self.selector.unregister(key.fileobj)

    def accept(self) -> dict[str, Any] | None:
        """Fork for the next client. Returns the request in the child, ``None`` in the server."""
        client, _ = self.listener.accept()
        request, fds = self.asked(client)
        try:
            if request is None:
                client.close()
            elif pid := os.fork():
                self.clients[pid] = client
                client.setblocking(False)
                self.selector.register(client, selectors.EVENT_READ, pid)
            else:
                self.forget()
                become(request, client, fds)
                return request
        finally:
            for fd in fds:
                os.close(fd)
        return None

    def asked(self, client: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
        """What the client wants and the descriptors it sent; no request when it went away or must be refused."""
        client.settimeout(PATIENCE_S)
        fds: list[int] = []
        try:
            line, fds, *_ = socket.recv_fds(client, 1 << 20, 16)
            while not line.endswith(b"\n"):
                if not (more := client.recv(1 << 20)):
                    return None, fds
                line += more
            request = json.loads(line)
            if not (reason := self.objection(request)):
                return request, fds
            client.sendall(f"NO {reason}\n".encode())
        except (OSError, ValueError):  # it starts its process itself
            pass
        return None, fds

    def objection(self, request: dict[str, Any]) -> str:
        """Why a forked process would not be the same as one started anew; empty when it would."""
        if (count := threads()) != 1:
            return f"{count} threads"
        names = {name for name in {*os.environ, *request["env"]} if name.startswith(AT_IMPORT)}
        differ = sorted(name for name in names if os.environ.get(name) != request["env"].get(name))
        return f"other {', '.join(differ)}" if differ else ""

    def reap(self) -> None:
        while self.clients:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            if (client := self.clients.pop(pid, None)) is not None:
                with contextlib.suppress(KeyError):
                    self.selector.unregister(client)
                with contextlib.suppress(OSError):
                    client.sendall(f"EXIT {os.waitstatus_to_exitcode(status)}\n".encode())
                client.close()

    def vanished(self, client: socket.socket) -> bool:
        try:
            return not client.recv(64)
        except OSError:
            return True

    def forget(self) -> None:
        """In a child: nothing of the server stays open."""
        signal.set_wakeup_fd(-1)
        self.selector.close()
        for one in (self.listener, self.wake, self.waker, *self.clients.values()):
            one.close()

    def end(self) -> None:
        """Nothing outlives the server, not even its folder when the starter was killed."""
        for pid in self.clients:
            kill(pid)
        shutil.rmtree(Path(self.listener.getsockname()).parent, ignore_errors=True)


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def become(request: dict[str, Any], client: socket.socket, fds: list[int]) -> None:
    """Turn the forked child into a process of its own: session, descriptors, folder, environment, signals, randomness."""
    try:
        os.setsid()
        for number, fd in enumerate(fds[:3]):
            os.dup2(fd, number)
        for fd in fds[3:]:
            os.dup(fd)  # stays open as long as the process lives (a lock)
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["env"])
        time.tzset()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if numpy_random := sys.modules.get("numpy.random"):
            numpy_random.seed()  # Python's own generator seeds itself after a fork, numpy's does not
        client.sendall(f"PID {os.getpid()}\n".encode())
        client.close()
    except BaseException:
        traceback.print_exc()
        os._exit(1)  # a child must never go on as a second server
    gc.unfreeze()
    gc.enable()


def run(request: dict[str, Any]) -> NoReturn:
    """As ``python -m module argv…`` would, except that the interpreter is not taken apart at the end (0.2 s of a warm heap)."""
    sys.path.insert(0, str(Path.cwd()))
    sys.argv = [request["module"], *request["argv"]]
    code = 1
    try:
        runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as said:
        code = said.code if isinstance(said.code, int) else int(said.code is not None)
        if isinstance(said.code, str):
            sys.stderr.write(f"{said.code}\n")
    except BaseException:
        traceback.print_exc()
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads that are no daemons
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def main() -> None:
    sys.path[:] = [place for place in sys.path if place != str(Path(__file__).parent)]
    listener = socket.socket(fileno=int(sys.argv[1]))
    os.environ["JPY_PARENT_PID"] = str(os.getpid())  # ipykernel reads it when imported: a kernel ends when this parent is gone
    preload([*KERNEL, *sys.argv[2:]])
    if (count := threads()) != 1:
        sys.exit(f"{count} threads after importing {', '.join(sys.argv[2:])}: a fork would not be safe")
    gc.collect()
    gc.disable()
    gc.freeze()  # the warm memory stays shared between all children
    if (request := Server(listener).serve()) is not None:
        run(request)


if __name__ == "__main__":
    main()
