"""A student has fewer blocks, learns the model's states and logits, and answers as a runtime."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml

from components import params
from components.compression import distil
from components.data.batches.pack import Pack
from components.data.encoding.split import cards_of
from components.errors import UserError
from components.files import verify_manifest
from components.model import saving
from components.model.blocks import blocks
from components.model.multitask import MultiTaskModel
from components.model.packing import packed_states
from components.model.runtimes import difference
from components.model.runtimes import student as runtime
from components.model.smaller import FILE, smaller, taken_of
from components.settings.compression import COMPRESSED, Student
from components.stages import compress
from tests.model.runtimes import build

SETTINGS = Student(layers=1, of_training=0.5, learning_rate=3e-3)


@pytest.mark.parametrize("kind", ["bert", "roberta", "electra", "modernbert"])
def test_a_smaller_encoder_begins_with_the_models_own_blocks_and_shares_its_words(kind: str) -> None:
    model = build(kind)
    encoder = smaller(model, 2)
    own, whole = blocks(encoder), blocks(model.encoder)
    assert len(own) == 2 < len(whole)
    for block, place in zip(own, taken_of(len(whole), 2), strict=True):
        weights, given = block.state_dict(), whole[place].state_dict()  # a first block may have a norm less
        torch.testing.assert_close(weights, {name: given[name] for name in weights}, rtol=0, atol=0)
    assert encoder.get_input_embeddings() is model.encoder.get_input_embeddings()
    ids_T, pack = torch.randint(3, 99, (12,)), Pack.of((5, 7))
    assert packed_states(encoder, ids_T, None, pack).shape == (12, 32)


def test_blocks_are_taken_evenly_and_the_last_among_them() -> None:
    assert taken_of(6, 3) == [1, 3, 5]
    assert taken_of(12, 4) == [2, 5, 8, 11]
    assert taken_of(3, 1) == [2]


@pytest.mark.parametrize(("kind", "layers"), [("bert", 3), ("albert", 1)])
def test_an_encoder_that_cannot_be_made_so_small_is_refused(kind: str, layers: int) -> None:
    with pytest.raises(UserError, match=r"params\.yaml: compress\.student"):
        smaller(build(kind), layers)


@pytest.fixture
def project(encoded_project: Path) -> Path:
    """With a model of two blocks that nobody has trained."""
    tasks = list(params.load().tasks)
    cards = {head: card for task in tasks for head, card in cards_of(Path("encoded") / task).items()}
    model = MultiTaskModel.from_encoder(Path("models/encoder"), cards, 0.0, 0)
    for parameter in model.encoder.parameters():
        if parameter.ndim > 1:  # so that its blocks matter
            torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained("models/multitask")
    return encoded_project


def test_a_student_learns_what_the_model_says_of_all_tasks_and_is_the_same_again(project: Path) -> None:
    with Path("params.yaml").open("a") as file:
        file.write(yaml.safe_dump({"compress": {"student": SETTINGS.model_dump()}}))
    said: list[str] = []
    distil.distil(SETTINGS, Path(), params.load().seed, Path("one"), said.append)
    compress.main("student")
    losses = [float(line.rpartition(" ")[2]) for line in said if "step" in line]
    assert losses[1] < 0.7 * losses[0], losses
    stages = COMPRESSED / "student"
    verify_manifest(stages)
    assert Path("one", FILE).read_bytes() == (stages / FILE).read_bytes()
    model = saving.load(Path("models/multitask"))
    Path("made").mkdir()
    runtime.RUNTIME().make(model, Path("made"), COMPRESSED)
    states, again = (runtime.RUNTIME().begin(model, Path("made")) for _ in range(2))
    ids_T, pack = torch.randint(3, 50, (12,)), Pack.of((5, 7))
    given = (ids_T, torch.zeros_like(ids_T), pack)
    with torch.inference_mode():
        found_TD, eager_TD = states(*given), packed_states(model.encoder, *given)
        untaught_TD = packed_states(smaller(model, 1), *given)
        assert torch.equal(found_TD, again(*given))
    assert 0 < difference.of(found_TD, eager_TD) < difference.of(untaught_TD, eager_TD)


def test_without_a_student_the_runtime_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="params.yaml has no compress.student"):
        runtime.RUNTIME().make(build(), tmp_path, tmp_path)
