"""The requests and responses that BentoML publishes in /docs.json."""

from __future__ import annotations

from typing import Any, Union

import bentoml
import starlette.requests
from pydantic import ConfigDict, Field

from components import families as tasks
from serving import bundle
from serving.explain import Explanation
from serving.feedback import Answers
from serving.requests import Request

Schema = dict[str, Any]  # of JSON
PARSED = "onetrunk.request"  # where the guard has put the request, in the scope


def _example(schema: Schema) -> None:
    """Write a question to every task into the schema (BentoML's knows one example): it works when pasted."""
    packed, most = bundle.card().tasks.values(), bundle.card().limits.max_texts
    schema["example"] = {"texts": [task.example for task in packed if task.example][:most]}


class PredictRequest(Request, bentoml.IODescriptor):  # type: ignore[misc]
    """Texts to be answered, and the tasks asked of each; without `tasks`, all that read such a text. Of a
    long list of labels `top` has the best."""

    model_config = ConfigDict(json_schema_extra=_example)

    @classmethod
    async def from_http_request(cls, request: starlette.requests.Request, serde: Any) -> Any:
        """What the guard has read and checked: it is not read twice."""
        return request.scope[PARSED]


Answer: Any = Union[tuple(tasks.get(name).response for name in tasks.names())]  # noqa: UP007


VERSION = "The release that answered; GET /metadata says what it was made from."


class PredictResponse(bentoml.IODescriptor):  # type: ignore[misc]
    """One object per text, in the order of the request: task -> that task's answer."""

    version: str = Field(description=VERSION)
    answers: list[dict[str, Answer]]


class StreamResponse(bentoml.IODescriptor):  # type: ignore[misc]
    """One line of /stream: answers that are still written, by task; or, last, all of them as of /predict, or
    what failed."""

    so_far: dict[str, Answer] | None = None
    version: str | None = None
    answers: list[dict[str, Answer]] | None = None
    error: str | None = None


def _right_answer(schema: Schema) -> None:
    """Write a right answer into the schema, to a task whose answers are labels."""
    for name, task in bundle.card().tasks.items():
        if task.example and task.labels and tasks.get(task.family).targets == {"label": True}:
            answer = {"label": task.labels[0]}
            one = {"id": "0123456789abcdef", "task": name, "input": task.example, "answer": answer}
            schema["example"] = {"feedback": [one]}


class FeedbackRequest(Answers, bentoml.IODescriptor):  # type: ignore[misc]
    """Right answers to predictions; none is kept before all are checked."""

    model_config = ConfigDict(json_schema_extra=_right_answer)

    @classmethod
    async def from_http_request(cls, request: starlette.requests.Request, serde: Any) -> Any:
        """What the guard has read and checked."""
        return request.scope[PARSED]


class FeedbackResponse(bentoml.IODescriptor):  # type: ignore[misc]
    """How many are new, how many were known already, and what this release's labels have against some of
    them, by their number in the request."""

    kept: int
    known: int
    notes: dict[str, str]


class ExplainResponse(bentoml.IODescriptor):  # type: ignore[misc]
    """Task -> which words carried its answer, of the tasks whose answers one number stands for."""

    version: str = Field(description=VERSION)
    explanations: dict[str, Explanation]
