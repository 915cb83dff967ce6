"""Loads a release for a worker: every byte of it checked, asked what it was asked before it was released; in
bounded time, and not where workers have died of it."""

from __future__ import annotations

import contextlib
import math
import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from components.errors import UserError
from components.evaluation.answers import Exchange, rounded
from components.rollout.agreement import is_near, is_sound
from components.rollout.mark import Mark, acquit, deaths
from components.rollout.records import DEATHS, Target
from serving import group
from serving.batcher import ordinary
from serving.bundle import Served
from serving.loaded import Loaded
from serving.requests import Item
from serving.watch import metrics

SECONDS = 600.0  # in which a release is loaded and has answered
FORGIVEN = 3600.0  # seconds until a champion has another try: workers are killed for other reasons too
PAUSE = 0.5  # seconds between two looks whether it is still wanted
TURN = ".loading"  # in the folder of a service: the worker that loads a release holds a lock on it


class UnwantedError(UserError):
    """Something else is to be loaded meanwhile."""


@contextlib.contextmanager
def alone(folder: Path, wanted: Callable[[], bool]) -> Iterator[None]:
    """One worker of a service at a time, for as long as this one is `wanted`: of a release that ends whoever
    loads it two die, and not all; and there is room for one more model, not for one more in each.

    Raises:
        UnwantedError: it is not wanted any more.
    """
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):  # a full disk: then all at once
            file = held.enter_context((folder / TURN).open("wb"))
            while not group.locked(file):
                if not wanted():
                    raise UnwantedError("it is no longer wanted")
                time.sleep(PAUSE)
        yield


def begin_trial(folder: Path, of: str, within: float = math.inf) -> Mark:
    """A mark in the folder of a service; whoever calls ends it.

    Raises:
        UserError: workers have died of what is to be on trial, in the last so many seconds.
        OSError: the disk is full.
    """
    if (died := deaths(folder, within)[of]) >= DEATHS:
        raise UserError(f"{died} workers have died while it was at work")
    return Mark(folder, of)


def load_champion(target: Target, folder: Path, wanted: Callable[[], bool] = lambda: True) -> Loaded:
    """As `load`; a disk that is full keeps no champion from answering. Once it is loaded, nobody has died of
    it: two that were killed by chance, each in another change, would keep a worker from it for ever.

    Raises:
        UserError: as there, or workers have died of it.
    """
    try:
        mark = begin_trial(folder, target.release, FORGIVEN)
    except OSError:
        return load(target, None, wanted)
    try:
        found = load(target, mark, wanted)
    finally:
        mark.end()
    acquit(folder, target.release)
    return found


def load(target: Target, mark: Mark | None, wanted: Callable[[], bool] = lambda: True) -> Loaded:
    """Load a release and ask it its questions, for as long as it is `wanted`.

    Raises:
        UserError: it is damaged, hangs, or does not answer as it did.
        UnwantedError: it is not wanted any more.
    """
    loading = _Loading(target)
    try:
        return _waited_for(loading, target, mark, wanted)
    except BaseException:  # whoever wanted it may fail as well
        loading.leave()
        raise


def _waited_for(loading: _Loading, target: Target, mark: Mark | None, wanted: Callable[[], bool]) -> Loaded:
    until = time.monotonic() + SECONDS
    with mark.at_work() if mark else contextlib.nullcontext():
        while wanted() and time.monotonic() < until:
            if (found := loading.wait(PAUSE)) is not None:
                return found
    if not wanted():
        raise UnwantedError(f"release {target.release}: it is no longer wanted")
    raise UserError(f"release {target.release}: it has not answered its examples after {SECONDS:.0f} s")


class _Loading:
    """A thread of its own, since nothing ends one that hangs."""

    def __init__(self, target: Target) -> None:
        self._target, self._left = target, threading.Event()
        self._found: queue.Queue[Loaded | Exception] = queue.Queue()
        threading.Thread(target=self._load, name="loading", daemon=True).start()

    def wait(self, seconds: float) -> Loaded | None:
        """What was loaded, or raises why it was not; None if it still loads."""
        with contextlib.suppress(queue.Empty):
            found = self._found.get(timeout=seconds)
            if isinstance(found, Exception):
                raise found
            return found
        return None

    def leave(self) -> None:
        """Nobody wants it any more, whether it is loaded yet or not."""
        self._left.set()
        self._drop()

    def _load(self) -> None:
        try:
            found = _loaded(self._target)
        except BaseException as error:
            self._found.put(ordinary(error))
            return
        self._found.put(found)
        if self._left.is_set():
            self._drop()

    def _drop(self) -> None:
        """End the model's thread, which would keep the model in memory for ever."""
        with contextlib.suppress(queue.Empty):
            if isinstance(found := self._found.get_nowait(), Loaded):
                found.batcher.close()


def _loaded(target: Target) -> Loaded:
    loaded = Loaded(served(target), metrics().of_pass)
    try:
        ask(loaded, target)
    except BaseException:
        loaded.batcher.close()
        raise
    return loaded


def ask(loaded: Loaded, target: Target) -> None:
    """Ask a release that nobody else asks yet what it was asked before it was released.

    Raises:
        UserError: a task does not answer, not as it did, or with a number that is none.
    """
    examples = {head: task.example for head, task in loaded.served.card.tasks.items() if task.example}
    for head, example in examples.items():
        known = target.expected.get(head, Exchange(question=example, answer={}))
        (answers,) = loaded.batcher.predictor.predict([Item.model_validate(known.question)], [head])
        found = rounded(answers[head].model_dump())
        said = f"release {target.release}: task '{head}' answers its example with {found!s:.200}, expected"
        if known.answer and not is_near(known.answer, found):
            raise UserError(f"{said} {known.answer!s:.200}, as before it was released")
        if not is_sound(found):
            raise UserError(f"{said} numbers")


def served(target: Target) -> Served:
    """A release of the plan, as a service knows it."""
    return Served(Path(target.bundle), target.release)
