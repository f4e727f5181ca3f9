"""Findings: what is wrong, where, what was expected, and what to do next.

Bad data never raises. A reader or a room returns ``Outcome(value, findings)``: the good rows go on,
the bad ones become findings that know their place. Only a programmer's mistake raises.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

T = TypeVar("T")


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Verdict(StrEnum):
    """The conclusion of a control, a report or a run; ordered from good to bad."""

    PASS = "pass"
    ATTENTION = "attention"
    BLOCKED = "blocked"

    @classmethod
    def worst(cls, verdicts: Iterable[Verdict]) -> Verdict:
        order = list(cls)
        return max(verdicts, key=order.index, default=cls.PASS)


@dataclass(frozen=True)
class Place:
    """Where a value came from: a file (name and SHA-256), a line or element in it, a field."""

    file: str = ""
    at: str = ""
    field: str = ""
    sha256: str = ""

    def __str__(self) -> str:
        return ", ".join(part for part in (self.file, self.at, self.field) if part)


@dataclass(frozen=True)
class Finding:
    """A small letter: severity, a stable code to search for, a sentence, the place, and the remedy."""

    severity: Severity
    code: str
    message: str
    place: Place = field(default_factory=Place)
    expected: str = ""
    found: str = ""
    todo: str = ""

    def __str__(self) -> str:
        said = [f"{self.severity.value} {self.code}", f"at {self.place}" if str(self.place) else "", self.message]
        said += [f"found {self.found!r}" if self.found else "", f"expected {self.expected}" if self.expected else ""]
        return ": ".join(s for s in said[:3] if s) + "".join(f"; {s}" for s in [*said[3:], self.todo] if s)


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """A value and everything that was found on the way to it."""

    value: T
    findings: tuple[Finding, ...] = ()

    @property
    def ok(self) -> bool:
        return not any(f.severity is Severity.ERROR for f in self.findings)

    @property
    def verdict(self) -> Verdict:
        severities = {f.severity for f in self.findings}
        if Severity.ERROR in severities:
            return Verdict.BLOCKED
        return Verdict.ATTENTION if Severity.WARNING in severities else Verdict.PASS


def error(code: str, message: str, place: Place | None = None, **said: str) -> Finding:
    return Finding(Severity.ERROR, code, message, place or Place(), **said)


def warning(code: str, message: str, place: Place | None = None, **said: str) -> Finding:
    return Finding(Severity.WARNING, code, message, place or Place(), **said)


def info(code: str, message: str, place: Place | None = None, **said: str) -> Finding:
    return Finding(Severity.INFO, code, message, place or Place(), **said)
