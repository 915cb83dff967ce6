"""Which tasks to train together: the grouping with the most affinity (Fifty et al. 2021, section 4).

A task's affinity in a group is the mean of Z_ij over the others i of the group; alone it has none, 0.
That of a grouping is the sum over the tasks, in which Z_ij and Z_ji count alike. Fifty's groups may
overlap; these do not, so that every task is trained once and each group is a project of its own.

Noise in the measures favours small groups. So the fewest groups are taken that come within one standard
error, over the seeds, of the best (Breiman et al. 1984).

Legend: K tasks, S seeds, Z_ij the affinity of a step on i for j.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

Groups = list[list[int]]  # task numbers
EXHAUSTIVE = 8  # tasks: 4140 groupings; beyond, those of average linkage


class Level(NamedTuple):
    """The best division into so many groups."""

    affinity: float
    groups: Groups


class Suggestion(NamedTuple):
    """The suggested groups, and the best ones of every number of groups, from one on."""

    groups: Groups
    by_number: list[Level]


def suggest(affinity_SKK: np.ndarray) -> Suggestion:
    """The suggested groups, and the best ones of every number of groups with their affinity.

    `affinity_SKK` is that of each seed; the diagonal is not read. What a seed does not know (NaN) counts as
    the others' mean, and what none knows as 0.
    """
    mean_KK = np.nan_to_num(mean_of_known(affinity_SKK))
    known_SKK = np.where(np.isnan(affinity_SKK), mean_KK, affinity_SKK)
    best: dict[int, Level] = {}
    for groups in groupings(mean_KK):
        value = total(mean_KK, groups)
        if len(groups) not in best or value > best[len(groups)][0]:
            best[len(groups)] = Level(value, groups)
    highest, of_highest = max(best.values(), key=lambda found: found[0])
    enough = highest - _standard_error([total(of_seed, of_highest) for of_seed in known_SKK])
    enough -= 1e-9 * abs(highest)  # sums in another order
    chosen = min(number for number, (value, _) in best.items() if value >= enough)
    return Suggestion(best[chosen].groups, [level for _, level in sorted(best.items())])


def mean_of_known(values_SKK: np.ndarray) -> np.ndarray:
    """Over the seeds that know it; NaN where none does."""
    known_KK = (~np.isnan(values_SKK)).sum(axis=0)
    sum_KK = np.nansum(values_SKK, axis=0)
    return np.where(known_KK > 0, sum_KK / np.maximum(known_KK, 1), np.nan)


def total(affinity_KK: np.ndarray, groups: Groups) -> float:
    """The affinity of a grouping."""
    value = 0.0
    for group in groups:
        for j in group:
            others = [affinity_KK[i, j] for i in group if i != j]
            value += float(np.mean(others)) if others else 0.0
    return value


def groupings(affinity_KK: np.ndarray) -> Iterator[Groups]:
    """Every grouping of few tasks; of more, one for each number of groups."""
    tasks = list(range(len(affinity_KK)))
    yield from partitions(tasks) if len(tasks) <= EXHAUSTIVE else linked(affinity_KK)


def partitions(tasks: Sequence[int]) -> Iterator[Groups]:
    """All ways to divide them: the first joins each group of the others, or is one of its own."""
    if not tasks:
        yield []
        return
    first, *rest = tasks
    for groups in partitions(rest):
        yield [[first], *groups]
        for place, group in enumerate(groups):
            yield [[first, *group], *groups[:place], *groups[place + 1 :]]


def linked(affinity_KK: np.ndarray) -> Iterator[Groups]:
    """The levels of a hierarchy by average linkage (Sokal & Michener 1958) of the mean of Z_ij and Z_ji."""
    from scipy.cluster.hierarchy import cut_tree, linkage
    from scipy.spatial.distance import squareform

    near_KK = (affinity_KK + affinity_KK.T) / 2
    np.fill_diagonal(near_KK, near_KK.max())
    levels_KK = cut_tree(linkage(squareform(near_KK.max() - near_KK, checks=False), "average"))
    for level_K in levels_KK.T:
        yield [np.flatnonzero(level_K == number).tolist() for number in np.unique(level_K)]


def _standard_error(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) / len(values) ** 0.5 if len(values) > 1 else 0.0
