"""The flow `traffic`: judge the days of the service's traffic that have ended, raise what has shifted, and
ask for a retraining where there is a reason.

Put it on a schedule (docs/how-to/traffic.md). A day is judged once, and its shift raised once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.states import Completed, Failed

from components import params
from components.errors import UserError, disk_sentence
from components.monitoring.traffic import judging
from components.monitoring.traffic.records import Window
from components.monitoring.traffic.words import in_words
from components.params.checks.traffic import find
from components.release import registry
from components.release.accepted import accepted_since
from components.settings.project import Project
from components.turn import turn
from flows.monitoring import asking, heard
from flows.running import orphans
from flows.running.events import are_shown

EVENT = "onetrunk.shift"
SECONDS = 30.0  # for an event to reach the server
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
    waiting = {file: window for file, window in judging.judgements(root) if not window.raised}
    asked = _ask(root, project, list(waiting.values()))
    _raise_all(root, project.packaging.name, waiting, asked)
    asking.send(root, project.packaging.name)
    for window in judged:
        print(in_words(window))
    said = f"{len(judged)} windows judged, {len(waiting)} shifts raised"
    return f"{said}; {asked}" if asked else said


def judge(root: Path, project: Project) -> list[Window]:
    """Judge what has ended -> those windows; where only accepted feedback is watched, there are none.

    Raises:
        UserError: nothing is to be watched, or a file of what was recorded is damaged.
    """
    if project.traffic is None and project.retrain is not None and project.retrain.accepted_rows:
        return []
    return judging.judge_windows(root, find(project), datetime.now(UTC).date(), heard.feedback(root, project))


def _ask(root: Path, project: Project, alarms: list[Window]) -> str:
    """Ask for a retraining because of these windows or of accepted feedback; what it has come to."""
    if project.retrain is None:
        return NOTHING if alarms else ""
    champion = registry.read(root).champion
    version = champion.version if champion else None
    accepted = accepted_since(version, root) if version else {}
    return asking.ask(root, project.retrain, version, alarms, accepted, datetime.now(UTC))


def _raise_all(root: Path, name: str, waiting: Mapping[Path, Window], asked: str) -> None:
    """Emit an event for each window that has shifted and was not raised; what the server does not show is
    not raised, and an event's id is made of what it says, so that sent twice it is one."""
    ids = [_emit(root, name, window, asked) for window in waiting.values()]
    if not are_shown(ids, SECONDS):
        raise UserError(
            f"{len(ids)} shifts were found, but their events did not reach Prefect's server within "
            f"{SECONDS:.0f} seconds; the next run sends them again"
        )
    for file, window in waiting.items():
        window.model_copy(update={"raised": True}).write(file)


def _emit(root: Path, name: str, window: Window, asked: str) -> UUID:
    identity = uuid5(NAMESPACE_URL, f"{root.as_uri()}/{window.first}/{window.release}")
    message = "\n".join(filter(None, [in_words(window), asked]))
    emit_event(
        event=EVENT,
        resource={"prefect.resource.id": f"onetrunk.project.{name}", "prefect.resource.name": name},
        payload={"message": message, "asked": asked, **window.model_dump(mode="json")},
        id=identity,
    )
    return identity
