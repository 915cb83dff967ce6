"""A student with fewer blocks learns to have the states of the joint model, for all tasks at once.

It begins with some of the model's blocks (DistilBERT, Sanh et al. 2019) and reads the batches of the plan.
Its loss is the squared distance of its last states to the teacher's (TinyBERT, Jiao et al. 2020, equation 8),
and of every head's logits from both, each in units of the teacher's own variance. Words' embeddings and heads
are the teacher's and stay as they are, so what is taught replaces the encoder's blocks alone. Everything is a
function of (plan, seed, step), but a run that was killed begins again.

Legend: T tokens of a micro-batch, D hidden width.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.functional import mse_loss
from transformers import PreTrainedModel

from components.data.batches.batching import MicroBatch, micro_batches, step_rows
from components.data.batches.pack import Pack
from components.data.encoding.split import EncodedSplit
from components.data.mixture.draws import Plan
from components.data.mixture.plan import easiest
from components.data.mixture.records import PLAN, PlanRecord
from components.files import atomic_folder
from components.model import saving
from components.model.blocks import blocks
from components.model.multitask import MultiTaskModel
from components.model.packing import packed_states
from components.model.smaller import FILE, TAKEN, smaller, taken_of
from components.settings.compression import Student
from components.training.schedule import factor

TOKENS = 4096  # of a micro-batch
WARMUP = 0.05  # share of the steps in which the learning rate rises
LEAST = 1e-6  # variance that a distance is counted in
SAID_EVERY = 50  # steps
NORM = 1.0  # that a gradient is clipped to


def distil(settings: Student, root: Path, seed: int, target: Path, say: Callable[[str], None]) -> None:
    """Teach a student of the model of the project in `root` and write it into the folder `target`.

    Raises:
        UserError: the encoder cannot be made smaller so.
    """
    torch.manual_seed(seed)
    teacher = saving.load(root / saving.MODEL).requires_grad_(False)
    student = smaller(teacher, settings.layers)
    record = PlanRecord.read(root / PLAN)
    learn(teacher, student, settings, record.steps, batches(teacher, record, root, seed), say)
    words = {id(one) for one in teacher.encoder.get_input_embeddings().parameters()}
    own = {name: one.detach() for name, one in student.named_parameters() if id(one) not in words}
    taken = taken_of(len(blocks(teacher.encoder)), settings.layers)
    with atomic_folder(target) as folder:
        save_file(own, folder / FILE, {TAKEN: json.dumps(taken)})


def batches(
    teacher: MultiTaskModel, record: PlanRecord, root: Path, seed: int
) -> Callable[[int], Iterator[MicroBatch]]:
    """The micro-batches of a step: those that the model itself has learnt from."""
    splits = {task: EncodedSplit(root / "encoded" / task / "train.arrow") for task in record.tasks}
    plan = Plan.of(record, easiest(record, splits))
    lengths = {task: split.lengths for task, split in splits.items()}

    def of_step(step: int) -> Iterator[MicroBatch]:
        rows = step_rows(plan, seed, step % plan.steps, lengths)
        return micro_batches(splits, teacher.config.tasks, rows, TOKENS, packed=True)

    return of_step


def learn(
    teacher: MultiTaskModel,
    student: PreTrainedModel,
    settings: Student,
    planned: int,
    of_step: Callable[[int], Iterator[MicroBatch]],
    say: Callable[[str], None],
) -> list[float]:
    """Teach the student for `settings.of_training` of the planned steps; the loss of each step."""
    steps = max(1, round(settings.of_training * planned))
    own = [one for one in student.parameters() if one.requires_grad]
    optimiser = torch.optim.AdamW(own, lr=settings.learning_rate)
    losses = []
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate * factor(step, steps, WARMUP, "linear")
        optimiser.zero_grad()
        micros = list(of_step(step))
        found = [_backward(teacher, student, micro, len(micros)) for micro in micros]
        torch.nn.utils.clip_grad_norm_(own, NORM)
        optimiser.step()
        losses.append(sum(found))
        if step % SAID_EVERY == 0 or step == steps - 1:
            say(f"student: step {step + 1} of {steps}, loss {losses[-1]:.3f}")
    return losses


def _backward(teacher: MultiTaskModel, student: PreTrainedModel, micro: MicroBatch, of: int) -> float:
    """Add the gradient of a micro-batch's loss; its part of the step's."""
    with torch.no_grad():
        expected_TD, expected = _answers(teacher, teacher.encoder, micro)
    found_TD, found = _answers(teacher, student, micro)
    losses = [_distance(found[head], expected[head]) for head in expected]
    loss = (_distance(found_TD, expected_TD) + torch.stack(losses).mean()) / of
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

    teacher.runtime = states
    try:
        logits = teacher(*micro.given)
    finally:
        teacher.runtime = None
    return seen[0], logits


def _distance(found: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    """The mean squared distance in units of what is expected; what has no number there counts for nothing."""
    known = expected.isfinite() & found.isfinite()
    expected = expected[known]
    return mse_loss(found[known], expected) / expected.var(unbiased=False).clamp(min=LEAST)
