"""A tokenizer for the families' tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# A first example imports libraries, and a loaded machine is slow: how long one takes proves nothing.
settings.register_profile("families", deadline=None)
settings.load_profile("families")


@pytest.fixture(scope="module")
def tokenizer(tiny_encoder: Path) -> Any:
    """That of the synthetic encoder; each test sets its own truncation."""
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(tiny_encoder / "tokenizer.json"))
