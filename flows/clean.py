"""`onetrunk clean`: remove what the pipeline has made, and nothing else."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable
from pathlib import Path

from components.encoder.place import ENCODER, RECORD
from components.evaluation import wear
from components.evaluation.records import SUMMARY
from flows.running import graph, outputs
from flows.running.lock import WORKSPACE, only_run

KEPT = (Path("downloads"), ENCODER, RECORD)  # what was fetched would have to be fetched again
SHOWN = 5  # files that are left


def run(root: Path) -> int:
    """Remove the outputs of all stages but for downloads and the encoder, and the workspace; dvc.lock stays.

    A file that no record names stays where it is, and is named.

    Raises:
        UserError: a run is going on, or the pipeline cannot be read.
    """
    with only_run(root):
        with graph.repository() as repo:
            outs = [out for stage in repo.index.stages for out in stage.outs if not _is_kept(out.def_path)]
            ours, theirs = outputs.made(outs)
        for file in [*ours, root / SUMMARY]:
            file.unlink(missing_ok=True)
        _remove_empty({folder for file in ours for folder in file.parents if root in folder.parents})
        _empty(root / WORKSPACE)
    back = "; `dvc checkout` brings them back" if ours else ""
    print(f"removed {len(ours)} files that the pipeline had made{back}")
    if theirs:
        print("left, since no record names them as made here:")
        more = [f"and {len(theirs) - SHOWN} more"] if len(theirs) > SHOWN else []
        print("\n".join([f"  {path.relative_to(root)}" for path in theirs[:SHOWN]] + more))
    return 0


def _empty(workspace: Path) -> None:
    """Remove what the program keeps for itself, but for how often test sets were used: that cannot be made
    again."""
    for path in sorted(workspace.glob("*")):
        if path.name != wear.FILE.name:
            is_folder = path.is_dir() and not path.is_symlink()
            shutil.rmtree(path, ignore_errors=True) if is_folder else path.unlink(missing_ok=True)
    _remove_empty([workspace])


def _is_kept(path: str) -> bool:
    return any(kept in (Path(path), *Path(path).parents) for kept in KEPT)


def _remove_empty(folders: Iterable[Path]) -> None:
    """The folders that hold nothing any more, the deepest first."""
    for folder in sorted(folders, key=lambda each: -len(each.parts)):
        with contextlib.suppress(OSError):
            folder.rmdir()
