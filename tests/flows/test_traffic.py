"""`onetrunk traffic` and its flow, over synthetic traffic of three days."""

from __future__ import annotations

import errno
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from components import params
from components.errors import UserError
from components.monitoring import retraining
from components.monitoring.traffic import judging
from components.settings.retrain import Retrain
from flows import cli
from flows import traffic as flow
from flows.commands import traffic as command
from tests.flows import toy
from tests.flows.conftest import Server
from tests.monitoring.traffic import asked
from tests.release import bentos
from tests.serving import tiny

FIRST = datetime(2026, 11, 2, 12, tzinfo=UTC)
LINES = [
    "2026-11-03, release v1, 60 texts: as before (p = ",
    "2026-11-04, release v1, 60 texts: SHIFTED (p = 0.0063)",
    "  wording: the texts read differently (discrepancy ",
]
KILLED = """
import os
from components.monitoring.traffic import judging
from flows.traffic import traffic
judging.judge_windows = lambda *_, **__: os.kill(os.getpid(), 9)
traffic()
"""

# The sender was killed before it noted that it had sent the request.
SENT_AGAIN = """
from pathlib import Path
from components.monitoring import retraining
from flows.monitoring import asking
root = Path.cwd()
(request,) = retraining.every(root)
retraining.write(root, request.model_copy(update={"sent": False}))
asking.send(root, "tiny")
print("sent")
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tiny.write_project(tmp_path)
    given = yaml.safe_load((tmp_path / "params.yaml").read_text())
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(given | {"traffic": asked.SETTINGS}))
    asked.three_days(tmp_path / "monitoring/traffic", tmp_path / "models/multitask/tokenizer.json", FIRST)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_day_is_judged_once_and_said_in_words(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = cli.parser().parse_args(["traffic"])
    assert command.run(given) == 0
    said = capsys.readouterr().out
    assert [line.startswith(start) for line, start in zip(said.splitlines(), LINES, strict=True)] == [
        True
    ] * 3
    files = sorted((project / judging.FOLDER).iterdir())
    before = [file.stat().st_mtime_ns for file in files]
    assert command.run(given) == 0
    assert capsys.readouterr().out == said
    assert [file.stat().st_mtime_ns for file in files] == before


def test_without_a_section_it_says_where_to_read(project: Path) -> None:
    given = yaml.safe_load((project / "params.yaml").read_text())
    del given["traffic"]
    (project / "params.yaml").write_text(yaml.safe_dump(given))
    with pytest.raises(UserError, match=r"traffic: missing; `traffic: \{\}` has the service record"):
        command.run(cli.parser().parse_args(["traffic"]))


def test_without_retrain_an_alarm_says_that_nothing_is_started(project: Path) -> None:
    settings = params.load()
    window = flow.judge(project, settings)[-1]
    assert settings.retrain is None
    said = "nothing is started: `retrain` in params.yaml says what may be"
    assert flow._ask(project, settings, [window]) == said
    assert flow._ask(project, settings, []) == ""


def test_a_full_disk_is_a_sentence(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", ".onetrunk/traffic.lock")

    monkeypatch.setattr(flow, "turn", full)
    state = flow.traffic.fn()
    assert state.is_failed()
    assert state.message == (
        ".onetrunk/traffic.lock: no space is left on the disk; free some, then give the same command again"
    )


def test_where_accepted_feedback_alone_is_watched_it_shows_what_the_last_request_came_to(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params = yaml.safe_load((project / "params.yaml").read_text())
    del params["traffic"]
    (project / "params.yaml").write_text(yaml.safe_dump(params | {"retrain": {"accepted_rows": 200}}))
    retraining.ask(project, Retrain(), "200 rows of feedback", "v1.0.0", {}, FIRST)
    assert command.run(cli.parser().parse_args(["traffic"])) == 0
    assert capsys.readouterr().out.splitlines() == [
        "no window of traffic has ended yet",
        "a retraining was asked for on 2026-11-02 by 200 rows of feedback: no run has answered it yet",
    ]


@pytest.mark.slow
@pytest.mark.usefixtures("forking_commands")
def test_a_shift_is_one_event_and_one_request_however_often_the_flow_runs(
    tmp_path: Path, server: Server
) -> None:
    project = tiny.write_project(bentos.repository(tmp_path / "project"))
    bentos.release(project, "a")
    given = yaml.safe_load((project / "params.yaml").read_text())
    wanted = {"traffic": asked.SETTINGS, "retrain": {"cooldown_days": 3}}
    (project / "params.yaml").write_text(yaml.safe_dump(given | wanted))
    tokenizer = project / "models/multitask/tokenizer.json"
    asked.three_days(project / "monitoring/traffic", tokenizer, FIRST, release="v1.0.0")

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        environment = toy.environment(**server.environment)
        return subprocess.run(
            command, cwd=project, env=environment, capture_output=True, text=True, timeout=300
        )

    def says(code: str) -> str:
        """In its last line, in a Python that may be a fork."""
        (tmp_path / "code.py").write_text(code)
        ended = run(toy.python, str(tmp_path / "code.py"))
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.splitlines()[-1]

    run(sys.executable, "-c", KILLED)
    code = "from flows.traffic import traffic; print(traffic(return_state=True).message)"
    said = [says(code) for _ in range(2)]
    assert says(SENT_AGAIN) == "sent"
    (request,) = retraining.every(project)
    assert said[0] == f"2 windows judged, 1 shifts raised; a retraining is asked for ({request.name})"
    assert said[1].startswith("0 windows judged, 0 shifts raised; no retraining is asked for: one was asked")
    states = toy.wait_for(lambda: [one["state_name"] for one in server.flow_runs(project)])
    assert states == ["Crashed", "Completed", "Completed"]  # none stays running
    assert request.sent
    assert request.reason.startswith("the alarm of 2026-11-04, release v1.0.0, 60 texts: SHIFTED (p = ")

    def events(name: str) -> list[dict[str, Any]]:
        """Of this project: the server is shared."""
        wanted = {"filter": {"event": {"name": [name]}}}
        found = server.api.post("events/filter", json=wanted).json()["events"]
        return [one for one in found if one["payload"]["release"] == "v1.0.0"]

    (event,) = events("onetrunk.shift")
    message = event["payload"]["message"].splitlines()
    assert message[0].startswith(LINES[1].replace("v1,", "v1.0.0,").split(" (p")[0])
    assert message[-1] == f"a retraining is asked for ({request.name})"
    assert len(event["payload"]["moved"][0]["typical"]) == 5
    (event,) = events("onetrunk.retrain")
    assert event["payload"] == {"request": request.name, "reason": request.reason, "release": "v1.0.0"}
