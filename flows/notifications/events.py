"""What a run has come to -> one event for each on Prefect's server, which automations tell on."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.events.filters import EventFilter, EventNameFilter, EventOccurredFilter
from prefect.types import DateTime

from components import advice
from flows.notifications import automations
from flows.notifications.news import News, Told, of_run, project_name
from flows.running import events, prefect_server, run_state

EVENTS = automations.EVENTS
SECONDS = 10.0  # for an event to reach the server, and again for what it sets off; a run does not wait longer
EXECUTED, FAILED = "prefect.automation.action.executed", "prefect.automation.action.failed"


def tell(root: Path, record: Mapping[str, Any] | None, said: str) -> None:
    """Emit an event for each thing that the run has come to; whatever becomes of that, the run has ended.

    `record` is the run's (flows.running.run_state), None where it has none, but for what it `said`.
    """
    try:
        news = of_run(root, record, said)
        project, since = project_name(root), datetime.now(UTC)
        ids = [_emit(project, root, one) for one in news]
        if not events.are_shown(ids, SECONDS):
            get_run_logger().warning("Prefect's server has not shown in time what is told of this run")
        elif prefect_server.is_own():  # it ends with the run, and its automations with it
            outcomes(project, [one.kind for one in news], since)
    except Exception as error:
        get_run_logger().warning("what is told of this run has not reached Prefect's server: %s", error)


def _emit(project: str, root: Path, news: News) -> UUID:
    said = f"{run_state.started(root)}/{news.kind}"
    return send(project, EVENTS[news.kind], news, events.identity(root, said))


def send(project: str, event: str, news: News, identity: UUID) -> UUID:
    """Emit one event about the project."""
    payload = {
        "project": project,
        "outcome": news.kind,
        "what": news.what,
        "task": news.task,
        "why": news.why,
        "command": news.command,
        "message": news.text(project),
    }
    return events.Event(event, automations.resource(project), project, payload, identity).emit()


def try_out(root: Path, project: str) -> dict[str, bool]:
    """Send a test to everybody who is told anything of the project: automation -> whether it has arrived."""
    since = datetime.now(UTC)
    news = News(
        "test",
        "this is a test of what you will be told here",
        "",
        "",
        f"cd {advice.word(root)} && onetrunk notify",
    )
    identity = send(project, EVENTS["test"], news, uuid4())
    return outcomes(project, [], since) if events.are_shown([identity], SECONDS) else {}


def outcomes(project: str, kinds: Sequence[Told], since: datetime) -> dict[str, bool]:
    """Wait until each automation that these kinds, or a test, set off has acted: name -> whether well."""
    expected = {EVENTS[kind] for kind in kinds} or {EVENTS["test"]}
    waiting = {
        automations.resource_id(one): one.name for one in automations.of_project(project)
        if expected & automations.expects(one)
    }  # fmt: skip
    found: dict[str, bool] = {}
    deadline = time.monotonic() + SECONDS
    wanted = EventFilter(
        event=EventNameFilter(name=[EXECUTED, FAILED]),
        occurred=EventOccurredFilter(since=DateTime.fromisoformat(since.isoformat())),
    )
    with get_client(sync_client=True) as client:
        while len(found) < len(waiting) and time.monotonic() < deadline:
            for event in client.read_events(wanted, limit=50).events:
                name = waiting.get(event.resource.id)
                if name:
                    found[name] = event.event == EXECUTED and _is_taken(event.payload)
            time.sleep(0.2)
    return {name: found.get(name, False) for name in waiting.values()}


def _is_taken(payload: Mapping[str, Any]) -> bool:
    """Whether it has arrived: to Prefect a webhook is called well whatever it answers."""
    return int(payload.get("status_code", HTTPStatus.OK)) < HTTPStatus.MULTIPLE_CHOICES
