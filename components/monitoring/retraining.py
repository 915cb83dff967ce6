"""Retrainings that were asked for: why, when, and what they came to.

    monitoring/retrainings/20261129T003000Z.json    one that was asked for; an open one has no outcome

Who asks holds the turn, so that of several that see a reason at once one asks; what was asked is read from
these files, and so no restart and no other worker asks again. The next run of all stages is its answer,
whoever starts it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, Field

from components.errors import UserError
from components.records import Record
from components.settings.retrain import Retrain
from components.turn import turn

FOLDER = Path("monitoring/retrainings")
AHEAD = timedelta(days=1)  # that another clock, or this one before it was set back, may be of this one
BEGAN = "ONETRUNK_RUN_BEGAN"  # in the environment of a run's stages: when it began, in ISO 8601


class Request(Record):
    """monitoring/retrainings/TIME.json: a retraining that was asked for."""

    remedy = "remove it, and what it asked for may be asked again"

    asked: AwareDatetime  # in UTC
    reason: str  # in a sentence
    release: str  # that was the champion
    accepted: dict[str, int] = Field(default_factory=dict)  # task -> rows of feedback since that release
    sent: bool = False  # Prefect's server has heard of it
    outcome: str | None = None  # of the run that answered it; null while none has
    answered: AwareDatetime | None = None  # when that was: one run answers all that are open

    @property
    def name(self) -> str:
        """By which a run is told of it."""
        return f"{self.asked:%Y%m%dT%H%M%SZ}"


def every(root: Path) -> list[Request]:
    """All requests, oldest first.

    Raises:
        UserError: a file is damaged, or of another version.
    """
    return [Request.read(file) for file in sorted((root / FOLDER).glob("[0-9]*Z.json"))]


def reason(root: Path, began: datetime, now: datetime) -> str | None:
    """Of the requests that a run answers which began then and ends now; None where there is none. One that
    was asked again is one reason."""
    return "; ".join(dict.fromkeys(one.reason for one in _answered(root, began, now))) or None


def because(root: Path) -> str | None:
    """What the run of this stage answers; by hand, without a run, all that is open. None: nothing, or nothing
    that can be read: that keeps no model from being released, and the watch says which file it is."""
    now, began = datetime.now(UTC), os.environ.get(BEGAN)
    with contextlib.suppress(UserError):
        return reason(root, datetime.fromisoformat(began) if began else now, now)
    return None


def is_open(root: Path, name: str) -> bool:
    """Was this asked for here, and has no run answered it?"""
    return any(one.name == name and one.outcome is None for one in every(root))


def answered_since(root: Path, day: date) -> bool:
    """Has a run that was asked for come to its end after that day, in UTC?"""
    ends = (one.answered or one.asked for one in every(root) if one.outcome is not None)
    return any(end.astimezone(UTC).date() > day for end in ends)


def write(root: Path, request: Request) -> None:
    """Keep it, whole or not at all."""
    request.write(root / FOLDER / f"{request.name}.json")


def change(root: Path, name: str, **what: Any) -> None:
    """Note more of a request, as it is by now: a run may answer it while its event is on the way."""
    with turn(root / FOLDER / ".lock"):
        write(root, Request.read(root / FOLDER / f"{name}.json").model_copy(update=what))


def answer(root: Path, outcome: str, began: datetime, now: datetime) -> None:
    """A run that began then has ended: it has answered what was not asked since."""
    for one in _answered(root, began, now):
        change(root, one.name, outcome=outcome, answered=now)


def _answered(root: Path, began: datetime, now: datetime) -> list[Request]:
    """The open requests that were not asked since a run began. What is of later than now was asked before, by
    a clock that was ahead."""
    return [one for one in every(root) if one.outcome is None and not began < one.asked <= now]


def ask(
    root: Path, policy: Retrain, reason: str, release: str, accepted: Mapping[str, int], now: datetime
) -> Request | str:
    """Ask for a retraining, if the policy allows one -> the request, or why there is none, in a sentence.

    Raises:
        UserError: the file of an earlier request is damaged.
    """
    with turn(root / FOLDER / ".lock"):
        if refused := refusal(policy, every(root), now):
            return refused
        asked = now.astimezone(UTC).replace(microsecond=0)
        request = Request(asked=asked, reason=reason, release=release, accepted=dict(accepted))
        write(root, request)
        return request


def refusal(policy: Retrain, earlier: Sequence[Request], now: datetime) -> str | None:
    """Why the policy allows no request now; None where it does. The month's budget is of trainings that came
    to an end: one that failed on its way, or never began, may be asked for again. What is of later than now
    was asked by a clock that was AHEAD; by more than that it does not count: that day may be years away."""
    now = now.astimezone(UTC)
    past = [one for one in earlier if one.asked <= now + AHEAD]
    if not past:
        return None
    last = past[-1].asked
    again = last + timedelta(days=policy.cooldown_days)
    if now < again:
        return f"one was asked for on {last:%Y-%m-%d}, and retrain.cooldown_days waits until {again:%Y-%m-%d}"
    month = [one for one in past if one.outcome is not None and f"{one.asked:%Y-%m}" == f"{now:%Y-%m}"]
    if (trained := len({one.answered or one.asked for one in month})) >= policy.most_a_month:
        said = f"{trained} that were asked for in {now:%B} have come to an end"
        return f"{said}, as many as retrain.most_a_month allows"
    return None


def new_rows(root: Path, release: str, accepted: Mapping[str, int]) -> dict[str, int]:
    """task -> rows accepted since the release that no request has counted which a run has answered. Those of
    one that nobody answers stay a reason."""
    answered = [one for one in every(root) if one.release == release and one.outcome is not None]
    counted = answered[-1].accepted if answered else {}
    new = {task: count - counted.get(task, 0) for task, count in accepted.items()}
    return {task: count for task, count in new.items() if count > 0}
