"""The gradient of each task of a step on the encoder, their Gramian, and any weighted sum of them.

A token's state belongs to the tasks of its row. Where rows have one task each, one backward pass of the
sum of all losses leaves, at every module's output, gradients that are each of one task alone; so a
module's gradients by task are its own weight gradient, computed token range by token range: as many
multiplications as for the sum. They are kept until they are combined, K times the encoder's dense
parameters; of embeddings only the rows that occur.

Heads that share rows (joint annotations) need a backward pass each: of heads over all the same rows,
K of them make a step cost about (1 + 2K) / 3 of a plain one.

Legend: K heads of a step, T tokens of a pack, B sequences, V entries of an embedding, I inputs and O
outputs of a linear layer, p entries of a parameter.
"""

from __future__ import annotations

import abc
import contextlib
import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn.functional import layer_norm

from components.model.multitask import MultiTaskModel
from components.model.tensors import Rows
from components.training import parallel
from components.training.products import inner_products


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


class Segment(NamedTuple):
    """Neighbouring tokens of one task."""

    task: int
    start: int
    stop: int


class PackedGradients(TaskGradients):
    """One backward pass, of as many as heads share a row, over packed sequences.

    Within the context the encoder's parameters are frozen, so that autograd leaves their gradients to
    the hooks.
    """

    def __enter__(self) -> TaskGradients:
        self._segments: list[Segment] = []
        self._paused = False
        self._hooks = []
        wanted = set(self.shared)
        for module in self.model.encoder.modules():
            if wanted & set(module.parameters(recurse=False)):
                self._hooks.append(module.register_forward_hook(self._watch))
        for parameter in self.shared:
            parameter.requires_grad_(False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for parameter in self.shared:
            parameter.requires_grad_(True)
        for hook in self._hooks:
            hook.remove()

    def backward(
        self, losses: Mapping[str, torch.Tensor], mask_BL: torch.Tensor, rows: Mapping[str, Rows]
    ) -> None:
        lengths = mask_BL.sum(1).tolist()
        passes = disjoint({head: set(rows[head].places[rows[head].places >= 0].tolist()) for head in losses})
        for number, together in enumerate(passes, 1):
            owner = {place: self.heads.index(head) for head, places in together.items() for place in places}
            self._segments = segments([owner.get(place, -1) for place in range(len(lengths))], lengths)
            total = torch.stack([losses[head] for head in together]).sum()
            total.backward(retain_graph=number < len(passes))

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        self._paused = True
        try:
            yield
        finally:
            self._paused = False

    def _watch(
        self, module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor
    ) -> torch.Tensor | None:
        if self._paused or not torch.is_grad_enabled():
            return None
        if not output.requires_grad:
            output.requires_grad_()  # of an embedding, where the graph of a frozen encoder begins
        take = functools.partial(self._take, module)
        watched: torch.Tensor = _Watched.apply(output, inputs[0].detach(), take)
        return watched

    def _take(self, module: nn.Module, given: torch.Tensor, gradient: torch.Tensor) -> None:
        GRADIENTS[type(module)](self, module, given, gradient.flatten(0, -2), self._segments)

    def add_rows(self, parameter: torch.Tensor, keys: torch.Tensor, gradient_TD: torch.Tensor) -> None:
        """Add to rows of an embedding; `keys` are task * V + id."""
        distinct, place = keys.unique(return_inverse=True)
        sums = parameter.new_zeros(len(distinct), gradient_TD.shape[1])
        sums.index_add_(0, place, gradient_TD.to(sums.dtype))
        self._rows.setdefault(parameter, []).append((distinct, sums))


class _Watched(torch.autograd.Function):
    """The identity on a module's output; shows `take` the module's input and the output's gradient.

    The input is saved as autograd saves its own tensors: it goes when the graph goes, and where
    activations are recomputed it is not kept at all.
    """

    @staticmethod
    def forward(
        ctx: Any, output: torch.Tensor, given: torch.Tensor, take: Callable[..., None]
    ) -> torch.Tensor:
        ctx.save_for_backward(given)
        ctx.take = take
        return output.view_as(output)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        ctx.take(*ctx.saved_tensors, gradient)
        return gradient, None, None


def disjoint(places: Mapping[str, set[int]]) -> list[dict[str, set[int]]]:
    """Heads in as few groups as it takes so that no two of a group share a place."""
    groups: list[dict[str, set[int]]] = []
    for head, own in places.items():
        fitting = (group for group in groups if not any(own & other for other in group.values()))
        group = next(fitting, None)
        if group is None:
            groups.append(group := {})
        group[head] = own
    return groups


def segments(owners: Sequence[int], lengths: Sequence[int]) -> list[Segment]:
    """The token ranges of each task, from every sequence's task (-1: none) and length."""
    found, start = [], 0
    for task, run in itertools.groupby(zip(owners, lengths, strict=True), key=lambda pair: pair[0]):
        stop = start + sum(length for _, length in run)
        if task >= 0:
            found.append(Segment(task, start, stop))
        start = stop
    return found


# --- the gradients of a module's parameters, by task --------------------------------------------------


def _linear(
    gradients: PackedGradients,
    module: nn.Linear,
    given: torch.Tensor,
    gradient_TO: torch.Tensor,
    parts: Sequence[Segment],
) -> None:
    given_TI = given.flatten(0, -2).to(gradient_TO.dtype)
    weight_KOI = gradients.stack_of(module.weight)
    for task, start, stop in parts:
        left_OT, right_TI = gradient_TO[start:stop].T, given_TI[start:stop]
        if weight_KOI.dtype == gradient_TO.dtype:
            weight_KOI[task].addmm_(left_OT, right_TI)
        else:
            weight_KOI[task] += left_OT @ right_TI
    _sum(gradients, module.bias, gradient_TO, parts)


def _layer_norm(
    gradients: PackedGradients,
    module: nn.LayerNorm,
    given: torch.Tensor,
    gradient_TD: torch.Tensor,
    parts: Sequence[Segment],
) -> None:
    normal_TD = layer_norm(given.flatten(0, -2).float(), module.normalized_shape, eps=module.eps)
    _sum(gradients, module.weight, normal_TD.mul_(gradient_TD), parts)
    _sum(gradients, module.bias, gradient_TD, parts)


def _embedding(
    gradients: PackedGradients,
    module: nn.Embedding,
    given: torch.Tensor,
    gradient_TD: torch.Tensor,
    parts: Sequence[Segment],
) -> None:
    ids_T = given.flatten()
    task_T = torch.full_like(ids_T, -1)
    for task, start, stop in parts:
        task_T[start:stop] = task
    counted = (task_T >= 0) & (ids_T != (-1 if module.padding_idx is None else module.padding_idx))
    keys = (task_T * module.num_embeddings + ids_T)[counted]
    gradients.add_rows(module.weight, keys, gradient_TD[counted])


def _sum(
    gradients: PackedGradients,
    parameter: torch.Tensor | None,
    values_TD: torch.Tensor,
    parts: Sequence[Segment],
) -> None:
    if parameter is None:
        return
    stack_KD = gradients.stack_of(parameter)
    for task, start, stop in parts:
        stack_KD[task] += values_TD[start:stop].sum(0)


GRADIENTS: dict[type[nn.Module], Callable[..., None]] = {
    nn.Linear: _linear,
    nn.LayerNorm: _layer_norm,
    nn.Embedding: _embedding,
}


class SeparateGradients(TaskGradients):
    """A backward pass for every head: for encoders that cannot pack, or with modules of other kinds."""

    def __enter__(self) -> TaskGradients:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def backward(
        self, losses: Mapping[str, torch.Tensor], mask_BL: torch.Tensor, rows: Mapping[str, Rows]
    ) -> None:
        for head, loss in losses.items():
            own = list(self.model.heads[head].parameters())
            found = torch.autograd.grad(loss, [*self.shared, *own], retain_graph=True, allow_unused=True)
            for parameter, gradient in zip(self.shared, found, strict=False):
                if gradient is not None:
                    self.stack_of(parameter)[self.heads.index(head)] += gradient
            for parameter, gradient in zip(own, found[len(self.shared) :], strict=True):
                if gradient is not None:
                    parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient


def task_gradients(model: MultiTaskModel, heads: Sequence[str]) -> TaskGradients:
    """The cheapest exact way for this encoder, for a step with these heads."""
    known = all(
        type(module) in GRADIENTS or not any(p.requires_grad for p in module.parameters(recurse=False))
        for module in model.encoder.modules()
    )
    return (PackedGradients if model.packs and known else SeparateGradients)(model, heads)
