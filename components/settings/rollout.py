"""What params.yaml says of a new release's first traffic (docs/how-to/rollout.md)."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from components.settings.section import Positive, Section, Unit

LEAST = 1e-6  # share of anything; the bets on a smaller one would be won by more than all numbers
HEADER = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)  # the name of one: RFC 9110, section 5.6.2


class Shadow(Section):
    """A candidate that answers a share of the traffic too, behind the scenes: nobody gets its answers."""

    share: Annotated[float, Field(ge=LEAST, le=1), Unit("of the requests")]  # that it answers
    release: str | None = None  # e.g. v1.2.0; left out, each new champion, while the one before it answers
    requests: Annotated[Positive, Unit("requests")] = 1000  # after so many, a champion is let through
    # of what both are asked, that it may answer otherwise; one that shows more falls back
    disagreement: Annotated[float, Field(ge=LEAST, lt=1), Unit("of the answers")] = 0.1


class Canary(Shadow):
    """A candidate that gives a share of the answers."""

    share: Annotated[float, Field(ge=LEAST, lt=1), Unit("of the requests")]  # that it answers
    key: str | None = None  # a header of requests, e.g. X-User: those of one value all have the same release

    @field_validator("key")
    @classmethod
    def _is_a_header(cls, given: str | None) -> str | None:
        """No request has another, and a name of other letters would end each."""
        if given is not None and not HEADER.fullmatch(given):
            raise ValueError("expected the name of a header, such as X-User")
        return given


class Rollout(Section):
    """How a release begins to answer; without it, a running service changes to a new champion at once."""

    shadow: Shadow | None = None  # nobody gets the answers of a candidate, which are compared
    canary: Canary | None = None  # a share of the callers does

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.shadow is None) == (self.canary is None):
            raise ValueError("expected one of shadow and canary; first the one, then the other")
        return self
