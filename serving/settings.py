"""The sections of params.yaml that a service is told by its environment, as JSON."""

from __future__ import annotations

import os
from typing import TypeVar

from pydantic import ValidationError

from components.errors import UserError
from components.release.variables import FEEDBACK, TRAFFIC
from components.settings.feedback import Feedback
from components.settings.section import Section
from components.settings.traffic import Traffic

S = TypeVar("S", bound=Section)


def traffic() -> Traffic | None:
    """What is kept of the traffic; None where nothing is.

    Raises:
        UserError: it is no such section.
    """
    return _said(TRAFFIC, Traffic)


def feedback() -> Feedback | None:
    """Where feedback is kept; None where it is not.

    Raises:
        UserError: it is no such section.
    """
    return _said(FEEDBACK, Feedback)


def check() -> None:
    """Look at both, before there are workers.

    Raises:
        UserError: as above.
    """
    traffic(), feedback()


def _said(variable: str, section: type[S]) -> S | None:
    given = os.environ.get(variable)
    if not given:
        return None
    try:
        return section.model_validate_json(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join([variable, *map(str, first["loc"])])
        name, wrong = section.__name__.lower(), first["msg"].removeprefix("Value error, ")
        raise UserError(f"{where}: {wrong}; expected `{name}` of params.yaml as JSON") from None
