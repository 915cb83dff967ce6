"""What an operator sees: a request's id, Prometheus metrics, a line of log; outermost, in the place of
BentoML's own middlewares, which cost more than a short text and make every unknown path a label.

The names of BentoML's metrics stay. Of a request's texts nothing is kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import secrets
import sys
import time
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.bundle import card
from serving.guard import LEFT

if TYPE_CHECKING:
    from components.release.records import BundleCard
    from serving.batcher import Pass

LOG = logging.getLogger("bentoml.access")
UNLOGGED = frozenset(("/metrics", "/livez", "/readyz", "/healthz"))
ASKED = ("/predict", "/stream", "/explain", "/feedback")  # by POST
PAGES = (*ASKED, "/tasks", "/metadata", "/docs.json", "/", "/operate", "/history", "/report")
PATHS = {*PAGES, "/schema.json", "/favicon.ico", *UNLOGGED}
ASSETS = "/static_content/"  # of BentoML's own page
REQUEST: ContextVar[str] = ContextVar("request", default="")  # the id of the one that is answered
RUNNER = "Onetrunk"  # of BentoML's labels
OTHER = "other"  # the label of a path that is none of ours
ID = re.compile(rb"[\w.:-]{1,64}")  # a caller's own id that is taken on
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096)
SHARES = tuple(tenth / 10 for tenth in range(1, 11))
MOST_LABELS = 100  # of a task that are counted one by one
STATUS = {
    400: "wrong", 401: "no token", 408: "slow", 413: "too large", 415: "not JSON", 421: "other host",
    429: "too many", 499: "left", 500: "failed", 503: "busy", 504: "timed out", 507: "full",
}  # fmt: skip


def log_lines() -> None:
    """Write the lines of requests as JSON and nothing else, for whoever collects them."""
    lines = logging.StreamHandler(sys.stdout)
    lines.setFormatter(logging.Formatter("%(message)s"))
    LOG.handlers, LOG.propagate = [lines], False


class Metrics:
    """BentoML's metrics of requests, and ours of what the model does. One of a process: `metrics()`."""

    def __init__(self) -> None:
        from prometheus_client import Counter, Gauge, Histogram  # reads the worker's environment

        whose = ["endpoint", "service_name", "service_version", "runner_name"]
        answered = [*whose, "http_response_code"]
        self.requests = Counter("bentoml_service_request", "Requests", answered)
        self.seconds = Histogram("bentoml_service_request_duration_seconds", "Of a request", answered)
        self.running = Gauge(
            "bentoml_service_request_in_progress", "Requests", whose, multiprocess_mode="livesum"
        )
        self.last = Gauge(
            "bentoml_service_last_request_timestamp_seconds",
            "Of a question",
            whose[1:],
            multiprocess_mode="max",
        )
        self.refused = Counter("onetrunk_refused", "Requests without an answer", ["reason"])
        for reason in STATUS.values():  # at 0, or the first would be no increase
            self.refused.labels(reason)
        self.parts = Histogram("onetrunk_part_seconds", "Of a request, by part", ["part"], buckets=SECONDS)
        self.tokens = Histogram("onetrunk_pass_tokens", "Of an encoder pass", buckets=SIZES)
        self.texts = Histogram("onetrunk_pass_texts", "Of an encoder pass", buckets=SIZES)
        self.waiting = Gauge("onetrunk_waiting_texts", "Behind a pass", multiprocess_mode="livesum")
        self.oldest = Gauge("onetrunk_waiting_seconds", "Of the oldest of them", multiprocess_mode="livemax")
        self.answers = Counter("onetrunk_answers", "Answers of a task", ["task"])
        self.labels = Counter("onetrunk_labels", "Labels that were answered", ["task", "label"])
        self.confidence = Histogram("onetrunk_confidence", "Of the answer", ["task"], buckets=SHARES)
        self.runtime = Gauge(
            "onetrunk_runtime",
            "1 for what computes the encoder's states, and what its bundle was built with",
            ["release", "runtime", "wanted"],
            multiprocess_mode="livemax",
        )
        self.changes = Counter("onetrunk_release_changes", "To another release, or not", ["outcome"])
        self.serving = Gauge(
            "onetrunk_release",
            "Workers that have it loaded",
            ["release", "part"],
            multiprocess_mode="livesum",
        )

    @property
    def common(self) -> tuple[str, str]:
        """Labels of all requests now: the service's name and version."""
        return card().name, card().version

    def of_pass(self, one: Pass) -> None:
        """What a pass of the model was like."""
        self.tokens.observe(one.tokens)
        self.texts.observe(one.texts)
        labelled(self.parts, "model").observe(one.seconds)
        for seconds in one.waited:
            labelled(self.parts, "waiting").observe(seconds)
        self.waiting.set(one.waiting)
        self.oldest.set(one.oldest)

    def count(self, answers: Iterable[Mapping[str, Any]], of: BundleCard | None = None) -> None:
        """The answers of a request, by the release `of` this card or by the one that answers now."""
        tasks = (of or card()).tasks
        for of_text in answers:
            for task, answer in of_text.items():
                labelled(self.answers, task).inc()
                label, probability = (getattr(answer, name, None) for name in ("label", "probability"))
                if isinstance(label, str):
                    known = tasks[task].labels or ()
                    named = label in known and len(known) <= MOST_LABELS
                    labelled(self.labels, task, label if named else OTHER).inc()
                if isinstance(probability, float):
                    labelled(self.confidence, task).observe(probability)


@lru_cache(4096)
def labelled(metric: Any, *labels: str) -> Any:
    """A metric with these labels, which the library would look for longer than it takes to count."""
    return metric.labels(*labels)


@cache
def metrics() -> Metrics:
    """This process's."""
    return Metrics()


def exposition() -> bytes:
    """The metrics of all workers, as Prometheus reads them."""
    from prometheus_client import CollectorRegistry, generate_latest, multiprocess

    if (folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR")) is None:
        return generate_latest()
    _forget_the_dead(Path(folder))
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def _forget_the_dead(folder: Path) -> None:
    """A worker that was killed has nothing in progress and no release loaded, whatever it said last."""
    import psutil
    from prometheus_client import multiprocess

    for pid in {int(file.stem.rpartition("_")[2]) for file in folder.glob("gauge_live*.db")}:
        if not psutil.pid_exists(pid):
            with contextlib.suppress(FileNotFoundError):  # another worker has done so
                multiprocess.mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]


class Watch:
    """ASGI middleware over every request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        seen = _Seen(scope)
        REQUEST.set(seen.id)
        whose = (seen.endpoint, *metrics().common, RUNNER)
        running = labelled(metrics().running, *whose)
        running.inc()
        try:
            app = self.app if (wrong := _wrong(scope, seen)) is None else wrong
            await app(scope, receive, seen.sending(send))
        except BaseException as error:
            seen.failed(error)
            raise
        finally:
            running.dec()
            seen.note(whose)


def _wrong(scope: Scope, seen: _Seen) -> ASGIApp | None:
    """The answer to a page or a method that there is not, or to a body of two lengths: a proxy before the
    service might believe the other one, and take what is left for a request (RFC 9112, section 6.1)."""
    if {b"content-length", b"transfer-encoding"} <= {name for name, _ in scope["headers"]}:
        found = "both Content-Length and Transfer-Encoding say where the body ends; expected one of them"
        return JSONResponse({"error": found}, status_code=400, headers={"Connection": "close"})
    if seen.endpoint == OTHER and not scope["path"].startswith(ASSETS):
        found = f"no such page; expected one of {', '.join(PAGES)}"
        return JSONResponse({"error": found}, status_code=404)
    expected, allowed = ("POST", ("POST",)) if seen.endpoint in ASKED else ("GET", ("GET", "HEAD"))
    if seen.method not in allowed:
        found = f"the method is {seen.method}, expected {expected}"
        return JSONResponse({"error": found}, status_code=405, headers={"Allow": ", ".join(allowed)})
    return None


class _Seen:
    """One request."""

    def __init__(self, scope: Scope) -> None:
        self.start = time.perf_counter()
        self.method, path = scope["method"], scope["path"]
        self.endpoint = path if path in PATHS else OTHER
        given = dict(scope["headers"]).get(b"x-request-id", b"")
        self.id = given.decode() if ID.fullmatch(given) else secrets.token_hex(8)
        self.status = LEFT  # until an answer begins

    def failed(self, error: BaseException) -> None:
        """No answer will begin: BentoML answers instead, whose timer cancels what takes too long."""
        if self.status == LEFT:
            self.status = 504 if isinstance(error, asyncio.CancelledError) else 500

    def sending(self, send: Send) -> Send:
        """`send` that writes the id into the answer."""

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = self.id
            await send(message)

        return sent

    def note(self, whose: tuple[str, ...]) -> None:
        """Count it, and write its line."""
        seconds, found = time.perf_counter() - self.start, metrics()
        labelled(found.requests, *whose, str(self.status)).inc()
        labelled(found.seconds, *whose, str(self.status)).observe(seconds)
        if self.endpoint in ASKED:
            labelled(found.last, *whose[1:]).set_to_current_time()
            if self.status >= 400:
                labelled(found.refused, STATUS.get(self.status, OTHER)).inc()
        if self.endpoint not in UNLOGGED:
            line = {"time": _now(), "id": self.id, "method": self.method, "path": self.endpoint}
            LOG.info(json.dumps({**line, "status": self.status, "ms": round(seconds * 1e3, 1)}))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
