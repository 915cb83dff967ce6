"""The family, and a text with hidden words."""

from __future__ import annotations

from typing import Any

from components import families
from components.families.masked_lm import masking as masks
from tests.families.families import options

FAMILY = families.get("masked_lm")
OPTIONS = options(FAMILY)
TEXT = "good great plane was late at london , poor bob from acme was early"


def hidden(tokenizer: Any, text: str) -> masks.Hidden:
    ((found,),) = FAMILY.tokenise(tokenizer, [{"text": text}], OPTIONS)
    assert isinstance(found, masks.Hidden)
    return found
