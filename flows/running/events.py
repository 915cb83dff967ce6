"""Whether events that were sent have reached Prefect's server: they go by a socket that confirms nothing."""

from __future__ import annotations

import time
from collections.abc import Collection
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.events.filters import EventFilter, EventIDFilter


def are_shown(ids: Collection[UUID], seconds: float) -> bool:
    """Wait until the server shows the events, at most so long, and tell whether it does."""
    if not ids:
        return True
    deadline = time.monotonic() + seconds
    with get_client(sync_client=True) as client:
        while time.monotonic() < deadline:
            shown = client.read_events(EventFilter(id=EventIDFilter(id=list(ids))), limit=len(ids)).events
            if {event.id for event in shown} == set(ids):
                return True
            time.sleep(0.2)
    return False
