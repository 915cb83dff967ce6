"""Credentials come from the environment, and stay out of every file and message."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, quote_plus

from components.errors import TryAgainError, UserError

PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
# Of a variable, an option or a part of an address; not TOKENIZERS_PARALLELISM, not OLDPWD.
SECRET_NAME = re.compile(
    r"(?i)secret|token(?!i)|passw|_pwd|signature|credential|access_?key|api_?key|^key$|^sig$"
)
USER_INFO = re.compile(r"(?<=://)[^/\s@'\"]*:[^/\s'\"]*(?=@)")  # user:password, up to the last @ of the host
SHORTEST = 3  # characters: hiding shorter values would garble every sentence and hide nothing
HIDDEN = "***"
_resolved: set[str] = set()  # values of the placeholders that this process has filled in


class HiddenError(Exception):
    """A bug's traceback, its secrets hidden."""


def resolve(value: Any) -> Any:
    """Fill in `${NAME}` from the environment, in texts and within objects and lists.

    Raises:
        UserError: the environment has no such variable.
    """
    if isinstance(value, dict):
        return {key: resolve(each) for key, each in value.items()}
    if isinstance(value, list):
        return [resolve(each) for each in value]
    return PLACEHOLDER.sub(_variable, value) if isinstance(value, str) else value


def _variable(match: re.Match[str]) -> str:
    value = os.environ.get(match[1])
    if value is None:
        raise UserError(f"params.yaml: {match[0]}: the environment has no variable {match[1]}; set it")
    _resolved.add(value)
    return value


def redact(text: str) -> str:
    """The text without user information in addresses and without any secret of the environment."""
    named = {value for name, value in os.environ.items() if SECRET_NAME.search(name)}
    for value in sorted(_resolved | named, key=len, reverse=True):
        if len(value) >= SHORTEST:
            for form in (value, quote(value, safe=""), quote_plus(value), repr(value)[1:-1]):
                text = text.replace(form, HIDDEN)
    return USER_INFO.sub(HIDDEN, text)


@contextmanager
def guarded() -> Iterator[None]:
    """Whatever is raised inside leaves with its secrets hidden."""
    try:
        yield
    except (UserError, TryAgainError) as error:
        raise type(error)(redact(str(error))) from None
    except Exception:
        raise HiddenError(redact(traceback.format_exc())) from None
