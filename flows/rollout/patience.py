"""Patience with what fails beside a service that runs: it is tried ever more seldom, and logged once."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable

from components.errors import UserError, disk_sentence

SHORTEST, LONGEST = 2.0, 600.0  # seconds to the next attempt; each time twice as many
LOG = logging.getLogger("onetrunk.rollout")


class Patience:
    """With one thing."""

    def __init__(self, what: str) -> None:
        """`what` has failed, in the words of the log."""
        self.what = what
        self._seconds, self._until = 0.0, -math.inf  # of the last pause, and its end

    def attempt(self, do: Callable[[], object]) -> None:
        """Do it, unless it has failed lately."""
        if time.monotonic() < self._until:
            return
        try:
            do()
        except Exception as error:
            if not self._seconds:
                log(self.what, error)
            self._seconds = min(max(SHORTEST, 2 * self._seconds), LONGEST)
            self._until = time.monotonic() + self._seconds
        else:
            self._seconds = 0.0


def log(what: str, error: Exception) -> None:
    """What was foreseen is a sentence; all else has its traceback."""
    LOG.error("%s: %s", what, sentence(error), exc_info=None if _is_known(error) else error)


def sentence(error: Exception) -> str:
    """The error in words."""
    if isinstance(error, UserError):
        return str(error)
    return disk_sentence(error) or f"{type(error).__name__}: {error}"


def _is_known(error: Exception) -> bool:
    return isinstance(error, UserError) or disk_sentence(error) is not None
