"""One optimisation step: forward, weigh the tasks, backward, clip once, step once.

Balancing asks for facts, and what a step costs depends on which. Where the weights are known before
(static, uncertainty, dwa, ...) every micro-batch is one forward and one backward pass. Where they
follow from this step's own losses or norms, the step is looked at first: a step of one micro-batch
keeps its graph, so that costs nothing; a longer one goes forward twice. A combination of gradients
needs each task's own, summed over the micro-batches before they are combined.

Legend: i a task (a head), L_i its mean loss over its own units of the step, w_i its weight.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch.nn.utils import clip_grad_norm_

from components import tasks
from components.data.batching import Batch, MicroBatch, labelled, micro_batches
from components.data.encoding import EncodedSplit
from components.data.mixture import key
from components.model.multitask import MultiTaskModel
from components.settings import Training
from components.training.balancing import Balance, Balancer, StepFacts, TaskFacts
from components.training.gramians import task_gradients
from components.training.last_layer import LastLayer

Splits = Mapping[str, EncodedSplit]
Losses = dict[str, torch.Tensor]
PER_TASK = {"gramian_KK", "alignments"}  # facts that need every task's own gradient


class NotFiniteError(FloatingPointError):
    """A loss or a gradient is NaN or infinite."""


@dataclass
class Stepper:
    """Takes steps; all that it changes is in `model`, `optimiser` and `balancer`."""

    model: MultiTaskModel
    optimiser: torch.optim.Optimizer
    balancer: Balancer
    splits: Splits
    training: Training
    seed: int
    shares: Mapping[str, float] = field(default_factory=dict)  # of the mixture in the coming step, by head

    def take(self, step: int, batch: Batch) -> tuple[dict[str, float], Balance]:
        """One step on a batch; returns each L_i and what it counted.

        A task that the step does not draw leaves its head's gradient None, so neither momentum nor
        decay moves it.

        Raises:
            NotFiniteError: naming step, task and rows; nothing was changed.
        """
        look = Look(self, step, batch)
        self.model.train()
        self.optimiser.zero_grad(set_to_none=True)
        facts, balance = look.backward()
        clip_grad_norm_(self.model.parameters(), self.training.clip)
        self.optimiser.step()
        needs = self.balancer.needs(step)
        if "losses_after" in needs:
            facts = replace(facts, losses_after=look.losses())
        if "alignments" in needs:
            facts = replace(facts, alignments=look.alignments())
        self.balancer.update(facts)
        return dict(facts.losses), balance


class Look:
    """A step's rows, and what can be seen of them."""

    def __init__(self, stepper: Stepper, step: int, batch: Batch) -> None:
        self.stepper, self.step = stepper, step
        self.model, self.balancer = stepper.model, stepper.balancer
        self.cards: Mapping[str, dict[str, Any]] = stepper.model.config.tasks
        self.rows = labelled(stepper.splits, self.cards, batch)
        self.units = {head: self._units(head, known) for head, known in self.rows.items()}
        budget = stepper.training.tokens_per_micro_batch
        packed = stepper.model.packs
        self.batches = list(micro_batches(stepper.splits, self.cards, batch, budget, packed))

    def _units(self, head: str, rows: np.ndarray) -> float:
        """The denominator of a head's loss in the step; 1 where its rows hold no unit at all."""
        card = self.cards[head]
        family, split = tasks.get(card["family"]), self.stepper.splits[card["task"]]
        return sum((family.units(split.target(row, head), card["facts"]) for row in rows), 0.0) or 1.0

    def backward(self) -> tuple[StepFacts, Balance]:
        """Fill the gradients by the cheapest way that shows the balancer what it needs."""
        needs = self.balancer.needs(self.step)
        if needs & PER_TASK:
            return self._backward_per_task()
        if "norms" in needs or self.balancer.weighting.by_this_step:
            return self._backward_after_a_look("norms" in needs)
        balance = self._weigh(dict.fromkeys(self.rows, 0.0))  # these weights do not depend on the losses
        losses = dict.fromkeys(self.rows, 0.0)
        for micro in self.micros():
            _add(losses, means := self.means(micro))
            _weighted_sum(means, balance.heads).backward()
        return self._facts(losses), balance

    def _backward_after_a_look(self, with_norms: bool) -> tuple[StepFacts, Balance]:
        losses = dict.fromkeys(self.rows, 0.0)
        kept: list[Losses] = []
        last_layer = LastLayer(self.model)
        for micro in self.micros():
            with contextlib.nullcontext() if with_norms or len(self.batches) == 1 else torch.no_grad():
                _add(losses, means := self.means(micro))
            if with_norms:
                last_layer.add(means)
            if len(self.batches) == 1:
                kept.append(means)
        facts = self._facts(losses, norms=last_layer.norms() if with_norms else None)
        balance = self._weigh(losses, facts)
        for means in kept or (self.means(micro) for micro in self.micros()):
            _weighted_sum(means, balance.heads).backward()
        return facts, balance

    def per_task(self) -> dict[str, float]:
        """Each task's own gradient, into `gradients`, and its loss."""
        losses = dict.fromkeys(self.rows, 0.0)
        self.gradients = task_gradients(self.model, list(losses))
        with self.gradients:
            for micro in self.micros():
                _add(losses, means := self.means(micro))
                self.gradients.backward(means, micro.mask_BL, micro.heads)
        return losses

    def _backward_per_task(self) -> tuple[StepFacts, Balance]:
        losses = self.per_task()
        facts = self._facts(losses, gramian_KK=self.gradients.gramian())
        balance = self._weigh(losses, facts)
        self.gradients.apply(balance.shared, balance.heads)
        return facts, balance

    def _weigh(self, losses: Mapping[str, float], facts: StepFacts | None = None) -> Balance:
        try:
            return self.balancer.weigh(facts or self._facts(losses))
        except FloatingPointError as error:
            raise self._not_finite(losses, str(error)) from None

    def _facts(self, losses: Mapping[str, float], **others: Any) -> StepFacts:
        """Raises NotFiniteError where a loss is none."""
        if any(not np.isfinite(loss) for loss in losses.values()):
            raise self._not_finite(losses, "a loss is not finite")
        known = {
            head: TaskFacts(self.stepper.shares[head], tasks.get(card["family"]).gaussian)
            for head, card in self.cards.items()
        }
        return StepFacts(self.stepper.seed, self.step, known, dict(losses), **others)

    def _not_finite(self, losses: Mapping[str, float], why: str) -> NotFiniteError:
        for head, loss in losses.items():
            if not np.isfinite(loss):
                ids = self.stepper.splits[self.cards[head]["task"]].ids()
                found = [ids[row] for row in self.rows[head]]
                return NotFiniteError(f"step {self.step}: the loss of {head} is {loss}; rows {found}")
        return NotFiniteError(f"step {self.step}: {why}")

    def micros(self) -> Iterator[MicroBatch]:
        """The micro-batches on the model's device; dropout draws the same at every look."""
        torch.manual_seed(key(self.stepper.seed, "dropout", self.step) % 2**63)
        for micro in self.batches:
            yield micro.to(self.model.device)

    def means(self, micro: MicroBatch) -> Losses:
        """Each head's share of its L_i that the micro-batch holds."""
        with autocast(self.model.device, self.stepper.training.precision):
            logits = self.model(micro.input_ids_BL, micro.mask_BL, micro.segment_ids_BL, micro.heads)
        return {
            head: tasks.get(self.cards[head]["family"]).loss(
                values.float(), micro.targets[head], self.cards[head]["facts"]
            )
            / self.units[head]
            for head, values in logits.items()
        }

    @torch.no_grad()
    def losses(self) -> dict[str, float]:
        """L_i of the same rows as the model is now."""
        losses = dict.fromkeys(self.rows, 0.0)
        for micro in self.micros():
            _add(losses, self.means(micro))
        return losses

    def alignments(self) -> dict[str, float]:
        """<v, g_i>, with v the gradient after the step of the sum of the losses on another batch."""
        self.stepper.optimiser.zero_grad(set_to_none=True)
        other = Look(self.stepper, self.step, _other_rows(self.rows, self.stepper))
        for micro in other.micros():
            torch.stack(list(other.means(micro).values())).sum().backward()
        return self.gradients.products()


def _other_rows(rows: Batch, stepper: Stepper) -> Batch:
    """As many rows of each task, none of them in the step: the next ones in the file, around its end."""
    by_task: dict[str, np.ndarray] = {}
    for head, known in rows.items():
        task = stepper.model.config.tasks[head]["task"]
        by_task.setdefault(task, (known + len(known)) % len(stepper.splits[task]))
    return by_task


def _add(losses: dict[str, float], means: Losses) -> None:
    for head, mean in means.items():
        losses[head] += float(mean.detach())


def _weighted_sum(means: Losses, weights: Mapping[str, float]) -> torch.Tensor:
    return torch.stack([weights[head] * mean for head, mean in means.items()]).sum()


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager[Any]:
    """bf16 where asked for, or where the hardware multiplies it natively."""
    if precision == "bf16" or (precision == "auto" and native_bf16(device)):
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return contextlib.nullcontext()


def native_bf16(device: torch.device) -> bool:
    """Does the device multiply bf16 by itself?"""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
