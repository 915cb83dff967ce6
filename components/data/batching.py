"""From the mixture's draws to micro-batches: rows of similar length under a token budget.

A window of steps is drawn together. Each task's rows of the window are sorted by length and cut
into one chunk a step, and a keyed permutation deals the chunks out, so a step holds rows of similar
length of every task, and still is a pure function of (plan, seed, step) that costs O(window).

Legend: B sequences (a row is one, or two where a pair's texts stand apart), L tokens of the longest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch

from components import tasks
from components.data.encoding import EncodedSplit
from components.data.mixture import Plan, draw, drawn_before, key, permute

SIMILAR = 0.6  # a row this short against the longest of its micro-batch begins a new one ...
WORTHWHILE = 512  # ... once that holds so many tokens: smaller matrices waste more than padding does
Batch = dict[str, np.ndarray]  # task -> row numbers of a step


def step_rows(plan: Plan, seed: int, step: int, lengths: Mapping[str, np.ndarray]) -> Batch:
    """The rows of one step, per task; a task whose share is less than a row may have none."""
    window, place = divmod(step, plan.window)
    rows = {name: _chunk(plan, name, seed, window, place, lengths[name]) for name in plan.tasks}
    return {name: chunk for name, chunk in rows.items() if len(chunk)}


def _chunk(plan: Plan, task: str, seed: int, window: int, place: int, lengths: np.ndarray) -> np.ndarray:
    starts = [drawn_before(plan, task, window * plan.window + i) for i in range(plan.window + 1)]
    sizes = np.diff(starts)
    rows = draw(plan, task, seed, starts[0], starts[-1])
    by_length = rows[np.argsort(lengths[rows], kind="stable")]
    rank_of_step = permute(np.arange(plan.window), plan.window, key(seed, task, "window", window))
    sizes_by_rank = np.empty_like(sizes)
    sizes_by_rank[rank_of_step] = sizes
    first = int(sizes_by_rank[: rank_of_step[place]].sum())
    return by_length[first : first + sizes[place]]


class Item(NamedTuple):
    """One row to be put in a micro-batch; `length` is that of its longest sequence."""

    length: int
    task: str
    row: int
    sequences: int = 1


@dataclass(frozen=True)
class MicroBatch:
    """Rows of any tasks for one encoder pass.

    `members` are the places in B of each task's rows: [n], or [n, 2] where a row is two sequences.
    """

    input_ids_BL: torch.Tensor
    mask_BL: torch.Tensor
    segment_ids_BL: torch.Tensor
    members: dict[str, torch.Tensor]
    targets: dict[str, torch.Tensor]

    def to(self, device: torch.device) -> MicroBatch:
        return MicroBatch(
            self.input_ids_BL.to(device),
            self.mask_BL.to(device),
            self.segment_ids_BL.to(device),
            {name: index.to(device) for name, index in self.members.items()},
            {name: target.to(device) for name, target in self.targets.items()},
        )


def micro_batches(
    splits: Mapping[str, EncodedSplit], families: Mapping[str, str], batch: Batch, budget: int
) -> Iterator[MicroBatch]:
    """Cut a step into micro-batches of at most `budget` tokens, padding counted, longest rows first."""
    items = [item for name, rows in batch.items() for item in to_items(splits[name], name, rows)]
    for group in similar_lengths(items, budget):
        input_ids, mask, segment_ids, members = assemble(splits, group)
        targets = {}
        for name in members:
            of_task = [splits[name].target(item.row) for item in group if item.task == name]
            targets[name] = tasks.get(families[name]).collate(of_task, input_ids.shape[1])
        yield MicroBatch(input_ids, mask, segment_ids, members, targets)


def to_items(split: EncodedSplit, task: str, rows: Iterable[int]) -> list[Item]:
    sequences = 2 if split.apart else 1
    return [Item(int(split.lengths[row]), task, int(row), sequences) for row in rows]


def similar_lengths(items: Iterable[Item], budget: int) -> Iterator[list[Item]]:
    """Group rows, from long to short, into micro-batches of at most `budget` tokens with padding."""
    group: list[Item] = []
    for item in sorted(items, reverse=True):
        if group:
            longest, sequences = group[0].length, sum(member.sequences for member in group)
            full = (sequences + item.sequences) * longest > budget
            dissimilar = item.length < SIMILAR * longest and sequences * longest >= WORTHWHILE
            if full or dissimilar:
                yield group
                group = []
        group.append(item)
    if group:
        yield group


def assemble(
    splits: Mapping[str, EncodedSplit], group: Sequence[Item]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
    """input_ids_BL, mask_BL, segment_ids_BL, and each task's places in B, in the order of the group."""
    sequences: list[tuple[np.ndarray, np.ndarray]] = []
    members: dict[str, list[Any]] = {}
    for item in group:
        places = list(range(len(sequences), len(sequences) + item.sequences))
        members.setdefault(item.task, []).append(places if item.sequences > 1 else places[0])
        sequences += splits[item.task].sequences(item.row)
    return (
        *pad(sequences, group[0].length),
        {name: torch.tensor(places) for name, places in members.items()},
    )


def pad(
    sequences: Sequence[tuple[np.ndarray, np.ndarray]], length: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(input_ids, segment_ids) per sequence -> input_ids_BL, mask_BL, segment_ids_BL.

    Padding has id 0, whatever the tokenizer calls it: the mask hides it from every real token.
    """
    padded = np.zeros((3, len(sequences), length), dtype=np.int64)
    for row, (ids, segments) in enumerate(sequences):
        padded[0, row, : len(ids)] = ids
        padded[1, row, : len(ids)] = 1
        padded[2, row, : len(ids)] = segments
    input_ids, mask, segment_ids = torch.from_numpy(padded)
    return input_ids, mask, segment_ids
