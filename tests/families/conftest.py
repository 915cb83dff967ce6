"""Tokenizers for the families' tests; each test sets the truncation that it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.families import tiny_tokenizers


@pytest.fixture(scope="module")
def tokenizer(tiny_encoder: Path) -> Any:
    """That of the synthetic encoder."""
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(tiny_encoder / "tokenizer.json"))


@pytest.fixture(scope="session", params=tiny_tokenizers.KINDS)
def any_tokenizer(request: pytest.FixtureRequest) -> Any:
    """A tiny tokenizer of each kind in turn."""
    return tiny_tokenizers.build(request.param)
