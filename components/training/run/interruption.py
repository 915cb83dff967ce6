"""Ctrl-C, and SIGTERM as schedulers send it: the step at work is ended and saved before the run ends."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
STDERR = 2


@contextlib.contextmanager
def stop_requested() -> Iterator[Callable[[], bool]]:
    """While the block lasts, the first signal only makes what is yielded true; the next one does what it
    did before. Python hears signals in its main thread alone; in another nothing is changed."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def note(number: int, frame: FrameType | None) -> None:
        asked.set()
        restore()
        os.write(STDERR, b"\nstopping after this step; once more to stop at once\n")

    for number in SIGNALS:
        signal.signal(number, note)
    try:
        yield asked.is_set
    finally:
        restore()
