"""The flow `traffic`: judge the days of the service's traffic that have ended, raise what has shifted, and
ask for a retraining where there is a reason.

Put it on a schedule (docs/how-to/traffic.md). A day is judged once, and its shift raised once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from components import params
from components.errors import UserError, disk_sentence
from components.monitoring.traffic import judging
from components.monitoring.traffic.records import Window
from components.monitoring.traffic.words import in_words
from components.release import registry
from components.release.accepted import accepted_since
from components.settings.project import Project
from components.turn import turn
from flows.monitoring import asking
from flows.monitoring.judging import judge
from flows.notifications import automations
from flows.running import events, orphans
from flows.running.events import Event

EVENT = "onetrunk.shift"
NOTHING = "nothing is started: `retrain` in params.yaml says what may be"


@flow(name="traffic", persist_result=False)
def traffic() -> State[Any]:
    """Judge what has ended, raise what has shifted, ask for a retraining where there is a reason: the project
    in this folder, one run at a time. The run is Failed by a user's mistake or a full disk, with its
    sentence."""
    root = Path.cwd()
    try:
        with turn(root / judging.LOCK):
            orphans.claim_and_sweep(root, "onetrunk-traffic")
            state: State[Any] = Completed(message=_watch(root))
    except UserError as error:
        state = Failed(message=str(error))
    except OSError as error:
        if (sentence := disk_sentence(error)) is None:
            raise
        state = Failed(message=sentence)
    return orphans.conclude(state)


def _watch(root: Path) -> str:
    """What was found and done, in words; the windows are printed."""
    project = params.load()
    judged = judge(root, project)
    windows = dict(judging.judgements(root))
    waiting = {file: window for file, window in windows.items() if not window.raised}
    asked = _ask(root, project, list(windows.values()))
    _raise_all(root, project.packaging.name, waiting, asked)
    asking.send(root, project.packaging.name)
    for window in judged:
        print(in_words(window))
    said = f"{len(judged)} windows judged, {len(waiting)} shifts raised"
    return f"{said}; {asked}" if asked else said


def _ask(root: Path, project: Project, windows: list[Window]) -> str:
    """Ask for a retraining because of one of these windows or of accepted feedback; what it has come to."""
    if project.retrain is None:
        return NOTHING if any(not window.raised for window in windows) else ""
    champion = registry.read(root).champion
    version = champion.version if champion else None
    accepted = accepted_since(version, root) if version else {}
    return asking.ask(root, project.retrain, version, windows, accepted, datetime.now(UTC))


def _raise_all(root: Path, name: str, waiting: Mapping[Path, Window], asked: str) -> None:
    """Emit an event for each window that has shifted and was not raised; what the server does not show is
    not raised."""
    shifts = [_event(root, name, window, asked) for window in waiting.values()]
    events.send(f"{len(shifts)} shifts were found", shifts)
    for file, window in waiting.items():
        window.model_copy(update={"raised": True}).write(file)


def _event(root: Path, name: str, window: Window, asked: str) -> Event:
    message = "\n".join(filter(None, [in_words(window), asked]))
    return Event(
        name=EVENT,
        resource=automations.resource(name),
        called=name,
        payload={"message": message, "asked": asked, **window.model_dump(mode="json")},
        identity=events.identity(root, f"{window.first}/{window.release}"),
    )
