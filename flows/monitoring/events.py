"""A surge -> one event on Prefect's server, however often the flow runs or is killed."""

from __future__ import annotations

from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid5

from prefect.events import emit_event

from components.errors import UserError
from components.monitoring.history import History
from components.monitoring.records import Finding, Judgement
from flows.running.events import are_shown

EVENT = "onetrunk.negative-surge"
SECONDS = 30.0  # for an event to reach the server


def raise_all(root: Path, name: str, history: History) -> int:
    """Emit an event for every surge that has not been raised, and return how many there are.

    An event's id is made of what it says, so one that a killed run has sent is not a second one when it
    is sent again. What the server does not show is not raised: the next run tries again.

    Raises:
        UserError: the server does not show them in time.
    """
    raised = 0
    for file, judgement in history.judgements():
        if judgement.raised:
            continue
        surges = {topic: found for topic, found in judgement.topics.items() if found.surge}
        ids = [_emit(root, name, judgement, topic, found) for topic, found in surges.items()]
        if not are_shown(ids, SECONDS):
            raise UserError(
                f"{len(ids)} surges were found, but their events did not reach Prefect's server within "
                f"{SECONDS:.0f} seconds; the next run sends them again"
            )
        history.mark_raised(file)
        raised += len(ids)
    return raised


def _emit(root: Path, name: str, judgement: Judgement, topic: str, found: Finding) -> UUID:
    identity = uuid5(NAMESPACE_URL, f"{root.as_uri()}/{judgement.start}/{judgement.hours}/{topic}")
    window = judgement.model_dump(include={"start", "end", "model", "alpha"})
    emit_event(
        event=EVENT,
        resource={"prefect.resource.id": f"onetrunk.{name}.topic.{topic}", "prefect.resource.name": topic},
        payload={"topic": topic, **window, **found.model_dump()},
        id=identity,
    )
    return identity
