"""Flow runs whose process has died: nobody else can tell the server.

A run claims itself with a file below .onetrunk/claims, which it locks until its process ends, however it
ends, and which says what the run has come to as soon as it has. So a claim that nobody holds is a dead run's,
and tells one that was killed from one whose end the server has not heard of.
"""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
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
ALIVE = [StateType.RUNNING, StateType.PENDING]
UNHEARD = [*ALIVE, StateType.CRASHED]  # what the server may believe of a run whose end it has not heard of
BEGINS = timedelta(minutes=10)  # within which a run that a worker has taken has claimed itself
CLAIMS = "????????-????-????-????-????????????.json"  # of flow runs, whatever else somebody keeps there
OWN = "own"  # the server that a run starts for itself, at another port each time
_held: dict[str, IO[str]] = {}  # flow run -> its claim, which this process holds until it ends


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
        _held[this.id] = (folder / f"{this.id}.json").open("a+")
        fcntl.flock(_held[this.id], fcntl.LOCK_EX)
        _write(this.id, claim)
        client.update_flow_run(UUID(this.id), tags=[*this.tags, f"{kind}:{claim.machine}:{root}"])
        for file, found in _unheld(folder):
            if found is None or found.is_beside(claim):
                _tell(client, UUID(file.stem), found or claim)
                file.unlink()
        _sweep_unclaimed(client)


def conclude(state: State[Any]) -> State[Any]:
    """Write down what this flow run has come to, before the server is told; returns it."""
    if held := _held.get(this.id):
        held.seek(0)
        claim = Claim.model_validate_json(held.read())
        ended = {"ended": state.type, "name": state.name, "message": state.message}
        _write(this.id, claim.model_copy(update=ended))
    return state


def _write(run: str, claim: Claim) -> None:
    """In place: a file that took its place would not be locked."""
    _held[run].truncate(0)
    os.write(_held[run].fileno(), claim.model_dump_json().encode())


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
    """Let the server know how a dead run has ended, if it does not: one that has ended otherwise since then
    was begun again or set by somebody."""
    try:
        known = client.read_flow_run(run).state
    except ObjectNotFound:
        return
    if claim.ended is None:
        if known is None or not known.is_final():
            _crash(client, run, "its process was killed")
    elif known is None or (known.type in UNHEARD and known.type != claim.ended):
        state: State[Any] = State(type=claim.ended, name=claim.name, message=claim.message)
        client.set_flow_run_state(run, state, force=True)


def _sweep_unclaimed(client: SyncPrefectClient) -> None:
    """End this deployment's runs that a worker has taken and that never came to claim themselves."""
    if deployment.id is None:
        return
    living = FlowRunFilter.model_validate(
        {"deployment_id": {"any_": [deployment.id]}, "state": {"type": {"any_": ALIVE}}}
    )
    for run in client.read_flow_runs(flow_run_filter=living, sort=FlowRunSort.ID_DESC, limit=LIMIT):
        if str(run.id) != this.id and _never_began(run):
            _crash(client, run.id, "it was never begun: its worker was killed")


def _never_began(run: FlowRun) -> bool:
    """Tell whether it has had the time to claim itself, and has not; a claim may be another machine's."""
    claimed = any(tag.split(":")[0] in KINDS for tag in run.tags)
    return not claimed and run.state is not None and datetime.now(UTC) - run.state.timestamp > BEGINS


def _crash(client: SyncPrefectClient, run: UUID, message: str) -> None:
    state: State[Any] = Crashed(message=message)
    of_run = FlowRunFilter.model_validate({"id": {"any_": [run]}})
    alive = TaskRunFilter.model_validate({"state": {"type": {"any_": ALIVE}}})
    for task_run in client.read_task_runs(
        flow_run_filter=of_run, task_run_filter=alive, sort=TaskRunSort.ID_DESC, limit=LIMIT
    ):
        client.set_task_run_state(task_run.id, state, force=True)
    client.set_flow_run_state(run, state, force=True)
