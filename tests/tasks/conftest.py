"""Tokenizers for the families' tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.tasks import tiny_tokenizers


@pytest.fixture(scope="session", params=tiny_tokenizers.KINDS)
def any_tokenizer(request: pytest.FixtureRequest) -> Any:
    """A tiny tokenizer of each kind in turn; the test sets the truncation that it needs."""
    return tiny_tokenizers.build(request.param)


@pytest.fixture(scope="module")
def tokenizer(tiny_encoder: Path) -> Any:
    """That of the synthetic encoder; each test sets its own truncation."""
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(tiny_encoder / "tokenizer.json"))
