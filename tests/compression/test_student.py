"""A student has fewer blocks, learns the model's states and logits, and answers as a runtime."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml

from components import params
from components.compression import student
from components.compression.student import taken_of
from components.data.batches.pack import Pack
from components.errors import UserError
from components.files import verify_manifest
from components.model import runtimes, saving
from components.model.blocks import blocks
from components.model.packing import packed_states
from components.model.smaller import made, with_blocks
from components.settings.compression import COMPRESSED, Student
from components.stages import compress
from tests.model.runtimes import build

SETTINGS = Student(layers=1, of_training=0.5, learning_rate=3e-3)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bert", "roberta", "electra", "modernbert"])
def test_a_smaller_encoder_begins_with_the_models_own_blocks_and_shares_its_words(kind: str) -> None:
    model = build(kind)
    encoder = with_blocks(model, [0, 2])
    own, whole = blocks(encoder), blocks(model.encoder)
    assert len(own) == 2 < len(whole)
    for block, place in zip(own, (0, 2), strict=True):
        weights, given = block.state_dict(), whole[place].state_dict()  # a first block may have a norm less
        torch.testing.assert_close(weights, {name: given[name] for name in weights}, rtol=0, atol=0)
    assert encoder.get_input_embeddings() is model.encoder.get_input_embeddings()
    ids_T, pack = torch.randint(3, 99, (12,)), Pack.of((5, 7))
    assert packed_states(encoder, ids_T, None, pack).shape == (12, 32)


def test_blocks_are_taken_evenly_and_the_last_among_them() -> None:
    assert taken_of(6, 3) == [1, 3, 5]
    assert taken_of(12, 4) == [2, 5, 8, 11]
    assert taken_of(3, 1) == [2]


def test_an_encoder_that_cannot_be_made_so_small_is_refused() -> None:
    with pytest.raises(UserError, match=r"params\.yaml: compress\.student: albert cannot be made smaller"):
        with_blocks(build("albert"), [0, 2])
    with pytest.raises(UserError, match=r"compress\.student\.layers: found 3, expected fewer than 3"):
        taken_of(3, 3)


@pytest.mark.slow
def test_a_student_learns_what_the_model_says_of_all_tasks_and_is_the_same_again(project: Path) -> None:
    with Path("params.yaml").open("a") as file:
        file.write(yaml.safe_dump({"compress": {"student": SETTINGS.model_dump()}}))
    said: list[str] = []
    student.make(SETTINGS, Path(), params.load().seed, Path("student"), said.append)
    compress.main("student")
    losses = [float(line.rpartition(" ")[2]) for line in said if "step" in line]
    assert losses[1] < 0.75 * losses[0], losses
    stages = COMPRESSED / "student"
    verify_manifest(stages)
    assert Path("student/student.safetensors").read_bytes() == made(COMPRESSED, "student").read_bytes()
    model = saving.load(Path("models/multitask"))
    Path("made").mkdir()
    runtimes.find("student").make(model, Path("made"), COMPRESSED)
    states, again = (runtimes.find("student").begin(model, Path("made")) for _ in range(2))
    ids_T, pack = torch.randint(3, 50, (12,)), Pack.of((5, 7))
    given = (ids_T, torch.zeros_like(ids_T), pack)
    with torch.inference_mode():
        found_TD, eager_TD = states(*given), packed_states(model.encoder, *given)
        untaught_TD = packed_states(with_blocks(model, [1]), *given)
        assert torch.equal(found_TD, again(*given))
    taught, untaught = ((one_TD - eager_TD).square().mean() for one_TD in (found_TD, untaught_TD))
    assert 0 < taught < untaught


def test_without_a_student_the_runtime_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="params.yaml has no compress.student"):
        runtimes.find("student").make(build(), tmp_path, tmp_path)
