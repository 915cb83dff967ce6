"""From the mixture's draws to micro-batches: rows of similar length under a token budget.

A window of steps is drawn together. Each task's rows of the window are sorted by length and cut
into one chunk a step, and a keyed permutation deals the chunks out, so a step holds rows of similar
length of every task, and still is a pure function of (plan, seed, step) that costs O(window).

Legend: B rows, L tokens of the longest row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from components import tasks
from components.data.encoding import EncodedSplit
from components.data.mixture import Plan, draw, drawn_before, key, permute

SIMILAR = 0.75  # a row this short against the longest of its micro-batch begins a new one ...
WORTHWHILE = 256  # ... once that holds so many tokens: smaller matrices waste more than padding does
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


@dataclass(frozen=True)
class MicroBatch:
    """Rows of any tasks for one encoder pass; `members` are the places in B of each task's rows."""

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
    items = [(int(splits[name].lengths[row]), name, int(row)) for name, rows in batch.items() for row in rows]
    for group in similar_lengths(sorted(items, reverse=True), budget):
        yield _collate(splits, families, group)


def similar_lengths(items: Sequence[tuple[int, str, int]], budget: int) -> Iterator[list[tuple[int, str, int]]]:
    """Group (length, task, row), sorted from long to short, into micro-batches."""
    group: list[tuple[int, str, int]] = []
    for item in items:
        if group:
            longest = group[0][0]
            full = (len(group) + 1) * longest > budget
            dissimilar = item[0] < SIMILAR * longest and len(group) * longest >= WORTHWHILE
            if full or dissimilar:
                yield group
                group = []
        group.append(item)
    if group:
        yield group


def _collate(
    splits: Mapping[str, EncodedSplit], families: Mapping[str, str], group: Sequence[tuple[int, str, int]]
) -> MicroBatch:
    length = group[0][0]
    tokens = [splits[name].tokens(row) for _, name, row in group]
    input_ids, mask, segment_ids = pad(tokens, length)
    members: dict[str, list[int]] = {}
    for place, (_, name, _row) in enumerate(group):
        members.setdefault(name, []).append(place)
    targets = {
        name: tasks.get(families[name]).collate([splits[name].target(group[p][2]) for p in places], length)
        for name, places in members.items()
    }
    index = {name: torch.tensor(places) for name, places in members.items()}
    return MicroBatch(input_ids, mask, segment_ids, index, targets)


def pad(tokens: Sequence[tuple[Sequence[int], Sequence[int]]], length: int) -> tuple[torch.Tensor, ...]:
    """(input_ids, segment_ids) per row -> input_ids_BL, mask_BL, segment_ids_BL.

    Padding has id 0, whatever the tokenizer calls it: the mask hides it from every real token.
    """
    padded = np.zeros((3, len(tokens), length), dtype=np.int64)
    for row, (ids, segments) in enumerate(tokens):
        padded[0, row, : len(ids)] = ids
        padded[1, row, : len(ids)] = 1
        padded[2, row, : len(ids)] = segments
    input_ids, mask, segment_ids = torch.from_numpy(padded)
    return input_ids, mask, segment_ids
