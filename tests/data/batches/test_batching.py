"""A step is a pure function of (plan, seed, step); its micro-batches keep to the token budget."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from components.data.batches.batching import Item, micro_batches, packs, similar_lengths, step_rows
from components.data.encoding.split import EncodedSplit, cards_of
from components.data.mixture.draws import Plan, TaskPlan, draw, rows_before
from components.data.mixture.records import PlanRecord
from components.settings.training import Training

LENGTHS = {"a": np.arange(5, 105), "b": np.full(40, 12)}
PLAN = Plan(50, 12.0, 4, {"a": TaskPlan(100, 0.75), "b": TaskPlan(40, 0.25)})


def test_a_step_does_not_depend_on_those_before_it() -> None:
    in_order = [step_rows(PLAN, 1, step, LENGTHS) for step in range(40)]
    alone = step_rows(PLAN, 1, 37, LENGTHS)
    assert {name: rows.tolist() for name, rows in alone.items()} == {
        name: rows.tolist() for name, rows in in_order[37].items()
    }
    assert step_rows(PLAN, 2, 37, LENGTHS)["a"].tolist() != alone["a"].tolist()


def test_a_window_deals_out_exactly_its_draws_and_each_batch_its_share() -> None:
    for window in range(5):
        steps = [step_rows(PLAN, 1, window * 4 + i, LENGTHS) for i in range(4)]
        assert {len(batch["a"]) for batch in steps} == {9}
        assert {len(batch["b"]) for batch in steps} == {3}
    drawn = np.concatenate([step_rows(PLAN, 1, step, LENGTHS)["b"] for step in range(12)])
    assert np.bincount(drawn[:36], minlength=40).max() == 1  # 36 draws of 40 rows: none twice


def test_rows_of_a_step_of_a_window_are_of_similar_length() -> None:
    spread = [np.ptp(LENGTHS["a"][step_rows(PLAN, 1, step, LENGTHS)["a"]]) for step in range(40)]
    assert np.median(spread) < 40  # 9 of 100 different lengths at random would span about 80


def few_rows(window: int) -> list[np.ndarray]:
    """Four epochs of 40 rows of lengths from 5 to 200, ten rows a step."""
    lengths = np.random.default_rng(0).integers(5, 200, 40)
    plan = Plan(16, 10.0, window, {"a": TaskPlan(40, 1.0)})
    return [lengths[step_rows(plan, 1, step, {"a": lengths})["a"]] for step in range(16)]


@pytest.mark.slow
def test_a_step_of_a_small_task_holds_no_row_twice_unless_its_window_is_grouped_by_length() -> None:
    """A window of several epochs holds a row several times, and sorting puts its copies side by side."""
    plan, lengths = Plan(160, 10.0, 1, {"a": TaskPlan(40, 1.0)}), {"a": np.arange(40)}
    steps = [step_rows(plan, 1, step, lengths)["a"].tolist() for step in range(160)]
    assert {len(set(rows)) for rows in steps} == {10}
    assert Training.model_fields["window"].default == 1
    grouped = Plan(160, 10.0, 16, plan.tasks)
    assert max(len(set(step_rows(grouped, 1, step, lengths)["a"].tolist())) for step in range(160)) < 5


def test_steps_that_are_not_grouped_by_length_read_about_as_many_tokens_each() -> None:
    even, grouped = (np.std([lengths.sum() for lengths in few_rows(window)]) for window in (1, 16))
    assert even < grouped / 3


def test_a_task_with_less_than_a_row_a_step_is_sometimes_absent() -> None:
    plan = Plan(50, 10.0, 4, {"a": TaskPlan(100, 0.97), "b": TaskPlan(40, 0.03)})
    present = ["b" in step_rows(plan, 1, step, LENGTHS) for step in range(40)]
    assert 0 < sum(present) < 40


def test_micro_batches_keep_to_the_budget_and_lose_no_row() -> None:
    items = [Item(int(n), "a", i) for i, n in enumerate(LENGTHS["a"])]
    groups = list(similar_lengths(items, 300))
    assert sorted(item for group in groups for item in group) == items
    assert all(len(group) * group[0].length <= 300 for group in groups)
    tokens = sum(item.length for item in items)
    assert tokens / sum(len(group) * group[0].length for group in groups) > 0.9


def test_a_row_of_two_sequences_counts_twice() -> None:
    groups = list(similar_lengths([Item(10, "a", i, 2) for i in range(9)], 100))
    assert [len(group) for group in groups] == [5, 4]


def test_a_row_longer_than_the_budget_stands_alone() -> None:
    assert list(similar_lengths([Item(500, "a", 0), Item(90, "a", 1)], 100)) == [
        [Item(500, "a", 0)],
        [Item(90, "a", 1)],
    ]


@pytest.mark.usefixtures("encoded_project")
def test_tensors_hold_the_encoded_rows() -> None:
    plan = Plan.of(PlanRecord.read(Path("reports/plan.json")))
    splits = {name: EncodedSplit(Path("encoded") / name / "train.arrow") for name in plan.tasks}
    cards = {head: card for name in plan.tasks for head, card in cards_of(Path("encoded") / name).items()}
    batch = step_rows(plan, 7, 0, {name: split.lengths for name, split in splits.items()})
    micros = list(micro_batches(splits, cards, batch, 400))
    seen = dict.fromkeys(cards, 0)
    for micro in micros:
        for head, rows in micro.heads.items():
            assert len(micro.targets[head]) == len(rows.places)
            seen[head] += len(rows.places)
    with_size = int(splits["mood"].labelled("size")[batch["mood"]].sum())
    assert 0 < with_size < len(batch["mood"])
    assert seen == {**{name: len(rows) for name, rows in batch.items()}, "size": with_size}
    real = sum(int(split.tokens[batch[name]].sum()) for name, split in splits.items())
    assert sum(int(micro.mask_BL.sum()) for micro in micros) == real


@pytest.mark.usefixtures("encoded_project")
def test_joint_heads_read_the_same_sequences() -> None:
    splits = {"mood": EncodedSplit(Path("encoded/mood/train.arrow"))}
    cards = cards_of(Path("encoded/mood"))
    rows = np.flatnonzero(splits["mood"].labelled("size"))[:5]
    (micro,) = micro_batches(splits, cards, {"mood": rows}, 10_000)
    assert len(micro.input_ids_BL) == len(rows)  # one copy of each text
    assert torch.equal(micro.heads["mood"].places, micro.heads["size"].places)


@pytest.mark.slow
def test_a_window_of_uneven_steps_deals_out_every_draw_once_and_not_by_length() -> None:
    plan = Plan(400, 10.1, 8, {"a": TaskPlan(100, 0.73), "b": TaskPlan(40, 0.27)})
    ordered = 0
    for window in range(40):
        first, last = (rows_before(plan, "a", 8 * (window + i)) for i in (0, 1))
        steps = [step_rows(plan, 1, 8 * window + i, LENGTHS)["a"] for i in range(8)]
        assert len({len(rows) for rows in steps}) > 1  # uneven
        assert sorted(np.concatenate(steps)) == sorted(draw(plan, "a", 1, first, last))
        means = [LENGTHS["a"][rows].mean() for rows in steps]
        ordered += means == sorted(means)
    assert ordered <= 1  # by chance once in 8! windows


def test_packs_keep_to_the_budget_lose_no_row_and_hold_each_task_together() -> None:
    items = [Item(int(n), task, i) for task in "ab" for i, n in enumerate(LENGTHS[task])]
    groups = list(packs(items, 300))
    assert sorted(item for group in groups for item in group) == sorted(items)
    assert all(sum(item.length for item in group) <= 300 for group in groups)
    full = [sum(item.length for item in group) for group in groups[:-1]]
    assert min(full) > 300 - max(item.length for item in items)
    for group in groups:
        assert [item.task for item in group] == sorted(item.task for item in group)
