"""Files of people (letters, advices, screenshots) under the SHA-256 of their bytes: written once, never overwritten."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from bo_lib.store.errors import TableDamaged, TableMissing


class FileStore:
    """A folder of files: ``put`` keeps a copy and gives its hash, ``path`` is where it lies: ``<folder>/ab/abcd…``."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)

    def path(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / sha256

    def put(self, source: Path) -> str:
        """Keep a copy of ``source``, complete on the disk before it can be seen under its hash. Raises ``OSError``."""
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.folder, prefix=".part-")
        part = Path(name)
        try:
            with source.open("rb") as given, os.fdopen(handle, "w+b") as kept:
                shutil.copyfileobj(given, kept)
                kept.flush()
                os.fsync(kept.fileno())
                kept.seek(0)
                sha256 = hashlib.file_digest(kept, "sha256").hexdigest()
            part.chmod(0o444)
            target = self.path(sha256)
            target.parent.mkdir(exist_ok=True)
            if not target.exists():
                part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        return sha256

    def get(self, sha256: str) -> bytes:
        """The bytes under this hash. Raises ``TableMissing``, or ``TableDamaged`` when they have changed."""
        if not self.path(sha256).is_file():
            raise TableMissing(f"no file {sha256} in {self.folder}")
        content = self.path(sha256).read_bytes()
        if hashlib.sha256(content).hexdigest() != sha256:
            raise TableDamaged(f"{self.path(sha256)}: the bytes were altered or damaged; restore the copy")
        return content
