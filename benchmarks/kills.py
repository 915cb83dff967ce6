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
import hashlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.goals import Goal, finish
from components.release.git import Git

CHECKOUT = Path(__file__).parents[1]
UNCOMPARED = {".git", ".dvc", ".onetrunk", "__pycache__"}  # not what a run makes
MOST_IN_A_ROW = 3
BUSY = ("PREFECT_SERVER_DATABASE_TIMEOUT", "PREFECT_SERVER_DATABASE_CONNECTION_TIMEOUT")  # a busy machine
GONE_SECONDS = 60.0  # a server's last worker may take a moment, on a busy machine more
ENDS_SECONDS = 300.0

WORK = '''
"""work.py STAGE: read what the stage depends on, write what it makes, as the pipeline's own stages do."""
import hashlib, pathlib, sys, time
from components.files import atomic_folder, write_json
from components.release.git import Git, turn

stage, _, name = sys.argv[1].partition("@")
text = pathlib.Path("input.txt").read_text()


def folder(path, source):
    with atomic_folder(pathlib.Path(path)) as target:
        for part in range(20):
            (target / f"{part}.txt").write_text(f"{source}{part}\\n" * 500)
            time.sleep(0.01)


def below(path):
    files = sorted(p for p in pathlib.Path(path).rglob("*") if p.is_file())
    return hashlib.sha256(b"".join(str(p).encode() + p.read_bytes() for p in files)).hexdigest()


if stage == "ingest":
    folder(f"data/{name}", name + text)
elif stage == "encode":
    folder(f"encoded/{name}", below(f"data/{name}"))
elif stage == "plan":
    write_json(pathlib.Path("reports/plan.json"), below("encoded"))
elif stage == "train":
    time.sleep(0.5)
    folder("models/multitask", below("encoded") + below("reports/plan.json"))
elif stage == "gate":
    write_json(pathlib.Path("reports/gate.json"), {"model": below("models")})
else:
    model, git = below("models")[:12], Git(pathlib.Path())
    tag, blob = f"refs/tags/toy@{model}", git("hash-object", "-w", "--stdin", text=model.encode())
    with turn(git) as mine:
        if not git("for-each-ref", tag):
            mine.create({tag: blob})
    write_json(pathlib.Path("reports/release.json"), {"release": model})
'''

DVC = """
stages:
  ingest:
    foreach: [left, right]
    do:
      cmd: python work.py ingest@${item}
      deps: [work.py, input.txt]
      outs:
        - data/${item}
  encode:
    foreach: [left, right]
    do:
      cmd: python work.py encode@${item}
      deps:
        - data/${item}
      outs:
        - encoded/${item}
  plan: {cmd: python work.py plan, deps: [encoded], outs: [reports/plan.json]}
  train: {cmd: python work.py train, deps: [encoded, reports/plan.json], outs: [models/multitask]}
  gate: {cmd: python work.py gate, deps: [models/multitask], outs: [reports/gate.json]}
  release:
    cmd: python work.py release
    deps: [reports/gate.json, models/multitask]
    outs: [reports/release.json]
"""


@dataclass
class Counts:
    """What happened."""

    kills: Counter[str] = field(default_factory=Counter)  # what was killed -> how often
    rounds: int = 0
    wrong: list[str] = field(default_factory=list)  # a sentence for each round that did not end as it should


def make(folder: Path) -> Path:
    """Write the toy project."""
    folder.mkdir(parents=True)
    shutil.copy(CHECKOUT / "params.yaml", folder)
    (folder / "dvc.yaml").write_text(DVC)
    (folder / "work.py").write_text(WORK)
    (folder / "input.txt").write_text("one\n")
    ignored = ("data", "encoded", "models", "reports", ".onetrunk")
    (folder / ".gitignore").write_text("".join(f"/{name}\n" for name in ignored))
    for command in (["git", "init", "-q"], [sys.executable, "-m", "dvc", "init", "-q"]):
        subprocess.run(command, cwd=folder, check=True, env=environment())
    return folder


def environment() -> dict[str, str]:
    """For a process in a project that imports this checkout."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    quiet = {"DVC_NO_ANALYTICS": "1", "DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    return {**os.environ, **quiet, "PATH": path, "PYTHONPATH": str(CHECKOUT)}


@contextmanager
def server(home: Path) -> Iterator[None]:
    """One Prefect server for all runs, so that a run takes seconds; its address is in the environment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    os.environ |= {"PREFECT_HOME": str(home), "PREFECT_API_URL": f"http://127.0.0.1:{port}/api"}
    os.environ |= dict.fromkeys(BUSY, "60")
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(
        command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_until_healthy(os.environ["PREFECT_API_URL"], process)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):  # noqa: S310
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("Prefect's server did not start")


class Run:
    """`onetrunk run` in a project, in a session of its own."""

    def __init__(self, project: Path, log: Path) -> None:
        self.log = log
        with log.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "flows.cli", "run"], cwd=project, env=environment(),
                stdout=file, stderr=file, start_new_session=True,
            )  # fmt: skip

    def kill(self, what: str, chance: random.Random) -> bool:
        """Send SIGKILL to "all" of its processes, the "run" alone or a process of a "stage" (of which
        there may be none: then to the run); was it alive?"""
        if self.process.poll() is not None:
            return False
        main = psutil.Process(self.process.pid)
        below = main.children(recursive=True)
        victims = {"all": [main, *below], "run": [main], "stage": [chance.choice(below or [main])]}
        for victim in victims[what]:
            try:
                victim.kill()
            except psutil.NoSuchProcess:
                continue
        self.process.wait(ENDS_SECONDS)  # of a killed stage, the run itself ends in its own time
        return True

    def end(self) -> int:
        """Wait for it and return its exit code."""
        return self.process.wait(ENDS_SECONDS)


@contextmanager
def running(project: Path, log: Path) -> Iterator[Run]:
    """A run that has ended, or is killed, when the block ends."""
    run = Run(project, log)
    try:
        yield run
    finally:
        run.kill("all", random.Random())  # noqa: S311


def digest(project: Path) -> dict[str, str]:
    """File -> SHA-256 of all that a run makes and is made from, dvc.lock with it; tag -> object."""
    files = (path for path in project.rglob("*") if path.is_file())
    named = {path.relative_to(project): path for path in files}
    told = Git(project)("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    tags = dict(line.split() for line in told)
    return tags | {
        name.as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in sorted(named.items())
        if not UNCOMPARED & set(name.parts)
    }


def left_alive(project: Path) -> list[psutil.Process]:
    """The processes that carry the project's mark after a moment."""
    deadline = time.monotonic() + GONE_SECONDS
    while found := [process for process in psutil.process_iter() if _carries(process, project)]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.1)
    return found


def _carries(process: psutil.Process, project: Path) -> bool:
    try:
        return bool(process.environ().get("ONETRUNK_RUN_OF") == str(project))
    except (psutil.Error, OSError):
        return False


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


def one_round(begin: Start, folder: Path, chance: random.Random, most: int, counts: Counts) -> None:
    """Kill up to `most` times in a row, then let the same command end; note what is not as it should be."""
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
    with running(project, folder / "last.log") as last:
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
    kills: int, seconds: float, seed: int, project: Path | None = None, own_server: bool = True
) -> Counts:
    """Kill so many times, or for so long; what goes wrong is kept in a folder that is named.

    Without a server of its own, the runs talk to the one of the environment.
    """
    counts, chance, deadline = Counts(), random.Random(seed), time.monotonic() + seconds  # noqa: S311
    folder = Path(tempfile.mkdtemp(prefix="onetrunk-kills-"))
    prefect = server(folder / "prefect") if own_server else nullcontext()
    with kept_if(lambda: bool(counts.wrong), folder), prefect:
        begins = [start(project.resolve(), folder / "undisturbed")] if project else starts_of_the_toy(folder)
        while counts.kills.total() < kills and time.monotonic() < deadline:
            begin = begins[counts.rounds % len(begins)]
            one_round(begin, folder, chance, kills - counts.kills.total(), counts)
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
