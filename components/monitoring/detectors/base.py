"""What a detector of shift is.

A detector is a module of this folder with `DETECTOR`, found by its name. It looks at texts of two times and
says, for each thing that it watches, how different they are; how large that has to be is not its business.

Legend: N texts of both times, R draws of which N are the later ones (the first draw is what truly was).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class Texts(NamedTuple):
    """What is known of the texts: numbers (or NaN), words (or ""), and sketches."""

    numbers: Mapping[str, np.ndarray]  # column -> N numbers
    words: Mapping[str, np.ndarray]  # column -> N labels or scripts
    sketches_ND: np.ndarray  # one row a text; without columns where there are none


@dataclass(frozen=True)
class Test:
    """One thing that may have shifted."""

    subject: str  # "sentiment.label"
    statistics_R: np.ndarray  # for each draw: the larger, the more different the two times are
    words: str  # what has moved and by how much, if it has
    scores_N: np.ndarray | None = None  # of each text: the larger, the more typical of what has moved


Detector = Callable[[Texts, np.ndarray], Iterator[Test]]  # (texts, later_RN as 0 and 1) -> its tests


def largest_step(values_N: np.ndarray, later_RN: np.ndarray) -> np.ndarray:
    """The statistic of Kolmogorov and Smirnov, of each draw; a text without a number takes no part."""
    known_N = np.flatnonzero(~np.isnan(values_N))
    order_N = known_N[np.argsort(values_N[known_N], kind="stable")]
    ends_N = np.append(np.diff(values_N[order_N]) != 0, True)
    size, later_R = len(order_N), later_RN[:, known_N].sum(axis=1)
    up_R, most_R = np.zeros_like(later_R), np.zeros_like(later_R)
    for seen, (number, is_end) in enumerate(zip(order_N, ends_N, strict=False), 1):
        up_R += later_RN[:, number]
        if is_end:  # up / later - (seen - up) / earlier, times both: whole numbers, so without an error
            np.maximum(most_R, np.abs(size * up_R - seen * later_R), out=most_R)
    return np.asarray(most_R.astype(float) / np.maximum(later_R * (size - later_R), 1))


def chi_square(words_N: np.ndarray, later_RN: np.ndarray) -> np.ndarray:
    """Pearson's statistic of the table of words by times, of each draw; "" takes no part."""
    known = words_N != ""
    later_RN = later_RN[:, known]
    names, codes_N = np.unique(words_N[known], return_inverse=True)
    table_NC = np.eye(len(names))[codes_N]
    later_RC, all_C = later_RN @ table_NC, table_NC.sum(axis=0)
    share_R1 = later_RN.mean(axis=1, keepdims=True) if len(codes_N) else np.zeros((len(later_RN), 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        parts_RC = (later_RC - share_R1 * all_C) ** 2 / (all_C * share_R1 * (1 - share_R1))
    return np.asarray(np.nan_to_num(parts_RC, posinf=0.0).sum(axis=1))
