"""Events on Prefect's server, and whether they have reached it: they go by a socket that confirms nothing."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from prefect.client.orchestration import get_client
from prefect.events import emit_event
from prefect.events.filters import EventFilter, EventIDFilter

from components.errors import UserError

SECONDS = 30.0  # for events to reach the server
PAGE = 50  # the most events that the server shows at once


@dataclass(frozen=True)
class Event:
    """What is sent. Events of one identity are one, however often they are sent."""

    name: str
    resource: str  # that it is about
    called: str  # that, for people
    payload: Mapping[str, Any]
    identity: UUID

    def emit(self) -> UUID:
        """Send it, unconfirmed; returns its identity."""
        emit_event(
            event=self.name,
            resource={"prefect.resource.id": self.resource, "prefect.resource.name": self.called},
            payload=dict(self.payload),
            id=self.identity,
        )
        return self.identity


def identity(root: Path, said: str) -> UUID:
    """That of an event of a project, made of what it says, so that to send it twice is to send it once."""
    return uuid5(NAMESPACE_URL, f"{root.as_uri()}/{said}")


def send(found: str, events: Sequence[Event]) -> None:
    """Send the events of what was `found`; once this returns, that may be marked as told.

    Raises:
        UserError: the server does not show them in time.
    """
    if not are_shown([event.emit() for event in events], SECONDS):
        raise UserError(
            f"{found}, but Prefect's server has not shown the events of it within {SECONDS:.0f} seconds; the "
            "next run sends them again"
        )


def are_shown(ids: Collection[UUID], seconds: float) -> bool:
    """Wait until the server shows the events, at most so long, and tell whether it does."""
    if not (left := set(ids)):
        return True
    deadline = time.monotonic() + seconds
    with get_client(sync_client=True) as client:
        while time.monotonic() < deadline:
            asked = EventFilter(id=EventIDFilter(id=list(left)))
            shown = {event.id for event in client.read_events(asked, limit=PAGE).events}
            left -= shown
            if not left:
                return True
            if not shown:
                time.sleep(0.2)
    return False
