"""From the mixture's draws to micro-batches under a token budget: packed, or padded rows of similar length.

A step takes each task's rows as they are drawn. Where a window of several steps is asked for, it is drawn
together: each task's rows of the window are sorted by length and cut into one chunk a step, and a keyed
permutation deals the chunks out, so a step holds rows of similar length of every task, and still is a pure
function of (plan, seed, step) that costs O(window).

Legend: B sequences of a micro-batch (a row is one or several), L tokens of the longest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from components import families
from components.data.batches.pack import Pack
from components.data.batches.tensors import Rows, pad
from components.data.contract.cards import HeadCards
from components.data.encoding.split import EncodedSplit, Tokens
from components.data.mixture.draws import Plan, draw, rows_before
from components.device import moved
from components.families.base.capabilities import TeacherForcing
from components.keyed import derive_seed, permute

SIMILAR = 0.6  # a row this short against the longest of its micro-batch begins a new one ...
WORTHWHILE = 512  # ... once that holds so many tokens: smaller matrices waste more than padding does
Batch = dict[str, np.ndarray]  # task -> row numbers of a step


def step_rows(plan: Plan, seed: int, step: int, lengths: Mapping[str, np.ndarray]) -> Batch:
    """The rows of one step, per task; a task whose share is less than a row may have none."""
    window, place = divmod(step, plan.window)
    rows = {name: _chunk(plan, name, seed, window, place, lengths[name]) for name in plan.tasks}
    return {name: chunk for name, chunk in rows.items() if len(chunk)}


def _chunk(plan: Plan, task: str, seed: int, window: int, place: int, lengths: np.ndarray) -> np.ndarray:
    starts = [rows_before(plan, task, window * plan.window + i) for i in range(plan.window + 1)]
    sizes = np.diff(starts)
    rows = draw(plan, task, seed, starts[0], starts[-1])
    by_length = rows[np.argsort(lengths[rows], kind="stable")]
    rank_of_step = permute(np.arange(plan.window), plan.window, derive_seed(seed, task, "window", window))
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
    """Rows of any tasks for one encoder pass; `heads` and `targets` are by head."""

    input_ids_BL: torch.Tensor
    mask_BL: torch.Tensor
    segment_ids_BL: torch.Tensor
    heads: dict[str, Rows]
    targets: dict[str, torch.Tensor]
    pack: Pack | None = None  # how long each sequence is, and more, which a device is not to be asked for
    on_host: MicroBatch | None = None  # the same, where this one is on a device

    @property
    def host(self) -> MicroBatch:
        """The same on the host, where reading costs nothing."""
        return self.on_host or self

    @property
    def given(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, dict[str, Rows], Pack | None]:
        """What the model is given, in its order."""
        return self.input_ids_BL, self.mask_BL, self.segment_ids_BL, self.heads, self.pack

    def to(self, device: torch.device) -> MicroBatch:
        """The same on a device."""
        if device.type == "cpu" or self.on_host is not None:
            return self
        found = iter(moved(list(self._tensors()), device))
        ids, mask, segments = (next(found) for _ in range(3))
        pack = self.pack and self.pack.having([next(found) for _ in self.pack.tensors])
        heads = {
            name: Rows(*(None if one is None else next(found) for one in rows))  # type: ignore[arg-type]
            for name, rows in self.heads.items()
        }
        targets = {name: next(found) for name in self.targets}
        return MicroBatch(ids, mask, segments, heads, targets, pack, self)

    def _tensors(self) -> Iterator[torch.Tensor]:
        yield from (self.input_ids_BL, self.mask_BL, self.segment_ids_BL)
        yield from self.pack.tensors if self.pack else ()
        for rows in self.heads.values():
            yield from (one for one in rows if one is not None)
        yield from self.targets.values()


def labelled(splits: Mapping[str, EncodedSplit], cards: HeadCards, batch: Batch) -> Batch:
    """head -> the row numbers of the step that have its target; a head without any is left out."""
    rows = {}
    for head, card in cards.items():
        of_task = batch.get(card["task"], np.empty(0, dtype=np.int64))
        known = of_task[splits[card["task"]].labelled(head)[of_task]]
        if len(known):
            rows[head] = known
    return rows


def micro_batches(
    splits: Mapping[str, EncodedSplit], cards: HeadCards, batch: Batch, budget: int, packed: bool = False
) -> Iterator[MicroBatch]:
    """Cut a step into micro-batches of at most `budget` tokens, longest rows first. Padding counts, unless
    the encoder packs. Rows without a target of these heads are left out."""
    read = _with_a_target(splits, cards, batch)
    items = [item for name, rows in read.items() for item in to_items(splits[name], name, rows)]
    for group in (packs if packed else similar_lengths)(items, budget):
        rows = labelled(splits, cards, _rows_of(group))
        of_heads = {head: (cards[head]["task"], set(known.tolist())) for head, known in rows.items()}
        input_ids, mask, segment_ids, heads = assemble(splits, group, of_heads)
        targets = {}
        for head, (task, known) in of_heads.items():
            family = families.get(cards[head]["family"])
            values = [splits[task].target(i.row, head) for i in group if i.task == task and i.row in known]
            targets[head] = family.collate(values, input_ids.shape[1])
            if isinstance(family, TeacherForcing):
                heads[head] = heads[head]._replace(target_nT=targets[head])
        yield MicroBatch(input_ids, mask, segment_ids, heads, targets, Pack.of_mask(mask))


def _with_a_target(splits: Mapping[str, EncodedSplit], cards: HeadCards, batch: Batch) -> Batch:
    """The rows that some head learns from: all of them, unless a head trains without those beside it."""
    heads = {task: [head for head, card in cards.items() if card["task"] == task] for task in batch}
    known = {
        task: np.any([splits[task].labelled(head)[rows] for head in heads[task]], axis=0)
        for task, rows in batch.items()
    }
    return {task: rows[known[task]] for task, rows in batch.items()}


def _rows_of(group: Sequence[Item]) -> Batch:
    rows: dict[str, list[int]] = {}
    for item in group:
        rows.setdefault(item.task, []).append(item.row)
    return {task: np.array(numbers) for task, numbers in rows.items()}


def to_items(split: EncodedSplit, task: str, rows: Iterable[int]) -> list[Item]:
    return [
        Item(int(split.lengths[row]), task, int(row), len(split.sequences(row)) if split.several else 1)
        for row in rows
    ]


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


def packs(items: Iterable[Item], budget: int) -> Iterator[list[Item]]:
    """Group rows, from long to short, into micro-batches of at most `budget` real tokens; in a micro-batch
    each task's rows are together, so that its gradient is one product (training/gradients/packed.py)."""
    group: list[Item] = []
    tokens = 0
    for item in sorted(items, reverse=True):
        own = item.length * item.sequences
        if group and tokens + own > budget:
            yield sorted(group, key=_task_then_length)
            group, tokens = [], 0
        group.append(item)
        tokens += own
    if group:
        yield sorted(group, key=_task_then_length)


def _task_then_length(item: Item) -> tuple[str, int]:
    return item.task, -item.length


def assemble(
    splits: Mapping[str, EncodedSplit],
    group: Sequence[Item],
    heads: Mapping[str, tuple[str, Collection[int]]],
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, dict[str, Rows]]:
    """input_ids_BL, mask_BL, segment_ids_BL, and what each head is given, in the order of the group.

    `heads` are (task, rows) by head: joint heads share their task's sequences. Where a task chooses among
    candidates its rows hold the same ones again and again, and each is encoded once.
    """
    sequences: list[Tokens] = []
    places: dict[tuple[str, int], list[int]] = {}
    seen: dict[tuple[str, bytes, bytes], int] = {}

    def place(task: str, sequence: Tokens) -> int:
        ids, segments = sequence
        known = seen.setdefault((task, ids.tobytes(), segments.tobytes()), len(sequences))
        if known == len(sequences):
            sequences.append(sequence)
        return known

    read = {task: iter(splits[task].gather(rows)) for task, rows in _rows_of(group).items()}
    for item in group:
        of_row = next(read[item.task])
        if splits[item.task].repeats:
            places[item.task, item.row] = [place(item.task, sequence) for sequence in of_row]
        else:
            places[item.task, item.row] = list(range(len(sequences), len(sequences) + len(of_row)))
            sequences += of_row
    rows = {}
    for head, (task, known) in heads.items():
        members = [item.row for item in group if item.task == task and item.row in known]
        extra = [splits[task].extra_inputs(row, head) for row in members]
        rows[head] = Rows.of([places[task, row] for row in members], splits[task].several, extra)
    return (*pad(sequences), rows)
