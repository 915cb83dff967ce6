"""Where the sequences of a pack are, worked out on the host: asking a device for it would mean to wait for
all that it has still to do.

Legend: B sequences, L tokens of the longest, T tokens of all.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch

from components.device import moved


class Group(NamedTuple):
    """The sequences of a pack that are of one length."""

    number: int
    length: int
    tokens: slice | torch.Tensor  # where theirs are among all: side by side, or wherever they are


@dataclass(frozen=True)
class Pack:
    """Sequences side by side, without padding."""

    lengths: tuple[int, ...]  # in their order
    length_B: torch.Tensor
    edges: torch.Tensor  # int32: where each sequence starts, and the end, as kernels for any lengths want it
    position_T: torch.Tensor  # of every token in its own sequence
    place_T: torch.Tensor  # of every token among the BL places of the padded sequences
    index_BL: torch.Tensor  # which token stands at each place; at padding, the last one of its sequence

    @classmethod
    def of(cls, lengths: Sequence[int], longest: int | None = None) -> Pack:
        """From the sequences' lengths, each at least 1; padded, they are as long as the `longest`."""
        length_B, width = np.asarray(lengths, dtype=np.int64), longest or max(lengths)
        edges = np.concatenate([[0], length_B.cumsum()])
        position_T = np.arange(edges[-1]) - edges[:-1].repeat(length_B)
        place_T = position_T + (np.arange(len(length_B)) * width).repeat(length_B)
        index_BL = edges[:-1, None] + np.minimum(np.arange(width), length_B[:, None] - 1)
        arrays = (length_B, edges.astype(np.int32), position_T, place_T, index_BL)
        return cls(tuple(length_B.tolist()), *map(torch.from_numpy, arrays))

    @classmethod
    def of_mask(cls, mask_BL: torch.Tensor) -> Pack:
        """From 1 for every real token and 0 for the padding after them, on the device of the mask."""
        return cls.of(mask_BL.sum(1).tolist(), mask_BL.shape[1]).to(mask_BL.device)

    @cached_property
    def runs(self) -> list[tuple[int, int]]:
        """(n, L) of neighbours of equal length: they are one call of attention."""
        return [(len(list(run)), length) for length, run in itertools.groupby(self.lengths)]

    @cached_property
    def groups(self) -> list[Group]:
        """All sequences of each length, the longest first."""
        length_B, start_B = np.asarray(self.lengths), np.cumsum([0, *self.lengths])[:-1]
        return [_group(start_B[length_B == length], length) for length in sorted({*self.lengths})[::-1]]

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        """All of them, in the order of the fields."""
        return self.length_B, self.edges, self.position_T, self.place_T, self.index_BL

    def having(self, tensors: Sequence[torch.Tensor]) -> Pack:
        """The same with other `tensors`, which are those of another device."""
        return Pack(self.lengths, *tensors)

    def to(self, device: torch.device) -> Pack:
        """The same on a device."""
        return self.having(moved(self.tensors, device))


def _group(start_n: np.ndarray, length: int) -> Group:
    first, end = int(start_n[0]), int(start_n[-1]) + length
    if end - first == len(start_n) * length:
        return Group(len(start_n), length, slice(first, end))
    tokens = (start_n[:, None] + np.arange(length)).ravel()
    return Group(len(start_n), length, torch.from_numpy(tokens))
