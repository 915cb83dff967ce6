"""The training loop's own steps over synthetic tasks: drawn, gathered, balanced, clipped and taken as in
a run, from files as `encode` writes them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from benchmarks.texts import lengths
from components.data.batches.batching import Batch, step_rows
from components.data.contract.cards import HeadCard
from components.data.contract.rows import column_of
from components.data.encoding.encode import ROWS
from components.data.encoding.split import EncodedSplit
from components.data.mixture.draws import Plan, TaskPlan
from components.model.multitask import MultiTaskModel
from components.settings.training import Training
from components.training import balancing, optimisers
from components.training.parameter_groups import parameter_groups
from components.training.schedule import set_learning_rate
from components.training.step.prepare import Prepared, on_device, prepare
from components.training.step.stepper import Stepper

LABELS = 4
FACTS: dict[str, Any] = {
    "labels": [str(number) for number in range(LABELS)],
    "options": {"label_smoothing": 0.0},
}
DROPOUT = 0.1
SETTINGS = {
    "tokens": 1, "tokens_per_step": 1,  # the plan says how many steps there are, and of how many rows
    "tokens_per_micro_batch": 4096, "learning_rate": 2e-5, "head_learning_rate": 2e-5, "precision": "fp32",
    "evaluate_every": 1, "validation_rows": 1, "patience": 1, "checkpoint_every": 1,
}  # fmt: skip


def write(folder: Path, task: str, heads: Sequence[str], rows: int, seed: int) -> EncodedSplit:
    """A synthetic encoded task, its rows of lognormal length; every head has a target in every row."""
    return write_lengths(folder, task, heads, lengths(rows, seed), seed)


def write_lengths(
    folder: Path, task: str, heads: Sequence[str], sizes: np.ndarray, seed: int
) -> EncodedSplit:
    """The same, with rows of these lengths, in their order."""
    draw, rows = np.random.default_rng(seed), len(sizes)
    ends = np.concatenate([[0], sizes.cumsum()]).astype(np.int32)
    columns: dict[str, pa.Array] = {
        "id": pa.array([f"{task}-{row}" for row in range(rows)]),
        "input_ids": pa.ListArray.from_arrays(ends, draw.integers(1000, 30000, ends[-1], dtype=np.int32)),
        "segment_ids": pa.ListArray.from_arrays(ends, np.zeros(ends[-1], np.int8)),
    }
    for head in heads:
        columns[column_of(task, head, "target")] = pa.array(draw.integers(0, LABELS, rows))
    table = pa.table(columns)
    file = folder / task / "train.arrow"
    file.parent.mkdir(parents=True)
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, table.schema) as out:
        out.write_table(table, ROWS)
    return EncodedSplit(file)


def model(encoder: Path, heads: Mapping[str, Sequence[str]]) -> MultiTaskModel:
    """MiniLM with the heads of each task, on the GPU where there is one."""
    cards = {
        head: HeadCard(task=task, family="classification", facts=FACTS, max_length=256, inputs=["text"])
        for task, own in heads.items()
        for head in own
    }
    found = MultiTaskModel.from_encoder(encoder, cards, DROPOUT, 1)
    torch.nn.Module.to(found, "cuda" if torch.cuda.is_available() else "cpu")
    return found


class Engine:
    """A model, its optimiser and the loop's stepper; `tasks` are the heads of each task."""

    def __init__(
        self,
        encoder: Path,
        splits: Mapping[str, EncodedSplit],
        heads: Mapping[str, Sequence[str]],
        plan: Plan,
        **training: Any,
    ) -> None:
        self.splits, self.plan = splits, plan
        self.training = Training.model_validate({**SETTINGS, **training})
        self.model = model(encoder, heads)
        shares = {head: plan.tasks[task].share for task, own in heads.items() for head in own}
        self.stepper = Stepper(
            self.model,
            optimisers.build(self.training.optimiser, parameter_groups(self.model, self.training)),
            balancing.build(self.training.balancing),
            splits,
            self.training,
            1,
            shares,
        )

    def rows(self, step: int) -> Batch:
        """The rows that the loop draws for a step, by task."""
        return step_rows(self.plan, 1, step, {name: split.lengths for name, split in self.splits.items()})

    def made(self, step: int) -> tuple[Batch, Prepared]:
        """What the loop makes of a step while a device works on those before it, on the device."""
        batch, stepper = self.rows(step), self.stepper
        prepared = prepare(stepper, step, batch, stepper.micro_batch_tokens)
        return batch, on_device(prepared, self.model.device)

    def take(self, step: int, made: tuple[Batch, Prepared] | None = None) -> float:
        """One step of the loop, which may have been made before; its seconds, of the process's own time (on a
        GPU, of the clock)."""
        with deterministic():
            start = now()
            set_learning_rate(self.stepper.optimiser, step, self.plan.steps, self.training)
            self.stepper.take(step, *(made or (self.rows(step),)))
            return now() - start


@contextlib.contextmanager
def deterministic() -> Iterator[None]:
    """Within it torch computes as in the loop."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(mode=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(mode=before)


def plan_of(tasks: Sequence[str], rows: int, steps: int, rows_per_step: float) -> Plan:
    """Every task with an equal share."""
    own = {task: TaskPlan(rows, 1 / len(tasks)) for task in tasks}
    return Plan(steps, rows_per_step, min(16, steps), own)


def now() -> float:
    """Seconds: of this process, so that other programs disturb them little; of the clock beside a GPU."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()
