"""model.encoder: {huggingface: ...}: fetched once, checked, and read from disk ever after."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from components.encoder.place import ENCODER, RECORD, EncoderRecord
from components.errors import EXIT_TRY_AGAIN, EXIT_USER_ERROR
from components.files import read_json, verify_manifest
from tests.data.sources.remotes import services
from tests.data.sources.remotes.hub_server import COMMIT, Hub, serve
from tests.encoder import folders
from tests.scripts import ROOT

Bring = Callable[[str], subprocess.CompletedProcess[str]]


@pytest.fixture
def hub(tmp_path: Path, tiny_encoder: Path) -> Iterator[Hub]:
    folder = tmp_path / "hub"
    shutil.copytree(tiny_encoder, folder)
    (folder / "modeling_own.py").write_text("not to be fetched")
    with serve({"models/team/encoder": folder}) as server:
        yield server


def declare(project: Path, **encoder: str) -> None:
    settings = yaml.safe_load((project / "params.yaml").read_text())
    settings["model"]["encoder"] = {"huggingface": "team/encoder", **encoder}
    (project / "params.yaml").write_text(yaml.safe_dump(settings))


@pytest.fixture
def bring(tiny_project: Path, hub_python: str) -> Bring:
    """The stage, in a process of its own, with a hub at this address."""

    def bring(endpoint: str) -> subprocess.CompletedProcess[str]:
        environment = {"HF_ENDPOINT": endpoint, "HF_HOME": str(tiny_project / "hf"), "HF_HUB_OFFLINE": "1"}
        return subprocess.run(
            [f"{hub_python}/python", "-m", "components.stages.encoder"], cwd=tiny_project,
            env={**os.environ, **environment, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        )  # fmt: skip

    return bring


def nowhere() -> str:
    return f"http://127.0.0.1:{services.free_port()}"


@pytest.mark.slow
def test_it_is_fetched_once_and_nobody_is_asked_until_the_setting_changes(
    tiny_project: Path, hub: Hub, bring: Bring
) -> None:
    declare(tiny_project)
    done = bring(hub.address)
    assert done.returncode == 0, done.stderr
    assert {file.name for file in ENCODER.iterdir()} == {
        "config.json", "model.safetensors", "tokenizer.json", "manifest.json",
    }  # fmt: skip
    verify_manifest(ENCODER)
    record = EncoderRecord.read(RECORD)
    assert (record.source, record.revision, record.commit) == ("team/encoder", "main", COMMIT)
    shutil.rmtree(".onetrunk")  # notes of this machine
    for again in range(2):
        assert bring(nowhere()).returncode == 0, again
    assert EncoderRecord.read(RECORD) == record
    declare(tiny_project, revision=COMMIT)
    done = bring(nowhere())
    assert done.returncode == EXIT_TRY_AGAIN
    assert done.stderr.startswith("error: team/encoder of the Hugging Face hub: no answer (")
    assert done.stderr.count("\n") == 1
    assert read_json(RECORD)["revision"] == "main"  # what was there is left
    assert bring(hub.address).returncode == 0
    assert read_json(RECORD)["revision"] == COMMIT


@pytest.mark.slow
def test_what_was_altered_on_disk_is_fetched_anew(tiny_project: Path, hub: Hub, bring: Bring) -> None:
    declare(tiny_project)
    assert bring(hub.address).returncode == 0
    (ENCODER / "model.safetensors").write_bytes(b"")
    assert bring(hub.address).returncode == 0
    verify_manifest(ENCODER)


REFUSED = {
    "a revision that there is not": ({"revision": "v9"}, None, "no revision 'v9'"),
    "a model that there is not": ({"huggingface": "team/other"}, None, "no such model, or a private one"),
    "pickled weights": ({}, folders.pickled, "no model.safetensors, and pickled weights are never loaded"),
    "two wrappers": ({}, folders.prefixed("module.encoder."), "team/encoder: 37 of 39 weights are not in"),
    "tokens beyond": ({}, folders.with_tokens("<a>", "<b>"), "team/encoder/tokenizer.json has 104 tokens"),
}


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.slow
def test_what_is_no_encoder_is_one_sentence_and_is_not_kept(
    kind: str, tiny_project: Path, hub: Hub, bring: Bring
) -> None:
    encoder, change, sentence = REFUSED[kind]
    if change is not None:
        change(hub.folders["models/team/encoder"])
    declare(tiny_project, **encoder)
    done = bring(hub.address)
    assert (done.returncode, sentence in done.stderr) == (EXIT_USER_ERROR, True), done.stderr
    assert done.stderr.count("\n") == 1
    assert not ENCODER.exists()


@pytest.mark.slow
def test_a_wrappers_prefix_is_taken_off(tiny_project: Path, hub: Hub, bring: Bring) -> None:
    folders.prefixed("module.")(hub.folders["models/team/encoder"])
    declare(tiny_project)
    assert bring(hub.address).returncode == 0
