"""The flow `retrain`: Prefect runs what DVC's graph says, a task run per stage.

Each stage is `dvc repro --single-item`, so caching, lineage and the lock file are DVC's; retries,
schedules, states, logs and artifacts are Prefect's.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.futures import PrefectFuture, as_completed
from prefect.states import Cancelled, Completed, Failed
from prefect.tasks import Task
from rich.console import Console

from components import params
from components.errors import EXIT_USER_ERROR, UserError, disk_sentence
from components.evaluation import summary
from components.evaluation.page import MARKDOWN
from components.evaluation.records import SUMMARY, VERDICT
from components.monitoring import retraining
from flows.notifications import events, news
from flows.running import artifacts, budget, clock, console, dvc_stage, orphans, run_state
from flows.running.console import StageDisplay
from flows.running.dvc_stage import Outcome
from flows.running.graph import Graph, locked_stages, read, settle_lock
from flows.running.lock import AnotherRunError, only_run, stop_orphans

RETRY_DELAYS = [2.0, 5.0, 15.0, 30.0]  # seconds; for locks and downloads
ARTIFACT = "retrain-summary"
TRAIN = "train"  # the stage that spends the budget
Futures = dict[str, PrefectFuture[Any]]  # stage -> its task run
Record = dict[str, Any]  # of a run: flows.running.run_state


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
def run_stage(name: str, root: Path, stale: bool, display: StageDisplay) -> State[Any]:
    """Bring one stage up to date; a stage that cannot have changed needs no process."""
    if not stale:
        display.ended(name, Outcome("skipped"), 0.0)
        return Completed(name="Skipped", message="neither it nor what it depends on has changed")
    if name == TRAIN:
        budget.before_training(display.console, root)
    started = time.monotonic()
    with display.working(name) as follow:
        outcome = dvc_stage.run(root, name, follow)
    display.ended(name, outcome, time.monotonic() - started)
    log = dvc_stage.log_path(root, name).relative_to(root)
    if outcome.verb != "failed":
        get_run_logger().info("%s (log: %s)", outcome.verb, log)
        return Completed(name=outcome.verb.capitalize())
    get_run_logger().error("%s (log: %s)", outcome.message, log)
    return Failed(name="TryAgain" if outcome.may_retry else "Failed", message=outcome.message)


def _run_name() -> str:
    """What a flow run is called; its events bear the name, and so tell whose they are."""
    return f"{news.project_name(Path.cwd())} {clock.now()}"


@flow(name="retrain", flow_run_name=_run_name, persist_result=False)
def retrain(target: str | None = None, workers: int = 2, request: str | None = None) -> State[Any]:
    """Bring the project in the current folder up to date, or what `target` (a stage) needs of it.

    Independent stages run side by side, `workers` at a time. The run is Failed when a stage is; a
    stage that fails holds up what depends on it and nothing else. It is Completed when DVC finds
    nothing left to do, and only then; it is Cancelled while another run of the project goes on, to which
    it has nothing to add, and where a `request` (docs/how-to/retrain.md) has been answered already.
    """
    root = Path.cwd()
    earlier = run_state.own(root)
    try:
        state = _in_turn(root, target, workers, request)
    except Exception as error:
        _tell(root, target, earlier, f"{type(error).__name__}: {error}")
        raise
    if not state.is_cancelled():
        orphans.conclude(state)
        _tell(root, target, earlier, str(state.message))
    return state


def _tell(root: Path, target: str | None, earlier: Record | None, said: str) -> None:
    """Let the server know what a run of all stages has come to; `said` is all there is of one that has
    written nothing down since the `earlier` one of this process."""
    if target is None:
        own = run_state.own(root)
        events.tell(root, None if own is earlier else own, said)


def _in_turn(root: Path, target: str | None, workers: int, request: str | None) -> State[Any]:
    """Run while no other run of the project does; a user's mistake is a failed state."""
    try:
        with console.without_reader(), only_run(root):
            stop_orphans(root)
            orphans.claim_and_sweep(root)
            if request and not retraining.is_open(root, request):
                return Cancelled(message=f"no open request {request}: a run of this project has answered it")
            try:
                state = _retrain(root, target, workers)
                _answer(root, target, state)
                return state
            except UserError as error:
                run_state.fail(root, target, {"": str(error)}, [], users_mistake=True)
                raise
    except AnotherRunError as error:
        return Cancelled(message=str(error))
    except UserError as error:
        return Failed(message=str(error))
    except OSError as error:
        sentence = disk_sentence(error)
        if sentence is None:
            raise
        run_state.fail(root, target, {"": sentence}, [], users_mistake=True)
        return Failed(message=sentence)


def _answer(root: Path, target: str | None, state: State[Any]) -> None:
    """A run of all stages that has come to its end, or to a gate that says no, answers what was asked for;
    after one that failed on its way, the next one does. A damaged request, or a full disk, does not change
    what the run has come to."""
    own = run_state.own(root) or {}
    judged = own.get("verdict") in ("HOLD", "REJECT")
    if target is None and (state.is_completed() or judged):
        released = f"release {own['release']}" if own.get("release") else None
        began = datetime.fromisoformat(run_state.started(root))
        try:
            retraining.answer(root, released or str(state.message), began, datetime.now(UTC))
        except (UserError, OSError) as error:
            get_run_logger().warning("what was asked for stays open: %s", error)


def _retrain(root: Path, target: str | None, workers: int) -> State[Any]:
    params.load()
    graph = read()
    locked = run_state.begin(root, target, locked_stages())
    if target is None:
        summary.discard(root)
    else:
        graph = graph.up_to(target)
    display = StageDisplay(Console(highlight=False), max(map(len, graph.upstream)))
    try:
        with display.live():
            futures = _run_stages(root, graph, display, workers)
    finally:
        dvc_stage.stop_all()  # none is left but after an interruption
        settle_lock(locked, graph)
    state = _conclude(root, target, graph, display, futures)
    if target is None:
        _publish(root, state)
    return state


def _run_stages(root: Path, graph: Graph, display: StageDisplay, workers: int) -> Futures:
    """Submit each stage when those before it have ended, the longest way to the end first.

    No more are submitted than can start at once, so that this order, not the pool's queue, decides.
    A stage whose upstream has failed is submitted too: Prefect leaves it NotReady and shows why.
    """
    waiting = sorted(graph.upstream, key=lambda name: -graph.distance[name])
    futures: Futures = {}
    working: dict[PrefectFuture[Any], str] = {}
    ended: set[str] = set()
    while waiting or working:
        ready = [name for name in waiting if graph.upstream[name] <= ended]
        for name in ready[: workers - len(working)]:
            waiting.remove(name)
            upstream = [futures[parent] for parent in sorted(graph.upstream[name])]
            futures[name] = run_stage.submit(
                name, root, name in graph.stale, display, wait_for=upstream, return_state=False
            )
            working[futures[name]] = name
        ended.add(working.pop(next(as_completed(list(working)))))
    return futures


def _conclude(
    root: Path, target: str | None, graph: Graph, display: StageDisplay, futures: Futures
) -> State[Any]:
    """Write down how the run ended and return the flow's state.

    That no stage has failed is not enough: the task of one may have died before it could say anything.
    """
    failed = {name: out for name, (out, _) in display.outcomes.items() if out.verb == "failed"}
    without = [name for name in graph.upstream if name not in display.outcomes]
    held_up = [name for name in without if graph.upstream[name] & {*failed, *without}]
    died = [name for name in without if name not in held_up]
    sentences = {name: outcome.message for name, outcome in failed.items()}
    sentences |= {name: _death(futures[name]) for name in died}
    display.tally(died, held_up)
    if not sentences and (left := _left_to_do(graph, display)):
        sentences = {"": f"not up to date after the run: {left}; did an input of theirs change meanwhile?"}
    if not sentences:
        if target is None and (root / VERDICT).is_file():
            summary.write(root)
        run_state.complete(root, target, _seconds(display), "gate" in display.outcomes)
        return Completed(message="everything is up to date")
    users_mistake = any(outcome.exit_code == EXIT_USER_ERROR for outcome in failed.values())
    judged = "gate" in display.outcomes
    run_state.fail(root, target, sentences, held_up, users_mistake, _seconds(display), judged)
    return Failed(message="; ".join(f"{name}: {text}" if name else text for name, text in sentences.items()))


def _seconds(display: StageDisplay) -> dict[str, float]:
    """The stages that were started, with the seconds that they took."""
    return {name: seconds for name, (out, seconds) in display.outcomes.items() if out.verb != "skipped"}


def _death(future: PrefectFuture[Any]) -> str:
    """Why the task of a stage ended without an outcome."""
    state = future.state
    if not state.is_final():  # the server has not heard of it yet
        return "was not run: its task has died"
    return f"was not run: {state.name}: {state.message}"


def _left_to_do(graph: Graph, display: StageDisplay) -> str:
    """The stages of the run that DVC finds changed after it; those that it always does must have run."""
    found = read().changed & graph.upstream.keys()
    asked = {name for name in graph.always_changed if name in display.outcomes}
    return ", ".join(name for name in graph.upstream if name in found - asked)


def _publish(root: Path, state: State[Any]) -> None:
    """Show Prefect what has failed, and the gate's report if this run has come to it."""
    parts = [f"## The run has failed\n\n{state.message}\n"] if state.is_failed() else []
    if (root / SUMMARY).is_file() and (root / MARKDOWN).is_file():  # a gate that says no has written both
        parts.append((root / MARKDOWN).read_text(encoding="utf-8"))
    if not parts:
        return
    artifacts.show("\n".join(parts), ARTIFACT, "What the last run has come to")
