"""What a cell holds as text: Python's objects are read, numpy's items are not joined."""

from __future__ import annotations

from typing import Any

import pytest

from components.data.propose.columns import parsed
from components.families.shared.items import read_literal


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('[{"a": 1}]', [{"a": 1}]),
        ("[{'a': 'it\\'s', \"b\": ''}, '']", [{"a": "it's", "b": ""}, ""]),
        ("{'a': array([1, 2], dtype=int64)}", {"a": [1, 2]}),
    ],
)
def test_an_object_is_read_as_json_and_python_write_it(text: str, value: Any) -> None:
    assert read_literal(text) == value


@pytest.mark.parametrize("text", ["['a' 'b']", "['a'\n 'b']", "{'x': ['a' \"b\"]}", "['' 'a']"])
def test_texts_without_a_comma_are_not_joined_as_python_would(text: str) -> None:
    with pytest.raises(ValueError, match="comma"):
        read_literal(text)


@pytest.mark.parametrize(
    "cells", [["['a' 'b']", "['c']"], ["('a', 'b')", "('c',)"], ["{'b', 'a'}", "{'c'}"], ['["a", "b"]', '["c"]']]
)  # fmt: skip
def test_a_column_of_lists_is_one_however_python_or_numpy_writes_them(cells: list[str]) -> None:
    assert parsed(list(cells)) == [["a", "b"], ["c"]]
