"""docs/tutorial/first-answer.md, followed command by command from the page's text, with the real encoder.

Commands and stages are forks of a Python that has the libraries loaded (tests/forked.py).
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from components.loopback import free_port

# The fixture runs the pipeline.
pytestmark = [pytest.mark.slow, pytest.mark.minutes(1.5), pytest.mark.timeout(1800)]
ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/tutorial/first-answer.md").read_text(encoding="utf-8")
BLOCKS = re.findall(
    r"<!-- tested(.*?) -->\n```bash\n(.*?)```", PAGE, re.DOTALL
)  # where it is typed, commands


class Reader:
    """Follows the page: a shell in a home of its own, with the environment that the tests run in, and before it
    the commands of a folder."""

    def __init__(self, home: Path, port: int, commands: str) -> None:
        self.project = home / "tweets"
        self.port = port
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        git = {
            f"GIT_{who}_{what}": "reader@localhost"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        path = os.pathsep.join([commands, str(Path(sys.executable).parent), os.environ["PATH"]])
        self.environment = {**kept, **git, "HOME": str(home), "PATH": path}

    def types(self, block: str, folder: Path) -> str:
        """What a block of commands prints."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.here(block)],
            cwd=folder, env=self.environment, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, f"{block}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def serves(self, block: str) -> subprocess.Popen[bytes]:
        """The service that a block starts, once it answers."""
        command = ["bash", "-c", f"exec {self.here(block)}"]
        service = subprocess.Popen(command, cwd=self.project, env=self.environment)
        wait_until_ready(self.port, service)
        return service

    def spares(self) -> None:
        """Half of the training that the page's project asks for: its best weights come before."""
        settings = self.project / "params.yaml"
        before = settings.read_text()
        settings.write_text(before.replace("tokens: 20000 ", "tokens: 10000 "))
        assert settings.read_text() != before

    def here(self, block: str) -> str:
        """With a port that is free on this machine, and without what `make setup` has done already."""
        typed = block.replace(":3000", f":{self.port}").replace(
            "onetrunk serve", f"onetrunk serve --port {self.port}"
        )
        return "\n".join(
            line for line in typed.splitlines() if line not in ("make setup", "source .venv/bin/activate")
        )


def wait_until_ready(port: int, service: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert service.poll() is None, "the service has ended"
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    pytest.fail("the service was not ready in time")


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory, forking_python: str) -> list[str]:
    """What each tested block of the page printed, in the page's order."""
    reader = Reader(tmp_path_factory.mktemp("home"), free_port("127.0.0.1"), forking_python)
    service, found = None, []
    try:
        for where, block in BLOCKS:
            if where == ": serves":
                service = reader.serves(block)
                found.append("")
            else:
                found.append(reader.types(block, ROOT if where == ": in the clone" else reader.project))
                if where == ": in the clone":
                    reader.spares()
    finally:
        if service is not None:
            service.send_signal(signal.SIGINT)
            service.wait(60)
    return found


def after(command: str, printed: list[str]) -> str:
    """What the first block printed that holds the command."""
    return next(text for (_, block), text in zip(BLOCKS, printed, strict=True) if command in block)


def test_the_proposal_is_the_pages(printed: list[str]) -> None:
    (shown,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert shown in after("new-task tweets.csv --name mood", printed)


def test_the_run_ends_in_a_release_of_the_pages_task(printed: list[str]) -> None:
    found = after("onetrunk run", printed)
    assert "Verdict: PROMOTE" in found
    assert re.search(r"^mood .* accuracy .* pass *$", found, re.MULTILINE)


def test_the_release_answers_on_the_command_line_and_over_http(printed: list[str]) -> None:
    assert re.match(r"mood  label positive, probability", after("onetrunk predict", printed))
    (answer,) = json.loads(after("curl", printed))["answers"]
    assert answer["mood"]["label"] == "negative"


def test_a_higher_floor_asks_for_the_gate_and_not_for_training(printed: list[str]) -> None:
    found = after("onetrunk status", printed)
    assert "gate" in found
    assert "train" not in found
