"""Start a Bento from its final bytes, ask it one question per task over HTTP, stop it."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from components import families, loopback
from components.environment import QUIET, SERVICE, THREADS_AND_MEMORY
from components.errors import UserError
from components.evaluation.answers import Answers, Exchange, rounded
from components.families.base import Prediction
from components.files import verify_manifest
from components.release import variables
from components.settings.project import Task

READY_SECONDS = 120.0
TUNABLES = "GLIBC_TUNABLES"  # NAME=VALUE:NAME=VALUE
STOP_SECONDS = 10.0


def ask(bento: Path, tasks: Mapping[str, Task]) -> Answers:
    """Ask every task its example; floats are rounded to 6 digits.

    Raises:
        UserError: the Bento is damaged, does not start, or answers a question wrongly.
    """
    verify_manifest(bento)
    with running(bento) as url:
        asked = {
            head: Exchange(question=task.example, answer=ask_one(url, head, task.example, annotation.family))
            for name, task in tasks.items()
            for head, annotation in task.annotations(name).items()
        }
    return Answers(tasks=asked)


def ask_one(url: str, head: str, example: Mapping[str, Any], family: str) -> Prediction:
    """Ask a running service one question; the answer is held to the family's response schema.

    Raises:
        UserError: the service refused, or the answer is not of the schema.
    """
    import httpx

    question = {"texts": [example], "tasks": [head]}
    response = httpx.post(f"{url}/predict", json=question, timeout=60, trust_env=False)
    answer = _checked(head, family, response.status_code, response.text)
    return {key: rounded(value) for key, value in answer.items()}


def _checked(head: str, family: str, status: int, body: str) -> Prediction:
    """The head's answer, held to its family's response schema."""
    response = families.get(family).response
    try:
        answer = json.loads(body)["answers"][0][head]
        if set(answer) - set(response.model_fields):  # fields of another family's answer
            raise KeyError(head)
        answer = response.model_validate(answer).model_dump()
    except (ValueError, LookupError, TypeError):  # pydantic's ValidationError is a ValueError
        raise UserError(
            f"the Bento answered the example of task '{head}' with {status} {body:.300}; "
            f"expected 200 and the fields {', '.join(response.model_fields)}"
        ) from None
    return dict(answer)


@contextlib.contextmanager
def running(bento: Path) -> Iterator[str]:
    """Serve a Bento on a free port while the block runs; yields its URL.

    Raises:
        UserError: it ends or is not ready in time; the sentence shows the tail of its log.
    """
    with tempfile.TemporaryDirectory(prefix="onetrunk-serve-") as scratch:
        host = loopback.host()
        port = loopback.free_port(host)
        environment = _alone(serve_environment(Path(scratch)))
        url = loopback.url(host, port)
        log = Path(scratch) / "log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                serve_command(bento, host, port),
                cwd=scratch,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait(server, url, bento, log)
            yield url
        finally:
            stop(server)


def _alone(environment: Mapping[str, str]) -> dict[str, str]:
    """Without what is said of a service that lasts: this one has one caller, this process, who is not to be
    recorded."""
    return {name: value for name, value in environment.items() if name not in variables.ALL}


def serve_command(bento: Path, host: str, port: int) -> list[str]:
    """The command that serves a Bento folder, for any working directory."""
    command = [sys.executable, "-m", "bentoml", "serve", str(bento.absolute())]
    return [*command, "--host", host, "--port", str(port)]


def serve_environment(home: Path) -> dict[str, str]:
    """Telemetry off, a service's memory, a BentoML home of its own, no bytecode written into the Bento."""
    return {**_of_service(os.environ), "BENTOML_HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}


def _of_service(environment: Mapping[str, str]) -> dict[str, str]:
    """What an operator has set counts more than ours, and what this process was given for its own memory is
    left out; of the C library's tunables, of which the last of a name counts, both are passed on."""
    set_by_us = THREADS_AND_MEMORY.items() & environment.items()
    own = dict(environment.items() - set_by_us)
    ours, tunables = SERVICE[TUNABLES], list(filter(None, own.get(TUNABLES, "").split(":")))
    if ours not in tunables:
        tunables.insert(0, ours)
    return {**QUIET, **SERVICE, **own, TUNABLES: ":".join(tunables)}


def check_port(host: str, port: int) -> None:
    """Raise UserError where `port` cannot be listened on, and say what to do."""
    with contextlib.ExitStack() as opened:
        try:
            family = socket.getaddrinfo(host, port)[0][0]
            probe = opened.enter_context(socket.socket(family))
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free
            probe.bind((host, port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            reason = "is already taken" if taken else f"cannot be used ({error.strerror})"
            raise UserError(f"port {port} on {host} {reason}; choose another with --port") from None


def _wait(server: subprocess.Popen[bytes], url: str, bento: Path, log: Path) -> None:
    import httpx

    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise UserError(f"{bento}: the Bento did not start; its last lines are: {_tail(log)}")
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz", timeout=2, trust_env=False).status_code == 200:
                return
        time.sleep(0.1)
    raise UserError(f"{bento}: not ready after {READY_SECONDS:.0f} s; its last lines are: {_tail(log)}")


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-8:]
    return " | ".join(line.strip() for line in lines if line.strip())


def stop(server: subprocess.Popen[bytes]) -> None:
    """End a server and its workers: asked first, killed if they take longer than STOP_SECONDS.

    BentoML gives every worker a session of its own, so a process group does not reach them.
    """
    import psutil

    try:
        parent = psutil.Process(server.pid)
        family = [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        family = []
    if server.poll() is None:
        server.terminate()
    _, alive = psutil.wait_procs(family, timeout=STOP_SECONDS)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    server.wait()
