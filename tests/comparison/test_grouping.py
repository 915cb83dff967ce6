"""The suggested grouping, against hand arithmetic and a search of another kind."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from components.comparison.grouping import linked, mean_of_known, partitions, suggest, total


def of_pairs(tasks: int, pairs: dict[tuple[int, int], float]) -> np.ndarray:
    matrix = np.full((tasks, tasks), np.nan)
    for (i, j), value in pairs.items():
        matrix[i, j] = value
    return matrix


def test_opposed_tasks_are_put_apart_and_equal_ones_together() -> None:
    opposed = of_pairs(2, {(0, 1): -0.2, (1, 0): -0.1})
    equal = of_pairs(2, {(0, 1): 0.2, (1, 0): 0.1})
    assert suggest(opposed[None]).groups == [[0], [1]]
    assert suggest(equal[None]).groups == [[0, 1]]
    assert suggest(equal[None]).by_number[0].affinity == pytest.approx(0.3)
    assert suggest(np.full((1, 6, 6), 0.1)).groups == [[0, 1, 2, 3, 4, 5]]  # as good as three pairs


def test_the_affinity_of_a_grouping_by_hand() -> None:
    """For task 2 of the group 0, 1, 2 it is the mean of what 0 and 1 do for it; alone, task 3 has none."""
    affinity = np.array([[9, 1, 2, 5], [3, 9, 4, 5], [5, 6, 9, 5], [5, 5, 5, 9]], dtype=float)
    assert total(affinity, [[0, 1, 2], [3]]) == (3 + 5) / 2 + (1 + 6) / 2 + (2 + 4) / 2
    assert total(affinity, [[0, 1], [2, 3]]) == 3 + 1 + 5 + 5
    lopsided = of_pairs(2, {(0, 1): 1.0, (1, 0): -0.25})  # 0 helps 1, and is harmed by it
    assert total(lopsided, [[0, 1]]) == 0.75


@pytest.mark.parametrize("tasks", [1, 2, 3, 5, 8])
def test_every_grouping_of_few_tasks_is_tried_once(tasks: int) -> None:
    found = {frozenset(map(frozenset, groups)) for groups in partitions(range(tasks))}
    bell = {1: 1, 2: 2, 3: 5, 5: 52, 8: 4140}
    assert len(found) == len(list(partitions(range(tasks)))) == bell[tasks]
    assert all(sorted(itertools.chain(*groups)) == list(range(tasks)) for groups in found)


def test_the_best_of_each_number_of_groups_is_the_best_of_all_assignments() -> None:
    affinity = np.random.default_rng(3).normal(size=(5, 5))
    for entry in suggest(affinity[None]).by_number:
        number = len(entry.groups)
        values = []
        for colours in itertools.product(range(number), repeat=5):
            groups = [[task for task in range(5) if colours[task] == colour] for colour in range(number)]
            if all(groups):
                values.append(total(affinity, groups))
        assert entry.affinity == pytest.approx(max(values), abs=1e-12)


def test_fewer_groups_are_taken_where_more_are_not_surely_better() -> None:
    """Pairs (0, 1) and (2, 3) gain 0.4 in all over one group of four: 8 and 7.6 in the mean. With seeds
    that agree two groups are suggested, with seeds that scatter by 2 one."""
    pairs = of_pairs(
        4, {(i, j): 2.0 if {i, j} in ({0, 1}, {2, 3}) else 1.85 for i in range(4) for j in range(4) if i != j}
    )
    agreeing, scattered = np.stack([pairs, pairs]), np.stack([pairs * 0.8, pairs * 1.2])
    assert suggest(agreeing).groups == [[0, 1], [2, 3]]
    assert suggest(scattered).groups == [[0, 1, 2, 3]]  # standard error 8 * 0.2 = 1.6


def test_of_many_tasks_the_families_are_found() -> None:
    family = np.arange(12) % 3
    affinity = np.where(family[:, None] == family[None], 1.0, -1.0)
    groups = suggest(affinity[None]).groups
    assert sorted(groups) == [[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8, 11]]
    assert [len(level) for level in linked(affinity)] == list(range(12, 0, -1))


def test_what_was_never_measured_counts_as_nothing() -> None:
    assert suggest(np.full((1, 3, 3), np.nan)).groups == [[0, 1, 2]]


def test_what_one_seed_did_not_measure_is_what_the_others_did() -> None:
    """Tasks that some seed never drew together are as near as the other seeds say, and no nearer to 0."""
    pairs = of_pairs(3, {(0, 1): 0.2, (1, 0): 0.2, (0, 2): -0.3, (2, 0): -0.3, (1, 2): 0.2, (2, 1): 0.2})
    part = pairs.copy()
    part[[0, 2], [2, 0]] = np.nan
    assert suggest(np.stack([pairs, part, part])) == suggest(np.stack([pairs] * 3))
    known = mean_of_known(np.stack([pairs, part, part]))
    assert known[0, 2] == pytest.approx(-0.3)
    assert np.isnan(known.diagonal()).all()
