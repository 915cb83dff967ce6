"""The workers of one service: which of them are ready, and what they answer with.

Each has a file, in a folder that the process that starts them makes, and holds a lock on it from when it has
answered its first questions until it ends; the system lets go of the lock however it ends. The file says
which release answers. So any of them can say whether all are ready, with what, and whether it is the last.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from components.errors import UserError
from components.release.variables import WORKERS, WORKERS_FOLDER

PATIENCE = 1.0  # seconds in which a file becomes free that somebody only looks at
NAME = 64  # bytes of a release's name in a file
_held: list[IO[bytes]] = []


def configured() -> int:
    """How many workers are asked for.

    Raises:
        UserError: it is no number of workers.
    """
    given = os.environ.get(WORKERS, "1")
    if not given.isdecimal() or int(given) < 1:
        raise UserError(f"{WORKERS}: found '{given}', expected how many workers the service is to have")
    return int(given)


def found(workers: int) -> None:
    """Make the files of so many workers, which are started after this."""
    folder = Path(tempfile.mkdtemp(prefix="onetrunk-workers-"))
    for number in range(workers):
        (folder / str(number)).touch()
    os.environ[WORKERS_FOLDER] = str(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)


def size() -> int:
    """How many workers there are to be."""
    return max(1, len(_files()))


def share_processor() -> None:
    """Let each of several workers compute with its part of the cores, unless the environment says more."""
    if size() > 1 and "OMP_NUM_THREADS" not in os.environ:
        import torch

        torch.set_num_threads(max(1, torch.get_num_threads() // size()))


def join(release: str) -> None:
    """This worker is ready, and answers with this release."""
    until = time.monotonic() + PATIENCE
    while not _held and _files() and time.monotonic() < until:
        _held.extend(_taken())
        time.sleep(0 if _held else 0.01)
    say(release)


def say(release: str) -> None:
    """It answers with this release now."""
    for file in _held:
        os.pwrite(file.fileno(), release.encode()[:NAME].ljust(NAME), 0)


def leave() -> None:
    """It is no longer."""
    while _held:
        _held.pop().close()


def complete() -> bool:
    """Whether all workers are ready. Whoever tidies up temporary files sees that these are in use."""
    for path in _files():
        os.utime(path)
    return not any(map(_is_free, _files()))


def releases() -> Counter[str]:
    """What the workers answer with that are ready -> how many of them do."""
    ready = (path for path in _files() if not _is_free(path))
    return Counter(path.read_bytes().decode(errors="replace").strip() for path in ready)


def left() -> bool:
    """Whether none is ready, this one neither."""
    return all(map(_is_free, _files()))


def _files() -> list[Path]:
    """None where somebody has tidied them away: then each worker speaks for itself."""
    folder = os.environ.get(WORKERS_FOLDER)
    return sorted(Path(folder).glob("*")) if folder else []


def _taken() -> Iterator[IO[bytes]]:
    """The first file that nobody holds, locked."""
    for path in _files():
        file = path.open("r+b", buffering=0)
        if locked(file):
            yield file
            return
        file.close()


def _is_free(path: Path) -> bool:
    with path.open("rb") as file:
        return locked(file, fcntl.LOCK_SH)


def locked(file: IO[bytes], kind: int = fcntl.LOCK_EX) -> bool:
    """Hold a lock on an open file, if nobody else does."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
