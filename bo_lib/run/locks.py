"""One holder at a time across processes, with patience."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bo_lib.run.errors import RunError
from bo_lib.store.locks import try_lock


@contextmanager
def hold(path: Path, waiting: Callable[[], None], patience_s: float) -> Iterator[int]:
    """Hold the lock at ``path``; yields its file descriptor, which a child may inherit to keep the lock alive.

    When somebody else holds it, calls ``waiting`` once and waits up to ``patience_s`` seconds, then raises ``RunError``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        deadline = time.monotonic() + patience_s
        free = try_lock(handle)
        if not free:
            waiting()
        while not free:
            if time.monotonic() > deadline:
                raise RunError(f"the same run is still going on elsewhere after {patience_s:.0f} s; `bo status` shows it")
            time.sleep(0.1)
            free = try_lock(handle)
        yield handle
    finally:
        os.close(handle)
