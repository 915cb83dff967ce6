"""Spans as people's tools write them."""

from __future__ import annotations

import pytest

from components.errors import BadRowError
from components.families.shared.spans import read_spans

TEXT = "Ada met Bob"


@pytest.mark.parametrize("other", [{"label_2": "X"}, {"start2": 9}, {"end_2": 11, "type2": "X"}])
def test_a_second_annotation_beside_a_span_is_not_read_for_the_first(other: dict[str, object]) -> None:
    span = {"start": 0, "end": 3, "label": "PER"}
    assert read_spans([{**span, **other}], TEXT) == [(0, 3, "PER")]
    assert read_spans([{**other, **span}], TEXT) == [(0, 3, "PER")]


def test_names_differ_in_capitals_and_marks_alone() -> None:
    assert read_spans([{"startOffset": 8, "end_offset": 11, "Entity-Label": "PER"}], TEXT) == [(8, 11, "PER")]


def test_a_span_whose_only_start_is_a_second_one_is_refused() -> None:
    with pytest.raises(BadRowError, match="span 1"):
        read_spans([{"start2": 0, "end": 3, "label": "PER"}], TEXT)
