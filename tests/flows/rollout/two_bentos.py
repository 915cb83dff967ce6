"""A project that has released two real Bentos: v1.0.0, and v1.0.1 with another model (synthetic)."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

from components.files import sha256, write_manifest
from components.release import moves, registry
from components.release.records import BundleCard
from components.release.registry import BUNDLE, CARD, WEIGHTS
from tests.release import bentos
from tests.serving import tiny


def make(folder: Path, bento: Path) -> Path:
    """The project; `bento` is a Bento of the tiny model, beside its project, and the second release another
    model in its place."""
    project = bentos.repository(folder)
    tiny.write_params(project)
    for number in (0, 1):
        shutil.copytree(bento, project / "bento", dirs_exist_ok=True)
        bentos.of_no_verdict(project / "bento")
        if number:
            replace_model(project / "bento", number)
        bentos.track(project)
        model = sha256(project / "bento" / WEIGHTS)
        verdict = bentos.write_verdict(project, against=registry.champion(model, project))
        moves.release(project / "bento", verdict, project)
    return project


def replace_model(bento: Path, seed: int) -> None:
    """Put another model into a Bento, whose card and manifests name it."""
    bundle = bento / BUNDLE
    tiny.write_model(bundle.parent / "other", seed)
    (bundle.parent / "other/model.safetensors").replace(bento / WEIGHTS)
    shutil.rmtree(bundle.parent / "other")
    card = BundleCard.read(bento / CARD)
    model = card.model.model_copy(update={"sha256": sha256(bento / WEIGHTS)})
    card.model_copy(update={"model": model, "version": f"{seed:012d}"}).write(bento / CARD)
    write_manifest(bundle)
    write_manifest(bento)


def rollout(project: Path, settings: dict[str, object] | None) -> None:
    """Write the section into the project's settings."""
    file = project / "params.yaml"
    file.write_text(yaml.safe_dump({**(yaml.safe_load(file.read_text()) or {}), "rollout": settings}))
