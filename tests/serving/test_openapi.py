"""What OpenAPI's document says of a release."""

from __future__ import annotations

from serving.openapi import completed
from serving.requests import MOST_TEXTS, Request
from tests.pages.served import CARD


def test_a_request_is_of_as_many_texts_as_the_release_takes() -> None:
    schema = Request.model_json_schema()
    assert schema["properties"]["texts"]["maxItems"] == MOST_TEXTS
    spec = {"components": {"schemas": {"PredictRequest": schema}}, "paths": {}, "info": {"description": ""}}
    found = completed(spec, CARD, secured=False)["components"]["schemas"]["PredictRequest"]
    texts = found["properties"]["texts"]
    assert texts["maxItems"] == CARD.limits.max_texts == 1
    assert texts["items"] == schema["properties"]["texts"]["items"]
