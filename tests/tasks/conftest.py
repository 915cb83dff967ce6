"""Tokenizers for the families that look at places in a text."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tasks import tiny_tokenizers


@pytest.fixture(scope="session", params=tiny_tokenizers.KINDS)
def any_tokenizer(request: pytest.FixtureRequest) -> Any:
    """A tiny tokenizer of each kind in turn; the test sets the truncation that it needs."""
    return tiny_tokenizers.build(request.param)
