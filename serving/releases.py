"""The releases that a worker has loaded: the one that answers, and a candidate that is tried beside it.

A request is answered by one of them whole. One that answers no more is freed when its last request has ended.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from serving.bundle import Served, answer_with
from serving.loaded import Loaded
from serving.questions import Answers, Told

Found = tuple[Served, list[Answers]]  # which release answered, and what


class Beside(Protocol):
    """A candidate beside the release that answers (serving/trial.py)."""

    candidate: Loaded

    async def answer(
        self, texts: Sequence[Any], names: Sequence[str] | None, top: int | None, told: Told | None
    ) -> Found:
        """As `Releases.answer`."""


class Releases:
    """What answers. Any thread may change it."""

    def __init__(self, first: Loaded) -> None:
        self._lock = threading.Lock()
        self._first = first
        self._trying: Beside | None = None
        answer_with(first.served)

    @property
    def first(self) -> Loaded:
        """The release that answers whoever is in no trial."""
        return self._first

    @property
    def trying(self) -> Beside | None:
        """What is tried beside it."""
        return self._trying

    def change(self, first: Loaded, trying: Beside | None = None) -> None:
        """From the next request on these answer; what does no more ends after its last request."""
        with self._lock:
            before = self.all()
            self._first, self._trying = first, trying
            answer_with(first.served)
            for loaded in before:
                loaded.wanted = loaded in self.all()
                loaded.close_unused()

    @contextlib.contextmanager
    def use(self, trying: Beside | None = None) -> Iterator[Loaded]:
        """Keep a release while the block asks it: the candidate of a trial, if that still goes on; else the
        one that answers."""
        with self._lock:
            used = trying.candidate if trying is not None and trying is self._trying else self._first
            used.users += 1
        try:
            yield used
        finally:
            with self._lock:
                used.users -= 1
                used.close_unused()

    async def answer(
        self,
        texts: Sequence[Any],
        names: Sequence[str] | None,
        top: int | None,
        told: Told | None = None,
    ) -> Found:
        """Which release answered, and its answers, as those of `Batcher.answer`.

        Raises:
            BadRequestError: as there.
            BusyError: as there.
        """
        if (trying := self._trying) is not None:
            return await trying.answer(texts, names, top, told)
        with self.use() as loaded:
            return loaded.served, await loaded.batcher.answer(texts, names, top, told)

    def all(self) -> list[Loaded]:
        """Those in memory, but for what is still leaving it."""
        return [self._first, *([self._trying.candidate] if self._trying else [])]
