"""What a smaller encoder learns counts each head alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from components.compression import distil
from components.data.batches.batching import MicroBatch, micro_batches
from components.data.encoding.split import EncodedSplit
from components.model import saving
from components.model.multitask import MultiTaskModel
from components.model.smaller import with_blocks


def test_a_head_with_one_row_in_a_batch_counts_no_more_than_with_many(project: Path) -> None:
    """Of a regression that is one number, whose variance is nothing."""
    model = saving.load(saving.MODEL).requires_grad_(False)
    torch.manual_seed(0)
    student, cards = with_blocks(model, [1]), model.config.tasks
    units = distil.variances(model, distil.rows_of_each(model, Path(), 0, distil.EACH))
    tasks = {card["task"] for card in cards.values()}
    splits = {task: EncodedSplit(Path("encoded") / task / "train.arrow") for task in tasks}
    losses = []
    for task in tasks:
        for count in (1, 30):
            (micro,) = micro_batches(splits, cards, {task: np.arange(count)}, 9999, packed=True)
            losses.append(distil._backward(model, student, micro, units, 1))
    assert max(losses) < 100, losses  # by the variance in the batch it would be a million


def rows_of(counts: dict[str, int]) -> tuple[MultiTaskModel, list[MicroBatch]]:
    """The project's model, and the first rows of its tasks in one pass."""
    model = saving.load(saving.MODEL).requires_grad_(False)
    cards = model.config.tasks
    splits = {
        card["task"]: EncodedSplit(Path("encoded") / card["task"] / "train.arrow") for card in cards.values()
    }
    read = {task: np.arange(count) for task, count in counts.items()}
    return model, list(micro_batches(splits, cards, read, 9999, packed=True))


def test_a_head_answers_for_the_texts_of_every_task_that_reads_such(project: Path) -> None:
    """Joint heads and other tasks' too; a pair is another kind of text."""
    model, (micro,) = rows_of({"mood": 3, "people": 2, "closeness": 4})
    found = distil.of_all_texts(model.config.tasks, micro.heads)
    assert {head: len(rows.places) for head, rows in found.items()} == {
        "mood": 5, "size": 5, "people": 5, "closeness": 4,
    }  # fmt: skip
    assert found["closeness"] is micro.heads["closeness"]
    pairs = micro.heads["closeness"].places.flatten().tolist()
    assert set(pairs).isdisjoint(found["mood"].places.tolist())


def test_what_a_head_is_given_besides_keeps_it_to_its_own_rows(project: Path) -> None:
    model, (micro,) = rows_of({"mood": 3, "people": 2})
    rows = micro.heads["people"]._replace(extra_nF=torch.zeros(2, 1))
    found = distil.of_all_texts(model.config.tasks, {**micro.heads, "people": rows})
    assert found["people"] is rows
    assert len(found["mood"].places) == 3


def test_padding_teaches_nothing(project: Path) -> None:
    """Of a head that answers for each token, as many answers as there are tokens."""
    model, (micro,) = rows_of({"people": 8})
    _, answers = distil._answers(model, model.encoder, micro)
    lengths = micro.mask_BL.sum(1)
    assert lengths.min() < lengths.max()
    assert len(answers["people"]) == int(lengths.sum())
