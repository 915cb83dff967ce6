"""A question to the served Bento."""

import json

import httpx


def post(client: httpx.Client, body: object, content_type: str = "application/json") -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post("/predict", content=content, headers={"content-type": content_type})
