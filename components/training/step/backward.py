"""What a step's rows show, and the gradients that they leave.

Balancing asks for facts, and what a step costs depends on which. Where the weights are known before
(static, uncertainty, dwa, ...) every micro-batch is one forward and one backward pass. Where they
follow from this step's own losses or norms, the step is probed first: a step of one micro-batch
keeps its graph, so that costs nothing; a longer one goes forward twice. A combination of gradients
needs each task's own, summed over the micro-batches before they are combined.

Legend: i a task (a head), L_i its mean loss over its own units of the step, w_i its weight.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from torch.nn.utils import clip_grad_norm_

from components import families
from components.data.batches.batching import Batch, MicroBatch, labelled, micro_batches
from components.data.contract.cards import HeadCards
from components.errors import UserError
from components.families.base.capabilities import SquaredErrorLoss
from components.keyed import derive_seed
from components.training import parallel
from components.training.balancing import Balance, StepFacts, TaskFacts
from components.training.gradients.base import TaskGradients
from components.training.gradients.last_layer import LastLayer, last_layer, of_last_layer
from components.training.gradients.probe import Probe, Shown
from components.training.gradients.representation import Representation
from components.training.gradients.scaling import EncoderScaling
from components.training.gradients.separate import task_gradients
from components.training.step.augment import augmented
from components.training.step.context import StepContext
from components.training.step.forward import Forward, Losses
from components.training.step.precision import autocast

Found = TypeVar("Found")
PER_TASK = {"gramian_KK", "alignments"}  # facts that need every task's own gradient


class NotFiniteError(FloatingPointError):
    """A loss or a gradient is NaN or infinite."""


class ScaleOverflowError(NotFiniteError):
    """The losses are finite, but not the gradients of so much times them in fp16."""


class StepBackward:
    """The backward pass of a step, and what else its rows show."""

    def __init__(self, context: StepContext, step: int, batch: Batch) -> None:
        self.context, self.step = context, step
        self.model, self.balancer, self.scale = context.model, context.balancer, context.scale.value
        self.cards: HeadCards = context.model.config.tasks
        self.rows = labelled(context.splits, self.cards, batch)
        self.splits = augmented(context.splits, self.cards, context.seed, step)
        self.units = {head: self._units(head, known) for head, known in self.rows.items()}
        self.own = parallel.own_rows(context.splits, batch)
        self.gradients: TaskGradients | None = None
        self.scaling = EncoderScaling(self.model)  # by a combination's factors
        self._cut()

    def _cut(self) -> None:
        """Cut the rows into micro-batches."""
        budget, packed = self.context.micro_batch_tokens, self.model.packs
        self.batches = list(micro_batches(self.splits, self.cards, self.own, budget, packed))

    def within_memory(self, work: Callable[[], Found]) -> Found:
        """Do the work; where the device's memory does not hold it, again with micro-batches half as large.

        Raises:
            UserError: each micro-batch is a single row already, or other processes have gone on.
        """
        while True:
            with contextlib.suppress(torch.OutOfMemoryError):
                return work()
            # Only now has the error let go of the tensors that its traceback held.
            self.context.optimiser.zero_grad(set_to_none=True)
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            if not parallel.alone():
                raise self._out_of_memory(
                    "in one of several processes; lower training.tokens_per_micro_batch"
                )
            if self.context.micro_batch_tokens == 1:  # so each is a single row, whatever its length
                raise self._out_of_memory(
                    "even with a single row in each micro-batch; lower tasks.*.max_length in params.yaml, "
                    "or take a smaller encoder"
                )
            self.context.micro_batch_tokens //= 2
            self._cut()

    def _out_of_memory(self, what: str) -> UserError:
        return UserError(f"step {self.step}: out of memory {what}")

    def _units(self, head: str, rows: np.ndarray) -> float:
        """The denominator of a head's loss in the step; 1 where its rows hold no unit at all."""
        card = self.cards[head]
        family, split = families.get(card["family"]), self.context.splits[card["task"]]
        return sum((family.units(split.target(row, head), card["facts"]) for row in rows), 0.0) or 1.0

    def fill(self) -> tuple[StepFacts, Balance]:
        """Fill the gradients by the cheapest way that shows the balancer what it needs."""
        needs = self.balancer.needs(self.step)
        if needs & PER_TASK:
            return self._fill_per_task()
        kinds: tuple[type[Probe], ...] = (LastLayer, Representation)
        probes = [kind(self.model, list(self.rows)) for kind in kinds if needs & kind.shows]
        if probes or self.balancer.weighting.by_this_step:
            return self._fill_after_probing(probes)
        balance = self._weigh(dict.fromkeys(self.rows, 0.0))  # these weights do not depend on the losses
        losses = dict.fromkeys(self.rows, 0.0)
        for micro in self.micros():
            _add(losses, means := self.means(micro))
            self._weighted_sum(means, balance.heads).backward()
        facts = self._facts(parallel.sum_losses(losses))
        self._finish()
        return facts, balance

    def _fill_after_probing(self, probes: Sequence[Probe]) -> tuple[StepFacts, Balance]:
        losses = dict.fromkeys(self.rows, 0.0)
        kept: list[Losses] = []
        with self.scaling:
            for means in self._probed(probes):
                _add(losses, means)
                if len(self.batches) == 1:
                    kept.append(means)
            shown = {name: fact for probe in probes for name, fact in probe.facts(self.scale).items()}
            facts = self._facts(parallel.sum_losses(losses), **shown)
            balance = self._weigh(facts.losses, facts)
            self.scaling.factors.update(_factors(balance))
            for means in kept or (self.means(micro) for micro in self.micros()):
                self._weighted_sum(means, balance.heads).backward()
        self._finish()
        return facts, balance

    def _probed(self, probes: Sequence[Probe]) -> Iterator[Losses]:
        """Each micro-batch's losses, with a graph where one is needed, after the probes have had them."""
        graph = bool(probes) or len(self.batches) == 1
        with contextlib.ExitStack() as stack:
            for probe in probes:
                stack.enter_context(probe)
            for micro in self.micros():
                with contextlib.nullcontext() if graph else torch.no_grad():
                    means = self.means(micro)
                for probe in probes:
                    probe.add(self._scaled(means))
                yield means

    def per_task(self) -> tuple[dict[str, float], TaskGradients]:
        """Each task's loss, and its own gradient."""
        losses = dict.fromkeys(self.rows, 0.0)
        self.gradients = gradients = task_gradients(self.model, list(losses))
        with gradients:
            for micro in self.micros():
                _add(losses, means := self.means(micro))
                gradients.backward(self._scaled(means), micro.mask_BL, micro.heads)
        gradients.reduce()
        gradients.unscale(self.scale)
        return parallel.sum_losses(losses), gradients

    def _fill_per_task(self) -> tuple[StepFacts, Balance]:
        losses, gradients = self.per_task()
        others: Shown = {}
        if self.balancer.needs(self.step) & LastLayer.shows:
            others = of_last_layer(list(self.rows), gradients.gramian_of(last_layer(self.model)))
        facts = self._facts(losses, gramian_KK=gradients.gramian(), **others)
        balance = self._weigh(losses, facts)
        gradients.apply(balance.shared, balance.heads)
        return facts, balance

    def clip(self, losses: Mapping[str, float]) -> None:
        """Clip the norm of all gradients together, once.

        Raises:
            NotFiniteError: one of them is not finite.
        """
        norm = clip_grad_norm_(self.model.parameters(), self.context.training.clip)
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
            head: TaskFacts(share, isinstance(families.get(self.cards[head]["family"]), SquaredErrorLoss))
            for head, share in self.context.shares.items()
        }
        return StepFacts(self.context.seed, self.step, known, dict(losses), **others)

    def _not_finite(self, losses: Mapping[str, float], why: str) -> NotFiniteError:
        for head, loss in losses.items():
            if not np.isfinite(loss):
                ids = self.context.splits[self.cards[head]["task"]].ids()
                found = [ids[row] for row in self.rows[head]]
                return NotFiniteError(f"step {self.step}: the loss of {head} is {loss}; rows {found}")
        if self.context.scale.can_fall:
            why = f"a gradient overflowed in fp16; the loss scale falls from {self.scale:g}"
            return ScaleOverflowError(f"step {self.step}: {why} to {self.scale / 2:g}")
        return NotFiniteError(f"step {self.step}: {why}")

    def micros(self) -> Iterator[MicroBatch]:
        """The micro-batches on the model's device; dropout draws the same every time."""
        torch.manual_seed(
            derive_seed(self.context.seed, f"dropout{parallel.rank() or ''}", self.step) % 2**63
        )
        for micro in self.batches:
            yield micro.to(self.model.device)

    def means(self, micro: MicroBatch) -> Losses:
        """Each head's share of its L_i that the micro-batch holds, with what regularises it."""
        precision = functools.partial(autocast, self.model.device, self.context.training.precision)
        forward = Forward(self.model, micro, self.units, precision, self._uncounted)
        means = forward.losses(forward.logits)
        for regulariser in self.context.regularisers:
            for head, term in regulariser.terms(forward).items():
                means[head] = means[head] + term
        return means

    @contextlib.contextmanager
    def _uncounted(self) -> Iterator[None]:
        """Within it, passes are of no task, and no factor changes their gradients."""
        with self.gradients.paused() if self.gradients else contextlib.nullcontext(), self.scaling.paused():
            yield

    @torch.no_grad()
    def losses(self) -> dict[str, float]:
        """L_i of the same rows as the model is now."""
        losses = dict.fromkeys(self.rows, 0.0)
        for micro in self.micros():
            _add(losses, self.means(micro))
        return parallel.sum_losses(losses)

    def alignments(self) -> dict[str, float]:
        """<v, g_i>, with v the gradient after the step of the sum of the losses on the next step's rows."""
        assert self.gradients is not None  # noqa: S101 who asks for alignments has had them gathered
        self.context.optimiser.zero_grad(set_to_none=True)
        ahead = StepBackward(self.context, self.step, self.context.next_batch())
        for micro in ahead.micros():
            self._weighted_sum(means := ahead.means(micro), dict.fromkeys(means, 1.0)).backward()
        self._finish()
        return self.gradients.products()


def _add(losses: dict[str, float], means: Losses) -> None:
    for head, mean in means.items():
        losses[head] += float(mean.detach())


def _factors(balance: Balance) -> dict[str, float]:
    """c_i of the tasks whose gradients are combined."""
    pairs = ((head, balance.shared[head], weight) for head, weight in balance.heads.items())
    return {head: shared / weight for head, shared, weight in pairs if shared != weight}
