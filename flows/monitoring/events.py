"""A surge -> one event on Prefect's server, however often the flow runs or is killed."""

from __future__ import annotations

from pathlib import Path

from components.monitoring.history import History
from components.monitoring.records import Finding, Judgement
from flows.running import events
from flows.running.events import Event

EVENT = "onetrunk.negative-surge"


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
        events.send(
            f"{len(surges)} surges were found",
            [_event(root, name, judgement, topic, found) for topic, found in surges.items()],
        )
        history.mark_raised(file)
        raised += len(surges)
    return raised


def _event(root: Path, name: str, judgement: Judgement, topic: str, found: Finding) -> Event:
    window = judgement.model_dump(include={"start", "end", "model", "alpha"})
    return Event(
        name=EVENT,
        resource=f"onetrunk.{name}.topic.{topic}",
        called=topic,
        payload={"topic": topic, **window, **found.model_dump()},
        identity=events.identity(root, f"{judgement.start}/{judgement.hours}/{topic}"),
    )
