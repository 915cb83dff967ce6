"""A step of the tiny project, for tests of what one computes."""

from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import torch

from components import params
from components.data.batches.batching import Batch, step_rows
from components.data.contract.cards import HeadCards
from components.data.encoding.split import EncodedSplit, cards_of
from components.data.mixture.draws import Plan
from components.data.mixture.records import PlanRecord
from components.model.multitask import MultiTaskModel
from components.settings.project import Project
from components.training import balancing, optimisers
from components.training.parameter_groups import parameter_groups
from components.training.step.context import Splits
from components.training.step.stepper import Stepper

WAYS = {  # of backward: plain, after probing losses, norms, the states, per task, and with a look ahead
    "plain": {},
    "losses": {"weights": "famo"},
    "norms": {"weights": "gradnorm"},
    "representation": {"combination": {"method": "mgda", "gramian": "representation"}},
    "per_task": {"combination": "pcgrad"},
    "ahead": {"weights": "meta", "combination": "mgda"},
}


def setup_step(root: Path, dropout: float = 0.0) -> tuple[Project, Plan, Splits, MultiTaskModel]:
    project = params.load(root / "params.yaml")
    plan = Plan.of(PlanRecord.read(root / "reports/plan.json"))
    splits = {name: EncodedSplit(root / "encoded" / name / "train.arrow") for name in plan.tasks}
    cards = {head: card for name in plan.tasks for head, card in cards_of(root / "encoded" / name).items()}
    return project, plan, splits, model_of(root / "encoder", cards, dropout)


def model_of(encoder: Path, cards: HeadCards, dropout: float) -> MultiTaskModel:
    """A model of its own, and the state of torch's generator after it, as `from_encoder` leaves them."""
    files = [encoder / name for name in ("config.json", "model.safetensors")]
    said = json.dumps([cards, dropout, *(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)])
    if said not in _MADE:
        _MADE[said] = MultiTaskModel.from_encoder(encoder, cards, dropout, 1), torch.get_rng_state()
    model, state = _MADE[said]
    torch.set_rng_state(state)
    return copy.deepcopy(model)


_MADE: dict[str, tuple[MultiTaskModel, torch.Tensor]] = {}


def stepper(root: Path, dropout: float = 0.0, **changes: Any) -> Stepper:
    """The step engine of the tiny project, in fp32 unless the test asks for another precision."""
    project, plan, splits, model = setup_step(root, dropout)
    training = project.training.model_copy(update={"precision": "fp32", **changes})
    shares = {head: plan.tasks[card["task"]].share for head, card in model.config.tasks.items()}
    balancer = balancing.build(training.balancing)
    optimiser = optimisers.build(training.optimiser, parameter_groups(model, training))
    lengths = {name: split.lengths for name, split in splits.items()}
    return Stepper(
        model, optimiser, balancer, splits, training, 1, shares, lambda: step_rows(plan, 1, 1, lengths)
    )


def first_batch(root: Path, engine: Stepper) -> Batch:
    plan = Plan.of(PlanRecord.read(root / "reports/plan.json"))
    return step_rows(plan, 1, 0, {name: split.lengths for name, split in engine.splits.items()})
