"""The flow `retrain`: Prefect runs what DVC's graph says, a task run per stage.

Each stage is `dvc repro --single-item`, so caching, lineage and the lock file are DVC's; retries,
schedules, states, logs and artifacts are Prefect's.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.futures import PrefectFuture, as_completed
from prefect.states import Completed, Failed
from prefect.tasks import Task
from rich.console import Console

from components import params
from components.errors import EXIT_USER_ERROR, UserError
from components.evaluation import summary
from flows.running import dvc_stage, orphans, run_state
from flows.running.console import Screen
from flows.running.dvc_stage import Outcome
from flows.running.graph import Graph, locked_stages, read, settle_lock
from flows.running.lock import only_run, stop_leftovers

RETRY_DELAYS = [2.0, 5.0, 15.0, 30.0]  # seconds; for locks and downloads
ARTIFACT = "retrain-summary"


def _may_retry(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    return state.name == "TryAgain"


@task(
    name="stage",
    task_run_name="{name}",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=len(RETRY_DELAYS),
    retry_delay_seconds=RETRY_DELAYS,
    retry_condition_fn=_may_retry,
)
def run_stage(name: str, root: Path, stale: bool, screen: Screen) -> State[Any]:
    """Bring one stage up to date; a stage that cannot have changed needs no process."""
    if not stale:
        screen.ended(name, Outcome("skipped"), 0.0)
        return Completed(name="Skipped", message="neither it nor what it depends on has changed")
    started = time.monotonic()
    with screen.working(name) as follow:
        outcome = dvc_stage.run(root, name, follow)
    screen.ended(name, outcome, time.monotonic() - started)
    log = dvc_stage.log_path(root, name).relative_to(root)
    if outcome.verb != "failed":
        get_run_logger().info("%s (log: %s)", outcome.verb, log)
        return Completed(name=outcome.verb.capitalize())
    get_run_logger().error("%s (log: %s)", outcome.message, log)
    return Failed(name="TryAgain" if outcome.may_retry else "Failed", message=outcome.message)


@flow(name="retrain", persist_result=False)
def retrain(target: str | None = None, workers: int = 2) -> State[Any]:
    """Bring the project in the current folder up to date, or what `target` (a stage) needs of it.

    Independent stages run side by side, `workers` at a time. The run is Failed when a stage is; a
    stage that fails holds up what depends on it and nothing else.
    """
    root = Path.cwd()
    try:
        with only_run(root):
            stop_leftovers(root)
            orphans.claim_and_sweep(root)
            run_state.begin(root, target)
            try:
                return _retrain(root, target, workers)
            except UserError as error:
                run_state.fail(root, target, {"": str(error)}, [], users_mistake=True)
                raise
    except UserError as error:
        return Failed(message=str(error))


def _retrain(root: Path, target: str | None, workers: int) -> State[Any]:
    params.load()
    graph = read()
    if target is None:
        summary.discard(root)
    else:
        graph = graph.up_to(target)
    screen = Screen(Console(highlight=False), max(map(len, graph.upstream)))
    locked = locked_stages()
    try:
        with screen.live():
            _run_stages(root, graph, screen, workers)
    finally:
        dvc_stage.stop_all()  # none is left but after an interruption
        settle_lock(locked, graph)
    state = _conclude(root, target, graph, screen)
    if target is None:
        _publish(root, state)
    return state


def _run_stages(root: Path, graph: Graph, screen: Screen, workers: int) -> None:
    """Submit each stage when those before it have ended, the longest way to the end first.

    No more are submitted than can start at once, so that this order, not the pool's queue, decides.
    A stage whose upstream has failed is submitted too: Prefect leaves it NotReady and shows why.
    """
    waiting = sorted(graph.upstream, key=lambda name: -graph.distance[name])
    futures: dict[str, PrefectFuture[Any]] = {}
    working: dict[PrefectFuture[Any], str] = {}
    ended: set[str] = set()
    while waiting or working:
        ready = [name for name in waiting if graph.upstream[name] <= ended]
        for name in ready[: workers - len(working)]:
            waiting.remove(name)
            upstream = [futures[parent] for parent in sorted(graph.upstream[name])]
            futures[name] = run_stage.submit(
                name, root, name in graph.stale, screen, wait_for=upstream, return_state=False
            )
            working[futures[name]] = name
        ended.add(working.pop(next(as_completed(list(working)))))


def _conclude(root: Path, target: str | None, graph: Graph, screen: Screen) -> State[Any]:
    """Write down how the run ended and return the flow's state."""
    failed = {name: out for name, (out, _) in screen.outcomes.items() if out.verb == "failed"}
    not_run = [name for name in graph.upstream if name not in screen.outcomes]
    screen.tally(not_run)
    if not failed:
        run_state.complete(root, target)
        return Completed(message="everything is up to date")
    sentences = {name: outcome.message for name, outcome in failed.items()}
    users_mistake = any(outcome.exit_code == EXIT_USER_ERROR for outcome in failed.values())
    run_state.fail(root, target, sentences, not_run, users_mistake)
    return Failed(message="; ".join(f"{name}: {sentence}" for name, sentence in sentences.items()))


def _publish(root: Path, state: State[Any]) -> None:
    """Write the summary of a completed run, and show Prefect the summary or what has failed."""
    if state.is_completed() and (root / summary.VERDICT).is_file():
        summary.write(root)
    if (root / summary.SUMMARY).is_file():  # a failed gate has written it too
        page = summary.markdown(summary.read(root))
    elif state.is_failed():
        page = f"## The run has failed\n\n{state.message}"
    else:
        return
    create_markdown_artifact(page, key=ARTIFACT, description="What the last run has come to")
