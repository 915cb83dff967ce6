"""cost: size, start-up time, latency and memory of the model beside the champion's, in one run."""

from __future__ import annotations

import contextlib
import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean, median, stdev
from typing import Annotated, Any

from pydantic import Field

from components import families
from components.errors import UserError
from components.evaluation.difference import Interval, quantile
from components.evaluation.gates.asking import Models
from components.evaluation.gates.base import FurtherGate
from components.evaluation.records import Finding
from components.families.base.capabilities import Candidates
from components.settings.project import Project
from components.settings.section import Positive, Unit

SHIPPED = ("config.json", "model.safetensors", "tokenizer.json")
Questions = list[dict[str, Any]]  # {"heads": [...], "question": {...}}
Pairs = Sequence[Mapping[str, float]]  # what was measured side by side: {"model": 0.1, "champion": 0.1}
Ratio = Annotated[float, Field(gt=0), Unit("times the champion's")]


class Cost(FurtherGate):
    """Both models are loaded by the service's own predictor, in processes that take turns, and asked the
    tasks' examples. Times are of this machine at this hour, so evaluation.json is no longer the same bytes
    from run to run; their ratios hold. What fails a limit is held, never rejected."""

    size: Ratio = 1.5  # the most that the model's files may take
    startup: Ratio = 1.5  # the most seconds until it can answer
    latency: Ratio = 1.5  # the most seconds of an answer
    memory: Ratio = 1.5  # the most memory, at its peak
    # of each model's process; what one start is like says nothing of how far others differ
    starts: Annotated[int, Field(ge=2)] = 3
    rounds: Positive = 20  # of questions in each process

    def of_model(self, project: Project, models: Models) -> Iterator[Finding]:
        if models.champion is None:
            return
        folders = {"model": models.root / "models/multitask", "champion": models.champion.tokenizer.parent}
        questions = asked(project, models)
        sizes = {who: float(size_of(folder)) for who, folder in folders.items()}
        confidence = project.evaluation.confidence
        yield self._finding("size", [[sizes]], confidence)
        measured = [measure(folders, questions, self.rounds) for _ in range(self.starts)]
        for name in ("startup", "latency", "memory"):
            yield self._finding(name, [run[name] for run in measured], confidence)

    def _finding(self, name: str, by_start: Sequence[Pairs], confidence: float) -> Finding:
        """The median of the ratios of those that were measured side by side: more is better, so it is the
        champion's number over the model's."""
        pairs = [one for start in by_start for one in start]
        value, most = median(map(_ratio, pairs)), getattr(self, name)
        own, other = (median(one[who] for one in pairs) for who in ("model", "champion"))
        unit = "s" if name in ("startup", "latency") else "bytes"
        said = f"{name} is {1 / value:.2f} times the champion's ({own:.4g} against {other:.4g} {unit})"
        return Finding(
            gate="cost",
            what=f"{name}: the champion's over this model's",
            rows=len(pairs),
            value=value,
            interval=interval(value, by_start, confidence),
            limit=1 / most,
            outcome="pass" if value * most >= 1 else "hold",
            why="" if value * most >= 1 else f"{said}, more than {most:g}",
        )


def interval(value: float, by_start: Sequence[Pairs], confidence: float) -> Interval:
    """Student's, of the logarithm, over the starts: answers of one process are alike, so that they count as
    one, their median. What is measured once, a size, is known."""
    logs = [math.log(median(map(_ratio, start))) for start in by_start]
    if len(logs) == 1:
        return [value, value]
    half = quantile((1 + confidence) / 2, len(logs) - 1) * stdev(logs) / math.sqrt(len(logs))
    low, high = math.exp(mean(logs) - half), math.exp(mean(logs) + half)
    return [min(low, value), max(high, value)]


def _ratio(pair: Mapping[str, float]) -> float:
    return pair["champion"] / pair["model"]


def asked(project: Project, models: Models) -> Questions:
    """The examples of the tasks whose heads both models answer by themselves: without an index that is made
    when a model is packaged."""
    assert models.champion is not None  # noqa: S101
    known = [models.champion.cards, models.candidate.cards]
    found = []
    for name, task in project.released().items():
        heads = [
            head
            for head, annotation in task.annotations(name).items()
            if all(head in cards for cards in known)
            and not isinstance(families.get(annotation.family), Candidates)
        ]
        if heads and task.example:
            found.append({"heads": heads, "question": task.example})
    return found


def size_of(folder: Path) -> int:
    """Bytes of what is shipped of a model."""
    return sum((folder / name).stat().st_size for name in SHIPPED)


def measure(
    folders: Mapping[str, Path], questions: Questions, rounds: int
) -> dict[str, list[dict[str, float]]]:
    """Start both, the one after the other, and ask them in turns; seconds and bytes, side by side."""
    with contextlib.ExitStack() as stack:
        started = {who: stack.enter_context(_started(folder)) for who, folder in folders.items()}
        startup = {who: seconds for who, (_, seconds) in started.items()}
        processes = {who: process for who, (process, _) in started.items()}
        line, count = json.dumps(questions) + "\n", max(1, len(questions))
        latency = [_answers(processes, line, folders, count) for _ in range(rounds)]
        memory = _answers(processes, "\n", folders)
    return {"startup": [startup], "latency": latency, "memory": [memory]}


@contextlib.contextmanager
def _started(folder: Path) -> Iterator[tuple[subprocess.Popen[str], float]]:
    """A process that is ready, and the seconds that took."""
    begin = time.perf_counter()
    command = [sys.executable, "-m", "serving.measure", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            _read(process, folder)
            yield process, time.perf_counter() - begin
        finally:
            process.kill()


def _answers(
    processes: Mapping[str, subprocess.Popen[str]], line: str, folders: Mapping[str, Path], of: int = 1
) -> dict[str, float]:
    """What each says to the same line, per one of so many."""
    return {who: _answer(process, line, folders[who]) / of for who, process in processes.items()}


def _answer(process: subprocess.Popen[str], line: str, folder: Path) -> float:
    assert process.stdin is not None  # noqa: S101
    process.stdin.write(line)
    process.stdin.flush()
    return float(_read(process, folder))


def _read(process: subprocess.Popen[str], folder: Path) -> Any:
    assert process.stdout is not None  # noqa: S101
    line = process.stdout.readline()
    if not line:
        raise UserError(f"evaluation.gates.cost: {folder} cannot be loaded as the service does; see above")
    return json.loads(line)


GATE = Cost
