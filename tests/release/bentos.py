"""Folders that look like a Bento to the registry (synthetic)."""

from __future__ import annotations

import shutil
from pathlib import Path

from components.files import atomic_folder, sha256
from components.release.records import BundleCard, Code, Limits, PackedModel
from components.release.registry import BUNDLE, CARD, WEIGHTS


def write_bento(folder: Path, version: str, model: str | Path, megabytes: int = 0) -> Path:
    """A Bento of this version, whose weights are `model`, or whose model is that of a folder."""
    with atomic_folder(folder) as bento:
        (bento / CARD).parent.mkdir(parents=True)
        if isinstance(model, Path):
            shutil.copytree(model, bento / BUNDLE, dirs_exist_ok=True)
        else:
            (bento / WEIGHTS).write_text(model)
        BundleCard(
            name="tiny",
            version=version,
            model=PackedModel(sha256=sha256(bento / WEIGHTS), files={}),
            data={},
            code=Code(sha256="c" * 64),
            commit=None,
            verdict="PROMOTE",
            limits=Limits(max_texts=1, max_characters=1, max_body_bytes=1),
            tasks={},
        ).write(bento / CARD)
        (bento / "bento.yaml").touch()
        (bento / "weights").write_bytes(bytes(megabytes << 20))
    return folder
