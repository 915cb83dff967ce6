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
from rich.console import Console
from rich.text import Text

from components import params
from components.errors import UserError, disk_sentence
from components.monitoring.history import FOLDER, BusyError, History
from components.monitoring.judging import judge_windows
from components.monitoring.records import Judgement
from components.params.checks.monitor import find
from flows.monitoring import events, scoring, shown
from flows.monitoring.scoring import Scored
from flows.running import artifacts, orphans

ARTIFACT = "monitor-summary"
REFUSED = "Refused"  # the state after a user's mistake
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
    told, judged = _told(scored), [Judgement.read(history.file(window)) for window in windows]
    page = [*told, *(line for one in judged for line in shown.markdown(one))]
    artifacts.show("\n".join(page), ARTIFACT, "What the last run has found")
    console = Console(highlight=False)
    console.print(Text("\n".join(told)), soft_wrap=True)
    for one in judged:
        shown.show(console, one)
    found = f"{_counted(scored.new, 'new article')}, {_counted(raised, 'surge')}"
    return orphans.conclude(Completed(message=found))


def _told(scored: Scored) -> list[str]:
    """What was scored, and what could not be."""
    lines = [f"{_counted(scored.new, 'new article')}, scored by release {scored.release}"]
    if scored.left_out:
        lines.append(f"{_counted(len(scored.left_out), 'article')} left out:")
        lines += [f"- {sentence}" for sentence in scored.left_out[:NAMED]]
    return lines


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
