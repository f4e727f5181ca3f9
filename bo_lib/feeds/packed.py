"""Packed files: the one file in a zip or gz, unpacked within bounds before its reader sees it."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib

from bo_lib.feeds.reading import Reading

BYTES_MAX = 256 * 2**20  # unpacked
RATIO_MAX = 200  # texts and tables shrink 5 to 50 times
_OFFICE = {"[Content_Types].xml", "mimetype", "content.xml"}  # workbooks and documents are zips too
_LITTER = ("__MACOSX/", ".DS_Store", "Thumbs.db")
_FAILS = (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError)


def is_packed(data: bytes) -> bool:
    """True for a gz, and for a zip that is no workbook."""
    if data.startswith(b"\x1f\x8b"):
        return True
    if not data.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
    except _FAILS:
        return not any(name.encode() in data[:4096] for name in _OFFICE)
    return not (_OFFICE & set(names) or any(name.startswith("xl/") for name in names))


def unpacked(data: bytes, reading: Reading) -> tuple[str, bytes] | None:
    """Name and content of the file inside; None, with an error, for several files, a password, a bomb or a damaged archive."""
    try:
        found = _gz(data, reading) if data.startswith(b"\x1f\x8b") else _zip(data, reading)
    except _FAILS as reason:
        reading.error("archive-unreadable", f"the archive cannot be unpacked: {str(reason)[:200]}",
                      todo="it may be cut: ask the sender for it again")  # fmt: skip
        return None
    if found and (is_packed(found[1]) or found[1][257:262] == b"ustar"):
        reading.error("archive-not-read", "an archive in an archive is not read", found=found[0][:200], todo="unpack it")
        return None
    return found


def _zip(data: bytes, reading: Reading) -> tuple[str, bytes] | None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith(_LITTER)]
        if len(members) != 1:
            names = ", ".join(m.filename for m in members[:20])[:200]
            reading.error("archive-not-read", f"an archive of {len(members)} files is not read as one", found=names,
                          expected="one file in it", todo="unpack it, and read its files one by one")  # fmt: skip
            return None
        if members[0].flag_bits & 1:
            reading.error("archive-locked", "the archive is protected by a password", todo="ask the sender for an open one")
            return None
        with archive.open(members[0]) as file:
            content = file.read(_most(data) + 1)
    return (members[0].filename, content) if _fits(content, data, reading) else None


def _gz(data: bytes, reading: Reading) -> tuple[str, bytes] | None:
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        content = file.read(_most(data) + 1)
    return (reading.name.removesuffix(".gz"), content) if _fits(content, data, reading) else None


def _most(data: bytes) -> int:
    return min(BYTES_MAX, RATIO_MAX * len(data) + 2**20)


def _fits(content: bytes, data: bytes, reading: Reading) -> bool:
    if len(content) <= _most(data):
        return True
    reading.error("archive-too-large", "the archive unpacks to far more than its size", found=f"over {len(content) - 1} bytes from "
                  f"{len(data)}", expected=f"at most {BYTES_MAX} bytes and {RATIO_MAX} times its size",
                  todo="do not open it; ask the sender")  # fmt: skip
    return False
