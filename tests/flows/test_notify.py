"""Being told of runs: a real Prefect server, and receivers of this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from tests.flows import judged, receivers, toy
from tests.flows.conftest import OWN_SERVER, Server

pytestmark = [
    pytest.mark.minutes(0.7),
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.usefixtures("forking_commands"),
]


@pytest.fixture
def web() -> Iterator[tuple[int, list[dict[str, Any]]]]:
    with receivers.web() as found:
        yield found


@pytest.fixture
def mail() -> Iterator[tuple[int, list[Message]]]:
    with receivers.mail() as found:
        yield found


def notify(
    project: Path, environment: dict[str, str], *arguments: str, address: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [toy.python, "-m", "flows.cli", "notify", *arguments],
        cwd=project, env=toy.environment(**environment), input=address + "\n", capture_output=True, text=True,
    )  # fmt: skip


def automations(server: Server, project: str) -> list[str]:
    found = server.api.post("automations/filter", json={}).json()
    return sorted(one["name"] for one in found if one["name"].startswith(f"onetrunk {project}: "))


def blocks(server: Server, name: str) -> list[dict[str, Any]]:
    wanted = {"block_documents": {"is_anonymous": {"eq_": False}, "name": {"any_": [name]}}}
    return server.api.post("block_documents/filter", json=wanted).json()


def run(project: Path, said: str, environment: dict[str, str]) -> int:
    (project / "said").write_text(said)
    return toy.onetrunk(project, "run", **environment).returncode


def test_every_outcome_is_told_to_a_webhook_once(
    server: Server, tmp_path: Path, web: tuple[int, list[dict[str, Any]]]
) -> None:
    port, received = web
    project = judged.make(tmp_path / "desk", "told_all")
    done = notify(project, server.environment, "webhook", address=f"http://127.0.0.1:{port}/x")
    assert done.returncode == 0, done.stderr
    assert run(project, "PROMOTE good", server.environment) == 0
    toy.wait_for(lambda: len(received) == 1)
    assert received[0] == {
        "text": "told_all: the gate says PROMOTE, and release 0123456789ab is the champion. "
        f"More: cd {project} && onetrunk status",
        "project": "told_all",
        "outcome": "promote",
        "what": "the gate says PROMOTE, and release 0123456789ab is the champion",
        "task": "",
        "why": "",
        "command": f"cd {project} && onetrunk status",
    }
    assert run(project, 'HOLD 300 more rows of "test" {{ data }} would decide', server.environment) == 2
    toy.wait_for(lambda: len(received) == 2)
    assert received[1]["outcome"] == "hold"
    assert received[1]["task"] == "mood"
    assert received[1]["text"] == (
        'told_all: the gate says HOLD, and nothing new is released. mood: 300 more rows of "test" {{ data }} '
        f"would decide. More: cd {project} && onetrunk status"
    )
    assert run(project, "REJECT accuracy is lower by .2", server.environment) == 2
    toy.wait_for(lambda: len(received) == 3)
    assert received[2]["outcome"] == "reject"
    assert "mood: accuracy is lower by .2." in received[2]["text"]
    (project / "orders/train").write_text("1")
    (project / "input.txt").write_text("two")
    assert run(project, "PROMOTE good", server.environment) == 1
    toy.wait_for(lambda: len(received) == 4)
    assert received[3]["outcome"] == "failure"
    assert received[3]["text"] == (
        "told_all: the run has failed, and nothing new is released. train: train was told to fail. "
        f"More: cd {project} && cat .onetrunk/logs/train.log"
    )
    assert subprocess.run(received[3]["command"], shell=True, capture_output=True).stdout  # noqa: S602
    assert run(project, "PROMOTE good", server.environment) == 0
    toy.wait_for(lambda: len(received) == 5)
    assert run(project, "PROMOTE good", server.environment) == 0  # nothing to do, and so nothing to tell
    assert toy.onetrunk(project, "check", **server.environment).returncode != 1
    assert notify(project, server.environment, "--test").returncode == 0
    assert [one["outcome"] for one in received] == [
        "promote",
        "hold",
        "reject",
        "failure",
        "promote",
        "test",
    ]
    assert "test" in received[5]["text"]


@pytest.mark.parametrize("path", [receivers.REFUSED, None])
def test_a_test_that_does_not_arrive_is_no_success(
    server: Server, tmp_path: Path, web: tuple[int, list[dict[str, Any]]], path: str | None
) -> None:
    """Whether somebody answers with an error, or nobody answers at all."""
    project = judged.make(tmp_path / "desk", "refused-there" if path else "nobody-there")
    address = f"http://127.0.0.1:{web[0]}{path}" if path else "http://127.0.0.1:9/nobody"
    assert notify(project, server.environment, "webhook", address=address).returncode == 0
    tried = notify(project, server.environment, "--test")
    assert (tried.returncode, tried.stdout.split(":")[0]) == (1, "NOT sent"), tried.stdout + tried.stderr
    assert len(web[1]) == bool(path)


def test_slack_and_a_mailbox_get_the_paragraph(
    server: Server,
    tmp_path: Path,
    web: tuple[int, list[dict[str, Any]]],
    mail: tuple[int, list[Message]],
) -> None:
    """Slack's own address is not here: the same block delivers to another of Apprise's addresses."""
    project = judged.make(tmp_path / "desk", "told-by-post")
    slack = notify(project, server.environment, "slack", address=f"json://127.0.0.1:{web[0]}/")
    post = f"mailto://127.0.0.1:{mail[0]}/?from=desk@example.org&to=team@example.org&format=text"
    email = notify(project, server.environment, "email", "--on", "hold,reject", address=post)
    assert (slack.returncode, email.returncode) == (0, 0), slack.stderr + email.stderr
    assert run(project, "HOLD 300 more rows would decide", server.environment) == 2
    toy.wait_for(lambda: web[1] and mail[1])
    sentence = "the gate says HOLD, and nothing new is released. mood: 300 more rows would decide."
    assert sentence in web[1][0]["message"]
    assert web[1][0]["title"] == "told-by-post: hold"
    (told,) = mail[1]
    assert (told["To"], told["Subject"]) == ("team@example.org", "told-by-post: hold")
    assert sentence in told.get_payload(decode=True).decode()
    assert run(project, "PROMOTE good", server.environment) == 0
    toy.wait_for(lambda: len(web[1]) == 2)
    assert len(mail[1]) == 1  # it asked for HOLD and REJECT alone


def test_setting_up_again_changes_what_is_there_and_removing_leaves_nothing(
    server: Server, tmp_path: Path
) -> None:
    project = judged.make(tmp_path / "desk", "set_up_twice")
    secret = "http://127.0.0.1:9/a-secret"
    first = notify(project, server.environment, "webhook", "--silent-days", "8", address=secret)
    assert first.returncode == 0, first.stderr
    names = [
        "onetrunk set_up_twice: a run has crashed -> webhook",
        "onetrunk set_up_twice: no run has ended well -> webhook",
        "onetrunk set_up_twice: promote, hold, reject, failure -> webhook",
    ]
    assert automations(server, "set_up_twice") == names
    assert (
        notify(project, server.environment, "webhook", "--silent-days", "8", address=secret).returncode == 0
    )
    assert automations(server, "set_up_twice") == names
    listed = notify(project, server.environment)
    assert sorted(listed.stdout.splitlines()) == names
    (block,) = blocks(server, "onetrunk-set-up-twice-webhook")
    assert "a-secret" not in str(block) + first.stdout + listed.stdout
    assert "a-secret" not in "".join(
        file.read_text(errors="replace") for file in project.glob("*") if file.is_file()
    )
    assert notify(project, server.environment, "webhook", "--on", "reject", address=secret).returncode == 0
    assert automations(server, "set_up_twice") == ["onetrunk set_up_twice: reject -> webhook"]
    other = notify(project, server.environment, "--remove", "email")
    assert other.stdout.splitlines()[0] == "nothing was set up that could be removed"
    removed = notify(project, server.environment, "--remove")
    assert removed.stdout.splitlines()[0] == "removed: onetrunk set_up_twice: reject -> webhook"
    assert automations(server, "set_up_twice") == []
    assert blocks(server, "onetrunk-set-up-twice-webhook") == []
    assert notify(project, server.environment, "--test").returncode == 2


@pytest.mark.parametrize(
    ("channel", "address"),
    [
        ("webhook", ""),
        ("webhook", "ftp://a-secret"),
        ("slack", "https://a-secret/x"),
        ("email", "a-secret@x.org"),
    ],
)
def test_what_is_no_address_is_refused_and_not_shown(
    server: Server, tmp_path: Path, channel: str, address: str
) -> None:
    project = judged.make(tmp_path / "desk", "refused")
    done = notify(project, server.environment, channel, address=address)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {channel}: this is not ")
    assert "a-secret" not in done.stdout + done.stderr
    assert automations(server, "refused") == []


KILLED = """
import sys
from datetime import timedelta
from flows.notifications import automations
automations.DEAD_AFTER = timedelta(seconds=10)
automations.WATCH = "onetrunk: a run without a sign of life has crashed, in a test"
print(automations.set_up("killed", "webhook", sys.argv[1], ["failure"], None, lasts=True))
"""


def test_a_killed_run_is_told_though_nobody_starts_another(
    server: Server, tmp_path: Path, web: tuple[int, list[dict[str, Any]]]
) -> None:
    port, received = web
    project = judged.make(tmp_path / "desk", "killed")
    address = f"http://127.0.0.1:{port}/x"
    environment = toy.environment(**server.environment)
    subprocess.run([sys.executable, "-c", KILLED, address], check=True, env=environment, cwd=project)
    (project / "dvc.yaml").write_text(judged.DVC.replace("model.txt\n", "model.txt 300\n", 1))
    process = subprocess.Popen([sys.executable, "-m", "flows.cli", "run"], cwd=project, env=environment)
    toy.wait_for(lambda: toy.events(project))
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    toy.wait_for(lambda: received)
    assert received[0]["text"].startswith("killed: a run has crashed or was killed (no sign of life for ")
    notify(project, server.environment, "--remove")


def test_a_run_with_a_server_of_its_own_tells_before_it_ends(
    server: Server, tmp_path: Path, web: tuple[int, list[dict[str, Any]]]
) -> None:
    port, received = web
    project = judged.make(tmp_path / "desk", "alone")
    server.spare_first_start(project / OWN_SERVER)
    done = notify(project, {}, "webhook", address=f"http://127.0.0.1:{port}/x")
    assert "this project's own Prefect server" in done.stdout
    assert run(project, "REJECT accuracy is lower", {}) == 2
    assert [one["outcome"] for one in received] == ["reject"]
