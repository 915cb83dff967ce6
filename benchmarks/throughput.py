"""Real tokens per second in training against the Hugging Face Trainer: `python -m benchmarks.throughput`.

MiniLM with one classification head, synthetic rows of lognormal length (mean 30, tail to 256), AdamW
(fused), dropout 0.1. Ours are the steps of the loop itself, from encoded files: drawn, gathered, packed,
clipped, taken. The Trainer's own grouping by length sorts 6,400 rows, and a round trains on some batches of
one of its mega-batches of fifty, evenly spaced from the longest to the shortest: the Trainer on these
batches, and on the same rows in an order by chance, padded to the longest of a batch; and ours, on the same
rows. In turns, on one CPU thread, in the process's own time, so that other programs disturb it little; on a
GPU where there is one. In fp32, and in bf16 where the hardware multiplies it.

Beside it, the share of the matrix-product peak that our training reaches, with the plain sum and, of four
tasks, with PCGrad: the median of the steps' rates over that of products that are timed in turn with them. The
share of the tokens that went through each way's encoder that are real, counted there. And how much of the
host's work on a step is hidden behind a device that works without it. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from benchmarks import hidden, peak, trainer
from benchmarks.engine import Engine, plan_of, write, write_lengths
from benchmarks.goals import Goal, finish
from benchmarks.texts import lengths
from components.data.encoding.split import EncodedSplit
from components.environment import restart_tuned
from components.training.step.precision import settled

ENCODER = Path("downloads/minilm")
COMBINED = 4  # tasks
WAYS = ("dynamic padding", "grouped by length", "ours")
SHARE, COMBINED_SHARE = "share of the matrix-product peak", "the same with PCGrad of four tasks"
HIDDEN = "host's work on a step hidden behind a device's"


def main() -> None:
    restart_tuned()
    arguments = _arguments()
    if importlib.util.find_spec("accelerate") is None:
        sys.exit("the Hugging Face Trainer needs accelerate, which is not installed: pip install accelerate")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="throughput.") as folder:
        results = {}
        for precision in arguments.precision or _precisions():
            bench = Bench(arguments, precision, Path(folder) / precision)
            results[precision] = _summary([bench.round(number) for number in range(arguments.rounds)], bench)
            _print(precision, results[precision])
    sizes = {"batch": arguments.batch, "steps": arguments.steps}
    finish(_goals(results), **sizes, device=bench.device.type, results=results)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoder", type=Path, default=ENCODER)
    parser.add_argument("--batch", type=int, default=32, help="rows of a step, for all")
    parser.add_argument("--steps", type=int, default=16, help="of a round: batches of one mega-batch")
    parser.add_argument("--micro-batch", type=int, default=4096, help="tokens of ours that go together")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--precision", choices=list(PEAK), nargs="+", help="default: what the hardware has")
    return parser.parse_args()


def _precisions() -> list[str]:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return ["fp32", "bf16"] if settled("auto", device) == "bf16" else ["fp32"]


class Bench:
    """The rows in one precision, and each way to train on them once."""

    def __init__(self, arguments: argparse.Namespace, precision: str, folder: Path) -> None:
        self.encoder, self.batch, self.steps = arguments.encoder, arguments.batch, arguments.steps
        self.folder, self.precision = folder, precision
        self.dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        self.settings = {"precision": precision, "tokens_per_micro_batch": arguments.micro_batch}
        self.sizes = lengths(trainer.BATCHES * self.batch, 1)
        self.batches = trainer.grouped(self.sizes.tolist(), self.batch)
        self.processed = {way: trainer.Processed() for way in WAYS}
        self.tokens: list[int] = []  # of each round
        tasks = [f"four{number}" for number in range(COMBINED)]
        rows = self.steps * self.batch // COMBINED
        splits = {task: write(folder, task, [task], rows, seed) for seed, task in enumerate(tasks, 1)}
        self.combined = self._engine(splits, balancing={"combination": "pcgrad"})
        self.device = self.combined.model.device

    def _engine(self, splits: dict[str, EncodedSplit], **settings: Any) -> Engine:
        plan = plan_of(list(splits), len(next(iter(splits.values()))), self.steps, self.batch)
        engine = Engine(
            self.encoder, splits, {task: [task] for task in splits}, plan, **self.settings, **settings
        )
        engine.take(0)  # the first step makes the optimiser's moments
        return engine

    def chosen(self, number: int) -> np.ndarray:
        """Rows of a round: of a mega-batch of its own, evenly spaced ones from long to short; which ones is
        another choice in each of four rounds."""
        mega = number % (trainer.BATCHES // trainer.MEGA)
        places = (np.arange(self.steps) + (mega + 0.5) / 4) * trainer.MEGA / self.steps
        places += mega * trainer.MEGA
        return np.concatenate([self.batches[place] for place in places.astype(int)])

    def round(self, number: int) -> dict[str, float]:
        """Seconds of each way, and the shares."""
        name = f"one{number}"
        split = write_lengths(self.folder, name, [name], self.sizes[self.chosen(number)], number)
        self.tokens.append(int(split.tokens.sum()))
        by_chance = np.random.default_rng(number).permutation(len(split)).tolist()
        engine = self._engine({name: split})
        with self.processed["ours"].of(engine.model.encoder):
            seconds, share = peak.all_steps(engine, self.steps, self.dtype)
        return {
            "dynamic padding": self._trainer("dynamic padding", split, by_chance),
            "grouped by length": self._trainer("grouped by length", split, range(len(split))),
            "ours": seconds,
            SHARE: share,
            COMBINED_SHARE: peak.all_steps(self.combined, self.steps, self.dtype)[1],
            HIDDEN: hidden.share(engine),
        }

    def _trainer(self, way: str, split: EncodedSplit, order: Sequence[int]) -> float:
        half, counted = self.precision == "bf16", self.processed[way]
        return trainer.seconds(self.encoder, split, order, self.batch, half, counted)


def _summary(rounds: list[dict[str, float]], bench: Bench) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name in WAYS:
        speeds = [tokens / one[name] for tokens, one in zip(bench.tokens, rounds, strict=True)]
        result[name] = {
            "tokens_per_second": round(statistics.median(speeds)),
            **_spread([one[name] / one["ours"] for one in rounds]),
            "real_over_processed": round(sum(bench.tokens) / bench.processed[name].tokens, 4),
        }
    shares = [name for name in rounds[0] if name not in WAYS]
    return {**result, **{name: _spread([one[name] for one in rounds]) for name in shares}}


def _spread(ratios: list[float]) -> dict[str, Any]:
    return {
        "ratio": round(statistics.median(ratios), 3),
        "spread": [round(min(ratios), 3), round(max(ratios), 3)],
    }


TOKENS = {"dynamic padding": ">= 5", "grouped by length": ">= 1.5"}  # a second, over the Trainer's
PEAK = {"fp32": ">= 0.8", "bf16": ">= 0.6"}


def _goals(results: dict[str, dict[str, Any]]) -> list[Goal]:
    return [goal for precision, result in results.items() for goal in _of_precision(precision, result)]


def _of_precision(precision: str, result: dict[str, Any]) -> list[Goal]:
    real = result["ours"]["real_over_processed"]
    speed = f"{precision}: real tokens a second over the Hugging Face Trainer with "
    goals = [Goal(f"{precision}: real over processed tokens", real, (real, real), ">= 0.99")]
    goals += [Goal(f"{speed}{way}", *_ratio(result[way]), goal) for way, goal in TOKENS.items()]
    shares = {SHARE: PEAK[precision], COMBINED_SHARE: PEAK[precision], HIDDEN: ">= 0.95"}
    return goals + [
        Goal(f"{precision}: {name}", *_ratio(result[name]), goal) for name, goal in shares.items()
    ]


def _ratio(found: dict[str, Any]) -> tuple[float, tuple[float, float]]:
    low, high = found["spread"]
    return found["ratio"], (low, high)


def _print(precision: str, result: dict[str, Any]) -> None:
    table = Table(title=f"{precision}: real tokens per second in training; how often ours are each way's")
    for name in ("", "tokens/s", "real of processed", "ratio", "from", "to"):
        table.add_column(name, justify="right" if name else "left")
    for name, one in result.items():
        speed, real = one.get("tokens_per_second"), one.get("real_over_processed")
        table.add_row(
            name, f"{speed:,}" if speed else "", f"{real:.2f}" if real else "",
            *(f"{x:g}" for x in (one["ratio"], *one["spread"])),
        )  # fmt: skip
    Console().print(table)


if __name__ == "__main__":
    main()
