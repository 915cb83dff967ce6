"""The training loop: draw, sum each task's mean loss, clip once, step once, evaluate, save.

Every random choice is a function of (seed, step), so a run that was killed and started again ends
with the same bytes.

Legend: i a task, L_i its mean loss over its own units (examples, labelled tokens) of a step.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.utils import clip_grad_norm_

from components import tasks
from components.data.batching import Batch, labelled, micro_batches, step_rows
from components.data.encoding import EncodedSplit
from components.data.mixture import Plan, key, permute
from components.model.inference import predict
from components.model.multitask import MultiTaskModel
from components.settings import Training
from components.training import checkpoint
from components.training.optimiser import adamw, set_learning_rate
from components.training.progress import Progress

Splits = Mapping[str, EncodedSplit]


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
) -> list[dict[str, Any]]:
    """Train in place; the model ends as the best of its scheduled evaluations. Returns the record.

    `read_rows(head, rows)` gives the data rows behind validation row numbers, for the metrics.
    """
    torch.use_deterministic_algorithms(True)
    # Filling fresh memory with NaN is a debugging aid; it took a sixth of a step.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    optimiser = adamw(model, training)
    weights = {head: plan.tasks[card["task"]].share for head, card in model.config.tasks.items()}
    state, best = checkpoint.State(), _copy(model)
    restored = checkpoint.load_newest(checkpoints, model, optimiser, progress.say)
    if restored:
        state, best = restored
        progress.say(f"going on from step {state.step}")
    progress.start(plan.steps, state.step)
    while state.step < plan.steps and state.evaluations_without_improvement < training.patience:
        set_learning_rate(optimiser, state.step, plan.steps, training.warmup)
        batch = step_rows(plan, seed, state.step, {name: split.lengths for name, split in splits.items()})
        step_losses = optimise(model, optimiser, splits, batch, weights, training, seed, state.step)
        for name, loss in step_losses.items():
            state.losses.setdefault(name, []).append(loss)
        state.step += 1
        progress.step(state.step, step_losses)
        if state.step % training.evaluate_every == 0 or state.step == plan.steps:
            scores = evaluate(model, validation, training.validation_rows, seed, read_rows)
            _record(state, scores)
            if state.best_step == state.step:
                best = _copy(model)
            progress.evaluated(state.step, scores)
        if state.step % training.checkpoint_every == 0:
            checkpoint.save(checkpoints, model, best, optimiser, state)
    progress.stop(state)
    model.load_state_dict(best)
    return state.history


def optimise(
    model: MultiTaskModel,
    optimiser: torch.optim.Optimizer,
    splits: Splits,
    batch: Batch,
    weights: Mapping[str, float],
    training: Training,
    seed: int,
    step: int,
) -> dict[str, float]:
    """One step on sum_i w_i L_i, accumulated over micro-batches; returns each L_i.

    The weights w_i are the mixture's shares, so a row counts alike whichever task it is of, as in
    sampling by temperature, and a task with one row in a step does not drown the others in noise.

    A task that the step does not draw leaves its head's gradient None, so neither momentum nor
    decay moves it. Raises FloatingPointError for a loss that is not finite.
    """
    cards = model.config.tasks
    rows = labelled(splits, cards, batch)
    units = {head: _units(cards[head], head, splits, known) for head, known in rows.items()}
    losses = dict.fromkeys(rows, 0.0)
    torch.manual_seed(key(seed, "dropout", step) % 2**63)
    model.train()
    optimiser.zero_grad(set_to_none=True)
    for micro in micro_batches(splits, cards, batch, training.tokens_per_micro_batch):
        micro = micro.to(model.device)  # noqa: PLW2901
        with autocast(model.device, training.precision):
            logits = model(micro.input_ids_BL, micro.mask_BL, micro.segment_ids_BL, micro.heads)
        total = torch.zeros((), device=model.device)
        for name, values in logits.items():
            family, facts = tasks.get(cards[name]["family"]), cards[name]["facts"]
            mean = family.loss(values.float(), micro.targets[name], facts) / units[name]
            losses[name] += float(mean.detach())
            total = total + weights[name] * mean
        total.backward()
    wrong = [name for name, loss in losses.items() if not np.isfinite(loss)]
    if wrong:
        ids = splits[cards[wrong[0]]["task"]].ids()
        found = [ids[row] for row in rows[wrong[0]]]
        raise FloatingPointError(f"step {step}: the loss of {wrong[0]} is {losses[wrong[0]]}; rows {found}")
    clip_grad_norm_(model.parameters(), training.clip)
    optimiser.step()
    return losses


def _units(card: dict[str, Any], head: str, splits: Splits, rows: np.ndarray) -> float:
    """The denominator of a head's loss in a step; 1 where its rows hold no unit at all."""
    family, split = tasks.get(card["family"]), splits[card["task"]]
    return sum((family.units(split.target(row, head), card["facts"]) for row in rows), 0.0) or 1.0


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
    state.losses = {}
    state.history.append({"step": state.step, "score": score, "validation": scores, "training_loss": means})


def _copy(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager[Any]:
    """bf16 where asked for, or where the hardware multiplies it natively."""
    if precision == "bf16" or (precision == "auto" and native_bf16(device)):
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return contextlib.nullcontext()


def native_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
