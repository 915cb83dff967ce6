"""Each task's gradient from the backward pass of their sum, over packed sequences.

A token's state belongs to the tasks of its row. Where rows have one task each, one backward pass of the
sum of all losses leaves, at every module's output, gradients that are each of one task alone; so a
module's gradients by task are its own weight gradient, computed token range by token range: as many
multiplications as for the sum. They are kept until they are combined, K times the encoder's dense
parameters; of embeddings only the rows that occur.

Heads that share rows (joint annotations) need a backward pass each: of heads over all the same rows,
K of them make a step cost about (1 + 2K) / 3 of a plain one.

Legend: K heads of a step, T tokens of a pack, B sequences, V entries of an embedding, I inputs and O
outputs of a linear layer.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.functional import layer_norm

from components.data.batches.tensors import Rows
from components.training.gradients.base import TaskGradients


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
        watched: torch.Tensor = _Watched.apply(output, inputs[0].detach(), take)  # type: ignore[no-untyped-call]
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
