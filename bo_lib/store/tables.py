"""Bulk tables as Parquet files under the SHA-256 of their bytes: written once, never overwritten, checked when read.

The same rows under the same schema give the same bytes, however the table was cut into chunks; so the same table is kept
once. The bytes depend on the version of pyarrow, which the lock file pins: compare tables of different versions by value.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bo_lib.store.errors import StoreFull, TableDamaged, TableMissing

_ROWS_PER_GROUP = 1 << 17


class TableStore:
    """A folder of tables: ``put`` gives a table's hash, ``get`` gives the table back."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)

    def path(self, sha256: str) -> Path:
        """Where the table of this hash is, or would be: ``<folder>/ab/abcd….parquet``. Raises ``TableMissing`` if it is no hash."""
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            raise TableMissing(f"{sha256!r} is not the SHA-256 of a table (64 hexadecimal digits)")
        return self.folder / sha256[:2] / f"{sha256}.parquet"

    def __contains__(self, sha256: str) -> bool:
        return self.path(sha256).is_file()

    def put(self, table: pa.Table, *, durable: bool = True) -> str:
        """Keep the table and return its hash. It is complete on the disk before it can be seen under its name.

        A table that can be made again need not be ``durable``: it is complete under its name, but the disk is not waited for;
        after a loss of power ``get`` says that it is missing or damaged.
        Raises ``StoreFull``, and ``TableDamaged`` when an altered file stands under its hash.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.folder, prefix=".part-")
        part = Path(name)
        try:
            with os.fdopen(handle, "w+b") as file:
                _write(table, file)
                file.flush()
                if durable:
                    os.fsync(file.fileno())
                file.seek(0)
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            self._place(part, sha256, durable)
        except OSError as wrong:
            if wrong.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise StoreFull(f"tables in {self.folder}: no room left; nothing was kept. Make room, then repeat") from wrong
            raise
        finally:
            part.unlink(missing_ok=True)
        return sha256

    def get(self, sha256: str) -> pa.Table:
        """The table under this hash. Raises ``TableMissing``, or ``TableDamaged`` when its bytes have changed."""
        return pq.read_table(pa.BufferReader(self._checked(sha256)))

    def _place(self, part: Path, sha256: str, durable: bool) -> None:
        target = self.path(sha256)
        target.parent.mkdir(exist_ok=True)
        part.chmod(0o444)
        try:
            target.hardlink_to(part)  # fails when it exists, so nothing is ever overwritten
        except FileExistsError:
            self._checked(sha256)
        for folder in (target.parent, self.folder) if durable else ():
            _sync(folder)

    def _checked(self, sha256: str) -> bytes:
        path = self.path(sha256)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise TableMissing(f"no table {sha256} in {self.folder}; a derived table can be made again, a source cannot") from None
        if (found := hashlib.sha256(content).hexdigest()) != sha256:
            said = (
                f"{path}: the bytes were altered or damaged; found SHA-256 {found}. Move the file away and restore or make it again"
            )
            raise TableDamaged(said)
        return content


def _write(table: pa.Table, file: object) -> None:
    one = table.replace_schema_metadata(None).combine_chunks()
    pq.write_table(one, file, version="2.6", compression="zstd", row_group_size=_ROWS_PER_GROUP, data_page_version="2.0")


def _sync(folder: Path) -> None:
    with suppress(OSError):  # not every file system can
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
