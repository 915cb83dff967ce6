"""Folders that look like a Bento to the registry, and projects that have released some (synthetic)."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import yaml

from components.data.contract.beginning import Beginning
from components.evaluation.records import (
    Champion,
    ChampionEvidence,
    MetricEvidence,
    ModelId,
    Outcome,
    ReleaseReport,
    TaskVerdict,
    Verdict,
)
from components.files import MANIFEST, atomic_file, atomic_folder, sha256, write_manifest
from components.release import moves, registry
from components.release.records import BundleCard, Code, Limits, PackedModel, PackedTask
from components.release.registry import BUNDLE, CARD, WEIGHTS

LABELS = {"mood": ["bad", "good"]}


def write_bento(
    folder: Path,
    version: str,
    model: str | Path,
    megabytes: int = 0,
    labels: Mapping[str, list[str]] = LABELS,
    name: str = "tiny",
    metrics: Mapping[str, MetricEvidence] | None = None,
    commit: str | None = None,
    beginning: Beginning | None = None,
) -> Path:
    """A Bento of this version, whose weights are `model`, or whose model is that of a folder; `metrics` are
    those of every head, the project stood on `commit`, and training began with `beginning`."""
    with atomic_folder(folder) as bento:
        (bento / CARD).parent.mkdir(parents=True)
        (bento / "bento.yaml").write_text(f"version: {version}\n")
        if isinstance(model, Path):
            shutil.copytree(model, bento / BUNDLE, dirs_exist_ok=True)
        else:
            (bento / WEIGHTS).write_text(model)
        BundleCard(
            name=name,
            version=version,
            model=PackedModel(sha256=sha256(bento / WEIGHTS), files={}),
            data={"mood": {"train": hashlib.sha256(version.encode()).hexdigest()}},
            code=Code(sha256="c" * 64),
            commit=commit,
            verdict="PROMOTE",
            limits=Limits(max_texts=1, max_characters=1, max_body_bytes=1),
            tasks={task: _task(known, metrics or {}) for task, known in labels.items()},
            beginning=beginning,
        ).write(bento / CARD)
        (bento / "weights").write_bytes(bytes(megabytes << 20))
    return folder


def _task(labels: list[str], metrics: Mapping[str, MetricEvidence]) -> PackedTask:
    return PackedTask(
        family="classification",
        labels=labels,
        inputs=["text"],
        max_length=16,
        gate="pass",
        rows={"test": 9},
        share=1.0,
        metrics=dict(metrics),
    )


def repository(folder: Path) -> Path:
    """A git repository with a commit; to DVC it looks like a project of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "params.yaml").write_text("seed: 1\n")
    (folder / "dvc.yaml").write_text("stages:\n  package:\n    cmd: 'true'\n    outs: [bento]\n")
    (folder / ".gitignore").write_text("/bento\n/reports\n.onetrunk/\n/.dvc/cache\n/.dvc/tmp\n")
    (folder / ".dvc").mkdir()
    (folder / ".dvc/config").write_text("[core]\n    analytics = false\n")
    git(folder, "init", "-q", "--initial-branch=main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "a project")
    return folder


def git(folder: Path, *arguments: str) -> str:
    """Run git as a user who is known to it."""
    who = {
        f"GIT_{role}_{what}": "ada@localhost"
        for role in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    done = subprocess.run(
        ["git", "-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null", *arguments],
        cwd=folder, env={**os.environ, **who}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def track(project: Path) -> None:
    """What `dvc commit package` leaves: the Bento in DVC's cache, its hash in dvc.lock."""
    cache = project / ".dvc/cache/files/md5"
    entries = []
    for file in sorted(path for path in (project / "bento").rglob("*") if path.is_file()):
        md5 = _keep(cache, file.read_bytes())
        entries.append({"md5": md5, "relpath": file.relative_to(project / "bento").as_posix()})
    listing = json.dumps(sorted(entries, key=lambda entry: entry["relpath"])).encode()
    md5 = _keep(cache, listing, ".dir") + ".dir"
    out = {"path": "bento", "hash": "md5", "md5": md5, "size": 1, "nfiles": len(entries)}
    lock = project / "dvc.lock"
    known = yaml.safe_load(lock.read_text())["stages"] if lock.is_file() else {}
    stages = {**known, "package": {"cmd": "true", "outs": [out]}}
    with atomic_file(lock) as temporary:
        temporary.write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))


def _keep(cache: Path, content: bytes, end: str = "") -> str:
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    file = cache / md5[:2] / (md5[2:] + end)
    with atomic_file(file) as temporary:
        temporary.write_bytes(content)
    return md5


def write_verdict(
    project: Path,
    outcome: Outcome = "PROMOTE",
    against: Champion | None = None,
    anchors: Mapping[str, Champion | None] | None = None,
) -> Verdict:
    """The gate's word on the project's Bento, as against a champion; without `anchors`, those are kept."""
    card = BundleCard.read(project / "bento" / CARD)
    evidence = (
        None if against is None else ChampionEvidence(**against.model_dump(), heads=[], not_compared={})
    )
    judged = {
        name: TaskVerdict(
            metric="accuracy",
            floor=0.1,
            margin=0.02,
            value=0.9,
            interval=[0.8, 0.95],
            gate="pass",
            why="good",
        )
        for name in card.tasks
    }
    said = Verdict(
        verdict=outcome,
        model=ModelId(sha256=card.model.sha256),
        champion=evidence,
        confidence=0.95,
        tasks=judged,
        dropped={},
        anchors=dict.fromkeys(card.tasks)
        | dict(registry.anchors(against, project) if anchors is None else anchors),
    )
    said.write(project / "reports/verdict.json")
    return said


def of_no_verdict(bento: Path) -> None:
    """Let the card of a real Bento name no verdict: what it was packed on is another project's."""
    BundleCard.read(bento / CARD).model_copy(update={"evidence": {}}).write(bento / CARD)
    write_manifest(bento / BUNDLE)
    write_manifest(bento)


def release(project: Path, version: str, model: str | Path | None = None, **options: object) -> ReleaseReport:
    """Release a Bento of this bundle version, whose model is another in each, from a project."""
    write_bento(project / "bento", version, version if model is None else model, **options)  # type: ignore[arg-type]
    track(project)
    found = sha256(project / "bento" / WEIGHTS)
    verdict = write_verdict(project, against=registry.champion(found, project))
    return moves.release(project / "bento", verdict, project)


def two_releases(folder: Path) -> Path:
    """A project with two releases: v1.0.0 of bundle and model a, v1.0.1 of b."""
    return Path(shutil.copytree(Path(_released().name, "project"), folder, symlinks=True))


@functools.cache
def _released() -> tempfile.TemporaryDirectory[str]:
    """They take dozens of git processes, and a project needs only a copy."""
    folder = tempfile.TemporaryDirectory(prefix="onetrunk-released-")
    project = repository(Path(folder.name, "project"))
    for version in ("a", "b"):
        release(project, version)
    return folder


def manifest_of(bento: Path) -> str:
    """What identifies all bytes of a Bento."""
    return sha256(bento / MANIFEST)
