"""JSON that people's tools write: a key that is there twice, and what nests too deep for who reads it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from components.data.sources import formats
from components.data.sources.formats.json_list import Shallow
from components.data.sources.record import Unreadable
from components.errors import UserError
from components.nesting import DEEPEST, parse_yaml
from components.settings.data import Source

CHOICE = '{"from_name": "l", "to_name": "text", "value": {"choices": ["up"], "choices": ["down"]}}'
TASK = f'{{"id": 1, "data": {{"text": "a"}}, "annotations": [{{"result": [{CHOICE}]}}]}}'
TWICE = {
    "a label of Prodigy's": ("prodigy", '{"text": "a", "label": "up", "label": "down", "answer": "accept"}'),
    "its answer": ("prodigy", '{"text": "a", "label": "up", "answer": "accept", "answer": "reject"}'),
    "a span's label": ("prodigy", '{"text": "abc", "spans": [{"start": 0, "end": 1, "label": "A", "label": "B"}]}'),
    "asked of a text": ("prodigy", '{"text": "a", "label": "up", "label": "down", "answer": "reject"}'),
    "doccano's": ("doccano", '{"text": "a", "label": ["up"], "label": ["down"]}'),
    "choices of Label Studio's": ("label_studio", f"[{TASK}]"),
    "the same on lines": ("label_studio", TASK),
    "DataTurks'": ("dataturks", '{"content": "a", "annotation": {"labels": ["up"], "labels": ["down"]}}'),
    "a relation": ("token_relations", '{"token": ["a", "b"], "relation": "r", "relation": "s"}'),
    "a turn's words": ("chat", '{"messages": [{"role": "user", "content": "a", "content": "b"}]}'),
    "a question": ("mrqa", '{"context": "a", "context": "b", "qas": [{"qid": "1"}]}'),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), TWICE.values(), ids=TWICE)
def test_of_a_key_that_is_there_twice_neither_value_is_taken(kind: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / "export"
    file.write_text(f"{text}\n")
    ((_, row),) = formats.rows(file, Source(path=str(file), format=kind))
    assert isinstance(row, Unreadable)
    assert row.reason.endswith("' is there twice")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("json", "[{}]"),
        ("json", '[{{"text": {}}}]'),
        ("squad", '{{"data": [{}]}}'),
        ("rasa", "nlu:\n- intent: {}\n"),
    ],
)
def test_what_nests_too_deep_is_one_sentence(kind: str, text: str, tmp_path: Path) -> None:
    """ijson took 25 GB for it, and libyaml ended the process."""
    file = tmp_path / "deep"
    file.write_text(text.format("[" * 3000 + "]" * 3000))
    with pytest.raises(UserError, match=f"deep.* nest deeper than {DEEPEST}"):
        list(formats.rows(file, Source(path=str(file), format=kind)))


def test_brackets_in_texts_do_not_nest(tmp_path: Path) -> None:
    rows = [{"text": '\\"[' * DEEPEST, "label": "{" * DEEPEST}] * 2
    file = tmp_path / "texts.json"
    file.write_text(json.dumps(rows))
    assert [row for _, row in formats.rows(file, Source(path=str(file), format="json"))] == rows


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 1000])
def test_a_text_ends_where_it_does_wherever_the_bytes_are_cut(size: int) -> None:
    data = json.dumps([{"a": 'x\\"[[{', "b": ["\\", "]"], "c": {"d": 'é\\"'}}] * 2).encode()
    file, depths = Shallow(io.BytesIO(data)), []
    while file.read(size):
        depths.append(file._depth)
    assert (depths[-1], max(depths)) == (0, 3 if size < 1000 else 0)
    with pytest.raises(RecursionError):
        Shallow(io.BytesIO(b'["]",' * (DEEPEST + 1))).read()


def test_yaml_that_nests_is_read_as_far_as_libyaml_bears() -> None:
    assert parse_yaml("[" * DEEPEST + "]" * DEEPEST)
    with pytest.raises(Exception, match="nest deeper"):
        parse_yaml("[" * (DEEPEST + 1))
