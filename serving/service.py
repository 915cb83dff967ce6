"""The BentoML service: loads the verified bundle and answers POST /predict."""

from __future__ import annotations

from typing import Any

import bentoml
from bentoml.exceptions import BentoMLException
from starlette.responses import Response

from components.environment import QUIET, THREADS_AND_MEMORY
from components.errors import UserError
from components.files import verify_manifest
from serving.bundle import BUNDLE, card
from serving.explain import at_most, explain
from serving.guard import Guard, refusal
from serving.pages import app
from serving.requests import BadRequestError
from serving.schemas import ExplainResponse, PredictRequest, PredictResponse

ENVIRONMENT = {**QUIET, **THREADS_AND_MEMORY}


@bentoml.service(
    http={"host": "127.0.0.1", "port": 3000},
    envs=[{"name": name, "value": value} for name, value in ENVIRONMENT.items()],
)
@bentoml.asgi_app(app)
class Onetrunk:
    """One shared encoder, a head per task: the tasks' answers to a text from a single pass."""

    @bentoml.on_deployment  # type: ignore[untyped-decorator]
    @staticmethod
    def verify() -> None:
        """Refuse to start on a damaged bundle, in one sentence and before there are workers."""
        try:
            verify_manifest(BUNDLE)
        except UserError as error:
            raise BentoMLException(str(error)) from None

    def __init__(self) -> None:
        from serving.predictor import Predictor

        self.predictor = Predictor(BUNDLE)
        self.version = card().version

    @bentoml.api(input_spec=PredictRequest, output_spec=PredictResponse)  # type: ignore[untyped-decorator]
    def predict(
        self, texts: list[Any], tasks: list[str] | None = None, top: int | None = None
    ) -> PredictResponse | Response:
        """Answer texts: for each, an object with one answer per task; of long lists the `top` best."""
        try:
            return PredictResponse(version=self.version, answers=self.predictor.predict(texts, tasks, top))
        except BadRequestError as error:  # raised on, BentoML would log a traceback
            return refusal(error)

    @bentoml.api(input_spec=PredictRequest, output_spec=ExplainResponse)  # type: ignore[untyped-decorator]
    def explain(
        self, texts: list[Any], tasks: list[str] | None = None, top: int | None = None
    ) -> ExplainResponse | Response:
        """Say which words of one text carried the answers, by leaving out each in turn: as dear as up to 48
        texts."""
        ask = at_most(self.predictor.limits.max_texts, self.predictor.predict)
        try:
            found = explain(ask, self.predictor.words, self.predictor.cards, texts, tasks)
        except BadRequestError as error:
            return refusal(error)
        return ExplainResponse(version=self.version, explanations=found)


Onetrunk.add_asgi_middleware(Guard)  # type: ignore[attr-defined] # the decorator made it a Service
