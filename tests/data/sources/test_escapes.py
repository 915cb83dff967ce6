"""Places in a text move along when its escapes become characters."""

from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.data.sources.escapes import unescaped
from components.errors import BadRowError

PARTS = st.lists(st.sampled_from(["a", " ", "&amp;", "&lt;", "&#233;", "&nope;", "&", "<"]), max_size=8)


@given(PARTS, PARTS, PARTS)
def test_a_span_holds_what_it_held(before: list[str], held: list[str], behind: list[str]) -> None:
    parts = ["".join(each) for each in (before, held, behind)]
    text, start = " ".join(parts), len(parts[0]) + 1
    span = {"start": start, "end": start + len(parts[1]), "type": "X"}
    found = unescaped({"text": text, "spans": [span]})
    (moved,) = found["spans"]
    assert found["text"] == html.unescape(text)
    assert found["text"][moved["start"] : moved["end"]] == html.unescape(parts[1])


@pytest.mark.parametrize("place", [3, 4, 6])
def test_a_place_within_an_escape_is_none(place: int) -> None:
    with pytest.raises(BadRowError, match=f"place {place} is within '&amp;'"):
        unescaped({"text": "a &amp; b", "spans": [{"start": 0, "end": place, "type": "X"}]})


@pytest.mark.slow
@pytest.mark.timeout(5)
def test_many_places_among_many_escapes_move_at_once() -> None:
    spans = [{"start": 6 * n, "end": 6 * n + 5, "type": "X"} for n in range(12_000)]
    found = unescaped({"text": "&amp; " * 12_000, "spans": spans})
    assert found["spans"][-1] == {"start": 2 * 11_999, "end": 2 * 11_999 + 1, "type": "X"}
