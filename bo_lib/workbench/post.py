"""What lies in the inbox and where: day folders, and what is not where a file belongs. Nothing is read here.

A file belongs under ``<inbox>/<business date>/<SENDER>/<file>``. A link that leads out of the inbox is never followed: what it
shows could change, or be anything on the machine, without a file having come.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from bo_lib.model.findings import Finding, Place, error, warning

BELONGS = "<business date>/<SENDER>/<file>"
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def day_of(folder: Path) -> date | None:
    """The business date a folder of the inbox is named by; None where its name is no date."""
    try:
        return date.fromisoformat(folder.name) if _DAY.fullmatch(folder.name) else None
    except ValueError:
        return None


def day_folders(inbox: Path, until: date) -> list[tuple[date, Path]]:
    """The folders of the business days up to ``until``, in order."""
    found = [(day, path) for path in _entries(inbox) if (day := day_of(path)) and day <= until and path.is_dir()]
    return [(day, path) for day, path in found if not leads_out(path, inbox)]


def leads_out(path: Path, inbox: Path) -> bool:
    """True for a path that is, or lies behind, a link to nowhere or to outside the inbox."""
    real = Path(os.path.realpath(path))
    return not real.is_relative_to(os.path.realpath(inbox)) or not real.exists()


def misplaced(inbox: Path, until: date) -> Iterator[tuple[date, Path, Finding]]:
    """What will not be read, with the day it is said on: links that lead out, and files where no file belongs."""
    for path in _entries(inbox):
        day = day_of(path)
        if day and day > until:
            continue
        if path.is_symlink() and leads_out(path, inbox):
            yield day or until, path, _link(path, inbox)
        elif day is None or not path.is_dir():
            what = f"a folder whose name is no date, with {_count(path)}" if path.is_dir() else "a file under no business date"
            yield until, path, _lost(path, inbox, what)
    for day, folder in day_folders(inbox, until):
        for path in _entries(folder):
            yield from ((day, *said) for said in _in_day(path, inbox))


def _in_day(path: Path, inbox: Path) -> Iterator[tuple[Path, Finding]]:
    """What is wrong with an entry of a day folder: a sender's folder, or something that is none."""
    if path.is_symlink() and leads_out(path, inbox):
        yield path, _link(path, inbox)
    elif not path.is_dir():
        yield path, _lost(path, inbox, "a file in no sender's folder")
    else:
        for file in _entries(path):
            if file.is_symlink() and leads_out(file, inbox):
                yield file, _link(file, inbox)
            elif not file.is_file():
                what = f"a folder in a sender's folder, with {_count(file)}" if file.is_dir() else "neither a file nor a folder"
                yield file, _lost(file, inbox, what)


def _entries(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if not p.name.startswith(".")) if folder.is_dir() else []


def _count(folder: Path) -> str:
    files = sum(p.is_file() for p in folder.rglob("*"))
    return f"{files} file{'' if files == 1 else 's'}"


def _link(path: Path, inbox: Path) -> Finding:
    target = name_of(path.readlink())
    where = "outside the inbox" if path.exists() else "nowhere"
    place = Place(name_of(path.relative_to(inbox)))
    return error("file-link", f"the link leads {where} and is not followed", place, found=target, todo="put the file itself there")


def _lost(path: Path, inbox: Path, what: str) -> Finding:
    place = Place(name_of(path.relative_to(inbox)))
    return warning(
        "file-misplaced", f"{what}: it is not read", place, expected=BELONGS, todo="move it to where it belongs, or away"
    )


def name_of(path: Path) -> str:
    """A path in characters that can be kept whatever the file system allows."""
    name = path.as_posix().encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in name)[:300]
