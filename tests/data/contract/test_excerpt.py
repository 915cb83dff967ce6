"""The beginning of a text as reports and messages show it."""

from __future__ import annotations

import pytest

from components.data.contract.excerpt import WIDTH, excerpt


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a short\n\ttext ", "a short text"),
        ("x" * WIDTH, "x" * WIDTH),
        ("x" * (WIDTH + 1), "x" * (WIDTH - 1) + "…"),
        ("turned \u202eround", "turned round"),
        ("red \x1b[31m alert \x07", "red [31m alert "),
        ("", ""),
    ],
)
def test_one_line_of_what_can_be_printed(text: str, shown: str) -> None:
    assert excerpt(text) == shown
