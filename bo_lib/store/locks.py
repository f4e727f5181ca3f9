"""File locks that the system releases when their holder dies: who carries out a run holds the lock of its key."""

from __future__ import annotations

import os
from pathlib import Path


def try_lock(handle: int) -> bool:
    """Take the lock of an open file unless somebody holds it."""
    try:
        if os.name == "posix":
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except OSError as reason:
        if isinstance(reason, BlockingIOError | PermissionError):
            return False
        raise
    return True


def is_free(path: Path) -> bool:
    """True when nobody holds the lock at ``path`` at this moment."""
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return True
    try:
        return try_lock(handle)
    finally:
        os.close(handle)


def run_lock(outputs: Path, key: str) -> Path:
    """The lock that whoever carries out the run of this key holds."""
    return outputs / ".locks" / f"{key}.lock"


def is_held(outputs: Path, key: str) -> bool:
    """True while somebody carries out the run of this key."""
    return not is_free(run_lock(outputs, key))
