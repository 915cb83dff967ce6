"""Where a key stands in params.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.params.reading import line_of

TEXT = """\
model: {encoder: x}
tasks:
  mood: &usual
    family: classification
    max_length: 64
  v1.2:
    <<: *usual
    max_length: 32
  b c: {<<: *usual, family: tagging}
  short: &short {max_length: 16}
  both: {<<: [*short, *usual]}
"""


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("model.encoder", 1),
        ("tasks", 2),
        ("tasks.mood.max_length", 5),
        ("tasks.v1.2.max_length", 8),
        ("tasks.v1.2.family", 4),
        ("tasks.b c.family", 9),
        ("tasks.b c.max_length", 5),
        ("tasks.both.max_length", 10),
        ("tasks.both.family", 4),
        ("tasks.b", None),
        ("tasks.v1.2.columns", None),
        ("mixture", None),
    ],
)
def test_a_key_stands_where_a_person_would_change_it(tmp_path: Path, key: str, line: int | None) -> None:
    path = tmp_path / "params.yaml"
    for ends in ("\n", "\r\n"):
        path.write_text(TEXT, newline=ends)
        assert line_of(path, key) == line
