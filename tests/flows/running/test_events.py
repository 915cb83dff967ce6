"""Whether events have reached a server that shows so many at once, as Prefect's does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Self
from uuid import UUID, uuid4

import pytest
from prefect.events.filters import EventFilter

from flows.running import events

SHOWN = 50  # at once: of a larger `limit` Prefect's server says 422 (prefect/server/api/events.py)


class Client:
    """What a server shows; `late` comes with the second question."""

    def __init__(self, late: set[UUID], lost: set[UUID]) -> None:
        self.asked, self.late, self.lost = 0, late, lost

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read_events(self, of: EventFilter, limit: int) -> Any:
        assert limit <= SHOWN
        self.asked += 1
        hidden = self.lost | (self.late if self.asked == 1 else set())
        assert of.id is not None
        ids = [one for one in of.id.id or () if one not in hidden]
        return SimpleNamespace(events=[SimpleNamespace(id=one) for one in ids[:limit]])


@pytest.mark.parametrize(
    ("late", "lost", "shown"), [(0, 0, True), (130, 0, True), (7, 0, True), (0, 1, False)]
)
def test_more_events_than_a_server_shows_at_once_are_known_to_have_arrived(
    late: int, lost: int, shown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Surges of many topics, or the shifts of many days."""
    ids = [uuid4() for _ in range(130)]
    client = Client(set(ids[:late]), set(ids[:lost]))
    monkeypatch.setattr(events, "get_client", lambda sync_client: client)
    assert events.are_shown(ids, 5.0 if shown else 0.3) is shown
