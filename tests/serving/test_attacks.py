"""One service with two workers and a token, attacked: beside all of it a caller is answered, at the end its
memory has returned, and when it ends under load no request is lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import bentoml
import httpx
import hypothesis
import psutil
import pytest
import schemathesis
from schemathesis.specs.openapi.checks import response_schema_conformance

from components import loopback
from components.errors import UserError
from components.release import query, variables
from components.release.variables import FEEDBACK
from flows import champion
from serving.connections import MOST_SILENT
from tests.serving import attacks
from tests.serving.attacks import CLOSED, TOKEN, Slow, Steady, answered, head, post

pytestmark = pytest.mark.slow  # a service is started

BRIEF = hypothesis.settings(
    max_examples=20, deadline=None, database=None, derandomize=True, phases=[hypothesis.Phase.generate],
    suppress_health_check=list(hypothesis.HealthCheck),
)  # fmt: skip
IDLE = 5000  # connections
GROWN = 1.1  # times the memory before that is left after all attacks


@dataclass
class Service:
    process: subprocess.Popen[bytes]
    port: int
    log: Path
    memory: int = 0  # bytes before the attacks
    worked: dict[int, float] = field(default_factory=dict)  # seconds of each worker before them

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def resident(self) -> int:
        """Bytes of all its workers."""
        return sum(one.memory_info().rss for one in self.workers())

    def seconds(self) -> dict[int, float]:
        """Of the processor, that each worker has had."""
        return {one.pid: one.cpu_times().user for one in self.workers()}


@pytest.fixture(scope="module")
def service(bento: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("attacked")
    (home / "tokens").write_text(f"{TOKEN}\n")
    port = loopback.free_port("127.0.0.1")
    kept = json.dumps({"folder": str(home / "feedback")})
    settings = {
        variables.TOKEN_FILE: str(home / "tokens"),
        variables.WORKERS: "2",
        "TMPDIR": str(home),
        FEEDBACK: kept,
    }
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            query.serve_command(bento, "127.0.0.1", port),
            cwd=home,
            env={**query.serve_environment(home), **settings},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        query._wait(process, f"http://127.0.0.1:{port}", bento, home / "log")
        found = Service(process, port, home / "log")
        for _ in range(20):
            assert answered(port, post(attacks.BODY), patience=30)[0] == 200
        found.memory, found.worked = found.resident(), found.seconds()
        yield found
    finally:
        query.stop(process)


@pytest.fixture(scope="module")
def slow(service: Service) -> Slow:
    """Begins with the first test, and is looked at in one of the last."""
    return Slow(service.port, 60)


@pytest.fixture(scope="module")
def steady(service: Service, slow: Slow) -> Iterator[Steady]:
    found = Steady(service.port)
    yield found
    found.stop()


def test_with_a_token_it_answers_and_without_one_it_says_what_it_expects(
    service: Service, steady: Steady, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = httpx.get(f"{service.url}/metadata", trust_env=False)
    assert (refused.status_code, list(refused.json())) == (401, ["error"])
    for path in ("/", "/operate", "/metrics", "/docs.json", "/metadata"):
        assert httpx.get(f"{service.url}{path}", trust_env=False).status_code == 401
        found = httpx.get(f"{service.url}{path}", auth=("whoever", TOKEN), trust_env=False)
        assert found.status_code == 200
    assert httpx.get(f"{service.url}/livez", trust_env=False).status_code == 200
    with bentoml.SyncHTTPClient(service.url, token=TOKEN) as client:
        assert list(client.predict(texts=["hello"], tasks=["ner"])["answers"][0]) == ["ner"]
    question = {"texts": ["hello"], "tasks": ["ner"]}
    with pytest.raises(UserError, match="it has no token; expected the header"):
        champion.ask_service(service.url, question)
    monkeypatch.setenv(variables.TOKEN, TOKEN)
    assert list(champion.ask_service(service.url, question)) == ["ner"]


def test_the_page_shows_programs_how_to_send_a_token(service: Service) -> None:
    page = httpx.get(service.url, auth=("whoever", TOKEN), trust_env=False).text
    assert " data-token>" in page
    assert TOKEN not in page


def test_of_300_malformed_requests_none_is_a_failure_of_the_service(service: Service, steady: Steady) -> None:
    statuses: Counter[int | None] = Counter()
    requests = list(attacks.malformed(300))
    with ThreadPoolExecutor(8) as threads:
        answers = threads.map(lambda sent: answered(service.port, sent, patience=5), requests)
        for sent, (status, body) in zip(requests, answers, strict=True):
            statuses[status] += 1
            assert status != CLOSED, sent
            if status not in (None, 200):
                assert list(json.loads(body)) == ["error"], sent
    assert set(statuses) <= {None, 200, 400, 401, 404, 405, 411, 413, 415}
    assert statuses[400] > 150
    assert statuses[None] < 30  # whose end, as far as they say, has not come


def test_what_openapi_describes_and_what_it_does_not_is_answered_as_it_says(
    service: Service, steady: Steady
) -> None:
    headers = {"authorization": f"Bearer {TOKEN}"}
    spec = httpx.get(f"{service.url}/docs.json", headers=headers, trust_env=False).json()
    assert spec["security"] == [{"token": []}]
    statuses: Counter[int] = Counter()
    conforms = [schemathesis.checks.not_a_server_error, response_schema_conformance]

    def check(case: schemathesis.Case) -> None:
        if isinstance(case.body, dict):
            case.body.pop("tasks", None)  # few of the names that are drawn are a task's
        response = case.call(headers=headers, base_url=service.url)
        statuses[response.status_code] += 1
        case.validate_response(response, checks=conforms)

    for found in schemathesis.openapi.from_dict(spec).get_all_operations():
        operation = found.ok()
        asked = operation.method == "post"  # what a page is sent beside its path, it does not read
        for mode in schemathesis.GenerationMode if asked else [schemathesis.GenerationMode.POSITIVE]:
            cases = hypothesis.given(operation.as_strategy(generation_mode=mode))
            BRIEF(cases(check))()
    assert {200, 400} <= set(statuses) <= {200, 400, 401, 413, 415}


def test_no_address_is_asked_on_a_callers_word(service: Service, steady: Steady) -> None:
    with socket.create_server(("127.0.0.1", 0)) as own:
        url = f"http://127.0.0.1:{own.getsockname()[1]}/"
        texts: list[object] = [url, {"text": url}, {"url": url}, {"$ref": url}, {"text": {"url": url}}]
        bodies: list[dict[str, object]] = [{"texts": [one]} for one in texts]
        bodies += [{"texts": {"$ref": url}}, {"texts": ["a"], "url": url}, {"texts": ["a"], "tasks": [url]}]
        for path in ("/predict", "/stream", "/explain"):
            sent = [post(json.dumps(body).encode(), path=path) for body in bodies]
            assert {answered(service.port, one, patience=30)[0] for one in sent} == {200, 400}
        own.settimeout(0.5)
        with pytest.raises(TimeoutError):
            own.accept()


@pytest.mark.parametrize(
    "chunk", [b"x" * 10_000, b'{"texts": ["' + b"[" * 10_000], ids=["bytes", "what begins as JSON"]
)
def test_a_body_without_end_is_refused_when_it_is_too_large(
    service: Service, steady: Steady, chunk: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
        connection.sendall(head(None, more="transfer-encoding: chunked\r\n"))
        for _ in range(100):
            connection.sendall(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 413 ")


@pytest.fixture
def _many_files() -> Iterator[None]:
    """As many as the system allows: a connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _connected(service: Service) -> int:
    every = (one for process in service.workers() for one in process.net_connections("tcp"))
    return sum(one.status == psutil.CONN_ESTABLISHED for one in every)


@pytest.mark.usefixtures("_many_files")
def test_idle_connections_in_thousands_keep_nobody_out(service: Service, steady: Steady) -> None:
    before = sum(steady.statuses.values())
    with contextlib.ExitStack() as opened:
        for _ in range(IDLE):
            opened.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=30))
        for _ in range(10):
            assert answered(service.port, post(attacks.BODY), patience=30)[0] == 200
        until = time.monotonic() + 30  # on a busy machine a worker accepts and closes them by and by
        while (open_ := _connected(service)) > 2 * MOST_SILENT + 100 and time.monotonic() < until:
            time.sleep(0.2)
        assert open_ <= 2 * MOST_SILENT + 100  # of those that were too many the oldest went
    assert sum(steady.statuses.values()) > before


def test_slow_senders_of_headers_and_of_bodies_are_sent_away(service: Service, slow: Slow) -> None:
    heard = slow.ends(22)
    assert {one.partition(b"\r\n")[0] for one in heard[::2]} == {b"HTTP/1.1 408 Request Timeout"}
    assert set(heard[1::2]) == {b""}


def test_beside_all_that_every_good_request_was_answered_and_the_memory_returns(
    service: Service, steady: Steady
) -> None:
    steady.stop()
    assert set(steady.statuses) == {200}
    assert steady.slowest < 10
    for _ in range(40):
        if service.resident() < GROWN * service.memory:
            break
        time.sleep(0.25)
    assert service.resident() < GROWN * service.memory


def test_no_attack_left_a_traceback_or_a_text_in_the_log_and_both_workers_had_work(service: Service) -> None:
    log = service.log.read_text(errors="replace")
    assert "Traceback" not in log
    assert "Rome" not in log
    assert TOKEN not in log
    assert '"path": "/predict"' in log
    worked = [seconds - service.worked[pid] for pid, seconds in service.seconds().items()]
    assert len(worked) == 2
    assert min(worked) > 0.1


def test_a_service_that_is_told_to_end_under_load_loses_no_request(service: Service) -> None:
    asked: Counter[str] = Counter()
    family = service.workers()

    async def scenario() -> None:
        some = asyncio.Event()
        callers = asyncio.ensure_future(attacks.until_it_ends(service.port, 12, asked, some))
        await asyncio.wait_for(some.wait(), 60)
        os.kill(service.process.pid, signal.SIGTERM)
        await asyncio.wait_for(callers, 60)

    asyncio.run(scenario())
    assert set(asked) == {"answered"}
    assert service.process.wait(20) in (0, -signal.SIGTERM)
    assert not psutil.wait_procs(family, timeout=5)[1]
