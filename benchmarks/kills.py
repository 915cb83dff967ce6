"""Random kills of `onetrunk run`, each followed by the same command: `python -m benchmarks.kills`.

A toy project with real git, DVC and Prefect: stages that write folders and files as the pipeline's own do,
a verdict, a release as a tag of git. A round begins with a project that has never run, or with a finished
one whose input has changed. `onetrunk run` is killed at a random instant (SIGKILL: all of its processes, the
run alone, or one process of a stage) up to three times in a row; then the same command must end with 0, in
the bytes of an undisturbed run (every output, dvc.lock, the release), and leave nothing half written and no
process. `--project FOLDER` does the same to copies of a project of yours that has never run.

Nothing but the last command mends anything. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.goals import Goal, finish
from benchmarks.runs_to_kill import Run, digest, left_alive, running, server
from benchmarks.toy_pipeline import make

MOST_IN_A_ROW = 3


@dataclass
class Counts:
    """What happened."""

    kills: Counter[str] = field(default_factory=Counter)  # what was killed -> how often
    rounds: int = 0
    wrong: list[str] = field(default_factory=list)  # a sentence for each round that did not end as it should


@dataclass(frozen=True)
class Start:
    """A project to begin from, what an undisturbed run makes of it, and how long that takes."""

    project: Path
    expected: dict[str, str]
    seconds: float


def start(project: Path, copy: Path) -> Start:
    """Run a copy undisturbed."""
    shutil.copytree(project, copy, symlinks=True)
    began = time.monotonic()
    run = Run(copy, copy.with_suffix(".log"))
    if run.end() != 0:
        raise RuntimeError(f"the undisturbed run failed: {run.log.read_text()[-2000:]}")
    seconds = time.monotonic() - began
    return Start(project, digest(copy), seconds)


def starts_of_the_toy(folder: Path) -> list[Start]:
    """Never run; and finished, then its input changed."""
    finished = folder / "finished"
    new = start(make(folder / "new"), finished)
    (finished / "input.txt").write_text("two\n")
    return [new, start(finished, folder / "undisturbed")]


def one_round(
    begin: Start, folder: Path, chance: random.Random, most: int, counts: Counts, python: str
) -> None:
    """Kill up to `most` times in a row, then let the same command end, by this Python; note what is wrong."""
    project = folder / "killed"
    shutil.copytree(begin.project, project, symlinks=True)
    story = []
    for _ in range(chance.randint(1, min(most, MOST_IN_A_ROW))):
        what, after = chance.choice(["all", "run", "stage"]), chance.uniform(0, begin.seconds)
        with running(project, folder / "killed.log") as run:
            time.sleep(after)
            if run.kill(what, chance):
                counts.kills[what] += 1
                story.append(f"{what} after {after:.2f} s")
    counts.rounds += 1
    with running(project, folder / "last.log", python) as last:
        wrong = _wrong(project, begin, last)
    if wrong:
        counts.wrong.append(f"{begin.project.name}, {', '.join(story)}: {wrong}")
        print(counts.wrong[-1], last.log.read_text()[-1000:], sep="\n", flush=True)
        shutil.move(project, folder / f"wrong-{len(counts.wrong)}")
    else:
        shutil.rmtree(project)


def _wrong(project: Path, begin: Start, last: Run) -> str:
    if (code := last.end()) != 0:
        return f"the same command ended with {code}"
    if alive := left_alive(project):
        return f"left alive: {' '.join(alive[0].cmdline())}"
    found = digest(project)
    names = found.keys() | begin.expected.keys()
    differs = [name for name in sorted(names) if found.get(name) != begin.expected.get(name)]
    return f"not the bytes of an undisturbed run: {', '.join(differs[:5])}" if differs else ""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(prog="python -m benchmarks.kills", description=__doc__)
    result.add_argument("--kills", type=int, default=200, help="default: %(default)s")
    result.add_argument(
        "--seconds", type=float, default=3600.0, help="no round begins later; default: %(default)s"
    )
    result.add_argument("--seed", type=int, default=1, help="of the instants; default: %(default)s")
    result.add_argument("--project", type=Path, help="a project that has never run, instead of the toy")
    return result


@contextmanager
def kept_if(wanted: Callable[[], bool], folder: Path) -> Iterator[None]:
    """Remove the folder at the end, unless it is wanted."""
    try:
        yield
    finally:
        if wanted():
            print(f"what went wrong is in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def kill(
    kills: int,
    seconds: float,
    seed: int,
    project: Path | None = None,
    own_server: bool = True,
    python: str = sys.executable,
) -> Counts:
    """Kill so many times, or for so long; what goes wrong is kept in a folder that is named.

    Without a server of its own, the runs talk to the one of the environment. The last run of a round, which
    nobody kills, is by this Python.
    """
    counts, chance, deadline = Counts(), random.Random(seed), time.monotonic() + seconds  # noqa: S311
    folder = Path(tempfile.mkdtemp(prefix="onetrunk-kills-"))
    prefect = server(folder / "prefect") if own_server else nullcontext()
    with kept_if(lambda: bool(counts.wrong), folder), prefect:
        begins = [start(project.resolve(), folder / "undisturbed")] if project else starts_of_the_toy(folder)
        while counts.kills.total() < kills and time.monotonic() < deadline:
            begin = begins[counts.rounds % len(begins)]
            one_round(begin, folder, chance, kills - counts.kills.total(), counts, python)
            print(_so_far(counts), flush=True)
    return counts


def _so_far(counts: Counts) -> str:
    return f"{counts.kills.total()} kills, {counts.rounds} rounds, {len(counts.wrong)} wrong"


def main() -> None:
    given = parser().parse_args()
    counts = kill(given.kills, given.seconds, given.seed, given.project)
    finish(_goals(counts), kills=dict(counts.kills), rounds=counts.rounds)


def _goals(counts: Counts) -> list[Goal]:
    wrong, kills = float(len(counts.wrong)), float(counts.kills.total())
    return [
        Goal(
            "rounds of kills that did not end in the bytes of an undisturbed run",
            wrong,
            (wrong, wrong),
            "<= 0",
        ),
        Goal("kills", kills, (kills, kills), ">= 200"),
    ]


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    main()
