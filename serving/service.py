"""The BentoML service: loads the verified bundle and answers POST /predict."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

import bentoml
from _bentoml_impl.server.allocator import ResourceAllocator
from bentoml.exceptions import BentoMLException
from pydantic_core import to_json
from starlette.responses import JSONResponse, Response, StreamingResponse

from components.environment import QUIET, SERVICE
from components.errors import UserError
from components.files import verify_manifest
from serving import callers, direct, group, recording, settings
from serving import feedback as answered
from serving.access import Access
from serving.bundle import BUNDLE, Served
from serving.connections import limit
from serving.explain import at_most, explain
from serving.guard import Guard, refusal
from serving.openapi import LINES
from serving.pages import app
from serving.questions import Answers
from serving.requests import RefusedError
from serving.schemas import (
    ExplainResponse,
    FeedbackRequest,
    FeedbackResponse,
    PredictRequest,
    PredictResponse,
    StreamResponse,
)
from serving.streaming import UNBUFFERED, lines
from serving.trial import KnowCaller
from serving.watch import Watch, log_lines, metrics

ENVIRONMENT = {**QUIET, **SERVICE}
RELEASE_HEADER = "X-Onetrunk-Release"  # of an answer: which release gave it
SWITCH_SECONDS = 5e-4  # that the model's thread keeps the interpreter where the event loop wants it


# An operator who configures BentoML gets its tracing as he wants it; nobody else pays for it.
TRACING = {} if "BENTOML_CONFIG" in os.environ else {"excluded_urls": ".*"}
limit()
log_lines()


@bentoml.service(
    # BentoML would put compilers and git into the image; a distribution that it does not know adds nothing
    image=bentoml.images.Image(base_image="python:3.11-slim", distro="none"),
    http={"host": "127.0.0.1", "port": 3000},
    workers=group.configured(),
    metrics={"enabled": False},  # serving/watch.py has them
    logging={"access": {"enabled": False}},  # as well
    tracing=TRACING,
    envs=[{"name": name, "value": value} for name, value in ENVIRONMENT.items()],
)
@bentoml.asgi_app(app)
class Onetrunk:
    """One shared encoder, a head per task: the tasks' answers to a text from a single pass."""

    @bentoml.on_deployment  # type: ignore[untyped-decorator]
    @staticmethod
    def verify() -> None:
        """Refuse to start on a damaged bundle, without the tokens that are configured or with settings that
        are none, in one sentence and before there are workers."""
        try:
            verify_manifest(BUNDLE)
            callers.check()
            settings.check()
        except UserError as error:
            raise BentoMLException(str(error)) from None
        group.found(ResourceAllocator().get_worker_env(Onetrunk)[0])

    def __init__(self) -> None:
        from serving import rollover
        from serving.releases import Releases

        sys.setswitchinterval(SWITCH_SECONDS)
        group.share_processor()
        self.rollover: rollover.Rollover | None = None
        self.releases = Releases(rollover.first())
        recording.recorder()
        direct.answer_by(self.respond)
        direct.tell_by(self.ready)
        group.join(self.releases.first.served.name)
        metrics().serving.labels(self.releases.first.served.name, "first").set(1)
        self.rollover = rollover.begin(self.releases)

    @bentoml.api(input_spec=PredictRequest, output_spec=PredictResponse)  # type: ignore[untyped-decorator]
    async def predict(
        self, texts: list[Any], tasks: list[str] | None = None, top: int | None = None
    ) -> Response:
        """Answer texts: for each, an object with one answer per task; of long lists the `top` best."""
        return await self.respond(texts, tasks, top)

    async def respond(self, texts: Sequence[Any], tasks: Sequence[str] | None, top: int | None) -> Response:
        """As `predict`, which BentoML has wrapped."""
        try:
            by, answers = await self.releases.answer(texts, tasks, top)
            recording.record(texts, answers, by)
        except RefusedError as error:  # raised on, BentoML would log a traceback
            return refusal(error)
        return Response(_body(by, answers), media_type="application/json", headers={RELEASE_HEADER: by.name})

    @bentoml.api(input_spec=PredictRequest, output_spec=StreamResponse)  # type: ignore[untyped-decorator]
    async def stream(
        self, texts: list[Any], tasks: list[str] | None = None, top: int | None = None
    ) -> Response:
        """Answer one text, and say meanwhile what tasks that write a text have written so far: lines of JSON,
        the last of which is the answer of /predict."""

        def answered(by: Served, answers: list[Answers]) -> bytes:
            recording.record(texts, answers, by)
            return _body(by, answers)

        found = lines(self.releases, texts, tasks, top, answered)
        try:
            first = await anext(found)
        except RefusedError as error:
            return refusal(error)
        return StreamingResponse(_all(first, found), media_type=LINES, headers=UNBUFFERED)

    @bentoml.api(input_spec=PredictRequest, output_spec=ExplainResponse)  # type: ignore[untyped-decorator]
    async def explain(
        self, texts: list[Any], tasks: list[str] | None = None, top: int | None = None
    ) -> ExplainResponse | Response:
        """Say which words of one text carried the answers, by leaving out each in turn: as dear as up to 48
        texts."""
        with self.releases.use() as loaded:
            reader, version = loaded.batcher.reader, loaded.served.card.version
            try:
                found = await explain(
                    at_most(reader.limits.max_texts, loaded.batcher.answer), reader, texts, tasks
                )
            except RefusedError as error:
                return refusal(error)
        return ExplainResponse(version=version, explanations=found)

    @bentoml.api(input_spec=FeedbackRequest, output_spec=FeedbackResponse)  # type: ignore[untyped-decorator]
    async def feedback(self, feedback: list[Any]) -> FeedbackResponse | Response:
        """Keep right answers to predictions until a person accepts them as rows of training."""
        try:
            return FeedbackResponse(**await answered.keep(feedback, self.releases.first.batcher.reader))
        except RefusedError as error:
            return refusal(error)

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    def stop(self) -> None:
        """Keep what was recorded last."""
        if self.rollover:
            self.rollover.stop()
        recording.stop()

    async def __is_alive__(self) -> bool:
        """For /livez: whether somebody computes."""
        return self.releases.first.batcher.alive

    def ready(self) -> Response:
        """For /readyz: the same; and every worker has answered a question, and none is about to end. It tells
        what they answer with: two releases, where one of them could not load the new one."""
        releases = group.releases() or Counter([self.releases.first.served.name])
        well = self.releases.first.batcher.alive and group.complete()
        said: dict[str, object] = {"ready": well, "workers": group.size(), "releases": releases}
        if self.rollover:
            said["follows"] = self.rollover.follows  # the champion, which a rollback changes
        return JSONResponse(said, status_code=200 if well else 503)


def _body(by: Served, answers: list[Answers]) -> bytes:
    """What is sent of the answers of a release, which are counted."""
    metrics().count(answers, by.card)
    return to_json({"version": by.card.version, "answers": answers}, inf_nan_mode="null")


async def _all(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for line in rest:
        yield line


app.state.service = Onetrunk
Onetrunk.add_asgi_middleware(Watch)  # type: ignore[attr-defined] # the decorator made it a Service
Onetrunk.add_asgi_middleware(Access)  # type: ignore[attr-defined]
Onetrunk.add_asgi_middleware(Guard)  # type: ignore[attr-defined]
Onetrunk.add_asgi_middleware(KnowCaller)  # type: ignore[attr-defined]
Onetrunk.add_asgi_middleware(direct.Direct)  # type: ignore[attr-defined]
