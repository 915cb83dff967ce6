"""A checkpoint is used whole or not at all; of several, the newest whole one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from components.errors import UserError
from components.files import verify_manifest
from components.settings.training import Method
from components.training import optimisers
from components.training.run import checkpoint
from components.training.run.ema import ema_model
from components.training.run.state import State


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Checkpoints of steps 1 and 2; every weight is the number of its step."""
    model = torch.nn.Linear(2, 2)
    for step in (1, 2):
        torch.nn.init.constant_(model.weight, step)
        checkpoint.save(
            tmp_path, model, model.state_dict(), torch.optim.AdamW(model.parameters()), _state(step)
        )
    return tmp_path


def _state(step: int) -> State:
    return State(
        step=step, best_score=0.5, balancing={"a": {"s": 0.1}}, history=[{"step": step, "score": 0.5}]
    )


def load(folder: Path) -> tuple[float, int, list[str]] | None:
    """The weight, the step, and what is said; None where there is no checkpoint."""
    model, said = torch.nn.Linear(2, 2), []
    found = checkpoint.load_newest(folder, model, torch.optim.AdamW(model.parameters()), said.append)
    if found is None:
        return None
    assert found[0] == _state(found[0].step)
    return float(model.weight.detach().mean()), found[0].step, said


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


FILES = ["model.safetensors", "best.safetensors", "optimiser.safetensors", "state.json", "manifest.json"]
DAMAGE: dict[str, Callable[[Path], object]] = {
    "flipped": flip,
    "truncated": lambda file: file.write_bytes(file.read_bytes()[:-3]),
    "empty": lambda file: file.write_bytes(b""),
    "missing": Path.unlink,
}


def test_the_newest_is_used(saved: Path) -> None:
    assert load(saved) == (2.0, 2, [])


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", DAMAGE)
def test_of_a_damaged_one_nothing_is_used_but_the_one_before(saved: Path, name: str, damage: str) -> None:
    DAMAGE[damage](saved / "step-000000002" / name)
    weight, step, (said,) = load(saved)
    assert (weight, step) == (1.0, 1)
    assert said.startswith("checkpoint step-000000002 is damaged and left out: ")
    assert name in said
    assert not (saved / "step-000000002").exists()


def test_no_flipped_bit_of_a_manifest_goes_unnoticed(saved: Path) -> None:
    """It is refused in one sentence, or it still says the same."""
    file = saved / "step-000000002/manifest.json"
    content, said = file.read_bytes(), verify_manifest(file.parent)
    for place in range(len(content)):
        file.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        try:
            assert verify_manifest(file.parent) == said
        except UserError as error:
            assert "\n" not in str(error)


def test_a_file_that_no_manifest_names_does_not_exist(saved: Path) -> None:
    (saved / "step-000000002/left-over.safetensors").write_bytes(b"x")
    (saved / ".step-000000003.abc.tmp").mkdir()
    (saved / ".step-000000003.abc.tmp/model.safetensors").write_bytes(b"x")
    assert load(saved) == (2.0, 2, [])


def test_where_all_are_damaged_the_run_begins_anew_and_says_so(
    saved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in saved.glob("step-*"):
        flip(folder / "state.json")
    model, said = torch.nn.Linear(2, 2), []
    weight = model.weight.clone()
    assert checkpoint.load_newest(saved, model, torch.optim.AdamW(model.parameters()), said.append) is None
    assert [line.split(" is ")[0] for line in said] == [
        "checkpoint step-000000002",
        "checkpoint step-000000001",
    ]
    assert torch.equal(model.weight, weight)


def test_the_best_model_comes_back_and_not_the_newest(tmp_path: Path) -> None:
    model = torch.nn.Linear(2, 2)
    best = {name: tensor.detach() + 1 for name, tensor in model.state_dict().items()}
    optimiser = torch.optim.AdamW(model.parameters())
    checkpoint.save(tmp_path, model, best, optimiser, State(step=3))
    restored = checkpoint.load_newest(tmp_path, torch.nn.Linear(2, 2), optimiser, print)
    assert restored is not None
    assert restored[1].keys() == best.keys()
    for name, tensor in restored[1].items():
        assert torch.equal(tensor, best[name]), name


@pytest.mark.parametrize("method", optimisers.names())
def test_the_moments_come_back_and_the_next_step_is_that_of_the_uninterrupted_run(
    method: str, tmp_path: Path
) -> None:
    def made() -> tuple[torch.nn.Module, torch.optim.Optimizer]:
        torch.manual_seed(0)
        model = torch.nn.Linear(3, 2)
        group = {"lr": 0.1, "base_lr": 0.1, "weight_decay": 0.01, "layer_adaptation": True}
        chosen = Method.model_validate(method)
        return model, optimisers.build(chosen, [{"params": list(model.parameters()), **group}])

    def step(model: torch.nn.Module, optimiser: torch.optim.Optimizer, number: float) -> None:
        optimiser.zero_grad()
        (model(torch.full((1, 3), number)) ** 2).sum().backward()
        optimiser.step()

    model, optimiser = made()
    for number in (1.0, -2.0, 0.5):
        step(model, optimiser, number)
    checkpoint.save(tmp_path, model, model.state_dict(), optimiser, State(step=3))
    again, again_optimiser = made()
    assert checkpoint.load_newest(tmp_path, again, again_optimiser, print)
    step(model, optimiser, 3.0)
    step(again, again_optimiser, 3.0)
    for one, other in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
        assert optimiser.state[one].keys() == again_optimiser.state[other].keys()
        for moment, tensor in optimiser.state[one].items():
            assert torch.equal(tensor, again_optimiser.state[other][moment]), moment


class Tied(torch.nn.Module):
    """A decoder that shares its weight with the embeddings, as a head that predicts words does."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.embeddings = torch.nn.Embedding(5, 3)
        self.decoder = torch.nn.Linear(3, 5)
        self.decoder.weight = self.embeddings.weight
        torch.nn.init.constant_(self.decoder.weight, value)


def test_pitfall_7_a_tied_tensor_is_kept_once_and_comes_back_tied(tmp_path: Path) -> None:
    saved, restored = Tied(2.0), Tied(7.0)
    averages = [ema_model(model, 0.5) for model in (saved, restored)]
    optimisers = [torch.optim.AdamW(model.parameters()) for model in (saved, restored)]
    best = {name: tensor.clone() for name, tensor in saved.state_dict().items()}
    checkpoint.save(tmp_path, saved, best, optimisers[0], State(step=4), averages[0])
    assert sorted(load_file(tmp_path / "step-000000004/model.safetensors")) == [
        "decoder.bias",
        "embeddings.weight",
    ]

    assert checkpoint.load_newest(tmp_path, restored, optimisers[1], print, averages[1])
    for model in (restored, averages[1].module):
        assert model.decoder.weight is model.embeddings.weight
        assert model.decoder.weight.unique().tolist() == [2.0]
        assert torch.equal(model.decoder.bias, saved.decoder.bias)
