"""Champions of a monitored project: real, tiny models whose answers are random but fixed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from components.files import sha256, write_manifest
from components.release import moves, registry
from components.release.records import BundleCard, Code, Limits, PackedModel
from tests.release import bentos
from tests.serving import tiny

MONITOR = """\
remotes: {}
monitor:
  articles: {path: news, columns: {text: text, published: published}}
  topic: size
  negative: {task: mood, label: down}
  min_windows: 6
"""


def card(head: str, labels: list[str]) -> dict[str, Any]:
    facts = {"labels": labels, "options": tiny.OPTIONS}
    return {"task": "mood", "family": "classification", "facts": facts, "max_length": 24, "inputs": ["text"]}


def release(root: Path, version: str, seed: int, **others: dict[str, Any]) -> Path:
    """A champion of random weights, which answers mood and size, and the other cards; its bundle."""
    bundle = pack(root, version, seed, **others)
    make_champion(root)
    return bundle


def pack(root: Path, version: str, seed: int, **others: dict[str, Any]) -> Path:
    """A Bento of such a model, which nobody has released; its bundle."""
    shutil.rmtree(root / "bento", ignore_errors=True)
    bundle = root / "bento/src/bundle"
    cards = {"mood": card("mood", ["down", "up"]), "size": card("size", ["long", "short"]), **others}
    tiny.write_model(bundle, seed, cards)
    seal(bundle, version)
    return bundle


def make_champion(root: Path) -> None:
    bento = root / "bento"
    (bento / "bento.yaml").touch()
    write_manifest(bento)
    bentos.track(root)
    model = sha256(bento / registry.WEIGHTS)
    moves.release(bento, bentos.write_verdict(root, against=registry.champion(model, root)), root)


def seal(bundle: Path, version: str) -> None:
    card = BundleCard(
        name=tiny.PACKAGING.name,
        version=version,
        model=PackedModel(sha256=sha256(bundle / "model.safetensors"), files={}),
        data={},
        code=Code(sha256=""),
        commit=None,
        verdict="PROMOTE",
        limits=Limits(**tiny.PACKAGING.model_dump(include=set(Limits.model_fields))),
        tasks={},
    )
    card.write(bundle / "card.json")
    write_manifest(bundle)
