"""The token ranges of a pack's tasks, and products over each.

Legend: K heads of a step, T tokens of a pack, I inputs and O outputs of a linear layer, D width.
"""

from __future__ import annotations

import abc
import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch.nn.functional import grouped_mm

from components import device as devices


class Segment(NamedTuple):
    """Neighbouring tokens of one task."""

    task: int
    start: int
    stop: int


def segments(owners: Sequence[int], lengths: Sequence[int]) -> list[Segment]:
    """The token ranges of each task, from every sequence's task (-1: none) and length."""
    found, start = [], 0
    for task, run in itertools.groupby(zip(owners, lengths, strict=True), key=lambda pair: pair[0]):
        stop = start + sum(length for _, length in run)
        if task >= 0:
            found.append(Segment(task, start, stop))
        start = stop
    return found


class Ranges(abc.ABC):
    """The ranges of a pack."""

    task_T: torch.Tensor  # -1 where a token is of no task

    @abc.abstractmethod
    def add_products(self, stack_KOI: torch.Tensor, left_TO: torch.Tensor, right_TI: torch.Tensor) -> None:
        """Add left^T right over the tokens of each task."""

    def put_products(self, stack_KOI: torch.Tensor, left_TO: torch.Tensor, right_TI: torch.Tensor) -> None:
        """Write left^T right over the tokens of each task into room that holds nothing yet."""
        stack_KOI.zero_()
        self.add_products(stack_KOI, left_TO, right_TI)

    @abc.abstractmethod
    def add_sums(self, stack_KD: torch.Tensor, values_TD: torch.Tensor) -> None:
        """Add the sum over the tokens of each task."""


class OneByOne(Ranges):
    """A product, and a sum, for each range."""

    def __init__(self, parts: Sequence[Segment], tokens: int) -> None:
        self.parts = parts
        self.task_T = torch.from_numpy(_owners(parts, tokens))

    def add_products(self, stack_KOI: torch.Tensor, left_TO: torch.Tensor, right_TI: torch.Tensor) -> None:
        for task, start, stop in self.parts:
            left_OT, right = left_TO[start:stop].T, right_TI[start:stop]
            if stack_KOI.dtype == left_TO.dtype:
                stack_KOI[task].addmm_(left_OT, right)
            else:
                stack_KOI[task] += left_OT @ right

    def put_products(self, stack_KOI: torch.Tensor, left_TO: torch.Tensor, right_TI: torch.Tensor) -> None:
        """In half precision without zeros to add to: of 32 tasks they are a gigabyte to write and to read."""
        once = {part.task for part in self.parts}
        if stack_KOI.dtype == left_TO.dtype or len(once) < max(len(self.parts), len(stack_KOI)):
            super().put_products(stack_KOI, left_TO, right_TI)
            return
        for task, start, stop in self.parts:
            stack_KOI[task] = left_TO[start:stop].T @ right_TI[start:stop]

    def add_sums(self, stack_KD: torch.Tensor, values_TD: torch.Tensor) -> None:
        for task, start, stop in self.parts:
            stack_KD[task] += values_TD[start:stop].sum(0)


class Together(Ranges):
    """A launch for all ranges. Where the tokens of a task are not neighbours, they are made so."""

    def __init__(self, parts: Sequence[Segment], tokens: int, tasks: int, device: torch.device) -> None:
        owners = _owners(parts, tokens)
        self._neighbours = len({part.task for part in parts}) == len(parts)
        order_T = np.arange(tokens) if self._neighbours else np.argsort(owners, kind="stable")
        self.runs = [(int(task), len(list(run))) for task, run in itertools.groupby(owners[order_T])]
        ends = np.cumsum([size for _, size in self.runs]).astype(np.int32)
        of_task_KT = np.arange(tasks)[:, None] == owners
        given = [torch.from_numpy(one) for one in (owners, order_T, ends, of_task_KT)]
        self.task_T, self._order_T, self.ends, of_task = devices.moved(given, device)
        self.of_task_KT = of_task.float()

    def add_products(self, stack_KOI: torch.Tensor, left_TO: torch.Tensor, right_TI: torch.Tensor) -> None:
        left_TO, right_TI = self._in_order(left_TO), self._in_order(right_TI)
        products = zip(self.runs, self._products(left_TO, right_TI), strict=True)
        found = [(stack_KOI[task], product_OI) for (task, _), product_OI in products if task >= 0]
        torch._foreach_add_(*zip(*found, strict=True))

    def _products(self, left_TO: torch.Tensor, right_TI: torch.Tensor) -> Sequence[torch.Tensor]:
        """product_OI of each run, in single precision: by torch's grouped product, which knows bf16 alone."""
        widths = left_TO.shape[1], right_TI.shape[1]
        if left_TO.dtype == torch.bfloat16 and not any(width % 8 for width in widths):
            return grouped_mm(left_TO.T, right_TI, offs=self.ends).float().unbind()
        sizes = [size for _, size in self.runs]
        pairs = zip(left_TO.split(sizes), right_TI.split(sizes), strict=True)
        return [(left.T @ right).float() for left, right in pairs]

    def add_sums(self, stack_KD: torch.Tensor, values_TD: torch.Tensor) -> None:
        stack_KD.addmm_(self.of_task_KT, values_TD.float())

    def _in_order(self, values_TD: torch.Tensor) -> torch.Tensor:
        return values_TD.contiguous() if self._neighbours else values_TD[self._order_T]


def _owners(parts: Sequence[Segment], tokens: int) -> np.ndarray:
    """task_T, -1 where there is none."""
    owners = np.full(tokens, -1)
    for task, start, stop in parts:
        owners[start:stop] = task
    return owners


def ranges(parts: Sequence[Segment], tokens: int, tasks: int, device: torch.device) -> Ranges:
    """The way that costs least on the device."""
    if devices.counts_launches(device):
        return Together(parts, tokens, tasks, device)
    return OneByOne(parts, tokens)
