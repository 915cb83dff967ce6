"""Heads have any name that people give, and a model whose weights still have the heads' names is read."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from components.errors import UserError
from components.files import read_json, write_json
from components.model import saving
from components.model.heads import Heads, head_name, module_name
from components.model.multitask import MultiTaskConfig, MultiTaskModel
from tests.serving.tiny import CARDS, write_model

ODD = ["type", "train", "keys", "values", "items", "pop", "update", "clear", "half", "forward", "a.b", "a",
       "a b", "50%2E", "%", "Überschrift", "מצב", "😀", "customer's mood"]  # fmt: skip


def test_a_name_and_its_modules_lead_to_each_other() -> None:
    assert [head_name(module_name(name)) for name in ODD] == ODD
    assert not any("." in module_name(name) for name in ODD)


def test_heads_are_a_mapping_whatever_their_names() -> None:
    heads = Heads({name: nn.Linear(1, number + 1) for number, name in enumerate(ODD)})
    assert list(heads) == heads.keys() == [name for name, _ in heads.items()] == ODD
    assert all(heads[name].out_features == number + 1 for number, name in enumerate(ODD))
    del heads["type"]
    assert "type" not in heads
    assert "keys" in heads
    assert len(heads.half().train().state_dict()) == 2 * (len(ODD) - 1)


def test_a_model_with_such_heads_is_written_and_read(tmp_path: Path) -> None:
    write_model(tmp_path / "model")
    config = MultiTaskConfig.from_pretrained(tmp_path / "model")
    cards = {name: {**CARDS["sentiment"], "task": name} for name in ODD}
    model = MultiTaskModel(MultiTaskConfig(encoder=config.encoder, tasks=cards))
    saving.save_apart(model, tmp_path / "odd", ["a", "half"])
    read = saving.load(tmp_path / "odd")
    assert set(read.heads) == set(ODD)
    for name in ODD:
        assert torch.equal(read.heads[name].output.weight, model.heads[name].output.weight)


def test_a_model_of_before_there_were_such_names_is_read(tmp_path: Path) -> None:
    write_model(tmp_path / "model")
    before = saving.load(tmp_path / "model")
    file = tmp_path / "model/model.safetensors"
    tensors = {name.replace("heads.task:", "heads."): value for name, value in load_file(file).items()}
    assert "heads.ner.output.weight" in tensors
    save_file(tensors, file, {"format": "pt"})
    after = saving.load(tmp_path / "model")
    for one, other in zip(before.parameters(), after.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_model_that_lacks_weights_is_refused_and_never_made_up(tmp_path: Path) -> None:
    write_model(tmp_path / "model")
    config = read_json(tmp_path / "model/config.json")
    config["tasks"]["another"] = config["tasks"]["ner"]
    write_json(tmp_path / "model/config.json", config)
    with pytest.raises(UserError, match="lacks 2 weights, the first is heads.task:another.output.bias"):
        saving.load(tmp_path / "model")
