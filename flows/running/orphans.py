"""Flow runs whose process has died: nobody else can tell the server.

A run claims itself with a file below .onetrunk/claims, which it locks until its process ends, however it
ends, and which says what the run has come to as soon as it has. So a claim that nobody holds is a dead run's,
and tells one that was killed from one whose end the server has not heard of. Of a deployment's run without a
claim, that no process here is to run it says as much, once it has had the time to begin.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any, Literal, get_args
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, TaskRunFilter
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.sorting import FlowRunSort, TaskRunSort
from prefect.exceptions import ObjectNotFound
from prefect.runtime import deployment
from prefect.runtime import flow_run as this
from prefect.states import Crashed
from pydantic import BaseModel, ValidationError

from flows.running import prefect_server
from flows.running.lock import WORKSPACE

Kind = Literal["onetrunk", "onetrunk-monitor", "onetrunk-traffic"]  # each with a lock of its own
KINDS = get_args(Kind)
LIMIT = 200  # the most that the server returns at once
AT_WORK = [
    StateType.RUNNING,
    StateType.CANCELLING,
]  # what the server believes of a run that has claimed itself
UNHEARD = [*AT_WORK, StateType.CRASHED]  # and of one whose end it has not heard of
WAITING = [StateType.PENDING, StateType.SCHEDULED]  # a stage that is to be tried again is
BEGINS = timedelta(minutes=10)  # within which a run that a worker has taken has claimed itself
RUN = "PREFECT__FLOW_RUN_ID"  # in the environment of a process that a worker starts: its flow run
CLAIMS = "????????-????-????-????-????????????.json"  # of flow runs, whatever else somebody keeps there
OWN = "own"  # the server that a run starts for itself, at another port each time
_held: dict[str, IO[str]] = {}  # flow run -> the file of its claim, which this process holds until it ends
_said: dict[str, Claim] = {}  # and what that says


class Claim(BaseModel):
    """Whose run it is (in a copied project: another's), and what it has come to."""

    folder: str
    machine: str
    server: str
    ended: StateType | None = None
    name: str | None = None
    message: str | None = None

    def is_beside(self, other: Claim) -> bool:
        """Tell whether both are of one project, on one machine, and known to one server."""
        return (self.folder, self.machine, self.server) == (other.folder, other.machine, other.server)


def claim_and_sweep(root: Path, kind: Kind = "onetrunk") -> None:
    """Claim this flow run, and tell the server of the project's runs of this kind that have died.

    Call it while holding the lock of that kind. The run is tagged with project and machine, too.
    """
    with get_client(sync_client=True) as client:
        server = OWN if prefect_server.is_own() else str(client.api_url)
        claim = Claim(folder=str(root), machine=socket.gethostname(), server=server)
        folder = root / WORKSPACE / "claims" / kind
        folder.mkdir(parents=True, exist_ok=True)
        (own := folder / f"{this.id}.json").touch()
        _held[this.id] = own.open("r+")
        fcntl.flock(_held[this.id], fcntl.LOCK_EX)
        _write(this.id, claim)
        client.update_flow_run(UUID(this.id), tags=[*this.tags, f"{kind}:{claim.machine}:{root}"])
        for file, found in _unheld(folder):
            if found is None or found.is_beside(claim):
                _tell(client, UUID(file.stem), found or claim)
                file.unlink()
        _sweep_unclaimed(client, {file.stem for file in folder.glob(CLAIMS)})


def conclude(state: State[Any]) -> State[Any]:
    """Write down what this flow run has come to, before the server is told; returns it."""
    if claim := _said.get(this.id):
        ended = {"ended": state.type, "name": state.name, "message": state.message}
        _write(this.id, claim.model_copy(update=ended))
    return state


def _write(run: str, claim: Claim) -> None:
    """In place: a file that took its place would not be locked. A disk that is full changes nothing of what
    the run has come to."""
    file, said = _held[run].fileno(), claim.model_dump_json().encode()
    _said[run] = claim
    with contextlib.suppress(OSError):
        os.pwrite(file, said, 0)
        os.truncate(file, len(said))


def _unheld(folder: Path) -> Iterator[tuple[Path, Claim | None]]:
    """The claims whose process has ended; None where it died while it wrote."""
    for file in folder.glob(CLAIMS):
        with file.open() as opened:
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            try:
                found = Claim.model_validate_json(opened.read())
            except ValidationError:
                found = None
        yield file, found


def _tell(client: SyncPrefectClient, run: UUID, claim: Claim) -> None:
    """Let the server know how a dead run has ended, if it does not: one that has ended otherwise since then,
    or waits, was begun again or set by somebody."""
    try:
        known = client.read_flow_run(run).state
    except ObjectNotFound:
        return
    if claim.ended is None:
        if known is None or known.type in AT_WORK:
            _crash(client, run, "its process was killed")
    elif known is None or known.type in UNHEARD:
        state: State[Any] = State(type=claim.ended, name=claim.name, message=claim.message)
        client.set_flow_run_state(run, state, force=True)


def _sweep_unclaimed(client: SyncPrefectClient, claimed: set[str]) -> None:
    """End this deployment's runs that nobody is to run any more: those that a worker has taken and that never
    came to claim themselves, and those of this machine whose claim somebody has removed."""
    if deployment.id is None:
        return
    here = claimed | _run_here()  # before the server is asked: who ends later has told it
    known = client.read_flow_run(UUID(this.id)).state
    now = known.timestamp if known else None
    living = FlowRunFilter.model_validate(
        {
            "deployment_id": {"any_": [deployment.id]},
            "state": {"type": {"any_": [*AT_WORK, StateType.PENDING]}},
        }
    )
    for run in client.read_flow_runs(flow_run_filter=living, sort=FlowRunSort.ID_DESC, limit=LIMIT):
        if now and str(run.id) not in {this.id, *here} and _is_left(run, now):
            _crash(client, run.id, "nobody runs it: it or its worker was killed")


def _run_here() -> set[str]:
    """The flow runs that processes of this machine are to run."""
    import psutil

    found = set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):  # gone, or not ours to look into
            found.add(process.environ().get(RUN, ""))
    return found


def _is_left(run: FlowRun, now: datetime) -> bool:
    """Tell whether a run that no process here is to run is another machine's, or has had the time to begin:
    by the server's clock `now`, which also says since when it is as it is."""
    machines = {machine for kind, machine, *_ in (f"{tag}::".split(":") for tag in run.tags) if kind in KINDS}
    theirs = machines and socket.gethostname() not in machines and run.state_type != StateType.PENDING
    return not theirs and run.state is not None and now - run.state.timestamp > BEGINS


def _crash(client: SyncPrefectClient, run: UUID, message: str) -> None:
    state: State[Any] = Crashed(message=message)
    of_run = FlowRunFilter.model_validate({"id": {"any_": [run]}})
    alive = TaskRunFilter.model_validate({"state": {"type": {"any_": [*AT_WORK, *WAITING]}}})
    for task_run in client.read_task_runs(
        flow_run_filter=of_run, task_run_filter=alive, sort=TaskRunSort.ID_DESC, limit=LIMIT
    ):
        client.set_task_run_state(task_run.id, state, force=True)
    client.set_flow_run_state(run, state, force=True)
