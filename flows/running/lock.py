"""One run of a project at a time, and an end to what a killed run has left behind.

The lock is an flock, which the system lets go of when its holder dies, however it dies. Its stages
may outlive it: every process of a run carries the project's folder in its environment, so that
whoever holds the lock next can find and stop them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from components.errors import UserError

if TYPE_CHECKING:
    import psutil

WORKSPACE = Path(".onetrunk")
MARK = "ONETRUNK_RUN_OF"  # in the environment of a run's processes: the project's folder
_held: set[Path] = set()


class AnotherRunError(UserError):
    """Another run of the project is going on."""


@contextlib.contextmanager
def only_run(root: Path) -> Iterator[None]:
    """Hold the project's run lock; taken twice by one process it is held until the outer end.

    Raises:
        AnotherRunError: another process holds it.
    """
    if root in _held:
        yield
        return
    path = root / WORKSPACE / "run.lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            pid = file.read().strip() or "unknown"
            raise AnotherRunError(
                f"{root}: another run is going on (pid {pid}); wait for its end or stop it"
            ) from None
        file.truncate(0)
        with contextlib.suppress(OSError):  # a full disk is no reason not to free it (`onetrunk gc`)
            os.write(file.fileno(), str(os.getpid()).encode())
        _held.add(root)
        try:
            yield
        finally:
            _held.discard(root)


def is_running(root: Path) -> bool:
    """Tell whether a run of the project is going on in another process."""
    try:
        with only_run(root):
            return False
    except AnotherRunError:
        return True


def stop_orphans(root: Path) -> None:
    """Stop the processes that carry this project's mark, but for this one, its parents and children.

    Call it while holding the lock: they are then a dead run's.
    """
    import psutil

    this = psutil.Process()
    spared = {process.pid for process in (this, *this.parents(), *this.children(recursive=True))}
    marked = [other for other in psutil.process_iter() if other.pid not in spared and _carries(other, root)]
    for process in marked:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    for process in psutil.wait_procs(marked, timeout=5)[1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _carries(process: psutil.Process, root: Path) -> bool:
    import psutil

    try:
        return bool(process.environ().get(MARK) == str(root))
    except (psutil.Error, OSError):  # gone, or not ours to look into
        return False
