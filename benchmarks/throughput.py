"""Real tokens per second in training against the Hugging Face Trainer: `python -m benchmarks.throughput`.

MiniLM with one classification head on one CPU thread, synthetic rows of lognormal length (mean 30, tail
to 256), AdamW (fused), dropout 0.1, the same rows for all. Peers: the Trainer with dynamic padding, and
with rows grouped by length. A round trains each on the same number of rows; the time is the thread's own,
so other programs disturb it little. Beside it, the share of the matrix-product peak that our training
reaches, the peak measured in the same process in turn with it. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch.nn.functional import cross_entropy

from benchmarks.texts import lengths
from components.environment import quiet
from components.model.multitask import MultiTaskModel
from components.model.tensors import Rows, pad

ENCODER = Path("downloads/minilm")
HEAD, LABELS, RATE = "topic", 4, 2e-5


def main() -> None:
    quiet()
    arguments = _arguments()
    if importlib.util.find_spec("accelerate") is None:
        sys.exit("the Hugging Face Trainer needs accelerate, which is not installed: pip install accelerate")
    torch.set_num_threads(1)
    bench = Bench(arguments)
    ways: dict[str, Callable[[], float]] = {
        "dynamic padding": lambda: bench.trainer("random"),
        "grouped by length": lambda: bench.trainer("group_by_length"),
        "ours": bench.ours,
    }
    rounds = []
    for _ in range(arguments.rounds):
        peak = matrix_peak(bench.dtype)
        seconds = {name: way() for name, way in ways.items()}
        rounds.append({**seconds, "peak share": bench.flops / seconds["ours"] / peak})
    result = _summary(rounds, list(ways), bench.tokens)
    _print(result)
    print(json.dumps({"rows": arguments.rows, "precision": arguments.precision, **result}))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoder", type=Path, default=ENCODER)
    parser.add_argument("--rows", type=int, default=512)
    parser.add_argument("--batch", type=int, default=64, help="rows of a step, for all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    return parser.parse_args()


class Bench:
    """The rows, and each way to train on them once."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.encoder, self.batch = arguments.encoder, arguments.batch
        self.dtype = torch.bfloat16 if arguments.precision == "bf16" else torch.float32
        draw = np.random.default_rng(0)
        sizes = lengths(arguments.rows, 1)
        self.rows = [draw.integers(1000, 30000, size) for size in sizes]
        self.labels = draw.integers(0, LABELS, arguments.rows)
        self.tokens = int(sizes.sum())
        card = {"family": "classification", "facts": {"labels": [str(n) for n in range(LABELS)]}}
        self.model = MultiTaskModel.from_encoder(self.encoder, {HEAD: card}, 0.1, 1).train()
        linear = [m for m in self.model.encoder.encoder.modules() if isinstance(m, torch.nn.Linear)]
        weights = sum(module.weight.numel() for module in linear)
        width = self.model.encoder.config.hidden_size * self.model.encoder.config.num_hidden_layers
        # Multiplications and additions of the products, forward and (twice) backward; 4 L^2 D of attention.
        self.flops = 6 * weights * self.tokens + 12 * width * int((sizes**2).sum())

    def ours(self) -> float:
        """Packed steps, each of `batch` rows of similar length, as the loop makes them."""
        optimiser = torch.optim.AdamW(self.model.parameters(), lr=RATE, weight_decay=0.0, fused=True)
        start = time.process_time()
        for rows in self._steps():
            tensors = pad([(self.rows[row], np.zeros(len(self.rows[row]))) for row in rows])
            with torch.autocast("cpu", torch.bfloat16, enabled=self.dtype == torch.bfloat16):
                logits = self.model(*tensors, {HEAD: Rows(torch.arange(len(rows)))})[HEAD]
            cross_entropy(logits.float(), torch.from_numpy(self.labels[rows])).backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        return time.process_time() - start

    def _steps(self) -> Iterator[np.ndarray]:
        by_length = np.argsort([-len(row) for row in self.rows], kind="stable")
        chunks = [by_length[i : i + self.batch] for i in range(0, len(by_length), self.batch)]
        yield from (chunks[i] for i in np.random.default_rng(2).permutation(len(chunks)))

    def trainer(self, sampling: str) -> float:
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
            {"input_ids": row.tolist(), "labels": int(label)}
            for row, label in zip(self.rows, self.labels, strict=True)
        ]
        with tempfile.TemporaryDirectory() as folder:
            settings = TrainingArguments(
                folder, per_device_train_batch_size=self.batch, num_train_epochs=1, learning_rate=RATE,
                optim="adamw_torch_fused", bf16=self.dtype == torch.bfloat16, use_cpu=True, report_to=[],
                save_strategy="no", logging_strategy="no", disable_tqdm=True,
                train_sampling_strategy=sampling,
            )  # fmt: skip
            trainer = Trainer(
                model, settings, train_dataset=data, data_collator=DataCollatorWithPadding(tokenizer)
            )
            start = time.process_time()
            trainer.train()
        return time.process_time() - start


def matrix_peak(dtype: torch.dtype) -> float:
    """Operations per second of products of the shapes that a step has."""
    left, right = torch.randn(2048, 384).to(dtype), torch.randn(384, 1536).to(dtype)
    best = 0.0
    for _ in range(5):
        start = time.process_time()
        for _ in range(10):
            left @ right
        best = max(best, 10 * 2 * 2048 * 384 * 1536 / (time.process_time() - start))
    return best


def _summary(rounds: list[dict[str, float]], ways: list[str], tokens: int) -> dict[str, Any]:
    base = ways[0]
    result: dict[str, Any] = {
        name: {
            "tokens_per_second": round(tokens / statistics.median(one[name] for one in rounds)),
            **_spread([one[base] / one[name] for one in rounds]),
        }
        for name in ways
    }
    result["share of the matrix-product peak"] = _spread([one["peak share"] for one in rounds])
    return result


def _spread(ratios: list[float]) -> dict[str, Any]:
    return {
        "ratio": round(statistics.median(ratios), 3),
        "spread": [round(min(ratios), 3), round(max(ratios), 3)],
    }


def _print(result: dict[str, Any]) -> None:
    table = Table(title="real tokens per second in training, over the Trainer with dynamic padding")
    for name in ("", "tokens/s", "ratio", "from", "to"):
        table.add_column(name, justify="right" if name else "left")
    for name, one in result.items():
        speed = one.get("tokens_per_second")
        table.add_row(
            name, f"{speed:,}" if speed else "", f"{one['ratio']:g}", *(f"{x:g}" for x in one["spread"])
        )
    Console().print(table)


if __name__ == "__main__":
    main()
