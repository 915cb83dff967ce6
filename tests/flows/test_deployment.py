"""prefect.yaml with a real database, server and worker, which lose their power, or go away for a while."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from components.monitoring import retraining
from tests.data.sources.remotes.services import Postgres
from tests.flows import toy
from tests.flows.conftest import Server
from tests.flows.machine import Machine, engine

pytestmark = [pytest.mark.slow, pytest.mark.minutes(1)]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    database = Postgres()
    found = Machine(tmp_path / "home", database)
    yield found
    found.lose_power()
    database.remove()


# Ask twice for one retraining, and send it twice.
ASK = """
from datetime import UTC, datetime
from pathlib import Path
from components.monitoring import retraining
from tests.data.sources.remotes.services import Postgres
from components.settings.retrain import Retrain
from flows.monitoring import asking
from components import params
root, name = Path.cwd(), params.load().packaging.name
asked = [retraining.ask(root, Retrain(), "the alarm of a day", "v1.0.0", {}, datetime.now(UTC)) for _ in range(2)]
for _ in range(2):
    asking.send(root, name)
    retraining.change(root, asked[0].name, sent=False)  # killed before it was noted
asking.send(root, name)
print(asked[0].name)
"""


def starts(project: Path, stage: str) -> int:
    return sum(one[:2] == (stage, "start") for one in toy.events(project))


def has_ended(project: Path, stage: str) -> bool:
    return (stage, "end") in [one[:2] for one in toy.events(project)]


def has_concluded(project: Path) -> bool:
    """A run knows what it has come to, and tells the server next."""
    claims = (project / ".onetrunk/claims/onetrunk").glob("*.json")
    return any('"ended":"COMPLETED"' in claim.read_text() for claim in claims)


def away(machine: Machine, project: Path, what: str, until: Callable[[], bool], seconds: float) -> None:
    """The server, or the database, goes away until this has happened, and for so long nobody can be told."""
    machine.end(what)
    with (project / "events.log").open("a") as log:
        log.write(f"{what} away {time.time()}\n")
    toy.wait_for(until)
    time.sleep(seconds)


def ask_twice(machine: Machine, project: Path, server: Server) -> None:
    """The watch over traffic asks for a retraining, and one run answers."""
    done = subprocess.run(
        [sys.executable, "-c", ASK], cwd=project, env=machine.environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    name = done.stdout.splitlines()[-1]
    (request,) = retraining.every(project)
    assert request.name == name
    assert request.sent or request.outcome  # who is answered before it is sent once more, is not

    def asked() -> dict[str, list[str]]:
        """request -> the states of the runs that it has started."""
        found: dict[str, list[str]] = {}
        for run in server.api.post("flow_runs/filter", json={}).json():
            if one := run["parameters"].get("request"):
                found.setdefault(one, []).append(run["state_type"])
        return found

    toy.wait_for(lambda: asked() == {name: ["COMPLETED"]}, 120)
    (request,) = toy.wait_for(lambda: [one for one in retraining.every(project) if one.outcome])
    assert request.outcome == "everything is up to date"


def test_after_a_power_cut_the_schedule_goes_on_and_what_the_watch_asks_for_is_answered_once(
    machine: Machine, tmp_path: Path, forking_python: str
) -> None:
    """The repository's own deployment. The power goes in the midst of a run, and when another has just been
    taken by the worker; it comes back later. A run that is due beside another one does not fail, it is cancelled.
    In the midst of the next run the server is restarted, and at its end the database is away. No run stays
    running, and none that has ended is called crashed. Then the watch over traffic asks for a retraining, twice.
    The runs that nobody kills are forks of a Python that has the libraries loaded.
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
    own = f"deployments/{deployment['id']}"

    def post(what: str, body: Any) -> None:
        """Again, where the server is busy."""
        toy.wait_for(lambda: server.api.post(f"{own}/{what}", json=body).is_success)

    def states(auto_scheduled: bool = False) -> Counter[str]:
        answer = server.api.post("flow_runs/filter", json={})
        runs = answer.json() if answer.is_success else []
        return Counter(run["state_type"] for run in runs if run["auto_scheduled"] is auto_scheduled)

    post("create_flow_run", {})
    toy.wait_for(lambda: toy.events(project))
    post("create_flow_run", {})
    toy.wait_for(lambda: states()["CANCELLED"])
    post("create_flow_run", {"state": {"type": "PENDING"}})
    assert (states()["RUNNING"], states()["PENDING"], states()["FAILED"]) == (1, 1, 0)
    machine.lose_power()

    (project / "orders/plan.until").write_text("server away")
    (project / "orders/train.until").write_text("database away")
    machine.start_server()
    machine.change(
        "UPDATE flow_run_state SET timestamp = timestamp - interval '11 minutes' WHERE type = 'PENDING'"
    )
    forked = deployment["job_variables"] | {"command": engine(machine.home, f"{forking_python}/python")}
    toy.wait_for(lambda: server.api.patch(own, json={"job_variables": forked}).is_success)
    machine.start_worker()
    soon = str(datetime.now(UTC) + timedelta(seconds=15))  # the scheduler looks every few seconds
    every_minute = {"schedule": {"interval": 60, "anchor_date": soon}, "active": True}
    post("schedules", [every_minute])
    toy.wait_for(lambda: starts(project, "plan") == 2, 300)
    away(machine, project, "server", lambda: has_ended(project, "plan"), seconds=2)
    machine.start_server()
    toy.wait_for(lambda: starts(project, "train"))
    away(machine, project, "database", lambda: has_concluded(project), seconds=6)
    machine.start_database()
    toy.wait_for(lambda: states(auto_scheduled=True)["COMPLETED"], 300)
    assert states() == {"CRASHED": 2, "CANCELLED": 1}
    by_schedule = states(auto_scheduled=True)
    assert (by_schedule["FAILED"], by_schedule["CRASHED"]) == (0, 0)
    assert machine.processes["worker"].poll() is None
    assert server.flow_runs(project)[0]["state_type"] == "CRASHED"
    assert {stage for stage, what, _ in toy.events(project) if what == "end"} == {"plan", "train"}

    for schedule in server.api.get(f"{own}/schedules").json():
        server.api.delete(f"{own}/schedules/{schedule['id']}")
    toy.wait_for(lambda: not {"PENDING", "RUNNING"} & states(auto_scheduled=True).keys())
    ask_twice(machine, project, server)
