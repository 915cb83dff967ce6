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
from components.training import parallel
from components.training.balancing import Balance, Balancer, StepFacts, TaskFacts
from components.training.gramians import task_gradients
from components.training.last_layer import LastLayer, crossing, last_layer
from components.training.loss_scale import LossScale

Splits = Mapping[str, EncodedSplit]
Losses = dict[str, torch.Tensor]
PER_TASK = {"gramian_KK", "alignments"}  # facts that need every task's own gradient
OF_THE_LAST_LAYER = {"norms", "last_layer_KK"}  # ... on the last shared layer alone


class NotFiniteError(FloatingPointError):
    """A loss or a gradient is NaN or infinite."""


class ScaleOverflowError(NotFiniteError):
    """The losses are finite, but not the gradients of so much times them in fp16."""


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

    def __post_init__(self) -> None:
        self.scale = LossScale(self.training.precision)

    def take(self, step: int, batch: Batch) -> tuple[dict[str, float], Balance]:
        """One step on a batch; returns each L_i and what it counted.

        A task that the step does not draw leaves its head's gradient None, so neither momentum nor
        decay moves it.

        Raises:
            NotFiniteError: naming step, task and rows; nothing was changed.
            ScaleOverflowError: nothing was changed but the loss scale, which is half of what it was.
        """
        look = Look(self, step, batch)
        self.model.train()
        self.optimiser.zero_grad(set_to_none=True)
        try:
            facts, balance = look.backward()
            look.clip(facts.losses)
        except ScaleOverflowError:
            self.scale.overflowed()
            raise
        self.optimiser.step()
        self.scale.fitted()
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
        self.model, self.balancer, self.scale = stepper.model, stepper.balancer, stepper.scale.value
        self.cards: Mapping[str, dict[str, Any]] = stepper.model.config.tasks
        self.rows = labelled(stepper.splits, self.cards, batch)
        self.units = {head: self._units(head, known) for head, known in self.rows.items()}
        budget = stepper.training.tokens_per_micro_batch
        packed = stepper.model.packs
        own = parallel.own_rows(stepper.splits, batch)
        self.batches = list(micro_batches(stepper.splits, self.cards, own, budget, packed))

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
        if needs & OF_THE_LAST_LAYER or self.balancer.weighting.by_this_step:
            return self._backward_after_a_look(bool(needs & OF_THE_LAST_LAYER))
        balance = self._weigh(dict.fromkeys(self.rows, 0.0))  # these weights do not depend on the losses
        losses = dict.fromkeys(self.rows, 0.0)
        for micro in self.micros():
            _add(losses, means := self.means(micro))
            self._weighted_sum(means, balance.heads).backward()
        facts = self._facts(parallel.sum_losses(losses))
        self._finish()
        return facts, balance

    def _backward_after_a_look(self, at_the_last_layer: bool) -> tuple[StepFacts, Balance]:
        losses = dict.fromkeys(self.rows, 0.0)
        kept: list[Losses] = []
        seen = LastLayer(self.model, list(self.rows))
        factors: dict[str, float] = {}  # of a combination, known once the step was looked at
        with crossing(self.model, factors):
            for micro in self.micros():
                graph = at_the_last_layer or len(self.batches) == 1
                with contextlib.nullcontext() if graph else torch.no_grad():
                    _add(losses, means := self.means(micro))
                if at_the_last_layer:
                    seen.add(self._scaled(means))
                if len(self.batches) == 1:
                    kept.append(means)
            losses = parallel.sum_losses(losses)
            others = self._of_last_layer(seen.gramian() / self.scale**2) if at_the_last_layer else {}
            facts = self._facts(losses, **others)
            balance = self._weigh(losses, facts)
            factors.update(_factors(balance))
            for means in kept or (self.means(micro) for micro in self.micros()):
                self._weighted_sum(means, balance.heads).backward()
        self._finish()
        return facts, balance

    def _of_last_layer(self, gramian_KK: np.ndarray) -> dict[str, Any]:
        norms = np.sqrt(np.diag(gramian_KK)).tolist()
        return {"last_layer_KK": gramian_KK, "norms": dict(zip(self.rows, norms, strict=True))}

    def _backward_per_task(self) -> tuple[StepFacts, Balance]:
        losses = dict.fromkeys(self.rows, 0.0)
        self.gradients = task_gradients(self.model, list(losses))
        with self.gradients:
            for micro in self.micros():
                _add(losses, means := self.means(micro))
                self.gradients.backward(self._scaled(means), micro.mask_BL, micro.heads)
        losses = parallel.sum_losses(losses)
        self.gradients.reduce()
        self.gradients.unscale(self.scale)
        others: dict[str, Any] = {}
        if self.balancer.needs(self.step) & OF_THE_LAST_LAYER:
            others = self._of_last_layer(self.gradients.gramian_of(last_layer(self.model)))
        facts = self._facts(losses, gramian_KK=self.gradients.gramian(), **others)
        balance = self._weigh(losses, facts)
        self.gradients.apply(balance.shared, balance.heads)
        return facts, balance

    def clip(self, losses: Mapping[str, float]) -> None:
        """Clip the norm of all gradients together, once.

        Raises:
            NotFiniteError: one of them is not finite.
        """
        norm = clip_grad_norm_(self.model.parameters(), self.stepper.training.clip)
        if not norm.isfinite():
            raise self._not_finite(losses, "a gradient is not finite")

    def _scaled(self, means: Losses) -> Losses:
        return {head: self.scale * mean for head, mean in means.items()} if self.scale != 1 else means

    def _weighted_sum(self, means: Losses, weights: Mapping[str, float]) -> torch.Tensor:
        return torch.stack([self.scale * weights[head] * mean for head, mean in means.items()]).sum()

    def _finish(self) -> None:
        """Make what stands in `.grad` the step's: summed over the processes, divided by the loss scale."""
        parallel.sum_gradients(list(self.model.parameters()))
        if self.scale != 1:
            gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
            torch._foreach_div_(gradients, self.scale)

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
        if self.stepper.scale.can_fall:
            why = f"a gradient overflowed in fp16; the loss scale falls from {self.scale:g}"
            return ScaleOverflowError(f"step {self.step}: {why} to {self.scale / 2:g}")
        return NotFiniteError(f"step {self.step}: {why}")

    def micros(self) -> Iterator[MicroBatch]:
        """The micro-batches on the model's device; dropout draws the same at every look."""
        torch.manual_seed(key(self.stepper.seed, f"dropout{parallel.rank() or ''}", self.step) % 2**63)
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
        return parallel.sum_losses(losses)

    def alignments(self) -> dict[str, float]:
        """<v, g_i>, with v the gradient after the step of the sum of the losses on another batch."""
        self.stepper.optimiser.zero_grad(set_to_none=True)
        other = Look(self.stepper, self.step, _other_rows(self.rows, self.stepper))
        for micro in other.micros():
            self._weighted_sum(means := other.means(micro), dict.fromkeys(means, 1.0)).backward()
        self._finish()
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


def _factors(balance: Balance) -> dict[str, float]:
    """c_i of the tasks whose gradients are combined."""
    pairs = ((head, balance.shared[head], weight) for head, weight in balance.heads.items())
    return {head: shared / weight for head, shared, weight in pairs if shared != weight}


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager[Any]:
    """Half precision where asked for; bf16 also where the hardware multiplies it natively."""
    if precision == "fp16":
        return torch.autocast(device.type, dtype=torch.float16)
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
