"""Real tokens per second in training against the Hugging Face Trainer: `python -m benchmarks.throughput`.

MiniLM with one classification head, synthetic rows of lognormal length (mean 30, tail to 256), AdamW
(fused), dropout 0.1, the same rows for all. Ours are the steps of the loop itself, from encoded files:
drawn, gathered, packed, clipped, taken. Peers: the Trainer with dynamic padding, and with rows grouped by
length as it groups 200 batches and more: the least that gives it mega-batches of fifty. A round trains each
on the same rows once, in turns: on one CPU thread, in the process's own time, so that other programs disturb
it little; on a GPU where there is one.

Beside it, the share of the matrix-product peak that our training reaches, with the plain sum and, of four
tasks, with PCGrad: the median of the steps' rates over that of products that are timed in turn with them. And
the share of the tokens that went through each way's encoder that are real, counted there. The last line is
one JSON object.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.engine import LABELS, Engine, now, plan_of, write
from benchmarks.goals import Goal, finish
from components.environment import restart_tuned

ENCODER = Path("downloads/minilm")
RATE = 2e-5
COMBINED = 4  # tasks
PRODUCTS = 5  # that the peak is timed by, before every step: a tenth of its time
MEGA = 50  # batches that the Trainer sorts by length together, of rows for 200 batches and more


def main() -> None:
    restart_tuned()
    arguments = _arguments()
    if importlib.util.find_spec("accelerate") is None:
        sys.exit("the Hugging Face Trainer needs accelerate, which is not installed: pip install accelerate")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="throughput.") as folder:
        bench = Bench(arguments, Path(folder))
        rounds = [bench.round() for _ in range(arguments.rounds)]
    result = _summary(rounds, bench)
    _print(result)
    sizes = {"rows": arguments.rows, "batch": arguments.batch, "precision": arguments.precision}
    finish(_goals(result, arguments.precision), **sizes, device=bench.ours.model.device.type, results=result)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoder", type=Path, default=ENCODER)
    parser.add_argument("--rows", type=int, default=MEGA * 32)
    parser.add_argument("--batch", type=int, default=32, help="rows of a step, for all")
    parser.add_argument("--micro-batch", type=int, default=4096, help="tokens of ours that go together")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    return parser.parse_args()


class Bench:
    """The rows, and each way to train on them once."""

    def __init__(self, arguments: argparse.Namespace, folder: Path) -> None:
        self.encoder, self.batch, self.folder = arguments.encoder, arguments.batch, folder
        self.dtype = torch.bfloat16 if arguments.precision == "bf16" else torch.float32
        self.steps = arguments.rows // arguments.batch
        settings = {"precision": arguments.precision, "tokens_per_micro_batch": arguments.micro_batch}
        self.ours = self._engine("one", 1, settings)
        self.combined = self._engine("four", COMBINED, {**settings, "balancing": {"combination": "pcgrad"}})
        self.split = self.ours.splits["one0"]
        self.processed = dict.fromkeys(WAYS, 0)  # tokens that went through the encoder, padding included
        for engine in (self.ours, self.combined):
            engine.take(0)  # the first step makes the optimiser's moments

    def _engine(self, name: str, count: int, settings: dict[str, Any]) -> Engine:
        tasks, rows = [f"{name}{number}" for number in range(count)], self.steps * self.batch // count
        splits = {task: write(self.folder, task, [task], rows, seed) for seed, task in enumerate(tasks, 1)}
        plan = plan_of(tasks, rows, self.steps, self.batch)
        return Engine(self.encoder, splits, {task: [task] for task in tasks}, plan, **settings)

    def round(self) -> dict[str, float]:
        """Seconds of each way, and the shares of the peak."""
        dynamic, grouped = self.trainer("dynamic padding"), self.trainer("grouped by length")
        with self._counting("ours", self.ours.model.encoder):
            seconds, share = self.all_steps(self.ours)
        return {
            "dynamic padding": dynamic,
            "grouped by length": grouped,
            "ours": seconds,
            "share of the matrix-product peak": share,
            "the same with PCGrad of four tasks": self.all_steps(self.combined)[1],
        }

    def all_steps(self, engine: Engine) -> tuple[float, float]:
        """Their seconds, and which share of the peak, timed before each of them, they reach."""
        peaks, rates, total = [], [], 0.0
        for step in range(self.steps):
            peaks.append(matrix_rate(self.dtype, engine.model.device))
            seconds = engine.take(step)
            rates.append(flops(engine, step) / seconds)
            total += seconds
        return total, statistics.median(rates) / statistics.median(peaks)

    @contextlib.contextmanager
    def _counting(self, way: str, encoder: torch.nn.Module) -> Iterator[None]:
        """Count what the encoder embeds while the block runs."""

        def add(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            self.processed[way] += inputs[0].numel()

        embeddings: torch.nn.Module = encoder.get_input_embeddings()  # type: ignore[operator]
        hook = embeddings.register_forward_pre_hook(add)
        yield
        hook.remove()

    def trainer(self, way: str) -> float:
        """The Hugging Face Trainer, its own model of the same encoder; the time of `train()` alone."""
        from transformers import (
            AutoModelForSequenceClassification,
            DataCollatorWithPadding,
            PreTrainedTokenizerFast,
            Trainer,
            TrainingArguments,
        )

        tokenizer = PreTrainedTokenizerFast(
            tokenizer_file=str(self.encoder / "tokenizer.json"),
            pad_token="[PAD]",  # noqa: S106
        )
        model = AutoModelForSequenceClassification.from_pretrained(self.encoder, num_labels=LABELS)
        data: list[dict[str, Any]] = [
            {"input_ids": self.split.sequences(row)[0][0].tolist(), "labels": self.split.target(row)}
            for row in range(len(self.split))
        ]
        with tempfile.TemporaryDirectory() as folder:
            settings = TrainingArguments(
                folder, per_device_train_batch_size=self.batch, num_train_epochs=1, learning_rate=RATE,
                optim="adamw_torch_fused", bf16=self.dtype == torch.bfloat16, report_to=[],
                save_strategy="no", logging_strategy="no", disable_tqdm=True, dataloader_pin_memory=False,
            )  # fmt: skip
            trainer = Trainer(
                model, settings, train_dataset=data, data_collator=DataCollatorWithPadding(tokenizer)
            )
            if way == "grouped by length":
                order = grouped(self.split.lengths.tolist(), self.batch)
                trainer._get_train_sampler = lambda dataset=None: order  # type: ignore[method-assign, assignment, return-value]
            with self._counting(way, model):
                start = now()
                trainer.train()
                return now() - start


def grouped(lengths: Sequence[int], batch: int) -> list[int]:
    """Rows in the Trainer's own order by length, in mega-batches as large as of many rows: of few it would
    make smaller ones, which pad more."""
    from transformers.trainer_pt_utils import get_length_grouped_indices

    order: list[int] = get_length_grouped_indices(lengths, batch, MEGA)
    return order


def flops(engine: Engine, step: int) -> int:
    """Multiplications and additions of the products of a step's rows, forward and (twice) backward: those of
    the encoder's linear layers, and 4 L^2 D of attention."""
    linear = [m for m in engine.model.encoder.encoder.modules() if isinstance(m, torch.nn.Linear)]
    weights = sum(module.weight.numel() for module in linear)
    config = engine.model.encoder.config
    width = config.hidden_size * config.num_hidden_layers
    drawn = engine.rows(step).items()
    lengths = [engine.splits[task].lengths[rows] for task, rows in drawn]
    return sum(6 * weights * int(own.sum()) + 12 * width * int((own**2).sum()) for own in lengths)


def matrix_rate(dtype: torch.dtype, device: torch.device) -> float:
    """Operations per second of some products of the shapes that a step has, on a GPU of larger ones."""
    rows, inner, columns = (2048, 384, 1536) if device.type == "cpu" else (8192, 8192, 8192)
    left = torch.randn(rows, inner, device=device).to(dtype)
    right = torch.randn(inner, columns, device=device).to(dtype)
    left @ right
    start = now()
    for _ in range(PRODUCTS):
        left @ right
    return PRODUCTS * 2 * rows * inner * columns / (now() - start)


WAYS = ("dynamic padding", "grouped by length", "ours")


def _summary(rounds: list[dict[str, float]], bench: Bench) -> dict[str, Any]:
    tokens = int(bench.split.tokens.sum())
    result: dict[str, Any] = {
        name: {
            "tokens_per_second": round(tokens / statistics.median(one[name] for one in rounds)),
            **_spread([one[name] / one["ours"] for one in rounds]),
            "real_over_processed": round(tokens * len(rounds) / bench.processed[name], 4),
        }
        for name in WAYS
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


def _goals(result: dict[str, Any], precision: str) -> list[Goal]:
    real = result["ours"]["real_over_processed"]
    speed = "real tokens a second over the Hugging Face Trainer with "
    goals = [Goal("real over processed tokens", real, (real, real), ">= 0.99")]
    goals += [Goal(f"{speed}{way}", *_ratio(result[way]), goal) for way, goal in TOKENS.items()]
    for name in (name for name in result if name not in WAYS):
        goals.append(Goal(name, *_ratio(result[name]), PEAK[precision]))
    return goals


def _ratio(found: dict[str, Any]) -> tuple[float, tuple[float, float]]:
    low, high = found["spread"]
    return found["ratio"], (low, high)


def _print(result: dict[str, Any]) -> None:
    table = Table(title="real tokens per second in training; how often ours are each way's")
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
