"""What a draw of the mixture and a row of a batch cost: `python -m benchmarks.mixture`.

- First index, time and memory of a task of 10 M rows against torch's WeightedRandomSampler over the same
  number, each run in a process of its own, in turns; and the same at 10^9 rows, which the sampler refuses.
- Gathering the rows of a batch from the memory-mapped file against the `datasets` library on that file.
- Tokenising a task, reading and writing its files included, against `encode_batch_fast` on the texts alone,
  on one core and on two.

Data are synthetic. Everything runs on one core and in the process's own time, so that other programs disturb
it little; but for a first index, which waits for a new process's memory too, and for tokenising on two cores:
both by the clock. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.goals import Goal, finish
from benchmarks.rows import LABELS, TOKENIZER

CORES = 2  # that tokenising may take where it is let
ONE_CORE = {"OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": str(CORES), "TOKENIZERS_PARALLELISM": "false"}
LARGE, HUGE = 10_000_000, 10**9
REFUSED = 2**24 + 1
WINDOW, ROWS_PER_STEP = 16, 64.0
BLOCK = 1 << 16  # draws that are timed together


def main() -> None:
    arguments = _arguments()
    os.environ.update(ONE_CORE)
    if arguments.alone:
        print(json.dumps(ALONE[arguments.alone]()))
        return
    result = {
        "draws": _draws(arguments.rounds),
        "steps": _steps(),
        **_rows(arguments.rows, arguments.tokenizer, arguments.rounds),
    }
    _print(result)
    finish(_goals(result), results=result)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000, help="of the file that is gathered from")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokenizer", type=Path, default=TOKENIZER)
    parser.add_argument("--alone", choices=list(ALONE), help=argparse.SUPPRESS)
    return parser.parse_args()


def _spread(values: list[float]) -> dict[str, float]:
    """The median and the quartiles."""
    low, middle, high = np.percentile(values, [25, 50, 75]).tolist()
    return {"median": middle, "low": low, "high": high}


def _timed(work: Callable[[], Any], clock: Callable[[], float] = time.process_time) -> float:
    start = clock()
    work()
    return clock() - start


def _in_turns(
    rounds: int, works: dict[str, Callable[[], Any]], clock: Callable[[], float]
) -> dict[str, list[float]]:
    """Seconds of each, one after the other in every round."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            times[name].append(_timed(work, clock))
    return times


# --- draws, each way in a process of its own ---------------------------------------------------------


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _ours(rows: int) -> dict[str, float]:
    from components.data.mixture.draws import Plan, TaskPlan, draw

    before, start = _peak_mib(), time.perf_counter()
    plan = Plan(10**9, ROWS_PER_STEP, WINDOW, {"t": TaskPlan(rows, 1.0)})
    draw(plan, "t", 1, 0, 1)
    first = time.perf_counter() - start
    times = [_timed(partial(draw, plan, "t", 1, at, at + BLOCK)) for at in range(0, LARGE // 2, BLOCK)]
    each = statistics.median(times) / BLOCK
    return {"first_s": first, "ns_a_draw": each * 1e9, "mib": _peak_mib() - before}


def _sampler(rows: int) -> dict[str, float]:
    import torch
    from torch.utils.data import WeightedRandomSampler

    torch.set_num_threads(1)
    before, start = _peak_mib(), time.perf_counter()
    indices = iter(WeightedRandomSampler(torch.ones(rows, dtype=torch.double), rows))  # type: ignore[arg-type]
    next(indices)
    first = time.perf_counter() - start
    drawn = 1 + sum(1 for _ in indices)
    each = (time.perf_counter() - start) / drawn
    return {"first_s": first, "ns_a_draw": each * 1e9, "mib": _peak_mib() - before}


def _refusal() -> dict[str, str]:
    try:
        _sampler(REFUSED)
    except RuntimeError as error:
        return {"said": str(error).splitlines()[0]}
    return {"said": ""}


ALONE: dict[str, Callable[[], dict[str, Any]]] = {
    "ours": lambda: _ours(LARGE),
    "huge": lambda: _ours(HUGE),
    "sampler": lambda: _sampler(LARGE),
    "refusal": _refusal,
}


def _alone(name: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.mixture", "--alone", name]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _draws(rounds: int) -> dict[str, Any]:
    runs: dict[str, list[dict[str, float]]] = {"ours": [], "huge": [], "sampler": []}
    for _ in range(rounds):
        for name, found in runs.items():
            found.append(_alone(name))
    result: dict[str, Any] = {
        name: {key: _spread([run[key] for run in found]) for key in found[0]} for name, found in runs.items()
    }
    pairs = zip(runs["sampler"], runs["ours"], strict=True)
    sooner = [theirs["first_s"] / mine["first_s"] for theirs, mine in pairs]
    return {**result, "sooner": _spread(sooner), "refusal": _alone("refusal")["said"]}


def _steps() -> dict[str, dict[str, float]]:
    """The rows of one step, its window included: microseconds at the first step and far into the run."""
    from components.data.batches.batching import step_rows
    from components.data.mixture.draws import Plan, TaskPlan

    lengths = {"t": np.full(LARGE, 30)}
    plan = Plan(10**9, ROWS_PER_STEP, WINDOW, {"t": TaskPlan(LARGE, 1.0)})
    found = {}
    for step in (0, 41_007, 10**8):
        times = [_timed(partial(step_rows, plan, 1, step, lengths)) * 1e6 for _ in range(200)]
        found[str(step)] = _spread(times)
    return found


# --- rows ----------------------------------------------------------------------------------------------


def _write(folder: Path, rows: int) -> None:
    """Synthetic texts of 3 to 60 made-up words."""
    from components.data.ingest.ingest import ingest
    from components.settings.project import Task

    rng = random.Random(7)  # noqa: S311
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 9))) for _ in range(20_000)]
    with (folder / "rows.csv").open("w") as file:
        file.write("text,label\n")
        for _ in range(rows):
            length = min(60, max(3, int(rng.lognormvariate(2.6, 0.6))))
            file.write(f"{' '.join(rng.choices(words, k=length))},{rng.choice(LABELS)}\n")
    task = Task.model_validate(
        {
            "family": "classification",
            "source": {"path": str(folder / "rows.csv"), "format": "csv"},
            "columns": {"text": "text", "label": "label"},
            "splits": {"validation": 0.01, "test": 0.01},
            "cleaning": {},
            "max_length": 128,
            "gate": {"metric": "accuracy", "floor": 0.5},
            "example": {"text": "a"},
        }
    )
    ingest("t", task, 1, folder / "data/t")


def _rows(rows: int, tokenizer: Path, rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="mixture.") as name:
        folder = Path(name)
        _write(folder, rows)
        return {
            "tokenising": _tokenising(folder, tokenizer, rounds, time.process_time),
            "tokenising on two cores": _on_two_cores(folder, tokenizer, rounds),
            "gather": _gather(folder, rounds),
        }


def _on_two_cores(folder: Path, tokenizer: Path, rounds: int) -> dict[str, Any]:
    """The library reads the variable at every call."""
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    found = _tokenising(folder, tokenizer, rounds, time.perf_counter)
    os.environ.update(ONE_CORE)
    return found


def _tokenising(folder: Path, file: Path, rounds: int, clock: Callable[[], float]) -> dict[str, Any]:
    import pyarrow.parquet as pq
    from tokenizers import Tokenizer

    from components.data.encoding.encode import encode
    from components.data.encoding.split import EncodedSplit

    splits = ("train", "validation", "test")
    texts = [
        text
        for split in splits
        for text in pq.read_table(folder / f"data/t/{split}.parquet")["text"].to_pylist()
    ]
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.enable_truncation(128)
    tokenizer.no_padding()
    times = _in_turns(
        rounds,
        {
            "ours": lambda: encode(folder / "data/t", file, folder / "encoded/t"),
            "fast": lambda: _encode_fast(tokenizer, texts),
        },
        clock,
    )
    tokens = sum(int(EncodedSplit(folder / f"encoded/t/{split}.arrow").tokens.sum()) for split in splits)
    ratios = [fast / ours for ours, fast in zip(times["ours"], times["fast"], strict=True)]
    speeds = {name: _spread([tokens / seconds for seconds in found]) for name, found in times.items()}
    return {"tokens_a_second": speeds, "ratio": _spread(ratios)}


def _encode_fast(tokenizer: Any, texts: list[str]) -> None:
    """In batches as large as ours, the encodings dropped as they come."""
    from components.data.encoding.encode import PIECE

    for at in range(0, len(texts), PIECE):
        tokenizer.encode_batch_fast(texts[at : at + PIECE])


def _gather(folder: Path, rounds: int) -> dict[str, Any]:
    """Microseconds a row: random batches of one step, their tokens ready to be put into a tensor."""
    import datasets

    from components.data.encoding.split import EncodedSplit

    datasets.disable_progress_bars()
    split = EncodedSplit(folder / "encoded/t/train.arrow")
    # datasets maps the stream format, so it reads a copy in its own.
    table = datasets.Dataset(datasets.table.InMemoryTable(split.table))
    table.save_to_disk(str(folder / "peer"))
    peer = datasets.load_from_disk(str(folder / "peer")).select_columns(["input_ids", "segment_ids"])
    arrays = peer.with_format("numpy")
    draw = np.random.default_rng(1)
    batches = [draw.integers(0, len(split), int(ROWS_PER_STEP)) for _ in range(200)]
    ways: dict[str, Callable[[np.ndarray], Any]] = {
        "ours": split.gather,
        "datasets": lambda rows: peer[rows],
        "datasets, numpy": lambda rows: arrays[rows],
    }
    each_round = [
        {name: statistics.median(_timed(lambda: way(rows)) for rows in batches) for name, way in ways.items()}  # noqa: B023
        for _ in range(rounds)
    ]
    ratios = [medians["datasets"] / medians["ours"] for medians in each_round]
    each = {name: _spread([medians[name] / ROWS_PER_STEP * 1e6 for medians in each_round]) for name in ways}
    return {"us_a_row": each, "ratio": _spread(ratios)}


def _goals(result: dict[str, Any]) -> list[Goal]:
    ours, huge = result["draws"]["ours"], result["draws"]["huge"]
    return [
        _goal(
            "10 M rows: first index, times sooner than WeightedRandomSampler",
            result["draws"]["sooner"],
            ">= 300",
        ),
        _goal("10 M rows: ns a draw", ours["ns_a_draw"], "<= 30"),
        _goal("10^9 rows: ns a draw", huge["ns_a_draw"], "<= 30"),
        _goal("10^9 rows: memory of the draws, MiB", huge["mib"], "<= 16"),
        _goal("gathering, microseconds a row", result["gather"]["us_a_row"]["ours"], "<= 1"),
        _goal("gathering, times faster than datasets", result["gather"]["ratio"], ">= 12"),
        _goal("tokenising, speed over encode_batch_fast", result["tokenising"]["ratio"], ">= 0.9"),
        _goal(
            "tokenising on two cores, speed over encode_batch_fast",
            result["tokenising on two cores"]["ratio"],
            ">= 0.95",
        ),
    ]


def _goal(line: str, found: dict[str, float], goal: str | None = None) -> Goal:
    return Goal(f"{line} (quartiles)", found["median"], (found["low"], found["high"]), goal)


def _print(result: dict[str, Any]) -> None:
    table = Table(title="medians and quartiles; one core, synthetic data")
    for name in ("", "ours", "peer", "goal"):
        table.add_column(name, justify="left" if not name else "right")
    ours, huge, peer = (result["draws"][name] for name in ("ours", "huge", "sampler"))
    table.add_row("first index of 10 M rows, ms", *(_cell(run["first_s"], 1e3) for run in (ours, peer)))
    table.add_row("  times sooner", _cell(result["draws"]["sooner"]), "", ">= 300")
    table.add_row("ns a draw", *(_cell(run["ns_a_draw"]) for run in (ours, peer)), "<= 30")
    table.add_row("memory, MiB", *(_cell(run["mib"]) for run in (ours, peer)), "O(tasks)")
    table.add_row("ns a draw of 10^9 rows", _cell(huge["ns_a_draw"]), "refused", "works")
    table.add_row("memory of 10^9 rows, MiB", _cell(huge["mib"]), "refused", "O(tasks)")
    for step, found in result["steps"].items():
        table.add_row(f"rows of step {int(step):,}, us", _cell(found), "", "O(window)")
    gather = result["gather"]["us_a_row"]
    table.add_row("gather, us a row", _cell(gather["ours"]), _cell(gather["datasets"]), "<= 1")
    table.add_row("  datasets with numpy", "", _cell(gather["datasets, numpy"]))
    for name, goal in (("tokenising", ">= 0.9"), ("tokenising on two cores", ">= 0.95")):
        speeds = result[name]["tokens_a_second"]
        table.add_row(f"{name}, k tokens/s", *(_cell(speeds[way], 1e-3) for way in ("ours", "fast")))
        table.add_row("  ours over encode_batch_fast", _cell(result[name]["ratio"]), "", goal)
    console = Console()
    console.print(table)
    console.print(f"WeightedRandomSampler over 2^24 + 1 rows: {result['draws']['refusal'] or 'works'}")


def _cell(found: dict[str, float], scale: float = 1) -> str:
    middle, low, high = (found[key] * scale for key in ("median", "low", "high"))
    return f"{middle:,.4g} ({low:,.3g} to {high:,.3g})"


if __name__ == "__main__":
    main()
