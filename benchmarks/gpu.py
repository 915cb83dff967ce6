"""A training step on a GPU, checked and timed: `python -m benchmarks.gpu`, or all there is to do on a GPU,
`benchmarks/gpu.sh`. Steps are the loop's: deterministic, and timed from when what they read is made.

Is its gradient the CPU's, and the same twice? How often does the host wait for the device, what is launched,
and what do more tasks and a combination of their gradients cost? Does it find how much memory there is? Is
the host's work hidden behind the device's? With `--dry-run` all of it is tiny and runs on the CPU, where the
numbers say nothing. With `--ready` it only says what is missing. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import statistics
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import nn
from torch.profiler import ProfilerActivity, profile

from benchmarks.engine import Engine, deterministic, now, plan_of, write
from benchmarks.goals import Goal, finish
from benchmarks.peak import flops, matrix_rate
from components.environment import quiet
from components.model.blocks import blocks

ENCODER = Path("downloads/minilm")
SUM: dict[str, Any] = {}
COMBINED: dict[str, Any] = {"balancing": {"combination": "pcgrad"}}
STEP = {4: "<= 1.05", 8: "<= 1.08", 32: "<= 1.25"}  # a combination's step over the plain sum's
GPU = torch.cuda.is_available()


def main() -> None:
    quiet()
    arguments = _arguments()
    if not arguments.dry_run and (missing := _missing(arguments.encoder)):
        sys.exit(missing)
    if arguments.ready:
        return
    torch.set_num_threads(1 if arguments.dry_run else torch.get_num_threads())
    with tempfile.TemporaryDirectory(prefix="gpu.") as folder, deterministic():
        bench = Bench(arguments, Path(folder))
        goals = [*_checks(bench), *_launches(bench), *_timings(bench), *_memory(bench)]
    _print(goals)
    finish(_goals(goals, arguments.dry_run), device=torch.cuda.get_device_name() if GPU else "cpu")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoder", type=Path, default=ENCODER)
    parser.add_argument("--tokens", type=int, default=32_768, help="of a step")
    parser.add_argument("--tasks", type=int, nargs="+", default=list(STEP))
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="bf16")
    parser.add_argument("--dry-run", action="store_true", help="tiny, and without goals")
    parser.add_argument("--ready", action="store_true", help="say what is missing, and do no more")
    found = parser.parse_args()
    if found.dry_run:
        found.tokens, found.tasks, found.steps = 400, [2], 2
    return found


def _missing(encoder: Path) -> str | None:
    """What is to be there before a GPU's minutes begin."""
    if not GPU:
        return "torch finds no GPU here, expected one; `benchmarks/gpu.sh --dry-run` is for a CPU"
    if not (encoder / "model.safetensors").is_file():
        return f"{encoder}: no encoder there; `python -m components.stages.download minilm` brings it"
    if importlib.util.find_spec("accelerate") is None:
        return "the Hugging Face Trainer, the peer of benchmarks.throughput, needs accelerate: pip install it"
    return None


class Bench:
    """Engines over synthetic tasks of short texts."""

    def __init__(self, arguments: argparse.Namespace, folder: Path) -> None:
        self.arguments, self.folder = arguments, folder
        self.encoder = _tiny_encoder(folder) if arguments.dry_run else arguments.encoder

    def engine(self, tasks: int, dropout: bool = True, **settings: Any) -> Engine:
        """As many tasks as asked for, which share the tokens of each step."""
        rows_per_step = max(tasks, self.arguments.tokens // 30)
        names = [f"task{number}" for number in range(tasks)]
        place = Path(tempfile.mkdtemp(dir=self.folder))
        splits = {
            name: write(place, name, [name], max(64, 2 * rows_per_step // tasks), seed)
            for seed, name in enumerate(names)
        }
        plan = plan_of(names, len(splits[names[0]]), self.arguments.steps, rows_per_step)
        budget = 2 * self.arguments.tokens
        settings = {"precision": self.arguments.precision, "tokens_per_micro_batch": budget, **settings}
        found = Engine(self.encoder, splits, {name: [name] for name in names}, plan, **settings)
        for module in found.model.modules() if not dropout else ():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        return found


def _tiny_encoder(folder: Path) -> Path:
    from transformers import BertConfig, BertModel

    config = BertConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64)
    BertModel(config, add_pooling_layer=False).save_pretrained(folder / "encoder")
    return folder / "encoder"


def gradient(engine: Engine) -> torch.Tensor:
    """That of the first step, before it is clipped to next to nothing, on the host; weights stay."""
    engine.stepper.optimiser = torch.optim.SGD(engine.model.parameters(), 0.0)
    engine.stepper.take(0, engine.rows(0))
    found = [
        p.grad.detach().flatten().double().cpu() for p in engine.model.parameters() if p.grad is not None
    ]
    return torch.cat(found)


def _checks(bench: Bench) -> list[Goal]:
    goals = []
    for name, way in (("sum", SUM), ("pcgrad", COMBINED)):
        for precision, most in (("fp32", "<= 1e-4"), ("bf16", "<= 0.05")):
            engine = bench.engine(2, dropout=False, precision=precision, clip=1e9, **way)
            found = gradient(engine)
            torch.nn.Module.to(engine.model, "cpu")
            engine.stepper.training = engine.training.model_copy(update={"precision": "fp32"})
            expected = gradient(engine)
            error = float((found - expected).norm() / expected.norm())
            goals.append(_value(f"{name}, {precision}: gradient's distance from the CPU's", error, most))
        twice = bench.engine(2, clip=1e9, **way)
        same = float((gradient(twice) != gradient(twice)).sum())
        goals.append(_value(f"{name}: entries that differ when the step is taken twice", same, "<= 0"))
    return goals


def _launches(bench: Bench) -> list[Goal]:
    goals = []
    for name, way in (("sum", SUM), ("pcgrad", COMBINED)):
        few, many = bench.engine(2, **way), bench.engine(8, **way)
        (two, attention), (eight, _) = _launched(few), _launched(many)
        goals.append(_value(f"{name}: launches of a step with 8 tasks over 2", eight / two, "<= 1.1"))
        line = f"{name}: calls of the attention for any lengths, with dropout, in a block"
        goals.append(_value(line, attention, ">= 1"))
        goals.append(_value(f"{name}: how often the host waits in a step", _waits(few), "<= 1"))
    return goals


def _launched(engine: Engine) -> tuple[int, float]:
    """Kernels of a step (where there is no GPU, operations), and how often it calls the kernel of attention
    in each of the encoder's blocks."""
    engine.take(0)
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if GPU else [])]
    with profile(activities=activities) as seen:
        engine.take(1)
    kind, events = "CUDA" if GPU else "CPU", seen.events()
    calls = sum(event.name == "aten::_flash_attention_forward" for event in events)
    return sum(event.device_type.name == kind for event in events), calls / len(blocks(engine.model.encoder))


def _waits(engine: Engine) -> int:
    """As torch itself says it; 0 where there is no GPU to wait for."""
    if not GPU:
        return 0
    engine.take(2)
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            engine.stepper.take(3, engine.rows(3))
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return sum("synchroniz" in str(warning.message) for warning in seen)


def _timings(bench: Bench) -> list[Goal]:
    goals = []
    for tasks in bench.arguments.tasks:
        plain, combined = bench.engine(tasks), bench.engine(tasks, **COMBINED)
        rounds = [_round(bench, plain, combined, step) for step in range(bench.arguments.steps)][1:]
        ratios = sorted(one.combined / one.plain for one in rounds)
        middle, spread = statistics.median(ratios), (ratios[0], ratios[-1])
        goals.append(Goal(f"K={tasks}: a step with PCGrad over the sum's", middle, spread, STEP.get(tasks)))
        more = _peak(combined) / _peak(plain) if GPU else 1.0
        goals.append(_value(f"K={tasks}: peak memory with PCGrad over the sum's", more, "<= 1.1"))
        speed = statistics.median(one.tokens / one.plain for one in rounds)
        goals.append(_value(f"K={tasks}: real tokens a second", speed))
        rate, peak = (statistics.median(getattr(one, name) for one in rounds) for name in ("rate", "peak"))
        goals.append(_value(f"K={tasks}: share of the matrix-product peak", rate / peak, ">= 0.6"))
    goals.append(_value("share of the host's work hidden behind the device's", _hidden(plain), ">= 0.95"))
    return goals


@dataclass(frozen=True)
class Round:
    """A step of the plain sum and one of a combination, in turns with products that time the peak."""

    plain: float  # seconds
    combined: float  # likewise
    tokens: int  # of the step
    rate: float  # operations a second of the plain step
    peak: float  # and of the products


def _round(bench: Bench, plain: Engine, combined: Engine, step: int) -> Round:
    dtype = torch.bfloat16 if bench.arguments.precision == "bf16" else torch.float32
    peak = matrix_rate(dtype, plain.model.device)
    seconds, other = (engine.take(step, engine.made(step)) for engine in (plain, combined))
    tokens = sum(int(plain.splits[task].tokens[rows].sum()) for task, rows in plain.rows(step).items())
    return Round(seconds, other, tokens, flops(plain, step) / seconds, peak)


def _peak(engine: Engine) -> int:
    """The most bytes that an engine has while it takes a step; what else is on the device is not counted."""
    gc.collect()
    others = torch.cuda.memory_allocated() - _held(engine)
    torch.cuda.reset_peak_memory_stats()
    engine.take(1)
    return torch.cuda.max_memory_allocated() - others


def _held(engine: Engine) -> int:
    """The bytes that it has between two steps."""
    moments = [one for state in engine.stepper.optimiser.state.values() for one in state.values()]
    weights = [*engine.model.parameters(), *engine.model.buffers()]
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    return sum(one.nbytes for one in (*moments, *weights, *gradients) if one.device == engine.model.device)


def _hidden(engine: Engine) -> float:
    """1 - (seconds of steps that make what the next reads meanwhile - seconds of those that find it made) /
    seconds of making it. The first step of a run has none before it and is not counted."""
    from components.training.run.ahead import Ahead
    from components.training.run.loop import AHEAD

    stepper, (first, *steps) = engine.stepper, range(engine.plan.steps)
    start = time.perf_counter()
    ready = {step: engine.made(step) for step in steps}
    making = time.perf_counter() - start
    stepper.take(first, *engine.made(first))
    start = now()
    for step in steps:
        stepper.take(step, *ready[step])
    found, ahead = now() - start, Ahead(engine.made)
    stepper.take(first, *ahead.take(first, steps[:AHEAD]))
    start = now()
    for place, step in enumerate(steps):
        stepper.take(step, *ahead.take(step, steps[place + 1 : place + 1 + AHEAD]))
    meanwhile = now() - start
    ahead.close()
    return 1 - (meanwhile - found) / making


def _memory(bench: Bench) -> list[Goal]:
    """Micro-batches that grow as far as a part of the memory allows, and go on where it ends."""
    engine = bench.engine(2, tokens_per_micro_batch="auto")
    if GPU:
        gc.collect()
        torch.cuda.empty_cache()
        total = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(
            min(1.0, (torch.cuda.memory_allocated() + 2 * 2**30) / total)
        )
    for step in range(engine.plan.steps):
        engine.take(step)
    if GPU:
        torch.cuda.set_per_process_memory_fraction(1.0)
    tokens, ended = engine.stepper.micro_batch_tokens, float(not engine.stepper.grows)
    return [
        _value("tokens of a micro-batch, found by doubling", tokens, ">= 4096"),
        _value("doubling met the end of the memory, and went on", ended, ">= 1"),
    ]


def _value(line: str, value: float, goal: str | None = None) -> Goal:
    return Goal(line, value, (value, value), goal)


def _goals(measured: list[Goal], dry_run: bool) -> list[Goal]:
    """As they were measured; a dry run promises nothing."""
    return [Goal(one.line, one.value, one.spread, None if dry_run else one.goal) for one in measured]


def _print(goals: list[Goal]) -> None:
    table = Table(title="a training step on this device")
    for name in ("", "value", "goal"):
        table.add_column(name, justify="right" if name else "left")
    for one in goals:
        table.add_row(one.line, f"{one.value:.4g}", one.goal or "")
    Console().print(table)


if __name__ == "__main__":
    main()
