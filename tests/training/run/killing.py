"""Kills a training, again and again, and lets it end: `python -m tests.training.run.killing` in a project.

Run as a process of its own, which imports everything once and computes nothing, so that each training can be
a fork of it. Prints, as JSON, where it was killed.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

import torch

from components import params, program
from components.tracking.terminal import Terminal
from components.training.run.fit import TRAINED, run
from components.training.run.state import State

KILLS = 20
EVENTS = 60  # about what two checkpoints take: files opened, folders made and renamed, old ones removed
FINAL = Path("final-checkpoint")


class KeepsLast(Terminal):
    """Copies the last checkpoint before a run that has ended removes it."""

    def say(self, text: str) -> None:
        with Path("said.log").open("a") as file:
            file.write(text + "\n")

    def stop(self, state: State) -> None:
        shutil.rmtree(FINAL, ignore_errors=True)  # of a run that was killed after this
        shutil.copytree(max(Path(".onetrunk/checkpoints").glob("*/step-*")), FINAL)
        super().stop(state)


def kill_after(events: int) -> None:
    """SIGKILL at the given event on the disk, counted from the first checkpoint that this process writes."""
    left, writing = events, False

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left, writing
        if event not in ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree"):
            return
        path = str(arguments[0])
        writing = writing or (event == "os.mkdir" and ".step-" in path)
        if writing and "checkpoints" in path:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def start(events: int | None = None) -> int:
    """Fork a training; returns its process id."""
    if child := os.fork():
        return child
    if events is not None:
        kill_after(events)
    try:
        run(params.load(), Path(), KeepsLast())
    except BaseException as error:
        sys.stderr.write(f"{error!r}\n")
        os._exit(1)
    os._exit(0)


def ended(child: int) -> bool:
    """Wait for it; was it killed?"""
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        sys.exit("a training has failed")
    return os.WIFSIGNALED(status)


def newest() -> str:
    return max((path.name for path in Path(".onetrunk/checkpoints").glob("*/step-*")), default="none")


def whole() -> float:
    """An uninterrupted run, into `expected/`; its seconds."""
    started = time.monotonic()
    ended(start())
    seconds = time.monotonic() - started
    Path("expected").mkdir()
    shutil.rmtree(TRAINED)
    for name in ("models/multitask", "reports/training.json", str(FINAL)):
        shutil.move(name, Path("expected") / Path(name).name)
    return seconds


def main() -> None:
    program.written({})  # what the code says is read once, and not by each fork
    torch.set_num_threads(1)
    seconds, draw = whole(), random.Random(11)
    places: list[str] = []
    while len(places) < KILLS:
        inside = len(places) % 2 == 0
        child = start(draw.randint(1, EVENTS) if inside else None)
        if not inside:
            time.sleep(draw.uniform(0, seconds / 4))
            os.kill(child, signal.SIGKILL)
        if ended(child):
            places.append(f"{'in a write' if inside else 'at some instant'} after {newest()}")
        else:  # done before it could be killed
            shutil.rmtree(FINAL)
            shutil.rmtree(TRAINED)
    if not ended(start()):
        sys.stdout.write(json.dumps(places))


if __name__ == "__main__":
    main()
