"""A smaller encoder learns to have the states of the joint model, for all tasks at once.

It reads the batches of the plan. Its loss is the squared distance of its last states to the teacher's
(TinyBERT, Jiao et al. 2020, equation 8), and of every head's logits from both, each in units of the teacher's
own variance over training rows: within a batch there is none where a head has one row. A head answers for
other tasks' texts as well, where they come as its own do: what it makes of them the teacher knows, and a task
of few rows has few texts to show it. Words' embeddings and heads are the teacher's and stay as they are, so
what is taught replaces the encoder's blocks alone.
Everything is a function of (plan, seed, step), but a run that was killed begins again.

Legend: T tokens of a micro-batch, D hidden width.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.functional import mse_loss
from transformers import PreTrainedModel

from components.data.batches.batching import MicroBatch, micro_batches, step_rows
from components.data.batches.pack import Pack
from components.data.batches.tensors import Rows
from components.data.contract.cards import HeadCards
from components.data.encoding.split import EncodedSplit
from components.data.mixture.draws import Plan, skip
from components.data.mixture.plan import easiest
from components.data.mixture.records import PLAN, PlanRecord
from components.model.multitask import MultiTaskModel
from components.model.packing import packed_states
from components.model.smaller import own_parameters
from components.settings.compression import Taught
from components.training.schedule import factor
from components.training.step.augment import augmented
from components.training.step.precision import autocast

TOKENS = 4096  # of a micro-batch
WARMUP = 0.05  # share of the steps in which the learning rate rises
EACH = 64  # rows of each task that say how much the teacher's answers vary
STATES = ""  # no head's name
LEAST = 1e-6  # variance that a distance is counted in
SAID_EVERY = 50  # steps
NORM = 1.0  # that a gradient is clipped to


def teach(
    teacher: MultiTaskModel,
    student: PreTrainedModel,
    settings: Taught,
    root: Path,
    seed: int,
    say: Callable[[str], None],
) -> None:
    """Teach a smaller encoder of the model of the project in `root`."""
    record = PlanRecord.read(root / PLAN)
    units = variances(teacher, rows_of_each(teacher, root, seed, EACH))
    learn(teacher, student, settings, record.steps, batches(teacher, record, root, seed), units, say)


def rows_of_each(model: MultiTaskModel, root: Path, seed: int, most: int) -> Iterator[list[MicroBatch]]:
    """So many training rows of each task, evenly taken, as training sees them."""
    record, cards = PlanRecord.read(root / PLAN), model.config.tasks
    own = {task: EncodedSplit(root / "encoded" / task / "train.arrow") for task in record.tasks}
    splits = augmented(own, cards, seed, 0)
    for task, planned in record.tasks.items():
        number = len(own[task]) - len(planned.excluded)
        rows = np.unique(np.linspace(0, number - 1, min(most, number)).astype(int))
        read = {task: skip(rows, planned.excluded)}
        yield list(micro_batches(splits, cards, read, TOKENS, packed=True))


@torch.no_grad()
def variances(model: MultiTaskModel, read: Iterable[Iterable[MicroBatch]]) -> dict[str, float]:
    """That of the model's states, by the name STATES, and of each head's logits."""
    found: dict[str, list[torch.Tensor]] = {}
    for micro in itertools.chain.from_iterable(read):
        states_TD, logits = _answers(model, model.encoder, micro)
        for name, values in {STATES: states_TD, **logits}.items():
            found.setdefault(name, []).append(values[values.isfinite()])
    together = {name: torch.cat(parts) for name, parts in found.items()}
    return {name: max(one.var().item(), LEAST) for name, one in together.items() if len(one) > 1}


def batches(
    teacher: MultiTaskModel, record: PlanRecord, root: Path, seed: int
) -> Callable[[int], Iterator[MicroBatch]]:
    """The micro-batches of a step: those that the model itself has learnt from."""
    splits = {task: EncodedSplit(root / "encoded" / task / "train.arrow") for task in record.tasks}
    plan = Plan.of(record, easiest(record, splits))
    lengths = {task: split.lengths for task, split in splits.items()}

    def of_step(step: int) -> Iterator[MicroBatch]:
        rows = step_rows(plan, seed, step % plan.steps, lengths)
        seen = augmented(splits, teacher.config.tasks, seed, step)
        return micro_batches(seen, teacher.config.tasks, rows, TOKENS, packed=True)

    return of_step


def learn(
    teacher: MultiTaskModel,
    student: PreTrainedModel,
    settings: Taught,
    planned: int,
    of_step: Callable[[int], Iterator[MicroBatch]],
    units: Mapping[str, float],
    say: Callable[[str], None],
) -> list[float]:
    """Teach an encoder for `settings.of_training` of the planned steps; the loss of each step."""
    steps = max(1, round(settings.of_training * planned))
    own = [one.requires_grad_() for one in own_parameters(teacher, student).values()]
    optimiser = torch.optim.AdamW(own, lr=settings.learning_rate)
    losses = []
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate * factor(step, steps, WARMUP, "linear")
        optimiser.zero_grad()
        micros = list(of_step(step))
        found = [_backward(teacher, student, micro, units, len(micros)) for micro in micros]
        torch.nn.utils.clip_grad_norm_(own, NORM)
        optimiser.step()
        losses.append(sum(found))
        if step % SAID_EVERY == 0 or step == steps - 1:
            say(f"step {step + 1} of {steps}, loss {losses[-1]:.3f}")
    return losses


def _backward(
    teacher: MultiTaskModel,
    student: PreTrainedModel,
    micro: MicroBatch,
    units: Mapping[str, float],
    of: int,
) -> float:
    """Add the gradient of a micro-batch's loss; its part of the step's."""
    with autocast(teacher.device, "auto"):
        with torch.no_grad():
            expected_TD, expected = _answers(teacher, teacher.encoder, micro)
        found_TD, found = _answers(teacher, student, micro)
    losses = [_distance(found[head], expected[head]) / units.get(head, 1.0) for head in expected]
    loss = (_distance(found_TD, expected_TD) / units[STATES] + torch.stack(losses).mean()) / of
    loss.backward()
    return loss.item()


def _answers(
    teacher: MultiTaskModel, encoder: nn.Module, micro: MicroBatch
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """states_TD of an encoder, and the logits that the teacher's heads make of them."""
    seen: list[torch.Tensor] = []

    def states(ids_T: torch.Tensor, segments_T: torch.Tensor | None, pack: Pack) -> torch.Tensor:
        seen.append(packed_states(encoder, ids_T, segments_T, pack))
        return seen[0]

    ids_BL, mask_BL, segments_BL, own, pack = micro.given
    heads = of_all_texts(teacher.config.tasks, own)
    teacher.runtime = states
    try:
        logits = teacher(ids_BL, mask_BL, segments_BL, heads, pack)
    finally:
        teacher.runtime = None
    return seen[0], {head: _real(one, mask_BL, heads[head].places) for head, one in logits.items()}


def of_all_texts(cards: HeadCards, heads: Mapping[str, Rows]) -> dict[str, Rows]:
    """Heads of a micro-batch, with the rows of all tasks whose inputs are the same; those that are given more
    of a row than the states of one sequence have their own rows."""
    alike: dict[tuple[str, ...], dict[str, torch.Tensor]] = {}
    for head, rows in heads.items():
        if rows.places.ndim == 1 and rows.extra_nF is None and rows.target_nT is None:
            alike.setdefault(tuple(cards[head]["inputs"]), {})[head] = rows.places
    together = {head: Rows(torch.cat(list(of.values())).unique()) for of in alike.values() for head in of}
    return {**heads, **together}


def _real(logits: torch.Tensor, mask_BL: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Without those of padding, of a head that answers for each token: short texts have more of it than of
    tokens where a long one is in the same batch."""
    of_tokens = logits.ndim > 2 and places.ndim == 1 and logits.shape[1] == mask_BL.shape[1]
    return logits[mask_BL[places].bool()] if of_tokens else logits


def _distance(found: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    """The mean squared distance; what has no number there counts for nothing."""
    known = expected.isfinite() & found.isfinite()
    return mse_loss(found[known].float(), expected[known].float())
