from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from bentoml._internal.server.http.traffic import TimeoutMiddleware
from prometheus_client import generate_latest
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from components.release.records import BundleCard, PackedTask
from serving import watch
from serving.watch import Watch
from tests.serving.own_metrics import own_metrics


@pytest.fixture(autouse=True)
def _card(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Of a bundle's card the metrics read the name, the version and the tasks' labels."""
    monkeypatch.setattr(
        watch, "card", lambda: BundleCard.model_construct(name="tiny", version="abc", tasks={})
    )
    with own_metrics():
        yield


def ask(
    path: str,
    method: str = "GET",
    app: ASGIApp | None = None,
    around: Callable[[ASGIApp], ASGIApp] = lambda app: app,
    **headers: str,
) -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": raw}
    asyncio.run(around(Watch(app or JSONResponse({})))(scope, receive, send))
    return sent


def header(sent: list[Message], name: str) -> str:
    return dict(sent[0]["headers"])[name.encode()].decode()


def test_a_body_of_two_lengths_is_refused_and_its_connection_closed() -> None:
    sent = ask("/predict", "POST", content_length="5", transfer_encoding="chunked")
    assert (sent[0]["status"], header(sent, "connection")) == (400, "close")
    assert "expected one of them" in json.loads(sent[1]["body"])["error"]
    for one in ("content_length", "transfer_encoding"):
        assert ask("/predict", "POST", **{one: "chunked"})[0]["status"] == 200


def test_unknown_paths_are_one_label_and_get_one_sentence() -> None:
    for number in range(50):
        sent = ask(f"/nowhere/{number}")
        assert sent[0]["status"] == 404
        assert json.loads(sent[1]["body"])["error"].startswith("no such page; expected one of /predict, ")
    text = generate_latest().decode()
    assert "nowhere" not in text
    assert 'endpoint="other"' in text


def test_a_wrong_method_gets_one_sentence() -> None:
    sent = ask("/predict")
    assert sent[0]["status"] == 405
    assert json.loads(sent[1]["body"]) == {"error": "the method is GET, expected POST"}
    assert header(sent, "allow") == "POST"
    assert header(ask("/tasks", "POST"), "allow") == "GET, HEAD"


def test_a_request_keeps_its_callers_id_if_that_is_one() -> None:
    assert header(ask("/tasks", x_request_id="order-7"), "x-request-id") == "order-7"
    assert header(ask("/tasks", x_request_id="a" * 65), "x-request-id") != "a" * 65
    assert len(header(ask("/tasks"), "x-request-id")) == 16


def test_a_line_of_log_is_json_without_what_the_caller_wrote(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    monkeypatch.setattr(watch.LOG, "info", lines.append)
    ask("/secret?text=mine", x_request_id="order-7")
    line = json.loads(lines[-1])
    assert line["id"] == "order-7"
    assert (line["method"], line["path"], line["status"]) == ("GET", "other", 404)


def test_refusals_are_counted_by_reason_and_those_who_hung_up_too() -> None:
    async def busy(scope: Scope, receive: Receive, send: Send) -> None:
        await JSONResponse({"error": "later"}, status_code=503)(scope, receive, send)

    async def left(scope: Scope, receive: Receive, send: Send) -> None:
        return None

    for app in (busy, busy, left):
        ask("/predict", "POST", app)
    text = generate_latest().decode()
    assert 'onetrunk_refused_total{reason="busy"} 2.0' in text
    assert 'onetrunk_refused_total{reason="left"} 1.0' in text
    assert 'bentoml_service_request_in_progress{endpoint="/predict"' in text


def test_a_failed_request_is_counted_and_no_longer_in_progress() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        ask("/predict", "POST", broken)
    assert 'onetrunk_refused_total{reason="failed"} 1.0' in generate_latest().decode()
    progress: Any = [
        line for line in generate_latest().decode().splitlines() if "request_in_progress{" in line
    ]
    assert [line.rsplit(" ", 1)[1] for line in progress] == ["0.0"]


def test_a_request_that_bentoml_gives_up_has_timed_out_and_nobody_left() -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(30)

    sent = ask("/predict", "POST", slow, around=lambda app: TimeoutMiddleware(app, 0.01))
    assert sent[0]["status"] == 504
    assert 'onetrunk_refused_total{reason="timed out"} 1.0' in generate_latest().decode()


def test_a_label_that_the_release_does_not_name_is_one_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mood, free = (PackedTask.model_construct(labels=labels) for labels in (["good"], None))
    tasks = {"mood": mood, "free": free}
    monkeypatch.setattr(
        watch, "card", lambda: BundleCard.model_construct(name="tiny", version="abc", tasks=tasks)
    )
    for label in ("good", "bad", "worse"):
        watch.metrics().count([{name: SimpleNamespace(label=label) for name in tasks}])
    text = generate_latest().decode()
    assert 'onetrunk_labels_total{label="good",task="mood"} 1.0' in text
    assert 'onetrunk_labels_total{label="other",task="mood"} 2.0' in text
    assert 'onetrunk_labels_total{label="other",task="free"} 3.0' in text


def test_a_worker_that_was_killed_has_no_release_loaded_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    ended = subprocess.Popen(["true"])
    ended.wait()
    for pid in (ended.pid, os.getpid()):
        for kind, name in (("gauge_livesum", "onetrunk_release"), ("counter", "onetrunk_refused_total")):
            file = MmapedDict(str(tmp_path / f"{kind}_{pid}.db"))
            file.write_value(mmap_key(name, name, ["release"], ["v1.0.0"], "help"), 1.0, 0.0)
            file.close()
    said = watch.exposition().decode()
    assert 'onetrunk_release{release="v1.0.0"} 1.0' in said
    assert 'onetrunk_refused_total{release="v1.0.0"} 2.0' in said  # it has refused what it has refused
