"""A service whose answers are given, and its page as somebody uses it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Mount, Route

from serving import pages as service
from tests.pages.browser import Tab

CLASSES = {f"class-{n:02}": (n + 1) / 1378 for n in range(52)}
ANSWERS: dict[str, Any] = {
    "sentiment": {"label": "<b>good</b>", "probability": 0.9123456789012345},
    "news_topic": {"label": "class-51", "probabilities": CLASSES},
    "ner": {"entities": [{"type": "PER", "text": "Ada", "start": 0, "end": 3}], "tokens": []},
    "bought": {"probability": 0.5},
}
WORDS = [
    {"field": "text", "text": "\N{FACE WITH TEARS OF JOY}", "start": 0, "end": 1, "weight": -0.25},
    {"field": "text", "text": "Ada", "start": 2, "end": 5, "weight": 0.5},
]


class Service:
    """The service's own page before a stand-in for the model, which answers what it is told to."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.status, self.left = 200, 0
        self.go = threading.Event()
        self.go.set()
        self.end = threading.Event()  # a text may end
        routes = [
            Route(f"/{name}", getattr(self, name), methods=["POST"])
            for name in ("predict", "stream", "explain")
        ]
        app = Starlette(routes=[*routes, Mount("/", service.app)])
        self.server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    async def predict(self, request: Request) -> JSONResponse:
        import anyio

        asked = await request.json()
        self.asked.append(asked["texts"][0])
        await anyio.to_thread.run_sync(self.go.wait)
        if self.status != 200:
            return JSONResponse({"error": "texts[0]: the text is empty"}, self.status)
        body = {"version": "1", "answers": [self.answers(asked)]}
        return JSONResponse(body, headers={"X-Onetrunk-Release": "v1.2.0"})

    def answers(self, asked: Any) -> dict[str, Any]:
        """Those of the tasks that are asked, or read such a text."""
        tasks, fields = service.served().card.tasks, list(asked["texts"][0])  # type: ignore[attr-defined]
        fitting = [name for name, task in tasks.items() if task.inputs == fields]
        return {name: ANSWERS[name] for name in asked.get("tasks", fitting)}

    async def stream(self, request: Request) -> StreamingResponse:
        asked = await request.json()
        self.asked.append(asked["texts"][0])
        return StreamingResponse(self.lines(asked), media_type="application/x-ndjson")

    async def lines(self, asked: Any) -> AsyncIterator[str]:
        """A text in parts, some of them cut within a line; where the answer is, when the test lets it go."""
        try:
            for text in ("A c\u00f4t\u00e9", "A c\u00f4t\u00e9 <b>of</b>"):
                line = json.dumps({"so_far": {"summary": {"text": text, "complete": False}}}) + "\n"
                yield line[:9]
                yield line[9:]
            while not self.end.is_set():
                await asyncio.sleep(0.01)
            if self.status == 200:
                yield json.dumps({"version": "2", "answers": [self.answers(asked)]}) + "\n"
            else:
                yield json.dumps({"error": "the service failed"}) + "\n"
        except asyncio.CancelledError:
            self.left += 1
            raise

    async def explain(self, request: Request) -> JSONResponse:
        (task,) = (await request.json())["tasks"]
        return JSONResponse({"version": "1", "explanations": {task: {"support": 0.9, "words": WORDS}}})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.servers[0].sockets[0].getsockname()[1]}/"

    def stop(self) -> None:
        self.go.set()
        self.end.set()
        self.server.should_exit = True
        self.thread.join(timeout=20)


def type_text(browser: Tab, text: str, field: str = "text") -> None:
    browser.value(
        f"(() => {{ const area = document.querySelector('textarea[name={field}]'); area.value = {text!r};"
        " area.dispatchEvent(new Event('input')) })()"
    )


def submit(browser: Tab) -> None:
    browser.value("document.querySelector('form').requestSubmit()")


def answers(browser: Tab) -> str:
    return str(browser.value("document.getElementById('answers').innerText"))


def asked_of(browser: Tab, served: Service, text: str) -> None:
    browser.open(served.url)
    browser.until("!document.querySelector('button').disabled")
    type_text(browser, text)
    submit(browser)
    browser.until("document.querySelectorAll('#answers section').length > 0")
