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
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from torch.nn.utils import clip_grad_norm_

from components import device as devices
from components import families
from components.data.batches.batching import Batch, MicroBatch
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
from components.training.step.context import StepContext
from components.training.step.forward import Forward, Losses
from components.training.step.precision import autocast
from components.training.step.prepare import Prepared, prepare

Found = TypeVar("Found")
PER_TASK = {"gramian_KK", "alignments"}  # facts that need every task's own gradient


class NotFiniteError(FloatingPointError):
    """A loss or a gradient is NaN or infinite."""


class ScaleOverflowError(NotFiniteError):
    """The losses are finite, but not the gradients of so much times them in fp16."""


class LossSums:
    """Each head's loss so far, on the device, which is not to wait."""

    def __init__(self, heads: Iterable[str], device: torch.device) -> None:
        self._heads, self._device = list(heads), device
        self._parts: list[tuple[list[str], torch.Tensor]] = []

    def add(self, means: Losses) -> None:
        """Add what a micro-batch holds."""
        self._parts.append((list(means), torch.stack([mean.detach() for mean in means.values()])))

    @property
    def values(self) -> torch.Tensor:
        """What was added, to be read."""
        return torch.cat([torch.zeros(0, device=self._device), *(means for _, means in self._parts)])

    def of(self, values: np.ndarray) -> dict[str, float]:
        """head -> its sum, of the `values` as they were read."""
        sums = dict.fromkeys(self._heads, 0.0)
        names = (head for heads, _ in self._parts for head in heads)
        for head, value in zip(names, values.tolist(), strict=True):
            sums[head] += value
        return sums


class StepBackward:
    """The backward pass of a step, and what else its rows show."""

    def __init__(
        self, context: StepContext, step: int, batch: Batch, prepared: Prepared | None = None
    ) -> None:
        self.context, self.step = context, step
        self.model, self.balancer, self.scale = context.model, context.balancer, context.scale.value
        self.cards: HeadCards = context.model.config.tasks
        self.prepared = prepared or prepare(context, step, batch, context.micro_batch_tokens)
        self.rows, self.units = self.prepared.rows, self.prepared.units
        self.gradients: TaskGradients | None = None
        self.scaling = EncoderScaling(self.model)  # by a combination's factors

    @property
    def batches(self) -> list[MicroBatch]:
        """The step's micro-batches."""
        return self.prepared.batches

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
            self.context.on_out_of_memory()
            self.prepared.cut(self.context)

    def _out_of_memory(self, what: str) -> UserError:
        return UserError(f"step {self.step}: out of memory {what}")

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
        sums = LossSums(self.rows, self.model.device)
        for micro in self.micros():
            sums.add(means := self.means(micro))
            self._weighted_sum(means, balance.heads).backward()
        self._finish()
        losses, (norm,) = self._read(sums, self._clipped())
        facts = self._facts(losses)
        self._check(float(norm), losses)
        return facts, balance

    def _fill_after_probing(self, probes: Sequence[Probe]) -> tuple[StepFacts, Balance]:
        sums = LossSums(self.rows, self.model.device)
        kept: list[Losses] = []
        with self.scaling:
            for means in self._probed(probes):
                sums.add(means)
                if len(self.batches) == 1:
                    kept.append(means)
            losses, shown = self._shown(probes, sums)
            facts = self._facts(losses, **shown)
            balance = self._weigh(facts.losses, facts)
            self.scaling.factors.update(_factors(balance))
            for means in kept or (self.means(micro) for micro in self.micros()):
                self._weighted_sum(means, balance.heads).backward()
        self._finish()
        (norm,) = devices.read(self._clipped())
        self._check(float(norm), losses)
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

    def _shown(self, probes: Sequence[Probe], sums: LossSums) -> tuple[dict[str, float], Shown]:
        """L_i and what the probes show, by one read."""
        asked = [probe.values() for probe in probes]
        losses, found = self._read(sums, *itertools.chain.from_iterable(asked))
        values, shown = iter(found), Shown()
        for probe, own in zip(probes, asked, strict=True):
            shown |= probe.facts([next(values) for _ in own], self.scale)
        return losses, shown

    def per_task(self) -> tuple[dict[str, float], TaskGradients]:
        """Each task's loss, and its own gradient."""
        sums, gradients = self._gather()
        losses, _ = self._read(sums)
        return losses, gradients

    def _gather(self) -> tuple[LossSums, TaskGradients]:
        sums = LossSums(self.rows, self.model.device)
        self.gradients = gradients = task_gradients(self.model, list(self.rows))
        with gradients:
            for micro in self.micros():
                sums.add(means := self.means(micro))
                gradients.backward(self._scaled(means), micro.host.mask_BL, micro.host.heads)
        gradients.reduce()
        gradients.unscale(self.scale)
        return sums, gradients

    def _fill_per_task(self) -> tuple[StepFacts, Balance]:
        sums, gradients = self._gather()
        looks = self.balancer.needs(self.step) & LastLayer.shows
        of_layer = [gradients.gramian_of(last_layer(self.model))] if looks else []
        losses, (gramian_KK, norms_H, *found) = self._read(
            sums, gradients.gramian_KK(), gradients.norms_of_heads(), *of_layer
        )
        others: Shown = of_last_layer(list(self.rows), found[0]) if looks else {}
        facts = self._facts(losses, gramian_KK=gramian_KK, **others)
        balance = self._weigh(losses, facts)
        self._check(gradients.norm(gramian_KK, norms_H, balance.shared, balance.heads), losses)
        gradients.apply(balance.shared, balance.heads)
        self._clipped()
        return facts, balance

    def _read(self, sums: LossSums, *others: torch.Tensor) -> tuple[dict[str, float], list[np.ndarray]]:
        """L_i of all processes, and the values of other tensors, by one read."""
        values, *found = devices.read(sums.values, *others)
        return parallel.sum_losses(sums.of(values)), found

    def _clipped(self) -> torch.Tensor:
        """Clip the norm of all gradients together, once; what it was."""
        return clip_grad_norm_(self.model.parameters(), self.context.training.clip)

    def _check(self, norm: float, losses: Mapping[str, float]) -> None:
        """Raises NotFiniteError where a gradient is none: the norm, in single precision, of all of them."""
        if not norm <= torch.finfo(torch.float32).max:
            raise self._not_finite(losses, "a gradient is not finite")

    def _scaled(self, means: Losses) -> Losses:
        return {head: self.scale * mean for head, mean in means.items()} if self.scale != 1 else means

    def _weighted_sum(self, means: Losses, weights: Mapping[str, float]) -> torch.Tensor:
        means_K = torch.stack(list(means.values()))
        weight_K = devices.sent([self.scale * weights[head] for head in means], means_K)
        return (means_K * weight_K).sum()

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
        sums = LossSums(self.rows, self.model.device)
        for micro in self.micros():
            sums.add(self.means(micro))
        losses, _ = self._read(sums)
        return losses

    def alignments(self) -> dict[str, float]:
        """<v, g_i>, with v the gradient after the step of the sum of the losses on the next step's rows."""
        assert self.gradients is not None  # noqa: S101 who asks for alignments has had them gathered
        self.context.optimiser.zero_grad(set_to_none=True)
        ahead = StepBackward(self.context, self.step, self.context.next_batch())
        for micro in ahead.micros():
            self._weighted_sum(means := ahead.means(micro), dict.fromkeys(means, 1.0)).backward()
        self._finish()
        return self.gradients.products()


def _factors(balance: Balance) -> dict[str, float]:
    """c_i of the tasks whose gradients are combined."""
    pairs = ((head, balance.shared[head], weight) for head, weight in balance.heads.items())
    return {head: shared / weight for head, shared, weight in pairs if shared != weight}
