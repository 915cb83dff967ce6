"""What of a stage's outputs this program has made, and what a person has put among them.

DVC removes the outputs of a stage before it runs it, whatever lies in them. Here a file that no record
names stops the stage first. A record is a folder's manifest, dvc.lock, DVC's cache, or a note of what a
stage that did not end well has left. A plain `dvc repro` asks nobody before it removes; so the first stage
of every pipeline, which is always run, looks at the outputs of all (`python -m flows.running.outputs`).
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from components.errors import UserError
from components.files import sample, strangers, write_json
from components.stages import run
from flows.running import graph
from flows.running.lock import WORKSPACE

if TYPE_CHECKING:
    from dvc.output import Output
    from dvc.stage import Stage

BEGUN = WORKSPACE / "begun"  # a note for each stage that has begun and did not end well


@contextlib.contextmanager
def spared(stage: Stage) -> Iterator[None]:
    """While the block lasts, in which a stage's outputs are removed and made anew, keep a note of it.

    Raises:
        UserError: a file that may be the user's lies in one of them.
    """
    require_none_foreign(stage)
    begun = _note(stage)
    begun.parent.mkdir(parents=True, exist_ok=True)
    begun.write_bytes(b"")  # if it is killed, all that is found there is its own
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            write_json(begun, [str(path) for out in stage.outs for path in files(Path(out.fs_path))])
        raise
    begun.unlink(missing_ok=True)


def require_none_foreign(stage: Stage) -> None:
    """Check that nothing is lost when the stage's outputs are removed.

    Raises:
        UserError: a file that may be the user's lies in one of them.
    """
    for out in stage.outs:
        if not out.persist and (found := foreign(out)):
            shown = [path.relative_to(stage.repo.root_dir) for path in found]
            raise UserError(
                f"{sample(shown)}: not made by this program, and {stage.addressing} would remove it with all "
                f"of {out.def_path}, its output; move it elsewhere, then give the same command again"
            )


def foreign(out: Output) -> list[Path]:
    """The files at or below an output that no record names."""
    path = Path(out.fs_path)
    left = _left(out.stage)
    if left is None or (path.is_file() and (path.suffix or _is_recorded_file(out))):
        return []  # a file of this very name is the stage's
    known = left | {path / name for name in _listed(out)}
    return [one for one in strangers(path) if one not in known and not _is_cached(one, out)]


def files(path: Path) -> list[Path]:
    """The files at or below a path; a link is one."""
    if path.is_symlink() or not path.is_dir():
        return [path] if path.is_symlink() or path.exists() else []
    return [one for one in path.rglob("*") if one.is_symlink() or not one.is_dir()]


def made(outs: Iterable[Output]) -> tuple[list[Path], list[Path]]:
    """The files of some outputs: those that were made here, and those that no record names."""
    ours, theirs = [], []
    for out in outs:
        kept = foreign(out)
        ours += [one for one in files(Path(out.fs_path)) if one not in kept]
        theirs += kept
    return ours, theirs


def _note(stage: Stage) -> Path:
    name: str = stage.addressing
    return Path(stage.repo.root_dir) / BEGUN / name.replace("/", ".")


def _left(stage: Stage) -> set[Path] | None:
    """What a stage that failed has left in its outputs; None where it was killed: all that is there."""
    begun = _note(stage)
    if not begun.is_file():
        return set()
    text = begun.read_text(encoding="utf-8")
    return {Path(name) for name in json.loads(text)} if text else None


def _is_recorded_file(out: Output) -> bool:
    return bool(out.hash_info) and not out.hash_info.isdir


def _listed(out: Output) -> list[str]:
    """What dvc.lock says that a folder held, if DVC's cache still knows."""
    if not out.hash_info or not out.hash_info.isdir:
        return []
    with contextlib.suppress(OSError, ValueError, KeyError):
        listing = Path(out.cache.oid_to_path(out.hash_info.value))
        return [entry["relpath"] for entry in json.loads(listing.read_text(encoding="utf-8"))]
    return []


def _is_cached(path: Path, out: Output) -> bool:
    """Tell whether DVC's cache has these bytes, so that nothing is lost with the file."""
    from dvc_data.hashfile.hash import hash_file

    try:
        _, found = hash_file(str(path), out.fs, "md5", out.repo.state)
    except OSError:  # a link that leads nowhere
        return False
    return bool(out.cache.exists(found.value))


def main() -> None:
    """Check the outputs of all stages of the project in the current folder.

    Raises:
        UserError: as `require_none_foreign`.
    """
    with graph.repository() as repo:
        for stage in repo.index.stages:
            require_none_foreign(stage)


if __name__ == "__main__":
    run(main)
