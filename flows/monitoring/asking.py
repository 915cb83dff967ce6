"""From what the watch has found to a retraining: one event `onetrunk.retrain`, which starts the flow.

The trigger of the deployment in prefect.yaml waits for it. What was asked is in the project's files
(components/monitoring/retraining.py); what the server does not show is sent again by the next watch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from components.monitoring import retraining
from components.monitoring.retraining import Request
from components.monitoring.traffic.records import Window
from components.monitoring.traffic.words import lines
from components.settings.retrain import Retrain
from flows.notifications import automations
from flows.running import events
from flows.running.events import Event

EVENT = "onetrunk.retrain"


def ask(
    root: Path,
    policy: Retrain | None,
    champion: str | None,
    windows: Sequence[Window],
    accepted: Mapping[str, int],
    now: datetime,
) -> str:
    """Ask for a retraining where one of all `windows`, or feedback, is a reason and the policy allows it;
    what it has come to, in words: "" where there is no reason."""
    if policy is None or champion is None:
        return ""
    new = retraining.new_rows(root, champion, accepted)
    reasons = list(reasons_of(policy, alarms_of(root, champion, windows), champion, new))
    if not reasons:
        return ""
    reason = "; ".join(reasons)
    asked = _unsent(root, reason) or retraining.ask(root, policy, reason, champion, accepted, now)
    if isinstance(asked, Request):
        return f"a retraining is asked for ({asked.name})"
    return f"no retraining is asked for: {asked}"


def _unsent(root: Path, reason: str) -> Request | None:
    """What an earlier watch has asked for this reason, whom the server did not let say so."""
    open_ = (one for one in retraining.every(root) if not one.sent and one.outcome is None)
    return next((one for one in open_ if one.reason == reason), None)


def alarms_of(root: Path, champion: str, windows: Sequence[Window]) -> list[Window]:
    """The alarms about the champion that are news; and the newest window's, until a run has come to its end
    since: what was asked for may have failed on its way, or have been too early."""
    own = [window for window in windows if window.release == champion]
    return [
        window
        for window in own
        if window.alarm
        and (not window.raised or (window is own[-1] and not retraining.answered_since(root, window.last)))
    ]


def reasons_of(
    policy: Retrain, alarms: Sequence[Window], champion: str, new: Mapping[str, int]
) -> Iterator[str]:
    """An alarm about the champion, and enough rows of feedback."""
    if policy.alarm and alarms:
        yield f"the alarm of {one_line(alarms[-1])}"
    total = sum(new.values())
    if policy.accepted_rows and total >= policy.accepted_rows:
        tasks = ", ".join(f"{task} {count:,}" for task, count in new.items())
        yield f"{total:,} rows of feedback accepted since {champion} ({tasks})"


def one_line(window: Window) -> str:
    """A window and what has moved, without its texts."""
    return ", ".join(line.split("; typical:")[0].strip() for line in lines(window))


def send(root: Path, project: str) -> None:
    """Let the server know what was asked for and is not answered yet.

    Raises:
        UserError: the server does not show it in time.
    """
    waiting = [one for one in retraining.every(root) if not one.sent and one.outcome is None]
    events.send("a retraining was asked for", [_event(root, project, one) for one in waiting])
    for one in waiting:
        retraining.change(root, one.name, sent=True)


def _event(root: Path, project: str, request: Request) -> Event:
    return Event(
        name=EVENT,
        resource=automations.resource(project),
        called=project,
        payload={"request": request.name, "reason": request.reason, "release": request.release},
        identity=events.identity(root, f"retrain/{request.name}"),
    )
