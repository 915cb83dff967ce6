"""The next of many is made while the one before is used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Given = TypeVar("Given")
Found = TypeVar("Found")


def one_ahead(make: Callable[[Given], Found], every: Iterable[Given]) -> Iterator[Found]:
    """`make` of each, in their order: all in one thread, which is one ahead. That gains where making lets go
    of the interpreter, as the tokenizers library does."""
    with ThreadPoolExecutor(1, "one ahead") as thread:
        before: Future[Found] | None = None
        for one in every:
            following = thread.submit(make, one)
            if before is not None:
                yield before.result()
            before = following
        if before is not None:
            yield before.result()
