"""The service under load, beside what a user would write instead: `python -m benchmarks.serving`.

The packed model of the project in the current folder, with texts of its validation rows, every task that
reads a text, one text a request. The service has one core, its callers another; this program's code is what
is served. Peers: the same model behind a plain FastAPI app that answers one request after the other; a
pipeline for each task, asked in turn (one process with one model, which spares it the memory of six); the
model called in a process. Rounds interleave them. All are eager, in fp32; where the bundle carries another
runtime (`packaging.runtime`), the service is measured with it besides. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks import queues
from benchmarks.clients import LOST, Caller, Heard, closed, drained, opened
from benchmarks.goals import Goal, finish
from benchmarks.texts import lengths
from components import loopback
from components.environment import SERVICE
from components.files import write_manifest
from components.program import ROOT
from components.release.query import serve_environment, stop
from components.release.records import RUNTIMES, BundleCard
from components.settings.release import EAGER

CLIENTS = 32
MANY = 64  # texts in a request
EARLY = 1000  # requests after which memory is looked at first
P99 = 4.0  # times the median of a lone request that the slowest hundredth may take at 80 % of the capacity
START = 180.0  # seconds that a server may take
WORDS = ("the", "market", "report", "a", "good", "price", "was", "said", "London", "of", "very", "bad")
GOLDEN = (math.sqrt(5) - 1) / 2
CORES = sorted(os.sched_getaffinity(0))
ONE_THREAD = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}


def main() -> None:
    arguments = _arguments()
    with contextlib.ExitStack() as stack:
        os.sched_setaffinity(0, CORES[-1:])
        stack.callback(os.sched_setaffinity, 0, CORES)
        bench = Bench(arguments.bundle, arguments.seconds, stack)
        rounds = [bench.round() for _ in range(arguments.rounds)]
        once = {**bench.overload(), **bench.memory(arguments.requests)}
    _print(_goals(rounds, once))
    finish(_goals(rounds, once), seconds=arguments.seconds, rounds=arguments.rounds, **bench.beside)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bundle", type=Path, default=Path("bento/src/bundle"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=12.0, help="of one measurement in a round")
    parser.add_argument("--requests", type=int, default=20_000, help="before memory is looked at again")
    return parser.parse_args()


class Bench:
    """The service and its peers, and each measurement once."""

    def __init__(self, bundle: Path, seconds: float, stack: contextlib.ExitStack) -> None:
        self.seconds, self.stack = seconds, stack
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="serving.")))
        self.card = BundleCard.read(bundle / "card.json")
        self.bundle = self._altered(bundle, "eager")
        self.texts = _texts(self.card)
        self.tasks = [name for name, task in self.card.tasks.items() if task.inputs == ["text"]]
        self.beside: dict[str, Any] = {"tasks": len(self.tasks), "texts": len(self.texts)}
        self.bare = self._bare()
        self.ours = self._service(self.bundle)[1]
        self.chosen = None if self.card.runtime == EAGER else self._service(bundle.absolute())[1]
        self.beside["runtime"] = _running(self.chosen or self.ours)
        self.plain = self._start("-m", "benchmarks.serving_peers", str(self.bundle), without=SERVICE)[1]

    def round(self) -> dict[str, float]:
        """Ratios of this round."""
        alone = self.closed(self.ours, 1)
        many, plain = self.closed(self.ours, CLIENTS), self.closed(self.plain, CLIENTS)
        pipelines = self.closed(self.plain, CLIENTS, [f"/{task}" for task in self.tasks])
        chosen = self.closed(self.chosen, CLIENTS).rate() if self.chosen else math.nan
        steady = self.run(opened(self.ours, self.bodies(), 0.8 * many.rate(), self.seconds))
        self.median, self.capacity = alone.at(0.5), many.rate()
        ideal = queues.steady(self.median, self.capacity, CLIENTS, 0.8, 0.99)
        self.beside["steady, of an ideal queue"] = ideal
        missed = queues.missed(self.median, self.capacity, CLIENTS, 0.8, P99)
        self.beside["steady, later than the goal in any queue"] = missed
        bodies = [{"texts": self.texts[:MANY]}] * max(1, int(self.seconds / 4))
        start = time.perf_counter()
        statuses = self.run(drained([Caller(self.ours, ["/predict"])], iter(bodies)))
        large = (time.perf_counter() - start) / len(bodies) if set(statuses) == {200} else math.inf
        return {
            "plain": many.rate() / plain.rate(),
            "pipelines": many.rate() / pipelines.rate(),
            "chosen": chosen / plain.rate(),
            "chosen, pipelines": chosen / pipelines.rate(),
            "one client": alone.rate() / self.closed(self.plain, 1).rate(),
            "lone": self.median / self._bare_median(),
            "steady": steady.at(0.99) / self.median,
            "large": statistics.median(self.bare(self.texts[:MANY]) for _ in bodies) / large,
            "file": self.file(),
        }

    def file(self) -> float:
        """Of as many texts as the service answers in the time of a measurement, no two alike."""
        count = max(MANY, int(self.seconds * self.capacity))
        texts = [f"{text} {number}" for number, text in enumerate(self._many(count))]
        file = self.folder / "texts.jsonl"
        file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        return self.bare(texts) / self.bare({"file": str(file)})

    def closed(self, port: int, clients: int, paths: Sequence[str] = ("/predict",)) -> Heard:
        """So many clients for a while; the first answers are not counted."""
        self.run(closed([Caller(port, paths)], self.bodies(), self.seconds / 10))
        callers = [Caller(port, paths) for _ in range(clients)]
        heard: Heard = self.run(closed(callers, self.bodies(), self.seconds))
        return heard

    def overload(self) -> dict[str, float]:
        """Twice the capacity, of a service that lets nobody wait longer than the limit of the slowest."""
        limits = self.card.limits.model_copy(update={"max_wait_seconds": P99 * self.median})
        short = self._altered(self.bundle, "short", limits=limits)
        server, port = self._service(short)
        self.run(closed([Caller(port, ["/predict"])], self.bodies(), self.seconds / 4))
        heard = self.run(opened(port, self.bodies(), 2 * self.capacity, self.seconds))
        stop(server)
        limit = 2 * P99 * self.median
        late = sum(status != LOST and seconds > limit for status, seconds in heard.answers)
        counts = Counter(status for status, _ in heard.answers)
        lost = len(heard.answers) - sum(counts[status] for status in (200, 429, 503))
        self.beside["overload"] = {str(status): count for status, count in counts.items()}
        return {"in time": 1 - late / len(heard.answers), "lost": lost}

    def memory(self, requests: int) -> dict[str, float]:
        """Of a service of its own, after many short requests over after the first `EARLY`."""
        server, port = self._service(self.bundle)
        first = self._resident(server.pid, port, EARLY)
        grown = self._resident(server.pid, port, requests - EARLY) / first
        stop(server)
        self.beside["requests"] = requests
        return {"memory": grown}

    def _resident(self, server: int, port: int, requests: int) -> float:
        """Bytes after so many requests; no number where one was not answered, for a refusal takes none."""
        bodies = iter([{"texts": [text[:40]], "tasks": self.tasks[:1]} for text in self._many(requests)])
        statuses = self.run(drained([Caller(port, ["/predict"]) for _ in range(8)], bodies))
        resident = sum(one.memory_info().rss for one in psutil.Process(server).children(recursive=True))
        return resident if set(statuses) == {200} else math.nan

    def _many(self, count: int) -> Iterator[str]:
        return itertools.islice(itertools.cycle(self.texts), count)

    def bodies(self) -> Iterator[dict[str, Any]]:
        """Requests of one text each, without end."""
        return ({"texts": [text]} for text in itertools.cycle(self.texts))

    @staticmethod
    def run(what: Any) -> Any:
        """In an event loop of its own."""
        return asyncio.run(what)

    def _bare_median(self) -> float:
        """Seconds of a text in a process; as many as a lone client asks in a tenth of the time."""
        count = max(5, int(self.seconds / 10 / max(self.median, 1e-3)))
        return statistics.median(self.bare([text]) for text in self._many(count))

    def _altered(self, bundle: Path, name: str, **card: Any) -> Path:
        """A copy of a bundle, without its runtime, whose card says something else."""
        altered = Path(shutil.copytree(bundle, self.folder / name))
        for file in ("manifest.json", RUNTIMES):
            (altered / file).unlink(missing_ok=True)
        self.card.model_copy(update={"runtime": EAGER, **card}).write(altered / "card.json")
        write_manifest(altered)
        return altered

    def _bare(self) -> Callable[[Any], float]:
        process = self._process(
            [sys.executable, "-m", "benchmarks.serving_peers", str(self.bundle)], ROOT, subprocess.PIPE
        )
        assert process.stdin and process.stdout  # noqa: S101 they are pipes
        reading, writing = process.stdout, process.stdin
        if b"ready" not in reading.readline():
            raise RuntimeError("the bare model did not start")

        def seconds(asked: Any) -> float:
            writing.write(json.dumps(asked).encode() + b"\n")
            writing.flush()
            return float(reading.readline())

        return seconds

    def _service(self, bundle: Path) -> tuple[subprocess.Popen[bytes], int]:
        """This program's service with a bundle."""
        home = Path(tempfile.mkdtemp(dir=self.folder))
        for name in ("serving", "components"):
            (home / name).symlink_to(ROOT / name)
        (home / "bundle").symlink_to(bundle)
        where = ("--working-dir", str(home), "--port")
        return self._start("-m", "bentoml", "serve", "serving.service:Onetrunk", *where, home=home)

    def _start(
        self, *command: str, home: Path = ROOT, without: Container[str] = ()
    ) -> tuple[subprocess.Popen[bytes], int]:
        """A server whose command ends with its port."""
        port = loopback.free_port("127.0.0.1")
        process = self._process([sys.executable, *command, str(port)], home, subprocess.DEVNULL, without)
        until = time.monotonic() + START
        while self.run(Caller(port, ["/predict"]).ask({"texts": ["ready"]}))[0] != 200:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"did not start: {' '.join(command)}")
            time.sleep(0.2)
        return process, port

    def _process(
        self, command: list[str], folder: Path, pipe: int, without: Container[str] = ()
    ) -> subprocess.Popen[bytes]:
        """With a core of its own, where there is another for the callers; `without` these variables of a
        service's, which nobody sets for a plain app."""
        ours = {**serve_environment(self.folder), **ONE_THREAD, "PYTHONPATH": str(folder)}
        environment = {name: value for name, value in ours.items() if name not in without}
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
        )
        psutil.Process(process.pid).cpu_affinity(CORES[:1])
        self.stack.callback(stop, process)
        return process


def _running(port: int) -> str:
    """The runtime that a service answers by, which may be another than its bundle wants."""
    name: str = httpx.get(f"http://127.0.0.1:{port}/metadata", trust_env=False).json()["running"]["name"]
    return name


def _texts(card: BundleCard, most: int = 600) -> list[str]:
    """Of the project's validation rows, as many of each task; where there are none, made up."""
    import pyarrow.parquet as pq

    found: list[str] = []
    for name, task in card.tasks.items():
        file = Path("data") / (task.task or name) / "validation.parquet"
        if task.inputs == ["text"] and file.is_file():
            table = pq.read_table(file).slice(0, most // len(card.tasks))
            column = "text" if "text" in table.column_names else "tokens"
            found += [row if isinstance(row, str) else " ".join(row) for row in table[column].to_pylist()]
    draws = np.random.default_rng(0)
    made_up = [" ".join(draws.choice(WORDS, size)) for size in lengths(most, 0)]
    return _mixed(found or made_up)


def _mixed(texts: list[str]) -> list[str]:
    """In an order of which any beginning has short and long texts in about the share that all have: who is
    slow gets through fewer, and must be asked no shorter ones. Ranks step by the golden section (Weyl 1916).
    """
    steps = (GOLDEN * np.arange(len(texts)) + 0.5) % 1
    ranked = sorted(texts, key=len)
    return [ranked[place] for place in np.argsort(steps)]


LINES = {
    "plain": ("throughput of 32 clients, all tasks, over a plain FastAPI app's", ">= 1.8"),
    "pipelines": ("throughput of 32 clients, all tasks, over that of a pipeline for each task", ">= 9"),
    "chosen": ("the first with the runtime that the bundle carries", ">= 4"),
    "chosen, pipelines": ("the second with it", ">= 20"),
    "one client": ("throughput of one client over a plain FastAPI app's", ">= 1"),
    "lone": ("median of a lone request over the model called in a process", "<= 1.3"),
    "steady": ("slowest hundredth at 80 % of the capacity over the median of a lone request", "<= 4"),
    "large": ("texts a second of a request of 64 over sorted batches in a process", ">= 0.9"),
    "file": ("texts a second of `onetrunk predict` on a file over sorted batches in a process", ">= 0.9"),
    "in time": ("of twice the capacity, answered or refused within 8 medians of a lone request", ">= 1"),
    "lost": ("requests that were lost at twice the capacity", "<= 0"),
    "memory": (f"resident memory after all requests over after the first {EARLY:,}", "<= 1.05"),
}

CHOSEN = ("chosen", "chosen, pipelines")


def _goals(rounds: list[dict[str, float]], once: dict[str, float]) -> list[Goal]:
    goals = []
    for key, (line, goal) in LINES.items():
        if key in CHOSEN and math.isnan(rounds[0][key]):  # the bundle has none
            continue
        values = [one[key] for one in rounds] if key in rounds[0] else [once[key]]
        goals.append(Goal(line, statistics.median(values), (min(values), max(values)), goal))
    return goals


def _print(goals: Sequence[Goal]) -> None:
    table = Table(title="the service under load")
    for name in ("", "value", "from", "to", "goal", "reached"):
        table.add_column(name, justify="right" if name else "left")
    for one in goals:
        low, high = one.spread
        reached = "yes" if one.reached else "no"
        table.add_row(one.line, f"{one.value:.3g}", f"{low:.3g}", f"{high:.3g}", one.goal, reached)
    Console().print(table)


if __name__ == "__main__":
    main()
