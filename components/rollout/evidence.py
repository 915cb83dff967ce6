"""What a trial has shown so far, request by request.

Whether a canary fails or is slow more often than the release beside it is asked of the bad requests alone:
each was the candidate's with the chance of its share, if the candidate is no worse, whoever the callers are
and whatever they send, since callers are drawn (a conditional test of two rates, after Przyborowski &
Wilenski 1940, played sequentially by `Bets`). A caller who says who he is counts once (`Callers`), so
that one with many bad requests is hardly a proof; of others each request counts. Slow is what
takes longer than nine in ten of the other's answers before it; that may be twice as often the candidate's. A
shadow's failures are held against FAILURES; the time that it takes where nobody waits says nothing.
"""

from __future__ import annotations

import hashlib
import random
from collections import deque
from pathlib import Path

from components.rollout.callers import Callers
from components.rollout.records import TESTS, Counts, Trial

WINDOW, ENOUGH, EVERY = 1000, 100, 50  # answers of the other, by which slow is: the last, at least, looked at
SLOW = 0.9  # of them are faster
TIMES = 2.0  # as often the candidate may be slow
FAILURES = 0.01  # of a shadow's answers


class Evidence:
    """Counts what a trial has shown. Called by one thread at a time."""

    def __init__(self, trial: Trial, counts: Counts, folder: Path | None = None) -> None:
        """Go on with `counts`; in `folder` is what the workers of the service share."""
        self.trial, self.counts = trial, counts
        share = trial.share
        self.margins = {"errors": share, "slow": TIMES * share / (TIMES * share + 1 - share)}
        self.known = {name: Callers(folder and folder / f"callers-{name}-{trial.began}") for name in TESTS}
        self.times: deque[float] = deque(maxlen=WINDOW)  # of the release beside
        self.slow: float | None = None  # seconds

    def answered(self, by_candidate: bool, seconds: float, caller: str | None) -> None:
        """A request was answered, by the candidate or by the release beside it."""
        if by_candidate:
            self.counts.answered += 1
        else:
            self.counts.others += 1
        self.left(by_candidate, seconds, caller)
        if not by_candidate:
            self._remember(seconds)

    def left(self, by_candidate: bool, seconds: float, caller: str | None) -> None:
        """Nobody waits any more for what has taken so long; whoever hung up early has shown nothing."""
        if self.slow is not None and seconds > self.slow:
            self._bad("slow", by_candidate, caller)

    def failed(self, by_candidate: bool, caller: str | None) -> None:
        """A canary, or the release beside it, has failed to answer a request."""
        self._bad("errors", by_candidate, caller)

    def shadowed(self, failed: bool) -> None:
        """A shadow has answered a request, or failed to."""
        self.counts.answered += not failed
        self.counts.tests["errors"].add(float(failed), FAILURES)

    def compared(self, apart: float) -> None:
        """Both have answered a text, and their answers are so far apart, from 0 to 1."""
        self.counts.compared += 1
        self.counts.tests["disagreement"].add(apart, self.trial.disagreement)

    def _bad(self, test: str, by_candidate: bool, caller: str | None) -> None:
        if caller is None or self.known[test].is_new(caller):
            self.counts.tests[test].add(float(by_candidate), self.margins[test])

    def _remember(self, seconds: float) -> None:
        self.times.append(seconds)
        if len(self.times) >= ENOUGH and self.counts.others % EVERY == 0:
            self.slow = sorted(self.times)[int(SLOW * len(self.times))]


def is_drawn(trial: Trial, caller: str | None) -> bool:
    """Does the candidate answer this caller? Always the same for one caller of one candidate; of a caller who
    does not say who he is, each request is drawn."""
    if caller is None:
        return random.random() < trial.share  # noqa: S311 a sample, not a secret
    digest = hashlib.blake2b(f"{trial.target.release} {caller}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) < trial.share * 2**64
