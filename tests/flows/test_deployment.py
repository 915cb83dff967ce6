"""prefect.yaml with a real server and a real worker, which lose their power."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from components.monitoring import retraining
from tests.flows import toy
from tests.flows.conftest import Server
from tests.flows.machine import Machine

pytestmark = [pytest.mark.slow, pytest.mark.minutes(0.7)]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    found = Machine(tmp_path / "home")
    yield found
    found.lose_power()


# Ask twice for one retraining, and send it twice.
ASK = """
from datetime import UTC, datetime
from pathlib import Path
from components.monitoring import retraining
from components.settings.retrain import Retrain
from flows.monitoring import asking
from components import params
root, name = Path.cwd(), params.load().packaging.name
asked = [retraining.ask(root, Retrain(), "the alarm of a day", "v1.0.0", {}, datetime.now(UTC)) for _ in range(2)]
for _ in range(2):
    asking.send(root, name)
    retraining.write(root, asked[0])  # killed before it was noted
asking.send(root, name)
print(asked[0].name)
"""


def test_after_a_power_cut_the_schedule_goes_on_and_what_the_watch_asks_for_is_answered_once(
    machine: Machine, tmp_path: Path
) -> None:
    """The repository's own deployment. The power goes in the midst of a run, and when another has just been
    taken by the worker; it comes back later. A run that is due beside another one does not fail, it is cancelled.
    No run stays running. Then the watch over traffic asks for a retraining, twice.
    """
    project = toy.make(tmp_path / "project", toy.CHAIN)
    shutil.copy(toy.CHECKOUT / "prefect.yaml", project)
    (project / "orders/plan.until").write_text("never")
    machine.start_server()
    machine.prefect(project, "work-pool", "create", "onetrunk", "--type", "process")
    machine.prefect(project, "deploy", "--all")
    machine.start_worker()
    server = Server(machine.url, machine.home)
    (deployment,) = server.api.post("deployments/filter", json={}).json()

    def post(what: str, body: Any) -> None:
        """Again, where SQLite is busy."""
        address = f"deployments/{deployment['id']}/{what}"
        toy.wait_for(lambda: server.api.post(address, json=body).is_success)

    def states(auto_scheduled: bool = False) -> Counter[str]:
        runs = server.api.post("flow_runs/filter", json={}).json()
        return Counter(run["state_type"] for run in runs if run["auto_scheduled"] is auto_scheduled)

    post("create_flow_run", {})
    toy.wait_for(lambda: toy.events(project))
    post("create_flow_run", {})
    toy.wait_for(lambda: states()["CANCELLED"])
    post("create_flow_run", {"state": {"type": "PENDING"}})
    assert (states()["RUNNING"], states()["PENDING"], states()["FAILED"]) == (1, 1, 0)
    machine.lose_power()

    with sqlite3.connect(machine.home / "prefect.db") as database:
        database.execute(
            "UPDATE flow_run_state SET timestamp = strftime('%Y-%m-%d %H:%M:%f', timestamp, '-11 minutes') "
            "WHERE type = 'PENDING'"
        )
    (project / "orders/plan.until").unlink()
    machine.start_server()
    machine.start_worker()
    soon = str(datetime.now(UTC) + timedelta(seconds=15))  # the scheduler looks every few seconds
    every_minute = {"schedule": {"interval": 60, "anchor_date": soon}, "active": True}
    post("schedules", [every_minute])
    toy.wait_for(lambda: states(auto_scheduled=True)["COMPLETED"], 300)
    assert states() == {"CRASHED": 2, "CANCELLED": 1}
    assert not states(auto_scheduled=True)["FAILED"]
    assert server.flow_runs(project)[0]["state_type"] == "CRASHED"
    assert {stage for stage, what, _ in toy.events(project) if what == "end"} == {"plan", "train"}

    for schedule in server.api.get(f"deployments/{deployment['id']}/schedules").json():
        server.api.delete(f"deployments/{deployment['id']}/schedules/{schedule['id']}")
    toy.wait_for(lambda: not states(auto_scheduled=True)["RUNNING"])
    done = subprocess.run(
        [sys.executable, "-c", ASK], cwd=project, env=machine.environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    name = done.stdout.splitlines()[-1]
    (request,) = retraining.every(project)
    assert (request.name, request.sent) == (name, True)

    def asked() -> dict[str, list[str]]:
        """request -> the states of the runs that it has started."""
        found: dict[str, list[str]] = {}
        for run in server.api.post("flow_runs/filter", json={}).json():
            if one := run["parameters"].get("request"):
                found.setdefault(one, []).append(run["state_type"])
        return found

    toy.wait_for(lambda: asked() == {name: ["COMPLETED"]}, 120)
    toy.wait_for(lambda: retraining.every(project)[0].outcome == "everything is up to date")
