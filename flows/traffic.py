"""The flow `traffic`: judge the days of the service's traffic that have ended, and raise what has shifted.

Put it on a schedule (docs/how-to/traffic.md). A day is judged once, and its shift raised once.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.states import Completed, Failed

from components import params
from components.errors import UserError
from components.monitoring.traffic import judging
from components.monitoring.traffic.records import Window
from components.params.checks.traffic import find
from flows.running.events import are_shown

EVENT = "onetrunk.shift"
SECONDS = 30.0  # for an event to reach the server


@flow(name="traffic", persist_result=False)
def traffic() -> State[Any]:
    """Judge what has ended, and raise what has shifted: the project in this folder. The run is Failed by a
    user's mistake, with its sentence."""
    root = Path.cwd()
    try:
        project = params.load()
        judged = judging.judge_windows(root, find(project), datetime.now(UTC).date())
        raised = _raise_all(root, project.packaging.name)
    except UserError as error:
        return Failed(message=str(error))
    for window in judged:
        print(judging.in_words(window))
    return Completed(message=f"{len(judged)} windows judged, {raised} shifts raised")


def _raise_all(root: Path, name: str) -> int:
    """Emit an event for each window that has shifted and was not raised; what the server does not show is
    not raised, and an event's id is made of what it says, so that sent twice it is one."""
    waiting = {file: window for file, window in judging.judgements(root) if not window.raised}
    ids = [_emit(root, name, window) for window in waiting.values()]
    if not are_shown(ids, SECONDS):
        raise UserError(
            f"{len(ids)} shifts were found, but their events did not reach Prefect's server within "
            f"{SECONDS:.0f} seconds; the next run sends them again"
        )
    for file, window in waiting.items():
        window.model_copy(update={"raised": True}).write(file)
    return len(ids)


def _emit(root: Path, name: str, window: Window) -> UUID:
    identity = uuid5(NAMESPACE_URL, f"{root.as_uri()}/{window.first}/{window.release}")
    emit_event(
        event=EVENT,
        resource={"prefect.resource.id": f"onetrunk.project.{name}", "prefect.resource.name": name},
        payload={"message": judging.in_words(window), **window.model_dump(mode="json")},
        id=identity,
    )
    return identity
