"""The products of matrices that a step holds, and how fast this machine multiplies them when it does nothing
else."""

from __future__ import annotations

import statistics

import torch

from benchmarks.engine import Engine, now

PRODUCTS = 5  # that the peak is timed by, before every step: a tenth of its time


def all_steps(engine: Engine, steps: int, dtype: torch.dtype) -> tuple[float, float]:
    """Their seconds, and which share of the peak, timed before each of them, they reach."""
    peaks, rates, total = [], [], 0.0
    for step in range(steps):
        peaks.append(matrix_rate(dtype, engine.model.device))
        seconds = engine.take(step)
        rates.append(flops(engine, step) / seconds)
        total += seconds
    return total, statistics.median(rates) / statistics.median(peaks)


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
