"""On a GPU the host reads a step's values once and waits for nothing else, whatever the tasks are."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from components import families
from components.data.batches.batching import Batch
from components.data.encoding.split import EncodedSplit, cards_of
from components.model.multitask import MultiTaskModel
from components.settings.training import Training
from components.training import balancing
from components.training.balancing.base import GRAMIANS
from components.training.step.stepper import Stepper
from tests.conftest import build_project
from tests.once import made_once
from tests.training.step import every_family
from tests.training.step.launches import META, Launches, Making, WaitsError, taken

pytestmark = pytest.mark.slow  # steps of whole models
ROWS = 6
WAYS: dict[str, dict[str, Any]] = {
    "sum": {},
    "pcgrad, R-Drop": {"balancing": {"combination": "pcgrad"}, "regularisation": ["r_drop"]},
    "fp16, SMART": {"precision": "fp16", "regularisation": ["smart"]},
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    """It has a task of each family, called as the family."""

    def make(root: Path) -> None:
        build_project(root, tiny_encoder)
        with contextlib.chdir(root):
            every_family.make(Path())

    return made_once(tmp_path_factory, "every family", make)


def stepper(root: Path, tasks: list[str], **training: Any) -> tuple[Stepper, Batch]:
    """On the meta device, and some rows of each task."""
    splits = {task: EncodedSplit(root / "encoded" / task / "train.arrow") for task in tasks}
    cards = {head: card for task in tasks for head, card in cards_of(root / "encoded" / task).items()}
    model = MultiTaskModel.from_encoder(root / "encoder", cards, 0.1, 1)
    torch.nn.Module.to(model, META)
    given = {
        "tokens": 1, "tokens_per_step": 1, "tokens_per_micro_batch": 10**6, "learning_rate": 1e-3,
        "head_learning_rate": 1e-3, "evaluate_every": 1, "validation_rows": 1, "patience": 1,
        "checkpoint_every": 1, "precision": "fp32",
    }  # fmt: skip
    settings = Training.model_validate({**given, **training})
    optimiser = torch.optim.SGD(model.parameters(), 1e-3, foreach=True)
    batch = {task: np.arange(ROWS) for task in tasks}
    shares = {head: 1 / len(cards) for head in cards}
    balancer = balancing.build(settings.balancing)
    return Stepper(model, optimiser, balancer, splits, settings, 1, shares, lambda: batch), batch


def test_the_project_has_every_family() -> None:
    assert every_family.TASKS.keys() == set(families.names())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("family", every_family.TASKS)
def test_a_step_of_a_family_reads_once_and_waits_for_nothing_else(
    family: str, way: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, reads = taken(*stepper(project, [family], **WAYS[way]), monkeypatch)
    assert reads == 1


@pytest.mark.parametrize("name", balancing.weighting_names())
def test_a_step_of_a_weighting_reads_once_unless_its_own_losses_lead_to_the_weights(
    name: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then before its gradients too, and where something is looked at after the step, after it."""
    made = stepper(project, ["classification", "tagging"], balancing={"weights": name})
    _, reads = taken(*made, monkeypatch)
    assert reads == {"famo": 3, "gradnorm": 2, "meta": 2}.get(name, 1)


@pytest.mark.parametrize("gramian", GRAMIANS)
@pytest.mark.parametrize("name", [one for one in balancing.combination_names() if one != "sum"])
def test_a_step_of_a_combination_reads_once_of_the_exact_gramian_and_else_before_and_after(
    name: str, gramian: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = {"combination": {"method": name, "gramian": gramian}}
    _, reads = taken(*stepper(project, ["classification", "tagging"], balancing=way), monkeypatch)
    assert reads == (1 if gramian == "exact" else 2)


@pytest.mark.parametrize(
    "wait",
    [
        lambda one: one.sum().item(),
        lambda one: one[one > 0],
        lambda one: one.nonzero(),
        lambda one: one.unique(),
        lambda one: one.new_tensor([1.0]),
        lambda one: torch.tensor([1.0], device=one.device),
        lambda one: one.copy_(torch.ones(3)),
        lambda one: torch.ones(3).to(one.device),
        lambda one: one.repeat_interleave(one.long()),
    ],
)
def test_what_a_host_waits_for_is_noticed(wait: Any) -> None:
    with pytest.raises(WaitsError), Launches(), Making():
        wait(torch.zeros(3, device=META))
