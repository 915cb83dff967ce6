"""What is no data is told by its beginning, and what is data goes through."""

from __future__ import annotations

import pytest

from components.data.sources.formats.foreign import named

DATA = [
    "the <body>arm</body> hurts\n",
    "<body>arm</body> and <body>leg</body>\n<head>skull</head> hurts\n",
    "<!-- a remark --> is what begins a text\tgood\n",
    "<!-- a remark that never ends\tgood\n",
    '{"message": "hello", "type": "greeting"}',
    '{"message": "hello", "title": "a", "code": 12}',
]
FOREIGN = [
    "<html>\n",
    "<!-- a --><!-- b -->\n<HTML lang='en'>\n",
    "<body>Not here</body>\n",
    "<head>\n<title>a</title></head>\n<body>",
    "<!-- made by hand -->\n<?xml version='1.0'?>",
    '{"message": "Not Found", "documentation_url": "https://example.org"}',
    '{"detail": "Authentication credentials were not provided."}',
    '{"type": "about:blank", "title": "No", "status": 404, "detail": "nothing is here"}',
    '{"status": "error", "message": "no such thing"}',
    '{"code": "AccessDenied", "message": "Access Denied"}',
    '{"ok": false, "description": "none", "message": "no"}',
]


@pytest.mark.parametrize("text", DATA)
def test_data_are_taken(text: str) -> None:
    assert named(text.encode()) == ""


@pytest.mark.parametrize("text", FOREIGN)
def test_pages_and_answers_are_named(text: str) -> None:
    assert named(text.encode())


@pytest.mark.timeout(5)
def test_many_comments_are_looked_at_once() -> None:
    assert named(b"<!-- a -->" * 2000) == ""


@pytest.mark.timeout(5)
@pytest.mark.parametrize("tag", ["title", "message"])
def test_blanks_behind_a_tag_are_looked_at_once(tag: str) -> None:
    assert named(f"<?xml version='1.0'?><{tag}>{' ' * 15_000}".encode())
    assert named(f"<html><{tag}>{' ' * 15_000}".encode())
