"""Where a key stands in params.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.errors import UserError
from components.params.reading import line_of, parsed

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


@pytest.mark.parametrize(
    ("content", "line", "expected"),
    [
        (
            "tasks:\n  mood:\n    family:tagging\n    max_length: 3\n",
            4,
            "a colon and a blank (`key: value`, here and on",
        ),
        ("example: {text: Re: invoice}\n", 1, "a text in it has a comma, a colon"),
        (
            "seed: 1\nexample: {text: 'it's late'}\nmodel: {}\n",
            2,
            "the bracket that opens here is not closed",
        ),
        (
            "seed: 1\ncolumns: {text: a, label: b\nmodel: {encoder: x}\n",
            2,
            "the bracket that opens here is not closed",
        ),
        ("seed: 1\nname: 'tiny\nmodel: 3\n", 2, "a quotation mark that opens here is not closed"),
        ("tasks:\n    mood: 1\n   size: 2\n", 3, "indented otherwise than its neighbours"),
        ("tasks:\n  - mood: 1\n  size: 2\n", 3, "a list (`- `) and keys are mixed"),
        ("seed: 1\nmodel\nmixture: 2\n", 2, "a key without a colon and a blank behind it"),
        ("text: @body\n", 1, "stands in quotes"),
        ("text: *body\n", 1, "stands in quotes"),
        ("text: !body\n", 1, "stands in quotes"),
        ("floor: %46\n", 1, "stands in quotes"),
        ("seed:\n\ttokens: 3\n", 2, "found a tab; YAML is indented with spaces"),
    ],
)
def test_what_is_no_yaml_is_said_in_plain_words(content: str, line: int, expected: str) -> None:
    with pytest.raises(UserError) as error:
        parsed(content.encode(), Path("params.yaml"))
    assert str(error.value).startswith(f"params.yaml: line {line}: ")
    assert expected in str(error.value)
    assert "<" not in str(error.value)
