"""BentoML's folder of a service: a private one in the temporary folder, where anybody may make others.

The service holds a lock on it until the last of its processes has ended. A process number would say less: it
may be another's by now, or that of a process which this one cannot see, in another container.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path

PREFIX = "onetrunk-serve-"
YOUNG = 60.0  # seconds in which whoever makes one has locked it


def make() -> Path:
    """A folder for the service that this process becomes, locked beyond `exec`; those of this user's services
    that have ended go."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if _is_left(folder):
            shutil.rmtree(folder, ignore_errors=True)
    home = Path(tempfile.mkdtemp(prefix=PREFIX))
    os.set_inheritable(_locked(home), True)
    return home


def _is_left(folder: Path) -> bool:
    """Whether it is this user's, nobody else could write to it, and no service holds it."""
    try:
        found = folder.lstat()
        private = stat.S_ISDIR(found.st_mode) and not stat.S_IMODE(found.st_mode) & 0o077
        if found.st_uid != os.geteuid() or not private or time.time() - found.st_mtime < YOUNG:
            return False
        os.close(_locked(folder))
    except OSError:  # it is held, or gone
        return False
    return True


def _locked(folder: Path) -> int:
    """An open and locked folder.

    Raises:
        OSError: somebody holds it, or it is no folder.
    """
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(number)
        raise
    return number
