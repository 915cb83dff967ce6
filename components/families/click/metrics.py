"""How good the probabilities of a yes-or-no outcome are, as per-row sums that can be resampled.

Legend: N rows, y_N the outcomes (0 or 1), p_N their predicted probabilities, S statistics, R resamples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from components.families.base import Facts, Metric, Prediction, Row
from components.families.base.metric import Statistics
from components.families.shared.absolute import ends_of_sum, folded
from components.families.shared.counts import wilson_ends
from components.families.shared.ranks import (
    areas,
    average_precision_values,
    balanced_rows,
    mean_area,
    placements,
    rows_of_area,
)

BINS = 10  # of the calibration error
OF_RARER = 3  # rows that one of the rarer outcome tells as much of an area as, at most
BY_CHANCE = 0.05  # so often a calibrated model's bins are taken not to be
TINY = 1e-15  # a probability nearer to 0 or 1 than this would cost more than any other error together


def roc_auc(y_N: np.ndarray, p_N: np.ndarray) -> np.ndarray:
    """statistics_N4 of the area under the ROC curve: y, y V, 1 - y, (1 - y) (V - AUC).

    V is a row's placement (DeLong, DeLong & Clarke-Pearson 1988, eq. 3): of a positive the share of the
    negatives below it, of a negative the share of the positives above it, ties counted half. The mean of
    either is the AUC itself, exactly. A resample's AUC is the sum of both means less the AUC, but for a
    term of about 1 / sqrt(N) of its standard deviation.
    """
    if y_N.all() or not y_N.any():
        return np.stack([y_N, y_N / 2, 1 - y_N, 0 * y_N], axis=1)
    place_N = placements(y_N, p_N)
    auc = place_N[y_N == 1].mean()
    return np.stack([y_N, y_N * place_N, 1 - y_N, (1 - y_N) * (place_N - auc)], axis=1)


def average_precision(y_N: np.ndarray, p_N: np.ndarray) -> np.ndarray:
    """statistics_N3: a row's pseudo-value of the average precision, 0 where there is no positive; 1; and its
    part of the rows that count."""
    value_N = average_precision_values(y_N, p_N) if y_N.any() else 0 * y_N
    both = 0 < y_N.sum() < len(y_N)
    return areas(value_N, balanced_rows(y_N.sum(keepdims=True) if both else np.empty(0), len(y_N)))


def roc_auc_of(sums: np.ndarray) -> np.ndarray:
    """number_R from sums_R4; 1/2 where there is no pair of a positive and a negative."""
    yes, above, no, below = sums.T
    pairs = (yes > 0) & (no > 0)
    value = above / np.where(pairs, yes, 1) + below / np.where(pairs, no, 1)
    return np.asarray(np.where(pairs, value.clip(0, 1), 0.5))


def rows_of_roc(sums_S: np.ndarray) -> float:
    """Of what `roc_auc` gives: the rows that count (`balanced_rows`)."""
    yes, no = sums_S[0], sums_S[2]
    return balanced_rows(np.array([yes] if yes > 0 and no > 0 else []), round(yes + no))


def ends_of_roc(sums_S: np.ndarray, variance: float, level: float) -> tuple[float, float]:
    """Wilson's ends at no more than three rows for each of the rarer outcome (`Metric.ends`). Positives that
    spread wider than negatives raise the variance up to v (1 - v) / positives (Birnbaum & Klose 1957), and a
    few of them often do not show it. Where neither outcome is rare nothing is added."""
    from scipy.special import ndtri, stdtrit

    yes, _, no, _ = sums_S
    value, rows = float(roc_auc_of(sums_S[None])[0]), OF_RARER * float(min(yes, no))
    if rows == 0:
        return value, value
    spread = value * (1 - value)
    told = spread * variance > 0
    z = float(stdtrit(rows - 1, level) if told else ndtri(level))
    counted = np.array([min(rows, spread / variance) if told else rows])
    low_1, high_1 = wilson_ends(value * counted, counted, z)
    return float(low_1[0]), float(high_1[0])


def log_losses(y_N: np.ndarray, p_N: np.ndarray) -> np.ndarray:
    """statistics_N3: 1, y, -log of the probability that was given to what happened."""
    p_N = p_N.clip(TINY, 1 - TINY)
    return np.stack([np.ones_like(y_N), y_N, -np.where(y_N == 1, np.log(p_N), np.log1p(-p_N))], axis=1)


def log_loss_of(sums: np.ndarray) -> np.ndarray:
    """number_R from sums_R3: the mean log loss, in nats."""
    return np.asarray(sums[:, 2] / np.maximum(sums[:, 0], 1))


def entropy_gain_of(sums: np.ndarray) -> np.ndarray:
    """number_R from sums_R3: 1 - NE, the normalised entropy of He et al. 2014 (eq. 1): the log loss over
    that of always saying the share of positives among the same rows. 0 where the outcome is one alone."""
    n = np.maximum(sums[:, 0], 1)
    share = (sums[:, 1] / n).clip(TINY, 1 - TINY)
    entropy = -(share * np.log(share) + (1 - share) * np.log1p(-share))
    both = (sums[:, 1] > 0) & (sums[:, 1] < sums[:, 0])
    return np.asarray(np.where(both, 1 - sums[:, 2] / n / entropy, 0))


def calibration(y_N: np.ndarray, p_N: np.ndarray) -> np.ndarray:
    """statistics_NS: 1, then p - y, 1 and p (1 - p) in the columns of the row's bin. The bins hold about as
    many rows each, for clicks are rare and bins of equal width would put them all in the first; equal p
    share a bin."""
    edges = np.quantile(p_N, np.arange(1, BINS) / BINS)
    bin_N = np.searchsorted(edges, p_N, side="right")
    statistics_NS = np.zeros((len(p_N), 1 + 3 * BINS))
    statistics_NS[:, 0] = 1
    for place, part_N in enumerate((p_N - y_N, np.ones(len(p_N)), p_N * (1 - p_N))):
        statistics_NS[np.arange(len(p_N)), 1 + place * BINS + bin_N] = part_N
    return statistics_NS


def calibration_of(sums: np.ndarray) -> np.ndarray:
    """number_R from sums_RS: 1 - expected calibration error (Naeini 2015, with bins of equal mass)."""
    return np.asarray(1 - np.abs(sums[:, 1 : 1 + BINS]).sum(1) / np.maximum(sums[:, 0], 1))


def bias_of_calibration(sums_S: np.ndarray) -> float:
    """How far above the truth it is in the mean: below, by what chance adds to the error of each bin (Kumar
    et al. 2019), or all that chance would make of none where none is not excluded (Hosmer & Lemeshow 1980). A
    jackknife sees nothing of it, for the error is a sum of absolute values."""
    from scipy.special import chdtrc

    apart_B, count_B, variance_B = np.abs(sums_S[1:]).reshape(3, BINS)
    freedom, variance_B = int((count_B > 0).sum()), np.maximum(variance_B, TINY)
    none = chdtrc(freedom, float((apart_B**2 / variance_B).sum())) > BY_CHANCE
    true_B = 0 * apart_B if none else apart_B
    added_B = folded(true_B, np.sqrt(variance_B)) - true_B
    return -float(added_B[count_B > 0].sum() / max(sums_S[0], 1))


def ends_of_calibration(sums_S: np.ndarray, variance: float, level: float) -> tuple[float, float]:
    """The ends of it (`Metric.ends`): 1 less those of the bins' errors. A bin's spread is that of its
    outcomes, or more where rows of groups tell more."""
    apart_B, count_B, variance_B = sums_S[1:].reshape(3, BINS)
    rows, known = max(sums_S[0], 1), max(float(variance_B.sum()), TINY)
    spread_B = np.sqrt(variance_B * max(1.0, variance * rows**2 / known))
    low, high = ends_of_sum(apart_B[count_B > 0], spread_B[count_B > 0], level)
    return 1 - high / rows, 1 - low / rows


def outcomes_of(rows: Sequence[Row], said: Sequence[Prediction]) -> tuple[np.ndarray, np.ndarray]:
    """y_N and p_N."""
    y_N = np.array([row["outcome"] for row in rows], dtype=np.float64)
    return y_N, np.array([one["probability"] for one in said], dtype=np.float64)


def _of(arithmetic: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Statistics:
    """Arithmetic of y_N and p_N, of rows and predictions."""

    def statistics(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> np.ndarray:
        return arithmetic(*outcomes_of(rows, predictions))

    return statistics


METRICS = (
    Metric("auc", _of(roc_auc), roc_auc_of, rows_that_count=rows_of_roc, ends=ends_of_roc),
    Metric("average_precision", _of(average_precision), mean_area, rows_that_count=rows_of_area),
    Metric("entropy_gain", _of(log_losses), entropy_gain_of, kind="error"),
    Metric("negative_log_loss", _of(log_losses), log_loss_of, better="lower"),
    Metric(  # a constant is well calibrated: not to be won
        "calibration",
        _of(calibration),
        calibration_of,
        bias=bias_of_calibration,
        ends=ends_of_calibration,
        absolute=True,
    ),
)
