"""The training loop: draw, take a step, evaluate on a schedule, save.

Every random choice is a function of (seed, step), so a run that was killed and started again ends
with the same bytes.

Legend: i a task, L_i its mean loss over its own units (examples, labelled tokens) of a step.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from components import tasks
from components.data.batching import Batch, step_rows
from components.data.mixing import dynamic
from components.data.mixture import Plan, key, permute, share_at
from components.model.inference import predict
from components.model.multitask import MultiTaskModel
from components.settings import Training
from components.training import balancing, checkpoint
from components.training.affinity import Affinity
from components.training.optimiser import adamw, set_learning_rate
from components.training.progress import Progress
from components.training.step import NotFiniteError, Splits, Stepper


def train(
    model: MultiTaskModel,
    plan: Plan,
    training: Training,
    seed: int,
    splits: Splits,
    validation: Splits,
    read_rows: Callable[[str, list[int]], list[dict[str, Any]]],
    checkpoints: Path,
    progress: Progress,
    affinity: Affinity | None = None,
) -> list[dict[str, Any]]:
    """Train in place; the model ends as the best of its scheduled evaluations. Returns the record.

    `read_rows(head, rows)` gives the data rows behind validation row numbers, for the metrics.
    `affinity` measures, where it is given, what the tasks have in common, and changes nothing.
    """
    torch.use_deterministic_algorithms(True)
    # Filling fresh memory with NaN is a debugging aid; it took a sixth of a step.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    optimiser = adamw(model, training)
    of_heads = {head: card["task"] for head, card in model.config.tasks.items()}
    stepper = Stepper(model, optimiser, balancing.build(training.balancing), splits, training, seed)
    state, best = checkpoint.State(), _copy(model)
    restored = checkpoint.load_newest(checkpoints, model, optimiser, progress.say)
    if restored:
        state, best = restored
        stepper.balancer.restore(state.balancing)
        if affinity is not None:
            affinity.restore(state.affinity)
        progress.say(f"going on from step {state.step}")
    plan = dynamic.with_decided(plan, state.history)
    progress.start(plan.steps, state.step)
    while state.step < plan.steps and state.evaluations_without_improvement < training.patience:
        set_learning_rate(optimiser, state.step, plan.steps, training.warmup)
        batch = step_rows(plan, seed, state.step, {name: split.lengths for name, split in splits.items()})
        stepper.shares = {head: share_at(plan, task, state.step) for head, task in of_heads.items()}
        if affinity is not None:
            affinity.measure(stepper, state.step, batch)
            state.affinity = affinity.state()
        step_losses = _take(stepper, state, batch, progress)
        state.balancing = stepper.balancer.state()
        state.step += 1
        progress.step(state.step, step_losses)
        if state.step % training.evaluate_every == 0 or state.step == plan.steps:
            scores = evaluate(model, validation, training.validation_rows, seed, read_rows)
            _record(state, scores)
            if plan.keep is not None:
                seen = [entry["validation"] for entry in state.history]
                state.history[-1]["shares"] = dynamic.decide(plan, seen, of_heads)
                plan = dynamic.with_decided(plan, state.history)
            if state.best_step == state.step:
                best = _copy(model)
            progress.evaluated(state.step, scores)
        if state.step % training.checkpoint_every == 0:
            checkpoint.save(checkpoints, model, best, optimiser, state)
    progress.stop(state)
    model.load_state_dict(best)
    return state.history


def _take(stepper: Stepper, state: checkpoint.State, batch: Batch, progress: Progress) -> dict[str, float]:
    """A step's losses, none where it was skipped since one was not finite."""
    try:
        losses, balance = stepper.take(state.step, batch)
    except NotFiniteError as error:
        if stepper.training.not_finite == "stop":
            raise
        progress.say(f"skipped {error}")
        return {}
    for name, loss in losses.items():
        state.losses.setdefault(name, []).append(loss)
        state.weights.setdefault(name, []).append(balance.shared[name])
    return losses


def evaluate(
    model: MultiTaskModel,
    validation: Splits,
    limit: int,
    seed: int,
    read_rows: Callable[[str, list[int]], list[dict[str, Any]]],
) -> dict[str, float]:
    """Each head's first metric on the same `limit` validation rows of its task every time."""
    scores = {}
    for task, split in validation.items():
        count = min(limit, len(split))
        rows = permute(np.arange(count), len(split), key(seed, task, "validation"))
        for head, predictions in predict(model, task, split, rows.tolist()).items():
            card = model.config.tasks[head]
            family, gold = (
                tasks.get(card["family"]),
                read_rows(head, rows[split.labelled(head)[rows]].tolist()),
            )
            metric = family.measured(card["facts"]["options"])[0]
            sums = family.statistics(metric, gold, predictions, card["facts"]).sum(0, keepdims=True)
            scores[head] = float(family.value(metric, sums)[0])
    return scores


def _record(state: checkpoint.State, scores: dict[str, float]) -> None:
    score = float(np.mean(list(scores.values())))
    if score > state.best_score:
        state.best_score, state.best_step, state.evaluations_without_improvement = score, state.step, 0
    else:
        state.evaluations_without_improvement += 1
    means = {name: float(np.mean(values)) for name, values in state.losses.items()}
    weights = {name: float(np.mean(values)) for name, values in state.weights.items()}
    state.losses, state.weights = {}, {}
    state.history.append(
        {"step": state.step, "score": score, "validation": scores, "training_loss": means, "weights": weights}
    )


def _copy(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
