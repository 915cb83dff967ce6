"""The recipe of docs/how-to/alerts.md against a real server and a real webhook."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.flows import toy
from tests.flows.conftest import Server

PAGE = toy.CHECKOUT / "docs/how-to/alerts.md"


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """The address of a listener, and what it has received."""
    received: list[dict[str, str]] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    listener = HTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{listener.server_port}/alerts", received
    listener.shutdown()


def ours(received: list[dict[str, str]]) -> list[str]:
    return [told["text"] for told in received if "webhook" in told["text"]]


def test_a_run_that_fails_is_told_to_a_webhook(
    server: Server, tmp_path: Path, webhook: tuple[str, list[dict[str, str]]]
) -> None:
    address, received = webhook
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "alerts.py").write_text(code)
    made = subprocess.run(
        [sys.executable, str(tmp_path / "alerts.py"), address], env=toy.environment(**server.environment),
        capture_output=True, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    project = toy.make(tmp_path / "project")
    work = project / "work.py"  # others share the server, and the webhook hears of their failures too
    work.write_text(work.read_text().replace("told to fail", "told to fail for the webhook"))
    assert toy.onetrunk(project, "run", **server.environment).returncode == 0
    (project / "input.txt").write_text("two")
    (project / "orders/train").write_text("2")
    assert toy.onetrunk(project, "run", **server.environment).returncode == 2
    toy.wait_for(lambda: ours(received))
    assert ours(received) == ["onetrunk: Failed: train: train was told to fail for the webhook"]
