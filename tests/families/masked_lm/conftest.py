"""What hides words, as a run has it."""

from __future__ import annotations

from typing import Any

import pytest
from tokenizers import Tokenizer


@pytest.fixture(scope="module")
def masking(any_tokenizer: Any) -> Any:
    """A tiny tokenizer of each kind, with a mask token."""

    tokenizer = Tokenizer.from_str(any_tokenizer.to_str())
    tokenizer.add_special_tokens(["<mask>"])
    return tokenizer
