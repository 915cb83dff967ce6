"""When two spellings are one."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from components.spelling import INVISIBLE, trimmed

SEEN = "a.é中-"
UNSEEN = " \t\n\r\x0b\x0c\x1c\x1f\x85\xa0\u1680\u2028\u3000\u200b\ufeff\u00ad"


@given(st.text(SEEN + UNSEEN, max_size=12))
def test_what_is_trimmed_is_what_the_expressions_of_blanks_find(text: str) -> None:
    assert trimmed(text) == re.sub(rf"^[\s{INVISIBLE}]+|[\s{INVISIBLE}]+$", "", text)
