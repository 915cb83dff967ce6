"""What exact combination of gradients costs over the plain sum: `python -m benchmarks.combination`.

Steps of about 4,000 tokens (lognormal lengths, mean 30, tail to 256) of K tasks with rows of their own,
through MiniLM on one CPU thread: forward, backward, PCGrad, clipping, AdamW. Ours and the peers, LibMTL
and torchjd, start from the same packed forward pass. Each round times every way on the same batch; the
time is the thread's own, so other programs disturb it little. The peak memory of each way is that of a
process of its own. A peer that is not installed is left out. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from benchmarks.goals import Goal, finish
from benchmarks.texts import lengths
from components.data.batches.tensors import Rows, pad
from components.data.contract.cards import HeadCard
from components.environment import restart_tuned
from components.model.multitask import MultiTaskModel
from components.training import balancing
from components.training.gradients.separate import task_gradients

ENCODER = Path("downloads/minilm")
Step = Callable[["Bench"], None]


def main() -> None:
    restart_tuned()  # as the stages that train do: their memory is kept from step to step
    arguments = _arguments()
    torch.set_num_threads(1)
    if arguments.way:
        bench = Bench(arguments.encoder, arguments.tokens, arguments.tasks[0])
        for _ in range(2):
            bench.step(WAYS[arguments.way])
        print(json.dumps({"peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
        return
    ways = ["sum", "ours", *(name for name in ("LibMTL", "torchjd") if importlib.util.find_spec(name))]
    # Memory first: a child's peak counts from what its parent held when it was started.
    memory = {tasks: {way: _peak(arguments, tasks, way) for way in ways} for tasks in arguments.tasks}
    results = {f"K={tasks}": _compare(arguments, tasks, memory[tasks]) for tasks in arguments.tasks}
    _print(results)
    finish(_goals(results), tokens=arguments.tokens, results=results)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoder", type=Path, default=ENCODER)
    parser.add_argument("--tasks", type=int, nargs="+", default=[4, 8, 32])
    parser.add_argument("--tokens", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--way", choices=list(WAYS), help=argparse.SUPPRESS)
    return parser.parse_args()


class Bench:
    """A model with K heads, a batch for them, and an optimiser."""

    def __init__(self, encoder: Path, tokens: int, tasks: int) -> None:
        self.heads = [f"task{number}" for number in range(tasks)]
        card = HeadCard(
            family="classification", facts={"labels": ["a", "b", "c"]}, task="", max_length=0, inputs=[]
        )
        self.model = MultiTaskModel.from_encoder(encoder, dict.fromkeys(self.heads, card), 0.1, 1)
        self.model.train()
        self.shared = [
            p for name, p in self.model.encoder.named_parameters() if not name.startswith("pooler")
        ]
        self.optimiser = torch.optim.AdamW(self.model.parameters(), lr=1e-5, fused=True)
        self.combination = balancing.combination("pcgrad")()
        self.number = 0
        self.batch(tokens)

    def batch(self, tokens: int) -> None:
        """Rows up to the budget, dealt out to the tasks, each task's from long to short."""
        draw = np.random.default_rng(0)
        sizes = lengths(4000, 0)
        sizes = sizes[: int((sizes.cumsum() <= tokens).sum())]
        owners = np.arange(len(sizes)) % len(self.heads)
        order = np.lexsort((-sizes, owners))
        self.tensors = pad([(draw.integers(1000, 30000, sizes[row]), np.zeros(sizes[row])) for row in order])
        self.rows = {
            head: Rows(torch.from_numpy(np.flatnonzero(owners[order] == number)))
            for number, head in enumerate(self.heads)
        }
        self.labels = {
            head: torch.from_numpy(draw.integers(0, 3, len(rows.places))) for head, rows in self.rows.items()
        }

    def losses(self) -> dict[str, torch.Tensor]:
        logits = self.model(*self.tensors, self.rows)
        return {
            head: torch.nn.functional.cross_entropy(logits[head], self.labels[head]) for head in self.heads
        }

    def step(self, way: Step) -> float:
        """Seconds of the thread."""
        start = time.process_time()
        torch.manual_seed(self.number)
        self.number += 1
        self.optimiser.zero_grad(set_to_none=True)
        way(self)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        return time.process_time() - start


def plain_sum(bench: Bench) -> None:
    torch.stack(list(bench.losses().values())).sum().backward()


def ours(bench: Bench) -> None:
    with task_gradients(bench.model, bench.heads) as gradients:
        gradients.backward(bench.losses(), bench.tensors[1], bench.rows)
    factors = bench.combination.factors(gradients.gramian(), 1, bench.number)
    weights = dict(zip(bench.heads, factors.tolist(), strict=True))
    gradients.apply(weights, dict.fromkeys(bench.heads, 1.0))


def _weightings_of_libmtl() -> None:
    """Let LibMTL's weightings be imported without its image models, which need torchvision."""
    if "LibMTL" not in sys.modules and (found := importlib.util.find_spec("LibMTL")):
        package = types.ModuleType("LibMTL")
        package.__path__ = list(found.submodule_search_locations or [])
        sys.modules["LibMTL"] = package


def libmtl(bench: Bench) -> None:
    """LibMTL's PCGrad; its gradients are set to zero, not to None, as in the torch that it was made for."""
    _weightings_of_libmtl()
    from LibMTL.weighting.PCGrad import PCGrad

    way = PCGrad()
    way.task_num, way.rep_grad, way.device = len(bench.heads), False, bench.model.device
    way.get_share_params = lambda: bench.shared
    way.zero_grad_share_params = functools.partial(bench.model.encoder.zero_grad, set_to_none=False)
    way.backward(list(bench.losses().values()))


def torchjd(bench: Bench) -> None:
    """mtl_backward, differentiating one task at a time, which is its fastest on a CPU, then PCGrad."""
    from torchjd.aggregation import PCGrad
    from torchjd.autojac import jac_to_grad, mtl_backward

    states: list[torch.Tensor] = []
    inner = bench.model.states

    def watched(*tensors: Any) -> tuple[torch.Tensor, torch.Tensor]:
        hidden, index = inner(*tensors)
        states.append(hidden)
        return hidden, index

    bench.model.states = watched  # type: ignore[method-assign, assignment]
    try:
        losses = list(bench.losses().values())
    finally:
        del bench.model.states
    mtl_backward(losses, features=states, shared_params=bench.shared, parallel_chunk_size=1)
    jac_to_grad(bench.shared, PCGrad())


WAYS: dict[str, Step] = {"sum": plain_sum, "ours": ours, "LibMTL": libmtl, "torchjd": torchjd}


def _compare(arguments: argparse.Namespace, tasks: int, memory: dict[str, float]) -> dict[str, Any]:
    bench = Bench(arguments.encoder, arguments.tokens, tasks)
    bench.step(plain_sum), bench.step(ours)  # the first of each pays for memory that is kept
    rounds = [{name: bench.step(WAYS[name]) for name in memory} for _ in range(arguments.rounds)]
    return {
        name: {
            "seconds": round(statistics.median(one[name] for one in rounds), 3),
            **_spread([one[name] / one["sum"] for one in rounds]),
            "peak_mib": round(memory[name]),
            "memory_ratio": round(memory[name] / memory["sum"], 3),
        }
        for name in memory
    }


def _spread(ratios: list[float]) -> dict[str, Any]:
    return {
        "ratio": round(statistics.median(ratios), 3),
        "spread": [round(min(ratios), 3), round(max(ratios), 3)],
    }


STEP = {4: "<= 1.05", 8: "<= 1.08", 32: "<= 1.25"}  # over the plain sum
PEERS = {8: ">= 5"}  # the peers' step over ours
MEMORY = "<= 1.1"


def _goals(results: dict[str, dict[str, Any]]) -> list[Goal]:
    goals = []
    for name, ways in results.items():
        tasks, mine = int(name.removeprefix("K=")), ways["ours"]
        step, memory = f"{name}: step time over the plain sum", f"{name}: peak memory over the plain sum"
        goals.append(Goal(step, mine["ratio"], tuple(mine["spread"]), STEP.get(tasks)))
        goals.append(Goal(memory, mine["memory_ratio"], (mine["memory_ratio"],) * 2, MEMORY))
        for peer in set(ways) - {"sum", "ours"}:
            low, high = ways[peer]["spread"]
            spread = (low / mine["spread"][1], high / mine["spread"][0])
            line = f"{name}: {peer}'s step time over ours"
            goals.append(Goal(line, ways[peer]["ratio"] / mine["ratio"], spread, PEERS.get(tasks)))
    return goals


def _peak(arguments: argparse.Namespace, tasks: int, way: str) -> float:
    command = [sys.executable, "-m", "benchmarks.combination", "--way", way, "--tasks", str(tasks)]
    command += ["--encoder", str(arguments.encoder), "--tokens", str(arguments.tokens)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1])["peak_mib"])


def _print(results: dict[str, dict[str, Any]]) -> None:
    table = Table(title="a step with PCGrad over one with the plain sum")
    for name in ("tasks", "way", "seconds", "ratio", "from", "to", "peak MiB", "ratio "):
        table.add_column(name, justify="left" if name in {"tasks", "way"} else "right")
    for tasks, ways in results.items():
        for name, way in ways.items():
            numbers = [way["seconds"], way["ratio"], *way["spread"], way["peak_mib"], way["memory_ratio"]]
            table.add_row(tasks, name, *(f"{number:g}" for number in numbers))
    Console().print(table)


if __name__ == "__main__":
    main()
