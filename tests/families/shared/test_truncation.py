"""Two long texts are cut as tokenizers cuts them, without its quadratic number of parts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from components.families.classification.family import FAMILY
from components.families.shared.truncation import shortened
from tests.conftest import WORDS

PIECES = st.sampled_from(
    [*WORDS, "playing", "北京", "naïve", "!", "a-b", "👍🏽", "\0", "antidisestablishmentarianism"]
)
LONG = st.lists(PIECES, min_size=22, max_size=30).map(" ".join)


@pytest.mark.slow
@settings(max_examples=10, phases=[Phase.generate])  # to shrink long texts takes minutes
@given(LONG, LONG, st.integers(8, 13))
def test_a_pair_is_cut_as_tokenizers_cuts_it(any_tokenizer: Any, one: str, other: str, length: int) -> None:
    """But where texts that differ have as many tokens each: then which one gets the odd token is left open."""
    any_tokenizer.no_truncation()
    assume(one == other or len(any_tokenizer.encode(one)) != len(any_tokenizer.encode(other)))
    any_tokenizer.enable_truncation(max_length=length)
    row = {"text": one, "text_pair": other}
    ((found,),) = FAMILY.tokenise(any_tokenizer, [row], {})
    whole = any_tokenizer.encode(one, other)
    assert (found.ids, found.type_ids, found.offsets) == (whole.ids, whole.type_ids, whole.offsets)


def test_two_very_long_texts_leave_few_parts(tokenizer: Any) -> None:
    tokenizer.enable_truncation(max_length=12)
    row = {"text": "plane " * 3_000, "text_pair": "!" * 20_000}
    ((found,),) = FAMILY.tokenise(tokenizer, [row], {})
    assert len(found) == 12
    assert len(found.overflowing) < 50


@pytest.mark.parametrize("strategy", ["only_first", "only_second"])
def test_a_text_that_is_kept_whole_or_whose_parts_are_asked_for_stays(tokenizer: Any, strategy: str) -> None:
    tokenizer.enable_truncation(max_length=12, strategy=strategy)
    pair = ("plane " * 100, "train " * 100)
    assert shortened(tokenizer, pair) == pair
    tokenizer.no_truncation()
    assert shortened(tokenizer, pair) == pair
