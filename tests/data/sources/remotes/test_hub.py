"""Data sets and models of the Hugging Face hub, by the hub's own client; the hub itself is a stand-in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.errors import EXIT_TRY_AGAIN, EXIT_USER_ERROR
from tests.data.sources.remotes import services
from tests.data.sources.remotes.conftest import declare
from tests.data.sources.remotes.hub_server import Hub, serve
from tests.scripts import ROOT

pytestmark = pytest.mark.slow  # a hub answers

RUN = """
import json, sys
from pathlib import Path
from tests.data.sources.remotes.conftest import declare
from components.data.sources import remotes
from components.stages import run

def main(settings):
    remote = declare(kind="huggingface", **json.loads(settings))
    remotes.version(remote, Path("version.json"))
    remotes.fetch(remote, Path("version.json"), Path("downloads/name"))

run(main)
"""


@pytest.fixture
def hub(repository: Path, tmp_path: Path, tiny_encoder: Path) -> Iterator[Hub]:
    """A data set and an encoder; beside the encoder's files, what must not be fetched."""
    encoder = tmp_path / "encoder"
    shutil.copytree(tiny_encoder, encoder)
    (encoder / "onnx").mkdir()
    for name in ("pytorch_model.bin", "README.md", "onnx/model.safetensors", "modeling_own.py"):
        (encoder / name).write_text("not to be fetched")
    with serve({"datasets/team/reviews": repository, "models/team/encoder": encoder}) as server:
        yield server


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / "data").mkdir(parents=True)
    pq.write_table(
        pa.table({"text": ["good"], "label": ["up"]}), folder / "data/train-00000-of-00001.parquet"
    )
    (folder / "reviews.py").write_text("raise SystemExit('the loading script was run')")
    return folder


def run(folder: Path, endpoint: str, **settings) -> subprocess.CompletedProcess[str]:
    """In a process of its own: the hub's client reads its settings when it is imported."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(folder / "hf"),
        "PYTHONPATH": str(ROOT),
    }
    environment |= {"HF_TOKEN": "hf_value-of-the-test", "HF_HUB_OFFLINE": "1"}  # as in the pipeline
    named = {} if "model" in settings else {"dataset": "team/reviews"}
    command = [sys.executable, "-c", RUN, json.dumps({**named, **settings})]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def fetched(folder: Path) -> set[str]:
    target = folder / "downloads/name"
    return {str(file.relative_to(target)) for file in target.rglob("*") if file.is_file()}


def test_the_data_files_are_brought_and_nothing_else(tmp_path: Path, hub: Hub) -> None:
    done = run(tmp_path, hub.address)
    assert done.returncode == 0, done.stderr
    assert fetched(tmp_path) == {"data/train-00000-of-00001.parquet", "manifest.json"}
    said = json.loads((tmp_path / "version.json").read_text())
    assert said["files"]["data/train-00000-of-00001.parquet"].keys() == {"size", "sha256"}


def test_of_a_model_what_an_encoder_needs_is_brought(tmp_path: Path, hub: Hub) -> None:
    from components.model.multitask import MultiTaskModel

    done = run(tmp_path, hub.address, model="team/encoder")
    assert done.returncode == 0, done.stderr
    assert fetched(tmp_path) == {"config.json", "model.safetensors", "tokenizer.json", "manifest.json"}
    said = json.loads((tmp_path / "version.json").read_text())["files"]
    assert {path: set(each) for path, each in said.items()} == {
        "config.json": {"size", "blob"},
        "tokenizer.json": {"size", "blob"},
        "model.safetensors": {"size", "sha256"},
    }
    MultiTaskModel.from_encoder(tmp_path / "downloads/name", {}, 0.0, 1)


def test_weights_in_parts_are_brought_with_their_index(tmp_path: Path, hub: Hub, tiny_encoder: Path) -> None:
    from transformers import AutoModel

    from components.model.multitask import MultiTaskModel

    folder = hub.folders["models/team/encoder"]
    (folder / "model.safetensors").unlink()
    whole = AutoModel.from_pretrained(tiny_encoder)
    whole.save_pretrained(folder, max_shard_size="30KB")
    done = run(tmp_path, hub.address, model="team/encoder")
    assert done.returncode == 0, done.stderr
    parts = {file.name for file in folder.glob("model-*.safetensors")}
    assert len(parts) > 1
    index = "model.safetensors.index.json"
    assert fetched(tmp_path) == {"config.json", "tokenizer.json", "manifest.json", index, *parts}
    found = MultiTaskModel.from_encoder(tmp_path / "downloads/name", {}, 0.0, 1).encoder.state_dict()
    assert all(found[name].equal(tensor) for name, tensor in whole.state_dict().items())


@pytest.mark.parametrize("path", ["config.json", "model.safetensors"])
def test_what_arrives_altered_is_not_kept(path: str, tmp_path: Path, hub: Hub) -> None:
    hub.damaged.add(path)
    done = run(tmp_path, hub.address, model="team/encoder")
    assert (done.returncode, f"{path} arrived as" in done.stderr) == (EXIT_TRY_AGAIN, True), done.stderr
    assert fetched(tmp_path) == set()


NO_WEIGHTS = "no model.safetensors, and pickled weights are never loaded"
REFUSED = [
    ({"revision": "v9"}, "no revision 'v9'"),
    ({"dataset": "team/other"}, "no such data set, or a private one"),
    ({"dataset": "a/b/c"}, "no such data set"),
    ({"files": ["*.csv"]}, r"no file fits *.csv in revision main"),
    ({"model": "team/encoder", "revision": "v9"}, "no revision 'v9'"),
    ({"model": "team/other"}, "no such model, or a private one"),
    ({"model": "team/gated"}, "its terms must be accepted first; then set HF_TOKEN"),
    ({"model": "team/pickled"}, NO_WEIGHTS),
    ({"model": "team/slow"}, "no tokenizer.json, which an encoder needs"),
]


@pytest.mark.parametrize(("settings", "sentence"), REFUSED)
def test_a_refusal_is_one_sentence(tmp_path: Path, hub: Hub, settings: dict, sentence: str) -> None:
    whole = hub.folders["models/team/encoder"]
    for name, lacks in (("gated", "onnx"), ("pickled", "model.safetensors"), ("slow", "tokenizer.json")):
        hub.folders[f"models/team/{name}"] = tmp_path / name
        shutil.copytree(whole, tmp_path / name, ignore=shutil.ignore_patterns(lacks))
    hub.gated.add("models/team/gated")
    done = run(tmp_path, hub.address, **settings)
    assert (done.returncode, sentence in done.stderr) == (EXIT_USER_ERROR, True), done.stderr
    assert done.stderr.count("\n") == 1
    assert "value-of-the-test" not in done.stderr


@pytest.mark.parametrize("settings", [{}, {"model": "team/encoder"}])
def test_without_a_network_it_may_be_tried_again(settings: dict, tmp_path: Path) -> None:
    done = run(tmp_path, f"http://127.0.0.1:{services.free_port()}", **settings)
    assert done.returncode == EXIT_TRY_AGAIN, done.stderr
    assert "no answer" in done.stderr


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({}, "found both or neither of `dataset` and `model`"),
        ({"dataset": "a/b", "model": "a/b"}, "found both or neither of `dataset` and `model`"),
        ({"model": "a/b", "files": ["*"]}, "of a model what an encoder needs is fetched"),
    ],
)
def test_a_remote_is_a_data_set_or_a_model(settings: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        declare(kind="huggingface", **settings)
