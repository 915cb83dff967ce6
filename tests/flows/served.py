"""`onetrunk serve` of a project, and callers who ask it while something happens to it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from components import loopback
from components.release import query
from tests.flows import toy


@contextlib.contextmanager
def service(project: Path, *options: str) -> Iterator[str]:
    """Serve the project's champion -> the address; the log is `log` beside the project."""
    host = loopback.host()
    port = loopback.free_port(host)
    command = [toy.python, "-m", "flows.cli", "serve", "--host", host, "--port", str(port), *options]
    log = project.parent / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, cwd=project, env=toy.environment(), stdout=output, stderr=subprocess.STDOUT
        )
        try:
            query._wait(server, loopback.url(host, port), project, log)
            yield loopback.url(host, port)
        finally:
            query.stop(server)


class Load:
    """Callers who ask the same from the beginning of the block to its end."""

    def __init__(self, url: str, request: dict[str, Any], callers: int = 4, pause: float = 0.02) -> None:
        """`pause`: seconds of each caller between two requests."""
        self.url, self.request, self.pause = url, request, pause
        self.answers: list[tuple[int, str, str, str]] = []  # status, release, bundle, answers
        self.ended = threading.Event()
        self.callers = [threading.Thread(target=self._ask) for _ in range(callers)]

    def _ask(self) -> None:
        with httpx.Client(base_url=self.url, timeout=60, trust_env=False) as client:
            while not self.ended.is_set():
                try:
                    self._note(client.post("/predict", json=self.request))
                except httpx.HTTPError as error:
                    self.answers.append((0, "", "", repr(error)))
                time.sleep(self.pause)  # a service that is never idle compares nothing

    def _note(self, reply: httpx.Response) -> None:
        said = reply.json()
        release = reply.headers.get("X-Onetrunk-Release", "")
        found = json.dumps(_rounded(said.get("answers")), sort_keys=True)
        self.answers.append((reply.status_code, release, said.get("version", ""), found))

    def __enter__(self) -> Load:
        for one in self.callers:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        for one in self.callers:
            one.join()

    def until(self, condition: Callable[[], object], seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, [one[:3] for one in self.answers[-4:]]
            time.sleep(0.05)


def _rounded(answers: Any) -> Any:
    """Without the last digits of its numbers, which follow from how many callers share a pass."""
    if isinstance(answers, dict):
        return {name: _rounded(one) for name, one in answers.items()}
    if isinstance(answers, list):
        return [_rounded(one) for one in answers]
    return round(answers, 4) if isinstance(answers, float) else answers
