"""Watching a run: the terminal always, and the loggers that `logging` in params.yaml names.

`loggers/` holds one file per logger, found by its name: adding one adds its file and touches no other.
None of this shapes the weights, so a change here is no reason to train again.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path

from components.training.run.watcher import All, Logger, Run, Seen, Watcher

__all__ = ["All", "Logger", "Run", "Seen", "Watcher", "build", "logger", "names"]


def build(chosen: Sequence[str], root: Path) -> Watcher:
    """The terminal and the chosen loggers; these write below `root`/.onetrunk."""
    from components.tracking.terminal import Terminal

    return All([Terminal(), *(logger(name)(root / ".onetrunk") for name in chosen)])


def names() -> list[str]:
    """List the loggers, without importing them."""
    return sorted(f.stem for f in (Path(__file__).parent / "loggers").glob("*.py") if f.stem != "__init__")


def logger(name: str) -> type[Logger]:
    """The class of the logger called `name` (KeyError where there is none)."""
    if name not in names():
        raise KeyError(name)
    found: type[Logger] = importlib.import_module(f"components.tracking.loggers.{name}").LOGGER
    return found
