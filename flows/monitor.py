"""The flow `monitor`: score new articles with the champion, and raise an event where negative news surges.

Put it on a schedule (docs/how-to/monitoring.md). Killed anywhere, the next run goes on: an article is counted
once, a window is judged once, and a surge is raised once.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.runtime import deployment
from prefect.states import Cancelled, Completed, Failed

from components import params
from components.errors import UserError, disk_sentence
from components.monitoring.history import FOLDER, BusyError, History
from components.monitoring.judging import judge_windows
from components.monitoring.records import Judgement
from components.params.checks.monitor import find
from flows.monitoring import events, scoring
from flows.monitoring.scoring import Scored
from flows.running import artifacts, orphans

ARTIFACT = "monitor-summary"
REFUSED = "Refused"  # the state after a user's mistake
SHOWN = 10  # topics of a window
NAMED = 3  # articles that cannot be read

score = task(name="score", cache_policy=NO_CACHE, persist_result=False)(scoring.score)
judge = task(name="judge", cache_policy=NO_CACHE, persist_result=False)(judge_windows)
raise_surges = task(name="raise", cache_policy=NO_CACHE, persist_result=False)(events.raise_all)


@flow(name="monitor", persist_result=False)
def monitor() -> State[Any]:
    """Score what is new, judge the windows that have ended, raise the surges: the project in this folder.

    One run of a project at a time: another waits, or, if its schedule has begun it, is Cancelled. The run is
    Failed by a user's mistake or a full disk, with its sentence.
    """
    root = Path.cwd()
    history = History(root / FOLDER)
    try:
        project = params.load()
        declared = find(project)
        with history.turn(wait=deployment.id is None):
            orphans.claim_and_sweep(root, "onetrunk-monitor")
            now = datetime.now(UTC)
            scored = score(root, declared, history, now)
            windows = judge(history, declared, scored.model, now, project.traffic)
            raised = raise_surges(root, project.packaging.name, history)
    except BusyError as error:
        return Cancelled(message=str(error))
    except UserError as error:
        return orphans.conclude(Failed(name=REFUSED, message=str(error)))
    except OSError as error:
        if (sentence := disk_sentence(error)) is None:
            raise
        return orphans.conclude(Failed(name=REFUSED, message=sentence))
    lines = [
        *_told(scored),
        *(line for window in windows for line in table(Judgement.read(history.file(window)))),
    ]
    artifacts.show("\n".join(lines), ARTIFACT, "What the last run has found")
    print("\n".join(lines))
    found = f"{_counted(scored.new, 'new article')}, {_counted(raised, 'surge')}"
    return orphans.conclude(Completed(message=found))


def _told(scored: Scored) -> list[str]:
    """What was scored, and what could not be."""
    lines = [f"{_counted(scored.new, 'new article')}, scored by release {scored.release}"]
    if scored.left_out:
        lines.append(f"{_counted(len(scored.left_out), 'article')} left out:")
        lines += [f"- {sentence}" for sentence in scored.left_out[:NAMED]]
    return lines


def table(judgement: Judgement) -> list[str]:
    """A window's topics as a Markdown table, the likeliest surge first."""
    tested = [(topic, found) for topic, found in judgement.topics.items() if found.q is not None]
    few = len(judgement.topics) - len(tested)
    lines = ["", f"{judgement.start[:16]} to {judgement.end[:16]}:"]
    if tested:
        lines += ["", "| topic | negative | articles | expected | q | |", "|---|---|---|---|---|---|"]
    for topic, found in sorted(tested, key=lambda item: (item[1].q, item[1].p))[:SHOWN]:
        numbers = f"{found.negatives} | {found.articles} | {found.expected:.1f} | {found.q:.2g}"
        lines.append(f"| {topic} | {numbers} | {'SURGE' if found.surge else ''} |")
    if len(tested) > SHOWN:
        lines.append(f"\nand {len(tested) - SHOWN} topics more, none of them likelier")
    return [*lines, f"\n{_counted(few, 'topic')} with too little history for a verdict"] if few else lines


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
