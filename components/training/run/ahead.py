"""What is needed next is made while the device is at work on what was needed before."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Ahead(Generic[Key, Value]):
    """Gives `make(key)`, which is a function of the key alone, and begins the next one."""

    def __init__(self, make: Callable[[Key], Value]) -> None:
        self._make = make
        self._next: tuple[Key, Future[Value]] | None = None
        self._thread = ThreadPoolExecutor(1, "next step")

    def take(self, key: Key, following: Key | None) -> Value:
        """The value of `key`; that of `following` is begun, if there will be one. A guess that was wrong is
        thrown away, with its error if it had one."""
        guess, future = self._next or (None, None)
        value = future.result() if future is not None and guess == key else self._make(key)
        self._next = None if following is None else (following, self._thread.submit(self._make, following))
        return value

    def close(self) -> None:
        """Begin no more."""
        self._next = None
        self._thread.shutdown(wait=True, cancel_futures=True)
