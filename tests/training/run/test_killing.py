"""SIGKILL at any instant changes no bit of what a run ends with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.files import read_json, sha256, verify_manifest
from tests.conftest import encode_project

pytestmark = pytest.mark.minutes(1)

ROOT = Path(__file__).parents[3]
# All that remembers: learned weights, a combination that draws, shares, stopped tasks, second passes.
CHANGES = {
    "{method: temperature, temperature: 2.0}": "{method: dynamic, dynamic: {start: {method: uniform}}}",
    "window: 4": "window: 4\n  precision: fp16\n  balancing: {weights: famo, combination: pcgrad}\n  regularisation: [r_drop]",
    "evaluate_every: 10": "evaluate_every: 4\n  task_patience: 2",
    "checkpoint_every: 5": "checkpoint_every: 2",
    "tokens: 12000": "tokens: 6600",
}


@pytest.mark.slow
def test_twenty_kills_ten_of_them_within_a_write_change_no_bit(tiny_project: Path) -> None:
    params = tiny_project / "params.yaml"
    text = params.read_text()
    for before, after in CHANGES.items():
        assert before in text
        text = text.replace(before, after)
    params.write_text(text)
    encode_project(tiny_project)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.run.killing"], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    places = json.loads(done.stdout)
    assert len(places) == 20
    assert len({place.rpartition(" ")[2] for place in places}) >= 5, places  # all along the run

    record = read_json(Path("reports/training.json"))
    assert record == read_json(Path("expected/training.json"))
    assert any(entry["stopped"] for entry in record["evaluations"])
    model = "multitask/model.safetensors"
    assert sha256(Path("models") / model) == sha256(Path("expected") / model)
    for folder in (Path("final-checkpoint"), Path("expected/final-checkpoint")):
        assert set(verify_manifest(folder)["files"]) == {
            "model.safetensors", "best.safetensors", "optimiser.safetensors", "state.json"
        }  # fmt: skip
    assert read_json(Path("final-checkpoint/manifest.json")) == read_json(
        Path("expected/final-checkpoint/manifest.json")
    )
    assert not list(Path(".onetrunk/checkpoints").glob("*/step-*"))
