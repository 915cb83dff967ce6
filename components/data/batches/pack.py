"""Where the sequences of a pack are, worked out on the host: asking a device for it would mean to wait for
all that it has still to do.

Legend: B sequences, L tokens of the longest, T tokens of all.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from components.device import moved

TOGETHER = 1 << 16  # L^2 of the sequences that are one product: their weights stay in a cache


@dataclass(frozen=True)
class ByHead:
    """The order of a pack's TH states of each token and head where those of a head of a sequence, and those
    of one length, are neighbours: products of matrices without a copy."""

    groups: list[tuple[int, int]]  # N sequences and heads of a length L, the longest first
    there_R: torch.Tensor  # of every state in this order: where it is among those by token
    back_R: torch.Tensor  # the inverse

    @classmethod
    def of(cls, lengths: Sequence[int], heads: int) -> ByHead:
        """Of sequences side by side."""
        length_B, start_B = np.asarray(lengths), np.cumsum([0, *lengths])[:-1]
        groups, places = [], []
        for length in sorted({*lengths})[::-1]:
            of_length = start_B[length_B == length]
            most = max(1, TOGETHER // length**2)
            for first in range(0, len(of_length), most):
                start_n = of_length[first : first + most]
                token_nL = start_n[:, None] + np.arange(length)
                groups.append((len(start_n) * heads, length))
                places.append((token_nL[:, None] * heads + np.arange(heads)[:, None]).ravel())
        there_R = np.concatenate(places)
        back_R = np.empty_like(there_R)
        back_R[there_R] = np.arange(len(there_R))
        return cls(groups, torch.from_numpy(there_R), torch.from_numpy(back_R))

    @cached_property
    def squares(self) -> int:
        """How many weights all attention has."""
        return sum(number * length**2 for number, length in self.groups)

    def parts(self, states_Rd: torch.Tensor) -> list[torch.Tensor]:
        """states_NLd of each group."""
        width = states_Rd.shape[1]
        split = states_Rd.split([number * length for number, length in self.groups])
        return [one.view(*group, width) for one, group in zip(split, self.groups, strict=True)]

    def each(self, values_S: torch.Tensor | None) -> list[torch.Tensor | None]:
        """values_NLL of each group, of the values of all weights."""
        if values_S is None:
            return [None] * len(self.groups)
        split = values_S.split([number * length**2 for number, length in self.groups])
        return [
            one.view(number, length, length) for one, (number, length) in zip(split, self.groups, strict=True)
        ]


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

    def by_head(self, heads: int) -> ByHead:
        """The order in which attention with so many heads is products of matrices; worked out once."""
        if heads not in self._by_head:
            self._by_head[heads] = ByHead.of(self.lengths, heads)
        return self._by_head[heads]

    @cached_property
    def _by_head(self) -> dict[int, ByHead]:
        return {}

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
