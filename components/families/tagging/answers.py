"""What a caller gets: entities, or tagged tokens, and where they stand in the request's text."""

from __future__ import annotations

from pydantic import BaseModel


class Entity(BaseModel):
    """A span of the request's text: text[start:end]."""

    type: str
    text: str
    start: int
    end: int


class Token(BaseModel):
    """A word, or a character, of the request's text, and its tag."""

    text: str
    start: int
    end: int
    tag: str


class TaggingAnswer(BaseModel):
    """The entities or, where the scheme is plain, the tokens, in the order of the text."""

    entities: list[Entity] = []
    tokens: list[Token] = []
