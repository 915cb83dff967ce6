"""DVC's own files after a kill: what is torn is noticed and mended before anything reads it.

The stages of a run write them whole (durable_dvc.py). A plain `dvc repro` does not, nor did earlier
versions, and a disk may tear what was whole.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

from components.files import atomic_file, sweep
from flows.running.lock import WORKSPACE

LOCK = "dvc.lock"
GOOD = WORKSPACE / "dvc.lock.good"  # the last whole dvc.lock of a run
TORN = WORKSPACE / "dvc.lock.torn"  # what stood in its place, for whoever wants to see it
RWLOCK = Path(".dvc/tmp/rwlock")
ENTRY = re.compile(rb"^  \S", re.MULTILINE)  # a stage's first line in dvc.lock
ENTRY_ENDS = re.compile(rb"\Z|\n(\S|  \S|\Z)")  # what follows an entry
CONFLICT = b"<<<<<<<"  # git's, in the middle of a merge: the user's to solve
DVC_TEMPORARY = re.compile(r"\.[\w-]{22}\.tmp")  # of a checkout, or of an entry of the run cache


def keep(root: Path) -> None:
    """Copy dvc.lock, which must be whole, to where `mend` looks for it."""
    with atomic_file(root / GOOD) as temporary:
        temporary.write_bytes((root / LOCK).read_bytes())


def mend(root: Path) -> list[str]:
    """Put right what killed processes have left, and return a sentence for each thing that was wrong.

    Call it while holding DVC's lock: nobody then writes to these files.
    """
    said = [_mend_lock(root), _mend_rwlock(root)]
    if removed := len(sweep(root)) + _sweep_dvc(root):
        said.append(f"removed {removed} half-written files and folders of a killed run")
    return [sentence for sentence in said if sentence]


def _mend_lock(root: Path) -> str:
    lock, good = root / LOCK, root / GOOD
    if not lock.is_file():
        return ""
    text = lock.read_bytes()
    kept = good.read_bytes() if good.is_file() else b""
    if CONFLICT in text or (_is_whole(text) and not _is_cut(text, kept)):
        return ""
    with atomic_file(root / TORN) as temporary:
        temporary.write_bytes(text)
    origin, whole = _last_whole(root, kept)
    if not origin:
        lock.unlink()
        return f"{LOCK} was torn by a kill or a full disk; DVC's cache still has what it named ({TORN})"
    with atomic_file(lock) as temporary:
        temporary.write_bytes(whole)
    return f"{LOCK} was torn by a kill or a full disk; {origin} is back ({TORN})"


def _is_whole(text: bytes) -> bool:
    """Tell whether DVC can read it."""
    from dvc.exceptions import DvcException
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA
    from dvc.utils.serialize import parse_yaml
    from voluptuous import Invalid

    try:
        COMPILED_LOCKFILE_SCHEMA(parse_yaml(text.decode(), LOCK))
    except (DvcException, Invalid, UnicodeDecodeError):
        return False
    return True


def _is_cut(text: bytes, kept: bytes) -> bool:
    """Tell whether `text` ends within an entry that goes on in the copy.

    One that ends with an entry is left alone though it may have lost others: it may be the user's
    doing, and DVC's run cache brings those stages back.
    """
    entries = list(ENTRY.finditer(text))
    if not entries:
        return False
    entry = b"\n" + text[entries[-1].start() :].removesuffix(b"\n")
    start = kept.find(entry)
    return start >= 0 and ENTRY_ENDS.match(kept, start + len(entry)) is None


def _last_whole(root: Path, kept: bytes) -> tuple[str, bytes]:
    """A lock that can be read, and whose it is; the run's copy before git's."""
    if _is_whole(kept):
        return "the last whole one", kept
    command = ["git", "-c", "safe.directory=*", "show", f"HEAD:./{LOCK}"]  # it may be another user's
    shown = subprocess.run(command, cwd=root, capture_output=True, check=False)
    if shown.returncode == 0 and _is_whole(shown.stdout):
        return "the committed one", shown.stdout
    return "", b""


def _mend_rwlock(root: Path) -> str:
    """Remove DVC's list of readers and writers where it is torn, or names only processes that are gone.

    DVC takes an entry for alive when any process has its number, after a restart of the machine too.
    """
    path = root / RWLOCK
    if not path.is_file():
        return ""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        entries = itertools.chain(content.get("write", {}).values(), *content.get("read", {}).values())
        pids = {int(entry["pid"]) for entry in entries}
    except (ValueError, AttributeError, KeyError, TypeError):
        path.unlink()
        return f"{RWLOCK} was torn by a kill or a full disk; removed, DVC makes it anew"
    if pids and not any(map(_is_dvc, pids)):
        path.unlink()
    return ""


def _is_dvc(pid: int) -> bool:
    import psutil

    try:
        return "dvc" in " ".join(psutil.Process(pid).cmdline())
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:  # not ours to look into
        return True


def _sweep_dvc(root: Path) -> int:
    """Remove temporary files of DVC beside outputs, where a stage would hash them, and of its run cache."""
    runs = root / ".dvc/cache/runs"
    found = [path for path in runs.glob("*/*/*.tmp") if path.is_file()]
    for top in root.iterdir():
        if top.is_dir() and not top.name.startswith("."):
            found += [path for path in top.rglob(".*.tmp") if DVC_TEMPORARY.fullmatch(path.name)]
    for path in found:
        with contextlib.suppress(IsADirectoryError):
            path.unlink(missing_ok=True)
    for folder in runs.glob("*/*"):  # made before its entry; DVC fails where it finds it empty
        with contextlib.suppress(OSError):
            folder.rmdir()
    return len(found)


def say(sentences: list[str]) -> None:
    """One line each, beside what the command itself says."""
    for sentence in sentences:
        print(f"note: {sentence}", file=sys.stderr)
