"""Each task's gradient from the backward pass of their sum, over packed sequences.

A token's state belongs to the tasks of its row. Where rows have one task each, one backward pass of the
sum of all losses leaves, at every module's output, gradients that are each of one task alone; so a
module's gradients by task are its own weight gradient, computed token range by token range: as many
multiplications as for the sum. They are kept until they are combined, K times the encoder's dense
parameters; of embeddings only the rows that occur.

Heads that share rows (joint annotations) need a backward pass each: of heads over all the same rows,
K of them make a step cost about (1 + 2K) / 3 of a plain one.

Legend: K heads of a step, T tokens of a pack, B sequences, V entries of an embedding, I inputs and O
outputs of a linear layer, D width.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

import torch
from torch import nn
from torch.nn.functional import layer_norm

from components import device as devices
from components.data.batches.tensors import Rows
from components.model import learning
from components.training.gradients.base import TaskGradients
from components.training.gradients.distinct import distinct
from components.training.gradients.pausing import Pausable
from components.training.gradients.ranges import Ranges, ranges, segments


class PackedGradients(Pausable, TaskGradients):
    """One backward pass, of as many as heads share a row, over packed sequences.

    Within the context the encoder's parameters are frozen, so that autograd leaves their gradients to
    the hooks.
    """

    def _dense(self) -> list[torch.Tensor]:
        embeddings = {m.weight for m in self.model.encoder.modules() if isinstance(m, nn.Embedding)}
        return [parameter for parameter in self.shared if parameter not in embeddings]

    def __enter__(self) -> TaskGradients:
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
            parts = segments([owner.get(place, -1) for place in range(len(lengths))], lengths)
            self._ranges = ranges(parts, sum(lengths), len(self.heads), self.model.device)
            total = torch.stack([losses[head] for head in together]).sum()
            total.backward(retain_graph=number < len(passes))

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
        GRADIENTS[type(module)](self, module, given, gradient.flatten(0, -2), self._ranges)

    def add_products(self, parameter: torch.Tensor, left_TO: torch.Tensor, right_TI: torch.Tensor) -> None:
        """Add to a dense parameter's gradients left^T right over the tokens of each task."""
        unfilled_KOI = self._stacks.unfilled(parameter)
        if unfilled_KOI is None:
            self._ranges.add_products(self._stacks[parameter], left_TO, right_TI)
        else:
            self._ranges.put_products(unfilled_KOI, left_TO, right_TI)

    def stack_of(self, parameter: torch.Tensor) -> torch.Tensor:
        """gradient_K... of a dense parameter, to be added to."""
        return self._stacks[parameter]

    def add_rows(self, parameter: torch.Tensor, keys: torch.Tensor, gradient_TD: torch.Tensor) -> None:
        """Add to rows of an embedding; `keys` are task * V + id."""
        kinds = len(self.heads) * len(parameter)
        if devices.counts_launches(keys.device) and len(keys) <= kinds:  # no bound that would save room
            self._rows.setdefault(parameter, []).append((keys, gradient_TD.to(parameter.dtype)))
            return
        found, place = distinct(keys, kinds)
        sums = parameter.new_zeros(len(found), gradient_TD.shape[1])
        sums.index_add_(0, place, gradient_TD.to(sums.dtype))
        self._rows.setdefault(parameter, []).append((found, sums))


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


# --- the gradients of a module's parameters, by task --------------------------------------------------


def _linear(
    gradients: PackedGradients,
    module: nn.Linear,
    given: torch.Tensor,
    gradient_TO: torch.Tensor,
    parts: Ranges,
) -> None:
    given_TI = given.flatten(0, -2).to(gradient_TO.dtype)
    gradients.add_products(module.weight, gradient_TO, given_TI)
    if module.bias is not None:
        parts.add_sums(gradients.stack_of(module.bias), gradient_TO)


def _layer_norm(
    gradients: PackedGradients,
    module: nn.LayerNorm,
    given: torch.Tensor,
    gradient_TD: torch.Tensor,
    parts: Ranges,
) -> None:
    normal_TD = layer_norm(given.flatten(0, -2).float(), module.normalized_shape, eps=module.eps)
    parts.add_sums(gradients.stack_of(module.weight), normal_TD.mul_(gradient_TD))
    if module.bias is not None:
        parts.add_sums(gradients.stack_of(module.bias), gradient_TD)


def _embedding(
    gradients: PackedGradients,
    module: nn.Embedding,
    given: torch.Tensor,
    gradient_TD: torch.Tensor,
    parts: Ranges,
) -> None:
    ids_T, task_T = given.flatten(), parts.task_T
    counted_T = (task_T >= 0) & (ids_T != (-1 if module.padding_idx is None else module.padding_idx))
    keys_T = task_T * module.num_embeddings + ids_T
    if devices.counts_launches(ids_T.device):  # how many count is not asked: of the others zeros do
        keys_T, gradient_TD = keys_T * counted_T, gradient_TD.where(counted_T[:, None], 0)
    else:
        keys_T, gradient_TD = keys_T[counted_T], gradient_TD[counted_T]
    gradients.add_rows(module.weight, keys_T, gradient_TD)


GRADIENTS: dict[type[nn.Module], Callable[..., None]] = {
    nn.Linear: _linear,
    learning.Linear: _linear,
    nn.LayerNorm: _layer_norm,
    nn.Embedding: _embedding,
}
