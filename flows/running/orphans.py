"""Flow runs that a killed process has left RUNNING: nobody else can tell the server."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, TaskRunFilter
from prefect.client.schemas.objects import State, StateType
from prefect.client.schemas.sorting import FlowRunSort, TaskRunSort
from prefect.runtime import flow_run as this
from prefect.states import Crashed

LIMIT = 200  # the most that the server returns at once
ALIVE = [StateType.RUNNING, StateType.PENDING]


def claim_and_sweep(root: Path, kind: str = "onetrunk") -> None:
    """Tag this flow run with the project, and mark as Crashed the others that bear the tag and live.

    Call it while holding the lock of the project's runs of this kind: the others' processes are then
    dead. The tag names the machine too, so that machines that share a server do not sweep each other.
    """
    tag = f"{kind}:{socket.gethostname()}:{root}"
    with get_client(sync_client=True) as client:
        client.update_flow_run(UUID(this.id), tags=[*this.tags, tag])
        bears_tag = FlowRunFilter.model_validate(
            {"tags": {"all_": [tag]}, "state": {"type": {"any_": ALIVE}}}
        )
        for run in client.read_flow_runs(flow_run_filter=bears_tag, sort=FlowRunSort.ID_DESC, limit=LIMIT):
            if str(run.id) != this.id:
                _crash(client, run.id)


def _crash(client: SyncPrefectClient, run: UUID) -> None:
    state: State[Any] = Crashed(message="its process was killed")
    of_run = FlowRunFilter.model_validate({"id": {"any_": [run]}})
    alive = TaskRunFilter.model_validate({"state": {"type": {"any_": ALIVE}}})
    for task_run in client.read_task_runs(
        flow_run_filter=of_run, task_run_filter=alive, sort=TaskRunSort.ID_DESC, limit=LIMIT
    ):
        client.set_task_run_state(task_run.id, state, force=True)
    client.set_flow_run_state(run, state, force=True)
