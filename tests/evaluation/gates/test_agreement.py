"""Agreement of another folder's model with the candidate."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from tests.evaluation.gates.conftest import Judge


def test_a_model_agrees_with_itself_and_not_with_one_whose_head_is_turned(judge: Judge) -> None:
    shutil.copytree("champion", "optimised")
    found = judge({"agreement": {"with": "optimised", "least": 0.9}}, champion=False)
    for task in found.tasks.values():
        (one,) = task.findings
        assert (one.value, one.outcome, one.champion) == (1.0, "pass", None)
    weights = Path("optimised/model.safetensors")
    tensors = load_file(weights)
    turned = {
        name: -tensor if name.startswith("heads.") and "mood.output" in name else tensor
        for name, tensor in tensors.items()
    }
    assert any(not torch.equal(turned[name], tensors[name]) for name in tensors)
    save_file(turned, weights, {"format": "pt"})
    found = judge({"agreement": {"with": "optimised", "least": 0.9}}, champion=False)
    outcomes = {head: task.findings[0].outcome for head, task in found.tasks.items()}
    assert outcomes == {"mood": "reject", "size": "pass", "people": "pass", "closeness": "pass"}
