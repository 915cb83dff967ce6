"""A release in the memory of a worker."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from serving import recording
from serving.batcher import Batcher, Pass
from serving.bundle import RUNNING, Served
from serving.watch import metrics


class Loaded:
    """A release that can answer."""

    def __init__(self, served: Served, note: Callable[[Pass], None] = lambda _: None) -> None:
        """Verify and load it; `note` is told of every pass of its model.

        Raises:
            UserError: a file of the bundle is missing, truncated or altered.
        """
        from serving.predictor import Predictor  # and torch, which who starts the workers need not load

        self.served = served
        predictor = Predictor(served.bundle)
        predictor.warm_up()
        running = RUNNING[served.card.version] = dataclasses.asdict(predictor.running)
        metrics().runtime.labels(served.name, running["name"], running["wanted"]).set(1)
        recording.make_ready(served)
        self.batcher = Batcher(predictor, served.card.limits.max_wait_seconds, note)
        self.users = 0  # requests that it answers
        self.wanted = True

    def close_unused(self) -> None:
        """End its thread where nobody asks it, or will."""
        if not self.wanted and not self.users:
            self.batcher.close()
