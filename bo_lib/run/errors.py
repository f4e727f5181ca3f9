"""What can go wrong for a person at the keyboard, and the exit code each leaves behind.

A ``LetterError`` carries a small letter for people: what was found, what was expected, what to do next. ``letter`` turns
the errors of other rooms and libraries that a user can meet (a full disk, a locked store, a wrong parameter) into one.
"""

from __future__ import annotations

import errno
import sys
import traceback
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path


class Exit(IntEnum):
    """Exit codes of ``bo``, in one place; ``bo --help`` prints them."""

    OK = 0
    ATTENTION = 1
    USAGE = 2
    FAILED = 3
    STORE = 4
    DISK_FULL = 5
    INTERNAL = 70
    INTERRUPTED = 130


EXIT_MEANINGS = {
    Exit.OK: "done; every control passed",
    Exit.ATTENTION: "done, and somebody should look: findings, or a verdict of attention",
    Exit.USAGE: "not started: a wrong argument or parameter, or a file that is missing or unreadable",
    Exit.FAILED: "a run failed, or its verdict is blocked",
    Exit.STORE: "the store is locked, altered or cannot be reached",
    Exit.DISK_FULL: "the disk is full; nothing half-written is left",
    Exit.INTERNAL: "an error of the workbench itself; outputs/errors has the report",
    Exit.INTERRUPTED: "interrupted from the keyboard",
}


class LetterError(Exception):
    """Something a person can mend; the message is the whole letter."""

    exit_code = Exit.USAGE


class UsageError(LetterError):
    """A name, date, file or parameter that cannot be used."""


class RunError(LetterError):
    """A run that could not be carried out."""

    exit_code = Exit.FAILED


class UnusableStoreError(LetterError):
    """The store is locked, altered or unreachable."""

    exit_code = Exit.STORE


class FullDiskError(LetterError):
    """No space left where the outputs or the store are."""

    exit_code = Exit.DISK_FULL


def letter(reason: BaseException) -> LetterError | None:
    """The letter for a known error, or None when the error is the workbench's own fault."""
    from bo_lib.config import ParameterError

    if isinstance(reason, LetterError):
        return reason
    if isinstance(reason, ParameterError):
        return UsageError(str(reason))
    if isinstance(reason, OSError):
        return _letter_of_system(reason)
    if "bo_lib.store" in sys.modules:
        from bo_lib.store import StoreError, StoreFull

        if isinstance(reason, StoreError):
            return (FullDiskError if isinstance(reason, StoreFull) else UnusableStoreError)(str(reason))
    return None


def _letter_of_system(reason: OSError) -> LetterError | None:
    where = f" at {reason.filename}" if reason.filename else ""
    if reason.errno in (errno.ENOSPC, errno.EDQUOT):
        return FullDiskError(
            f"the disk is full{where}; nothing half-written is left: free some space, then start the same command again"
        )
    if isinstance(reason, FileNotFoundError | NotADirectoryError):
        return UsageError(f"{reason.filename}: no such file or folder" if reason.filename else str(reason))
    if isinstance(reason, PermissionError | IsADirectoryError) and reason.filename:
        return UsageError(f"{reason.filename}: {reason.strerror}; ask for the rights to it, or name another with --root")
    return None


def report(outputs: Path, reason: BaseException) -> str:
    """Keep the traceback of an unknown error under ``outputs/errors``, and say so in one line."""
    text = "".join(traceback.format_exception(reason))
    said = f"{type(reason).__name__}: {str(reason).strip().splitlines()[0] if str(reason).strip() else 'no message'}"
    try:
        folder = outputs / "errors"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{datetime.now(UTC):%Y-%m-%dT%H%M%S.%fZ}.txt"
        path.write_text(text, "utf-8")
    except OSError as trouble:
        return f"an error of the workbench itself: {said} (its report could not be kept: {trouble.strerror})"
    return f"an error of the workbench itself: {said}; please report it with {path}"
