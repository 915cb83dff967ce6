"""On a GPU the host reads a step's values once and waits for nothing else, whatever the tasks are."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModel, PretrainedConfig

from components import families
from components.data.batches.batching import Batch
from components.data.batches.pack import Pack
from components.data.contract.cards import HeadCards
from components.data.encoding.split import EncodedSplit, cards_of
from components.model.multitask import MultiTaskModel
from components.settings.training import Training
from components.training import balancing
from components.training.balancing.base import GRAMIANS
from components.training.step.prepare import prepare
from components.training.step.stepper import Stepper
from tests.conftest import build_project
from tests.model.encoders import DEBERTA, PACKABLE
from tests.once import made_once
from tests.training.step import every_family, launches
from tests.training.step.launches import META, Launches, Making, WaitsError, stand_ins, taken

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
    cards = {head: card for task in tasks for head, card in cards_of(root / "encoded" / task).items()}
    return _stepper(root, cards, training)


def _stepper(root: Path, cards: HeadCards, training: Mapping[str, Any]) -> tuple[Stepper, Batch]:
    tasks = {card["task"] for card in cards.values()}
    splits = {task: EncodedSplit(root / "encoded" / task / "train.arrow") for task in sorted(tasks)}
    model = MultiTaskModel.from_encoder(root / "encoder", cards, 0.1, 1)
    torch.nn.Module.to(model, META)
    given = {
        "tokens": 1, "tokens_per_step": 1, "tokens_per_micro_batch": 10**6, "learning_rate": 1e-3,
        "head_learning_rate": 1e-3, "evaluate_every": 1, "validation_rows": 1, "patience": 1,
        "checkpoint_every": 1, "precision": "fp32",
    }  # fmt: skip
    settings = Training.model_validate({**given, **training})
    optimiser = torch.optim.SGD(model.parameters(), 1e-3, foreach=True)
    batch = {task: np.arange(ROWS) for task in splits}
    shares = {head: 1 / len(cards) for head in cards}
    balancer = balancing.build(settings.balancing)
    return Stepper(model, optimiser, balancer, splits, settings, 1, shares, lambda: batch), batch


def several(root: Path, family: str, number: int, **training: Any) -> tuple[Stepper, Batch]:
    """As `stepper`, of so many tasks that have the rows of one."""
    tasks = [f"{family}{one}" for one in range(number)]
    (card,) = cards_of(root / "encoded" / family).values()
    for task in tasks:
        with contextlib.suppress(FileExistsError):
            (root / "encoded" / task).symlink_to(family)
    return _stepper(root, {task: {**card, "task": task} for task in tasks}, training)


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


@pytest.mark.parametrize("family", [one for one in every_family.TASKS if one != "generation"])
def test_the_forward_pass_of_an_evaluation_waits_for_nothing(
    family: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A head that decodes asks after each token whether it has ended."""
    made, batch = stepper(project, [family])
    (micro,) = prepare(made, 0, batch, 10**6).batches
    model = made.model.eval()
    with stand_ins(monkeypatch) as reads, Launches(), Making(), torch.inference_mode():
        model(*micro.to(META).given)
    assert reads.count == 0


@pytest.mark.parametrize("family", every_family.TASKS)
def test_more_tasks_launch_what_their_heads_do_and_a_combination_no_more(
    family: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a head is costs the same each time; the encoder and the gradients by task cost it once."""
    grown = {}
    for way in ("sum", "pcgrad"):
        two, four = (
            taken(*several(project, family, tasks, balancing={"combination": way}), monkeypatch)[0].total()
            for tasks in (2, 4)
        )
        grown[way] = four - two
    assert grown["pcgrad"] == grown["sum"]


KINDS = {**PACKABLE, "deberta": DEBERTA}


@pytest.mark.parametrize("name", KINDS)
def test_of_a_kind_of_encoder_a_step_reads_once(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of others that are not packed transformers itself asks, in each pass, whether anything is padding."""
    monkeypatch.setattr(launches, "encoder", lambda folder: _saved(KINDS[name], folder))
    _, reads = launches.step(tmp_path, monkeypatch, 2, [40, 30, 20, 10])
    assert reads == 1


def test_where_those_of_one_length_go_together_the_lengths_are_not_asked_for() -> None:
    model: Any = SimpleNamespace(pads=False)
    with Launches(), Making():
        passes = MultiTaskModel.passes(model, torch.ones(3, 5, device=META), Pack.of([5, 2, 5]))
    assert [(len(rows), length) for rows, length in passes] == [(1, 2), (2, 5)]


def _saved(config: PretrainedConfig, folder: Path) -> Path:
    AutoModel.from_config(config).save_pretrained(folder)
    return folder


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
