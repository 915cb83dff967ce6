"""Callers whom a test of a trial has counted: each once, whichever worker of the service he asks.

Of a caller whose texts a model fails at, each worker sees some. Counted by each of them he would be one piece
of news on which is bet as often as there are workers. So they share a file, to which whoever counts a caller
first adds him under a lock; he stays in it when a worker is started anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from pathlib import Path

SIZE = 8  # bytes of a caller: a header may have 16 KiB
MOST = 20_000  # callers that are told apart


class Callers:
    """Those of one test."""

    def __init__(self, file: Path | None = None) -> None:
        """`file` is of all workers; without one they are this process's alone."""
        self._file, self._read = file, 0
        self._known: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._known)

    def is_new(self, caller: str) -> bool:
        """Whether nobody has counted him yet, who is counted by that; not where there are too many."""
        digest = hashlib.blake2b(caller.encode(), digest_size=SIZE).digest()
        if digest in self._known or len(self._known) >= MOST:
            return False
        with contextlib.suppress(OSError):  # the disk is full, say: then each worker counts by itself
            if self._file is not None and not self._added(self._file, digest):
                return False
        self._known.add(digest)
        return True

    def _added(self, path: Path, digest: bytes) -> bool:
        """Whether it was not in the file, where it is now."""
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(self._read)
            added = file.read()
            whole = len(added) // SIZE * SIZE  # what was torn is written over
            self._known |= {added[start : start + SIZE] for start in range(0, whole, SIZE)}
            self._read += whole
            if digest in self._known:
                return False
            file.seek(self._read)
            file.write(digest)
            return True
