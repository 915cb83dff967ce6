"""What the encoder and the heads are given: padded sequences, and where each head's rows are in them.

Legend: B sequences of a micro-batch, L tokens of the longest, n rows of one head, M sequences of its
longest row, F numbers that a head is given beside the states of a row, G those of all rows that fill nothing
up, T tokens of a target.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch


class Rows(NamedTuple):
    """The places in B of a head's rows, and what the head is given beside their states: numbers
    (`ExtraInputs`), positions (int64) or features (float64), and while it learns the target, where it is
    taught with it (`TeacherForcing`); and where in extra_nF, row after row, the numbers are that rows have.

    `places` is places_n, or places_nM where rows are several sequences: -1 where a row has fewer.
    """

    places: torch.Tensor
    extra_nF: torch.Tensor | None = None
    target_nT: torch.Tensor | None = None
    given_G: torch.Tensor | None = None

    @classmethod
    def of(
        cls, places: Sequence[Sequence[int]], several: bool, extra: Sequence[Sequence[float] | None]
    ) -> Rows:
        """From each row's places and what stands beside it."""
        extra_nF = given_G = None
        if extra[0] is not None:
            extra_nF, given_G = torch.from_numpy(_filled(extra)), torch.from_numpy(_given(extra))
        if not several:
            return cls(torch.tensor([place for (place,) in places]), extra_nF, None, given_G)
        most = max(len(of_row) for of_row in places)
        filled = [[*of_row, *[-1] * (most - len(of_row))] for of_row in places]
        return cls(torch.tensor(filled), extra_nF, None, given_G)


def _filled(extra: Sequence[Any]) -> np.ndarray:
    """extra_nF: as many numbers in each row, -1 where it has fewer."""
    most = max(len(of_row) for of_row in extra)
    return np.array([[*of_row, *[-1] * (most - len(of_row))] for of_row in extra])


def _given(extra: Sequence[Any]) -> np.ndarray:
    """given_G: where in extra_nF the rows' own numbers are, which a device would have to be asked for."""
    length_n = np.array([len(of_row) for of_row in extra])
    own_nF = np.arange(length_n.max()) < length_n[:, None]
    return np.flatnonzero(own_nF)


def pad(
    sequences: Sequence[tuple[Sequence[int] | np.ndarray, Sequence[int] | np.ndarray]],
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(input_ids, segment_ids) per sequence -> input_ids_BL, mask_BL (1 = real token), segment_ids_BL.

    Padding has id 0, whatever the tokenizer calls it: the mask hides it from every real token.
    """
    ids, segments = zip(*sequences, strict=True)
    length_B = np.array([len(one) for one in ids])
    real_BL = np.arange(length_B.max()) < length_B[:, None]
    padded = np.zeros((3, *real_BL.shape), dtype=np.int64)
    padded[0, real_BL] = np.concatenate(ids)
    padded[1] = real_BL
    padded[2, real_BL] = np.concatenate(segments)
    input_ids, mask, segment_ids = torch.from_numpy(padded)
    return input_ids, mask, segment_ids
