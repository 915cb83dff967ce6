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

from components.data.batches.tensors import Rows
from components.model.multitask import MultiTaskModel
from components.training import parallel
from components.training.gradients.gramian import inner_products


class TaskGradients(abc.ABC):
    """A step's gradients by head. A context: the forward passes, too, are to run within it.

    `backward` for every micro-batch; then `gramian`, and `apply`, which fills every `.grad`.
    """

    def __init__(self, model: MultiTaskModel, heads: Sequence[str]) -> None:
        self.model, self.heads = model, list(heads)
        self.shared = [parameter for parameter in model.encoder.parameters() if parameter.requires_grad]
        self._dense: dict[torch.Tensor, torch.Tensor] = {}  # gradient_K... of each task
        self._rows: dict[torch.Tensor, list[tuple[torch.Tensor, torch.Tensor]]] = {}  # task * V + id: sums

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
        """Add the gradients of a micro-batch's unweighted losses, by head; `rows` as the model was given
        them."""

    def reduce(self) -> None:
        """Sum over the processes what each has found in its rows, before anything is made of it."""
        if parallel.alone():
            return
        self._dense = dict(parallel.summed(self._dense, self.shared, self._zeros))
        self._rows = {p: self._rows_of_all(p) for p in parallel.union(self.shared, self._rows)}
        parallel.sum_gradients([p for head in self.heads for p in self.model.heads[head].parameters()])

    def gramian(self) -> np.ndarray:
        """gramian_KK in float64, in the order of `heads`."""
        embeddings = (self._stack(parameter)[1] for parameter in self._rows)
        return inner_products(itertools.chain(self._dense.values(), embeddings), len(self.heads))

    def gramian_of(self, parameters: Sequence[torch.Tensor]) -> np.ndarray:
        """gramian_KK of some dense parameters alone."""
        return inner_products((self.stack_of(parameter) for parameter in parameters), len(self.heads))

    def apply(self, shared: Mapping[str, float], heads: Mapping[str, float]) -> None:
        """Fill `.grad`: sum_i shared_i g_i for the encoder, heads_i times its own for each head's."""
        weights = [shared[head] for head in self.heads]
        for parameter, stack in self._dense.items():
            weights_K = torch.tensor(weights, dtype=stack.dtype, device=stack.device)
            parameter.grad = (weights_K @ stack.flatten(1)).view_as(parameter)
        for parameter in self._rows:
            ids_U, stack_KUD = self._stack(parameter)
            weights_K = torch.tensor(weights, dtype=stack_KUD.dtype, device=stack_KUD.device)
            combined_UD = torch.tensordot(weights_K, stack_KUD, 1)
            parameter.grad = torch.zeros_like(parameter).index_copy_(0, ids_U, combined_UD)
        for head in self.heads:
            for parameter in self.model.heads[head].parameters():
                if parameter.grad is not None:
                    parameter.grad.mul_(heads[head])

    def unscale(self, scale: float) -> None:
        """Divide every gradient by what the losses were multiplied by."""
        if scale == 1:
            return
        own = [p.grad for head in self.heads for p in self.model.heads[head].parameters()]
        rows = [sums for parts in self._rows.values() for _, sums in parts]
        for gradient in [*self._dense.values(), *rows, *(one for one in own if one is not None)]:
            gradient.div_(scale)

    def products(self) -> dict[str, float]:
        """<v, g_i> of every task, with v the gradient that stands in the shared parameters' `.grad`."""
        total_K = torch.zeros(len(self.heads), dtype=torch.float64)
        for parameter, stack in self._dense.items():
            if parameter.grad is not None:
                total_K += (stack.flatten(1) @ parameter.grad.flatten()).double().cpu()
        for parameter in self._rows:
            if parameter.grad is not None:
                ids_U, stack_KUD = self._stack(parameter)
                total_K += (stack_KUD.flatten(1) @ parameter.grad[ids_U].flatten()).double().cpu()
        return dict(zip(self.heads, total_K.tolist(), strict=True))

    def stack_of(self, parameter: torch.Tensor) -> torch.Tensor:
        """gradient_K... of a dense parameter, to be added to."""
        if parameter not in self._dense:
            self._dense[parameter] = self._zeros(parameter)
        return self._dense[parameter]

    def _zeros(self, parameter: torch.Tensor) -> torch.Tensor:
        return parameter.new_zeros(len(self.heads), *parameter.shape)

    def _rows_of_all(self, parameter: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """What every process has found of an embedding's rows; a process may have found none."""
        none = (parameter.new_zeros(0, dtype=torch.int64), parameter.new_zeros(0, parameter.shape[1]))
        keys, sums = (torch.cat(parts) for parts in zip(none, *self._rows.get(parameter, []), strict=True))
        return list(zip(parallel.gathered(keys), parallel.gathered(sums), strict=True))

    def _stack(self, parameter: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """ids_U of an embedding that occurred, and their gradient_KUD."""
        keys, sums = (torch.cat(parts) for parts in zip(*self._rows[parameter], strict=True))
        tasks, ids = keys // len(parameter), keys % len(parameter)
        ids_U, place = ids.unique(return_inverse=True)
        flat = sums.new_zeros(len(self.heads) * len(ids_U), sums.shape[1])
        flat.index_add_(0, tasks * len(ids_U) + place, sums)
        return ids_U, flat.view(len(self.heads), len(ids_U), -1)
