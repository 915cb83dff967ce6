"""The folder of feedback: a file for each right answer that waits, and a name for each that was decided on.

    waiting/KEY.json    what was sent (records.py)
    decided/KEY         accepted or rejected; so what is sent again afterwards does not come back

The key is that of all that was said, so any number of workers and of repeats make one file, and nobody needs
a lock. A file is whole or absent.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

from components.errors import UserError
from components.files import write_json
from components.monitoring.feedback.records import Feedback

BLOCK = 4096  # bytes: what a small file takes of a disk
COUNTED_SECONDS = 10.0  # for which a count of what waits holds, but for what this process adds


class FullError(Exception):
    """There is no room for more."""


class Store:
    """A folder of feedback. Safe for threads and processes."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder, self.max_bytes = folder, max_bytes
        self.waiting, self.decided = folder / "waiting", folder / "decided"
        self.lock = threading.Lock()
        self.used, self.counted = 0, float("-inf")

    def add(self, one: Feedback) -> bool:
        """Keep it; whether it is new.

        Raises:
            FullError: what waits takes as much of the disk as it may.
            OSError: the disk is full, or the folder is not ours.
        """
        file = self.waiting / f"{one.key}.json"
        with self.lock:
            if file.exists() or (self.decided / one.key).exists():
                return False
            if self._used() + _room(len(one.model_dump_json().encode())) > self.max_bytes:
                raise FullError
            write_json(file, one.model_dump(mode="json"))
            self.used += _room(file.stat().st_size)  # lists take lines: it may be several times as much
            return True

    def all_waiting(self) -> Iterator[tuple[str, Feedback | UserError]]:
        """(key, what waits) in the order of keys; in the place of a file that is none, the complaint."""
        for file in sorted(self.waiting.glob("[0-9a-f]*.json")):
            if (self.decided / file.stem).exists():  # whoever decided on it was killed before this
                file.unlink(missing_ok=True)
                continue
            try:
                yield file.stem, Feedback.read(file)
            except UserError as error:
                yield file.stem, error

    def decide(self, key: str) -> None:
        """It waits no more, whatever it was decided to be."""
        self.decided.mkdir(parents=True, exist_ok=True)
        (self.decided / key).touch()
        (self.waiting / f"{key}.json").unlink(missing_ok=True)

    def _used(self) -> int:
        """The bytes of all that waits, counted anew from time to time: other workers add as well."""
        if time.monotonic() - self.counted > COUNTED_SECONDS:
            self.counted = time.monotonic()
            self.used = sum(_room(size) for size in _sizes(self.waiting))
        return self.used


def _room(size: int) -> int:
    """What a file of so many bytes takes of a disk."""
    return -(-size // BLOCK) * BLOCK


def _sizes(folder: Path) -> Iterator[int]:
    for file in folder.glob("*.json"):
        try:
            yield file.stat().st_size
        except FileNotFoundError:  # decided on meanwhile
            continue
