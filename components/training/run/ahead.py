"""What is needed next is made while the device is at work on what was needed before."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Ahead(Generic[Key, Value]):
    """Gives `make(key)`, which is a function of the key alone, and begins those that follow."""

    def __init__(self, make: Callable[[Key], Value]) -> None:
        self._make = make
        self._begun: deque[tuple[Key, Future[Value]]] = deque()
        self._thread = ThreadPoolExecutor(1, "next steps")

    def take(self, key: Key, following: Sequence[Key]) -> Value:
        """The value of `key`; those of `following` are begun, in their order. Guesses that were wrong are
        thrown away, with their errors if they had any."""
        if self._begun and self._begun[0][0] != key:
            self._forget()
        value = self._begun.popleft()[1].result() if self._begun else self._make(key)
        for one in following[len(self._begun) :]:
            self._begun.append((one, self._thread.submit(self._make, one)))
        return value

    def _forget(self) -> None:
        """What is at work is waited for: of two at a time, both would open what they read first."""
        while self._begun:
            future = self._begun.pop()[1]
            if not future.cancel():
                wait([future])

    def close(self) -> None:
        """Begin no more."""
        self._forget()
        self._thread.shutdown(wait=True, cancel_futures=True)
