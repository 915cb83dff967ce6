"""The OpenAPI document of GET /docs.json: BentoML's, with an example of every task and every refusal.

BentoML knows one example a schema, answers of its own errors, and writes types of JSON Schema 2020-12 into a
document that says it is older.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from components.release.records import BundleCard, PackedTask
from serving.explain import explained_family

Json = Mapping[str, Any]  # a part of a document, whose shape is OpenAPI's
JSON = "application/json"
LINES = "application/x-ndjson"  # of JSON, one after the other
VERSION = "3.1.0"  # whose schemas are those of JSON Schema 2020-12
BENTOML = (
    "TaskStatusResponse",
    "InvalidArgument",
    "NotFound",
    "InternalServerError",
)  # nothing answers with them
REFUSALS = {  # of POST: status -> when
    400: "The request is wrong: not JSON, not of this shape, an unknown task, too many texts.",
    401: "The service asks for a token, and this is none of its own.",
    408: "The body took too long to come.",
    413: "The body is too large.",
    415: "The content type is not JSON, or it is compressed.",
    421: "The service asks for no token, and does not go by the name that the Host is.",
    429: "Too many requests of this client are in progress; Retry-After says when to ask again.",
    500: "The service failed; its log says why.",
    503: "Too much waits already; Retry-After says when to ask again.",
    504: "The answer took too long.",
}
ALSO = {  # path -> more of them
    "/feedback": {404: "This service keeps no feedback.", 507: "Too much feedback waits to be looked at."},
}
ASKED = "PredictRequest"
ANSWERS = {"/stream": LINES}  # path -> their content type, where it is not JSON
RETRIED = (429, 503)
PAGES = {  # by GET: path -> what it says, the name of its schema
    "/tasks": ("Family, inputs, labels, metrics with intervals and an example of each task.", "Tasks"),
    "/metadata": ("The release: hashes of model, data and code, commit, verdict, limits.", "Metadata"),
}
RELEASE = {"anyOf": [{"type": "string"}, {"type": "null"}]}  # its semantic version, where it is known
RUNTIME = {"type": "object", "description": "What computes the states on this machine, and why."}
IDENTITY = {"X-Request-ID": {"schema": {"type": "string"}, "description": "The caller's own, or a new one."}}
LATER = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
TOKEN = {"token": {"type": "http", "scheme": "bearer"}}
REFUSAL = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string", "description": "One sentence: what was found and expected."}},
}


def completed(spec: Json, card: BundleCard, secured: bool) -> Json:
    """BentoML's document of the service, with what it does not know; `secured`, it asks for a token."""
    schemas = {name: one for name, one in spec["components"]["schemas"].items() if name not in BENTOML}
    schemas[ASKED] = _at_most(schemas[ASKED], card.limits.max_texts)
    examples = {"/predict": _examples(card, lambda _: True), "/explain": _examples(card, _has_why)}
    examples["/stream"] = examples["/predict"]
    asked = {
        path: {"post": _asked(path, item["post"], examples.get(path, {}))}
        for path, item in spec["paths"].items()
        if "post" in item
    }
    return {
        **spec,
        "openapi": VERSION,
        "info": {"title": card.name, "version": card.version, "description": spec["info"]["description"]},
        "paths": {**spec["paths"], **asked, **{path: _page(*page) for path, page in PAGES.items()}},
        "components": {
            "schemas": {**_of_pages(), **schemas, "Refusal": REFUSAL},
            "securitySchemes": TOKEN,
        },
        "security": [dict.fromkeys(TOKEN, ())] if secured else [],
    }


def _at_most(request: Json, texts: int) -> Json:
    """The schema of a request, of as many texts as this release takes: the class knows no release."""
    properties = request["properties"]
    return {**request, "properties": {**properties, "texts": {**properties["texts"], "maxItems": texts}}}


def _examples(card: BundleCard, fits: Callable[[PackedTask], bool]) -> Json:
    """A question to each task; pasted, it is answered."""
    return {
        name: {"summary": f"Ask {name}", "value": {"texts": [task.example], "tasks": [name]}}
        for name, task in card.tasks.items()
        if task.example and fits(task)
    }


def _has_why(task: PackedTask) -> bool:
    return explained_family(task.family) is not None


def _asked(path: str, operation: Json, examples: Json) -> Json:
    """A question by POST. What BentoML writes out, and thereby flattens, is among the components too."""
    asked, answer = operation["requestBody"], {str(key): one for key, one in operation["responses"].items()}
    content = {"schema": _named(_title(asked)), **({"examples": examples} if examples else {})}
    refused = REFUSALS | ALSO.get(path, {})
    refusals = {str(status): _responded("Refusal", when, status) for status, when in refused.items()}
    good = _responded(_title(answer["200"]), "The answers.", of=ANSWERS.get(path, JSON))
    return {
        **operation,
        "requestBody": {"required": True, "content": {JSON: content}},
        "responses": {"200": good, **refusals},
    }


def _title(body: Json) -> str:
    return str(body["content"][JSON]["schema"]["title"])


def _responded(schema: str, said: str, status: int = 200, of: str = JSON) -> Json:
    headers = {**IDENTITY, **(LATER if status in RETRIED else {})}
    return {"description": said, "headers": headers, "content": {of: {"schema": _named(schema)}}}


def _named(schema: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{schema}"}


def _page(said: str, schema: str) -> Json:
    return {"get": {"description": said, "responses": {"200": _responded(schema, said)}}}


def _of_pages() -> Json:
    """The schemas of the pages, which are parts of a bundle's card, by their names."""
    card = BundleCard.model_json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
    parts, fields = card.pop("$defs"), card["properties"]
    tasks = {"release": RELEASE, "version": fields["version"], "tasks": fields["tasks"]}
    return {
        **parts,
        "Metadata": {
            **card,
            "title": "Metadata",
            "properties": {**fields, "release": RELEASE, "running": RUNTIME},
        },
        "Tasks": {"type": "object", "required": list(tasks), "properties": tasks},
    }
