"""Metrics of ranks, as means over rows that can be resampled.

The area under a curve and a rank correlation are functions of the rows' distribution, not of sums: a row
counts by where it stands among the others. To first order (von Mises 1947) such a function of a resample is
the mean of its rows' pseudo-values: what a row adds, times the number of rows. That mean over all rows is the
metric itself, exactly; of a resample it is off by about 1 / sqrt(N) of its standard deviation. It is the
placement of DeLong, DeLong & Clarke-Pearson (1988) for the area under the ROC curve. It costs a sort, and has
none of the ties that rows drawn twice make.

Legend: N rows, C classes, S statistics, R resamples; x_N, y_N numbers of the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from components.families.base import Facts, Prediction, Row
from components.families.base.metric import Statistics

if TYPE_CHECKING:
    from scipy.sparse import csc_array

LabelsOf = Callable[[Row | Prediction], Sequence[str]]
OfBinary = Callable[[np.ndarray, np.ndarray], np.ndarray]


# --- curves of a yes-or-no outcome ----------------------------------------------------------------------


def placements(y_N: np.ndarray, p_N: np.ndarray) -> np.ndarray:
    """placement_N of rows whose outcome y is 0 or 1: of a positive the share of the negatives below it, of a
    negative the share of the positives above it, ties counted half (DeLong 1988, eq. 3). The mean of either
    is the area under the ROC curve. There must be both outcomes."""
    yes, no = np.sort(p_N[y_N == 1]), np.sort(p_N[y_N == 0])
    return np.where(y_N == 1, _share_below(no, p_N), 1 - _share_below(yes, p_N))


def _share_below(sorted_: np.ndarray, x_N: np.ndarray) -> np.ndarray:
    """share_N of `sorted_` below each x, those equal to it counted half."""
    below, upto = (np.searchsorted(sorted_, x_N, side) for side in ("left", "right"))
    return np.asarray((below + upto) / (2 * len(sorted_)))


def roc_auc_values(y_N: np.ndarray, p_N: np.ndarray) -> np.ndarray:
    """pseudo_N of the area under the ROC curve; there must be both outcomes. Of a few positives or negatives
    the deviations are made as large as an unbiased variance has them, as DeLong does."""
    place_N, yes, n = placements(y_N, p_N), y_N.sum(), len(y_N)
    area = place_N[y_N == 1].mean()
    like_it_N = np.where(y_N == 1, yes, n - yes)  # rows of the same outcome
    return np.asarray(area + (place_N - area) * n / np.maximum(like_it_N - 1, 1))


def precision_sums(y_N: np.ndarray, p_N: np.ndarray) -> np.ndarray:
    """part_N: the sum over the positives of the precision from their probability on, row by row.

    Divided by the number of positives it is the average precision. A row changes it by its own precision,
    and by what it does to that of the positives at or below it.
    """
    order = np.argsort(-p_N, kind="stable")
    y, p = y_N[order], p_N[order]
    upto = len(p) - np.searchsorted(p[::-1], p, "left")  # rows of this probability and more
    precision = y.cumsum()[upto - 1] / upto
    first = np.searchsorted(-p, -p, "left")  # of the rows of this probability
    gains, losses = (
        np.append(np.cumsum(part[::-1])[::-1], 0)[first] for part in (y / upto, y * precision / upto)
    )
    part_N = np.empty(len(p))
    part_N[order] = y * precision + y * gains - losses
    return part_N


def average_precision_values(y_N: np.ndarray, p_N: np.ndarray) -> np.ndarray:
    """pseudo_N of the average precision, the area under the curve of precision over recall in steps (Zhu
    2004); there must be a positive. Of a few positives likewise."""
    part_N, yes, n = precision_sums(y_N, p_N), y_N.sum(), len(y_N)
    area = part_N.sum() / yes
    return np.asarray(area + (part_N - area * y_N) * n / max(yes - 1, 1))


# --- one class against the rest -------------------------------------------------------------------------


def class_scores(said: Sequence[Prediction], labels: Sequence[str], labels_of: LabelsOf) -> csc_array:
    """score_NC: each label's probability, 0 where it is not kept; of an answer without probabilities 1 for
    its labels."""
    from scipy.sparse import csc_array

    number = {label: place for place, label in enumerate(labels)}
    found: list[tuple[int, int, float]] = []
    for row, one in enumerate(said):
        scores = one.get("probabilities") or dict.fromkeys(labels_of(one), 1.0)
        found += [(row, number[label], p) for label, p in scores.items() if label in number]
    rows, columns, values = (list(part) for part in zip(*found, strict=True)) if found else ([], [], [])
    return csc_array((values, (rows, columns)), shape=(len(said), len(labels)), dtype=np.float64)


def each_class(
    rows: Sequence[Row], said: Sequence[Prediction], labels: Sequence[str], labels_of: LabelsOf
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """(label, y_N, p_N) of each label that holds of some rows, not of all: does it hold, and how probable is
    it said to be?"""
    scores_NC = class_scores(said, labels, labels_of)
    holds: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        for label in labels_of(row):
            holds.setdefault(label, []).append(place)
    for column, label in enumerate(labels):
        if 0 < len(holds.get(label, ())) < len(rows):
            y_N = np.zeros(len(rows))
            y_N[holds[label]] = 1
            yield label, y_N, scores_NC[:, [column]].toarray()[:, 0]


def of_each_class(pseudo_values: OfBinary, labels_of: LabelsOf, undefined: float) -> Statistics:
    """Pseudo-values of a metric of one class against the rest, 1, and the row's part of the rows that count:
    the mean over the classes that hold of some rows and not of all. Where there is no such class, the metric
    is `undefined`."""

    def statistics(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> np.ndarray:
        total_N = np.zeros(len(rows))
        yes: list[float] = []
        for _, y_N, p_N in each_class(rows, predictions, facts["labels"], labels_of):
            total_N, yes = total_N + pseudo_values(y_N, p_N), [*yes, y_N.sum()]
        value_N = total_N / len(yes) if yes else np.full(len(rows), undefined)
        return areas(value_N, balanced_rows(np.array(yes), len(rows)))

    return statistics


def areas(value_N: np.ndarray, counted: float) -> np.ndarray:
    """statistics_N3 of an area that is the mean of pseudo-values and that so many rows tell of."""
    one_N = np.ones(len(value_N))
    return np.stack([value_N, one_N, one_N * counted / max(1, len(value_N))], axis=1)


def balanced_rows(yes_C: np.ndarray, rows: int) -> float:
    """How many rows, half of them positives, tell as much of the mean area of classes that have so many
    positives each: of one class 4 / (1 / positives + 1 / negatives) (Willer, Li & Abecasis 2010), which is
    about the variance of Hanley & McNeil (1982). Of two classes that are each other's rest it is as of one,
    and of more they are taken for half of them that err apart. Where no class holds of some rows and not of
    all, nothing is told: one."""
    if not len(yes_C):
        return 1.0
    telling_C = 4 / (1 / yes_C + 1 / (rows - yes_C))
    return float(min(rows, max(1, len(yes_C) / 2) * len(yes_C) / (1 / telling_C).sum()))


def mean_area(sums_R3: np.ndarray) -> np.ndarray:
    """number_R of what `areas` gives: an area, which a resample's approximation may leave."""
    return np.asarray((sums_R3[:, 0] / np.maximum(sums_R3[:, 1], 1)).clip(0, 1))


def rows_of_area(sums_S: np.ndarray) -> float:
    """Of what `areas` gives: the rows that count."""
    return float(sums_S[2])


# --- correlations ---------------------------------------------------------------------------------------


def spearman_values(x_N: np.ndarray, y_N: np.ndarray) -> np.ndarray:
    """statistics_N4: 1, and the pseudo-values of the covariance and the two variances of the ranks of x and y
    (as shares of N, ties the mean of theirs)."""
    ranks_x, ranks_y = ((below + upto) / (2 * len(x_N)) for below, upto in map(places, (x_N, y_N)))
    pairs = ((ranks_x, ranks_y), (ranks_x, ranks_x), (ranks_y, ranks_y))
    moments = []
    for one, other in pairs:
        product = (one * other).mean()
        # A row has its own ranks, and raises those of the rows above it.
        raised = _mean_above(one, other) + _mean_above(other, one)
        moments.append(one * other + raised - 2 * product - 0.25)
    return np.stack([np.ones(len(x_N)), *moments], axis=1)


def _mean_above(x_N: np.ndarray, value_N: np.ndarray) -> np.ndarray:
    """mean_N over all rows of `value` where x is above that of the row, and half of it where it is equal."""
    sums = np.append(0, value_N[np.argsort(x_N, kind="stable")].cumsum())
    below, upto = places(x_N)
    return np.asarray((sums[-1] - (sums[below] + sums[upto]) / 2) / len(x_N))


def places(x_N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """below_N and upto_N: how many rows are below each, and how many are not above it."""
    order = np.argsort(x_N, kind="stable")
    sorted_N = x_N[order]  # looked up in order, which is fast
    below_N, upto_N = np.empty_like(order), np.empty_like(order)
    below_N[order] = np.searchsorted(sorted_N, sorted_N, "left")
    upto_N[order] = np.searchsorted(sorted_N, sorted_N, "right")
    return below_N, upto_N


def kendall_values(x_N: np.ndarray, y_N: np.ndarray) -> np.ndarray:
    """statistics_N4: 1, and the pseudo-values of three shares of all pairs of rows: the concordant less the
    discordant ones, those that differ in x, those that differ in y (Kendall 1945). In O(N log N)."""
    n = len(x_N)
    order = np.argsort(x_N, kind="stable")
    (lower_x, upto_x), (lower_y, upto_y) = places(x_N[order]), places(y_N[order])
    both_lower, lower_upto, upto_lower, both_upto = (
        count_below(lower_y, prefix, bound)
        for prefix in (lower_x, upto_x)
        for bound in (lower_y, lower_y + 1)
    )
    concordant = both_lower + (n - upto_y) - (upto_x - both_upto)
    discordant = (lower_x - lower_upto) + (lower_y - upto_lower)
    shares_N3 = np.empty((n, 3))
    shares_N3[order] = (
        np.stack([concordant - discordant, n - (upto_x - lower_x), n - (upto_y - lower_y)], axis=1) / n
    )
    return np.concatenate([np.ones((n, 1)), 2 * shares_N3 - shares_N3.mean(0)], axis=1)


def count_below(values_N: np.ndarray, prefix_Q: np.ndarray, bound_Q: np.ndarray) -> np.ndarray:
    """count_Q: how many of the first `prefix` values are below `bound`. Values are whole numbers from 0 to
    N - 1, bounds from 0 to N.

    By a wavelet matrix (Claude, Navarro & Ordonez 2015): the values are sorted by their bits, the highest
    first, and a range of the first places is followed from bit to bit.
    """
    start_Q, end_Q, count_Q = np.zeros_like(prefix_Q), prefix_Q, np.zeros_like(prefix_Q)
    for bit in reversed(range(len(values_N).bit_length())):
        is_one_N, asks_one_Q = (values_N >> bit) & 1 == 1, (bound_Q >> bit) & 1 == 1
        zeros = np.append(0, (~is_one_N).cumsum())
        zeros_before, zeros_upto = zeros[start_Q], zeros[end_Q]
        count_Q = count_Q + np.where(asks_one_Q, zeros_upto - zeros_before, 0)
        start_Q = np.where(asks_one_Q, zeros[-1] + start_Q - zeros_before, zeros_before)
        end_Q = np.where(asks_one_Q, zeros[-1] + end_Q - zeros_upto, zeros_upto)
        values_N = np.concatenate([values_N[~is_one_N], values_N[is_one_N]])
    return count_Q


def correlation(sums_R4: np.ndarray) -> np.ndarray:
    """number_R of (rows, together, x, y): together / sqrt(x y); 0 where either side is constant, and of one
    row."""
    rows, together, x, y = sums_R4.T
    tiny = 1e-9 * np.maximum(rows, 1)
    defined = (rows > 1) & (x > tiny) & (y > tiny)
    scale = np.sqrt(np.where(defined, x * y, 1))
    return np.asarray(np.where(defined, together / scale, 0).clip(-1, 1))
