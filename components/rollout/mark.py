"""A worker's mark: a file that says, beyond the worker's end, whether a new release is at work in it.

A worker that dies of a release (a segmentation fault, no memory left, os._exit) says nothing any more. So
while it has one on trial, a file in the folder of its service says by its first byte whether that is being
loaded or asked. The worker holds a lock on the file, and the system lets go of that however the worker ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

MARKS = "mark-*"  # of a service: a file for each release that a worker has on trial
AT_WORK, AT_REST = b"1", b"0"


class Mark:
    """That of this worker and one release."""

    def __init__(self, folder: Path, of: str) -> None:
        """Begin at rest; `of` is what is on trial.

        Raises:
            OSError: the disk is full.
        """
        number, path = tempfile.mkstemp(prefix=MARKS.rstrip("*"), dir=folder)
        self._path, self._file = Path(path), os.fdopen(number, "r+b", buffering=0)
        self._asked, self._lock = 0, threading.Lock()
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            self._file.write(AT_REST + of.encode())
        except OSError:
            self.end()
            raise

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """While the block runs, the release is at work."""
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def end(self) -> None:
        """The release is no longer on trial."""
        with self._lock:
            _remove(self._path)
            self._file.close()

    def _count(self, more: int) -> None:
        with self._lock, contextlib.suppress(OSError):  # a full disk may copy what is written over
            self._asked += more
            if not self._file.closed:
                os.pwrite(self._file.fileno(), AT_WORK if self._asked else AT_REST, 0)


def deaths(folder: Path, within: float = math.inf) -> Counter[str]:
    """How many workers of a service have died while it was at work, in the last so many seconds: what was on
    trial -> workers."""
    return Counter(of for path in folder.glob(MARKS) if (of := _died_of(path, within)))


def acquit(folder: Path, of: str) -> None:
    """Forget the workers that have died while it was at work: they have not died of it."""
    for path in folder.glob(MARKS):
        with contextlib.suppress(OSError):  # it cannot be read, and keeps nobody from the release
            if _died_of(path) == of:
                _remove(path)


def _remove(path: Path) -> None:
    """Remove a mark; from a disk that nobody may write to, it goes when the service ends."""
    with contextlib.suppress(OSError):
        path.unlink()


def _died_of(path: Path, within: float = math.inf) -> str | None:
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        # either way: where the clock was wrong, it may have been in a year that is to come
        if abs(time.time() - os.fstat(file.fileno()).st_mtime) > within:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:  # it lives
            return None
        said = file.read()
        return said[1:].decode(errors="replace") if said.startswith(AT_WORK) else None
    return None
