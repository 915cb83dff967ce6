"""How many rows were accepted from feedback since a release was made: what it did not learn from."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from components.data.contract import accepted
from components.release import dvc_cache, registry

DECLARED = "declared"  # the output that holds a copy of them, in a project


def accepted_since(release: str | None, project: Path = Path()) -> dict[str, int]:
    """Task -> the accepted rows that the run of a release (v1.2.0) did not have; without a release all of
    them. Tasks without such rows are not named.

    A release's dvc.lock names the rows that it had, and DVC's cache holds them; where the cache has lost
    them, the rows count that are younger than the release.

    Raises:
        UserError: there is no such release, or a file of accepted rows is damaged.
    """
    return {task: len(found) for task, found in rows_since(release, project).items()}


def rows_since(release: str | None, project: Path = Path()) -> dict[str, list[accepted.Accepted]]:
    """The rows that `accepted_since` counts."""
    files = sorted((project / accepted.FOLDER).glob("*.jsonl"))
    rows = {file.name.removesuffix(".jsonl"): accepted.read(file) for file in files}
    if release is not None and any(rows.values()):
        rows = _without(release, rows, project)
    return {task: found for task, found in rows.items() if found}


def _without(
    release: str, rows: dict[str, list[accepted.Accepted]], project: Path
) -> dict[str, list[accepted.Accepted]]:
    """The rows that a release did not have."""
    known = registry.read(project)
    one = known.release(release)
    (lock,) = known.git.blobs([f"{one.commit}:{known.git.prefix}{dvc_cache.LOCK}"])
    cache = dvc_cache.place(project)
    oid = dvc_cache.recorded(lock, DECLARED) if lock else None
    held = dvc_cache.listing(cache, oid) if oid else None
    made = datetime.fromisoformat(one.record.date)
    return {task: _not_had(task, own, held, cache, made) for task, own in rows.items()}


def _not_had(
    task: str, rows: list[accepted.Accepted], held: dict[str, str] | None, cache: Path, made: datetime
) -> list[accepted.Accepted]:
    """A task's rows that a release did not have which was made then, of what the cache `held` for it."""
    md5 = None if held is None else held.get(accepted.file_of(accepted.FOLDER, task).as_posix(), "")
    if md5 == "":  # it had none
        return rows
    if md5 is None or not (file := dvc_cache.file_of(cache, md5)).is_file():
        return [row for row in rows if datetime.fromisoformat(row.time) > made]
    had = {row.id for row in accepted.read(file)}
    return [row for row in rows if row.id not in had]
