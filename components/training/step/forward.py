"""The passes of one micro-batch through the model: the one that training makes, and those that a
regulariser asks for besides.

Legend: B sequences, L tokens of the longest, D width of the word embeddings.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

import torch

from components import device as devices
from components import families
from components.data.batches.batching import MicroBatch
from components.data.batches.pack import Pack
from components.families.base import Facts
from components.model.multitask import MultiTaskModel

Losses = dict[str, torch.Tensor]  # by head: its share, that the micro-batch holds, of a mean over the step
Logits = dict[str, torch.Tensor]  # by head, in single precision


class Forward:
    """The first pass is made at once; its output is `logits`.

    `units` are the denominators of the step's means. Within an `autocast` context the model runs in the
    precision of the training; what happens within an `uncounted` context is not counted to any task's
    gradient.
    """

    def __init__(
        self,
        model: MultiTaskModel,
        micro: MicroBatch,
        units: Mapping[str, float],
        autocast: Callable[[], AbstractContextManager[Any]],
        uncounted: Callable[[], AbstractContextManager[Any]],
    ) -> None:
        self.model, self.micro, self.units = model, micro, units
        self._autocast, self._uncounted = autocast, uncounted
        self._devices = [model.device] if model.device.type == "cuda" else []
        self._random = [torch.get_rng_state(), *map(torch.cuda.get_rng_state, self._devices)]
        self.logits = self.with_new_dropout()

    def with_new_dropout(self) -> Logits:
        """A pass that drops other units than those before it."""
        with self._autocast():
            found = self.model(*self.micro.given)
        return {head: values.float() for head, values in found.items()}

    def perturbed(self, delta_BLD: torch.Tensor) -> Logits:
        """A pass whose word embeddings are moved by delta; it drops the units that the first one did."""
        with self._as_first(), self._moved(delta_BLD):
            return self.with_new_dropout()

    def zero_delta(self) -> torch.Tensor:
        """A delta_BLD of zeros."""
        width = self.model.encoder.get_input_embeddings().weight.shape[1]
        return torch.zeros(*self.micro.mask_BL.shape, width, device=self.model.device)

    def gradient(self, of: Callable[[Logits], Losses], delta_BLD: torch.Tensor) -> torch.Tensor:
        """gradient_BLD, on delta, of the sum over all heads of `of` the perturbed pass, per unit: over the
        step's units it would be too small for half precision."""
        with torch.enable_grad(), self._uncounted():
            moved_BLD = delta_BLD.detach().requires_grad_()
            found = of(self.perturbed(moved_BLD))
            total = torch.stack([self.units[head] * value for head, value in found.items()]).sum()
            return torch.autograd.grad(total, moved_BLD)[0]

    def losses(self, logits: Logits) -> Losses:
        """Each head's own loss."""
        return self._means(
            {head: self._family(head).loss(*self._seen(head, values)) for head, values in logits.items()}
        )

    def divergences(self, logits: Logits, others: Logits) -> Losses:
        """How far each head's outputs of two passes are apart."""
        return self._means(
            {
                head: self._family(head).divergence(values, *self._seen(head, others[head]))
                for head, values in logits.items()
            }
        )

    def _means(self, sums: Losses) -> Losses:
        """Sums over the micro-batch's units as shares of means over the step's: all by one division."""
        sums_K = torch.stack(list(sums.values()))
        units_K = devices.sent([self.units[head] for head in sums], sums_K)
        return dict(zip(sums, (sums_K / units_K).unbind(), strict=True))

    def _family(self, head: str) -> families.Family:
        return families.get(self.model.config.tasks[head]["family"])

    def _seen(self, head: str, logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, Facts]:
        return logits, self.micro.targets[head], self.model.config.tasks[head]["facts"]

    @contextlib.contextmanager
    def _moved(self, delta_BLD: torch.Tensor) -> Iterator[None]:
        mask_BL = self.micro.mask_BL
        if self.model.packs:
            pack = self.micro.pack or Pack.of_mask(mask_BL)
            deltas = [delta_BLD.flatten(0, 1)[pack.place_T][None]]
        else:
            passes = self.model.passes(mask_BL, self.micro.pack)
            deltas = [delta_BLD[rows, :length] for rows, length in passes]
        moves = itertools.cycle(deltas)  # the encoder's passes, in their order
        embeddings = self.model.encoder.get_input_embeddings()
        hook = embeddings.register_forward_hook(lambda module, inputs, output: output + next(moves))
        try:
            yield
        finally:
            hook.remove()

    @contextlib.contextmanager
    def _as_first(self) -> Iterator[None]:
        """Let torch draw what it drew for the first pass; what it draws afterwards is as if it had not."""
        with torch.random.fork_rng(self._devices):
            torch.set_rng_state(self._random[0])
            for device, state in zip(self._devices, self._random[1:], strict=True):
                torch.cuda.set_rng_state(state, device)
            yield
