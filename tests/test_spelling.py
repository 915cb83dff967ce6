"""When two spellings are one."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from components.spelling import INVISIBLE, column_names, seen, trimmed

SEEN = "a.é中-"
UNSEEN = " \t\n\r\x0b\x0c\x1c\x1f\x85\xa0\u1680\u2028\u3000\u200b\ufeff\u00ad"


def test_a_column_without_a_name_is_seen_in_a_sentence() -> None:
    assert column_names(["text", "", "\u200b"]) == "text, one without a name, one without a name"


@given(st.text(SEEN + UNSEEN, max_size=12))
def test_what_is_trimmed_is_what_the_expressions_of_blanks_find(text: str) -> None:
    assert trimmed(text) == re.sub(rf"^[\s{INVISIBLE}]+|[\s{INVISIBLE}]+$", "", text)


def test_codes_that_would_all_be_the_number_nought_stay_apart() -> None:
    assert len({seen("0e1"), seen("0E2"), seen("0")}) == 3
    assert seen("0.0") == seen("0") == seen("0.00")
    assert seen("1e1") == seen("10.0")
