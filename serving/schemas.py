"""What a request and a response look like; BentoML publishes these in /docs.json."""

from __future__ import annotations

from typing import Any, Union

import bentoml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from components import tasks
from components.errors import near_miss


class BadRequestError(Exception):
    """The caller's mistake: one clear sentence and an HTTP status of 4xx."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status


class TextItem(BaseModel):
    """A text, or two texts that are answered as a pair."""

    model_config = ConfigDict(extra="forbid")

    text: str
    text_pair: str | None = None


class PredictRequest(bentoml.IODescriptor):
    """Texts to be answered, and the tasks asked of each; without `tasks`, all that fit the text."""

    model_config = ConfigDict(extra="forbid")

    texts: list[str | TextItem] = Field(description="Strings, or objects with `text` and `text_pair`.")
    tasks: list[str] | None = Field(None, description="Names from GET /tasks; all that fit, if left out.")


# Every family brings its own answer, so a new family appears here by itself.
Answer: Any = Union[tuple(tasks.get(name).response for name in tasks.names())]  # noqa: UP007


class PredictResponse(bentoml.IODescriptor):
    """One object per text, in the order of the request: task -> that task's answer."""

    version: str = Field(description="The release that answered; GET /metadata says what it was made from.")
    answers: list[dict[str, Answer]]


JSON_NAMES: dict[type, str] = {
    dict: "an object",
    list: "a list",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "a boolean",
    type(None): "null",
}
EXPECTED = {"list_type": "a list", "string_type": "a string"}


def parse(body: bytes) -> PredictRequest:
    """Read a request's body.

    Raises:
        BadRequestError: it is not JSON, or not of this shape.
    """
    try:
        return PredictRequest.model_validate_json(body)
    except ValidationError as error:
        raise BadRequestError(_sentence(error.errors())) from None


def _sentence(errors: list[Any]) -> str:
    """One clear sentence for pydantic's complaints; of a text, the last is about the object it may be."""
    error = [other for other in errors if other["loc"][:2] == errors[0]["loc"][:2]][-1]
    parts = [part for part in error["loc"] if part != TextItem.__name__]
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).lstrip(".")
    found = JSON_NAMES.get(type(error["input"]), "bytes")
    if error["type"] == "json_invalid":
        return f"the body is not JSON: {error['ctx']['error']}"
    if not where:
        return f'the body is {found}, expected an object such as {{"texts": ["..."]}}'
    if error["type"] == "extra_forbidden":
        known = list(TextItem.model_fields if len(parts) > 1 else PredictRequest.model_fields)
        return f"{where}: unknown key{near_miss(parts[-1], known)}; expected {' or '.join(known)}"
    if error["type"] == "missing":
        return f"{where}: missing"
    expected = EXPECTED.get(error["type"], "a string or an object with text and text_pair")
    return f"{where}: found {found}, expected {expected}"
