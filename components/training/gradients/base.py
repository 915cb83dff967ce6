"""The gradient of each task of a step on the encoder, their Gramian, and any weighted sum of them.

Legend: K heads of a step, V entries of an embedding, U of them that occur, D their width, p entries of a
parameter.
"""

from __future__ import annotations

import abc
import contextlib
import itertools
from collections.abc import Mapping, Sequence
from types import TracebackType

import numpy as np
import torch

from components import device as devices
from components.data.batches.tensors import Rows
from components.model.multitask import MultiTaskModel
from components.training import parallel
from components.training.gradients.distinct import distinct
from components.training.gradients.gramian import inner_products
from components.training.gradients.stacks import stacks


class TaskGradients(abc.ABC):
    """A step's gradients by head. A context: the forward passes, too, are to run within it.

    `backward` for every micro-batch; then `gramian`, and `apply`, which fills every `.grad`.
    """

    def __init__(self, model: MultiTaskModel, heads: Sequence[str]) -> None:
        self.model, self.heads = model, list(heads)
        self.shared = [parameter for parameter in model.encoder.parameters() if parameter.requires_grad]
        self._stacks = stacks(self._dense(), len(self.heads))
        self._rows: dict[torch.Tensor, list[tuple[torch.Tensor, torch.Tensor]]] = {}  # task * V + id: sums

    def _dense(self) -> list[torch.Tensor]:
        """The shared parameters whose gradients are kept whole."""
        return list(self.shared)

    @abc.abstractmethod
    def __enter__(self) -> TaskGradients:
        """Begin a step."""

    @abc.abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the model as it was."""

    def paused(self) -> contextlib.AbstractContextManager[None]:
        """Within it, forward and backward passes are of no task and are not counted."""
        return contextlib.nullcontext()

    @abc.abstractmethod
    def backward(
        self, losses: Mapping[str, torch.Tensor], mask_BL: torch.Tensor, rows: Mapping[str, Rows]
    ) -> None:
        """Add the gradients of a micro-batch's unweighted losses, by head; mask and `rows` as the model was
        given them, but on the host."""

    def reduce(self) -> None:
        """Sum over the processes what each has found in its rows, before anything is made of it."""
        if parallel.alone():
            return
        self._stacks.reduce()
        self._rows = {p: self._rows_of_all(p) for p in parallel.union(self.shared, self._rows)}
        parallel.sum_gradients([p for head in self.heads for p in self.model.heads[head].parameters()])

    def gramian(self) -> np.ndarray:
        """gramian_KK in float64, in the order of `heads`."""
        (gramian_KK,) = devices.read(self.gramian_KK())
        return gramian_KK

    def gramian_KK(self) -> torch.Tensor:  # noqa: N802 the legend's
        """`gramian`, where the gradients are."""
        embeddings = (self._stack(parameter)[1] for parameter in self._rows)
        return inner_products(itertools.chain(self._stacks.every(), embeddings), len(self.heads))

    def gramian_of(self, parameters: Sequence[torch.Tensor]) -> torch.Tensor:
        """gramian_KK of some dense parameters alone, where the gradients are."""
        return inner_products((self._stacks[parameter] for parameter in parameters), len(self.heads))

    def norms_of_heads(self) -> torch.Tensor:
        """norm_H of the gradients of the heads' own H parameters, where they are."""
        own = [gradient for _, gradient in self._own()]
        return torch.stack(torch._foreach_norm(own)) if own else torch.zeros(0, device=self.model.device)

    def norm(
        self,
        gramian_KK: np.ndarray,
        norms_H: np.ndarray,
        shared: Mapping[str, float],
        heads: Mapping[str, float],
    ) -> float:
        """That of all that `apply` makes; not finite where a gradient is not."""
        weights_K = np.array([shared[head] for head in self.heads])
        own_H = norms_H * [heads[head] for head, _ in self._own()]
        squares = weights_K @ gramian_KK @ weights_K + (own_H**2).sum()
        return float(np.sqrt(np.maximum(squares, 0)))

    def _own(self) -> list[tuple[str, torch.Tensor]]:
        """The gradients of the heads' own parameters, where there are any."""
        pairs = ((head, p.grad) for head in self.heads for p in self.model.heads[head].parameters())
        return [(head, gradient) for head, gradient in pairs if gradient is not None]

    def apply(self, shared: Mapping[str, float], heads: Mapping[str, float]) -> None:
        """Fill `.grad`: sum_i shared_i g_i for the encoder, heads_i times its own for each head's."""
        weights = [shared[head] for head in self.heads]
        for parameter, gradient in self._stacks.combined(weights).items():
            parameter.grad = gradient
        for parameter in self._rows:
            ids_U, stack_KUD = self._stack(parameter)
            combined_UD = torch.tensordot(devices.sent(weights, stack_KUD), stack_KUD, 1)
            parameter.grad = torch.zeros_like(parameter).index_add_(0, ids_U, combined_UD)
        if own := self._own():
            torch._foreach_mul_([gradient for _, gradient in own], [heads[head] for head, _ in own])

    def unscale(self, scale: float) -> None:
        """Divide every gradient by what the losses were multiplied by."""
        if scale == 1:
            return
        own = [p.grad for head in self.heads for p in self.model.heads[head].parameters()]
        rows = [sums for parts in self._rows.values() for _, sums in parts]
        for gradient in [*self._stacks.every(), *rows, *(one for one in own if one is not None)]:
            gradient.div_(scale)

    def products(self) -> dict[str, float]:
        """<v, g_i> of every task, with v the gradient that stands in the shared parameters' `.grad`."""
        parts = []
        for parameter, stack in self._stacks.of.items():
            if parameter.grad is not None:
                parts.append((stack.flatten(1) @ parameter.grad.flatten()).double())
        for parameter in self._rows:
            if parameter.grad is not None:
                ids_U, stack_KUD = self._stack(parameter)
                parts.append((stack_KUD.flatten(1) @ parameter.grad[ids_U].flatten()).double())
        (total_K,) = devices.read(torch.stack(parts).sum(0))
        return dict(zip(self.heads, total_K.tolist(), strict=True))

    def _rows_of_all(self, parameter: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """What every process has found of an embedding's rows; a process may have found none."""
        none = (parameter.new_zeros(0, dtype=torch.int64), parameter.new_zeros(0, parameter.shape[1]))
        keys, sums = (torch.cat(parts) for parts in zip(none, *self._rows.get(parameter, []), strict=True))
        return list(zip(parallel.gathered(keys), parallel.gathered(sums), strict=True))

    def _stack(self, parameter: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """ids_U of an embedding that occurred, and their gradient_KUD: `distinct` says what may follow."""
        keys, sums = (torch.cat(parts) for parts in zip(*self._rows[parameter], strict=True))
        tasks, ids = keys // len(parameter), keys % len(parameter)
        ids_U, place = distinct(ids, len(parameter))
        flat = sums.new_zeros(len(self.heads) * len(ids_U), sums.shape[1])
        flat.index_add_(0, tasks * len(ids_U) + place, sums)
        return ids_U, flat.view(len(self.heads), len(ids_U), -1)
