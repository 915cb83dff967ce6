"""Hooks that can be told to look away."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


class Pausable:
    """Has hooks on a model, which leave alone what runs within `paused`."""

    _paused = False

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Forward and backward passes within are of no task: an adversary follows the losses' gradient."""
        self._paused = True
        try:
            yield
        finally:
            self._paused = False
