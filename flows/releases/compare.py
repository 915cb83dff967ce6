"""`onetrunk diff A B`: what changed from a release to another: settings, rows, metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from components.release import dvc_cache, registry
from components.release.records import ReleaseRecord
from components.release.registry import Registry, Release
from flows.rollout import planning
from flows.running import clock

SPLITS = ("train", "validation", "test")
MISSING = "-"


def show(root: Path, first: str, second: str) -> None:
    """Print it."""
    found = registry.read(root)
    before, after = found.release(first), found.release(second)
    tried = planning.trials(found, root)
    for one in (before, after):
        print(f"{one.version}: released {clock.local(one.record.date)}, {one.record.judged}")
        for trial in tried.get(one.version, []):
            print(f"  {trial.said}")
    _section("params.yaml", _settings(found, before, after))
    _section("rows", _rows(found, before, after))
    _section("metrics of the gates", _metrics(before.record, after.record))


def _section(title: str, lines: Iterator[str]) -> None:
    said = list(lines)
    print(f"{title}:" if said else f"{title}: the same")
    print("".join(f"  {line}\n" for line in said), end="")


def _settings(found: Registry, before: Release, after: Release) -> Iterator[str]:
    old, new = (_flat(yaml.safe_load(text)) for text in _files(found, "params.yaml", before, after))
    for key in sorted(old | new):
        if old.get(key, MISSING) != new.get(key, MISSING):
            yield f"{key}: {old.get(key, MISSING)} -> {new.get(key, MISSING)}"


def _files(found: Registry, name: str, *releases: Release) -> list[bytes]:
    """A file of the project as some releases hold it; nothing where one does not."""
    names = [f"{one.commit}:{found.git.prefix}{name}" for one in releases]
    return [text or b"" for text in found.git.blobs(names)]


def _flat(value: object, key: str = "") -> dict[str, object]:
    """Settings by their whole key: {"a": {"b": 1}} as {"a.b": 1}."""
    if not isinstance(value, dict):
        return {key: value} if key else {}
    return {
        name: item
        for word, below in value.items()
        for name, item in _flat(below, f"{key}.{word}" if key else str(word)).items()
    }


def _rows(found: Registry, before: Release, after: Release) -> Iterator[str]:
    old, new = before.record.data, after.record.data
    locks = _files(found, dvc_cache.LOCK, before, after)
    for task in sorted(old | new):
        if old.get(task) == new.get(task):
            continue
        counted = [
            {} if task not in known else _ids(found.git.project, lock, task)
            for known, lock in zip((old, new), locks, strict=True)
        ]
        yield f"{task}: {_counted(*counted)}"


def _counted(before: Mapping[str, set[str]] | None, after: Mapping[str, set[str]] | None) -> str:
    if before is None or after is None:
        return "changed; DVC's cache does not have the rows of both (`dvc fetch --all-tags`)"
    said = []
    for split in SPLITS:
        old, new = before.get(split, set()), after.get(split, set())
        if old != new:
            said.append(f"{split} +{len(new - old):,} -{len(old - new):,}")
    return ", ".join(said) or "the same rows, but changed within"


def _ids(project: Path, lock: bytes, task: str) -> dict[str, set[str]] | None:
    """The ids of a task's rows by split, from DVC's cache; None where it does not have them, or the lock does
    not name them, as that of a release that was taken over."""
    import pyarrow.parquet as pq

    cache, oid = dvc_cache.place(project), dvc_cache.recorded(lock, f"data/{task}")
    if oid is None:
        return None
    listed = dvc_cache.listing(cache, oid) or {}
    files = {split: dvc_cache.file_of(cache, listed.get(f"{split}.parquet", MISSING)) for split in SPLITS}
    if not all(file.is_file() for file in files.values()):
        return None
    # From a file of Python's own, Arrow reads ahead in a thread, which may abort a process that ends at once.
    read = {name: pq.ParquetFile(file).read(columns=["id"]) for name, file in files.items()}
    return {split: set(table["id"].to_pylist()) for split, table in read.items()}


def _metrics(before: ReleaseRecord, after: ReleaseRecord) -> Iterator[str]:
    for name in sorted(before.tasks | after.tasks):
        old, new = before.tasks.get(name), after.tasks.get(name)
        if old is None or new is None:
            yield f"{name}: only in {(before if new is None else after).version}"
            continue
        if (old.metric, old.value) != (new.metric, new.value):
            yield f"{name}: {_said(old.metric, old.value)} -> {_said(new.metric, new.value)}"


def _said(metric: str | None, value: float | None) -> str:
    return "not recorded" if value is None else f"{metric} {value:.3f}"
